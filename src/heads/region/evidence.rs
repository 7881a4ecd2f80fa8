//! What a story says of each desk, in numbers: its places, its countries, its words.

use super::{
    ABOUT, RankedCountry, math,
    per_desk::{ALL, GROUPS, LANES, PerDesk, groups, most, sum},
};
use crate::places::countries::DESKS;
use wide::{CmpGe, CmpGt, f64x4};

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
/// Places that make the words count half.
const HALF_TRUST: f64 = 2.0;
/// Least that places and words together give a desk.
const LEAST_MIXTURE: f64 = 1e-4;

/// Which of the desks is none.
const NONE: PerDesk = {
    let mut none = [0.0; LANES * GROUPS];
    none[DESKS.len()] = 1.0;
    none
};

/// What an article says of its desks; 0 for none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DeskEvidence {
    /// Weighted mentions of places.
    pub(super) places: PerDesk,
    /// The same, times the probability of being what the story is about.
    pub(super) expected: PerDesk,
    /// Probability of the likeliest country.
    pub(super) likeliest: PerDesk,
    /// The same of countries that are named by more than a town, which may be a namesake's.
    pub(super) named: PerDesk,
    /// How surely a region of several countries is named.
    pub(super) regions: PerDesk,
    /// A sentence or two.
    pub(super) short: bool,
}

/// What the words say: the probabilities of the ten desks and of none, and their logarithms.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prior {
    pub(super) p: PerDesk,
    pub(super) log: PerDesk,
}

/// The probabilities of the ten desks and of none, from the words' scores and their temperature; desks without a score have
/// one of 0.
#[must_use]
pub fn desk_prior(scores: &[f32], temperature: f64) -> [f32; ALL] {
    let mut p = [0.0; ALL];
    p.iter_mut().zip(scores).for_each(|(p, &score)| *p = f64::from(score) / temperature);
    math::softmax(&mut p);
    p.map(|p| p as f32)
}

impl Prior {
    /// Without an opinion all are as likely.
    pub(super) fn of(opinion: Option<&[f32]>) -> Self {
        let mut p = [LEAST_PRIOR; LANES * GROUPS];
        match opinion {
            Some(opinion) => p.iter_mut().zip(opinion).for_each(|(p, told)| *p = f64::from(*told).max(LEAST_PRIOR)),
            None => p[..ALL].fill(1.0 / ALL as f64),
        }
        let mut log = p;
        math::ln(&mut log);
        Self { p, log }
    }
}

/// The vectors of the ten desks and of none, as the model is trained on them.
pub type DeskVectors = [[f64; DESK_WEIGHTS]; ALL];

/// What is read of all desks before the features of each.
pub(super) struct Rows<'a> {
    evidence: &'a DeskEvidence,
    prior: &'a Prior,
    /// Sums and maxima over the desks.
    total: f64,
    all_expected: f64,
    most_places: f64,
    nameless: bool,
    contexts: [f64; CONTEXTS.len()],
}

impl DeskEvidence {
    /// Adds what a country says that the article is about with this probability.
    pub(super) fn add(&mut self, country: &RankedCountry, about: f64) {
        let desk = country.country.desk();
        self.expected[desk] += about * country.weight;
        self.likeliest[desk] = self.likeliest[desk].max(about);
        if country.by_more_than_towns {
            self.named[desk] = self.named[desk].max(about);
        }
    }

    pub(super) fn rows<'a>(&'a self, prior: &'a Prior) -> Rows<'a> {
        let is = |condition: bool| f64::from(u8::from(condition));
        let total = sum(&self.places);
        let trust = total / (total + HALF_TRUST);
        Rows {
            evidence: self,
            prior,
            total: total.max(1e-9),
            all_expected: sum(&self.expected).max(1e-9),
            most_places: most(&self.places),
            nameless: most(&self.named) < ABOUT,
            contexts: [most(&prior.p), most(&self.likeliest), trust, is(self.short), is(total <= 0.0)],
        }
    }
}

impl Rows<'_> {
    /// The features of a group of desks.
    #[inline(always)]
    fn features(&self, group: usize) -> [f64x4; DESK_FEATURES.len()] {
        let of = |values: &PerDesk| groups(values)[group];
        let if_so = |mask: f64x4| mask & f64x4::ONE;
        let at_least = |values: f64x4, least: f64| values.cmp_ge(f64x4::splat(least));
        let Self { evidence, prior, contexts: [certain, best, trust, short, bare], .. } = self;
        let (places, likely, log_prior, prior) =
            (of(&evidence.places), of(&evidence.likeliest), of(&prior.log), of(&prior.p));
        let (share, expected) = (places * (1.0 / self.total), of(&evidence.expected) * (1.0 / self.all_expected));
        let mixture = share * *trust + prior * (1.0 - trust);
        let numbers = [
            f64x4::ONE + places,
            mixture.fast_max(f64x4::splat(LEAST_MIXTURE)),
            math::odds_of(prior),
            math::odds_of(likely),
        ];
        let mut logs = numbers.map(f64x4::to_array);
        math::ln(logs.as_flattened_mut());
        let [log_places, log_mixture, prior_odds, likely_odds] = logs.map(f64x4::new);
        let none = of(&NONE);
        let nameless = f64::from(u8::from(self.nameless));
        [
            share,
            share * *trust,
            log_places,
            if_so(places.cmp_gt(f64x4::ZERO) & at_least(places, self.most_places)),
            expected,
            expected * *trust,
            likely,
            if_so(likely.cmp_gt(f64x4::ZERO) & at_least(likely, *best)),
            log_prior,
            log_prior * *bare,
            log_prior * (1.0 - trust),
            prior,
            none,
            none * *bare,
            none * *trust,
            log_mixture,
            log_prior * *certain,
            if_so(at_least(prior, *certain)) * *certain,
            prior_odds,
            log_prior * *best,
            likely_odds,
            if_so(at_least(of(&evidence.regions), ABOUT)) * nameless,
            log_prior * *short,
            likely * *short,
            likely * prior,
            if_so(at_least(of(&evidence.named), ABOUT)),
        ]
    }

    /// The score of each desk and of none; what fills up the lanes has one, too. The contexts change the weights, once for
    /// all desks; weights that a model does not have are 0.
    pub(super) fn scores(&self, weights: &[f64]) -> PerDesk {
        let mut own = [0.0; DESK_FEATURES.len()];
        own.iter_mut().zip(weights).for_each(|(own, weight)| *own = *weight);
        let mut changes = [0.0; MODULATED.len()];
        let products = weights.get(DESK_FEATURES.len()..).unwrap_or(&[]).as_chunks::<{ MODULATED.len() }>().0;
        for (context, weights) in self.contexts.iter().zip(products) {
            changes.iter_mut().zip(weights).for_each(|(change, weight)| *change += context * weight);
        }
        for (feature, change) in MODULATED.into_iter().zip(changes) {
            own[feature] += change;
        }
        let mut scores = PerDesk::default();
        for (group, scores) in scores.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            *scores = self.score(group, &own);
        }
        scores
    }

    /// The scores of a group of desks. Not inlined, lest it be unrolled: the code is as cold as the article.
    #[inline(never)]
    fn score(&self, group: usize, weights: &[f64; DESK_FEATURES.len()]) -> [f64; LANES] {
        let products = self.features(group).into_iter().zip(weights).map(|(feature, weight)| feature * *weight);
        products.fold(f64x4::ZERO, |sum, product| sum + product).to_array()
    }

    /// Each feature and each product of a context and a feature as a feature of its own.
    pub(super) fn vectors(&self) -> DeskVectors {
        std::array::from_fn(|desk| {
            let row = self.features(desk / LANES).map(|lanes| lanes.to_array()[desk % LANES]);
            let products = self.contexts.iter().flat_map(|context| MODULATED.map(|feature| context * row[feature]));
            let mut vector = [0.0; DESK_WEIGHTS];
            vector.iter_mut().zip(row.into_iter().chain(products)).for_each(|(to, value)| *to = value);
            vector
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn changed_weights_score_as_products_do(
            places in proptest::array::uniform10(0.0..9.0_f64),
            about in proptest::array::uniform10(0.0..1.0_f64),
            words in proptest::array::uniform11(0.0..1.0_f32),
            short: bool,
        ) {
            let filled = |desks: [f64; DESKS.len()]| {
                let mut all = PerDesk::default();
                all[..DESKS.len()].copy_from_slice(&desks);
                all
            };
            let [places, about] = [places, about].map(filled);
            let evidence =
                DeskEvidence { places, expected: places, likeliest: about, named: about, regions: about, short };
            let prior = Prior::of(Some(&words));
            let rows = evidence.rows(&prior);
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
