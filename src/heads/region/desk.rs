//! Which desk a story belongs to: the roll-up of its places, mixed with what
//! its words say. The more places it names, the less its words count.

use crate::{
    places::countries::{DESK_NAMES, DESKS, NO_DESK},
    prediction::Desk,
};
use serde::{Deserialize, Serialize};

/// A desk is returned from this probability on.
const FAIR_SHARE: f64 = 0.2;

/// How places and words are mixed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeskMix {
    /// The words' prior counts as this many mentions.
    pub prior_mentions: f64,
    /// Exponent on the probabilities of desks: calibration.
    pub sharpness: f64,
    /// How much a country's probability of being what the story is about adds to its count.
    pub focus: f64,
}

impl Default for DeskMix {
    fn default() -> Self {
        Self { prior_mentions: 2.0, sharpness: 1.0, focus: 4.0 }
    }
}

impl DeskMix {
    pub(super) fn check(&self) -> Result<(), String> {
        let fine = |x: f64| x.is_finite() && (0.0..=1e6).contains(&x);
        if fine(self.prior_mentions) && fine(self.sharpness) && fine(self.focus) {
            Ok(())
        } else {
            Err("region head: a desk parameter is out of range".to_owned())
        }
    }

    /// Probabilities of the ten desks and of none. `mentions` are weighted counts
    /// a desk, `prior` the words' probabilities in the same order.
    #[must_use]
    pub fn probabilities(&self, mentions: &[f64; 10], prior: Option<&[f32]>) -> [f64; 11] {
        let total: f64 = mentions.iter().sum();
        let mut p = [0.0; 11];
        let trust = if prior.is_some() { total / (total + self.prior_mentions).max(1e-9) } else { 1.0 };
        for (to, count) in p.iter_mut().zip(mentions) {
            *to = trust * count / total.max(1e-9);
        }
        match prior {
            Some(prior) => {
                for (to, prior) in p.iter_mut().zip(prior) {
                    *to += (1.0 - trust) * f64::from(*prior);
                }
            }
            None if total <= 0.0 => p[10] = 1.0,
            None => {}
        }
        if self.sharpness != 1.0 {
            p = p.map(|x| x.powf(self.sharpness));
        }
        let sum: f64 = p.iter().sum();
        p.map(|x| x / sum.max(1e-12))
    }
}

/// The desk with the highest probability: an index in [`DESKS`], or their number for none.
#[must_use]
pub fn best(probabilities: &[f64; 11]) -> usize {
    let mut best = DESKS.len();
    for (i, p) in probabilities.iter().enumerate() {
        if probabilities.get(best).is_none_or(|b| p > b) {
            best = i;
        }
    }
    best
}

/// Code of a desk by its index; "none" beyond the last.
#[must_use]
pub fn code(index: usize) -> &'static str {
    DESKS.get(index).copied().unwrap_or(NO_DESK)
}

/// Every desk with a fair share, most probable first.
pub(super) fn fair(probabilities: &[f64; 11]) -> Vec<Desk> {
    let rows = DESKS.iter().zip(DESK_NAMES).zip(probabilities);
    let mut desks: Vec<Desk> =
        rows.filter(|(_, p)| **p >= FAIR_SHARE).map(|((code, name), p)| Desk { code, name, probability: *p }).collect();
    desks.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    desks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_outweigh_words_as_they_add_up() {
        let mix = DeskMix::default();
        let mut prior = [0.0; 11];
        prior[0] = 1.0;
        let mut mentions = [0.0; 10];
        assert_eq!(best(&mix.probabilities(&mentions, Some(&prior))), 0);
        assert_eq!(code(best(&mix.probabilities(&mentions, None))), "none");
        mentions[3] = 1.0;
        assert_eq!(best(&mix.probabilities(&mentions, Some(&prior))), 0);
        mentions[3] = 6.0;
        assert_eq!(best(&mix.probabilities(&mentions, Some(&prior))), 3);
        let sum: f64 = mix.probabilities(&mentions, Some(&prior)).iter().sum();
        assert!((sum - 1.0).abs() < 1e-9);
    }
}
