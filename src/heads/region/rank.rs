//! Each country that an article names, as a dense vector: how often, where, by
//! which kinds of name, beside which others. One model for all countries, so it
//! also judges those that training never saw.

use super::{desk::ALL, math};
use crate::{
    places::{
        Cue, HitKind, PlaceHit,
        countries::{COUNTRIES, CountryId},
    },
    text::Document,
};

/// Names of the features, in the order of the weights. Part of the model format.
pub const RANKER_FEATURES: [&str; 66] = [
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
    "log odds of a true mention",
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
    "beside another place",
    "begins a sentence",
    "before said",
    "only dateline beside others",
    "beside a dateline",
    "subject of the lead",
    "dateline and short",
    "short: relative",
    "short: in title",
    "short: earliness",
    "short: by country name",
    "short: by people",
    "short: by capital",
    "short: by town or division",
    "short: most named",
    "short: only candidate",
    "short: log candidates",
    "short: log odds of a true mention",
    "short: after in",
    "short: after of",
    "short: beside another place",
    "short: log prior of its desk",
];
/// How many there are.
pub const FEATURES: usize = RANKER_FEATURES.len();
/// A title's mention counts as so many of the text.
const TITLE: f64 = 3.0;
/// A dateline's.
const DATELINE: f64 = 0.5;
/// Words of the lead.
const LEAD: f64 = 40.0;
/// Texts of fewer words are short.
pub(super) const SHORT: usize = 60;
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
    /// Probability that one of its mentions is one: a story is not about a place that it does not name.
    pub named: f64,
    /// Index of its first hit.
    pub first_hit: usize,
    /// Whether it is named by its name, its people, a body or a leader.
    pub by_more_than_towns: bool,
}

impl RankedCountry {
    /// Whether a short text names it as the place that it was filed from only, and names others.
    #[must_use]
    pub fn only_filed_from(&self) -> bool {
        let at = RANKER_FEATURES.iter().position(|f| *f == "dateline and short");
        at.and_then(|at| self.features.get(at)).is_some_and(|x| *x > 0.0)
    }
}

/// Counts of one country.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    country: CountryId,
    title: f64,
    text: f64,
    first: f64,
    first_hit: usize,
    lead: f64,
    kinds: [f64; HitKind::COUNT],
    /// Different names.
    names: u32,
    parts: u16,
    /// Probability that none of its mentions is one.
    untrue: f64,
    beside: f64,
    begins: f64,
    said: f64,
    subject: bool,
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
            names: 0,
            parts: 0,
            untrue: 1.0,
            beside: 0.0,
            begins: 0.0,
            said: 0.0,
            subject: false,
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

    /// Counts a hit that is likely with `sure`, halved when two countries share it. `new`: the first of its name.
    fn add(&mut self, document: &Document, hit: &PlaceHit, sure: f64, new: bool) {
        // Where the reporter sat is half a mention.
        let dateline = hit.context.has(Cue::Dateline);
        self.untrue *= 1.0 - sure;
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
        self.names += u32::from(new || self.names == 0);
        self.subject |= !dateline && hit.context.has(Cue::SentenceStart) && at.is_none_or(|at| (at as f64) < LEAD);
        for (sum, cue) in [
            (&mut self.dateline, Cue::Dateline),
            (&mut self.after_in, Cue::AfterIn),
            (&mut self.after_of, Cue::AfterOf),
            (&mut self.possessive, Cue::Possessive),
            (&mut self.beside, Cue::AndPlace),
            (&mut self.begins, Cue::SentenceStart),
            (&mut self.said, Cue::BeforeSaid),
        ] {
            *sum += if hit.context.has(cue) { sure } else { 0.0 };
        }
    }
}

/// Counts the countries named by `hits`, most weighted first, and the weight of each desk: of countries and regions
/// together, and the highest sureness of a region.
pub(super) fn tally(
    document: &Document,
    hits: &[PlaceHit],
    sure: &[f64],
    tallies: &mut Vec<Tally>,
) -> ([f64; 10], [f64; 10]) {
    tallies.clear();
    let mut regions = [0.0_f64; 10];
    // One more than the place of each country in `tallies`.
    let mut places = [0_u16; COUNTRIES];
    let mut desks = [0.0; 10];
    for (i, (hit, &sure)) in hits.iter().zip(sure).enumerate().filter(|(_, (_, sure))| **sure >= FAINT) {
        let shared = if hit.countries[1].is_some() { 0.5 } else { 1.0 };
        for country in hit.countries.iter().flatten() {
            let Some(place) = places.get_mut(country.index()) else { continue };
            if *place == 0 {
                tallies.push(Tally::new(*country, i));
                *place = tallies.len() as u16;
            }
            if let Some(tally) = tallies.get_mut(usize::from(*place) - 1) {
                tally.add(document, hit, sure * shared, hit.is_first(i));
            }
        }
        let weight = if (hit.first_token as usize) < document.title_tokens() { TITLE } else { 1.0 };
        if let Some(desk) = hit.desk.and_then(|d| desks.get_mut(usize::from(d))) {
            *desk += weight * sure;
        }
        if let Some(region) = hit.desk.and_then(|d| regions.get_mut(usize::from(d))) {
            *region = region.max(sure);
        }
    }
    tallies.sort_unstable_by(|a, b| {
        let by_first = a.first_hit.cmp(&b.first_hit).then(a.country.cmp(&b.country));
        b.weight().total_cmp(&a.weight()).then(by_first)
    });
    for tally in tallies.iter() {
        if let Some(desk) = desks.get_mut(tally.country.desk()) {
            *desk += tally.weight();
        }
    }
    (desks, regions)
}

/// The vector of each tally.
pub(super) fn vectors(
    document: &Document,
    tallies: &[Tally],
    desks: &[f64; 10],
    log_priors: Option<&[f64; ALL]>,
    countries: &mut Vec<RankedCountry>,
) {
    let by_first = |a: &&Tally, b: &&Tally| a.first.total_cmp(&b.first);
    let weight = |rank: usize| tallies.get(rank).map_or(0.0, Tally::weight);
    let all = All {
        words: document.tokens().len() as f64,
        count: tallies.len() as f64,
        log_count: (tallies.len() as f64).ln(),
        total: tallies.iter().map(Tally::weight).sum(),
        titles: tallies.iter().map(|t| t.title).sum(),
        most: weight(0),
        second: weight(1),
        first: tallies.iter().min_by(by_first).map(|t| t.country),
        all_desks: desks.iter().sum(),
        dateline: tallies.iter().any(|t| t.dateline > 0.0),
    };
    countries.clear();
    countries.extend(tallies.iter().enumerate().map(|(rank, tally)| vector(tally, rank, &all, desks, log_priors)));
}

/// What all countries of an article share.
struct All {
    words: f64,
    count: f64,
    log_count: f64,
    total: f64,
    titles: f64,
    most: f64,
    second: f64,
    first: Option<CountryId>,
    all_desks: f64,
    dateline: bool,
}

fn vector(t: &Tally, rank: usize, all: &All, desks: &[f64; 10], log_priors: Option<&[f64; ALL]>) -> RankedCountry {
    let is = |condition: bool| f64::from(u8::from(condition));
    let rival = if rank == 0 { all.second } else { all.most };
    let weight = t.weight();
    let share = weight / all.total.max(1e-9);
    let relative = weight / all.most.max(1e-9);
    let mentions = t.title + t.text;
    let short = is(all.words < SHORT as f64);
    let own_desk = desks.get(t.country.desk()).copied().unwrap_or(0.0);
    let named = |kind| is(t.kind(kind) > 0.0);
    let log_prior = log_priors.and_then(|p| p.get(t.country.desk()).copied());
    let only = |kinds: &[HitKind]| is(kinds.iter().map(|k| t.kind(*k)).sum::<f64>() >= mentions - 1e-9);
    // Bounded, so that one sure mention is not outdone by its certainty.
    let true_odds = ((1.0 - t.untrue) / t.untrue.max(1e-6)).max(1e-2);
    let mut logs = [
        true_odds,
        (weight + 0.5) / (rival + 0.5),
        1.0 + t.text,
        1.0 + t.title,
        1.0 + t.lead,
        1.0 + f64::from(t.names),
        1.0 + t.after_in,
        1.0 + t.after_of,
        1.0 + t.possessive,
        1.0 + t.beside,
        1.0 + t.begins,
        1.0 + t.said,
    ];
    math::ln(&mut logs);
    let [true_odds, to_the_next, text, title, lead, names, after_in, after_of, possessive, beside, begins, said] = logs;
    let true_odds = true_odds.min(4.0);
    let only_dateline = t.dateline > 0.0 && mentions <= 1.0;
    let (local, log_prior_or_0) = (t.kind(HitKind::City) + t.kind(HitKind::Subdivision), log_prior.unwrap_or(0.0));
    let features = [
        share,
        relative,
        text,
        title,
        t.title / all.titles.max(1e-9),
        is(t.title > 0.0),
        1.0 - t.first,
        is(t.lead > 0.0 || t.title > 0.0),
        lead,
        names,
        named(HitKind::Country),
        named(HitKind::Demonym),
        named(HitKind::Capital),
        is(local > 0.0),
        named(HitKind::Body),
        named(HitKind::Leader),
        1.0 / (1.0 + rank as f64),
        is(rank == 0),
        1.0 / all.count,
        is(all.count == 1.0),
        is(mentions <= 1.0),
        is(t.dateline > 0.0),
        is(only_dateline),
        only(&[HitKind::Capital]),
        true_odds,
        to_the_next,
        f64::from(t.parts.count_ones()) / PARTS as f64,
        is(t.country.code() == "US"),
        is(t.country.code() == "GB"),
        all.log_count,
        short,
        short * share,
        after_in,
        after_of,
        possessive,
        share * share,
        relative * relative,
        own_desk / all.all_desks.max(1e-9),
        log_prior_or_0,
        is(log_prior.is_none()),
        share / all.count,
        is(t.title > 0.0 && rank == 0),
        only(&[HitKind::Body, HitKind::Leader]),
        is(all.first == Some(t.country)),
        beside,
        begins,
        said,
        is(only_dateline && all.count > 1.0),
        is(t.dateline == 0.0 && all.dateline),
        is(t.subject),
        short * is(only_dateline && all.count > 1.0),
        short * relative,
        short * is(t.title > 0.0),
        short * (1.0 - t.first),
        short * named(HitKind::Country),
        short * named(HitKind::Demonym),
        short * named(HitKind::Capital),
        short * is(local > 0.0),
        short * is(rank == 0),
        short * is(all.count == 1.0),
        short * all.log_count,
        short * true_odds,
        short * after_in,
        short * after_of,
        short * beside,
        short * log_prior_or_0,
    ];
    let firm = [HitKind::Country, HitKind::Demonym, HitKind::Body, HitKind::Leader];
    RankedCountry {
        country: t.country,
        features,
        weight,
        named: 1.0 - t.untrue,
        first_hit: t.first_hit,
        by_more_than_towns: firm.iter().any(|k| t.kind(*k) > 0.0),
    }
}
