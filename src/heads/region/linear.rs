//! A logistic model over a few dense, named features.

use serde::{Deserialize, Serialize};

/// Weights for standardised training, folded back so that raw features go in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logistic {
    /// One for each feature.
    pub weights: Vec<f64>,
    /// Added to the sum.
    pub bias: f64,
}

impl Logistic {
    /// The log-odds; a feature without a weight counts nothing.
    #[must_use]
    pub fn score(&self, features: &[f64]) -> f64 {
        // Four sums, so that one addition need not wait for the other.
        let mut sums = [0.0; 4];
        for (w, x) in self.weights.chunks(4).zip(features.chunks(4)) {
            for ((sum, w), x) in sums.iter_mut().zip(w).zip(x) {
                *sum += w * x;
            }
        }
        self.bias + sums.iter().sum::<f64>()
    }

    /// The probability.
    #[must_use]
    pub fn probability(&self, features: &[f64]) -> f64 {
        1.0 / (1.0 + (-self.score(features)).exp())
    }

    /// Refuses parameters of another shape or that are no numbers.
    pub(super) fn check(&self, features: usize, what: &str) -> Result<(), String> {
        if self.weights.len() != features {
            return Err(format!("region head: {} {what} weights, not {features}", self.weights.len()));
        }
        if !self.weights.iter().chain([&self.bias]).all(|w| w.is_finite()) {
            return Err(format!("region head: a {what} weight is not finite"));
        }
        Ok(())
    }
}
