//! Articles in the engine: how long they waited, how long they took, which got no answer.

use super::{
    calls::{ByCode, by_code},
    cells::{Sharded, Times, bounds},
    page::{Kind, Page},
};
use crate::service::engine::Load;
use std::{
    sync::{Mutex, PoisonError, atomic::Ordering::Relaxed},
    time::Duration,
};
use tonic::Code;

/// The two ways through the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::service) enum Lane {
    /// Single calls.
    Quick,
    /// Pieces of batches and streams.
    Bulk,
}

/// See the module.
#[derive(Default)]
pub(in crate::service) struct Work {
    cells: Sharded<Cells>,
    /// Asks the engine that runs.
    load: Mutex<Option<Box<dyn Fn() -> Load + Send>>>,
}

#[derive(Default)]
struct Cells {
    waits: [Times; 2],
    compute: Times,
    /// Items of batches and streams that got an error in place of an answer.
    item_errors: ByCode,
}

impl Work {
    /// Says how the engine can be asked.
    pub(in crate::service) fn follow(&self, load: impl Fn() -> Load + Send + 'static) {
        *self.load.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(load));
    }

    pub(in crate::service) fn classified(&self, lane: Lane, waited: Duration, compute: Duration) {
        let cells = self.cells.mine();
        cells.waits[lane as usize].record(waited);
        cells.compute.record(compute);
    }

    pub(in crate::service) fn item_failed(&self, code: Code) {
        self.cells.mine().item_errors[code as usize].fetch_add(1, Relaxed);
    }

    pub(super) fn write(&self, page: &mut Page) {
        let load = self.load.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|load| load());
        let load = load.unwrap_or_default();
        let lanes = [("quick", Lane::Quick), ("bulk", Lane::Bulk)];

        let help = "Jobs that wait for a thread: single calls (quick), pieces of batches and streams (bulk).";
        let mut family = page.family("wiredesk_queue_length", Kind::Gauge, help);
        family.sample(&[("lane", "quick")], load.quick);
        family.sample(&[("lane", "bulk")], load.bulk);
        let help = "Single calls that may wait; one more is shed.";
        page.single("wiredesk_queue_capacity", Kind::Gauge, help, load.capacity);
        page.single("wiredesk_engine_threads", Kind::Gauge, "Threads that classify.", load.workers);
        let help = "Single calls refused with RESOURCE_EXHAUSTED: at once because the queue was full, or when they had waited too long.";
        page.single("wiredesk_shed_total", Kind::Counter, help, load.shed);
        let help = "Jobs dropped before they cost anything: their deadline had passed, or their caller had gone.";
        let mut family = page.family("wiredesk_dropped_total", Kind::Counter, help);
        family.sample(&[("reason", "expired")], load.expired);
        family.sample(&[("reason", "caller_gone")], load.gone);
        let help = "Panics while classifying; the callers got INTERNAL. A bug: please report it.";
        page.single("wiredesk_panics_total", Kind::Counter, help, load.panics);

        let bounds = bounds();
        let help = "Time from an article's arrival to the begin of its classification, by lane.";
        let mut family = page.family("wiredesk_queue_wait_seconds", Kind::Histogram, help);
        for (name, lane) in lanes {
            let times = self.cells.times(|c| &c.waits[lane as usize]);
            family.histogram(&[("lane", name)], &bounds, &times.counts, times.seconds);
        }
        let help = "Time to classify one article, all heads together.";
        let mut family = page.family("wiredesk_classify_seconds", Kind::Histogram, help);
        let times = self.cells.times(|c| &c.compute);
        family.histogram(&[], &bounds, &times.counts, times.seconds);
        let help = "Items of batches and streams that got an error in place of an answer, by code.";
        let mut family = page.family("wiredesk_item_errors_total", Kind::Counter, help);
        for (code, count) in by_code(&self.cells, |c| &c.item_errors) {
            family.sample(&[("code", code)], count);
        }
    }
}
