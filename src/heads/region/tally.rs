//! What an article's mentions say of each country that it names, added up.

use super::per_desk::PerDesk;
use crate::{
    places::{
        Cue, HitKind, PlaceHit,
        countries::{COUNTRIES, CountryId},
    },
    text::Document,
};

/// A title's mention counts as so many of the text.
const TITLE: f64 = 3.0;
/// A dateline's.
const DATELINE: f64 = 0.5;
/// Words of the lead.
const LEAD: f64 = 40.0;
/// Parts of a text for its spread.
pub(super) const PARTS: usize = 10;
/// Mentions less likely than this count nothing.
const FAINT: f64 = 0.25;

/// Counts of one country.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    pub(super) country: CountryId,
    pub(super) title: f64,
    pub(super) text: f64,
    pub(super) first: f64,
    pub(super) first_hit: usize,
    pub(super) lead: f64,
    kinds: [f64; HitKind::COUNT],
    /// Different names.
    pub(super) names: u32,
    pub(super) parts: u16,
    /// Probability that none of its mentions is one.
    pub(super) untrue: f64,
    pub(super) beside: f64,
    pub(super) begins: f64,
    pub(super) said: f64,
    pub(super) subject: bool,
    pub(super) dateline: f64,
    pub(super) after_in: f64,
    pub(super) after_of: f64,
    pub(super) possessive: f64,
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

    pub(super) fn weight(&self) -> f64 {
        TITLE * self.title + self.text
    }

    pub(super) fn kind(&self, kind: HitKind) -> f64 {
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

/// The counts of all countries that an article names, in buffers that are reused.
#[derive(Debug, Clone, Default)]
pub(super) struct Tallies {
    /// In the order of their first mention.
    all: Vec<Tally>,
    /// Their places in it, the most weighted first.
    order: Vec<u16>,
}

impl Tallies {
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// The most weighted first.
    pub(super) fn ranked(&self) -> impl Iterator<Item = &Tally> {
        self.order.iter().map(|&at| &self.all[usize::from(at)])
    }

    fn rank(&mut self) {
        let Self { all, order } = self;
        order.clear();
        order.extend(0..all.len() as u16);
        order.sort_unstable_by(|&a, &b| {
            let (x, y) = (&all[usize::from(a)], &all[usize::from(b)]);
            let by_first = x.first_hit.cmp(&y.first_hit).then(x.country.cmp(&y.country));
            y.weight().total_cmp(&x.weight()).then(by_first)
        });
    }
}

/// Counts the countries named by `hits`, and adds the weight of each desk, of countries and regions together, to `desks`,
/// and the highest sureness of a region to `regions`.
pub(super) fn tally(
    document: &Document,
    hits: &[PlaceHit],
    sure: &[f64],
    tallies: &mut Tallies,
    desks: &mut PerDesk,
    regions: &mut PerDesk,
) {
    tallies.all.clear();
    // One more than the place of each country in the list.
    let mut places = [0_u16; COUNTRIES];
    for (i, (hit, &sure)) in hits.iter().zip(sure).enumerate().filter(|(_, (_, sure))| **sure >= FAINT) {
        let shared = if hit.countries[1].is_some() { 0.5 } else { 1.0 };
        for country in hit.countries.iter().flatten() {
            let Some(place) = places.get_mut(country.index()) else { continue };
            if *place == 0 {
                tallies.all.push(Tally::new(*country, i));
                *place = tallies.all.len() as u16;
            }
            if let Some(tally) = tallies.all.get_mut(usize::from(*place) - 1) {
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
    for tally in &tallies.all {
        desks[tally.country.desk()] += tally.weight();
    }
    tallies.rank();
}
