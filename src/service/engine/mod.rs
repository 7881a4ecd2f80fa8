//! Threads that do the computing, so that the async threads never do.
//!
//! Two lanes. The quick lane holds single calls: bounded, and refused at once
//! when full ([`admission`]). The bulk lane holds pieces of batches and streams: whoever has a
//! piece waits for room, which is their back-pressure, and pieces are small.
//! Workers take turns between the lanes when both have work, so neither starves
//! the other: a single call waits behind at most one piece for each worker.
//!
//! Single calls go in rounds: what has come when the async side has read all that there was is taken together and its
//! replies leave together. For each call that came and went alone two threads would wake up and the socket be written
//! once more, which costs more than classifying an article.
//!
//! Work whose caller has gone or whose deadline has passed is dropped when it
//! comes up, before it costs anything. A panic fails its own piece only.

mod admission;
mod job;
mod load;

pub(super) use job::Reply;
pub(super) use load::Load;

use super::status::Refusal;
use admission::Admission;
use job::{Job, Spare, Task, Undone};
use load::Counts;
use std::{
    collections::VecDeque,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::{sync::Semaphore, task::yield_now};

/// Pieces in the bulk lane for each worker: enough that none runs dry.
const BULK_PER_WORKER: usize = 4;
/// Most single calls that a worker takes at a time ...
const ROUND_CALLS: usize = 16;
/// ... and most bytes of their texts, so that none waits long for the others.
const ROUND_BYTES: usize = 32 << 10;
/// Bytes of text that are worth waking another worker for.
const WAKE_BYTES: usize = 8 << 10;

/// The worker threads and their queue. They end when the last clone is dropped.
/// `S` is what each thread keeps from job to job.
pub(super) struct Engine<S> {
    shared: Arc<Shared<S>>,
    /// Room in the bulk lane; first come, first served.
    bulk_room: Arc<Semaphore>,
    workers: usize,
}

struct Shared<S> {
    queue: Mutex<Queue<S>>,
    /// Rung when there is work for an idle worker, and at the end.
    bell: Condvar,
    /// Most jobs in the quick lane.
    capacity: usize,
    /// Longest that one may wait there.
    patience: Duration,
    workers: usize,
    counts: Counts,
    /// No more may come into the quick lane; a hint, so that nobody takes the lock for a call that is refused.
    full: AtomicBool,
}

struct Queue<S> {
    /// With when each came.
    quick: VecDeque<(Box<dyn Job<S>>, Instant)>,
    admission: Admission,
    bulk: VecDeque<Box<dyn Job<S>>>,
    /// Bytes of text in the quick lane.
    quick_bytes: usize,
    /// Which lane goes first when both have work.
    bulk_turn: bool,
    /// Workers that wait for the bell.
    idle: usize,
    closed: bool,
}

impl<S: Default + 'static> Engine<S> {
    /// Starts `workers` threads; the quick lane holds `capacity` jobs, each for `patience` at most.
    pub(super) fn start(workers: usize, capacity: usize, patience: Duration) -> std::io::Result<Self> {
        let workers = workers.max(1);
        let queue = Queue {
            quick: VecDeque::new(),
            admission: Admission::new(capacity, workers, Instant::now()),
            bulk: VecDeque::new(),
            quick_bytes: 0,
            bulk_turn: false,
            idle: 0,
            closed: false,
        };
        let counts = Counts::default();
        let shared = Arc::new(Shared {
            queue: Mutex::new(queue),
            bell: Condvar::new(),
            capacity,
            patience,
            workers,
            counts,
            full: AtomicBool::new(false),
        });
        // Made before the threads: dropped on an early return, it ends those that run.
        let engine = Self { shared, bulk_room: Arc::new(Semaphore::new(workers * BULK_PER_WORKER)), workers };
        for i in 0..workers {
            let shared = Arc::clone(&engine.shared);
            thread::Builder::new().name(format!("engine-{i}")).spawn(move || work_through(&shared))?;
        }
        Ok(engine)
    }

    /// Tells the load whenever it is asked.
    pub(super) fn meter(&self) -> impl Fn() -> Load + Send + use<S> {
        // Who asks must not keep the jobs of an engine that ended.
        let shared = Arc::downgrade(&self.shared);
        move || {
            let Some(shared) = shared.upgrade() else { return Load::default() };
            let (quick, bulk) = {
                let queue = shared.lock();
                (queue.quick.len(), queue.bulk.len())
            };
            shared.counts.load(quick, bulk, shared.capacity, shared.workers)
        }
    }

    /// How many pieces of one caller are worth having in the bulk lane.
    pub(super) fn window(&self) -> usize {
        self.workers * 2
    }

    /// Puts a single call's work in the quick lane, or refuses it at once. `weight`: bytes of its text.
    pub(super) async fn quick<F, T>(
        &self,
        deadline: Option<Instant>,
        weight: usize,
        work: F,
    ) -> Result<Reply<T>, Refusal>
    where
        F: FnOnce(&mut S) -> T + Send + 'static,
        T: Send + 'static,
    {
        let (task, reply) = Task::new(work, deadline, weight, None);
        let now = Instant::now();
        {
            let mut queue = self.shared.lock();
            self.shared.admit(&mut queue, now)?;
            if queue.quick.is_empty() {
                queue.admission.first(now);
            }
            queue.quick_bytes += weight;
            queue.quick.push_back((task, now));
            self.shared.tell(&queue, now);
        }
        // Lets the calls that have come with this one into the queue before anybody wakes up for them. Rings also for a
        // call that is cancelled meanwhile: else its job would lie in the lane until the next call.
        let bell = Bell(&self.shared);
        yield_now().await;
        drop(bell);
        Ok(reply)
    }

    /// Whether a single call would be refused: to be asked before its request is read.
    pub(super) fn door(&self) -> impl Fn() -> Result<(), Refusal> + Send + Sync + use<S>
    where
        S: Send,
    {
        let shared = Arc::downgrade(&self.shared);
        move || match shared.upgrade() {
            Some(shared) if shared.full.load(Ordering::Relaxed) => shared.admit(&mut shared.lock(), Instant::now()),
            _ => Ok(()),
        }
    }

    /// Puts a piece of a batch or stream in the bulk lane; waits for room.
    pub(super) async fn bulk<F, T>(&self, deadline: Option<Instant>, work: F) -> Result<Reply<T>, Refusal>
    where
        F: FnOnce(&mut S) -> T + Send + 'static,
        T: Send + 'static,
    {
        let room = Arc::clone(&self.bulk_room).acquire_owned().await.map_err(|_| Refusal::Closing)?;
        let (task, reply) = Task::new(work, deadline, 0, Some(room));
        let mut queue = self.shared.lock();
        queue.bulk.push_back(task);
        self.shared.ring(queue);
        Ok(reply)
    }

    /// Puts work that nobody waits for in the bulk lane if there is room now. `false`: there was none.
    pub(super) fn spare(&self, work: impl FnOnce(&mut S) + Send + 'static) -> bool {
        let Ok(room) = Arc::clone(&self.bulk_room).try_acquire_owned() else { return false };
        let mut queue = self.shared.lock();
        queue.bulk.push_back(Spare::new(work, room));
        self.shared.ring(queue);
        true
    }
}

/// Rings when it is dropped.
struct Bell<'a, S>(&'a Shared<S>);

impl<S> Drop for Bell<'_, S> {
    fn drop(&mut self) {
        self.0.ring(self.0.lock());
    }
}

impl<S> Drop for Engine<S> {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.bell.notify_all();
    }
}

impl<S> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, Queue<S>> {
        // No work runs under the lock: a poisoned queue is a whole queue.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether another single call may come.
    fn admit(&self, queue: &mut Queue<S>, now: Instant) -> Result<(), Refusal> {
        if queue.quick.len() < queue.admission.most(now) {
            return Ok(());
        }
        queue.admission.refused(now);
        self.counts.shed();
        Err(Refusal::Overloaded)
    }

    /// Tells those at the door whether the quick lane is full.
    fn tell(&self, queue: &Queue<S>, now: Instant) {
        self.full.store(queue.quick.len() >= queue.admission.most(now), Ordering::Relaxed);
    }

    /// Wakes as many sleeping workers as there is work for; busy ones find it by themselves.
    fn ring(&self, queue: MutexGuard<'_, Queue<S>>) {
        let wanted =
            queue.bulk.len() + queue.quick_bytes.div_ceil(WAKE_BYTES).max(usize::from(!queue.quick.is_empty()));
        let wake = wanted.min(queue.idle);
        drop(queue);
        for _ in 0..wake {
            self.bell.notify_one();
        }
    }

    /// Waits for jobs and takes a round of them; `false` at the end. `took`: the round before.
    fn next(&self, round: &mut Round<S>, took: Duration) -> bool {
        let mut queue = self.lock();
        if round.quick > 0 {
            queue.admission.served(round.quick, took);
        }
        loop {
            if queue.closed {
                return false;
            }
            let now = Instant::now();
            queue.pop(self, round, now);
            // Also when all that waited came too late: they are to be told now, not with the next call.
            if !(round.jobs.is_empty() && round.refused.is_empty()) {
                self.tell(&queue, now);
                (0..round.refused.len()).for_each(|_| self.counts.shed());
                return true;
            }
            queue.idle += 1;
            queue = self.bell.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.idle -= 1;
        }
    }
}

/// What a worker does at a time.
struct Round<S> {
    jobs: Vec<Box<dyn Job<S>>>,
    /// How many single calls were among them at first.
    quick: usize,
    /// Single calls that have waited for nothing.
    refused: Vec<Box<dyn Job<S>>>,
}

impl<S> Queue<S> {
    /// One piece of bulk work, or single calls: as many as make this worker's share, within the bounds of a round.
    /// With work in both lanes, one of each in turn.
    fn pop(&mut self, shared: &Shared<S>, round: &mut Round<S>, now: Instant) {
        round.quick = 0;
        // When a full lane may not be so long any more, those go that have waited longest: they have likely given up.
        // So do those whose patience is at an end, and if it is so for long, it is too much that comes.
        while let Some((_, came)) = self.quick.front() {
            let late = now.saturating_duration_since(*came) > shared.patience;
            if !late && self.quick.len() <= self.admission.most(now) {
                break;
            }
            if late {
                self.admission.refused(now);
            }
            let Some((job, _)) = self.quick.pop_front() else { break };
            self.quick_bytes -= job.weight();
            round.refused.push(job);
        }
        let both = !self.quick.is_empty() && !self.bulk.is_empty();
        let bulk = if both { self.bulk_turn } else { self.quick.is_empty() };
        self.bulk_turn = both && !bulk;
        if bulk {
            round.jobs.extend(self.bulk.pop_front());
            return;
        }
        let share = if both { 1 } else { self.quick.len().div_ceil(shared.workers).min(ROUND_CALLS) };
        // Dear calls go one by one: none waits for its reply until the others are done.
        let share = share.min(self.admission.soon()).max(1);
        let mut bytes = 0;
        while round.jobs.len() < share
            && let Some((job, came)) = self.quick.pop_front()
        {
            bytes += job.weight();
            self.quick_bytes -= job.weight();
            self.admission.left(now.saturating_duration_since(came), now);
            round.jobs.push(job);
            if bytes + self.quick.front().map_or(0, |(next, _)| next.weight()) > ROUND_BYTES {
                break;
            }
        }
        round.quick = round.jobs.len();
    }
}

fn work_through<S: Default>(shared: &Shared<S>) {
    let mut state = S::default();
    let mut round = Round { jobs: Vec::with_capacity(ROUND_CALLS), quick: 0, refused: Vec::new() };
    let mut took = Duration::ZERO;
    while shared.next(&mut round, took) {
        for mut job in round.refused.drain(..) {
            job.refuse(Refusal::Overloaded);
            job.reply();
        }
        let begun = Instant::now();
        for job in &mut round.jobs {
            let Err(undone) = job.run(&mut state) else { continue };
            if matches!(undone, Undone::Panicked) {
                tracing::error!("a classification panicked; its caller got INTERNAL");
                state = S::default();
            }
            shared.counts.undone(&undone);
        }
        for job in round.jobs.drain(..) {
            job.reply();
        }
        took = begun.elapsed();
    }
}

#[cfg(test)]
mod tests;
