//! What the engine promises, with one worker that the test holds up.

use super::{admission::LEAST, *};
use std::{
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

type Tested = Engine<usize>;

/// In which no call loses its patience.
fn start(workers: usize, capacity: usize) -> std::io::Result<Tested> {
    Tested::start(workers, capacity, Duration::from_secs(60))
}

/// One worker, kept busy until the sender is dropped or sent to.
async fn busy(engine: &Tested) -> (mpsc::Sender<()>, Reply<()>) {
    let (open, gate) = mpsc::channel();
    let (begun, wait) = mpsc::channel();
    let work = move |_: &mut usize| {
        begun.send(()).unwrap();
        let _opened = gate.recv();
    };
    let reply = engine.quick(None, 0, work).await.unwrap();
    wait.recv().unwrap();
    (open, reply)
}

#[tokio::test]
async fn computes_with_state_that_stays() {
    let engine = start(1, 8).unwrap();
    for expect in 1..=3 {
        let mut reply = engine
            .quick(None, 0, |n| {
                *n += 1;
                *n
            })
            .await
            .unwrap();
        assert_eq!(reply.wait().await, Ok(expect));
    }
}

#[tokio::test]
async fn refuses_at_once_when_full() {
    let engine = start(1, 2).unwrap();
    let (open, mut first) = busy(&engine).await;
    let mut waiting = Vec::new();
    for i in 0..2 {
        waiting.push(engine.quick(None, 0, move |_| i).await.unwrap());
    }
    assert!(matches!(engine.quick(None, 0, |_| ()).await, Err(Refusal::Overloaded)));
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
    let engine = start(1, 8).unwrap();
    let (open, _first) = busy(&engine).await;
    drop(engine.quick(None, 0, count).await.unwrap());
    let mut late = engine.quick(Some(Instant::now()), 0, count).await.unwrap();
    let mut last = engine.quick(Some(Instant::now() + Duration::from_secs(60)), 0, count).await.unwrap();
    drop(open);
    assert_eq!(late.wait().await, Err(Refusal::Expired));
    assert_eq!(last.wait().await, Ok(0));
    let load = engine.meter()();
    assert_eq!((load.gone, load.expired), (1, 1));
}

#[tokio::test]
async fn a_panic_fails_its_own_work_only() {
    let engine = start(1, 8).unwrap();
    let mut bad = engine
        .quick(None, 0, |n: &mut usize| {
            *n = 9;
            panic!("a test panics here")
        })
        .await
        .unwrap();
    assert_eq!(bad.wait().await, Err::<(), _>(Refusal::Internal));
    let mut good = engine.quick(None, 0, |n: &mut usize| *n).await.unwrap();
    assert_eq!(good.wait().await, Ok(0), "a new state");
    assert_eq!(engine.meter()().panics, 1);
}

#[tokio::test]
async fn lanes_take_turns_and_bulk_waits_for_room() {
    let engine = Arc::new(start(1, 8).unwrap());
    let (open, _first) = busy(&engine).await;
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
        replies.push(engine.quick(None, 0, mark("quick")).await.unwrap());
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
    let engine = start(1, 8).unwrap();
    let (open, _first) = busy(&engine).await;
    let mut waiting = engine.quick(None, 0, |_| ()).await.unwrap();
    drop(engine);
    drop(open);
    assert_eq!(waiting.wait().await, Err(Refusal::Closing));
}

#[tokio::test]
async fn what_comes_together_is_answered_together() {
    let engine = start(1, 64).unwrap();
    let (open, _first) = busy(&engine).await;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(engine.quick(None, ROUND_BYTES / 3, |_| ()).await.unwrap());
    }
    // Takes the worker's thread and shows how many of the three have been answered by then.
    let (looked, seen) = mpsc::channel();
    let last = engine.quick(None, 3, move |_| looked.send(()).unwrap()).await.unwrap();
    drop(open);
    seen.recv().unwrap();
    let answered = waiting.iter_mut().map(is_answered).filter(|&answered| answered).count();
    assert_eq!(answered, 3, "a round is bounded by its bytes, and answered before the next begins");
    drop(last);
}

fn is_answered(reply: &mut Reply<()>) -> bool {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    std::pin::pin!(reply.wait()).poll(&mut context).is_ready()
}

#[tokio::test]
async fn what_is_taken_back_at_once_does_not_lie_in_the_queue() {
    let engine = start(1, 8).unwrap();
    {
        let mut call = std::pin::pin!(engine.quick(None, 0, |_| ()));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(call.as_mut().poll(&mut context).is_pending(), "it waits for the calls that came with it");
    }
    let meter = engine.meter();
    for _ in 0..200 {
        if meter().gone == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!((meter().gone, meter().quick), (1, 0));
}

#[tokio::test]
async fn a_queue_that_stands_is_cut_and_those_in_it_are_told() {
    let engine = start(1, 16).unwrap();
    let sleep = |_: &mut usize| std::thread::sleep(Duration::from_millis(10));
    let (mut waiting, mut refused) = (Vec::new(), 0);
    let mut offer = async |waiting: &mut Vec<Reply<()>>| match engine.quick(None, 0, sleep).await {
        Ok(reply) => waiting.push(reply),
        Err(Refusal::Overloaded) => refused += 1,
        Err(other) => panic!("{other:?}"),
    };
    // Twice as many as can be answered, for half a second.
    for _ in 0..100 {
        offer(&mut waiting).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(engine.meter()().quick <= LEAST, "{:?}", engine.meter()());
    let mut cut = 0;
    for reply in &mut waiting {
        cut += usize::from(reply.wait().await == Err(Refusal::Overloaded));
    }
    assert!(cut >= 8 && refused >= 8, "{cut} of those that waited, {refused} at once");
    assert_eq!(engine.meter()().shed as usize, cut + refused);
}

#[tokio::test]
async fn who_has_waited_too_long_is_refused_and_does_not_run() {
    static RUN: AtomicUsize = AtomicUsize::new(0);
    let engine = Tested::start(1, 64, Duration::from_millis(50)).unwrap();
    let (open, _first) = busy(&engine).await;
    let count = |_: &mut usize| RUN.fetch_add(1, Ordering::SeqCst);
    let (mut late, mut also_late) =
        (engine.quick(None, 0, count).await.unwrap(), engine.quick(None, 0, count).await.unwrap());
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut soon = engine.quick(None, 0, count).await.unwrap();
    drop(open);
    assert_eq!(late.wait().await, Err(Refusal::Overloaded));
    assert_eq!(also_late.wait().await, Err(Refusal::Overloaded));
    assert_eq!(soon.wait().await, Ok(0), "those that were late did not run");
    assert_eq!(engine.meter()().shed, 2);
}

#[tokio::test]
async fn when_all_have_waited_too_long_they_are_told_at_once() {
    let engine = Tested::start(1, 64, Duration::from_millis(50)).unwrap();
    let (open, _first) = busy(&engine).await;
    let mut late = engine.quick(None, 0, |_| ()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(open);
    let told = tokio::time::timeout(Duration::from_secs(5), late.wait()).await;
    assert_eq!(told.expect("no other call came, and it was forgotten"), Err(Refusal::Overloaded));
}

#[tokio::test]
async fn a_long_wait_is_overload_though_the_lane_has_room() {
    let engine = Tested::start(1, 1_000, Duration::from_millis(100)).unwrap();
    let sleep = |_: &mut usize| std::thread::sleep(Duration::from_millis(10));
    let (mut waiting, mut refused) = (Vec::new(), 0);
    // Twice as many as can be answered, for half a second.
    for _ in 0..100 {
        match engine.quick(None, 0, sleep).await {
            Ok(reply) => waiting.push(reply),
            Err(Refusal::Overloaded) => refused += 1,
            Err(other) => panic!("{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(engine.meter()().quick <= LEAST, "{:?}", engine.meter()());
    assert!(refused >= 8, "{refused} at once");
}
