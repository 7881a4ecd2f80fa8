//! `ClassifyStream`: order, per-message errors, back-pressure, deadlines.

use crate::support::{Server, config, request, target};
use std::time::Duration;
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use wiredesk::service::pb::{self, classify_stream_response::Result as Item};

fn message(request: pb::ClassifyRequest) -> pb::ClassifyStreamRequest {
    pb::ClassifyStreamRequest { request: Some(request) }
}

#[tokio::test]
async fn replies_keep_order_and_ids_and_errors_do_not_end_the_stream() {
    let server = Server::start(config()).await;
    let sent = (0..1_000).map(|i| {
        let mut request = request(&format!("r-{i}"));
        if i % 7 == 0 {
            request.targets = vec![target(" ")];
        }
        message(request)
    });
    let sent = tokio_stream::iter(sent.collect::<Vec<_>>());
    let mut replies = server.client().await.classify_stream(sent).await.unwrap().into_inner();
    let mut n = 0;
    while let Some(reply) = replies.message().await.unwrap() {
        assert_eq!(reply.request_id, format!("r-{n}"));
        match reply.result.unwrap() {
            Item::Response(response) => assert_eq!((n % 7 != 0, response.request_id), (true, reply.request_id)),
            Item::Error(error) => {
                assert!(n % 7 == 0 && error.message.starts_with("request.targets[0].name: "), "{}", error.message);
            }
        }
        n += 1;
    }
    assert_eq!(n, 1_000);
}

/// A client that waits for each reply before it sends the next request.
#[tokio::test]
async fn each_message_is_answered_as_it_comes() {
    let server = Server::start(config()).await;
    let (send, receive) = mpsc::channel(1);
    let mut replies = server.client().await.classify_stream(ReceiverStream::new(receive)).await.unwrap().into_inner();
    for i in 0..20 {
        send.send(message(request(&i.to_string()))).await.unwrap();
        let reply = timeout(Duration::from_secs(5), replies.message()).await.unwrap().unwrap().unwrap();
        assert_eq!(reply.request_id, i.to_string());
    }
    drop(send);
    assert!(replies.message().await.unwrap().is_none());
}

/// A client that sends and never reads is stopped by flow control, and the
/// server goes on serving others.
#[tokio::test]
async fn a_client_that_does_not_read_is_held_back() {
    let server = Server::start(config()).await;
    let (send, receive) = mpsc::channel(1);
    let _unread = server.client().await.classify_stream(ReceiverStream::new(receive)).await.unwrap();
    let mut sent = 0_u32;
    let stuck = async {
        loop {
            send.send(message(request("x"))).await.unwrap();
            sent += 1;
        }
    };
    assert!(timeout(Duration::from_secs(3), stuck).await.is_err());
    // Still stuck: not merely slow.
    let more = timeout(Duration::from_millis(500), send.send(message(request("x")))).await;
    assert!(more.is_err(), "sent {sent} and more without reading");
    server.client().await.classify(request("")).await.unwrap();
}

#[tokio::test]
async fn a_stream_ends_at_the_shutdown() {
    let mut server = Server::start(config()).await;
    let (send, receive) = mpsc::channel(1);
    let mut replies = server.client().await.classify_stream(ReceiverStream::new(receive)).await.unwrap().into_inner();
    send.send(message(request("1"))).await.unwrap();
    assert!(replies.message().await.unwrap().is_some());
    server.stop();
    let status = timeout(Duration::from_secs(5), replies.message()).await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    timeout(Duration::from_secs(5), server.down()).await.expect("an idle stream holds the server").unwrap();
}
