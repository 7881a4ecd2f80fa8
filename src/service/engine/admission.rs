//! How many single calls may wait.
//!
//! The lane may fill up: callers that wait for their answers before they call again are served best so, and a burst is
//! gone in a moment. But when calls are refused, since it is full or one has waited too long, and it has been long for
//! [`INTERVAL`], then more come than can be answered, and a long queue is of no use to anybody: every call waits and no
//! more are answered. From then on only so many may wait as are done in [`SHORT`], until none has been refused for
//! [`CALM`]. (Controlled delay, Nichols and Jacobson 2012, "Controlling Queue Delay"; for servers Maurer 2015, "Fail at
//! Scale".)

use std::time::{Duration, Instant};

/// A queue in which calls wait longer is long.
const TARGET: Duration = Duration::from_millis(5);
const INTERVAL: Duration = Duration::from_millis(100);
const CALM: Duration = Duration::from_secs(1);
/// Work that may wait when a queue stands, and at least so many calls for each worker.
const SHORT: Duration = Duration::from_millis(1);
pub(super) const LEAST: usize = 3;
/// How much the last round changes the mean time of a call.
const NEW: f64 = 0.1;

/// Decides; tells no time itself.
#[derive(Debug)]
pub(super) struct Admission {
    capacity: usize,
    workers: usize,
    /// Mean time of a call, in seconds.
    service: f64,
    /// When the lane was last seen to be empty or short.
    short: Instant,
    /// A queue stood until now.
    strict_until: Instant,
}

impl Admission {
    /// Of a lane that holds `capacity` calls at most.
    pub(super) fn new(capacity: usize, workers: usize, now: Instant) -> Self {
        Self { capacity, workers, service: 0.0, short: now, strict_until: now }
    }

    /// How many may wait now.
    pub(super) fn most(&self, now: Instant) -> usize {
        if now >= self.strict_until {
            return self.capacity;
        }
        self.soon().max(LEAST).saturating_mul(self.workers).min(self.capacity)
    }

    /// How many calls one worker answers in [`SHORT`].
    pub(super) fn soon(&self) -> usize {
        // Infinite before the first call was measured; the cast takes that for the greatest number.
        (SHORT.as_secs_f64() / self.service) as usize
    }

    /// A call comes into the lane, which is empty but for it.
    pub(super) fn first(&mut self, now: Instant) {
        self.short = now;
    }

    /// A call leaves the lane; how long it was there.
    pub(super) fn left(&mut self, waited: Duration, now: Instant) {
        if waited <= TARGET {
            self.short = now;
        }
    }

    /// A call was refused.
    pub(super) fn refused(&mut self, now: Instant) {
        if now < self.strict_until || now.saturating_duration_since(self.short) > INTERVAL {
            self.strict_until = now + CALM;
        }
    }

    /// So many calls took so long together.
    pub(super) fn served(&mut self, calls: usize, took: Duration) {
        let mean = took.as_secs_f64() / calls.max(1) as f64;
        self.service += (mean - self.service) * if self.service == 0.0 { 1.0 } else { NEW };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_burst_may_fill_the_lane_and_a_standing_queue_may_not() {
        let begun = Instant::now();
        let mut admission = Admission::new(1_000, 2, begun);
        admission.served(10, 10 * MS);
        // A burst after a long rest: it waits long, but not for long.
        let mut now = begun + Duration::from_secs(60);
        admission.first(now);
        for _ in 0..90 {
            now += MS;
            admission.left(50 * MS, now);
            admission.refused(now);
        }
        assert_eq!(admission.most(now), 1_000);
        // Callers that wait their turn, however long the queue.
        for _ in 0..1_000 {
            now += MS;
            admission.left(50 * MS, now);
        }
        assert_eq!(admission.most(now), 1_000);
        // More than can be answered.
        admission.refused(now);
        assert_eq!((admission.most(now), admission.soon()), (2 * LEAST, 1), "a call takes a millisecond");
        for _ in 0..20 {
            admission.served(1_000, MS);
        }
        assert!(admission.most(now) > 2 * LEAST, "cheaper calls, more of them");
        // As long as calls are refused, and a little longer.
        for _ in 0..30 {
            now += 100 * MS;
            admission.left(MS, now);
            admission.refused(now);
        }
        assert!(admission.most(now) < 1_000);
        assert_eq!(admission.most(now + CALM), 1_000);
    }

    #[test]
    fn before_anything_was_measured_it_refuses_nothing() {
        let now = Instant::now();
        let mut admission = Admission::new(7, 1, now);
        admission.strict_until = now + CALM;
        assert_eq!(admission.most(now), 7);
    }
}
