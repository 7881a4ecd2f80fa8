//! From scores to probabilities that can be taken at their word.

use serde::{Deserialize, Serialize};

/// What the scores of the labels say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Log-odds up to a constant: what the log loss makes.
    #[default]
    LogOdds,
    /// About 1 for yes and -1 for no. The score that makes the squared hinge least for a label of probability p is
    /// 2p - 1: such scores are linear in the probability, and the softmax wants their logarithm.
    Margin,
}

/// How round the corner is at a score of -1, below which a label's probability would be negative.
const CORNER: f64 = 0.1;

impl Scale {
    fn log_odds(self, score: f64) -> f64 {
        if self == Self::LogOdds {
            return score;
        }
        let above = 1.0 + score;
        let root = (above * above + CORNER).sqrt();
        // Both are (above + root) / 2; neither takes the difference of two near numbers.
        (if above > 0.0 { (above + root) / 2.0 } else { CORNER / (root - above) / 2.0 }).ln()
    }
}

/// How scores become probabilities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// What the scores say.
    pub scale: Scale,
    /// Divides the log-odds of a document of 100 words before the softmax (Guo et al. 2017).
    pub temperature: f64,
    /// How the temperature grows with the words: as their number to the power of this.
    pub length_exponent: f64,
}

impl Calibration {
    /// Probabilities of the labels for a document of `words` words, in the order of the scores.
    #[must_use]
    pub fn probabilities(&self, scores: &[f32], words: usize) -> Vec<f64> {
        let temperature = self.temperature * length_factor(words, self.length_exponent);
        softmax(scores.iter().map(|&s| self.scale.log_odds(f64::from(s)) / temperature))
    }
}

/// The words of a document at whose length the temperature holds as it stands.
const USUAL_WORDS: f64 = 100.0;
/// From the shortest to the longest document between which length says how far to trust a score.
const LENGTHS: [f64; 2] = [8.0, 800.0];

/// By what a temperature is multiplied for a document of so many words.
pub(crate) fn length_factor(words: usize, exponent: f64) -> f64 {
    ((words as f64).clamp(LENGTHS[0], LENGTHS[1]) / USUAL_WORDS).powf(exponent)
}

/// Probabilities of scores.
pub(crate) fn softmax(scores: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = scores.collect();
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    values.iter_mut().for_each(|v| *v = (*v - most).exp());
    let sum: f64 = values.iter().sum();
    values.iter_mut().for_each(|v| *v /= sum);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_are_linear_in_the_probability() {
        let margin = Calibration { scale: Scale::Margin, temperature: 1.0, length_exponent: 0.0 };
        let p = margin.probabilities(&[0.6, -0.6, -1.0, -1e30], 100);
        let shares = [0.8, 0.2].map(|p: f64| (p + (p * p + CORNER / 4.0).sqrt()) / 2.0);
        assert!((p[0] / p[1] - shares[0] / shares[1]).abs() < 1e-6);
        assert!(p[2] > 0.0 && p[3] < 1e-9 && (p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let far = margin.probabilities(&[-f32::MAX, -f32::MAX, f32::MIN_POSITIVE], 1);
        assert!(far.iter().all(|p| p.is_finite()));
    }
}
