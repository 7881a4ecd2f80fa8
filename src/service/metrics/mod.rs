//! What an operator can see of a server that runs, as Prometheus reads it.
//!
//! Counting must cost next to nothing: no lock and no allocation on the way of
//! a call, each thread adds to numbers of its own (`cells`, `answers`), and all
//! adding up happens when somebody asks. The crates for this lock their
//! histograms or let them grow until they are read; what they would save is
//! `page`, the text format.
//!
//! `calls` counts what clients see, `work` what the engine does, `answers` what
//! the models say, `drift` how far that is from their training, `process` the
//! process. `models` and [`Metrics::page`] write them down. The table of all of
//! them is in `docs/OPERATIONS.md`, and a test compares it with the page.

mod answers;
mod calls;
mod cells;
mod drift;
mod models;
mod page;
mod process;
mod work;

pub(super) use calls::{Begun, code_name};
pub(crate) use page::CONTENT_TYPE;
pub(super) use work::Lane;

use super::Registry;
use page::{Kind, Page};
use std::{
    env::consts::{ARCH, OS},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// The numbers of one server.
#[derive(Default)]
pub(super) struct Metrics {
    pub(super) calls: calls::Calls,
    pub(super) work: work::Work,
    pub(super) answers: answers::Answers,
    /// How often another model became the default.
    pub(super) swaps: AtomicU64,
    /// How often models could not be loaded.
    pub(super) load_failures: AtomicU64,
}

impl Metrics {
    /// All numbers as they are now. `ready`: what health says.
    pub(super) fn page(&self, registry: &Registry, ready: bool) -> String {
        let mut page = Page::default();
        let mut family = page.family("wiredesk_build_info", Kind::Gauge, "1; which program this is.");
        family.sample(&[("version", env!("CARGO_PKG_VERSION")), ("arch", ARCH), ("os", OS)], 1);
        let help = "1 while health says SERVING, else 0.";
        page.single("wiredesk_ready", Kind::Gauge, help, u8::from(ready));
        self.calls.write(&mut page);
        self.work.write(&mut page);
        let help = "How often another model became the default, without the first.";
        page.single("wiredesk_model_swaps_total", Kind::Counter, help, self.swaps.load(Relaxed));
        let help = "How often models could not be loaded; those before them stayed.";
        page.single("wiredesk_model_load_failures_total", Kind::Counter, help, self.load_failures.load(Relaxed));
        models::write(&mut page, &registry.models(), &self.answers);
        models::write_shadow(&mut page, &registry.shadow.comparisons());
        process::write(&mut page);
        page.text()
    }
}
