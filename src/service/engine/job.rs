//! What the queue holds.

use super::super::status::Refusal;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// A piece of work, done by one thread and then handed over.
pub(super) trait Job<S>: Send {
    /// Does the work, unless nobody wants it any more.
    fn run(&mut self, state: &mut S) -> Result<(), Undone>;

    /// It will not be done.
    fn refuse(&mut self, refusal: Refusal);

    /// Hands the result over.
    fn reply(self: Box<Self>);

    /// Bytes of text to read.
    fn weight(&self) -> usize;
}

/// Why work was not done.
pub(super) enum Undone {
    /// Its deadline had passed.
    Expired,
    /// Nobody waits for it.
    Gone,
    /// It panicked. The thread's state may be half-changed: make a new one.
    Panicked,
}

/// Work with somebody who waits for its result.
pub(super) struct Task<F, T> {
    work: Option<F>,
    result: Result<T, Refusal>,
    reply: oneshot::Sender<Result<T, Refusal>>,
    deadline: Option<Instant>,
    weight: usize,
    /// Held by bulk work until it is done or dropped.
    _room: Option<OwnedSemaphorePermit>,
}

impl<F, T> Task<F, T> {
    /// A task and the answer to come.
    pub(super) fn new(
        work: F,
        deadline: Option<Instant>,
        weight: usize,
        room: Option<OwnedSemaphorePermit>,
    ) -> (Box<Self>, Reply<T>) {
        let (reply, receiver) = oneshot::channel();
        let task = Self { work: Some(work), result: Err(Refusal::Closing), reply, deadline, weight, _room: room };
        (Box::new(task), Reply(receiver))
    }
}

impl<S, F, T> Job<S> for Task<F, T>
where
    F: FnOnce(&mut S) -> T + Send,
    T: Send,
{
    fn run(&mut self, state: &mut S) -> Result<(), Undone> {
        let Some(work) = self.work.take().filter(|_| !self.reply.is_closed()) else { return Err(Undone::Gone) };
        if self.deadline.is_some_and(|d| d <= Instant::now()) {
            self.result = Err(Refusal::Expired);
            return Err(Undone::Expired);
        }
        let result = catch_unwind(AssertUnwindSafe(|| work(state)));
        let panicked = result.is_err();
        self.result = result.map_err(|_| Refusal::Internal);
        if panicked { Err(Undone::Panicked) } else { Ok(()) }
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.work = None;
        self.result = Err(refusal);
    }

    fn reply(self: Box<Self>) {
        let _gone = self.reply.send(self.result);
    }

    fn weight(&self) -> usize {
        self.weight
    }
}

/// Work that nobody waits for.
pub(super) struct Spare<F> {
    work: Option<F>,
    _room: OwnedSemaphorePermit,
}

impl<F> Spare<F> {
    pub(super) fn new(work: F, room: OwnedSemaphorePermit) -> Box<Self> {
        Box::new(Self { work: Some(work), _room: room })
    }
}

impl<S, F: FnOnce(&mut S) + Send> Job<S> for Spare<F> {
    fn run(&mut self, state: &mut S) -> Result<(), Undone> {
        let Some(work) = self.work.take() else { return Ok(()) };
        catch_unwind(AssertUnwindSafe(|| work(state))).map_err(|_| Undone::Panicked)
    }

    fn refuse(&mut self, _: Refusal) {
        self.work = None;
    }

    fn reply(self: Box<Self>) {}

    fn weight(&self) -> usize {
        0
    }
}

/// The answer to come. Dropping it cancels the work if it has not begun.
#[derive(Debug)]
pub(in crate::service) struct Reply<T>(oneshot::Receiver<Result<T, Refusal>>);

impl<T> Reply<T> {
    /// Waits for the answer. May be dropped and called again.
    pub(in crate::service) async fn wait(&mut self) -> Result<T, Refusal> {
        (&mut self.0).await.unwrap_or(Err(Refusal::Closing))
    }
}
