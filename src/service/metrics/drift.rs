//! How far the answers of late are from what the model was trained on.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The answers of about this long are compared.
pub(super) const WINDOW: Duration = Duration::from_secs(60 * 60);
/// The totals are remembered at most this often.
const STEP: Duration = Duration::from_secs(60);
/// Added to each count, so that a label that did not occur has a share.
const SMOOTHING: f64 = 0.5;

/// The totals of the past hour, from which the counts of that hour follow.
pub(super) struct Window {
    totals: VecDeque<(Instant, Vec<u64>)>,
}

impl Window {
    /// At `now` all of `labels` totals are 0.
    pub(super) fn new(now: Instant, labels: usize) -> Self {
        Self { totals: VecDeque::from([(now, vec![0; labels])]) }
    }

    /// What was added to `totals` within the window. To be asked now and then: it knows of what it was told only.
    pub(super) fn recent(&mut self, now: Instant, totals: &[u64]) -> Vec<u64> {
        // The newest that is older than the window stays: what came after it is all that is within.
        while self.totals.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW) {
            self.totals.pop_front();
        }
        let since = self.totals.front().map(|(_, totals)| totals.clone()).unwrap_or_default();
        if self.totals.back().is_none_or(|(at, _)| now.duration_since(*at) >= STEP) {
            self.totals.push_back((now, totals.to_vec()));
        }
        totals
            .iter()
            .zip(since.into_iter().chain(std::iter::repeat(0)))
            .map(|(now, then)| now - then.min(*now))
            .collect()
    }
}

/// The population-stability index: the sum over the labels of (a - e) ln(a / e), where a and e are a label's actual and
/// expected shares. Below 0.1 is called stable, above 0.25 another population.
///
/// Labels that were not expected at all are left out on both sides: of them the training data says nothing. `None`:
/// nothing to compare.
pub(super) fn stability(expected: &[u64], actual: &[u64]) -> Option<f64> {
    let pairs = || expected.iter().zip(actual).filter(|(e, _)| **e > 0).map(|(&e, &a)| (e as f64, a as f64));
    if pairs().map(|(_, a)| a).sum::<f64>() == 0.0 {
        return None;
    }
    let (e_all, a_all) = pairs().fold((0.0, 0.0), |(e, a), (x, y)| (e + x + SMOOTHING, a + y + SMOOTHING));
    Some(
        pairs()
            .map(|(e, a)| ((e + SMOOTHING) / e_all, (a + SMOOTHING) / a_all))
            .map(|(e, a)| (a - e) * (a / e).ln())
            .sum(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_as_it_is_defined() {
        let close = |got: Option<f64>, expect: f64| assert!((got.unwrap() - expect).abs() < 1e-3, "{got:?}");
        close(stability(&[5_000, 3_000, 2_000], &[50_000, 30_000, 20_000]), 0.0);
        // .5/.3/.2 against .2/.3/.5, by hand: 2 x .3 x ln 2.5.
        close(stability(&[500_000, 300_000, 200_000], &[200_000, 300_000, 500_000]), 0.6 * 2.5f64.ln());
        // A label without training rows does not count, however often it is given.
        close(stability(&[5_000, 5_000, 0], &[500_000, 500_000, 1_000_000]), 0.0);
        assert!(stability(&[5, 5], &[100, 0]).unwrap().is_finite());
        assert_eq!(stability(&[5, 5, 0], &[0, 0, 7]), None);
        assert_eq!(stability(&[], &[]), None);
    }

    #[test]
    fn the_window_forgets_what_is_older() {
        let start = Instant::now();
        let minute = |m: u64| start + Duration::from_secs(60 * m);
        let mut window = Window::new(start, 1);
        for m in 1..=180 {
            // One a minute in the first hour, two in the second, none in the third.
            let total = m.min(60) + 2 * m.clamp(60, 120) - 120;
            let recent = window.recent(minute(m), &[total])[0];
            match m {
                30 => assert_eq!(recent, 30),
                60 => assert_eq!(recent, 60),
                90 => assert_eq!(recent, 30 + 60),
                120 => assert_eq!(recent, 120),
                180 => assert_eq!(recent, 0),
                _ => {}
            }
        }
        assert!(window.totals.len() < 65, "{}", window.totals.len());
        // Asked too often it remembers no more, and asked after long it counts since it was asked last.
        for _ in 0..1_000 {
            window.recent(minute(181), &[180]);
        }
        assert!(window.totals.len() < 65);
        assert_eq!(window.recent(minute(500), &[200]), [20]);
    }
}
