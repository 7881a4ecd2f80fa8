//! What an operator sees: the admin address.

use crate::support::{Process, Server, config, wiredesk};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use wiredesk::{model::Classifier, service::serve_admin};

/// The admin address of a server in this process.
async fn admin(server: &Server) -> SocketAddr {
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

#[tokio::test(flavor = "multi_thread")]
async fn ready_only_while_health_says_serving() {
    let mut server =
        Server::start_empty(wiredesk::service::Config { notice: Duration::from_secs(60), ..config() }).await;
    let address = admin(&server).await;
    assert_eq!(get(address, "/livez").await.0, 200);
    assert_eq!(get(address, "/readyz").await.0, 503, "no model yet");
    server.registry.install(Classifier::embedded().unwrap());
    becomes(address, "/readyz", 200).await;
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
    assert_eq!(get(server.admin.as_deref().unwrap().parse().unwrap(), "/readyz").await.0, 200);
}

#[test]
fn an_admin_address_that_cannot_be_had_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = wiredesk().args(["serve", "--listen", "127.0.0.1:0", "--admin", &address]).output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && log.contains(&format!("{address} (--admin)")), "{log}");
}
