//! `ClassifyStream`: articles as they come, answers in their order.
//!
//! One task a stream. It reads ahead by a few pieces and no further: when the
//! engine is busy or the client does not read its replies, it stops reading
//! requests, and HTTP/2 flow control stops the client.

use super::{
    batch::{PIECE_ARTICLES, PIECE_BYTES, weight},
    classifier::Core,
    engine::Reply,
    layers::{Panicked, caught},
    pb::{self, classify_stream_response::Result as Item},
    status::Refusal,
};
use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};
use tokio::sync::mpsc;
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Status, Streaming};

type Sent = Result<pb::ClassifyStreamResponse, Status>;

/// Answers the requests of a stream until it ends, its deadline passes, its
/// client goes away or the server drains.
pub(super) fn open(
    core: Arc<Core>,
    requests: Streaming<pb::ClassifyStreamRequest>,
    deadline: Option<Instant>,
) -> ReceiverStream<Sent> {
    let (replies, receiver) = mpsc::channel(PIECE_ARTICLES);
    tokio::spawn(async move {
        let pump = caught(pump(core, requests, deadline, replies.clone()));
        let end = match deadline {
            None => pump.await,
            Some(deadline) => {
                tokio::time::timeout_at(deadline.into(), pump).await.unwrap_or(Ok(Err(Refusal::Expired.into())))
            }
        };
        // A stream that ends without a word would look complete.
        if let Err(status) = end.unwrap_or_else(|Panicked| Err(Refusal::Internal.into())) {
            let _gone = replies.send(Err(status)).await;
        }
    });
    ReceiverStream::new(receiver)
}

/// `Err`: what to end the stream with.
async fn pump(
    core: Arc<Core>,
    mut requests: Streaming<pb::ClassifyStreamRequest>,
    deadline: Option<Instant>,
    replies: mpsc::Sender<Sent>,
) -> Result<(), Status> {
    let mut pending: VecDeque<Reply<Vec<pb::ClassifyStreamResponse>>> = VecDeque::new();
    let mut end = None;
    loop {
        let reading = end.is_none() && pending.len() < core.engine.window();
        tokio::select! {
            () = replies.closed() => return Ok(()),
            // Nothing is asked and nothing is owed.
            () = tokio::time::sleep(core.stream_idle), if end.is_none() && pending.is_empty() => {
                end = Some(Err(Refusal::Idle.into()));
            }
            () = core.draining.cancelled(), if end.is_none() => end = Some(Err(Refusal::Closing.into())),
            Some(reply) = front(&mut pending) => {
                pending.pop_front();
                for response in reply? {
                    if replies.send(Ok(response)).await.is_err() {
                        return Ok(());
                    }
                }
            }
            (piece, more) = poll_fn(|cx| read_piece(&mut requests, cx)), if reading => {
                if !piece.is_empty() {
                    pending.push_back(submit(&core, piece, deadline).await?);
                }
                end = match more {
                    More::Perhaps => None,
                    More::End => Some(Ok(())),
                    More::Broken(status) => Some(Err(status)),
                };
            }
        }
        if pending.is_empty()
            && let Some(end) = end
        {
            return end;
        }
    }
}

/// The answer to the oldest piece; `None` when nothing is pending.
async fn front<T>(pending: &mut VecDeque<Reply<T>>) -> Option<Result<T, Refusal>> {
    match pending.front_mut() {
        Some(reply) => Some(reply.wait().await),
        None => None,
    }
}

/// What may follow a piece.
enum More {
    Perhaps,
    End,
    Broken(Status),
}

/// All messages that are already here, up to a full piece; waits for the first.
fn read_piece(
    requests: &mut Streaming<pb::ClassifyStreamRequest>,
    cx: &mut Context<'_>,
) -> Poll<(Vec<pb::ClassifyRequest>, More)> {
    let (mut piece, mut bytes) = (Vec::new(), 0);
    while piece.len() < PIECE_ARTICLES && bytes < PIECE_BYTES {
        match Pin::new(&mut *requests).poll_next(cx) {
            Poll::Ready(Some(Ok(message))) => {
                let request = message.request.unwrap_or_default();
                bytes += weight(&request);
                piece.push(request);
            }
            Poll::Ready(None) => return Poll::Ready((piece, More::End)),
            Poll::Ready(Some(Err(status))) => return Poll::Ready((piece, More::Broken(status))),
            Poll::Pending if piece.is_empty() => return Poll::Pending,
            Poll::Pending => break,
        }
    }
    Poll::Ready((piece, More::Perhaps))
}

async fn submit(
    core: &Arc<Core>,
    piece: Vec<pb::ClassifyRequest>,
    deadline: Option<Instant>,
) -> Result<Reply<Vec<pb::ClassifyStreamResponse>>, Refusal> {
    let worker = Arc::clone(core);
    let queued = Instant::now();
    let work = move |scratch: &mut _| {
        let answer = |request: pb::ClassifyRequest| {
            let request_id = request.request_id.clone();
            let result = match worker.answer(request, queued, scratch) {
                Ok(response) => Item::Response(response),
                Err(refusal) => Item::Error(refusal.within("request.").into_rpc()),
            };
            pb::ClassifyStreamResponse { request_id, result: Some(result) }
        };
        piece.into_iter().map(answer).collect()
    };
    core.engine.bulk(deadline, work).await
}
