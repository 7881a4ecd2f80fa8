//! Each country that an article names, as a dense vector: how often, where, by
//! which kinds of name, beside which others. One model for all countries, so it
//! also judges those that training never saw.

use super::mention::Support;
use crate::{
    places::{Cue, HitKind, PlaceHit, countries::CountryId},
    text::Document,
};

/// Names of the features, in the order of the weights. Part of the model format.
pub const RANKER_FEATURES: [&str; 44] = [
    "share",
    "share of the most named",
    "log mentions in text",
    "log mentions in title",
    "share of title",
    "in title",
    "earliness",
    "in the lead",
    "log mentions in lead",
    "log distinct names",
    "by country name",
    "by people",
    "by capital",
    "by town or division",
    "by body",
    "by leader",
    "reciprocal rank",
    "most named",
    "reciprocal candidates",
    "only candidate",
    "single mention",
    "dateline",
    "only dateline",
    "only by capital",
    "surest mention",
    "log odds to the next",
    "spread",
    "is US",
    "is GB",
    "log candidates",
    "short text",
    "short text and share",
    "after in",
    "after of",
    "possessive",
    "share squared",
    "most named squared",
    "share of its desk",
    "log prior of its desk",
    "no prior",
    "share and candidates",
    "in title and most named",
    "only by body or leader",
    "first named",
];
/// How many there are.
pub const FEATURES: usize = RANKER_FEATURES.len();
/// A title's mention counts as so many of the text.
const TITLE: f64 = 3.0;
/// A dateline's.
const DATELINE: f64 = 0.5;
/// Words of the lead.
const LEAD: f64 = 40.0;
/// Parts of a text for its spread.
const PARTS: usize = 10;
/// Mentions less likely than this count nothing.
pub(super) const FAINT: f64 = 0.25;

/// A country that may be what the story is about.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedCountry {
    /// The country.
    pub country: CountryId,
    /// See [`RANKER_FEATURES`].
    pub features: [f64; FEATURES],
    /// Weighted mentions.
    pub weight: f64,
    /// Index of its first hit.
    pub first_hit: usize,
}

/// Counts of one country.
#[derive(Debug, Clone)]
struct Tally {
    country: CountryId,
    title: f64,
    text: f64,
    first: f64,
    first_hit: usize,
    lead: f64,
    kinds: [f64; HitKind::COUNT],
    names: Vec<PlaceHit>,
    parts: u16,
    surest: f64,
    dateline: f64,
    after_in: f64,
    after_of: f64,
    possessive: f64,
}

impl Tally {
    fn new(country: CountryId, first_hit: usize) -> Self {
        Self {
            country,
            title: 0.0,
            text: 0.0,
            first: 1.0,
            first_hit,
            lead: 0.0,
            kinds: [0.0; HitKind::COUNT],
            names: Vec::new(),
            parts: 0,
            surest: 0.0,
            dateline: 0.0,
            after_in: 0.0,
            after_of: 0.0,
            possessive: 0.0,
        }
    }

    fn weight(&self) -> f64 {
        TITLE * self.title + self.text
    }

    fn kind(&self, kind: HitKind) -> f64 {
        self.kinds.get(kind as usize).copied().unwrap_or(0.0)
    }

    /// Counts a hit that is likely with `sure`, halved when two countries share it.
    fn add(&mut self, document: &Document, hit: &PlaceHit, sure: f64) {
        // Where the reporter sat is half a mention.
        let dateline = hit.context.has(Cue::Dateline);
        let sure = if dateline { sure * DATELINE } else { sure };
        let titles = document.title_tokens();
        let words = (document.tokens().len() - titles).max(1) as f64;
        let at = (hit.first_token as usize).checked_sub(titles);
        match at {
            None => {
                self.title += sure;
                self.first = 0.0;
            }
            Some(at) => {
                let position = at as f64 / words;
                self.text += sure;
                if !dateline {
                    self.first = self.first.min(position);
                    self.lead += if (at as f64) < LEAD { sure } else { 0.0 };
                }
                self.parts |= 1 << ((position * PARTS as f64) as usize).min(PARTS - 1);
            }
        }
        if let Some(kind) = self.kinds.get_mut(hit.kind as usize) {
            *kind += sure;
        }
        if !self.names.iter().any(|n| n.same_name(hit)) {
            self.names.push(*hit);
        }
        self.surest = self.surest.max(sure);
        for (sum, cue) in [
            (&mut self.dateline, Cue::Dateline),
            (&mut self.after_in, Cue::AfterIn),
            (&mut self.after_of, Cue::AfterOf),
            (&mut self.possessive, Cue::Possessive),
        ] {
            *sum += if hit.context.has(cue) { sure } else { 0.0 };
        }
    }
}

/// The countries named by `hits`, most weighted first, and the weight of each
/// desk (countries and regions together).
pub(super) fn candidates(
    document: &Document,
    hits: &[PlaceHit],
    sure: &[f64],
    prior: Option<&[f32]>,
) -> (Vec<RankedCountry>, [f64; 10]) {
    let mut tallies: Vec<Tally> = Vec::new();
    let mut desks = [0.0; 10];
    for (i, (hit, &sure)) in hits.iter().zip(sure).enumerate().filter(|(_, (_, sure))| **sure >= FAINT) {
        let shared = if hit.countries[1].is_some() { 0.5 } else { 1.0 };
        for country in hit.countries.iter().flatten() {
            let tally = match tallies.iter_mut().position(|t| t.country == *country) {
                Some(at) => tallies.get_mut(at),
                None => {
                    tallies.push(Tally::new(*country, i));
                    tallies.last_mut()
                }
            };
            if let Some(tally) = tally {
                tally.add(document, hit, sure * shared);
            }
        }
        let weight = if (hit.first_token as usize) < document.title_tokens() { TITLE } else { 1.0 };
        if let Some(desk) = hit.desk.and_then(|d| desks.get_mut(usize::from(d))) {
            *desk += weight * sure;
        }
    }
    tallies.sort_by(|a, b| b.weight().total_cmp(&a.weight()).then(a.first_hit.cmp(&b.first_hit)));
    for tally in &tallies {
        if let Some(desk) = desks.get_mut(tally.country.desk()) {
            *desk += tally.weight();
        }
    }
    let ranked = (0..tallies.len()).filter_map(|rank| rank_one(document, &tallies, rank, &desks, prior)).collect();
    (ranked, desks)
}

fn rank_one(
    document: &Document,
    tallies: &[Tally],
    rank: usize,
    desks: &[f64; 10],
    prior: Option<&[f32]>,
) -> Option<RankedCountry> {
    let t = tallies.get(rank)?;
    let is = |condition: bool| f64::from(u8::from(condition));
    let total: f64 = tallies.iter().map(Tally::weight).sum();
    let most = tallies.first().map_or(1.0, Tally::weight);
    let titles: f64 = tallies.iter().map(|t| t.title).sum();
    let rival = tallies.iter().enumerate().filter(|(i, _)| *i != rank).map(|(_, t)| t.weight()).fold(0.0, f64::max);
    let first = tallies.iter().min_by(|a, b| a.first.total_cmp(&b.first)).map(|t| t.country);
    let weight = t.weight();
    let share = weight / total.max(1e-9);
    let relative = weight / most.max(1e-9);
    let count = tallies.len() as f64;
    let mentions = t.title + t.text;
    let words = document.tokens().len() as f64;
    let short = is(words < 60.0);
    let all_desks: f64 = desks.iter().sum();
    let own_desk = desks.get(t.country.desk()).copied().unwrap_or(0.0);
    let named = |kind| is(t.kind(kind) > 0.0);
    let log_prior = prior.and_then(|p| p.get(t.country.desk())).map(|p| f64::from(p.max(1e-4)).ln());
    let only = |kinds: &[HitKind]| is(kinds.iter().map(|k| t.kind(*k)).sum::<f64>() >= mentions - 1e-9);
    let features = [
        share,
        relative,
        t.text.ln_1p(),
        t.title.ln_1p(),
        t.title / titles.max(1e-9),
        is(t.title > 0.0),
        1.0 - t.first,
        is(t.lead > 0.0 || t.title > 0.0),
        t.lead.ln_1p(),
        (t.names.len() as f64).ln_1p(),
        named(HitKind::Country),
        named(HitKind::Demonym),
        named(HitKind::Capital),
        is(t.kind(HitKind::City) + t.kind(HitKind::Subdivision) > 0.0),
        named(HitKind::Body),
        named(HitKind::Leader),
        1.0 / (1.0 + rank as f64),
        is(rank == 0),
        1.0 / count,
        is(tallies.len() == 1),
        is(mentions <= 1.0),
        is(t.dateline > 0.0),
        is(t.dateline > 0.0 && mentions <= 1.0),
        only(&[HitKind::Capital]),
        t.surest,
        ((weight + 0.5) / (rival + 0.5)).ln(),
        f64::from(t.parts.count_ones()) / PARTS as f64,
        is(t.country.code() == "US"),
        is(t.country.code() == "GB"),
        count.ln(),
        short,
        short * share,
        t.after_in.ln_1p(),
        t.after_of.ln_1p(),
        t.possessive.ln_1p(),
        share * share,
        relative * relative,
        own_desk / all_desks.max(1e-9),
        log_prior.unwrap_or(0.0),
        is(log_prior.is_none()),
        share / count,
        is(t.title > 0.0 && rank == 0),
        only(&[HitKind::Body, HitKind::Leader]),
        is(first == Some(t.country)),
    ];
    Some(RankedCountry { country: t.country, features, weight, first_hit: t.first_hit })
}

/// How likely each hit is a mention of its place.
pub(super) fn sureness(model: &super::Logistic, hits: &[PlaceHit]) -> Vec<f64> {
    let support = Support::of(hits);
    (0..hits.len()).map(|i| model.probability(&super::mention::features(hits, i, &support))).collect()
}
