//! grpc.health.v1: the server (""), each service, each head. SERVING means
//! that a call made now gets an answer.

use super::{
    Registry,
    pb::{classifier_service_server::SERVICE_NAME as CLASSIFIER, model_service_server::SERVICE_NAME as MODELS},
    registry::Models,
};
use crate::prediction::Head;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic_health::{
    ServingStatus,
    pb::{self, HealthCheckRequest, health_server::Health as _},
    server::{HealthReporter, HealthService},
};

/// What is reported on.
fn names() -> impl Iterator<Item = &'static str> {
    ["", CLASSIFIER, MODELS].into_iter().chain(Head::ALL.map(Head::name))
}

/// Nothing serves. To be said before the first connection is accepted: the
/// reporter itself begins with "" as SERVING.
pub(super) async fn nothing_serves(reporter: &HealthReporter) {
    for name in names() {
        reporter.set_service_status(name, ServingStatus::NotServing).await;
    }
}

/// Follows the registry until `stopping`, then reports that nothing serves.
pub(super) async fn follow(reporter: HealthReporter, mut models: watch::Receiver<Models>, stopping: CancellationToken) {
    loop {
        let default = models.borrow_and_update().first().cloned();
        if let Some(default) = default {
            for name in ["", CLASSIFIER, MODELS] {
                reporter.set_service_status(name, ServingStatus::Serving).await;
            }
            for head in Head::ALL {
                let status = if default.has(head) { ServingStatus::Serving } else { ServingStatus::NotServing };
                reporter.set_service_status(head.name(), status).await;
            }
        }
        tokio::select! {
            () = stopping.cancelled() => break,
            changed = models.changed() => if changed.is_err() { break },
        }
    }
    nothing_serves(&reporter).await;
}

/// Whether health says SERVING of the server as a whole.
pub(super) async fn serves(registry: &Registry) -> bool {
    let Some(reporter) = registry.health.get() else { return false };
    let request = tonic::Request::new(HealthCheckRequest::default());
    let reply = HealthService::from_health_reporter(reporter.clone()).check(request).await;
    reply.is_ok_and(|reply| reply.get_ref().status() == pb::health_check_response::ServingStatus::Serving)
}

/// Ends every `Watch`, which would else hold its connection open.
pub(super) async fn end_watches(mut reporter: HealthReporter) {
    for name in names() {
        reporter.clear_service_status(name).await;
    }
}
