//! A logistic model over a few dense, named features.

use super::math;
use serde::{Deserialize, Serialize};

/// Turns log-odds into probabilities.
#[inline(never)]
pub(super) fn probabilities(scores: &mut [f64]) {
    scores.iter_mut().for_each(|s| *s = -*s);
    math::exp(scores);
    scores.iter_mut().for_each(|s| *s = 1.0 / (1.0 + *s));
}

/// The sum of the products, over the shorter of the two. Four sums, so that one addition need not wait for the other.
pub(super) fn dot(weights: &[f64], features: &[f64]) -> f64 {
    let features = features.get(..weights.len()).unwrap_or(features);
    let weights = weights.get(..features.len()).unwrap_or(weights);
    let ((ws, w_rest), (xs, x_rest)) = (weights.as_chunks::<4>(), features.as_chunks::<4>());
    let mut sums = [0.0; 4];
    for (w, x) in ws.iter().zip(xs) {
        for ((sum, w), x) in sums.iter_mut().zip(w).zip(x) {
            *sum += w * x;
        }
    }
    for ((sum, w), x) in sums.iter_mut().zip(w_rest).zip(x_rest) {
        *sum += w * x;
    }
    sums.iter().sum()
}

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
        self.bias + dot(&self.weights, features)
    }

    /// The probability.
    #[must_use]
    pub fn probability(&self, features: &[f64]) -> f64 {
        let mut scores = [self.score(features)];
        probabilities(&mut scores);
        scores[0]
    }

    /// Whether it has the same parameters, bit for bit; faster than `==`.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let [own, others] = [self, other].map(|model| bytemuck::cast_slice::<f64, u8>(&model.weights));
        self.bias.to_bits() == other.bias.to_bits() && own == others
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
