//! Each limit by a client that breaks it: what it is told, and that the others never notice.

use crate::{
    observe::{Samples, admin, eventually},
    raw::{CLASSIFY, STREAM, Wire, frame},
    support::{ARTICLE, Server, article, config, request},
};
use bytes::{BufMut as _, Bytes, BytesMut};
use prost::Message as _;
use std::{
    io::Write as _,
    time::{Duration, Instant},
};
use tokio::{io::AsyncReadExt as _, net::TcpStream, time::timeout};
use tonic::Code;
use wiredesk::service::{Config, pb};

const SOON: Duration = Duration::from_millis(400);

/// Whether the server closes a connection on which this was sent, and after how long.
async fn closed_after(server: &Server, sent: &[u8]) -> Option<Duration> {
    let begun = Instant::now();
    let mut tcp = TcpStream::connect(server.address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut tcp, sent).await.unwrap();
    let mut rest = Vec::new();
    let read = timeout(Duration::from_secs(10), tcp.read_to_end(&mut rest)).await;
    read.is_ok().then(|| begun.elapsed())
}

#[tokio::test]
async fn who_connects_and_says_nothing_is_dropped() {
    let server = Server::start(Config { handshake_timeout: SOON, ..config() }).await;
    for sent in ["", "PRI * HTTP/2.0", "GET /"] {
        let after = closed_after(&server, sent.as_bytes()).await.expect(sent);
        assert!(after >= SOON / 2, "{sent}: {after:?}");
    }
    server.client().await.classify(request("")).await.unwrap();
}

#[tokio::test]
async fn connections_have_a_number() {
    let server = Server::start(Config { max_connections: 2, ..config() }).await;
    let mut kept = [Wire::connect(&server).await, Wire::connect(&server).await];
    let good = frame(&request("").encode_to_vec());
    for wire in &mut kept {
        assert_eq!(wire.call(CLASSIFY, &[], good.clone(), true).await.0, "0");
    }
    let after = closed_after(&server, b"").await.expect("a third is closed");
    assert!(after < Duration::from_secs(2), "at once: {after:?}");
    let [first, mut second] = kept;
    drop(first);
    assert_eq!(second.call(CLASSIFY, &[], good.clone(), true).await.0, "0");
    // Its room is free again.
    let mut tries = 0;
    while server.client_try().await.is_err() {
        tries += 1;
        assert!(tries < 100);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn streams_a_connection_have_a_number() {
    let server = Server::start(Config { max_streams: 3, ..config() }).await;
    let mut wire = Wire::connect(&server).await;
    let good = frame(&request("").encode_to_vec());
    assert_eq!(wire.call(CLASSIFY, &[], good.clone(), true).await.0, "0");
    // The client has learnt of it by now, and waits for its turn.
    let mut calls = Vec::new();
    for _ in 0..12 {
        let (mut wire, good) = (wire.clone(), good.clone());
        calls.push(tokio::spawn(async move { wire.call(CLASSIFY, &[], good, true).await.0 }));
    }
    for call in calls {
        assert_eq!(call.await.unwrap(), "0");
    }
    assert_eq!(wire.streams(), 3);
}

#[tokio::test]
async fn headers_have_a_size() {
    let server = Server::start(Config { max_header_bytes: 4_096, ..config() }).await;
    let mut wire = Wire::connect(&server).await;
    let good = frame(&request("").encode_to_vec());
    assert_eq!(wire.call(CLASSIFY, &[("x-note", &"a".repeat(1_000))], good.clone(), true).await.0, "0");
    assert_eq!(wire.status(CLASSIFY, &[("x-note", &"a".repeat(8_000))], good.clone()).await, 431);
    assert_eq!(wire.call(CLASSIFY, &[], good, true).await.0, "0", "the connection lives");
}

/// Calls that are opened and taken back in one write ("rapid reset"), and then a ping: all that the server sends.
async fn reset_rapidly(server: &Server, calls: u32) -> Vec<u8> {
    let frame = |kind: u8, flags: u8, stream: u32, body: &[u8]| {
        let mut frame = (body.len() as u32).to_be_bytes()[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(body);
        frame
    };
    // POST, http, and the path as a literal.
    let head = [&[0x83, 0x86, 0x04, STREAM.len() as u8], STREAM.as_bytes(), &[0x01, 1, b'x']].concat();
    let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    sent.extend(frame(4, 0, 0, &[]));
    for call in 0..calls {
        sent.extend(frame(1, 4, 2 * call + 1, &head));
        sent.extend(frame(3, 0, 2 * call + 1, &8_u32.to_be_bytes()));
    }
    sent.extend(frame(6, 0, 0, b"are here"));
    let mut tcp = TcpStream::connect(server.address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut tcp, &sent).await.unwrap();
    let mut got = Vec::new();
    let _more = timeout(Duration::from_millis(700), tcp.read_to_end(&mut got)).await;
    got
}

#[tokio::test]
async fn rapid_resets_end_the_connection() {
    let server = Server::start(Config { max_resets: 50, ..config() }).await;
    let has = |got: &[u8], what: &[u8]| got.windows(what.len()).any(|w| w == what);
    // A GOAWAY frame's code: ENHANCE_YOUR_CALM.
    let calm = [0, 0, 0, 11];
    let few = reset_rapidly(&server, 30).await;
    assert!(has(&few, b"are here") && !has(&few, &calm), "a few may change their mind");
    let many = reset_rapidly(&server, 100).await;
    assert!(has(&many, &calm) && !has(&many, b"are here"), "{many:?}");
    server.client().await.classify(request("")).await.unwrap();
}

/// Pings that nobody needs end the connection, those between calls do not, and a client that does not read the answers
/// to its pings is no longer read from.
#[tokio::test]
async fn pings_without_calls_end_the_connection() {
    const PING: [u8; 17] = [0, 0, 8, 6, 0, 0, 0, 0, 0, b'a', b'r', b'e', b' ', b'h', b'e', b'r', b'e'];
    let server = Server::start(Config { max_pings: 100, ..config() }).await;
    let pinged = async |pings: usize| {
        let preface = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat();
        let mut tcp = TcpStream::connect(server.address).await.unwrap();
        let _cut = tokio::io::AsyncWriteExt::write_all(&mut tcp, &[preface, PING.repeat(pings)].concat()).await;
        let mut got = Vec::new();
        let closed = timeout(Duration::from_millis(700), tcp.read_to_end(&mut got)).await.is_ok();
        let answers = got.windows(8).filter(|w| w == b"are here").count();
        (closed, answers, String::from_utf8_lossy(&got).contains("too_many_pings"))
    };
    assert_eq!(pinged(50).await, (false, 50, false));
    let (closed, answers, told) = pinged(150).await;
    assert!(closed && answers <= 100 && told, "{closed} {answers} {told}");
    let (closed, answers, _) = pinged(50_000).await;
    assert!(closed && answers <= 100, "{closed} {answers}");
    server.client().await.classify(request("")).await.unwrap();
}

#[tokio::test]
async fn who_floods_with_pings_and_reads_nothing_is_not_read_from() {
    let server = Server::start(Config { max_pings: usize::MAX, ..config() }).await;
    let pings = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8].repeat(4_096);
    let mut tcp = TcpStream::connect(server.address).await.unwrap();
    let preface = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat();
    tokio::io::AsyncWriteExt::write_all(&mut tcp, &preface).await.unwrap();
    let mut taken = 0;
    while taken < 256 << 20 {
        match timeout(Duration::from_secs(1), tokio::io::AsyncWriteExt::write(&mut tcp, &pings)).await {
            Ok(Ok(n)) => taken += n,
            _ => break,
        }
    }
    // What the buffers of both sockets hold.
    assert!(taken < 64 << 20, "{taken} bytes of pings were taken");
    server.client().await.classify(request("")).await.unwrap();
}

/// A few kilobytes that become many megabytes.
#[tokio::test]
async fn bombs_stop_at_the_limit() {
    let server = Server::start(Config { max_message_bytes: 1 << 20, ..config() }).await;
    let mut wire = Wire::connect(&server).await;
    let zeros = vec![0_u8; 64 << 20];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&zeros).unwrap();
    let zstd = zstd::stream::encode_all(&zeros[..], 3).unwrap();
    for (name, packed) in [("gzip", gzip.finish().unwrap()), ("zstd", zstd)] {
        assert!(packed.len() < 100_000);
        let (status, message) = wire.call(CLASSIFY, &[("grpc-encoding", name)], packed_frame(&packed), true).await;
        assert!(["8", "11", "13"].contains(&status.as_str()), "{name}: {status} {message}");
        // What is honest is read, however it is packed.
        let good = request("").encode_to_vec();
        let good = if name == "gzip" {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(&good).unwrap();
            gzip.finish().unwrap()
        } else {
            zstd::stream::encode_all(&good[..], 3).unwrap()
        };
        assert_eq!(wire.call(CLASSIFY, &[("grpc-encoding", name)], packed_frame(&good), true).await.0, "0", "{name}");
    }
    assert_eq!(wire.call(CLASSIFY, &[("grpc-encoding", "br")], packed_frame(b"x"), true).await.0, "12");
}

fn packed_frame(packed: &[u8]) -> Bytes {
    let mut framed = BytesMut::new();
    framed.put_u8(1);
    framed.put_u32(packed.len() as u32);
    framed.put_slice(packed);
    framed.freeze()
}

#[tokio::test]
async fn a_message_has_a_size_and_a_request_has_an_end() {
    let server = Server::start(Config { max_message_bytes: 1 << 16, max_call_time: SOON, ..config() }).await;
    let mut client = server.client().await;
    let big = pb::ClassifyRequest { article: Some(article(&ARTICLE.repeat(100))), ..Default::default() };
    let refused = client.classify(big).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange);
    assert!(refused.message().contains("65536"), "{}", refused.message());
    // Half a message, and then nothing.
    let mut wire = Wire::connect(&server).await;
    let good = frame(&request("").encode_to_vec());
    let begun = Instant::now();
    let (status, _) = wire.call(CLASSIFY, &[], good.slice(..good.len() / 2), false).await;
    assert_eq!(status, "4");
    assert!((SOON..Duration::from_secs(5)).contains(&begun.elapsed()));
}

#[tokio::test]
async fn a_stream_that_stands_still_ends() {
    let server = Server::start(Config { stream_idle_timeout: SOON, ..config() }).await;
    let mut wire = Wire::connect(&server).await;
    let message = frame(&pb::ClassifyStreamRequest { request: Some(request("")) }.encode_to_vec());
    let (status, says) = wire.call(STREAM, &[], message, false).await;
    assert_eq!(status, "4");
    assert!(says.contains("--stream-idle-timeout"), "{says}");
}

/// The client is asked to go; what it does not finish is cut after the grace.
#[tokio::test]
async fn connections_end_of_age() {
    let age = Duration::from_millis(700);
    let server = Server::start(Config { max_connection_age: age, connection_grace: age, ..config() }).await;
    let mut client = server.client().await;
    let (send, requests) = tokio::sync::mpsc::channel(4);
    let requests = tokio_stream::wrappers::ReceiverStream::new(requests);
    let message = |id: &str| pb::ClassifyStreamRequest { request: Some(request(id)) };
    let begun = Instant::now();
    let mut replies = client.classify_stream(requests).await.unwrap().into_inner();
    // Asked to go at `age`, the stream still works.
    tokio::time::sleep(age + age / 3).await;
    send.send(message("late")).await.unwrap();
    assert_eq!(replies.message().await.unwrap().unwrap().request_id, "late");
    server.client().await.classify(request("")).await.expect("on a new connection");
    let cut = timeout(Duration::from_secs(10), replies.message()).await.expect("never cut");
    assert!(cut.is_err(), "{cut:?}");
    assert!(begun.elapsed() >= 2 * age);
    client.classify(request("")).await.expect("it connects anew by itself");
}

/// A client that has nothing in flight does as it is asked, long before it would be cut: its place is free then.
#[tokio::test]
async fn an_old_connection_is_asked_to_go() {
    let limits = Config { max_connections: 1, max_connection_age: SOON, ..config() };
    let server = Server::start(limits).await;
    let mut old = Wire::connect(&server).await;
    assert_eq!(old.call(CLASSIFY, &[], frame(&request("").encode_to_vec()), true).await.0, "0");
    let another = async {
        while server.client_try().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(10), another).await.expect("it stays for as long as it likes");
}

/// A peer that went away without a word, as when its machine loses its power, is looked for.
#[tokio::test]
async fn who_does_not_answer_pings_is_looked_for() {
    let server = Server::start(config()).await;
    let mut tcp = TcpStream::connect(server.address).await.unwrap();
    let preface = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat();
    tokio::io::AsyncWriteExt::write_all(&mut tcp, &preface).await.unwrap();
    let pinged = async {
        loop {
            let mut head = [0; 9];
            tcp.read_exact(&mut head).await.unwrap();
            let mut body = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
            tcp.read_exact(&mut body).await.unwrap();
            if head[3] == 6 {
                return;
            }
        }
    };
    timeout(Duration::from_secs(60), pinged).await.expect("a dead peer holds its place for ever");
}

/// The limit of each service, before a byte of the message is there; and what is packed is read by each that says so.
#[tokio::test]
async fn each_service_bounds_and_unpacks_its_messages() {
    const LIVE: &str = "/inference.GRPCInferenceService/ServerLive";
    let server = Server::start(Config { max_message_bytes: 1 << 20, ..config() }).await;
    let mut wire = Wire::connect(&server).await;
    for (path, most) in [(CLASSIFY, 1 << 20), (LIVE, 1 << 20), ("/wiredesk.v1.ModelService/ListModels", 64 << 10)] {
        let mut head = BytesMut::new();
        head.put_u8(0);
        head.put_u32(most + 1);
        let (status, says) = wire.call(path, &[], head.freeze(), true).await;
        assert!(status == "11" && says.contains(&most.to_string()), "{path}: {status} {says}");
    }
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()).finish().unwrap();
    for (name, nothing) in [("gzip", gzip), ("zstd", zstd::stream::encode_all(&b""[..], 3).unwrap())] {
        let (status, says) = wire.call(LIVE, &[("grpc-encoding", name)], packed_frame(&nothing), true).await;
        assert_eq!(status, "0", "{name}: {says}");
    }
}

/// Single calls behind 10,000 articles of a batch and a stream that is full wait for a piece each, not for all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_call_does_not_wait_for_a_big_one() {
    let server = Server::start(Config { threads: 1, max_batch: 10_000, ..config() }).await;
    let address = admin(&server).await;
    let article = pb::ClassifyRequest { article: Some(article(ARTICLE)), ..Default::default() };
    let (mut client, mut streaming) = (server.client().await, server.client().await);
    client.classify(article.clone()).await.unwrap();
    let (mut bulk, batch) = (server.client().await, vec![article.clone(); 10_000]);
    let bulk = tokio::spawn(async move { bulk.classify_batch(pb::ClassifyBatchRequest { requests: batch }).await });
    // It takes a while to get there.
    let begun = |s: &Samples| s.sum("wiredesk_queue_wait_seconds_count", &["lane=\"bulk\""]) >= 1.0;
    eventually(address, "the batch is begun", begun).await;
    let endless = std::iter::repeat_with({
        let article = article.clone();
        move || pb::ClassifyStreamRequest { request: Some(article.clone()) }
    });
    let mut stream = streaming.classify_stream(tokio_stream::iter(endless)).await.unwrap().into_inner();
    let stream = tokio::spawn(async move { stream.message().await });
    for _ in 0..20 {
        client.classify(article.clone()).await.unwrap();
    }
    let samples = Samples::of(address).await;
    assert_eq!(samples.sum("wiredesk_calls_in_flight", &["ClassifyBatch\""]), 1.0, "the batch was done before");
    assert!(stream.await.unwrap().unwrap().is_some(), "the stream had its turn too");
    assert_eq!(bulk.await.unwrap().unwrap().into_inner().results.len(), 10_000);
}
