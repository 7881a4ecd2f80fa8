//! Traces join the caller's: the real binary, and a collector in this process.

use crate::support::{request, wiredesk};
use bytes::{Buf as _, Bytes};
use prost::Message;
use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::Duration,
};
use tokio::{net::TcpListener, sync::mpsc};
use tonic::{Request, metadata::MetadataValue};
use wiredesk::service::pb::{self, classifier_service_client::ClassifierServiceClient};

/// As much of OTLP as is looked at.
#[derive(Clone, PartialEq, Message)]
struct ExportTraceServiceRequest {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(bytes, tag = "1")]
    resource: Vec<u8>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(Clone, PartialEq, Message)]
struct Span {
    #[prost(bytes, tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes, tag = "2")]
    span_id: Vec<u8>,
    #[prost(bytes, tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(int64, tag = "3")]
    int: i64,
}

/// Takes what is exported to it.
async fn collector() -> (String, mpsc::UnboundedReceiver<ResourceSpans>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let sender = sender.clone();
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((request, mut respond))) = connection.accept().await {
                    let sender = sender.clone();
                    tokio::spawn(async move {
                        assert_eq!(request.uri().path(), "/opentelemetry.proto.collector.trace.v1.TraceService/Export");
                        let mut body = request.into_body();
                        let mut message = Vec::new();
                        while let Some(Ok(data)) = body.data().await {
                            body.flow_control().release_capacity(data.len()).unwrap();
                            message.extend_from_slice(data.chunk());
                        }
                        let head =
                            http::Response::builder().header("content-type", "application/grpc").body(()).unwrap();
                        let mut reply = respond.send_response(head, false).unwrap();
                        reply.send_data(Bytes::from_static(&[0; 5]), false).unwrap();
                        let ok = [("grpc-status".parse().unwrap(), "0".parse().unwrap())];
                        reply.send_trailers(ok.into_iter().collect()).unwrap();
                        for spans in ExportTraceServiceRequest::decode(&message[5..]).unwrap().resource_spans {
                            let _closed = sender.send(spans);
                        }
                    });
                }
            });
        }
    });
    (address, receiver)
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_join_the_callers_trace() {
    let (collector, mut exported) = collector().await;
    let mut server = wiredesk()
        .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
        .env("OTEL_BSP_SCHEDULE_DELAY", "100")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(server.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut address = String::new();
    for line in log.by_ref() {
        let json: serde_json::Value = serde_json::from_str(&line).unwrap();
        if let Some(listening) = json["fields"]["address"].as_str() {
            address = listening.to_owned();
        }
        if json["fields"]["message"] == "serving" {
            break;
        }
    }
    std::thread::spawn(move || log.for_each(drop));
    let mut client = ClassifierServiceClient::connect(format!("http://{address}")).await.unwrap();
    let traced = |parent: &'static str, message: pb::ClassifyRequest| {
        let mut request = Request::new(message);
        request.metadata_mut().insert("traceparent", MetadataValue::from_static(parent));
        request
    };
    const FIRST: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const WRONG: &str = "00-11111111111111111111111111111111-2222222222222222-01";
    const UNSAMPLED: &str = "00-33333333333333333333333333333333-4444444444444444-00";
    client.classify(traced(FIRST, request(""))).await.unwrap();
    client.classify(traced(WRONG, pb::ClassifyRequest::default())).await.unwrap_err();
    client.classify(traced(UNSAMPLED, request(""))).await.unwrap();
    client.classify(request("")).await.unwrap();
    // The last are sent when it ends.
    assert!(Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap().success());
    assert!(server.wait().unwrap().success());

    let mut spans = Vec::new();
    while let Ok(Some(part)) = tokio::time::timeout(Duration::from_millis(500), exported.recv()).await {
        assert!(part.resource.windows(8).any(|w| w == b"wiredesk"), "the service's name");
        spans.extend(part.scope_spans.into_iter().flat_map(|scope| scope.spans));
    }
    let of = |trace: u8, name: &str| -> Vec<&Span> {
        spans.iter().filter(|s| s.trace_id[0] == trace && s.name.ends_with(name)).collect()
    };
    let number = |span: &Span, key: &str| {
        span.attributes.iter().find(|a| a.key == key).and_then(|a| a.value.clone()).map(|v| v.int)
    };
    let call = of(0x0a, "wiredesk.v1.ClassifierService/Classify");
    assert_eq!(call.len(), 1, "{spans:#?}");
    assert_eq!(call[0].trace_id[1..4], [0xf7, 0x65, 0x19]);
    assert_eq!(call[0].parent_span_id, [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]);
    assert_eq!((call[0].kind, number(call[0], "rpc.grpc.status_code")), (2, Some(0)), "a server's, OK");
    let inside = of(0x0a, "classify");
    assert_eq!(inside.len(), 1);
    assert_eq!(inside[0].parent_span_id, call[0].span_id);
    assert!(number(inside[0], "wait_us").is_some());
    assert_eq!(number(of(0x11, "Classify")[0], "rpc.grpc.status_code"), Some(3));
    assert!(of(0x33, "Classify").is_empty(), "its caller said not to");
    let own = spans.iter().filter(|s| s.name.ends_with("Classify") && s.parent_span_id.is_empty()).count();
    assert_eq!(own, 1, "a call without a trace begins one");
}
