//! Numbers that many threads add to at once, without a lock and without waiting for each other's cache lines.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

/// Copies of each number: threads beyond this many share one, which is slower and still right.
const SHARDS: usize = 32;

thread_local! {
    static SHARD: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Relaxed) % SHARDS
    };
}

/// On cache lines of its own (two: processors fetch them in pairs).
#[derive(Default)]
#[repr(align(128))]
struct Apart<T>(T);

/// One `T` for each thread (nearly), added up when it is read.
pub(super) struct Sharded<T>(Box<[Apart<T>; SHARDS]>);

impl<T: Default> Default for Sharded<T> {
    fn default() -> Self {
        Self(Box::new(std::array::from_fn(|_| Apart::default())))
    }
}

impl<T> Sharded<T> {
    /// This thread's.
    pub(super) fn mine(&self) -> &T {
        &self.0[SHARD.with(|shard| *shard)].0
    }

    /// The sum of a number over all threads.
    pub(super) fn sum(&self, number: impl Fn(&T) -> &AtomicU64) -> u64 {
        self.0.iter().map(|shard| number(&shard.0).load(Relaxed)).sum()
    }

    /// The times of all threads together.
    pub(super) fn times(&self, times: impl Fn(&T) -> &Times) -> TimesRead {
        let mut read = TimesRead::default();
        for shard in self.0.iter() {
            let times = times(&shard.0);
            for (total, count) in read.counts.iter_mut().zip(&times.counts) {
                *total += count.load(Relaxed);
            }
            read.seconds += times.nanos.load(Relaxed) as f64 / 1e9;
        }
        read
    }
}

/// Upper ends of the buckets in nanoseconds: an article takes tens of microseconds, a call under overload seconds.
const BOUNDS: [u64; 24] = [
    10_000,
    20_000,
    30_000,
    50_000,
    75_000,
    100_000,
    150_000,
    200_000,
    300_000,
    500_000,
    750_000,
    1_000_000,
    2_000_000,
    3_000_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    10_000_000_000,
];

/// The same in seconds, as they are printed.
pub(super) fn bounds() -> Vec<f64> {
    BOUNDS.iter().map(|&nanos| nanos as f64 / 1e9).collect()
}

/// How often something took how long.
#[derive(Default)]
pub(super) struct Times {
    counts: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
}

impl Times {
    pub(super) fn record(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.counts[BOUNDS.partition_point(|&bound| bound < nanos)].fetch_add(1, Relaxed);
        self.nanos.fetch_add(nanos, Relaxed);
    }
}

/// [`Times`] as they were when they were read.
#[derive(Debug, Default, PartialEq)]
pub(super) struct TimesRead {
    /// One for each bucket, and what is above all of them.
    pub(super) counts: [u64; BOUNDS.len() + 1],
    pub(super) seconds: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn threads_add_up() {
        let numbers: Sharded<AtomicU64> = Sharded::default();
        thread::scope(|scope| {
            for _ in 0..2 * SHARDS {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        numbers.mine().fetch_add(1, Relaxed);
                    }
                });
            }
        });
        assert_eq!(numbers.sum(|n| n), 2 * SHARDS as u64 * 1_000);
    }

    #[test]
    fn a_time_falls_into_the_bucket_that_it_does_not_exceed() {
        let times: Sharded<Times> = Sharded::default();
        for nanos in [0, 10_000, 10_001, 10_000_000_000, u64::MAX / 2] {
            times.mine().record(Duration::from_nanos(nanos));
        }
        let read = times.times(|t| t);
        assert_eq!((read.counts[0], read.counts[1]), (2, 1));
        assert_eq!((read.counts[BOUNDS.len() - 1], read.counts[BOUNDS.len()]), (1, 1));
        assert!(BOUNDS.is_sorted());
    }
}
