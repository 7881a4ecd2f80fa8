//! Temperature scaling (Guo et al. 2017): one number that makes the
//! probabilities of held-out rows as likely as they can be.

use crate::heads::topic::softmax;

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
}
