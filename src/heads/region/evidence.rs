//! What a story says of each desk, in numbers: its places, its countries, its words.

use super::{ABOUT, linear::dot, math};
use crate::places::countries::DESKS;

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
/// What tells of the article as a whole how much each of [`MODULATED`] is worth. Part of the model format.
pub const CONTEXTS: [&str; 5] = ["certain words", "likeliest country", "trust in places", "short", "no place"];
/// The features whose weights change with each of [`CONTEXTS`]: indices in [`DESK_FEATURES`].
pub const MODULATED: [usize; 11] = [0, 2, 3, 6, 8, 12, 15, 17, 18, 20, 25];
/// How many weights there are: one a feature, then for each context one a modulated feature.
pub const DESK_WEIGHTS: usize = DESK_FEATURES.len() + CONTEXTS.len() * MODULATED.len();

/// Least that the words give a desk.
const LEAST_PRIOR: f64 = 1e-4;
/// The logarithm of the least that [`math::odds`] gives.
const LEAST_LOG_ODDS: f64 = -6.906_754_778_648_554;
/// Places that make the words count half.
const HALF_TRUST: f64 = 2.0;
/// Logarithms that a desk with places takes beside that of its odds.
const PLACED: usize = 3;
/// Least that places and words together give a desk, and its logarithm.
const LEAST_MIXTURE: f64 = 1e-4;
const LEAST_LOG_MIXTURE: f64 = -9.210_340_371_976_182;

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

/// The vectors of the ten desks and of none, as the model is trained on them.
pub type DeskVectors = [[f64; DESK_WEIGHTS]; ALL];

/// The features of each desk and of none, and the contexts.
pub(super) struct Rows {
    features: [[f64; DESK_FEATURES.len()]; ALL],
    contexts: [f64; CONTEXTS.len()],
}

impl DeskEvidence {
    pub(super) fn rows(&self, prior: &Prior) -> Rows {
        let is = |condition: bool| f64::from(u8::from(condition));
        let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
        let of = |values: &[f64; DESKS.len()], i: usize| values.get(i).copied().unwrap_or(0.0);
        let total: f64 = self.places.iter().sum();
        let all_expected = self.expected.iter().sum::<f64>().max(1e-9);
        let (trust, bare, short) = (total / (total + HALF_TRUST), is(total <= 0.0), is(self.short));
        let (most_places, best, certain) = (most(&self.places), most(&self.likeliest), most(&prior.p));
        let nameless = most(&self.named) < ABOUT;
        let share = |i: usize| of(&self.places, i) / total.max(1e-9);
        // Most desks have no place: what their logarithms are is known from those of all.
        let mut logs = [1.0; ALL * (1 + PLACED) + 1];
        let mut used = ALL + 1;
        let mut placed = [0; ALL];
        for (i, prior) in prior.p.iter().enumerate() {
            logs[i] = math::odds(*prior);
            if of(&self.places, i) > 0.0 {
                placed[i] = used;
                let mixture = (trust * share(i) + (1.0 - trust) * prior).max(LEAST_MIXTURE);
                logs[used..used + PLACED].copy_from_slice(&[
                    1.0 + of(&self.places, i),
                    mixture,
                    math::odds(of(&self.likeliest, i)),
                ]);
                used += PLACED;
            }
        }
        logs[ALL] = 1.0 - trust;
        math::ln(&mut logs[..used]);
        let log_distrust = logs[ALL];
        let mut features = [[0.0; DESK_FEATURES.len()]; ALL];
        for (i, row) in features.iter_mut().enumerate() {
            let (prior, log_prior, prior_odds) = (prior.p[i], prior.log[i], logs[i]);
            let [log_places, log_mixture, likely_odds] = match placed[i] {
                0 => [0.0, (log_distrust + log_prior).max(LEAST_LOG_MIXTURE), LEAST_LOG_ODDS],
                at => [logs[at], logs[at + 1], logs[at + 2]],
            };
            let (places, likely, named) = (of(&self.places, i), of(&self.likeliest, i), of(&self.named, i));
            let (share, expected) = (share(i), of(&self.expected, i) / all_expected);
            let none = is(i == DESKS.len());
            *row = [
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
        Rows { features, contexts: [certain, best, trust, short, bare] }
    }
}

impl Rows {
    /// The score of each desk and of none. The contexts change the weights, once for all desks; weights that a model does
    /// not have are 0.
    pub(super) fn scores(&self, weights: &[f64]) -> [f64; ALL] {
        let mut own = [0.0; DESK_FEATURES.len()];
        own.iter_mut().zip(weights).for_each(|(own, weight)| *own = *weight);
        let products = weights.get(DESK_FEATURES.len()..).unwrap_or(&[]).chunks(MODULATED.len());
        for (context, weights) in self.contexts.iter().zip(products) {
            for (&feature, weight) in MODULATED.iter().zip(weights) {
                own[feature] += context * weight;
            }
        }
        self.features.each_ref().map(|row| dot(&own, row))
    }

    /// Each feature and each product of a context and a feature as a feature of its own.
    pub(super) fn vectors(&self) -> DeskVectors {
        let mut vectors = [[0.0; DESK_WEIGHTS]; ALL];
        for (vector, row) in vectors.iter_mut().zip(&self.features) {
            let products = self.contexts.iter().flat_map(|context| MODULATED.map(|feature| context * row[feature]));
            for (to, value) in vector.iter_mut().zip(row.iter().copied().chain(products)) {
                *to = value;
            }
        }
        vectors
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_logarithms() {
        assert!((LEAST_LOG_MIXTURE - LEAST_MIXTURE.ln()).abs() < 1e-14);
        assert!((LEAST_LOG_ODDS - math::odds(0.0).ln()).abs() < 1e-14);
    }

    proptest! {
        #[test]
        fn changed_weights_score_as_products_do(
            places in proptest::array::uniform10(0.0..9.0_f64),
            about in proptest::array::uniform10(0.0..1.0_f64),
            words in proptest::array::uniform11(0.0..1.0_f32),
            short: bool,
        ) {
            let evidence =
                DeskEvidence { places, expected: places, likeliest: about, named: about, regions: about, short };
            let rows = evidence.rows(&Prior::of(Some(&words)));
            let weights: Vec<f64> = (0..DESK_WEIGHTS).map(|i| (i as f64).sin()).collect();
            for count in [16, DESK_FEATURES.len(), DESK_WEIGHTS] {
                let scores = rows.scores(&weights[..count]);
                for (vector, score) in rows.vectors().iter().zip(scores) {
                    let plain: f64 = weights[..count].iter().zip(vector).map(|(w, x)| w * x).sum();
                    prop_assert!((plain - score).abs() < 1e-9, "{plain} {score}");
                }
            }
        }
    }
}
