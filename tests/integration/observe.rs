//! What an operator sees: the admin address, the metrics, the log.

use crate::{
    raw::{CLASSIFY, Wire, frame},
    support::{ARTICLE, Process, Server, article, config, request, root, target, tool, wiredesk},
};
use prost::Message as _;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tonic::{Code, Request, metadata::MetadataValue};
use wiredesk::{
    model::Classifier,
    service::{
        Config,
        pb::{self, model_service_client::ModelServiceClient},
        serve_admin,
    },
};

/// The admin address of a server in this process.
pub async fn admin(server: &Server) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve_admin(listener, Arc::clone(&server.registry)));
    address
}

/// Status, head and body of a GET.
async fn get(address: SocketAddr, path: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_lowercase(), body.to_owned())
}

/// Waits until `path` answers with `status`.
async fn becomes(address: SocketAddr, path: &str, status: u16) {
    for _ in 0..500 {
        if get(address, path).await.0 == status {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{path} never answered {status}");
}

/// The samples of `/metrics`: name with labels to value.
pub struct Samples(BTreeMap<String, f64>);

impl Samples {
    pub async fn of(address: SocketAddr) -> Self {
        let (status, head, body) = get(address, "/metrics").await;
        assert_eq!(status, 200);
        assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
        let samples = body.lines().filter(|line| !line.starts_with('#')).map(|line| line.rsplit_once(' ').unwrap());
        Self(samples.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect())
    }

    /// The sum of the samples that begin with `name` and bear all of `labels`, such as `code="OK"`.
    pub fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let of_name =
            |sample: &str| sample.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('{'));
        self.0.iter().filter(|(s, _)| of_name(s) && labels.iter().all(|l| s.contains(l))).map(|(_, value)| value).sum()
    }
}

/// Asks until what is seen is so: a stream's end is counted when its last frame leaves.
pub async fn eventually(address: SocketAddr, what: &str, holds: impl Fn(&Samples) -> bool) -> Samples {
    for _ in 0..200 {
        let samples = Samples::of(address).await;
        if holds(&samples) {
            return samples;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}: {:#?}", Samples::of(address).await.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ready_only_while_health_says_serving() {
    let mut server = Server::start_empty(Config { notice: Duration::from_secs(60), ..config() }).await;
    let address = admin(&server).await;
    assert_eq!(get(address, "/livez").await.0, 200);
    assert_eq!(get(address, "/readyz").await.0, 503, "no model yet");
    assert_eq!(Samples::of(address).await.sum("wiredesk_ready", &[]), 0.0);
    server.registry.install(Classifier::embedded().unwrap());
    becomes(address, "/readyz", 200).await;
    assert_eq!(Samples::of(address).await.sum("wiredesk_ready", &[]), 1.0);
    server.stop();
    becomes(address, "/readyz", 503).await;
    assert_eq!(get(address, "/livez").await.0, 200, "draining is no fault");
    let (status, _, body) = get(address, "/nothing").await;
    assert!(status == 404 && body.contains("/readyz"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_clients_do_not_take_the_admin_address() {
    let server = Server::start_empty(config()).await;
    let address = admin(&server).await;
    let mut silent = Vec::new();
    for _ in 0..70 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    // The first of them are sent away when their time is up, and then it is our turn.
    let answer = tokio::time::timeout(Duration::from_secs(30), get(address, "/livez")).await;
    assert_eq!(answer.expect("an answer").0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_binary_has_an_admin_address() {
    let server = Process::start(&["--admin", "127.0.0.1:0"]);
    let address = server.admin.as_deref().unwrap().parse().unwrap();
    // The log is a moment ahead of health.
    becomes(address, "/readyz", 200).await;
    let samples = Samples::of(address).await;
    assert_eq!(samples.sum("wiredesk_build_info", &[concat!("version=\"", env!("CARGO_PKG_VERSION"), "\"")]), 1.0);
    assert!(samples.sum("process_resident_memory_bytes", &[]) > 30e6, "the model alone has that");
}

#[test]
fn an_admin_address_that_cannot_be_had_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = wiredesk().args(["serve", "--listen", "127.0.0.1:0", "--admin", &address]).output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && log.contains(&format!("{address} (--admin)")), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_counted_by_method_and_code() {
    let server = Server::start(config()).await;
    let address = admin(&server).await;
    let mut client = server.client().await;
    for _ in 0..3 {
        client.classify(request("")).await.unwrap();
    }
    client.classify(pb::ClassifyRequest::default()).await.unwrap_err();
    let options = Some(pb::ClassifyOptions { model: "nobody".into(), ..Default::default() });
    client.classify(pb::ClassifyRequest { options, ..request("") }).await.unwrap_err();
    // By hand: the timer of a client may let the call go before the server's does.
    let late = frame(&request("").encode_to_vec());
    assert_eq!(Wire::connect(&server).await.call(CLASSIFY, &[("grpc-timeout", "1n")], late, true).await.0, "4");
    let batch = pb::ClassifyBatchRequest { requests: vec![request(""), pb::ClassifyRequest::default(), request("")] };
    client.classify_batch(batch).await.unwrap();
    // One stream to its end, and one that its client lets go.
    let message = || pb::ClassifyStreamRequest { request: Some(request("")) };
    let mut replies = client.classify_stream(tokio_stream::iter([message(), message()])).await.unwrap().into_inner();
    while replies.message().await.unwrap().is_some() {}
    let stream = "method=\"wiredesk.v1.ClassifierService/ClassifyStream\"";
    let (leave, stay) = std::sync::mpsc::channel::<()>();
    let to = format!("http://{}", server.address);
    let caller = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let _open = runtime.block_on(async {
            let mut client = pb::classifier_service_client::ClassifierServiceClient::connect(to).await.unwrap();
            client.classify_stream(tokio_stream::pending()).await.unwrap()
        });
        let _told = stay.recv();
        // With its runtime goes its connection.
        runtime.shutdown_background();
    });
    eventually(address, "in flight", |s| s.sum("wiredesk_calls_in_flight", &[stream]) == 1.0).await;
    drop(leave);
    caller.await.unwrap();
    let cancelled = |s: &Samples| s.sum("wiredesk_calls_total", &[stream, "code=\"CANCELLED\""]) == 1.0;
    let samples = eventually(address, "cancelled", cancelled).await;

    let calls = |method: &str, code: &str| {
        samples.sum("wiredesk_calls_total", &[&format!("Service/{method}\""), &format!("code=\"{code}\"")])
    };
    assert_eq!(calls("Classify", "OK"), 3.0);
    assert_eq!(calls("Classify", "INVALID_ARGUMENT"), 1.0);
    assert_eq!(calls("Classify", "NOT_FOUND"), 1.0);
    assert_eq!(calls("Classify", "DEADLINE_EXCEEDED"), 1.0);
    assert_eq!(calls("ClassifyBatch", "OK"), 1.0);
    assert_eq!(calls("ClassifyStream", "OK"), 1.0);
    assert_eq!(samples.sum("wiredesk_item_errors_total", &["code=\"INVALID_ARGUMENT\""]), 1.0);
    assert_eq!(samples.sum("wiredesk_calls_in_flight", &[]), 0.0);
    let single = "method=\"wiredesk.v1.ClassifierService/Classify\"";
    assert_eq!(samples.sum("wiredesk_call_seconds_count", &[single]), 6.0);
    assert_eq!(samples.sum("wiredesk_call_seconds_bucket", &[single, "le=\"+Inf\""]), 6.0);
    assert!(samples.sum("wiredesk_call_seconds_sum", &[single]) > 0.0);
    assert_eq!(samples.sum("wiredesk_queue_wait_seconds_count", &["lane=\"quick\""]), 3.0);
    assert_eq!(samples.sum("wiredesk_queue_wait_seconds_count", &["lane=\"bulk\""]), 4.0);
    assert_eq!(samples.sum("wiredesk_classify_seconds_count", &[]), 7.0);
    assert!(samples.sum("wiredesk_classify_seconds_sum", &[]) > 0.0);
    // An article takes tens of microseconds: that must be seen.
    for bound in ["0.00001", "0.00005", "0.0001", "0.0005"] {
        let bucket = format!("wiredesk_classify_seconds_bucket{{le=\"{bound}\"}}");
        assert!(samples.0.contains_key(&bucket), "{bucket}");
    }

    // What nobody serves is counted too, and does not make a series of each name that a stranger thinks of.
    let mut health = tonic_health::pb::health_client::HealthClient::new(server.channel().await);
    health.check(tonic_health::pb::HealthCheckRequest { service: "nobody".into() }).await.unwrap_err();
    let samples = Samples::of(address).await;
    assert_eq!(samples.sum("wiredesk_calls_total", &["grpc.health.v1.Health/Check", "code=\"NOT_FOUND\""]), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn overload_is_counted() {
    let server = Server::start(Config { threads: 1, max_in_flight: 1, ..config() }).await;
    let address = admin(&server).await;
    let client = server.client().await;
    let big = pb::ClassifyRequest { article: Some(article(&ARTICLE.repeat(800))), ..Default::default() };
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let (mut client, big) = (client.clone(), big.clone());
            tokio::spawn(async move { client.classify(big).await })
        })
        .collect();
    let mut refused = 0.0;
    for call in calls {
        if let Err(status) = call.await.unwrap() {
            assert_eq!(status.code(), Code::ResourceExhausted);
            refused += 1.0;
        }
    }
    assert!(refused > 0.0);
    let samples = Samples::of(address).await;
    assert_eq!(samples.sum("wiredesk_shed_total", &[]), refused);
    assert_eq!(samples.sum("wiredesk_calls_total", &["code=\"RESOURCE_EXHAUSTED\""]), refused);
    assert_eq!(samples.sum("wiredesk_queue_capacity", &[]), 1.0);
    assert_eq!(samples.sum("wiredesk_engine_threads", &[]), 1.0);
    assert_eq!(samples.sum("wiredesk_queue_length", &[]), 0.0);
}

/// What its caller has given up, or what has waited until its deadline, is dropped from the queue and costs nothing.
#[tokio::test(flavor = "multi_thread")]
async fn work_that_nobody_waits_for_is_not_done() {
    let server = Server::start(Config { threads: 1, ..config() }).await;
    let address = admin(&server).await;
    let client = server.client().await;
    let big = pb::ClassifyRequest { article: Some(article(&ARTICLE.repeat(80))), ..Default::default() };
    let classified = |s: &Samples| s.sum("wiredesk_classify_seconds_count", &[]);
    let gone = |s: &Samples| s.sum("wiredesk_dropped_total", &["reason=\"caller_gone\""]);

    // A batch of as many pieces as articles, whose caller goes when the first are done.
    let (mut caller, batch) = (client.clone(), pb::ClassifyBatchRequest { requests: vec![big.clone(); 100] });
    let batch = tokio::spawn(async move { caller.classify_batch(batch).await });
    eventually(address, "it is begun", |s| classified(s) >= 1.0).await;
    batch.abort();
    let cancelled = |s: &Samples| s.sum("wiredesk_calls_total", &["ClassifyBatch", "code=\"CANCELLED\""]) == 1.0;
    let before = classified(&eventually(address, "it is cancelled", cancelled).await);
    assert!(before < 90.0, "all was done before it was cancelled");
    // Pieces that were still there would have their turn after each of these.
    for _ in 0..10 {
        client.clone().classify(request("")).await.unwrap();
    }
    let samples = Samples::of(address).await;
    assert!(classified(&samples) <= before + 10.0 + 2.0, "{before}, and then {}", classified(&samples));
    let before = gone(&samples);

    // Single calls that wait, and are taken back. The one that is being answered takes long.
    let long = pb::ClassifyRequest { article: Some(article(&ARTICLE.repeat(800))), ..Default::default() };
    let call = |_| {
        let (mut caller, long) = (client.clone(), long.clone());
        tokio::spawn(async move { caller.classify(long).await })
    };
    let calls: Vec<_> = (0..40).map(call).collect();
    let waiting = |s: &Samples| s.sum("wiredesk_queue_length", &["lane=\"quick\""]);
    let begun = classified(&eventually(address, "they wait", |s| waiting(s) >= 15.0).await);
    calls.iter().for_each(tokio::task::JoinHandle::abort);
    let none = |s: &Samples| waiting(s) == 0.0 && s.sum("wiredesk_calls_in_flight", &[]) == 0.0;
    let samples = eventually(address, "nothing is left", none).await;
    assert!(classified(&samples) < begun + 10.0, "{begun}, and then {}", classified(&samples));
    assert!(gone(&samples) > before);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_counted_by_label_and_reason() {
    let server = Server::start(config()).await;
    let address = admin(&server).await;
    let mut client = server.client().await;
    let targets = vec![target("Syrian government"), target("Nobody of this Name")];
    for _ in 0..4 {
        client.classify(pb::ClassifyRequest { targets: targets.clone(), ..request("") }).await.unwrap();
    }
    let short = pb::ClassifyRequest { article: Some(article("Too short.")), ..Default::default() };
    client.classify(short).await.unwrap();
    let only = |head: pb::Head, text: &str| pb::ClassifyRequest {
        article: Some(article(text)),
        options: Some(pb::ClassifyOptions { heads: vec![head.into()], ..Default::default() }),
        ..Default::default()
    };
    let before = Samples::of(address).await;
    // The stance head looks no words up.
    client.classify(only(pb::Head::Stance, ARTICLE)).await.unwrap();
    let samples = Samples::of(address).await;
    assert_eq!(before.sum("wiredesk_features_total", &[]), samples.sum("wiredesk_features_total", &[]));

    let (topic, region, stance) = ("head=\"topic\"", "head=\"region\"", "head=\"stance\"");
    let conflict = "label=\"medtop:16000000\"";
    assert_eq!(samples.sum("wiredesk_answers_total", &[topic]), 4.0);
    assert_eq!(samples.sum("wiredesk_answers_total", &[topic, conflict]), 4.0);
    assert_eq!(samples.sum("wiredesk_answers_total", &[region, "label=\"MENA\""]), 4.0);
    assert_eq!(samples.sum("wiredesk_answers_total", &["label=\"other\""]), 0.0, "all labels are the card's");
    assert_eq!(before.sum("wiredesk_answers_total", &[stance, "label=\"critical\""]), 4.0);
    assert_eq!(before.sum("wiredesk_answers_total", &[stance, "label=\"target_not_found\""]), 4.0);
    assert_eq!(samples.sum("wiredesk_abstained_total", &[topic, "reason=\"too_short\""]), 1.0);
    assert_eq!(samples.sum("wiredesk_abstained_total", &[region]), 1.0);
    let mean = samples.sum("wiredesk_confidence_sum", &[topic]) / samples.sum("wiredesk_confidence_count", &[topic]);
    // Four that are sure, and the one that is too short.
    assert!((0.8..0.95).contains(&mean), "{mean}");
    let (all, unknown) =
        (samples.sum("wiredesk_features_total", &[]), samples.sum("wiredesk_features_unknown_total", &[]));
    assert!(unknown > 0.0 && unknown < all, "{unknown} of {all}");

    // All of one kind is another population than the training data; of nothing at all nothing is said.
    assert!(samples.sum("wiredesk_label_drift", &[topic]) > 1.0);
    assert_eq!(samples.sum("wiredesk_label_drift_answers", &[topic]), 4.0);
    let fresh = Server::start(config()).await;
    let fresh = Samples::of(admin(&fresh).await).await;
    assert!(!fresh.0.keys().any(|name| name.starts_with("wiredesk_label_drift{")));
    let identity = client.classify(request("")).await.unwrap().into_inner().model.unwrap();
    let labels = [format!("version=\"{}\"", identity.version), format!("digest=\"{}\"", identity.digest)];
    assert_eq!(fresh.sum("wiredesk_model_info", &[&labels[0], &labels[1], "default=\"true\""]), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_fails_is_counted() {
    let server = Server::start(config()).await;
    let address = admin(&server).await;
    let mut models = ModelServiceClient::new(server.channel().await);
    models.reload_model(pb::ReloadModelRequest {}).await.unwrap_err();
    assert_eq!(Samples::of(address).await.sum("wiredesk_model_load_failures_total", &[]), 0.0, "nothing to load from");
    server.registry.load_from(wiredesk::service::Source::Folder("no/such/dir".into()));
    models.reload_model(pb::ReloadModelRequest {}).await.unwrap_err();
    let samples = Samples::of(address).await;
    assert_eq!(samples.sum("wiredesk_model_load_failures_total", &[]), 1.0);
    assert_eq!(samples.sum("wiredesk_model_swaps_total", &[]), 0.0);
}

/// Name, kind and help of each family of `/metrics`.
async fn families(address: SocketAddr) -> BTreeMap<String, (String, String)> {
    let (_, _, body) = get(address, "/metrics").await;
    let after = |mark: &str| -> BTreeMap<String, String> {
        let lines = body.lines().filter_map(|line| line.strip_prefix(mark)?.split_once(' '));
        lines.map(|(name, rest)| (name.to_owned(), rest.to_owned())).collect()
    };
    let (kinds, mut helps) = (after("# TYPE "), after("# HELP "));
    kinds.into_iter().map(|(name, kind)| (name.clone(), (kind, helps.remove(&name).unwrap()))).collect()
}

/// The table in the documentation is the page. `WIREDESK_BLESS=1` writes it anew.
#[tokio::test(flavor = "multi_thread")]
async fn every_metric_is_documented() {
    let server = Server::start_empty(config()).await;
    let table: String = families(admin(&server).await)
        .await
        .into_iter()
        .map(|(name, (kind, help))| format!("| `{name}` | {kind} | {help} |\n"))
        .collect();
    let path = root().join("docs/OPERATIONS.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("<!-- metrics -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of metrics -->").unwrap();
    let expect = format!(
        "{before}<!-- metrics -->\n| name | kind | meaning |\n| --- | --- | --- |\n{table}<!-- end of metrics -->{after}"
    );
    if std::env::var_os("WIREDESK_BLESS").is_some() {
        fs::write(&path, &expect).unwrap();
    }
    assert!(text == expect || std::env::var_os("WIREDESK_BLESS").is_some(), "docs/OPERATIONS.md differs:\n{table}");
}

/// A dashboard or an alert on a number that does not exist would never say anything.
#[tokio::test(flavor = "multi_thread")]
async fn dashboard_and_alerts_name_metrics_that_exist() {
    let server = Server::start_empty(config()).await;
    let families = families(admin(&server).await).await;
    let mut unseen: BTreeSet<_> = families.keys().map(String::as_str).collect();
    for file in ["grafana/wiredesk.json", "prometheus/wiredesk.rules.yml"] {
        let text = fs::read_to_string(root().join("deploy").join(file)).unwrap();
        let mut names = 0;
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            if !word.starts_with("wiredesk_") && !word.starts_with("process_") {
                continue;
            }
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| {
                let name = word.strip_suffix(end)?;
                families.get(name).is_some_and(|(kind, _)| kind == "histogram").then_some(name)
            });
            let family = family.unwrap_or(word);
            assert!(families.contains_key(family), "{file}: {word} is no metric");
            unseen.remove(family);
            names += 1;
        }
        assert!(names > 10, "{file}: {names} names");
    }
    serde_json::from_str::<serde_json::Value>(
        &fs::read_to_string(root().join("deploy/grafana/wiredesk.json")).unwrap(),
    )
    .unwrap();
    // What may be missing from both.
    for name in ["process_virtual_memory_bytes", "wiredesk_queue_capacity", "wiredesk_engine_threads"] {
        unseen.remove(name);
    }
    assert!(unseen.is_empty(), "shown nowhere: {unseen:?}");
}

/// Prometheus's own checker, on the page of a server that has answered calls, and on the rules with their test.
#[tokio::test(flavor = "multi_thread")]
async fn promtool_finds_no_fault() {
    let Some(promtool) = tool("promtool") else { return };
    let server = Server::start(config()).await;
    let mut client = server.client().await;
    for _ in 0..3 {
        client.classify(request("")).await.unwrap();
    }
    client.classify(pb::ClassifyRequest::default()).await.unwrap_err();
    let (_, _, page) = get(admin(&server).await, "/metrics").await;
    let mut check = Command::new(&promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    check.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let rules = root().join("deploy/prometheus");
    for args in [["check", "rules", "wiredesk.rules.yml"], ["test", "rules", "wiredesk.test.yml"]] {
        let output = Command::new(&promtool).args(args).current_dir(&rules).output().unwrap();
        let says = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&says));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_comes_back() {
    let server = Server::start(config()).await;
    let mut client = server.client().await;
    let with_id = |id: &'static str| {
        let mut request = Request::new(request(""));
        request.metadata_mut().insert("x-request-id", MetadataValue::from_static(id));
        request
    };
    let reply = client.classify(with_id("abc-1")).await.unwrap();
    assert_eq!(reply.metadata().get("x-request-id").unwrap(), "abc-1");
    assert!(client.classify(request("")).await.unwrap().metadata().get("x-request-id").is_none());
    // What goes wrong has an id in any case.
    let ids = [
        client.classify(pb::ClassifyRequest::default()).await.unwrap_err(),
        client.classify(pb::ClassifyRequest::default()).await.unwrap_err(),
    ]
    .map(|status| status.metadata().get("x-request-id").unwrap().to_str().unwrap().to_owned());
    assert!(ids[0].len() == 16 && ids[0] != ids[1], "{ids:?}");
}

/// One line a call when asked for, with its id; and at no level what was sent.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_of_calls_and_not_what_was_in_them() {
    const SECRETS: [&str; 5] =
        ["Secretword Alpha", "Secretword Bravo", "Secretword Charlie", "Secretword-Delta", "Secretword Echo"];
    for (filter, level) in [("info,wiredesk::access=debug", "DEBUG"), ("trace", "DEBUG")] {
        let mut server = wiredesk()
            .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--log", filter])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(server.stderr.take().unwrap()).lines().map(Result::unwrap);
        let mut lines: Vec<String> = Vec::new();
        let mut address = None;
        for line in log.by_ref() {
            let json: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            let fields = &json["fields"];
            if fields["message"] == "listening" {
                address = fields["address"].as_str().map(str::to_owned);
            }
            lines.push(line);
            if fields["message"] == "serving" {
                break;
            }
        }
        let reader = std::thread::spawn(move || log.collect::<Vec<_>>());
        let channel = tonic::transport::Endpoint::from_shared(format!("http://{}", address.unwrap())).unwrap();
        let mut client = pb::classifier_service_client::ClassifierServiceClient::connect(channel).await.unwrap();
        let article =
            pb::Article { title: SECRETS[0].into(), text: format!("{}. {ARTICLE}", SECRETS[1]), ..Default::default() };
        let secret = |id: &str| {
            let mut request = Request::new(pb::ClassifyRequest {
                article: Some(article.clone()),
                targets: vec![target(SECRETS[2])],
                request_id: id.into(),
                ..Default::default()
            });
            request.metadata_mut().insert("authorization", MetadataValue::from_static("Bearer Secretword-Delta"));
            request
        };
        let mut first = secret("in the message");
        first.metadata_mut().insert("x-request-id", MetadataValue::from_static("in-the-head"));
        client.classify(first).await.unwrap();
        client.classify(secret("in the message")).await.unwrap();
        let mut wrong = secret("");
        wrong.get_mut().article.as_mut().unwrap().language = SECRETS[4].into();
        client.classify(wrong).await.unwrap_err();
        drop(client);
        let pid = server.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        server.wait().unwrap();
        lines.extend(reader.join().unwrap());

        let all = lines.join("\n");
        for secret in SECRETS {
            assert!(!all.contains(secret), "{filter}: {secret}");
        }
        let calls: Vec<serde_json::Value> = lines
            .iter()
            .map(|line| serde_json::from_str(line).expect("each line is JSON"))
            .filter(|json: &serde_json::Value| json["target"] == "wiredesk::access")
            .collect();
        let seen = |field: &str| -> Vec<_> { calls.iter().map(|c| c["fields"][field].as_str().unwrap()).collect() };
        assert_eq!(seen("code"), ["OK", "OK", "INVALID_ARGUMENT"], "{filter}");
        assert_eq!(seen("request_id")[..2], ["in-the-head", "in the message"]);
        assert_eq!(seen("request_id")[2].len(), 16, "made");
        assert!(seen("method").iter().all(|m| *m == "wiredesk.v1.ClassifierService/Classify"));
        assert!(seen("duration").iter().all(|d| d.ends_with('s')));
        assert!(calls.iter().all(|c| c["level"] == level));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_in_json_are_counted_as_the_calls_that_they_are() {
    let (server, http) = Server::start_with_http(config()).await;
    let address = admin(&server).await;
    let post = |id: &'static str, body: &'static str| async move {
        let mut tcp = TcpStream::connect(http).await.unwrap();
        let length = body.len();
        let head = format!(
            "POST /v1/classify HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{id}content-length: {length}\r\n\r\n{body}"
        );
        tcp.write_all(head.as_bytes()).await.unwrap();
        let mut reply = Vec::new();
        tcp.read_to_end(&mut reply).await.unwrap();
        String::from_utf8_lossy(&reply).to_lowercase()
    };
    let good = post("x-request-id: desk-7\r\n", r#"{"article": {"text": "Rain is forecast for the coast."}}"#).await;
    assert!(good.starts_with("http/1.1 200") && good.contains("x-request-id: desk-7"), "{good}");
    let bad = post("", "{}").await;
    assert!(bad.starts_with("http/1.1 400") && bad.contains("x-request-id: "), "an id to ask about: {bad}");
    let samples = Samples::of(address).await;
    let calls = |code: &str| samples.sum("wiredesk_calls_total", &["Service/Classify\"", &format!("code=\"{code}\"")]);
    assert_eq!((calls("OK"), calls("INVALID_ARGUMENT")), (1.0, 1.0));
    assert_eq!(samples.sum("wiredesk_calls_in_flight", &[]), 0.0);
}
