//! Which sites' pages may call, and what their browsers let them see.

use http::{HeaderName, HeaderValue, Method, header};
use std::time::Duration;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// How long a browser may remember the answer to its question.
const REMEMBER: Duration = Duration::from_secs(24 * 60 * 60);
/// What gRPC-Web and JSON clients send.
const SENT: [HeaderName; 6] = [
    header::CONTENT_TYPE,
    header::AUTHORIZATION,
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-user-agent"),
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("traceparent"),
];
/// What gRPC-Web clients must be let see of an answer.
const SEEN: [HeaderName; 3] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
];

/// For these origins; `*`: for all.
pub(super) fn layer(origins: &[HeaderValue]) -> CorsLayer {
    let origin =
        if origins.iter().any(|o| o == "*") { AllowOrigin::any() } else { AllowOrigin::list(origins.to_vec()) };
    CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(SENT)
        .expose_headers(SEEN)
        .max_age(REMEMBER)
}

/// An origin as browsers send it, or `*`.
///
/// # Errors
/// Says what is wrong with it.
pub fn parse_origin(typed: &str) -> Result<HeaderValue, String> {
    let bare = typed.strip_prefix("https://").or_else(|| typed.strip_prefix("http://"));
    let good = typed == "*" || bare.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', ' ']));
    let value = HeaderValue::from_str(typed).ok().filter(|_| good);
    value.ok_or_else(|| "an origin such as https://news.example (no path, no slash at the end), or *".to_owned())
}
