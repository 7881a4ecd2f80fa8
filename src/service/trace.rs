//! Spans of calls, that join the caller's trace. With the feature `otel` only; else nothing, at no cost.
//!
//! The spans have the target `wiredesk::trace` at the level trace, so they are made when somebody exports them and not
//! for the log.

use http::HeaderMap;
use tonic::Code;

#[cfg(not(feature = "otel"))]
pub(super) fn span(_method: &str, _headers: &HeaderMap) -> tracing::Span {
    tracing::Span::none()
}

#[cfg(not(feature = "otel"))]
pub(super) fn end(_span: &tracing::Span, _code: Code) {}

/// The span of a call, below that of its caller.
#[cfg(feature = "otel")]
pub(super) fn span(method: &str, headers: &HeaderMap) -> tracing::Span {
    use opentelemetry::propagation::TextMapPropagator as _;
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;

    let (service, name) = method.split_once('/').unwrap_or(("", method));
    let span = tracing::trace_span!(
        target: TARGET,
        "call",
        otel.name = method,
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        rpc.system = "grpc",
        rpc.service = service,
        rpc.method = name,
        rpc.grpc.status_code = tracing::field::Empty,
    );
    if !span.is_disabled() {
        let caller = opentelemetry_sdk::propagation::TraceContextPropagator::new().extract(&Headers(headers));
        // It fails only for a span that nobody exports.
        let _exported = span.set_parent(caller);
    }
    span
}

#[cfg(feature = "otel")]
pub(super) fn end(span: &tracing::Span, code: Code) {
    span.record("rpc.grpc.status_code", code as i32);
    if matches!(code, Code::Internal | Code::Unknown | Code::DataLoss | Code::DeadlineExceeded | Code::Unavailable) {
        span.record("otel.status_code", "ERROR");
    }
}

/// Of one article, inside that of its call. `waited`: before it was begun.
#[cfg(feature = "otel")]
pub(super) fn classify(waited: std::time::Duration) -> Classifying {
    let wait_us = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
    Classifying { _entered: tracing::trace_span!(target: TARGET, "classify", wait_us).entered() }
}

#[cfg(not(feature = "otel"))]
pub(super) fn classify(_waited: std::time::Duration) -> Classifying {
    Classifying {}
}

/// Ends the span when it is dropped.
pub(super) struct Classifying {
    #[cfg(feature = "otel")]
    _entered: tracing::span::EnteredSpan,
}

/// The span of the call that is being answered, to be taken along to another thread.
pub(super) struct Carried(#[cfg(feature = "otel")] tracing::Span);

/// The span that is current here.
pub(super) fn carried() -> Carried {
    Carried(
        #[cfg(feature = "otel")]
        tracing::Span::current(),
    )
}

impl Carried {
    /// Works inside the span.
    #[cfg(feature = "otel")]
    pub(super) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.in_scope(work)
    }

    #[cfg(not(feature = "otel"))]
    pub(super) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        work()
    }
}

#[cfg(feature = "otel")]
const TARGET: &str = "wiredesk::trace";

#[cfg(feature = "otel")]
struct Headers<'a>(&'a HeaderMap);

#[cfg(feature = "otel")]
impl opentelemetry::propagation::Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}
