//! Temperature scaling (Guo et al. 2017): one number that brings the
//! probabilities of held-out rows as near to the truth as they can come, or
//! two, where the length of a document says how far its scores can be trusted.

use crate::heads::calibration::{Calibration, Scale, softmax};

/// Scores of a held-out row, the number of its words, and its label.
pub type Scored = (Vec<f32>, usize, usize);

/// What makes the squared error of `rows` least (Brier 1950): the temperature and how it grows with the words of a
/// document, each fitted in turn with the other as it stands. The log loss would count most what the rows of doubtful
/// labels say, and make all others too unsure of themselves.
#[must_use]
pub fn calibrate(rows: &[Scored], scale: Scale) -> Calibration {
    let mut best = Calibration { scale, temperature: 1.0, length_exponent: 0.0 };
    if rows.is_empty() {
        return best;
    }
    let loss = |calibration: Calibration| -> f64 {
        let row = |(scores, words, label): &Scored| squared_error(&calibration.probabilities(scores, *words), *label);
        rows.iter().map(row).sum()
    };
    for _ in 0..ROUNDS {
        best.temperature = golden(LOG_TEMPERATURES, |t| loss(Calibration { temperature: t.exp(), ..best })).exp();
        best.length_exponent = golden([-1.0, 1.0], |e| loss(Calibration { length_exponent: e, ..best }));
    }
    best
}

/// After these the figures stand still: length and temperature hardly depend on each other.
const ROUNDS: usize = 4;

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
        let none = Calibration { scale: Scale::Margin, temperature: 1.0, length_exponent: 0.0 };
        assert_eq!(calibrate(&[], Scale::Margin), none);
    }
}
