//! Puts the services on a listener and takes them off again.

use super::{
    Registry,
    access::Access,
    classifier::{Classifier, Core},
    cork::Corked,
    cors,
    engine::Engine,
    health,
    incoming::{Rules, accept},
    interop::{Inference, inference::grpc_inference_service_server::GrpcInferenceServiceServer},
    json::{self, Mirror},
    layers::GuardLayer,
    listen::Listener,
    models::Models,
    observed::ObservedLayer,
    pb::{self, classifier_service_server::ClassifierServiceServer, model_service_server::ModelServiceServer},
};
use crate::article::Limits;
use http::HeaderValue;
use std::{future::Future, sync::Arc, time::Duration};
use tokio::sync::Semaphore;
use tokio_stream::StreamExt as _;
use tokio_util::sync::CancellationToken;
use tonic::{codec::CompressionEncoding, service::Routes, transport::Server};
use tonic_web::GrpcWebLayer;
use tower::{
    layer::util::{Identity, Stack},
    util::{Either, option_layer},
};
use tower_http::cors::CorsLayer;

/// What an operator can set.
#[derive(Debug, Clone)]
pub struct Config {
    /// Threads that classify.
    pub threads: usize,
    /// Single calls that may wait for a thread; more are refused at once.
    pub max_in_flight: usize,
    /// Longest that one of them may wait; then it is refused.
    pub max_wait: Duration,
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
    /// How much longer what is still going on on it may take, until it is cut.
    pub connection_grace: Duration,
    /// Most connections at a time.
    pub max_connections: usize,
    /// Most bytes in all headers of one call.
    pub max_header_bytes: u32,
    /// Most calls on one connection that its client opened and took back before
    /// they were looked at ("rapid reset"); beyond, the connection is closed.
    pub max_resets: usize,
    /// Most pings and other frames without a call that a client may send in a
    /// row; beyond, the connection is closed.
    pub max_pings: usize,
    /// How long a new connection may take to begin.
    pub handshake_timeout: Duration,
    /// How long a call may take until it is answered, or a stream opened,
    /// whatever its caller says.
    pub max_call_time: Duration,
    /// How long a stream may stand still.
    pub stream_idle_timeout: Duration,
    /// Sites whose pages may call (CORS); `*`: all.
    pub cors_origins: Vec<HeaderValue>,
    /// Who may call what.
    pub access: Arc<Access>,
    /// How long to say NOT_SERVING before connections are refused.
    pub notice: Duration,
    /// How long calls in flight may take after that.
    pub drain: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            threads: 1,
            max_in_flight: 1024,
            max_wait: Duration::from_secs(2),
            max_batch: 10_000,
            max_message_bytes: 16 << 20,
            max_streams: 256,
            max_connection_age: Duration::from_secs(30 * 60),
            connection_grace: Duration::from_secs(60 * 60),
            max_connections: 4_096,
            max_header_bytes: 16 << 10,
            max_resets: 20,
            max_pings: 1_000,
            handshake_timeout: Duration::from_secs(10),
            max_call_time: Duration::from_secs(5 * 60),
            stream_idle_timeout: Duration::from_secs(60 * 60),
            cors_origins: Vec::new(),
            access: Arc::default(),
            limits: Limits::default(),
            notice: Duration::ZERO,
            drain: Duration::from_secs(10),
        }
    }
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
    /// The descriptors in the binary cannot be read.
    #[error("cannot read or write JSON: {0}")]
    Json(#[from] prost_reflect::DescriptorError),
    /// The transport failed.
    #[error("the transport failed: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// Half-open peers are found and dropped after about this time.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// Streams that we reset ourselves because the peer broke the protocol.
const MAX_LOCAL_RESETS: usize = 1024;

/// What to listen with.
#[derive(Debug)]
pub struct Listeners {
    /// gRPC and gRPC-Web.
    pub grpc: Listener,
    /// JSON over HTTP.
    pub http: Option<Listener>,
}

impl<L: Into<Listener>> From<L> for Listeners {
    fn from(grpc: L) -> Self {
        Self { grpc: grpc.into(), http: None }
    }
}

/// Serves on `listeners` until `shutdown`, then drains.
///
/// Draining: health says NOT_SERVING at once; after `config.notice` the
/// listeners close and streams end; calls in flight have `config.drain` to finish.
///
/// # Errors
/// When the threads, the reflection or the transport fail.
pub async fn run(
    listeners: impl Into<Listeners>,
    registry: Arc<Registry>,
    config: Config,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there are no socket files"))]
    let mut listeners = listeners.into();
    // Gone when this function returns: the tasks that accept may not live to remove them.
    #[cfg(unix)]
    let _files = [listeners.grpc.take_file(), listeners.http.as_mut().and_then(Listener::take_file)];
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
        engine: Engine::start(config.threads, config.max_in_flight, config.max_wait).map_err(ServeError::Threads)?,
        limits: config.limits.clone(),
        max_batch: config.max_batch,
        stream_idle: config.stream_idle_timeout,
        draining: draining.clone(),
    });
    registry.metrics.work.follow(core.engine.meter());
    let door = Arc::new(core.engine.door());
    // Compressed requests are read; replies go out plain: compressing costs
    // more than classifying.
    let limits = (config.max_message_bytes, config.max_call_time);
    let mirror = listeners.http.map(|http| Mirror::new(&core, Arc::clone(&config.access), limits).map(|m| (http, m)));
    let mirror = mirror.transpose()?;
    let inference = GrpcInferenceServiceServer::new(Inference(Arc::clone(&core)))
        .max_decoding_message_size(config.max_message_bytes)
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd);
    let classifier = ClassifierServiceServer::new(Classifier(core))
        .max_decoding_message_size(config.max_message_bytes)
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd);
    let models = ModelServiceServer::new(Models(Arc::clone(&registry))).max_decoding_message_size(64 << 10);

    let services = Routes::new(classifier)
        .add_service(models)
        .add_service(inference)
        .add_service(health_server)
        .add_service(reflection().build_v1()?)
        // grpcurl 1.8 and its kin speak nothing newer.
        .add_service(reflection().build_v1alpha()?);
    let guard = GuardLayer { access: Arc::clone(&config.access), door, longest_call: config.max_call_time };
    let rules = Rules {
        access: Arc::clone(&config.access),
        room: Arc::new(Semaphore::new(config.max_connections)),
        handshake: config.handshake_timeout,
        longest: config.max_connection_age.saturating_add(config.connection_grace),
        max_pings: config.max_pings,
    };
    let access = tokio::spawn(Arc::clone(&config.access).follow(stopping.clone()));
    let json = async {
        let Some((listener, mirror)) = mirror else { return Ok(()) };
        let incoming = accept(listener, rules.clone(), draining.clone());
        let closing = draining.clone().cancelled_owned();
        transport(&config).serve_with_incoming_shutdown(json::routes(mirror), incoming, closing).await
    };
    let grpc = transport(&config)
        .layer(GrpcWebLayer::new())
        .layer(ObservedLayer(registry))
        .layer(guard)
        .serve_with_incoming_shutdown(
            services.prepare(),
            accept(listeners.grpc, rules.clone(), draining.clone()).map(|io| io.map(Corked::new)),
            draining.clone().cancelled_owned(),
        );
    let mut server = std::pin::pin!(async { tokio::try_join!(grpc, json).map(drop) });
    tokio::select! {
        done = &mut server => return Ok(done?),
        () = shutdown => {}
    }

    tracing::info!("shutting down: health says NOT_SERVING");
    stopping.cancel();
    let _done = tokio::join!(follow, access);
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

/// The limits of the transport, for both listeners.
fn transport(config: &Config) -> Server<Stack<Either<CorsLayer, Identity>, Identity>> {
    let cors = (!config.cors_origins.is_empty()).then(|| cors::layer(&config.cors_origins));
    Server::builder()
        // For gRPC-Web and JSON.
        .accept_http1(true)
        .max_concurrent_streams(config.max_streams)
        // Without tonic's grace: with it, tonic closes by force and never asks first. `Connection` cuts.
        .max_connection_age(config.max_connection_age)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_max_pending_accept_reset_streams(Some(config.max_resets))
        .http2_max_local_error_reset_streams(Some(MAX_LOCAL_RESETS))
        .http2_max_header_list_size(config.max_header_bytes)
        .layer(option_layer(cors))
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
