//! Traces of the calls, sent over OTLP (gRPC) to a collector.
//!
//! Set by the variables that OpenTelemetry gives all programs: nothing is sent unless `OTEL_EXPORTER_OTLP_ENDPOINT` or
//! `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` names a collector, and unless `OTEL_SDK_DISABLED` is `true`;
//! `OTEL_TRACES_SAMPLER` says how many; `OTEL_SERVICE_NAME` under which name, else `wiredesk`.

use super::complain;
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use std::env;
use tokio::runtime::{Builder, Runtime};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::Targets, registry::LookupSpan};

/// What sends the spans. Dropped, it sends the last of them.
pub(super) struct Exporter {
    provider: SdkTracerProvider,
    /// The connection to the collector lives here.
    _runtime: Runtime,
}

impl Drop for Exporter {
    fn drop(&mut self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// The exporter and the layer that gives it spans; `None`: not asked for, or not possible, which is said.
pub(super) fn start<S>() -> Option<(Exporter, impl Layer<S>)>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let asked = set("OTEL_EXPORTER_OTLP_ENDPOINT") || set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    let disabled = env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"));
    if !asked || disabled {
        return None;
    }
    let exporter = Exporter::new()
        .map_err(|error| complain(&format!("OTEL_EXPORTER_OTLP_ENDPOINT: {error}; no traces are sent")))
        .ok()?;
    let tracer = exporter.provider.tracer("wiredesk");
    let layer = tracing_opentelemetry::layer().with_tracer(tracer).with_location(false).with_threads(false);
    let calls = Targets::new().with_target("wiredesk::trace", LevelFilter::TRACE);
    Some((exporter, layer.with_filter(calls)))
}

impl Exporter {
    fn new() -> anyhow::Result<Self> {
        // Of its own: the server's is made later and ends sooner.
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("traces").enable_all().build()?;
        let _entered = runtime.enter();
        let spans = SpanExporter::builder().with_tonic().build()?;
        let resource = Resource::builder();
        let resource = match env::var("OTEL_SERVICE_NAME") {
            Ok(name) if !name.is_empty() => resource,
            _ => resource.with_service_name("wiredesk"),
        };
        let resource = resource.with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))).build();
        let provider = SdkTracerProvider::builder().with_batch_exporter(spans).with_resource(resource).build();
        drop(_entered);
        Ok(Self { provider, _runtime: runtime })
    }
}
