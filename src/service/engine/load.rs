//! What an engine has to do, and what it did not do.

use super::job::Undone;
use std::sync::atomic::{AtomicU64, Ordering};

/// What was not done so far.
#[derive(Debug, Default)]
pub(super) struct Counts {
    shed: AtomicU64,
    expired: AtomicU64,
    gone: AtomicU64,
    panics: AtomicU64,
}

impl Counts {
    /// A call was refused.
    pub(super) fn shed(&self) {
        self.shed.fetch_add(1, Ordering::Relaxed);
    }

    /// A job was not done.
    pub(super) fn undone(&self, why: &Undone) {
        let count = match why {
            Undone::Expired => &self.expired,
            Undone::Gone => &self.gone,
            Undone::Panicked => &self.panics,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// With what waits now.
    pub(super) fn load(&self, quick: usize, bulk: usize, capacity: usize, workers: usize) -> Load {
        let [shed, expired, gone, panics] =
            [&self.shed, &self.expired, &self.gone, &self.panics].map(|count| count.load(Ordering::Relaxed));
        Load { quick, bulk, capacity, workers, shed, expired, gone, panics }
    }
}

/// An engine as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::service) struct Load {
    /// Jobs that wait in the quick lane.
    pub(in crate::service) quick: usize,
    /// Jobs that wait in the bulk lane.
    pub(in crate::service) bulk: usize,
    /// Most jobs in the quick lane.
    pub(in crate::service) capacity: usize,
    /// Threads.
    pub(in crate::service) workers: usize,
    /// Calls refused because the quick lane was full, or because they had waited too long.
    pub(in crate::service) shed: u64,
    /// Jobs dropped because their deadline had passed.
    pub(in crate::service) expired: u64,
    /// Jobs dropped because their caller had gone.
    pub(in crate::service) gone: u64,
    /// Jobs that panicked.
    pub(in crate::service) panics: u64,
}
