//! What is seen of every call: it is counted, timed, traced and logged, whoever answers it.
//!
//! A call has an id: the caller's `x-request-id`, which comes back with the
//! reply, else the `request_id` of its message, else one that is made when
//! something is said of the call. Log lines have the target `wiredesk::access`:
//! faults of ours as errors, everything else at debug.

use super::{
    Registry,
    metrics::{Begun, code_name},
    trace,
};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Frame, SizeHint};
use std::{
    future::Future,
    hash::{BuildHasher as _, RandomState},
    pin::Pin,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};
use tonic::{Code, body::Body};
use tower::{Layer, Service};

/// Where the target of the access log is turned up or down: `--log info,wiredesk::access=debug`.
const TARGET: &str = "wiredesk::access";
const REQUEST_ID: &str = "x-request-id";
/// Longer ids are not ours to carry.
const MOST_ID_BYTES: usize = 128;

/// The `request_id` of a message; an extension of its response when [`logs_calls`].
#[derive(Debug, Clone)]
pub(super) struct MessageId(pub(super) String);

/// Whether calls that go well are logged.
pub(super) fn logs_calls() -> bool {
    tracing::enabled!(target: TARGET, tracing::Level::DEBUG)
}

/// Observes calls. To be the outermost layer, so that it sees what the others refuse.
#[derive(Clone)]
pub(super) struct ObservedLayer(pub(super) Arc<Registry>);

impl<S> Layer<S> for ObservedLayer {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Observed<S> {
        Observed { inner, registry: Arc::clone(&self.0) }
    }
}

/// See [`ObservedLayer`].
#[derive(Clone)]
pub(super) struct Observed<S> {
    inner: S,
    registry: Arc<Registry>,
}

impl<S> Service<Request<Body>> for Observed<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Unpin,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Observing<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let call = Call::begin(&self.registry, request.uri().path(), request.headers());
        let _entered = call.span.enter();
        let inner = self.inner.call(request);
        drop(_entered);
        Observing { inner, call: Some(call) }
    }
}

/// A call until the head of its reply.
pub(super) struct Observing<F> {
    inner: F,
    call: Option<Call>,
}

impl<F, E> Future for Observing<F>
where
    F: Future<Output = Result<Response<Body>, E>> + Unpin,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Self { inner, call } = &mut *self;
        let entered = call.as_ref().map(|call| call.span.enter());
        let done = Pin::new(inner).poll(cx);
        drop(entered);
        let Poll::Ready(done) = done else { return Poll::Pending };
        let Some(call) = call.take() else { return Poll::Ready(done) };
        Poll::Ready(match done {
            Ok(response) => Ok(call.answered(response)),
            Err(error) => {
                call.end(Code::Unknown, None);
                Err(error)
            }
        })
    }
}

/// A call that has begun. Dropped before its end, it was cancelled.
pub(super) struct Call {
    registry: Arc<Registry>,
    begun: Begun,
    /// The caller's.
    id: Option<HeaderValue>,
    span: tracing::Span,
    ended: bool,
}

impl Call {
    /// A call of the method with this path.
    pub(super) fn begin(registry: &Arc<Registry>, path: &str, headers: &HeaderMap) -> Self {
        let begun = registry.metrics.calls.begin(path);
        let id = headers.get(REQUEST_ID).filter(|id| id.len() <= MOST_ID_BYTES && id.to_str().is_ok());
        let span = trace::span(&registry.metrics.calls.method(begun).name, headers);
        Self { registry: Arc::clone(registry), begun, id: id.cloned(), span, ended: false }
    }

    /// The head of the reply is here. A unary call ends with it, a stream with its trailers.
    fn answered(self, mut response: Response<Body>) -> Response<Body> {
        let code = code_of(response.headers());
        let message_id = response.extensions_mut().remove::<MessageId>();
        let id = self.sign(code, response.headers_mut());
        if code.is_none() && self.registry.metrics.calls.method(self.begun).streams {
            return response.map(|inner| Body::new(Streamed { inner, call: Some(self) }));
        }
        let id = id.as_ref().and_then(|id| id.to_str().ok()).or(message_id.as_ref().map(|id| id.0.as_str()));
        self.end(code.unwrap_or(Code::Ok), id);
        response
    }

    /// The whole reply is here, and says its code elsewhere than gRPC does.
    pub(super) fn replied(self, code: Code, headers: &mut HeaderMap) {
        let id = self.sign(Some(code).filter(|code| *code != Code::Ok), headers);
        self.end(code, id.as_ref().and_then(|id| id.to_str().ok()));
    }

    /// Puts the call's id on its reply: the caller's, or one that is made when something went wrong, by which the caller
    /// can say what we should look for.
    fn sign(&self, wrong: Option<Code>, headers: &mut HeaderMap) -> Option<HeaderValue> {
        let made = || wrong.and_then(|_| HeaderValue::from_str(&made_id()).ok());
        let id = self.id.clone().or_else(made)?;
        headers.insert(REQUEST_ID, id.clone());
        Some(id)
    }

    fn end(mut self, code: Code, id: Option<&str>) {
        self.finish(code, id);
    }

    fn finish(&mut self, code: Code, id: Option<&str>) {
        self.ended = true;
        let calls = &self.registry.metrics.calls;
        calls.end(self.begun, code);
        trace::end(&self.span, code);
        let fault = matches!(code, Code::Internal | Code::Unknown | Code::DataLoss);
        if !fault && !logs_calls() {
            return;
        }
        let (method, code, duration) = (&calls.method(self.begun).name, code_name(code), self.begun.at.elapsed());
        let made;
        let request_id = match id.or_else(|| self.id.as_ref()?.to_str().ok()) {
            Some(id) => id,
            None => {
                made = made_id();
                &made
            }
        };
        if fault {
            tracing::error!(target: TARGET, method, code, ?duration, request_id, "failed");
        } else {
            tracing::debug!(target: TARGET, method, code, ?duration, request_id, "called");
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.ended {
            self.finish(Code::Cancelled, None);
        }
    }
}

/// The code in a head or in trailers; `None`: not said yet.
fn code_of(headers: &HeaderMap) -> Option<Code> {
    headers.get("grpc-status").map(|code| Code::from_bytes(code.as_bytes()))
}

/// An id that no other call has, here or in another process.
fn made_id() -> String {
    static PROCESS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{:016x}", PROCESS.hash_one(NEXT.fetch_add(1, Ordering::Relaxed)))
}

/// The body of a streamed reply, which says how the call ends.
struct Streamed {
    inner: Body,
    call: Option<Call>,
}

impl http_body::Body for Streamed {
    type Data = <Body as http_body::Body>::Data;
    type Error = <Body as http_body::Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(cx);
        let code = match &frame {
            Poll::Ready(Some(Ok(frame))) => frame.trailers_ref().map(|t| code_of(t).unwrap_or(Code::Unknown)),
            Poll::Ready(Some(Err(_)) | None) => Some(Code::Unknown),
            Poll::Pending => None,
        };
        if let Some(code) = code
            && let Some(call) = self.call.take()
        {
            call.end(code, None);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
