//! Which desk a story belongs to: from what its places and its words say of
//! each desk. One vector a desk, one weight a feature, a softmax over desks.

use super::{
    ABOUT,
    evidence::{DESK_FEATURES, DESK_WEIGHTS, DeskEvidence, Prior},
    math,
    per_desk::{ALL, GROUPS, LANES, PerDesk, at_least, groups, most, of_groups, padded, sum},
};
use crate::{
    places::countries::{DESK_NAMES, DESKS, NO_DESK},
    prediction::Desk,
};
use serde::{Deserialize, Serialize};
use wide::{CmpGe, f64x4};

/// A desk is returned from this probability on.
const FAIR_SHARE: f64 = 0.2;
/// Bundles made before 2026-11-28 have weights for so many features, those made on that day for all of them but none for
/// contexts.
const FORMER_WEIGHTS: [usize; 2] = [16, DESK_FEATURES.len()];
/// A country that is as likely as this keeps the desk to those of countries.
const SURE: f64 = 0.8;

/// From countries and words to desks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeskModel {
    /// One for each of [`DESK_FEATURES`], then for each context one for each modulated feature; older models lack the last.
    pub weights: Vec<f64>,
}

impl Default for DeskModel {
    /// Counts places, then asks the words: for a start.
    fn default() -> Self {
        let mut weights = vec![0.0; DESK_WEIGHTS];
        for (weight, at) in [(4.0, 1), (1.0, 8), (2.0, 13)] {
            if let Some(slot) = weights.get_mut(at) {
                *slot = weight;
            }
        }
        Self { weights }
    }
}

impl DeskModel {
    pub(super) fn check(&self) -> Result<(), String> {
        let due = self.weights.len() == DESK_WEIGHTS || FORMER_WEIGHTS.contains(&self.weights.len());
        if !due || !self.weights.iter().all(|w| w.is_finite()) {
            return Err(format!("region head: {DESK_WEIGHTS} finite desk weights are due"));
        }
        Ok(())
    }

    /// Probabilities of the ten desks and of none. Where countries are sure, their desks come first.
    pub(super) fn probabilities(&self, evidence: &DeskEvidence, prior: &Prior) -> [f64; ALL] {
        let mut p = evidence.rows(prior).scores(&self.weights);
        p[ALL..].fill(f64::MIN);
        math::softmax(&mut p);
        if most(&evidence.named) >= SURE {
            p = held_back(evidence, &p);
        }
        std::array::from_fn(|i| p[i])
    }
}

/// What the probability of a desk that is held back is at most, as a share of the best: it only breaks ties.
const TIES: PerDesk = {
    let mut ties = [0.0; LANES * GROUPS];
    let mut i = 0;
    while i < ALL {
        ties[i] = 1.0 - 1e-6 * (i + 1) as f64;
        i += 1;
    }
    ties
};

/// The probabilities, but those of desks without a country that the story is surely about are held back, unless a region
/// of theirs is named: "Africa" beside Germany.
#[inline(never)]
fn held_back(evidence: &DeskEvidence, p: &PerDesk) -> PerDesk {
    let ([all, ties], [named, regions]) = ([p, &TIES].map(groups), [&evidence.named, &evidence.regions].map(groups));
    let eligible = |group: usize| named[group].cmp_ge(f64x4::splat(SURE)) | regions[group].cmp_ge(f64x4::splat(ABOUT));
    let known = most(&of_groups(|group| all[group] & eligible(group)));
    let held = of_groups(|group| {
        let held = all[group].fast_min(ties[group] * known);
        eligible(group).blend(all[group], held)
    });
    let scale = 1.0 / sum(&held);
    of_groups(|group| groups(&held)[group] * scale)
}

/// The desk with the highest probability: an index in [`DESKS`], or their number for none.
#[must_use]
pub fn best(probabilities: &[f64; ALL]) -> usize {
    let p = padded(probabilities);
    let best = at_least(&p, most(&p));
    // Of as likely ones none, or else the first.
    if best >> DESKS.len() & 1 != 0 { DESKS.len() } else { best.trailing_zeros() as usize }
}

/// Code of a desk by its index; "none" beyond the last.
#[must_use]
pub fn code(index: usize) -> &'static str {
    DESKS.get(index).copied().unwrap_or(NO_DESK)
}

/// Every desk with a fair share, most probable first.
pub(super) fn fair(probabilities: &[f64; ALL]) -> Vec<Desk> {
    let mut fair = at_least(&padded(probabilities), FAIR_SHARE) & ((1 << DESKS.len()) - 1);
    let mut desks = Vec::with_capacity(fair.count_ones() as usize);
    while fair != 0 {
        let at = fair.trailing_zeros() as usize;
        desks.push(Desk { code: DESKS[at], name: DESK_NAMES[at], probability: probabilities[at] });
        fair &= fair - 1;
    }
    desks.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    desks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_outweigh_words_as_they_add_up() {
        let model = DeskModel::default();
        let mut prior = [0.01; ALL];
        prior[0] = 0.9;
        let mut evidence = DeskEvidence::default();
        let told = |e: &DeskEvidence, prior: Option<&[f32]>| code(best(&model.probabilities(e, &Prior::of(prior))));
        assert_eq!(told(&evidence, Some(&prior)), "NAM");
        assert_eq!(told(&evidence, None), "none");
        evidence.places[3] = 1.0;
        assert_eq!(told(&evidence, Some(&prior)), "NAM");
        evidence.places[3] = 60.0;
        prior[3] = 0.1;
        assert_eq!(told(&evidence, Some(&prior)), "MENA");
        let sum: f64 = model.probabilities(&evidence, &Prior::of(Some(&prior))).iter().sum();
        assert!((sum - 1.0).abs() < 1e-9);
    }

    #[test]
    fn former_weights_count_as_before() {
        let former = DeskModel { weights: DeskModel::default().weights[..FORMER_WEIGHTS[0]].to_vec() };
        assert!(former.check().is_ok() && DeskModel { weights: vec![0.0; 17] }.check().is_err());
        let mut evidence = DeskEvidence::default();
        evidence.places[3] = 2.0;
        let told = |model: &DeskModel| model.probabilities(&evidence, &Prior::of(None));
        assert_eq!(told(&former), told(&DeskModel::default()));
    }

    #[test]
    fn the_desk_is_that_of_a_country_it_is_about() {
        let mut prior = [0.0; ALL];
        prior[0] = 1.0;
        let mut evidence = DeskEvidence::default();
        (evidence.places[7], evidence.likeliest[7]) = (0.1, 0.6);
        let told = |e: &DeskEvidence| code(best(&DeskModel::default().probabilities(e, &Prior::of(Some(&prior)))));
        assert_eq!(told(&evidence), "NAM", "a town is no country");
        evidence.named[7] = 0.6;
        assert_eq!(told(&evidence), "NAM", "nor is it sure");
        evidence.named[7] = 0.9;
        assert_eq!(told(&evidence), "EAS");
        (evidence.places[4], evidence.regions[4]) = (9.0, 0.9);
        assert_eq!(told(&evidence), "SSA", "a region is named");
    }
}
