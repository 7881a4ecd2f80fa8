//! What operators and their tools ask over plain HTTP, on an address of its own.
//!
//! | path | answers |
//! | --- | --- |
//! | `/livez` | 200 for as long as the process can answer at all: restart it when this fails |
//! | `/metrics` | all numbers, as Prometheus reads them; `docs/OPERATIONS.md` says what they mean |
//! | `/readyz` | 200 when a call made now gets an answer, else 503: send no calls while this fails |

use super::{Registry, health, metrics};
use axum::{Router, extract::State, response::IntoResponse, routing::get};
use http::{StatusCode, header::CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore};

/// Connections at a time: scrapers and probes need few, and a leak must not take the files of the calls.
const MOST_CONNECTIONS: usize = 64;
/// How long a client may take to send the head of a request, and how long it may idle between two.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// When the system gives no more files, this is how long until it is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers on `listener` for as long as it is polled.
pub async fn serve(listener: TcpListener, registry: Arc<Registry>) {
    let routes = TowerToHyperService::new(routes(registry));
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _peer)) => stream,
            Err(error) => {
                tracing::warn!(%error, "the admin address accepts no connection");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
        let connection = http.serve_connection(TokioIo::new(stream), routes.clone());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to the admin address ended");
            }
            drop(place);
        });
    }
}

fn routes(registry: Arc<Registry>) -> Router {
    Router::new()
        .route("/livez", get(async || "live\n"))
        .route("/metrics", get(metrics))
        .route("/readyz", get(readyz))
        .fallback(async || (StatusCode::NOT_FOUND, "no such page; there are /livez, /readyz and /metrics\n"))
        .with_state(registry)
}

async fn metrics(State(registry): State<Arc<Registry>>) -> impl IntoResponse {
    let ready = health::serves(&registry).await;
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], registry.metrics.page(&registry, ready))
}

async fn readyz(State(registry): State<Arc<Registry>>) -> impl IntoResponse {
    if health::serves(&registry).await {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready: no model is loaded yet, or the server is shutting down\n")
    }
}
