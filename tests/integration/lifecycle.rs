//! From start to end: health, overload, shutdown; in this process and as the real binary.

use crate::{
    observe::{Samples, eventually},
    raw::{CLASSIFY, Wire, frame},
    support::{ARTICLE, Process, Server, article, config, request, wait_for, wiredesk},
};
use bytes::Bytes;
use prost::Message as _;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_types::StatusExt;
use wiredesk::{
    model::{Bundle, Classifier},
    service::{
        Source,
        pb::{self, classifier_service_client::ClassifierServiceClient},
    },
};

const SERVICES: [&str; 6] =
    ["", "wiredesk.v1.ClassifierService", "wiredesk.v1.ModelService", "topic", "region", "stance"];

fn check(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.into() }
}

#[tokio::test]
async fn nothing_serves_until_a_model_is_loaded() {
    let server = Server::start_empty(config()).await;
    let mut health = HealthClient::new(server.channel().await);
    for service in SERVICES {
        let status = health.check(check(service)).await.unwrap().into_inner().status();
        assert_eq!(status, ServingStatus::NotServing, "{service:?}");
    }
    let mut client = server.client().await;
    let refused = client.classify(request("")).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (Code::Unavailable, "no model is loaded yet"));
    let batch = pb::ClassifyBatchRequest { requests: vec![request("")] };
    assert_eq!(client.classify_batch(batch).await.unwrap_err().code(), Code::Unavailable);

    let mut watch = health.watch(check("topic")).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    server.registry.install(Classifier::embedded().unwrap());
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    for service in SERVICES {
        let status = health.check(check(service)).await.unwrap().into_inner().status();
        assert_eq!(status, ServingStatus::Serving, "{service:?}");
    }
    assert_eq!(health.check(check("x")).await.unwrap_err().code(), Code::NotFound);
    client.classify(request("")).await.unwrap();
}

#[tokio::test]
async fn shutdown_says_so_first_and_lets_calls_finish() {
    let notice = Duration::from_millis(500);
    // What holds the server holds it for longer than is waited here.
    let drain = Duration::from_secs(3_600);
    let mut server = Server::start(wiredesk::service::Config { notice, drain, ..config() }).await;
    let mut health = HealthClient::new(server.channel().await);
    let mut client = server.client().await;
    let mut watch = health.watch(check("")).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);

    let begun = Instant::now();
    server.stop();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    client.classify(request("")).await.expect("still answers during the notice");
    assert!(begun.elapsed() < notice);

    // In flight when the listener closes.
    let big = pb::ClassifyRequest { article: Some(article(&ARTICLE.repeat(800))), ..Default::default() };
    let batch = pb::ClassifyBatchRequest { requests: vec![big; 10] };
    let in_flight = tokio::spawn(async move { client.classify_batch(batch).await });
    timeout(Duration::from_secs(30), server.down()).await.expect("the watch holds the server").unwrap();
    assert!(begun.elapsed() >= notice);
    assert_eq!(in_flight.await.unwrap().unwrap().into_inner().results.len(), 10);
    assert!(watch.message().await.unwrap().is_none(), "watches end");
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err());
}

/// A request that never ends does not hold a server that goes.
#[tokio::test]
async fn what_does_not_end_is_cut_when_the_drain_is_over() {
    let mut server = Server::start(wiredesk::service::Config { drain: Duration::from_millis(300), ..config() }).await;
    let mut wire = Wire::connect(&server).await;
    let good = frame(&request("").encode_to_vec());
    assert_eq!(wire.call(CLASSIFY, &[], good.clone(), true).await.0, "0");
    let half = good.slice(..good.len() / 2);
    let mut endless = std::pin::pin!(wire.call(CLASSIFY, &[], half, false));
    assert!(timeout(Duration::from_millis(200), endless.as_mut()).await.is_err());
    server.stop();
    timeout(Duration::from_secs(10), server.down()).await.expect("it holds the server").unwrap();
}

/// The process lives until what it has begun is answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_in_flight_is_answered_before_the_process_ends() {
    let mut server = Process::start(&["--threads", "1", "--admin", "127.0.0.1:0"]);
    let admin = server.admin.as_deref().unwrap().parse().unwrap();
    let client = ClassifierServiceClient::connect(format!("http://{}", server.address)).await.unwrap();
    let mut client = client.max_decoding_message_size(64 << 20);
    let big = pb::ClassifyRequest { article: Some(article(&ARTICLE.repeat(80))), ..Default::default() };
    let batch = pb::ClassifyBatchRequest { requests: vec![big; 150] };
    let call = tokio::spawn(async move { client.classify_batch(batch).await });
    let classified = |s: &Samples| s.sum("wiredesk_classify_seconds_count", &[]);
    let done = classified(&eventually(admin, "it is begun", |s| classified(s) >= 1.0).await);
    server.signal("TERM");
    assert!(done < 140.0, "{done} were done before");
    assert_eq!(call.await.unwrap().unwrap().into_inner().results.len(), 150);
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

/// Each head says for itself whether it serves.
#[tokio::test]
async fn a_head_that_the_model_has_not_does_not_serve() {
    let server = Server::start_empty(config()).await;
    let model = Classifier::embedded().unwrap();
    let heads = wiredesk::model::Heads { stance: None, ..model.heads().clone() };
    let less = Classifier::from_parts(model.identity().clone(), model.card().clone(), model.space().clone(), heads);
    let mut health = HealthClient::new(server.channel().await);
    let mut watch = health.watch(check("topic")).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    server.registry.install(less);
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    for (service, expect) in [("", ServingStatus::Serving), ("stance", ServingStatus::NotServing)] {
        assert_eq!(health.check(check(service)).await.unwrap().into_inner().status(), expect, "{service:?}");
    }
    let mut watch = health.watch(check("stance")).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    server.registry.install(model);
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
}

/// A bundle that is whole, and whose model answers otherwise than when it was made.
#[tokio::test]
async fn a_model_that_fails_its_self_test_never_serves() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("model");
    let Bundle { manifest, files, .. } = Bundle::embedded().unwrap();
    let golden = String::from_utf8(files["golden.json"].to_vec()).unwrap();
    assert!(golden.contains("\"MENA\""));
    let mut wrong = files.clone();
    wrong.insert("golden.json".into(), golden.replacen("\"MENA\"", "\"EUR\"", 1).into_bytes().into());
    Bundle::write(manifest.clone(), &wrong, &place).unwrap();

    let server = Server::start_empty(config()).await;
    server.registry.load_from(Source::Folder(place.clone()));
    let refused = server.registry.reload().unwrap_err().to_string();
    assert!(refused.contains("self-test"), "{refused}");
    let mut health = HealthClient::new(server.channel().await);
    let mut watch = health.watch(check("")).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert_eq!(server.client().await.classify(request("")).await.unwrap_err().code(), Code::Unavailable);
    let args = ["serve", "--listen", "127.0.0.1:0", "--model", place.to_str().unwrap()];
    let output = wiredesk().args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("self-test"));

    std::fs::remove_dir_all(&place).unwrap();
    Bundle::write(manifest, &files, &place).unwrap();
    server.registry.reload().unwrap();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
}

/// More at a time than one thread and a short queue can take.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overload_is_refused_at_once_with_when_to_retry() {
    let server = Server::start(wiredesk::service::Config { threads: 1, max_in_flight: 2, ..config() }).await;
    let client = server.client().await;
    let big = pb::ClassifyRequest { article: Some(article(&ARTICLE.repeat(800))), ..Default::default() };
    let calls: Vec<_> = (0..40)
        .map(|_| {
            let (mut client, request) = (client.clone(), big.clone());
            tokio::spawn(async move { client.classify(request).await })
        })
        .collect();
    let (mut answered, mut refused) = (0, 0);
    for call in calls {
        match call.await.unwrap() {
            Ok(_) => answered += 1,
            Err(status) => {
                assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
                assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
                refused += 1;
            }
        }
    }
    assert!(answered >= 3 && refused >= 1, "{answered} answered, {refused} refused");
    // Wrong requests are told so, also then; and the queue is free again.
    client.clone().classify(request("")).await.unwrap();
}

/// When there is no room, a call is refused by its head: its message is neither waited for nor read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overload_is_told_before_the_message_is_read() {
    let server = Server::start(wiredesk::service::Config { threads: 1, max_in_flight: 1, ..config() }).await;
    let big = pb::ClassifyRequest { article: Some(article(&ARTICLE.repeat(400))), ..Default::default() };
    // Always more than there is room for.
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (mut client, big) = (server.client().await, big.clone());
        callers.spawn(async move {
            loop {
                let answer = client.classify(big.clone()).await;
                if answer.is_err_and(|status| status.code() != Code::ResourceExhausted) {
                    return;
                }
            }
        });
    }
    let mut wire = Wire::connect(&server).await;
    let refused = async {
        loop {
            // The head of a message of a kilobyte that never comes. One that gets in by a gap waits for it in vain.
            let call = wire.call(CLASSIFY, &[], Bytes::from_static(&[0, 0, 0, 4, 0]), false);
            if let Ok((status, _)) = timeout(Duration::from_millis(50), call).await {
                return status;
            }
        }
    };
    assert_eq!(timeout(Duration::from_secs(10), refused).await.expect("none"), "8");
    callers.shutdown().await;
}

#[test]
fn the_binary_serves_and_drains() {
    let mut server = Process::start(&["--threads", "1"]);
    let health = |args: &[&str]| {
        let output = wiredesk().args(["health", "--address", &server.address]).args(args).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(health(&[]), (Some(0), "SERVING\n".into(), String::new()));
    assert_eq!(health(&["--service", "stance"]).0, Some(0));
    let (code, _, says) = health(&["--service", "nobody"]);
    assert!(code == Some(1) && says.contains("NotFound"), "{says}");
    for signal in ["TERM", "INT"] {
        if signal == "INT" {
            server = Process::start(&[]);
        }
        server.signal(signal);
        let begun = Instant::now();
        assert_eq!(server.child.wait().unwrap().code(), Some(0), "{signal}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    let gone = wiredesk().args(["health", "--address", &server.address]).output().unwrap();
    assert_eq!(gone.status.code(), Some(1));
    assert!(String::from_utf8(gone.stderr).unwrap().contains("cannot connect"));
}

/// While it drains, the probe of a container fails.
#[test]
fn the_probe_fails_while_a_server_drains() {
    let server = Process::start(&["--threads", "1", "--shutdown-notice", "1h"]);
    let health = || wiredesk().args(["health", "--address", &server.address]).output().unwrap();
    assert_eq!(health().status.code(), Some(0));
    server.signal("TERM");
    let mut last = health();
    assert!(wait_for(|| {
        last = health();
        last.status.code() == Some(1)
    }));
    assert_eq!(String::from_utf8(last.stdout).unwrap(), "NOT_SERVING\n");
}

#[test]
fn a_server_that_cannot_serve_says_why() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (args, says) in [
        (vec!["--listen", address.as_str()], "cannot listen on"),
        (vec!["--listen", "127.0.0.1:0", "--model", "no/such/dir"], "cannot use the model in no/such/dir"),
    ] {
        let output = wiredesk().arg("serve").args(&args).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let log = String::from_utf8(output.stderr).unwrap();
        assert!(log.contains(says), "{log}");
    }
}
