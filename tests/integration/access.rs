//! Who may call: certificates, tokens, roles, and what is refused at the door.

use crate::{
    raw::{Wire, frame},
    support::{Process, Server, config, request, wait_for, wiredesk},
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::{fs, path::PathBuf, process::Stdio, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tonic::{
    Code, Request,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use wiredesk::service::{
    Access, Config, TlsFiles,
    pb::{self, classifier_service_client::ClassifierServiceClient, model_service_client::ModelServiceClient},
};

/// An authority and what it signed.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Certificate and key.
    fn sign(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let cert = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        (cert.pem(), key.serialize_pem())
    }

    fn trusted(&self) -> ClientTlsConfig {
        ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&self.pem)).domain_name("localhost")
    }
}

/// A folder with the files of a server.
struct Files {
    dir: tempfile::TempDir,
    authority: Authority,
}

impl Files {
    fn new() -> Self {
        let files = Self { dir: tempfile::tempdir().unwrap(), authority: Authority::new() };
        files.sign(&files.authority);
        fs::write(files.path("ca.pem"), &files.authority.pem).unwrap();
        files
    }

    /// Gives the server a certificate of this authority.
    fn sign(&self, authority: &Authority) {
        let (cert, key) = authority.sign("localhost");
        fs::write(self.path("cert.pem"), cert).unwrap();
        fs::write(self.path("key.pem"), key).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn tls(&self, client_ca: Option<PathBuf>) -> TlsFiles {
        TlsFiles { cert: self.path("cert.pem"), key: self.path("key.pem"), client_ca }
    }

    fn config(&self, tls: Option<TlsFiles>, tokens: Option<PathBuf>) -> Config {
        Config { access: Arc::new(Access::open(tls, tokens).unwrap()), ..config() }
    }
}

async fn connect(server: &Server, tls: ClientTlsConfig) -> Result<Channel, tonic::transport::Error> {
    let endpoint = Endpoint::from_shared(format!("https://{}", server.address)).unwrap();
    endpoint.tls_config(tls).unwrap().connect().await
}

async fn classify(channel: &Channel, token: Option<&str>) -> Result<(), Code> {
    let mut request = Request::new(request(""));
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    ClassifierServiceClient::new(channel.clone()).classify(request).await.map(drop).map_err(|s| s.code())
}

async fn healthy(channel: &Channel) -> bool {
    HealthClient::new(channel.clone()).check(HealthCheckRequest::default()).await.is_ok()
}

#[tokio::test]
async fn a_new_certificate_is_shown_and_no_call_is_dropped() {
    let files = Files::new();
    let server = Server::start(files.config(Some(files.tls(None)), None)).await;
    let old = connect(&server, files.authority.trusted()).await.unwrap();
    classify(&old, None).await.unwrap();
    let plain = Endpoint::from_shared(format!("http://{}", server.address)).unwrap().connect().await;
    assert!(plain.is_err() || !healthy(&plain.unwrap()).await, "not encrypted");
    // A stream that is open while the certificate changes.
    let (send, requests) = tokio::sync::mpsc::channel(4);
    let requests = tokio_stream::wrappers::ReceiverStream::new(requests);
    let message = |id: &str| pb::ClassifyStreamRequest { request: Some(request(id)) };
    let mut client = ClassifierServiceClient::new(old.clone());
    let mut replies = client.classify_stream(requests).await.unwrap().into_inner();
    send.send(message("before")).await.unwrap();
    assert_eq!(replies.message().await.unwrap().unwrap().request_id, "before");

    let next = Authority::new();
    assert!(connect(&server, next.trusted()).await.is_err(), "the old certificate");
    // A certificate without its key changes nothing.
    fs::write(files.path("cert.pem"), next.sign("localhost").0).unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    connect(&server, files.authority.trusted()).await.expect("the old certificate still");
    files.sign(&next);
    let mut tries = 0;
    let new = loop {
        match connect(&server, next.trusted()).await {
            Ok(channel) => break channel,
            Err(error) => assert!(tries < 50, "{error}"),
        }
        tries += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    classify(&new, None).await.unwrap();
    assert!(connect(&server, files.authority.trusted()).await.is_err(), "the new certificate only");
    send.send(message("after")).await.unwrap();
    assert_eq!(replies.message().await.unwrap().unwrap().request_id, "after");
    classify(&old, None).await.unwrap();
}

#[tokio::test]
async fn clients_show_a_certificate_or_get_health_only() {
    let files = Files::new();
    let server = Server::start(files.config(Some(files.tls(Some(files.path("ca.pem")))), None)).await;
    let nobody = connect(&server, files.authority.trusted()).await.unwrap();
    assert!(healthy(&nobody).await);
    assert_eq!(classify(&nobody, None).await, Err(Code::Unauthenticated));
    let (cert, key) = files.authority.sign("client");
    let known = connect(&server, files.authority.trusted().identity(Identity::from_pem(cert, key))).await.unwrap();
    assert_eq!(classify(&known, None).await, Ok(()));
    let (cert, key) = Authority::new().sign("client");
    let forged = files.authority.trusted().identity(Identity::from_pem(cert, key));
    let forged = match connect(&server, forged).await {
        Ok(channel) => healthy(&channel).await,
        Err(_refused) => false,
    };
    assert!(!forged, "a certificate of somebody else is worse than none");
}

const WEB: &str = "web-secret-0123456789";
const OPS: &str = "ops-secret-0123456789";
const NEW: &str = "new-secret-0123456789";

#[tokio::test]
async fn tokens_have_roles_and_are_read_again() {
    let files = Files::new();
    let path = files.path("tokens");
    fs::write(&path, format!("web classify {WEB}\nops admin {OPS}\n")).unwrap();
    let server = Server::start(files.config(None, Some(path.clone()))).await;
    let channel = server.channel().await;
    assert!(healthy(&channel).await);
    assert_eq!(classify(&channel, Some(WEB)).await, Ok(()));
    for (token, code) in [
        (None, Code::Unauthenticated),
        (Some("wrong-secret-0123456789"), Code::Unauthenticated),
        (Some(&WEB[1..]), Code::Unauthenticated),
        (Some(OPS), Code::PermissionDenied),
    ] {
        assert_eq!(classify(&channel, token).await, Err(code), "{token:?}");
    }
    let reload = async |token: &str| {
        let mut request = Request::new(pb::ReloadModelRequest {});
        request.metadata_mut().insert("authorization", format!("bearer {token}").parse().unwrap());
        ModelServiceClient::new(channel.clone()).reload_model(request).await.unwrap_err().code()
    };
    assert_eq!(reload(WEB).await, Code::PermissionDenied);
    assert_eq!(reload(OPS).await, Code::FailedPrecondition, "allowed, but the model is in the binary");
    // A stream is a call like any other.
    let mut client = ClassifierServiceClient::new(channel.clone());
    let stream = client.classify_stream(tokio_stream::iter([pb::ClassifyStreamRequest::default()])).await;
    assert_eq!(stream.unwrap_err().code(), Code::Unauthenticated);

    fs::write(&path, "wrong\n").unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(classify(&channel, Some(WEB)).await, Ok(()), "a wrong file changes nothing");
    fs::write(&path, format!("web classify,admin {NEW}\n")).unwrap();
    for _ in 0..50 {
        if classify(&channel, Some(NEW)).await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(classify(&channel, Some(NEW)).await, Ok(()));
    assert_eq!(classify(&channel, Some(WEB)).await, Err(Code::Unauthenticated));
    assert_eq!(reload(NEW).await, Code::FailedPrecondition);
}

#[test]
fn nothing_stands_open_unless_told_so() {
    let files = Files::new();
    let (cert, key) = (files.text("cert.pem"), files.text("key.pem"));
    for (args, code, says) in [
        (vec!["--listen", "0.0.0.0:0"], 1, "say --insecure-public if that is meant"),
        (vec!["--listen", "127.0.0.1:0", "--http", "0.0.0.0:0"], 1, "--http 0.0.0.0:"),
        (vec!["--listen", "127.0.0.1:0", "--admin", "0.0.0.0:0"], 1, "--admin 0.0.0.0:"),
        (vec!["--listen", "127.0.0.1:0", "--tls-cert", &cert, "--tls-key", &cert], 1, "cannot read a private key"),
        (vec!["--listen", "127.0.0.1:0", "--tls-cert", &key, "--tls-key", &key], 1, "no certificate in it"),
        (vec!["--listen", "127.0.0.1:0", "--tls-cert", &cert], 2, "--tls-key <FILE>"),
        (vec!["--listen", "127.0.0.1:0", "--tokens", &cert], 1, "cert.pem:1: three words are expected"),
    ] {
        let mut child = wiredesk().arg("serve").args(&args).stderr(Stdio::piped()).spawn().unwrap();
        // One that stands open would go on for ever.
        if !wait_for(|| child.try_wait().unwrap().is_some()) {
            child.kill().unwrap();
        }
        let output = child.wait_with_output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(code) && log.contains(says), "{args:?}: {log}");
        assert!(!log.contains("PRIVATE KEY"), "{log}");
    }
    for args in [vec!["--insecure-public"], vec!["--tls-cert", &cert, "--tls-key", &key]] {
        let mut child =
            wiredesk().args(["serve", "--listen", "0.0.0.0:0"]).args(&args).stderr(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(700));
        let alive = child.try_wait().unwrap().is_none();
        child.kill().unwrap();
        let log = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
        assert!(alive, "{log}");
    }
}

/// Who connects and does not finish the handshake is dropped, before anybody knows who it is.
#[tokio::test]
async fn a_handshake_that_stands_still_ends() {
    let files = Files::new();
    let config = files.config(Some(files.tls(None)), None);
    let server = Server::start(Config { handshake_timeout: Duration::from_millis(300), ..config }).await;
    let mut tcp = TcpStream::connect(server.address).await.unwrap();
    // The head of a record whose rest never comes.
    tcp.write_all(&[22, 3, 1, 0, 200]).await.unwrap();
    let mut rest = Vec::new();
    let ended = timeout(Duration::from_secs(10), tcp.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "it holds its place");
    classify(&connect(&server, files.authority.trusted()).await.unwrap(), None).await.unwrap();
}

/// Probes and tools have no token; everything that answers from a model asks for one, also what does not exist.
#[tokio::test]
async fn only_what_probes_and_tools_ask_needs_no_token() {
    let files = Files::new();
    fs::write(files.path("tokens"), format!("web classify {WEB}\n")).unwrap();
    let server = Server::start(files.config(None, Some(files.path("tokens")))).await;
    let mut wire = Wire::connect(&server).await;
    for (path, open) in [
        ("/grpc.health.v1.Health/Check", true),
        ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", true),
        ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", true),
        ("/inference.GRPCInferenceService/ServerLive", true),
        ("/inference.GRPCInferenceService/ServerReady", true),
        ("/inference.GRPCInferenceService/ModelReady", true),
        ("/inference.GRPCInferenceService/ModelMetadata", false),
        ("/inference.GRPCInferenceService/ModelInfer", false),
        ("/wiredesk.v1.ClassifierService/Classify", false),
        ("/wiredesk.v1.ClassifierService/ClassifyBatch", false),
        ("/wiredesk.v1.ClassifierService/ClassifyStream", false),
        ("/wiredesk.v1.ModelService/ListModels", false),
        ("/wiredesk.v1.ModelService/GetModel", false),
        ("/wiredesk.v1.ModelService/ReloadModel", false),
        ("/wiredesk.v1.ModelService/RollbackModel", false),
        ("/wiredesk.v1.FeedbackService/Correct", false),
        ("/nobody.Knows/This", false),
    ] {
        let (status, says) = wire.call(path, &[], frame(b""), true).await;
        assert_eq!(status != "16", open, "{path}: {status} {says}");
    }
    let token = ("authorization", &*format!("Bearer {WEB}"));
    for path in ["/wiredesk.v1.ModelService/ReloadModel", "/wiredesk.v1.ModelService/RollbackModel"] {
        assert_eq!(wire.call(path, &[token], frame(b""), true).await.0, "7", "{path} is for admins");
    }
}

/// SIGHUP reads tokens anew, also where nobody could see that the file has changed.
#[test]
fn a_hangup_reads_the_tokens_again() {
    let files = Files::new();
    let path = files.path("tokens");
    fs::write(&path, format!("web classify {WEB}\n")).unwrap();
    let server = Process::start(&["--tokens", &files.text("tokens")]);
    let seen = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, format!("web classify {NEW}\n")).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(seen).unwrap();
    server.signal("HUP");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let knows = |token: &str| {
        runtime.block_on(async {
            let endpoint = Endpoint::from_shared(format!("http://{}", server.address)).unwrap();
            classify(&endpoint.connect().await.unwrap(), Some(token)).await.is_ok()
        })
    };
    assert!(wait_for(|| knows(NEW)));
    assert!(!knows(WEB));
}

/// As a container asks: by the server's own settings, with TLS, a client authority, tokens, a unix socket.
#[test]
fn the_probe_asks_whatever_the_server_is() {
    let files = Files::new();
    fs::write(files.path("tokens"), format!("web classify {WEB}\n")).unwrap();
    let (cert, key, ca, tokens) =
        (files.text("cert.pem"), files.text("key.pem"), files.text("ca.pem"), files.text("tokens"));
    let args = ["--tls-cert", &cert, "--tls-key", &key, "--client-ca", &ca, "--tokens", &tokens, "--log", "trace"];
    let server = Process::start(&args);
    let health = |settings: &[(&str, &str)], args: &[&str]| {
        let output = wiredesk().arg("health").envs(settings.iter().copied()).args(args).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let inside = [("WIREDESK_LISTEN", server.address.as_str()), ("WIREDESK_TLS_CERT", &cert)];
    assert_eq!(health(&inside, &[]), (Some(0), String::new()));
    let by_name = format!("localhost:{}", server.address.rsplit_once(':').unwrap().1);
    assert_eq!(health(&[], &["--address", &by_name, "--tls-ca", &ca]), (Some(0), String::new()));
    // Not by another certificate, not by an address that is not in it, not in the open.
    let other = Files::new();
    for args in [
        vec!["--address", &server.address, "--tls-cert", &other.text("cert.pem")],
        vec!["--address", &server.address, "--tls-ca", &ca],
        vec!["--address", &server.address],
    ] {
        assert_eq!(health(&[], &args).0, Some(1), "{args:?}");
    }

    let socket = format!("unix:{}", files.text("wiredesk.sock"));
    let mut server = Process::start_on(&socket, &[]);
    assert_eq!(server.address, socket);
    assert_eq!(health(&[("WIREDESK_LISTEN", &socket)], &[]), (Some(0), String::new()));
    // Left behind by a server that was killed, it is taken over; it goes with one that ends.
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    assert!(files.path("wiredesk.sock").exists());
    let mut server = Process::start_on(&socket, &[]);
    let taken = wiredesk().args(["serve", "--listen", &socket]).output().unwrap();
    assert_eq!(taken.status.code(), Some(1), "one that lives is not");
    assert_eq!(health(&[], &["--address", &socket]).0, Some(0));
    server.signal("TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    assert!(wait_for(|| !files.path("wiredesk.sock").exists()));
}

/// Where certificates are asked for, who is on this machine and may open the socket is known by that.
#[test]
fn a_unix_socket_is_as_good_as_a_certificate() {
    let files = Files::new();
    let (cert, key, ca) = (files.text("cert.pem"), files.text("key.pem"), files.text("ca.pem"));
    let socket = format!("unix:{}", files.text("wiredesk.sock"));
    let _server = Process::start_on(&socket, &["--tls-cert", &cert, "--tls-key", &key, "--client-ca", &ca]);
    let path = files.path("wiredesk.sock");
    let dial = tower::service_fn(move |_: http::Uri| {
        let path = path.clone();
        async move { tokio::net::UnixStream::connect(path).await.map(hyper_util::rt::TokioIo::new) }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let channel = Endpoint::from_static("http://localhost").connect_with_connector(dial).await.unwrap();
        assert_eq!(classify(&channel, None).await, Ok(()));
    });
}

/// A socket that was opened before the server was.
#[test]
fn takes_the_socket_that_systemd_opened() {
    let Some(python) = ["/usr/bin/python3", "/usr/local/bin/python3"].into_iter().find(|p| fs::exists(p).unwrap())
    else {
        return;
    };
    // What systemd does: the socket is descriptor 3, and the process is told so by its own id.
    let script = "import os, socket, sys
s = socket.create_server(('127.0.0.1', 0))
print(s.getsockname()[1], flush=True)
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[1], sys.argv[1:])";
    let mut server = std::process::Command::new(python)
        .args(["-c", script, env!("CARGO_BIN_EXE_wiredesk"), "serve", "--listen", "systemd"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut port = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(server.stdout.take().unwrap()), &mut port).unwrap();
    let address = format!("127.0.0.1:{}", port.trim());
    let healthy = || wiredesk().args(["health", "--address", &address]).output().unwrap().status.success();
    assert!(wait_for(healthy));
    server.kill().unwrap();
    server.wait().unwrap();
    let none = wiredesk().args(["serve", "--listen", "systemd"]).output().unwrap();
    assert!(String::from_utf8(none.stderr).unwrap().contains("LISTEN_FDS"));
}

/// Whatever is logged, no token is.
#[test]
fn secrets_are_not_logged() {
    let files = Files::new();
    fs::write(files.path("tokens"), format!("web classify,admin {WEB}\n")).unwrap();
    let tokens = files.text("tokens");
    let log = files.path("log");
    let mut child = wiredesk()
        .args(["serve", "--listen", "127.0.0.1:0", "--log", "trace", "--tokens", &tokens])
        .stderr(fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let read = || fs::read_to_string(&log).unwrap();
    assert!(wait_for(|| read().contains("serving name=")));
    let text = read();
    let address = text.split_once("listening address=").unwrap().1.lines().next().unwrap().to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
        classify(&channel, Some(WEB)).await.unwrap();
        classify(&channel, Some(OPS)).await.unwrap_err();
        let mut request = Request::new(pb::ReloadModelRequest {});
        request.metadata_mut().insert("authorization", format!("Bearer {WEB}").parse().unwrap());
        ModelServiceClient::new(channel.clone()).reload_model(request).await.unwrap_err();
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let text = read();
    assert!(text.contains("an admin call") && text.contains("web"), "{text}");
    assert!(!text.contains(WEB) && !text.contains(OPS));
}
