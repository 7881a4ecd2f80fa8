//! `ClassifyBatch`: cut into pieces, computed in parallel, answered in order.

use super::{
    classifier::Core,
    engine::Reply,
    pb::{self, classify_batch_result::Result as Item},
    status::Refusal,
    trace,
};
use std::{collections::VecDeque, mem, sync::Arc, time::Instant};

/// A piece is full at this many articles ...
pub(super) const PIECE_ARTICLES: usize = 16;
/// ... or bytes of text: what a single call may have to wait for stays small.
pub(super) const PIECE_BYTES: usize = 64 << 10;

/// Bytes that a request makes a worker read.
pub(super) fn weight(request: &pb::ClassifyRequest) -> usize {
    request.article.as_ref().map_or(0, |a| a.title.len() + a.text.len())
}

/// Answers a batch: a response or an error for each item.
pub(super) async fn classify(
    core: &Arc<Core>,
    batch: pb::ClassifyBatchRequest,
    deadline: Option<Instant>,
) -> Result<pb::ClassifyBatchResponse, Refusal> {
    let (got, most) = (batch.requests.len(), core.max_batch);
    if got > most {
        let advice = "send it in parts, or use ClassifyStream";
        return Err(Refusal::field("requests", format!("{got} articles; the most is {most}: {advice}")));
    }
    if got == 0 {
        return Err(Refusal::field("requests", "empty: give at least one article"));
    }
    core.registry.resolve("")?; // no model at all fails the call, not each item

    let mut results = Vec::with_capacity(got);
    let mut pending: VecDeque<Reply<Vec<pb::ClassifyBatchResult>>> = VecDeque::new();
    let mut requests = batch.requests.into_iter().enumerate().peekable();
    let (mut piece, mut bytes) = (Vec::new(), 0);
    while let Some((i, request)) = requests.next() {
        bytes += weight(&request);
        piece.push((i, request));
        if piece.len() < PIECE_ARTICLES && bytes < PIECE_BYTES && requests.peek().is_some() {
            continue;
        }
        bytes = 0;
        if pending.len() >= core.engine.window() {
            take(&mut pending, &mut results).await?;
        }
        pending.push_back(submit(core, mem::take(&mut piece), deadline).await?);
    }
    while !pending.is_empty() {
        take(&mut pending, &mut results).await?;
    }
    Ok(pb::ClassifyBatchResponse { results })
}

async fn take(
    pending: &mut VecDeque<Reply<Vec<pb::ClassifyBatchResult>>>,
    results: &mut Vec<pb::ClassifyBatchResult>,
) -> Result<(), Refusal> {
    if let Some(mut reply) = pending.pop_front() {
        results.extend(reply.wait().await?);
    }
    Ok(())
}

async fn submit(
    core: &Arc<Core>,
    piece: Vec<(usize, pb::ClassifyRequest)>,
    deadline: Option<Instant>,
) -> Result<Reply<Vec<pb::ClassifyBatchResult>>, Refusal> {
    let worker = Arc::clone(core);
    let queued = Instant::now();
    let span = trace::carried();
    let work = move |scratch: &mut _| {
        let item = |(i, request)| {
            let result = match worker.answer(request, queued, scratch) {
                Ok(response) => Item::Response(response),
                Err(refusal) => Item::Error(refusal.within(&format!("requests[{i}].")).into_rpc()),
            };
            pb::ClassifyBatchResult { result: Some(result) }
        };
        span.within(|| piece.into_iter().map(item).collect())
    };
    core.engine.bulk(deadline, work).await
}
