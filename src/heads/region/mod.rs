//! The region head: which countries a story is about, and which desk's it is.
//!
//! [`mention`] weighs each place that was found, [`tally`] adds up, [`rank`] makes each country a
//! vector, one [`Logistic`] model judges it, [`desk`] rolls up what [`evidence`] there is.

pub mod desk;
mod evidence;
pub mod home;
mod linear;
mod math;
mod mention;
mod per_desk;
mod rank;
mod tally;

pub use desk::DeskModel;
pub use evidence::{CONTEXTS, DESK_FEATURES, DESK_WEIGHTS, DeskVectors, MODULATED, desk_prior};
pub use home::HomeModel;
pub use linear::Logistic;
pub use mention::{MENTION_FEATURES, mention_features};
pub use rank::{FEATURES, RANKER_FEATURES, RankedCountry};

use crate::{
    places::PlaceHit,
    prediction::{AbstentionReason, Country, Evidence, PlaceMention, PlaceMentions, RegionResult},
    text::Document,
};
use serde::{Deserialize, Serialize};

/// From this probability on a country is in the answer.
pub const ABOUT: f64 = 0.5;
/// Countries less likely than this are not returned.
const RETURNED: f64 = 0.1;
/// Most countries returned.
const MOST_COUNTRIES: usize = 10;
/// Mentions less likely than this are not listed.
const LISTED: f64 = 0.5;
/// Fewer words than this are too few to judge by.
const FEWEST_WORDS: usize = 2;
/// Contributions returned for each country.
const EVIDENCE: usize = 6;

/// The parameters of the region head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionHead {
    /// Whether a name is a place there, over [`mention_features`].
    pub mention: Logistic,
    /// Whether the story is about a country, over [`RANKER_FEATURES`].
    pub ranker: Logistic,
    /// From countries to desks.
    pub desks: DeskModel,
    /// From desks to the countries that are their homes; bundles made before 2026-11-29 have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub homes: Option<HomeModel>,
    /// A main desk less likely than this is given with the reason "low confidence".
    pub least_desk: f64,
}

/// What was counted on the way to an answer; buffers that are reused.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    /// How likely each hit is a mention of its place.
    pub sure: Vec<f64>,
    /// Each country named, most weighted first.
    pub countries: Vec<RankedCountry>,
    /// The probability of each of them.
    pub about: Vec<f64>,
    /// Probabilities of the ten desks and of none.
    pub desks: [f64; 11],
    evidence: evidence::DeskEvidence,
    memo: mention::Memo,
    tallies: tally::Tallies,
    logs: Vec<rank::Logs>,
    order: Vec<usize>,
}

impl RegionHead {
    /// Checks parameters that came from a file.
    ///
    /// # Errors
    /// When a length or a value is not what this version can use.
    pub fn check(&self) -> Result<(), String> {
        self.mention.check(MENTION_FEATURES, "mention")?;
        self.ranker.check(FEATURES, "ranker")?;
        if !(0.0..=1.0).contains(&self.least_desk) {
            return Err("region head: least_desk is not a probability".to_owned());
        }
        self.homes.as_ref().map_or(Ok(()), HomeModel::check)?;
        self.desks.check()
    }

    /// Everything short of the answer, into `counted`. `desk_prior`: see [`predict`](Self::predict).
    pub fn count(&self, document: &Document, hits: &[PlaceHit], desk_prior: Option<&[f32]>, counted: &mut Counted) {
        let Counted { sure, countries, about, desks, evidence, memo, tallies, logs, .. } = counted;
        mention::sureness(&self.mention, hits, memo, sure);
        *evidence = evidence::DeskEvidence { short: document.tokens().len() < rank::SHORT, ..Default::default() };
        tally::tally(document, hits, sure, tallies, &mut evidence.places, &mut evidence.regions);
        let prior = evidence::Prior::of(desk_prior);
        rank::vectors(document, tallies, &evidence.places, desk_prior.map(|_| &prior.log), logs, countries);
        about.clear();
        about.extend(countries.iter().map(|c| self.ranker.score(&c.features)));
        linear::probabilities(about);
        for (country, about) in countries.iter().zip(about.iter_mut()) {
            // In a sentence or two the name is all there is; in an article the ranker has weighed it beside the rest.
            if evidence.short {
                *about = about.min(country.named);
            }
            evidence.add(country, *about);
        }
        *desks = self.desks.probabilities(evidence, &prior);
        let told = home::Told {
            words: document.tokens().len(),
            desk: 0.0,
            places: !hits.is_empty(),
            article: home::is_article(document),
            countries: countries.as_slice(),
            about: about.as_slice(),
        };
        if let Some((country, likely)) = self.homes.as_ref().and_then(|homes| homes.judge(told, desks)) {
            let named = countries.iter().position(|named| named.country == country);
            match named.and_then(|at| about.get_mut(at)) {
                Some(about) => *about = likely,
                None => {
                    countries.push(RankedCountry::unnamed(country));
                    about.push(likely);
                }
            }
        }
    }

    /// What the model of desks read of the article that was counted last: for training it.
    #[must_use]
    pub fn desk_vectors(&self, counted: &Counted, desk_prior: Option<&[f32]>) -> DeskVectors {
        counted.evidence.rows(&evidence::Prior::of(desk_prior)).vectors()
    }

    /// Answers for one article. `desk_prior` is what its words say: probabilities of the desks in the order of
    /// [`DESKS`](crate::places::countries::DESKS), then of none.
    #[must_use]
    pub fn predict(
        &self,
        document: &Document,
        hits: &[PlaceHit],
        desk_prior: Option<&[f32]>,
        explain: bool,
        counted: &mut Counted,
    ) -> RegionResult {
        self.count(document, hits, desk_prior, counted);
        let best = desk::best(&counted.desks);
        let about = |i: usize| counted.about.get(i).copied().unwrap_or(0.0);
        let order = &mut counted.order;
        order.clear();
        order.extend((0..counted.about.len()).filter(|i| about(*i) >= RETURNED));
        order.sort_unstable_by(|a, b| about(*b).total_cmp(&about(*a)).then(a.cmp(b)));
        order.truncate(MOST_COUNTRIES);
        let countries = order.iter().filter_map(|&i| {
            let info = counted.countries.get(i)?.country.info();
            Some(Country {
                code: info.code,
                name: info.name,
                probability: about(i),
                subregion: info.subregion,
                desk: desk::code(info.desk),
            })
        });
        let countries = countries.collect();
        let certain = counted.desks.get(best).copied().unwrap_or(0.0);
        RegionResult {
            primary_desk: desk::code(best),
            desks: desk::fair(&counted.desks),
            countries,
            mentions: mentions(document, hits, &counted.sure),
            abstained: self.abstention(document, best, certain),
            evidence: if explain { self.evidence(document, hits, counted) } else { Vec::new() },
        }
    }

    fn abstention(&self, document: &Document, best: usize, certain: f64) -> Option<AbstentionReason> {
        if document.tokens().len() < FEWEST_WORDS {
            Some(AbstentionReason::TooShort)
        } else if desk::code(best) == crate::places::countries::NO_DESK {
            Some(AbstentionReason::NoPlace)
        } else {
            (certain < self.least_desk).then_some(AbstentionReason::LowConfidence)
        }
    }

    /// The ranker's largest contributions for each country of the answer.
    fn evidence(&self, document: &Document, hits: &[PlaceHit], counted: &Counted) -> Vec<Evidence> {
        let mut evidence = Vec::new();
        for &i in &counted.order {
            let Some((country, about)) = counted.countries.get(i).zip(counted.about.get(i)) else { continue };
            let Some(hit) = hits.get(country.first_hit).filter(|_| *about >= ABOUT) else { continue };
            let (begin, end) = hit.range(document);
            let products = self.ranker.weights.iter().zip(country.features).map(|(w, x)| w * x);
            let mut parts: Vec<(&str, f64)> = RANKER_FEATURES.into_iter().zip(products).collect();
            parts.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
            evidence.extend(parts.into_iter().take(EVIDENCE).filter(|(_, c)| *c != 0.0).map(|(name, contribution)| {
                Evidence {
                    term: name.to_owned(),
                    span: document.original(begin, end),
                    contribution,
                    label: country.country.code().to_owned(),
                }
            }));
        }
        evidence
    }
}

/// The places that are likely meant, in the order of the text.
fn mentions(document: &Document, hits: &[PlaceHit], sure: &[f64]) -> PlaceMentions {
    let mut mentions = PlaceMentions::with_capacity(hits.len());
    for (hit, sure) in hits.iter().zip(sure) {
        let Some(kind) = hit.kind.place() else { continue };
        if *sure < LISTED {
            continue;
        }
        let (begin, end) = hit.range(document);
        mentions.push(PlaceMention {
            surface: document.text().get(begin..end).unwrap_or(""),
            span: document.original(begin, end),
            country: hit.countries[0].map_or("", |c| c.code()),
            kind,
        });
    }
    mentions
}
