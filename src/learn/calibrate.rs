//! Temperature scaling (Guo et al. 2017): one number that makes the
//! probabilities of held-out rows as likely as they can be, or two, where the
//! length of a document says how far its scores can be trusted.

use crate::heads::topic::{length_factor, softmax};

/// Scores of a held-out row, the number of its words, and its label.
pub type Scored = (Vec<f32>, usize, usize);

/// The temperature, and how it grows with the words of a document (`TopicHead::length_exponent`), that minimise the log
/// loss of `rows`: each is fitted in turn with the other as it stands.
#[must_use]
pub fn temperature_by_length(rows: &[Scored]) -> (f64, f64) {
    if rows.is_empty() {
        return (1.0, 0.0);
    }
    let (mut log_t, mut exponent) = (0.0, 0.0);
    for _ in 0..ROUNDS {
        log_t = golden(-4.0, 3.0, |v| loss(rows, v, exponent));
        exponent = golden(-1.0, 1.0, |v| loss(rows, log_t, v));
    }
    (log_t.exp(), exponent)
}

/// After these the figures stand still: length and temperature hardly depend on each other.
const ROUNDS: usize = 4;

fn loss(rows: &[Scored], log_t: f64, exponent: f64) -> f64 {
    let row = |(scores, words, label): &Scored| {
        let t = log_t.exp() * length_factor(*words, exponent);
        let p = softmax(scores.iter().map(|&v| f64::from(v) / t));
        -p.get(*label).copied().unwrap_or(0.0).max(1e-15).ln()
    };
    rows.iter().map(row).sum()
}

/// Golden-section search for the least value between `low` and `high`.
fn golden(mut low: f64, mut high: f64, value: impl Fn(f64) -> f64) -> f64 {
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    for _ in 0..25 {
        let step = golden * (high - low);
        if value(high - step) < value(low + step) {
            high = low + step;
        } else {
            low = high - step;
        }
    }
    f64::midpoint(low, high)
}

/// The temperature that minimises the log loss of `scores` (one row of class
/// scores each) against `labels`; 1 for no rows. Golden-section search on its
/// logarithm, from e^-4 to e^3.
#[must_use]
pub fn temperature(scores: &[Vec<f32>], labels: &[usize]) -> f64 {
    if scores.is_empty() {
        return 1.0;
    }
    let loss = |log_t: f64| -> f64 {
        let t = log_t.exp();
        let row = |(s, &l): (&Vec<f32>, &usize)| {
            let p = softmax(s.iter().map(|&v| f64::from(v) / t));
            -p.get(l).copied().unwrap_or(0.0).max(1e-15).ln()
        };
        scores.iter().zip(labels).map(row).sum()
    };
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (-4.0, 3.0);
    for _ in 0..40 {
        let step = golden * (high - low);
        if loss(high - step) < loss(low + step) {
            high = low + step;
        } else {
            low = high - step;
        }
    }
    f64::midpoint(low, high).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_temperature_of_over_confident_scores() {
        // Right three times of four with a score gap of 6: the fit is ln 3 = 6 / t.
        let scores = vec![vec![6.0, 0.0]; 400];
        let labels: Vec<usize> = (0..400).map(|i| usize::from(i % 4 == 0)).collect();
        assert!((temperature(&scores, &labels) - 6.0 / 3f64.ln()).abs() < 1e-3);
        assert!((temperature(&[], &[]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn finds_that_longer_rows_are_less_sure() {
        // Of the short rows nine of ten are right, of the long ones three of four, at the same gap.
        let row = |i: usize, words, wrong: usize| (vec![6.0, 0.0], words, usize::from(i.is_multiple_of(wrong)));
        let rows: Vec<_> = (0..400).map(|i| if i < 200 { row(i, 10, 10) } else { row(i, 500, 4) }).collect();
        let (t, exponent) = temperature_by_length(&rows);
        for (words, odds) in [(10, 9f64), (500, 3.0)] {
            assert!((t * length_factor(words, exponent) - 6.0 / odds.ln()).abs() < 1e-2);
        }
        assert_eq!(temperature_by_length(&[]), (1.0, 0.0));
    }
}
