//! `ClassifierService`: one call, one answer. Batches and streams are made of the same pieces.

use super::{
    Registry, batch, convert,
    engine::Engine,
    layers::deadline_of,
    metrics::Lane,
    observed::{MessageId, logs_calls},
    pb::{self, classifier_service_server::ClassifierService},
    shadow,
    status::Refusal,
    stream, trace,
};
use crate::{article::Limits, model::Scratch};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

/// What every call needs.
pub(super) struct Core {
    pub(super) registry: Arc<Registry>,
    pub(super) engine: Engine<Scratch>,
    pub(super) limits: Limits,
    /// Most articles of one batch.
    pub(super) max_batch: usize,
    /// How long a stream may stand still.
    pub(super) stream_idle: Duration,
    /// Cancelled when the server begins to drain: streams end then.
    pub(super) draining: CancellationToken,
}

impl Core {
    /// Checks and answers one request of several: not even a panic fails the
    /// others. CPU work: for the engine's threads only.
    pub(super) fn answer(
        &self,
        request: pb::ClassifyRequest,
        queued: Instant,
        scratch: &mut Scratch,
    ) -> Result<pb::ClassifyResponse, Refusal> {
        let answer = AssertUnwindSafe(|| {
            let checked = convert::request(request, &self.limits)?;
            self.classify_in(Lane::Bulk, checked, queued, scratch)
        });
        let answer = catch_unwind(answer).unwrap_or_else(|_panic| {
            *scratch = Scratch::default();
            Err(Refusal::Internal)
        });
        if let Err(refusal) = &answer {
            self.registry.metrics.work.item_failed(refusal.code());
        }
        answer
    }

    fn classify(
        &self,
        checked: convert::Checked,
        queued: Instant,
        scratch: &mut Scratch,
    ) -> Result<pb::ClassifyResponse, Refusal> {
        self.classify_in(Lane::Quick, checked, queued, scratch)
    }

    fn classify_in(
        &self,
        lane: Lane,
        checked: convert::Checked,
        queued: Instant,
        scratch: &mut Scratch,
    ) -> Result<pb::ClassifyResponse, Refusal> {
        let model = self.registry.resolve(&checked.model)?;
        let begun = Instant::now();
        let _span = trace::classify(begun - queued);
        let prediction = model.classify(&checked.article, &checked.targets, &checked.options, scratch);
        let compute = begun.elapsed();
        let metrics = &self.registry.metrics;
        metrics.work.classified(lane, begun - queued, compute);
        metrics.answers.count(&model, &prediction, scratch);
        if self.registry.shadow.samples()
            && let Some(candidate) = self.registry.candidate_to(&model)
        {
            let asked = (&checked.article, &checked.targets[..], &checked.options);
            let job = shadow::Job::new((Arc::clone(&model), candidate), asked, &prediction);
            let (pair, registry) = (job.pair(), Arc::clone(&self.registry));
            if !self.engine.spare(move |scratch| job.run(&registry.shadow, scratch)) {
                self.registry.shadow.left_out(pair);
            }
        }
        let frame = convert::Frame {
            request_id: checked.request_id,
            article_id: checked.article.id,
            model: model.identity(),
            queue: begun - queued,
            compute,
        };
        tracing::debug!(request_id = frame.request_id, queue = ?frame.queue, compute = ?frame.compute, "classified");
        Ok(convert::response(prediction, frame))
    }
}

/// The service over its core.
pub(super) struct Classifier(pub(super) Arc<Core>);

#[tonic::async_trait]
impl ClassifierService for Classifier {
    async fn classify(&self, request: Request<pb::ClassifyRequest>) -> Result<Response<pb::ClassifyResponse>, Status> {
        let deadline = deadline_of(request.extensions());
        // What is wrong with it is said at once, whatever waits.
        let checked = convert::request(request.into_inner(), &self.0.limits)?;
        let core = Arc::clone(&self.0);
        let queued = Instant::now();
        let weight = checked.article.title.len() + checked.article.text.len();
        let span = trace::carried();
        let work = move |scratch: &mut Scratch| span.within(|| core.classify(checked, queued, scratch));
        let mut reply = self.0.engine.quick(deadline, weight, work).await?;
        let mut response = Response::new(reply.wait().await??);
        if logs_calls() {
            let id = response.get_ref().request_id.clone();
            if !id.is_empty() {
                response.extensions_mut().insert(MessageId(id));
            }
        }
        Ok(response)
    }

    async fn classify_batch(
        &self,
        request: Request<pb::ClassifyBatchRequest>,
    ) -> Result<Response<pb::ClassifyBatchResponse>, Status> {
        let deadline = deadline_of(request.extensions());
        let response = batch::classify(&self.0, request.into_inner(), deadline).await?;
        Ok(Response::new(response))
    }

    type ClassifyStreamStream = ReceiverStream<Result<pb::ClassifyStreamResponse, Status>>;

    async fn classify_stream(
        &self,
        request: Request<Streaming<pb::ClassifyStreamRequest>>,
    ) -> Result<Response<Self::ClassifyStreamStream>, Status> {
        let deadline = deadline_of(request.extensions());
        Ok(Response::new(stream::open(Arc::clone(&self.0), request.into_inner(), deadline)))
    }
}
