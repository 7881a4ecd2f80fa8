//! Puts the services on a listener and takes them off again.

use super::{
    Registry,
    classifier::{Classifier, Core},
    engine::Engine,
    health,
    layers::GuardLayer,
    models::Models,
    observed::ObservedLayer,
    pb::{self, classifier_service_server::ClassifierServiceServer, model_service_server::ModelServiceServer},
};
use crate::article::Limits;
use std::{future::Future, sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{
    codec::CompressionEncoding,
    transport::{Server, server::TcpIncoming},
};

/// What an operator can set.
#[derive(Debug, Clone)]
pub struct Config {
    /// Threads that classify.
    pub threads: usize,
    /// Single calls that may wait for a thread; more are refused at once.
    pub max_in_flight: usize,
    /// Most articles of one batch.
    pub max_batch: usize,
    /// Largest message in bytes, decompressed.
    pub max_message_bytes: usize,
    /// Most calls at a time on one connection.
    pub max_streams: u32,
    /// A connection is asked to close and come again after this time, so that
    /// clients spread over new replicas.
    pub max_connection_age: Duration,
    /// What an article may hold.
    pub limits: Limits,
    /// How long to say NOT_SERVING before connections are refused.
    pub notice: Duration,
    /// How long calls in flight may take after that.
    pub drain: Duration,
}

/// Why the server did not run, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The classifying threads did not start.
    #[error("cannot start the classifying threads: {0}")]
    Threads(#[source] std::io::Error),
    /// The descriptors in the binary cannot be read.
    #[error("cannot offer reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The transport failed.
    #[error("the transport failed: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// Half-open peers are found and dropped after about this time.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// Streams reset by the client that wait to be forgotten ("rapid reset").
const MAX_PENDING_RESETS: usize = 20;
/// Streams that we reset ourselves because the peer broke the protocol.
const MAX_LOCAL_RESETS: usize = 1024;
/// All headers of one call.
const MAX_HEADER_BYTES: u32 = 16 << 10;

/// Serves on `listener` until `shutdown`, then drains.
///
/// Draining: health says NOT_SERVING at once; after `config.notice` the
/// listener closes and streams end; calls in flight have `config.drain` to finish.
///
/// # Errors
/// When the threads, the reflection or the transport fail.
pub async fn run(
    listener: TcpListener,
    registry: Arc<Registry>,
    config: Config,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let stopping = CancellationToken::new();
    // Whichever way this function is left, the tasks that it started end.
    let _stop_on_return = stopping.clone().drop_guard();
    let draining = CancellationToken::new();
    let _drain_on_return = draining.clone().drop_guard();

    let (reporter, health_server) = tonic_health::server::health_reporter();
    health::nothing_serves(&reporter).await;
    let _first = registry.health.set(reporter.clone());
    let follow = tokio::spawn(health::follow(reporter.clone(), registry.watch(), stopping.clone()));

    let core = Arc::new(Core {
        registry: Arc::clone(&registry),
        engine: Engine::start(config.threads, config.max_in_flight).map_err(ServeError::Threads)?,
        limits: config.limits,
        max_batch: config.max_batch,
        draining: draining.clone(),
    });
    registry.metrics.work.follow(core.engine.meter());
    // Compressed requests are read; replies go out plain: compressing costs
    // more than classifying.
    let classifier = ClassifierServiceServer::new(Classifier(core))
        .max_decoding_message_size(config.max_message_bytes)
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd);
    let models = ModelServiceServer::new(Models(Arc::clone(&registry))).max_decoding_message_size(64 << 10);

    let router = Server::builder()
        .layer(ObservedLayer(registry))
        .layer(GuardLayer)
        .max_concurrent_streams(config.max_streams)
        // Without a grace: with one, tonic closes by force and never asks first.
        .max_connection_age(config.max_connection_age)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_max_pending_accept_reset_streams(Some(MAX_PENDING_RESETS))
        .http2_max_local_error_reset_streams(Some(MAX_LOCAL_RESETS))
        .http2_max_header_list_size(MAX_HEADER_BYTES)
        .add_service(classifier)
        .add_service(models)
        .add_service(health_server)
        .add_service(reflection().build_v1()?)
        // grpcurl 1.8 and its kin speak nothing newer.
        .add_service(reflection().build_v1alpha()?);

    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true)).with_keepalive(Some(KEEPALIVE));
    let server = router.serve_with_incoming_shutdown(incoming, draining.clone().cancelled_owned());
    let mut server = std::pin::pin!(server);
    tokio::select! {
        done = &mut server => return Ok(done?),
        () = shutdown => {}
    }

    tracing::info!("shutting down: health says NOT_SERVING");
    stopping.cancel();
    let _done = follow.await;
    tokio::select! {
        done = &mut server => return Ok(done?),
        () = tokio::time::sleep(config.notice) => {}
    }
    draining.cancel();
    health::end_watches(reporter).await;
    match tokio::time::timeout(config.drain, server).await {
        Ok(done) => done?,
        Err(_elapsed) => tracing::warn!(drain = ?config.drain, "calls still in flight were cut off"),
    }
    Ok(())
}

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(pb::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET)
        // So that clients can read the details of errors.
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
}
