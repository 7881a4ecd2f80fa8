//! Single calls, batches, models, reflection, and that all ways in give the same answer.

use crate::support::{ARTICLE, Server, Summary, TARGET, article, config, request, target, wiredesk};
use serde_json::Value;
use tonic::{Code, Request, codec::CompressionEncoding};
use tonic_types::{RpcStatusExt, StatusExt};
use wiredesk::service::pb::{self, classify_batch_result::Result as Item, model_service_client::ModelServiceClient};

#[tokio::test]
async fn a_reply_says_what_and_who_and_how_long() {
    let server = Server::start(config()).await;
    let reply = server.client().await.classify(request("r-1")).await.unwrap().into_inner();
    assert_eq!((reply.request_id.as_str(), reply.article_id.as_str()), ("r-1", "a-1"));
    let model = reply.model.clone().unwrap();
    assert!(!model.name.is_empty() && !model.version.is_empty() && model.digest.len() == 64, "{model:?}");
    let timing = reply.timing.unwrap();
    assert!(timing.queue.is_some() && timing.compute.is_some());
    let labels = reply.topic.unwrap().labels;
    assert_eq!(labels.len(), 17);
    assert!((labels.iter().map(|l| l.probability).sum::<f64>() - 1.0).abs() < 1e-9);
    assert!(labels.windows(2).all(|w| w[0].probability >= w[1].probability), "ranked");
    assert_eq!(reply.stances.len(), 1);
    assert_eq!(reply.stances[0].target, TARGET);
    let language = reply.language.unwrap();
    assert_eq!((language.code.as_str(), language.detected), ("en", true));
}

#[tokio::test]
async fn options_choose_heads_and_labels() {
    let server = Server::start(config()).await;
    let mut client = server.client().await;
    let mut sent = request("");
    sent.options = Some(pb::ClassifyOptions { heads: vec![pb::Head::Topic.into()], top_k: 3, ..Default::default() });
    let reply = client.classify(sent.clone()).await.unwrap().into_inner();
    assert_eq!(reply.topic.unwrap().labels.len(), 3);
    assert!(reply.region.is_none() && reply.stances.is_empty());

    sent.options = Some(pb::ClassifyOptions { model: "nobody".into(), ..Default::default() });
    let status = client.classify(sent).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert!(status.message().contains("nobody"), "{status}");
}

#[tokio::test]
async fn a_bad_item_never_fails_the_batch() {
    let server = Server::start(config()).await;
    let mut client = server.client().await;
    let mut requests: Vec<_> = (0..100).map(|i| request(&i.to_string())).collect();
    requests[3].targets = vec![target("")];
    requests[50].article = None;
    let reply = client.classify_batch(pb::ClassifyBatchRequest { requests }).await.unwrap().into_inner();
    assert_eq!(reply.results.len(), 100);
    for (i, result) in reply.results.into_iter().enumerate() {
        match (i, result.result.unwrap()) {
            (3, Item::Error(e)) => {
                assert_eq!(e.code, i32::from(Code::InvalidArgument));
                let fields = e.get_details_bad_request().unwrap().field_violations;
                assert_eq!(fields[0].field, "requests[3].targets[0].name");
            }
            (50, Item::Error(e)) => assert!(e.message.starts_with("requests[50].article: "), "{}", e.message),
            (i, Item::Response(r)) => assert_eq!(r.request_id, i.to_string(), "in order"),
            (i, Item::Error(e)) => panic!("{i}: {}", e.message),
        }
    }
}

#[tokio::test]
async fn a_batch_has_bounds() {
    let server = Server::start(config()).await;
    let mut client = server.client().await;
    for (n, says) in [(0, "empty"), (1_001, "the most is 1000")] {
        let requests = vec![pb::ClassifyRequest::default(); n];
        let status = client.classify_batch(pb::ClassifyBatchRequest { requests }).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains(says), "{status}");
        assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "requests");
    }
}

#[tokio::test]
async fn compressed_requests_are_read() {
    let server = Server::start(config()).await;
    let plain: Summary = server.client().await.classify(request("")).await.unwrap().into_inner().into();
    for encoding in [CompressionEncoding::Gzip, CompressionEncoding::Zstd] {
        let mut client = server.client().await.send_compressed(encoding).accept_compressed(encoding);
        let reply = client.classify(Request::new(request(""))).await.unwrap();
        assert!(reply.metadata().get("grpc-encoding").is_none(), "replies are plain");
        assert_eq!(Summary::from(reply.into_inner()), plain);
    }
}

#[tokio::test]
async fn the_model_tells_what_it_is() {
    let server = Server::start(config()).await;
    let mut client = ModelServiceClient::new(server.channel().await);
    let listed = client.list_models(pb::ListModelsRequest {}).await.unwrap().into_inner().models;
    assert_eq!(listed.len(), 1);
    let exact = format!("{}@{}", listed[0].name, listed[0].version);
    for model in [String::new(), listed[0].name.clone(), exact] {
        let card = client.get_model(pb::GetModelRequest { model }).await.unwrap().into_inner().card.unwrap();
        assert_eq!(card.identity.as_ref(), Some(&listed[0]));
        let heads: Vec<_> = card.heads.iter().map(|h| h.head.as_str()).collect();
        assert_eq!(heads, ["topic", "region", "stance"]);
        assert!(!card.markdown.is_empty());
    }
    let status = client.get_model(pb::GetModelRequest { model: "x@9".into() }).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
}

/// Invariant 2: same text, same bundle, same answer, whatever the way in.
#[tokio::test]
async fn every_way_in_gives_the_same_answer() {
    let server = Server::start(config()).await;
    let mut client = server.client().await;
    let single: Summary = client.classify(request("")).await.unwrap().into_inner().into();

    let batch = pb::ClassifyBatchRequest { requests: vec![request(""); 40] };
    for result in client.classify_batch(batch).await.unwrap().into_inner().results {
        let Some(Item::Response(response)) = result.result else { panic!("an error") };
        assert_eq!(Summary::from(response), single);
    }

    let messages = vec![pb::ClassifyStreamRequest { request: Some(request("")) }; 40];
    let mut replies = client.classify_stream(tokio_stream::iter(messages)).await.unwrap().into_inner();
    while let Some(reply) = replies.message().await.unwrap() {
        let Some(pb::classify_stream_response::Result::Response(response)) = reply.result else { panic!("an error") };
        assert_eq!(Summary::from(response), single);
    }

    let dir = tempfile::tempdir().unwrap();
    let row = serde_json::json!({"id": "1", "text": ARTICLE, "targets": [{"name": TARGET}]}).to_string();
    let text = dir.path().join("a.txt");
    let rows = dir.path().join("a.jsonl");
    std::fs::write(&text, ARTICLE).unwrap();
    std::fs::write(&rows, vec![row; 300].join("\n")).unwrap();
    let classify = |args: &[&str], file: &std::path::Path| {
        let output = wiredesk().arg("classify").args(args).arg(file).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let one: Value = serde_json::from_str(&classify(&["--target", TARGET, "--output-format", "json"], &text)).unwrap();
    assert_eq!(Summary::from(&one), single);
    for threads in ["1", "3"] {
        let lines = classify(&["--threads", threads], &rows);
        assert_eq!(lines.lines().count(), 300);
        for line in lines.lines() {
            assert_eq!(Summary::from(&serde_json::from_str::<Value>(line).unwrap()), single);
        }
    }
}

#[tokio::test]
async fn a_language_that_is_given_is_kept() {
    let server = Server::start(config()).await;
    let sent = pb::Article { language: "pt-BR".into(), ..article(ARTICLE) };
    let sent = pb::ClassifyRequest { article: Some(sent), ..Default::default() };
    let language = server.client().await.classify(sent).await.unwrap().into_inner().language.unwrap();
    assert_eq!((language.code.as_str(), language.detected), ("pt-BR", false));
}

/// Tools of today speak v1, grpcurl 1.8 and its kin v1alpha.
#[tokio::test]
async fn both_reflections_tell_what_there_is() {
    let server = Server::start(config()).await;
    let channel = server.channel().await;
    let symbol = "wiredesk.v1.ClassifierService".to_owned();
    macro_rules! files {
        ($version:ident) => {{
            use tonic_reflection::pb::$version::{
                ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
                server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
            };
            let message_request = Some(MessageRequest::FileContainingSymbol(symbol.clone()));
            let asked = tokio_stream::iter([ServerReflectionRequest { host: String::new(), message_request }]);
            let mut client = ServerReflectionClient::new(channel.clone());
            let mut replies = client.server_reflection_info(asked).await.unwrap().into_inner();
            match replies.message().await.unwrap().unwrap().message_response {
                Some(MessageResponse::FileDescriptorResponse(files)) => files.file_descriptor_proto,
                other => panic!("{other:?}"),
            }
        }};
    }
    let (now, before) = (files!(v1), files!(v1alpha));
    assert!(!now.is_empty());
    assert_eq!(now, before);
}
