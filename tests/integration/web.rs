//! Over HTTP without gRPC: JSON and its document, gRPC-Web, and pages of other sites.

use crate::support::{ARTICLE, Server, Summary, TARGET, config, request, root, wiredesk};
use prost::Message as _;
use serde_json::{Value, json};
use std::{fs, io::Write as _, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use wiredesk::service::{Access, Config, parse_origin, pb};

/// A reply of HTTP/1.1.
#[derive(Debug)]
struct Reply {
    status: u16,
    /// Lower case.
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// One request on a connection of its own, by hand.
async fn ask(address: SocketAddr, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    let mut head = format!("{line} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("content-length: {}\r\n\r\n", body.len());
    tcp.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    let mut reply = Vec::new();
    tcp.read_to_end(&mut reply).await.unwrap();
    let at = reply.windows(4).position(|w| w == b"\r\n\r\n").expect("no HTTP");
    let head = String::from_utf8(reply[..at].to_vec()).unwrap().to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = reply.split_off(at + 4);
    let body = if head.contains("transfer-encoding: chunked") { unchunk(&body) } else { body };
    Reply { status, head, body }
}

fn unchunk(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(at) = body.windows(2).position(|w| w == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&body[..at]).unwrap(), 16).unwrap();
        whole.extend(&body[at + 2..at + 2 + size]);
        body = &body[at + 4 + size..];
    }
    whole
}

fn question() -> Value {
    json!({"article": {"id": "a-1", "text": ARTICLE}, "targets": [{"name": TARGET}], "requestId": "r-1"})
}

#[tokio::test]
async fn json_is_the_grpc_answer_to_the_last_digit() {
    let (server, http) = Server::start_with_http(config()).await;
    let grpc: Summary = server.client().await.classify(request("r-1")).await.unwrap().into_inner().into();
    let body = question().to_string();
    let reply = ask(http, "POST /v1/classify", &[("content-type", "application/json")], body.as_bytes()).await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    let answer = reply.json();
    assert_eq!(Summary::from(&answer), grpc);
    assert_eq!((answer["requestId"].as_str(), answer["articleId"].as_str()), (Some("r-1"), Some("a-1")));
    assert!(answer["timing"]["compute"].as_str().unwrap().ends_with('s'), "canonical durations");

    // And the command line's.
    let row = json!({"id": "a-1", "text": ARTICLE, "targets": [TARGET]}).to_string();
    let mut child = wiredesk()
        .args(["classify", "-", "--input-format", "jsonl"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(row.as_bytes()).unwrap();
    let line = child.wait_with_output().unwrap().stdout;
    assert_eq!(Summary::from(&serde_json::from_slice::<Value>(&line).unwrap()), grpc);

    // Packed, with the proto's own names, and in a batch beside one that is wrong.
    let batch =
        json!({"requests": [question(), {"request_id": "bad", "article": {"text": "x", "language": "no tag"}}]})
            .to_string();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(batch.as_bytes()).unwrap();
    let packed = [("gzip", gzip.finish().unwrap()), ("zstd", zstd::encode_all(batch.as_bytes(), 3).unwrap())];
    for (name, packed) in packed {
        let reply = ask(http, "POST /v1/classify:batch", &[("content-encoding", name)], &packed).await;
        let results = reply.json()["results"].clone();
        assert_eq!(Summary::from(&results[0]["response"]), grpc, "{name}");
        let error = &results[1]["error"];
        assert_eq!(error["code"], 3);
        assert_eq!(error["details"][0]["@type"], "type.googleapis.com/google.rpc.BadRequest");
        let field = error["details"][0]["fieldViolations"][0]["field"].as_str().unwrap();
        assert!(field == "requests[1].article.language", "{error}");
    }
    let models = ask(http, "GET /v1/models", &[], b"").await.json();
    let name = models["models"][0]["name"].as_str().unwrap();
    let card = ask(http, &format!("GET /v1/models/{name}"), &[], b"").await.json();
    assert_eq!(card["card"]["identity"], models["models"][0]);
}

#[tokio::test]
async fn what_is_wrong_over_http_is_said() {
    let (_server, http) = Server::start_with_http(Config { max_message_bytes: 4_096, ..config() }).await;
    let long = "x".repeat(5_000);
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&vec![b' '; 1 << 20]).unwrap();
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 4_096);
    for (line, headers, body, status, says) in [
        ("POST /v1/classify", vec![], &b"{"[..], 400, "not the JSON of wiredesk.v1.ClassifyRequest"),
        ("POST /v1/classify", vec![], b"{\"artcle\": {}}", 400, "artcle"),
        ("POST /v1/classify", vec![], b"{} {}", 400, "trailing"),
        ("POST /v1/classify", vec![], b"", 400, "article: missing"),
        ("POST /v1/classify", vec![], long.as_bytes(), 413, "--max-message-bytes"),
        ("POST /v1/classify", vec![("content-encoding", "gzip")], &bomb, 413, "--max-message-bytes"),
        ("POST /v1/classify", vec![("content-encoding", "gzip")], b"{}", 400, "not packed as"),
        ("POST /v1/classify", vec![("content-encoding", "br")], b"{}", 501, "gzip or zstd"),
        ("GET /v1/classify", vec![], b"", 405, "method"),
        ("GET /v1/models/nobody", vec![], b"", 404, "holds no model"),
        ("POST /v1/models:reload", vec![], b"", 400, "binary"),
        ("GET /", vec![], b"", 404, "/openapi.json"),
    ] {
        let reply = ask(http, line, &headers, body).await;
        let (code, text) = (reply.status, String::from_utf8_lossy(&reply.body).into_owned());
        assert!(code == status && text.contains(says), "{line}: {code} {text}");
        assert!(reply.json()["code"].is_number(), "{text}");
    }
}

#[tokio::test]
async fn tokens_count_over_http_too() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "web classify web-secret-0123456789\n").unwrap();
    let access = Arc::new(Access::open(None, Some(file.path().to_owned())).unwrap());
    let (_server, http) = Server::start_with_http(Config { access, ..config() }).await;
    let body = question().to_string();
    let token = ("authorization", "Bearer web-secret-0123456789");
    assert_eq!(ask(http, "POST /v1/classify", &[token], body.as_bytes()).await.status, 200);
    let refused = ask(http, "POST /v1/classify", &[], body.as_bytes()).await;
    assert!(refused.status == 401 && refused.head.contains("www-authenticate: bearer"), "{refused:?}");
    assert_eq!(ask(http, "GET /v1/models", &[], b"").await.status, 401);
    assert_eq!(ask(http, "POST /v1/models:reload", &[token], b"").await.status, 403);
    assert_eq!(ask(http, "GET /openapi.json", &[], b"").await.status, 200);
}

/// A body that never comes to its end is answered, and what is refused for want of room says when to try again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_has_the_bounds_of_grpc() {
    let limits = Config { threads: 1, max_in_flight: 1, max_call_time: Duration::from_secs(20), ..config() };
    let (_server, http) = Server::start_with_http(limits).await;
    let big = json!({"article": {"text": ARTICLE.repeat(800)}}).to_string();
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let big = big.clone();
            tokio::spawn(async move { ask(http, "POST /v1/classify", &[], big.as_bytes()).await })
        })
        .collect();
    let mut refused = 0;
    for call in calls {
        let reply = call.await.unwrap();
        if reply.status == 200 {
            continue;
        }
        assert!(reply.status == 429 && reply.head.contains("retry-after: 1"), "{reply:?}");
        assert_eq!(reply.json()["details"][0]["@type"], "type.googleapis.com/google.rpc.RetryInfo");
        refused += 1;
    }
    assert!(refused > 0);

    let (_server, http) =
        Server::start_with_http(Config { max_call_time: Duration::from_millis(300), ..config() }).await;
    let mut tcp = TcpStream::connect(http).await.unwrap();
    tcp.write_all(b"POST /v1/classify HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").await.unwrap();
    let mut status = [0; 12];
    let answered = timeout(Duration::from_secs(10), tcp.read_exact(&mut status)).await;
    answered.expect("it may take for ever").unwrap();
    assert_eq!(&status, b"HTTP/1.1 504");
}

/// The document that is served is the one in the repository. `WIREDESK_BLESS=1` writes it anew.
#[tokio::test]
async fn the_document_is_as_agreed() {
    let (_server, http) = Server::start_with_http(config()).await;
    let served = ask(http, "GET /openapi.json", &[], b"").await;
    let path = root().join("docs/openapi.json");
    if std::env::var_os("WIREDESK_BLESS").is_some() {
        fs::write(&path, &served.body).unwrap();
    }
    assert_eq!(served.json(), serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap());
    // Every path answers, every reference leads somewhere, and the fields are those of the answers.
    let document = served.json();
    let schemas = &document["components"]["schemas"];
    let text = document.to_string();
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schemas[name].is_object(), "{name}");
    }
    for (path, _) in document["paths"].as_object().unwrap() {
        let reply = ask(http, &format!("PUT {}", path.replace("{model}", "x")), &[], b"").await;
        assert_eq!(reply.status, 405, "{path}");
    }
    let answer = ask(http, "POST /v1/classify", &[], question().to_string().as_bytes()).await.json();
    for (field, _) in answer.as_object().unwrap() {
        assert!(schemas["wiredesk.v1.ClassifyResponse"]["properties"][field].is_object(), "{field}");
    }
}

#[tokio::test]
async fn browsers_call_with_grpc_web_from_where_they_may() {
    let origin = "https://news.example";
    let server = Server::start(Config { cors_origins: vec![parse_origin(origin).unwrap()], ..config() }).await;
    let path = "/wiredesk.v1.ClassifierService/Classify";
    let message = request("r-1").encode_to_vec();
    let framed = crate::raw::frame(&message);
    let web = [("content-type", "application/grpc-web+proto"), ("x-grpc-web", "1"), ("origin", origin)];
    let reply = ask(server.address, &format!("POST {path}"), &web, &framed).await;
    assert_eq!(reply.status, 200);
    assert!(reply.head.contains(&format!("access-control-allow-origin: {origin}")), "{}", reply.head);
    // A message, then the trailers in a frame of their own.
    let length = u32::from_be_bytes(reply.body[1..5].try_into().unwrap()) as usize;
    let answer = pb::ClassifyResponse::decode(&reply.body[5..5 + length]).unwrap();
    let grpc: Summary = server.client().await.classify(request("r-1")).await.unwrap().into_inner().into();
    assert_eq!(Summary::from(answer), grpc);
    let trailers = &reply.body[5 + length..];
    assert_eq!(trailers[0], 0x80);
    assert!(String::from_utf8_lossy(&trailers[5..]).contains("grpc-status:0"));

    let preflight = |origin: &'static str| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type,x-grpc-web,authorization"),
        ];
        async move { ask(server.address, &format!("OPTIONS {path}"), &headers, b"").await.head }
    };
    // What the page's script may read of the reply, and what it may send.
    for header in ["grpc-status", "grpc-message", "grpc-status-details-bin"] {
        let (_, exposed) = reply.head.split_once("access-control-expose-headers: ").expect("none");
        assert!(exposed.lines().next().unwrap().split(',').any(|h| h.trim() == header), "{header}: {exposed}");
    }
    let allowed = preflight(origin).await;
    assert!(allowed.contains(&format!("access-control-allow-origin: {origin}")));
    let (_, headers) = allowed.split_once("access-control-allow-headers: ").expect("none");
    for header in ["content-type", "x-grpc-web", "authorization"] {
        assert!(headers.lines().next().unwrap().split(',').any(|h| h.trim() == header), "{header}: {headers}");
    }
    assert!(!preflight("https://evil.example").await.contains("access-control-allow-origin: https://evil"));
}

#[test]
fn origins_are_those_of_browsers() {
    for good in ["*", "https://news.example", "http://localhost:8080"] {
        assert!(parse_origin(good).is_ok(), "{good}");
    }
    for bad in ["", "news.example", "https://", "https://news.example/", "https://*.example", "ftp://x"] {
        assert!(parse_origin(bad).is_err(), "{bad}");
    }
}
