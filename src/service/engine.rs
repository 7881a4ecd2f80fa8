//! Threads that do the computing, so that the async threads never do.
//!
//! Two lanes. The quick lane holds single calls: bounded, and refused at once
//! when full. The bulk lane holds pieces of batches and streams: whoever has a
//! piece waits for room, which is their back-pressure, and pieces are small.
//! Workers take turns between the lanes when both have work, so neither starves
//! the other: a single call waits behind at most one piece for each worker.
//!
//! Work whose caller has gone or whose deadline has passed is dropped when it
//! comes up, before it costs anything. A panic fails its own piece only.

use super::status::Refusal;
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Pieces in the bulk lane for each worker: enough that none runs dry.
const BULK_PER_WORKER: usize = 4;

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
    counts: Counts,
}

/// What was not done.
#[derive(Debug, Default)]
struct Counts {
    shed: AtomicU64,
    expired: AtomicU64,
    gone: AtomicU64,
    panics: AtomicU64,
}

/// What an engine has to do, and what it did not do so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Load {
    /// Jobs that wait in the quick lane.
    pub(super) quick: usize,
    /// Jobs that wait in the bulk lane.
    pub(super) bulk: usize,
    /// Most jobs in the quick lane.
    pub(super) capacity: usize,
    pub(super) workers: usize,
    /// Calls refused because the quick lane was full.
    pub(super) shed: u64,
    /// Jobs dropped because their deadline had passed.
    pub(super) expired: u64,
    /// Jobs dropped because their caller had gone.
    pub(super) gone: u64,
    /// Jobs that panicked.
    pub(super) panics: u64,
}

struct Queue<S> {
    quick: VecDeque<Box<dyn Job<S>>>,
    bulk: VecDeque<Box<dyn Job<S>>>,
    /// Which lane goes first when both have work.
    bulk_turn: bool,
    /// Workers that wait for the bell.
    idle: usize,
    closed: bool,
}

trait Job<S>: Send {
    /// Does the work, unless nobody wants it any more.
    fn run(self: Box<Self>, state: &mut S) -> Result<(), Undone>;
}

/// Why work was not done.
enum Undone {
    /// Its deadline had passed.
    Expired,
    /// Nobody waits for it.
    Gone,
    /// It panicked. The thread's state may be half-changed: make a new one.
    Panicked,
}

struct Task<F, T> {
    work: F,
    reply: oneshot::Sender<Result<T, Refusal>>,
    deadline: Option<Instant>,
    /// Held by bulk work until it is done or dropped.
    _room: Option<OwnedSemaphorePermit>,
}

impl<S, F, T> Job<S> for Task<F, T>
where
    F: FnOnce(&mut S) -> T + Send,
    T: Send,
{
    fn run(self: Box<Self>, state: &mut S) -> Result<(), Undone> {
        let Self { work, reply, deadline, _room } = *self;
        if reply.is_closed() {
            return Err(Undone::Gone);
        }
        if deadline.is_some_and(|d| d <= Instant::now()) {
            let _gone = reply.send(Err(Refusal::Expired));
            return Err(Undone::Expired);
        }
        let result = catch_unwind(AssertUnwindSafe(|| work(state)));
        let ok = result.is_ok();
        let _gone = reply.send(result.map_err(|_panic| Refusal::Internal));
        if ok { Ok(()) } else { Err(Undone::Panicked) }
    }
}

/// Work that nobody waits for.
struct Spare<F> {
    work: F,
    _room: OwnedSemaphorePermit,
}

impl<S, F: FnOnce(&mut S) + Send> Job<S> for Spare<F> {
    fn run(self: Box<Self>, state: &mut S) -> Result<(), Undone> {
        let Self { work, _room } = *self;
        catch_unwind(AssertUnwindSafe(|| work(state))).map_err(|_panic| Undone::Panicked)
    }
}

/// The answer to come. Dropping it cancels the work if it has not begun.
#[derive(Debug)]
pub(super) struct Reply<T>(oneshot::Receiver<Result<T, Refusal>>);

impl<T> Reply<T> {
    /// Waits for the answer. May be dropped and called again.
    pub(super) async fn wait(&mut self) -> Result<T, Refusal> {
        (&mut self.0).await.unwrap_or(Err(Refusal::Closing))
    }
}

impl<S: Default + 'static> Engine<S> {
    /// Starts `workers` threads; the quick lane holds `capacity` jobs.
    pub(super) fn start(workers: usize, capacity: usize) -> std::io::Result<Self> {
        let workers = workers.max(1);
        let queue = Queue { quick: VecDeque::new(), bulk: VecDeque::new(), bulk_turn: false, idle: 0, closed: false };
        let shared =
            Arc::new(Shared { queue: Mutex::new(queue), bell: Condvar::new(), capacity, counts: Counts::default() });
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
        let (shared, workers) = (Arc::downgrade(&self.shared), self.workers);
        move || {
            let Some(shared) = shared.upgrade() else { return Load::default() };
            let (quick, bulk) = {
                let queue = shared.lock();
                (queue.quick.len(), queue.bulk.len())
            };
            let Counts { shed, expired, gone, panics } = &shared.counts;
            let [shed, expired, gone, panics] =
                [shed, expired, gone, panics].map(|count| count.load(Ordering::Relaxed));
            Load { quick, bulk, capacity: shared.capacity, workers, shed, expired, gone, panics }
        }
    }

    /// How many pieces of one caller are worth having in the bulk lane.
    pub(super) fn window(&self) -> usize {
        self.workers * 2
    }

    /// Puts a single call's work in the quick lane, or refuses it at once.
    pub(super) fn quick<F, T>(&self, deadline: Option<Instant>, work: F) -> Result<Reply<T>, Refusal>
    where
        F: FnOnce(&mut S) -> T + Send + 'static,
        T: Send + 'static,
    {
        let (reply, receiver) = oneshot::channel();
        let task = Box::new(Task { work, reply, deadline, _room: None });
        let mut queue = self.shared.lock();
        if queue.quick.len() >= self.shared.capacity {
            self.shared.counts.shed.fetch_add(1, Ordering::Relaxed);
            return Err(Refusal::Overloaded);
        }
        queue.quick.push_back(task);
        self.shared.ring(queue);
        Ok(Reply(receiver))
    }

    /// Puts a piece of a batch or stream in the bulk lane; waits for room.
    pub(super) async fn bulk<F, T>(&self, deadline: Option<Instant>, work: F) -> Result<Reply<T>, Refusal>
    where
        F: FnOnce(&mut S) -> T + Send + 'static,
        T: Send + 'static,
    {
        let room = Arc::clone(&self.bulk_room).acquire_owned().await.map_err(|_| Refusal::Closing)?;
        let (reply, receiver) = oneshot::channel();
        let task = Box::new(Task { work, reply, deadline, _room: Some(room) });
        let mut queue = self.shared.lock();
        queue.bulk.push_back(task);
        self.shared.ring(queue);
        Ok(Reply(receiver))
    }

    /// Puts work that nobody waits for in the bulk lane if there is room now. `false`: there was none.
    pub(super) fn spare(&self, work: impl FnOnce(&mut S) + Send + 'static) -> bool {
        let Ok(room) = Arc::clone(&self.bulk_room).try_acquire_owned() else { return false };
        let mut queue = self.shared.lock();
        queue.bulk.push_back(Box::new(Spare { work, _room: room }));
        self.shared.ring(queue);
        true
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

    /// Wakes a worker if one sleeps; a busy one finds the job by itself.
    fn ring(&self, queue: MutexGuard<'_, Queue<S>>) {
        let wake = queue.idle > 0;
        drop(queue);
        if wake {
            self.bell.notify_one();
        }
    }

    /// The next job; `None` at the end.
    fn next(&self) -> Option<Box<dyn Job<S>>> {
        let mut queue = self.lock();
        loop {
            if queue.closed {
                return None;
            }
            if let Some(job) = queue.pop() {
                return Some(job);
            }
            queue.idle += 1;
            queue = self.bell.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.idle -= 1;
        }
    }
}

impl<S> Queue<S> {
    fn pop(&mut self) -> Option<Box<dyn Job<S>>> {
        let both = !self.quick.is_empty() && !self.bulk.is_empty();
        let bulk = if both { self.bulk_turn } else { self.quick.is_empty() };
        self.bulk_turn = both && !bulk;
        if bulk { self.bulk.pop_front() } else { self.quick.pop_front() }
    }
}

fn work_through<S: Default>(shared: &Shared<S>) {
    let mut state = S::default();
    while let Some(job) = shared.next() {
        let Err(undone) = job.run(&mut state) else { continue };
        let counts = &shared.counts;
        let count = match undone {
            Undone::Expired => &counts.expired,
            Undone::Gone => &counts.gone,
            Undone::Panicked => {
                tracing::error!("a classification panicked; its caller got INTERNAL");
                state = S::default();
                &counts.panics
            }
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::{atomic::AtomicUsize, mpsc},
        time::Duration,
    };

    type Tested = Engine<usize>;

    /// One worker, kept busy until the sender is dropped or sent to.
    fn busy(engine: &Tested) -> (mpsc::Sender<()>, Reply<()>) {
        let (open, gate) = mpsc::channel();
        let (begun, wait) = mpsc::channel();
        let work = move |_: &mut usize| {
            begun.send(()).unwrap();
            let _opened = gate.recv();
        };
        let reply = engine.quick(None, work).unwrap();
        wait.recv().unwrap();
        (open, reply)
    }

    #[tokio::test]
    async fn computes_with_state_that_stays() {
        let engine = Tested::start(1, 8).unwrap();
        for expect in 1..=3 {
            let mut reply = engine
                .quick(None, |n| {
                    *n += 1;
                    *n
                })
                .unwrap();
            assert_eq!(reply.wait().await, Ok(expect));
        }
    }

    #[tokio::test]
    async fn refuses_at_once_when_full() {
        let engine = Tested::start(1, 2).unwrap();
        let (open, mut first) = busy(&engine);
        let mut waiting: Vec<_> = (0..2).map(|i| engine.quick(None, move |_| i).unwrap()).collect();
        assert!(matches!(engine.quick(None, |_| ()), Err(Refusal::Overloaded)));
        let load = engine.meter()();
        assert_eq!((load.quick, load.capacity, load.workers, load.shed), (2, 2, 1, 1));
        drop(open);
        assert_eq!(first.wait().await, Ok(()));
        for (i, reply) in waiting.iter_mut().enumerate() {
            assert_eq!(reply.wait().await, Ok(i));
        }
    }

    #[tokio::test]
    async fn drops_what_nobody_waits_for() {
        static RUN: AtomicUsize = AtomicUsize::new(0);
        let count = |_: &mut usize| RUN.fetch_add(1, Ordering::SeqCst);
        let engine = Tested::start(1, 8).unwrap();
        let (open, _first) = busy(&engine);
        drop(engine.quick(None, count).unwrap());
        let mut late = engine.quick(Some(Instant::now()), count).unwrap();
        let mut last = engine.quick(Some(Instant::now() + Duration::from_secs(60)), count).unwrap();
        drop(open);
        assert_eq!(late.wait().await, Err(Refusal::Expired));
        assert_eq!(last.wait().await, Ok(0));
        let load = engine.meter()();
        assert_eq!((load.gone, load.expired), (1, 1));
    }

    #[tokio::test]
    async fn a_panic_fails_its_own_work_only() {
        let engine = Tested::start(1, 8).unwrap();
        let mut bad = engine
            .quick(None, |n: &mut usize| {
                *n = 9;
                panic!("a test panics here")
            })
            .unwrap();
        assert_eq!(bad.wait().await, Err::<(), _>(Refusal::Internal));
        let meter = engine.meter();
        let mut good = engine.quick(None, |n: &mut usize| *n).unwrap();
        assert_eq!(good.wait().await, Ok(0), "a new state");
        assert_eq!(meter().panics, 1);
    }

    #[tokio::test]
    async fn lanes_take_turns_and_bulk_waits_for_room() {
        let engine = Arc::new(Tested::start(1, 8).unwrap());
        let (open, _first) = busy(&engine);
        let (done, order) = mpsc::channel();
        let mark = |what: &'static str| {
            let done = done.clone();
            move |_: &mut usize| done.send(what).unwrap()
        };
        let mut replies = Vec::new();
        for _ in 0..BULK_PER_WORKER {
            replies.push(engine.bulk(None, mark("bulk")).await.unwrap());
        }
        let more = engine.bulk(None, mark("bulk"));
        assert!(tokio::time::timeout(Duration::from_millis(20), more).await.is_err(), "no room");
        for _ in 0..2 {
            replies.push(engine.quick(None, mark("quick")).unwrap());
        }
        drop(open);
        for reply in &mut replies {
            reply.wait().await.unwrap();
        }
        let order: Vec<_> = order.try_iter().collect();
        assert_eq!(order, ["quick", "bulk", "quick", "bulk", "bulk", "bulk"]);
        engine.bulk(None, |_| ()).await.unwrap().wait().await.unwrap();
    }

    #[tokio::test]
    async fn what_waits_at_the_end_is_told() {
        let engine = Tested::start(1, 8).unwrap();
        let (open, _first) = busy(&engine);
        let mut waiting = engine.quick(None, |_| ()).unwrap();
        drop(engine);
        drop(open);
        assert_eq!(waiting.wait().await, Err(Refusal::Closing));
    }
}
