//! HTTP/2 by hand: what well-behaved clients cannot send, and what goes over
//! the wire when their own timers do not get in the way.

use crate::support::{ARTICLE, Server, article, config, request};
use bytes::{BufMut as _, Bytes, BytesMut};
use h2::client::SendRequest;
use prost::Message as _;
use std::time::Duration;
use tokio::{net::TcpStream, time::timeout};
use wiredesk::service::pb;

pub const CLASSIFY: &str = "/wiredesk.v1.ClassifierService/Classify";
pub const STREAM: &str = "/wiredesk.v1.ClassifierService/ClassifyStream";

/// One connection that never reconnects.
#[derive(Clone)]
pub struct Wire {
    h2: SendRequest<Bytes>,
    address: std::net::SocketAddr,
}

impl Wire {
    pub async fn connect(server: &Server) -> Self {
        let tcp = TcpStream::connect(server.address).await.unwrap();
        let (h2, connection) = h2::client::handshake(tcp).await.unwrap();
        tokio::spawn(connection);
        Self { h2, address: server.address }
    }

    /// Most calls at a time that the server lets this connection have.
    pub fn streams(&self) -> usize {
        self.h2.current_max_send_streams()
    }

    fn request(&self, path: &str, headers: &[(&str, &str)]) -> http::Request<()> {
        let mut request = http::Request::post(format!("http://{}{path}", self.address))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    /// The HTTP status of a call.
    pub async fn status(&mut self, path: &str, headers: &[(&str, &str)], body: Bytes) -> u16 {
        let mut h2 = self.h2.clone().ready().await.expect("the connection is gone");
        let (reply, mut send) = h2.send_request(self.request(path, headers), false).unwrap();
        send.send_data(body, true).unwrap();
        reply.await.unwrap().status().as_u16()
    }

    /// Sends `body` and gives `grpc-status` and `grpc-message`.
    pub async fn call(&mut self, path: &str, headers: &[(&str, &str)], body: Bytes, end: bool) -> (String, String) {
        let mut h2 = self.h2.clone().ready().await.expect("the connection is gone");
        let (reply, mut send) = h2.send_request(self.request(path, headers), false).unwrap();
        send.reserve_capacity(body.len());
        send.send_data(body, end).unwrap();
        let answer = async {
            let reply = reply.await.unwrap();
            let head = reply.headers().clone();
            let mut body = reply.into_body();
            while let Some(data) = body.data().await {
                let n = data.unwrap().len();
                body.flow_control().release_capacity(n).unwrap();
            }
            body.trailers().await.unwrap().unwrap_or(head)
        };
        let trailers = timeout(Duration::from_secs(20), answer).await.expect("no answer");
        let text = |name| trailers.get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
        (text("grpc-status"), text("grpc-message"))
    }
}

/// A message in its five-byte frame.
pub fn frame(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::new();
    framed.put_u8(0);
    framed.put_u32(message.len() as u32);
    framed.put_slice(message);
    framed.freeze()
}

#[tokio::test]
async fn broken_bytes_get_a_status_and_the_connection_lives() {
    let server = Server::start(config()).await;
    let mut wire = Wire::connect(&server).await;
    let good = frame(&request("").encode_to_vec());
    let not_utf8 = [0x0a, 0x04, 0x1a, 0x02, 0xff, 0xfe]; // article { text: FF FE }
    let mut short = good.to_vec();
    short.truncate(good.len() / 2);
    for (what, body, status) in [
        ("no protobuf", frame(&[0xff; 64]), "13"),
        ("text that is not UTF-8", frame(&not_utf8), "13"),
        ("half a message", Bytes::from(short), "13"),
        ("a length of 4 GiB", Bytes::from_static(&[0, 0xff, 0xff, 0xff, 0xff, 1]), "11"),
        ("a compression that is not", Bytes::from_static(&[1, 0, 0, 0, 1, 7]), "13"),
        ("no message", Bytes::new(), "13"),
    ] {
        let (got, message) = wire.call(CLASSIFY, &[], body, true).await;
        assert_eq!(got, status, "{what}: {message}");
        if what.contains("UTF-8") {
            assert!(message.contains("Article.text"), "{message}");
        }
        assert_eq!(wire.call(CLASSIFY, &[], good.clone(), true).await.0, "0", "after {what}");
    }
    let (status, _) = wire.call("/wiredesk.v1.ClassifierService/Nothing", &[], good.clone(), true).await;
    assert_eq!(status, "12");
    let (status, _) = wire.call(CLASSIFY, &[("grpc-timeout", "soon")], good, true).await;
    assert_eq!(status, "0", "a timeout that is none");
}

/// DEADLINE_EXCEEDED (4); tonic by itself says CANCELLED (1).
#[tokio::test]
async fn a_deadline_is_called_by_its_name() {
    let server = Server::start(config()).await;
    let mut wire = Wire::connect(&server).await;
    let big = pb::ClassifyRequest { article: Some(article(&ARTICLE.repeat(800))), ..Default::default() };
    let body = frame(&big.encode_to_vec());
    for _ in 0..20 {
        let (status, message) = wire.call(CLASSIFY, &[("grpc-timeout", "1m")], body.clone(), true).await;
        assert_eq!((status.as_str(), message.contains("deadline")), ("4", true), "{message}");
    }
}

#[tokio::test]
async fn a_deadline_ends_an_idle_stream() {
    let server = Server::start(config()).await;
    let mut wire = Wire::connect(&server).await;
    let message = pb::ClassifyStreamRequest { request: Some(request("")) };
    let begun = std::time::Instant::now();
    let body = frame(&message.encode_to_vec());
    let (status, _) = wire.call(STREAM, &[("grpc-timeout", "300m")], body, false).await;
    assert_eq!(status, "4");
    assert!((Duration::from_millis(250)..Duration::from_secs(5)).contains(&begun.elapsed()));
}
