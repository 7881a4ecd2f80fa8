//! How likely a name that was found is a mention of that place: from the words
//! around it, how well known it is, and what else the article names.

use super::Logistic;
use crate::places::{Context, Cue, HitKind, PlaceHit, countries::COUNTRIES};

/// Pairs of cues that mean more together.
const PAIRS: [(Cue, Cue); 18] = [
    (Cue::AfterPersonTitle, Cue::BeforeSaid),
    (Cue::AfterGiven, Cue::BeforeSaid),
    (Cue::AfterStart, Cue::BeforeSaid),
    (Cue::LongName, Cue::BeforeClub),
    (Cue::Person, Cue::AfterCapital),
    (Cue::Person, Cue::AfterGiven),
    (Cue::Person, Cue::BeforeCapital),
    (Cue::Person, Cue::AfterIn),
    (Cue::Person, Cue::BeforeSaid),
    (Cue::Given, Cue::BeforeCapital),
    (Cue::Given, Cue::AfterIn),
    (Cue::Word, Cue::AfterIn),
    (Cue::Word, Cue::SentenceStart),
    (Cue::Title, Cue::BeforeCapital),
    (Cue::Title, Cue::AfterCapital),
    (Cue::Title, Cue::Word),
    (Cue::Person, Cue::PersonElsewhere),
    (Cue::Person, Cue::Possessive),
];
const EXTRA: usize = 19;
/// Known as well as a city of a million.
const FAMOUS: u8 = 6;
/// Known no better than a city of 300,000.
const SMALL: u8 = 4;
/// Number of features of a mention.
pub const MENTION_FEATURES: usize = Context::CUES + HitKind::COUNT + PAIRS.len() + 4 + EXTRA;

/// Where the blocks of features begin.
const KINDS: usize = Context::CUES;
const PAIRED: usize = KINDS + HitKind::COUNT;
const LOCAL: usize = PAIRED + PAIRS.len();
const EXTRAS: usize = LOCAL + 4;

/// How often each country is named.
#[derive(Debug, Clone)]
pub(super) struct Support {
    counts: [u32; COUNTRIES],
}

impl Support {
    pub(super) fn of(hits: &[PlaceHit]) -> Self {
        let mut counts = [0; COUNTRIES];
        for country in hits.iter().filter_map(|h| h.countries[0]) {
            if let Some(count) = counts.get_mut(country.index()) {
                *count += 1;
            }
        }
        Self { counts }
    }

    /// How often a hit's country is named by other names.
    fn others(&self, hit: &PlaceHit) -> u32 {
        let total = hit.countries[0].and_then(|c| self.counts.get(c.index())).copied().unwrap_or(0);
        total.saturating_sub(hit.same())
    }
}

/// The features of hit `i`.
#[must_use]
pub fn mention_features(hits: &[PlaceHit], i: usize) -> [f64; MENTION_FEATURES] {
    let mut x = [0.0; MENTION_FEATURES];
    if let Some(hit) = hits.get(i) {
        visit(hit, &Support::of(hits), |at, value| {
            if let Some(slot) = x.get_mut(at) {
                *slot = value;
            }
        });
    }
    x
}

/// How likely each hit is a mention of its place.
pub(super) fn sureness(model: &Logistic, hits: &[PlaceHit], sure: &mut Vec<f64>) {
    let support = Support::of(hits);
    sure.clear();
    sure.extend(hits.iter().map(|hit| {
        let mut score = model.bias;
        visit(hit, &support, |at, value| score += model.weights.get(at).copied().unwrap_or(0.0) * value);
        1.0 / (1.0 + (-score).exp())
    }));
}

/// Calls `add` with the place and value of each feature that is not 0.
#[inline]
fn visit(hit: &PlaceHit, support: &Support, mut add: impl FnMut(usize, f64)) {
    let holds = |cue: Cue| hit.context.has(cue);
    // A well-known name does not get doubtful because small places share it.
    let famous = hit.known >= FAMOUS;
    let mut cues = hit.context.bits();
    if famous {
        cues &= !(1 << Cue::Ambiguous as u32);
    }
    while cues != 0 {
        add(cues.trailing_zeros() as usize, 1.0);
        cues &= cues - 1;
    }
    // Names of peoples, bodies and leaders are as sure as those of countries.
    let kind = if hit.kind.is_local() { hit.kind } else { HitKind::Country };
    add(KINDS + kind as usize, 1.0);
    for (i, (a, b)) in PAIRS.into_iter().enumerate() {
        let metonym = a == Cue::Person && b == Cue::BeforeSaid && hit.kind == HitKind::Capital;
        if holds(a) && holds(b) && !metonym {
            add(PAIRED + i, 1.0);
        }
    }
    let mut flag = |at: usize, is: bool| {
        if is {
            add(at, 1.0);
        }
    };
    if hit.kind.is_local() && hit.known < 8 {
        for (i, cue) in [Cue::AfterCapital, Cue::BeforeCapital, Cue::AfterIn, Cue::CommaPlace].into_iter().enumerate() {
            flag(LOCAL + i, holds(cue));
        }
    }
    // Small places live by the company of others of their country; countries and capitals do not need it.
    let (local, people) = (hit.kind.is_local(), hit.kind == HitKind::Demonym);
    let small = local && hit.known <= SMALL;
    let others = support.others(hit);
    let alone = others == 0 && (holds(Cue::Person) || holds(Cue::Word));
    flag(EXTRAS + 1, small);
    flag(EXTRAS + 3, small && others == 0);
    flag(EXTRAS + 4, alone && !famous);
    flag(EXTRAS + 5, alone && famous && hit.kind != HitKind::Capital);
    flag(EXTRAS + 6, famous);
    // Part of a longer name: a person's, a firm's, a club's.
    let after_name = holds(Cue::AfterCapital) || holds(Cue::AfterGiven) || holds(Cue::AfterStart);
    let before_name = holds(Cue::BeforeSurname) || holds(Cue::BeforeCapital);
    flag(EXTRAS + 7, !local && holds(Cue::BeforeSurname));
    flag(EXTRAS + 8, !local && holds(Cue::AfterGiven));
    flag(EXTRAS + 9, !local && holds(Cue::AfterStart));
    flag(EXTRAS + 10, !local && holds(Cue::AfterPersonTitle));
    flag(EXTRAS + 11, local && holds(Cue::BeforeSurname));
    flag(EXTRAS + 12, local && holds(Cue::AfterStart));
    flag(EXTRAS + 13, people && holds(Cue::BeforeThing));
    flag(EXTRAS + 14, holds(Cue::SentenceStart) && before_name && !people);
    flag(EXTRAS + 15, famous && local && holds(Cue::AfterGiven));
    flag(EXTRAS + 16, !after_name && !before_name && !hit.context.names_something());
    flag(EXTRAS + 17, people && after_name);
    flag(EXTRAS + 18, people && before_name);
    add(EXTRAS, f64::from(hit.known) / 9.0);
    if small && others > 0 {
        add(EXTRAS + 2, f64::from(others + 1).ln());
    }
}
