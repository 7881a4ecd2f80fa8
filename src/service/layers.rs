//! What surrounds every call: who may make it, its deadline and the net under its panics.

use super::{access::Access, incoming::Peer, status::Refusal};
use http::{HeaderMap, Request, Response};
use std::{
    future::{Future, poll_fn, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tonic::{Status, body::Body};
use tower::{Layer, Service};

/// When the caller stops waiting, from its `grpc-timeout`; an extension of the
/// request. Streams must look at it themselves: the layer bounds a call only
/// until the head of its response.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(pub(super) Instant);

/// The deadline of a request, if its caller set one.
pub(super) fn deadline_of(extensions: &tonic::Extensions) -> Option<Instant> {
    extensions.get::<Deadline>().map(|d| d.0)
}

/// The single call.
const CLASSIFY: &str = "/wiredesk.v1.ClassifierService/Classify";

/// Refuses callers that may not, and single calls that there is no room for; answers DEADLINE_EXCEEDED when the deadline
/// passes (tonic by itself says CANCELLED) and INTERNAL when a handler panics
/// (tonic by itself resets the stream).
#[derive(Clone)]
pub(super) struct GuardLayer {
    pub(super) access: Arc<Access>,
    /// Whether there is room for a single call; asked before its message is read.
    pub(super) door: Arc<dyn Fn() -> Result<(), Refusal> + Send + Sync>,
    /// How long a call may take until the head of its response, whatever its
    /// caller says: a request that never ends must not hold its place for ever.
    pub(super) longest_call: Duration,
}

impl<S> Layer<S> for GuardLayer {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Guard<S> {
        Guard { inner, rules: self.clone() }
    }
}

/// See [`GuardLayer`].
#[derive(Clone)]
pub(super) struct Guard<S> {
    inner: S,
    rules: GuardLayer,
}

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl<S> Service<Request<Body>> for Guard<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<Result<Response<Body>, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let peer = request.extensions().get::<Peer>();
        let path = request.uri().path();
        let may = self.rules.access.check(path, request.headers(), peer);
        if let Err(refusal) = may.and_then(|()| if path == CLASSIFY { (self.rules.door)() } else { Ok(()) }) {
            return Box::pin(ready(Ok(refused(refusal))));
        }
        let now = Instant::now();
        let deadline = timeout(request.headers()).and_then(|t| now.checked_add(t));
        if let Some(deadline) = deadline {
            request.extensions_mut().insert(Deadline(deadline));
        }
        let longest = now + self.rules.longest_call;
        let last = deadline.map_or(longest, |deadline| deadline.min(longest));
        let call = caught(self.inner.call(request));
        Box::pin(async move {
            match tokio::time::timeout_at(last.into(), call).await {
                Ok(done) => done.unwrap_or_else(|Panicked| Ok(refused(Refusal::Internal))),
                Err(_elapsed) => Ok(refused(Refusal::Expired)),
            }
        })
    }
}

fn refused(refusal: Refusal) -> Response<Body> {
    Status::from(refusal).into_http()
}

/// A future's panic, which the panic hook has already reported.
pub(super) struct Panicked;

/// Runs a future and catches its panic.
pub(super) async fn caught<F: Future>(future: F) -> Result<F::Output, Panicked> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(_panic) => Poll::Ready(Err(Panicked)),
    })
    .await
}

/// `grpc-timeout`: at most 8 digits and a unit; anything else is not a timeout.
///
/// One millisecond less than was asked for: tonic's own timer, set a moment
/// before ours, would else win now and then, with the wrong code.
fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let n: u64 = digits.parse().ok()?;
    let timeout = match unit {
        "H" => Duration::from_secs(n * 60 * 60),
        "M" => Duration::from_secs(n * 60),
        "S" => Duration::from_secs(n),
        "m" => Duration::from_millis(n),
        "u" => Duration::from_micros(n),
        "n" => Duration::from_nanos(n),
        _ => return None,
    };
    Some(timeout.saturating_sub(Duration::from_millis(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_grpc_timeouts() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", value.parse().unwrap());
            timeout(&headers)
        };
        assert_eq!(read("50m"), Some(Duration::from_millis(49)));
        assert_eq!(read("1S"), Some(Duration::from_millis(999)));
        assert_eq!(read("99999999H"), Some(Duration::from_secs(99_999_999 * 3_600) - Duration::from_millis(1)));
        assert_eq!(read("10n"), Some(Duration::ZERO));
        for bad in ["", "m", "5", "-1S", "1 S", "123456789S", "1x", "\u{e9}"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn catches_panics_between_polls() {
        let future = async {
            tokio::task::yield_now().await;
            panic!("a test panics here");
        };
        assert!(caught::<std::pin::Pin<Box<dyn Future<Output = ()>>>>(Box::pin(future)).await.is_err());
        assert!(caught(async { 1 }).await.is_ok());
    }
}
