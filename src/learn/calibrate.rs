//! Temperature scaling (Guo et al. 2017): one number that brings the
//! probabilities of held-out rows as near to the truth as they can come, or
//! two, where the length of a document says how far its scores can be trusted.

use crate::heads::calibration::{Calibration, Scale, length_factor, softmax};

/// Scores of a held-out row, the number of its words, and its label.
pub type Scored = (Vec<f32>, usize, usize);

/// What makes the squared error of `rows` least (Brier 1950): the temperature and how it grows with the words of a
/// document, each fitted in turn with the other as it stands. The log loss would count most what the rows of doubtful
/// labels say, and make all others too unsure of themselves.
#[must_use]
pub fn calibrate(rows: &[Scored], scale: Scale) -> Calibration {
    if rows.is_empty() {
        return Calibration { scale, temperature: 1.0, length_exponent: 0.0 };
    }
    let loss = |calibration: Calibration| -> f64 {
        let row = |(scores, words, label): &Scored| squared_error(&calibration.probabilities(scores, *words), *label);
        rows.iter().map(row).sum()
    };
    // The temperature of a document of usual length is searched for, not that at which the exponent has no effect: on
    // that one the exponent depends, and a search in turn would stop far from where both are best.
    let usual = rows.iter().map(|(_, words, _)| length_factor(*words, 1.0).ln()).sum::<f64>() / rows.len() as f64;
    let at = |t: f64, length_exponent: f64| {
        let temperature = (t - length_exponent * usual).exp();
        Calibration { scale, temperature, length_exponent }
    };
    let (mut t, mut exponent) = (0.0, 0.0);
    for _ in 0..ROUNDS {
        t = golden(LOG_TEMPERATURES, |t| loss(at(t, exponent)));
        exponent = golden([-1.0, 1.0], |e| loss(at(t, e)));
    }
    at(t, exponent)
}

/// After these the figures stand still.
const ROUNDS: usize = 5;

/// Logarithms of the least and greatest temperature.
const LOG_TEMPERATURES: [f64; 2] = [-4.0, 3.0];

fn squared_error(probabilities: &[f64], label: usize) -> f64 {
    let squares: f64 = probabilities.iter().map(|p| p * p).sum();
    squares - 2.0 * probabilities.get(label).copied().unwrap_or(0.0) + 1.0
}

fn surprise(probabilities: &[f64], label: usize) -> f64 {
    -probabilities.get(label).copied().unwrap_or(0.0).max(1e-15).ln()
}

/// Golden-section search for the least value between `low` and `high`.
fn golden([mut low, mut high]: [f64; 2], value: impl Fn(f64) -> f64) -> f64 {
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    for _ in 0..30 {
        let step = golden * (high - low);
        if value(high - step) < value(low + step) {
            high = low + step;
        } else {
            low = high - step;
        }
    }
    f64::midpoint(low, high)
}

/// The temperature that minimises the log loss of `scores` (one row of log-odds each) against `labels`; 1 for no rows.
#[must_use]
pub fn temperature(scores: &[Vec<f32>], labels: &[usize]) -> f64 {
    if scores.is_empty() {
        return 1.0;
    }
    let loss = |t: f64| -> f64 {
        let row = |(s, &l): (&Vec<f32>, &usize)| surprise(&softmax(s.iter().map(|&v| f64::from(v) / t)), l);
        scores.iter().zip(labels).map(row).sum()
    };
    golden(LOG_TEMPERATURES, |t| loss(t.exp())).exp()
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
        let calibration = calibrate(&rows, Scale::LogOdds);
        for (words, odds) in [(10, 9f64), (500, 3.0)] {
            let p = calibration.probabilities(&[6.0, 0.0], words)[0];
            assert!((p / (1.0 - p) / odds - 1.0).abs() < 1e-2);
        }
    }

    #[test]
    fn no_neighbour_is_better() {
        // No row has the length at which the exponent has no effect; the longer, the more often wrong.
        let row = |i: usize| {
            let (gap, k) = ([3.0, 6.0, 9.0][i % 3], i % 4);
            (vec![gap, 0.0], [9, 14, 25, 37][k], usize::from((i / 12).is_multiple_of([10, 9, 7, 6][k])))
        };
        let rows: Vec<Scored> = (0..4_000).map(row).collect();
        let loss = |c: Calibration| -> f64 {
            rows.iter().map(|(s, words, label)| squared_error(&c.probabilities(s, *words), *label)).sum()
        };
        let best = calibrate(&rows, Scale::LogOdds);
        for (t, e) in [(0.1, 0.0), (-0.1, 0.0), (0.0, 0.05), (0.0, -0.05), (0.1, 0.05), (-0.1, -0.05)] {
            let temperature = best.temperature * f64::exp(t);
            let other = Calibration { temperature, length_exponent: best.length_exponent + e, ..best };
            assert!(loss(best) <= loss(other), "{t} {e}");
        }
    }

    #[test]
    fn without_rows_scores_are_taken_as_they_are() {
        let none = Calibration { scale: Scale::Margin, temperature: 1.0, length_exponent: 0.0 };
        assert_eq!(calibrate(&[], Scale::Margin), none);
    }
}
