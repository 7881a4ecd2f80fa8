//! Clients that are not ours: the real grpcurl and Python's grpcio.

use crate::support::{ARTICLE, Process, Server, Summary, TARGET, config, request, root, tool};
use serde_json::{Value, json};
use std::process::Command;

/// Everything that the README shows with grpcurl, without our proto at hand.
#[tokio::test(flavor = "multi_thread")]
async fn grpcurl_finds_and_calls_everything() {
    let Some(grpcurl) = tool("grpcurl") else { return };
    let server = Server::start(config()).await;
    let address = server.address.to_string();
    let run = |args: &[&str]| {
        let output = Command::new(&grpcurl).arg("-plaintext").args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let listed = run(&[&address, "list"]);
    for service in [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "inference.GRPCInferenceService",
        "wiredesk.v1.ClassifierService",
        "wiredesk.v1.ModelService",
    ] {
        assert!(listed.lines().any(|line| line == service), "{service} is not in {listed}");
        run(&[&address, "describe", service]);
    }
    let described = run(&[&address, "describe", "wiredesk.v1.StanceResult"]);
    assert!(described.contains("message StanceResult"), "{described}");
    let health = run(&["-d", r#"{"service":"topic"}"#, &address, "grpc.health.v1.Health/Check"]);
    assert!(health.contains("\"SERVING\""), "{health}");
    assert!(run(&[&address, "wiredesk.v1.ModelService/GetModel"]).contains("\"markdown\""));

    // To the last digit what a tonic client gets.
    let expect: Summary = server.client().await.classify(request("")).await.unwrap().into_inner().into();
    let data = json!({"article": {"text": ARTICLE}, "targets": [{"name": TARGET}]}).to_string();
    let reply = run(&["-d", &data, &address, "wiredesk.v1.ClassifierService/Classify"]);
    assert_eq!(Summary::from(&serde_json::from_str::<Value>(&reply).unwrap()), expect);

    let message = |id: &str| json!({"request": {"request_id": id, "article": {"text": ARTICLE}}}).to_string();
    let data = [message("1"), message("2"), json!({"request": {"request_id": "3"}}).to_string()].join(" ");
    let replies = run(&["-d", &data, &address, "wiredesk.v1.ClassifierService/ClassifyStream"]);
    let replies: Vec<Value> = serde_json::Deserializer::from_str(&replies).into_iter().map(Result::unwrap).collect();
    let ids: Vec<_> = replies.iter().map(|r| r["requestId"].as_str().unwrap()).collect();
    assert_eq!(ids, ["1", "2", "3"]);
    assert_eq!(replies[2]["error"]["code"], 3);
}

/// A client whose stubs are made from our proto by grpcio's own compiler.
#[test]
fn python_calls_everything() {
    let Some(python) = tool("python") else { return };
    let has = Command::new(&python).args(["-c", "import grpc, grpc_tools"]).output().unwrap();
    if !has.status.success() {
        assert!(tool("python-with-grpcio").is_none());
        return;
    }
    let stubs = tempfile::tempdir().unwrap();
    let proto = root().join("proto");
    let made = Command::new(&python)
        .args(["-m", "grpc_tools.protoc"])
        .arg(format!("-I{}", proto.display()))
        .arg(format!("--python_out={}", stubs.path().display()))
        .arg(format!("--grpc_python_out={}", stubs.path().display()))
        .args(["wiredesk/v1/classifier.proto", "wiredesk/v1/model.proto", "google/rpc/status.proto"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let server = Process::start(&[]);
    let output = Command::new(&python)
        .arg(root().join("tests/clients/classify.py"))
        .arg(&server.address)
        .arg(root().join("tests/data/article.txt"))
        .env("PYTHONPATH", stubs.path())
        .output()
        .unwrap();
    let (said, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{error}");
}

/// NVIDIA's client for the Open Inference Protocol, as it is on PyPI.
#[tokio::test(flavor = "multi_thread")]
async fn tritonclient_asks_as_it_asks_any_server() {
    let Some(python) = tool("python") else { return };
    let has = Command::new(&python).args(["-c", "import tritonclient.grpc"]).output().unwrap();
    if !has.status.success() {
        assert!(tool("python-with-tritonclient").is_none());
        return;
    }
    let server = Server::start(config()).await;
    let answer = server.client().await.classify(request("")).await.unwrap().into_inner();
    let output = Command::new(&python)
        .arg(root().join("tests/clients/infer.py"))
        .arg(server.address.to_string())
        .arg(root().join("tests/data/article.txt"))
        .arg(answer.model.clone().unwrap().name)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let got: Value = serde_json::from_slice(&output.stdout).unwrap();
    let expect = Summary::from(answer);
    assert_eq!((got["topic"].as_str().unwrap(), got["topic_probability"].as_f64().unwrap()), {
        let (topic, probability) = &expect.topics[0];
        (topic.as_str(), *probability)
    });
    assert_eq!(got["desk"], expect.desk.as_str());
    let (_, stance, probability) = &expect.stances[0];
    assert_eq!(got["stance"].as_str().unwrap().trim_start_matches("STANCE_LABEL_").to_lowercase(), *stance);
    assert_eq!(got["stance_probability"].as_f64().unwrap(), *probability);
}
