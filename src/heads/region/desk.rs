//! Which desk a story belongs to: from what its places and its words say of
//! each desk. One vector a desk, one weight a feature, a softmax over desks.

use super::{ABOUT, linear::dot, math};
use crate::{
    places::countries::{DESK_NAMES, DESKS, NO_DESK},
    prediction::Desk,
};
use serde::{Deserialize, Serialize};

/// A desk is returned from this probability on.
const FAIR_SHARE: f64 = 0.2;
/// The desks and none.
pub(super) const ALL: usize = DESKS.len() + 1;

/// Names of the features of a desk, in the order of the weights. Part of the model format.
pub const DESK_FEATURES: [&str; 26] = [
    "share of places",
    "share of places and trust",
    "log places",
    "most places",
    "share of expected countries",
    "share of expected countries and trust",
    "likeliest country",
    "has the likeliest country",
    "log prior",
    "log prior without places",
    "log prior and distrust",
    "prior",
    "is none",
    "is none and no place",
    "is none and trust",
    "log mixture of places and prior",
    "log prior and its certainty",
    "the words' first and their certainty",
    "log odds of prior",
    "log prior and likeliest country of all",
    "log odds of likeliest country",
    "region and no country",
    "short: log prior",
    "short: likeliest country",
    "likeliest country and prior",
    "has a country that it is about",
];
/// Bundles made before 2026-11-28 have weights for so many.
const FORMER_FEATURES: usize = 16;
/// Least that the words give a desk.
const LEAST_PRIOR: f64 = 1e-4;
/// Odds are told of probabilities from this on, and as far from 1.
const LEAST_ODDS: f64 = 1e-3;
/// A country that is as likely as this keeps the desk to those of countries.
const SURE: f64 = 0.8;
/// Places that make the words count half.
const HALF_TRUST: f64 = 2.0;

/// From countries and words to desks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeskModel {
    /// One for each of [`DESK_FEATURES`], the last of which older models do not have.
    pub weights: Vec<f64>,
}

impl Default for DeskModel {
    /// Counts places, then asks the words: for a start.
    fn default() -> Self {
        let mut weights = vec![0.0; DESK_FEATURES.len()];
        for (weight, at) in [(4.0, 1), (1.0, 8), (2.0, 13)] {
            if let Some(slot) = weights.get_mut(at) {
                *slot = weight;
            }
        }
        Self { weights }
    }
}

/// What an article says of its desks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DeskEvidence {
    /// Weighted mentions of places.
    pub(super) places: [f64; DESKS.len()],
    /// The same, times the probability of being what the story is about.
    pub(super) expected: [f64; DESKS.len()],
    /// Probability of the likeliest country.
    pub(super) likeliest: [f64; DESKS.len()],
    /// The same of countries that are named by more than a town, which may be a namesake's.
    pub(super) named: [f64; DESKS.len()],
    /// How surely a region of several countries is named.
    pub(super) regions: [f64; DESKS.len()],
    /// A sentence or two.
    pub(super) short: bool,
}

/// What the words say: the probabilities of the ten desks and of none, and their logarithms.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prior {
    pub(super) p: [f64; ALL],
    pub(super) log: [f64; ALL],
}

impl Prior {
    /// Without an opinion all are as likely.
    pub(super) fn of(opinion: Option<&[f32]>) -> Self {
        let mut p = [1.0 / ALL as f64; ALL];
        if let Some(opinion) = opinion {
            for (i, p) in p.iter_mut().enumerate() {
                *p = f64::from(opinion.get(i).copied().unwrap_or(0.0)).max(LEAST_PRIOR);
            }
        }
        let mut log = p;
        math::ln(&mut log);
        Self { p, log }
    }
}

/// The vectors of the ten desks and of none.
pub type DeskVectors = [[f64; DESK_FEATURES.len()]; ALL];

impl DeskEvidence {
    pub(super) fn vectors(&self, prior: &Prior) -> DeskVectors {
        let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
        let of = |values: &[f64; DESKS.len()], i: usize| values.get(i).copied().unwrap_or(0.0);
        let is = |condition: bool| f64::from(u8::from(condition));
        let total: f64 = self.places.iter().sum();
        let all_expected: f64 = self.expected.iter().sum();
        let (trust, bare, short) = (total / (total + HALF_TRUST), is(total <= 0.0), is(self.short));
        let [most_places, best] = [&self.places, &self.likeliest].map(|of| most(of));
        let certain = most(&prior.p);
        let nameless = most(&self.named) < ABOUT;
        let share = |i: usize| of(&self.places, i) / total.max(1e-9);
        let inner = |p: f64| p.clamp(LEAST_ODDS, 1.0 - LEAST_ODDS);
        let odds = |p: f64| inner(p) / (1.0 - inner(p));
        let mut logs = [[0.0; ALL]; 4];
        for (i, &prior) in prior.p.iter().enumerate() {
            let mixture = (trust * share(i) + (1.0 - trust) * prior).max(1e-4);
            let numbers = [1.0 + of(&self.places, i), mixture, odds(prior), odds(of(&self.likeliest, i))];
            for (slot, number) in logs.iter_mut().filter_map(|l| l.get_mut(i)).zip(numbers) {
                *slot = number;
            }
        }
        math::ln(logs.as_flattened_mut());
        let mut vectors = [[0.0; DESK_FEATURES.len()]; ALL];
        for (i, vector) in vectors.iter_mut().enumerate() {
            let [log_places, log_mixture, prior_odds, likely_odds] = logs.map(|l| l.get(i).copied().unwrap_or(0.0));
            let [prior, log_prior] = [&prior.p, &prior.log].map(|of| of.get(i).copied().unwrap_or(0.0));
            let (places, likely, named) = (of(&self.places, i), of(&self.likeliest, i), of(&self.named, i));
            let (share, expected) = (share(i), of(&self.expected, i) / all_expected.max(1e-9));
            let none = is(i == DESKS.len());
            *vector = [
                share,
                share * trust,
                log_places,
                is(places > 0.0 && places >= most_places),
                expected,
                expected * trust,
                likely,
                is(likely > 0.0 && likely >= best),
                log_prior,
                bare * log_prior,
                (1.0 - trust) * log_prior,
                prior,
                none,
                none * bare,
                none * trust,
                log_mixture,
                certain * log_prior,
                certain * is(prior >= certain),
                prior_odds,
                best * log_prior,
                likely_odds,
                is(nameless && of(&self.regions, i) >= ABOUT),
                short * log_prior,
                short * likely,
                likely * prior,
                is(named >= ABOUT),
            ];
        }
        vectors
    }

    /// Desks with a country that the story is surely about.
    fn known(&self, i: usize) -> bool {
        self.named.get(i).is_some_and(|p| *p >= SURE)
    }

    /// Those, and desks of a region that is named: "Africa" beside Germany.
    fn eligible(&self, i: usize) -> bool {
        self.known(i) || self.regions.get(i).is_some_and(|p| *p >= ABOUT)
    }
}

impl DeskModel {
    pub(super) fn check(&self) -> Result<(), String> {
        let due = [FORMER_FEATURES, DESK_FEATURES.len()].contains(&self.weights.len());
        if !due || !self.weights.iter().all(|w| w.is_finite()) {
            return Err(format!("region head: {} finite desk weights are due", DESK_FEATURES.len()));
        }
        Ok(())
    }

    /// Probabilities of the ten desks and of none. Where countries are sure, their desks come first.
    pub(super) fn probabilities(&self, evidence: &DeskEvidence, prior: &Prior) -> [f64; ALL] {
        let vectors = evidence.vectors(prior);
        let mut p = vectors.map(|v| dot(&self.weights, &v));
        let most = p.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut scores = p.map(|s| s - most);
        math::exp(&mut scores);
        let sum: f64 = scores.iter().sum();
        p = scores.map(|s| s / sum);
        let eligible = p.iter().enumerate().filter(|(i, _)| evidence.eligible(*i));
        let known = eligible.map(|(_, p)| *p).fold(0.0, f64::max);
        if (0..DESKS.len()).any(|i| evidence.known(i)) {
            for (i, p) in p.iter_mut().enumerate().filter(|(i, _)| !evidence.eligible(*i)) {
                // The index only breaks ties between those that are held back.
                *p = p.min(known * (1.0 - 1e-6 * (i + 1) as f64));
            }
            let sum: f64 = p.iter().sum();
            p = p.map(|x| x / sum);
        }
        p
    }
}

/// The desk with the highest probability: an index in [`DESKS`], or their number for none.
#[must_use]
pub fn best(probabilities: &[f64; ALL]) -> usize {
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
pub(super) fn fair(probabilities: &[f64; ALL]) -> Vec<Desk> {
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
        let former = DeskModel { weights: DeskModel::default().weights[..FORMER_FEATURES].to_vec() };
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
