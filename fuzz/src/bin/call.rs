//! From the bytes of a message to the answer, through the real server on a socket: any message to any method gets an
//! answer that can be decoded, or a status that tells the caller what to do. A panic anywhere, also one that the
//! server would catch, ends the run.
#![no_main]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bytes::{Buf, BufMut, Bytes};
use libfuzzer_sys::fuzz_target;
use prost::Message as _;
use std::{net::TcpListener, sync::LazyLock, time::Duration};
use tokio::runtime::Runtime;
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::{Channel, Endpoint},
};
use wiredesk::service::pb;

/// Messages as bytes, whatever they hold.
#[derive(Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

static CLIENT: LazyLock<(Runtime, Channel)> = LazyLock::new(|| {
    // Free a moment ago, and asked for again at once.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let listen = address.clone();
    std::thread::spawn(move || wiredesk_fuzz::command(&["serve", "--listen", &listen, "--threads", "1"]));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let channel = runtime.block_on(async {
        for _ in 0..600 {
            if let Ok(channel) = endpoint.connect().await
                && call(&channel, 2, Bytes::new()).await.is_ok_and(|status| status.code() != Code::Unavailable)
            {
                return channel;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the server did not start");
    });
    (runtime, channel)
});

async fn call(channel: &Channel, method: u8, message: Bytes) -> Result<Status, tonic::transport::Error> {
    let mut client = Grpc::new(channel.clone());
    client.ready().await?;
    let path = |path: &'static str| http::uri::PathAndQuery::from_static(path);
    let reply = match method % 4 {
        0 => client.unary(Request::new(message), path("/wiredesk.v1.ClassifierService/Classify"), Raw).await,
        1 => client.unary(Request::new(message), path("/wiredesk.v1.ClassifierService/ClassifyBatch"), Raw).await,
        2 => client.unary(Request::new(message), path("/wiredesk.v1.ModelService/GetModel"), Raw).await,
        _ => {
            // The same message three times: what went wrong with one must not touch the next.
            let sent = tokio_stream::iter([message.clone(), message.clone(), message]);
            let path = path("/wiredesk.v1.ClassifierService/ClassifyStream");
            let mut stream = match client.streaming(Request::new(sent), path, Raw).await {
                Ok(reply) => reply.into_inner(),
                Err(status) => return Ok(status),
            };
            loop {
                match stream.message().await {
                    Ok(Some(reply)) => drop(pb::ClassifyStreamResponse::decode(reply).expect("a reply that decodes")),
                    Ok(None) => return Ok(Status::ok("")),
                    Err(status) => return Ok(status),
                }
            }
        }
    };
    Ok(match (method % 4, reply) {
        (_, Err(status)) => status,
        (0, Ok(reply)) => {
            pb::ClassifyResponse::decode(reply.into_inner()).expect("a reply that decodes");
            Status::ok("")
        }
        (1, Ok(reply)) => {
            pb::ClassifyBatchResponse::decode(reply.into_inner()).expect("a reply that decodes");
            Status::ok("")
        }
        (_, Ok(reply)) => {
            pb::GetModelResponse::decode(reply.into_inner()).expect("a reply that decodes");
            Status::ok("")
        }
    })
}

fuzz_target!(|data: &[u8]| {
    let Some((method, message)) = data.split_first() else { return };
    let (runtime, channel) = &*CLIENT;
    let status = runtime.block_on(call(channel, *method, Bytes::copy_from_slice(message))).expect("a connection");
    match status.code() {
        Code::Ok | Code::InvalidArgument | Code::NotFound | Code::OutOfRange | Code::ResourceExhausted => {}
        // What tonic says of a message that is no protobuf.
        Code::Internal if status.message().starts_with("failed to decode Protobuf message") => {}
        _ => panic!("{status:?}"),
    }
});
