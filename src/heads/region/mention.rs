//! How likely a name that was found is a mention of that place: from the words
//! around it, how well known it is, and what else the article names.

use crate::places::{Context, Cue, HitKind, PlaceHit, countries::COUNTRIES};

/// Pairs of cues that mean more together.
const PAIRS: [(Cue, Cue); 14] = [
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
const EXTRA: usize = 7;
/// Known as well as a city of a million.
const FAMOUS: u8 = 6;
/// Known no better than a city of 300,000.
const SMALL: u8 = 4;
/// Number of features of a mention.
pub const MENTION_FEATURES: usize = Context::CUES + HitKind::COUNT + PAIRS.len() + 4 + EXTRA;

/// What other mentions say for a country.
#[derive(Debug, Clone)]
pub(super) struct Support {
    counts: [u16; COUNTRIES],
}

impl Support {
    pub(super) fn of(hits: &[PlaceHit]) -> Self {
        let mut counts = [0_u16; COUNTRIES];
        for country in hits.iter().filter_map(|h| h.countries[0]) {
            if let Some(count) = counts.get_mut(country.index()) {
                *count = count.saturating_add(1);
            }
        }
        Self { counts }
    }
}

/// The features of hit `i`.
#[must_use]
pub fn mention_features(hits: &[PlaceHit], i: usize) -> [f64; MENTION_FEATURES] {
    features(hits, i, &Support::of(hits))
}

pub(super) fn features(hits: &[PlaceHit], i: usize, support: &Support) -> [f64; MENTION_FEATURES] {
    let mut x = [0.0; MENTION_FEATURES];
    let Some(hit) = hits.get(i) else { return x };
    let mut at = 0;
    let mut push = |value: f64| {
        if let Some(slot) = x.get_mut(at) {
            *slot = value;
        }
        at += 1;
    };
    let holds = |cue: Cue| hit.context.has(cue);
    // A well-known name does not get doubtful because small places share it.
    let famous = hit.known >= FAMOUS;
    for cue in 0..Context::CUES {
        push(f64::from(u8::from(hit.context.holds(cue) && !(famous && cue == Cue::Ambiguous as usize))));
    }
    // Names of peoples, bodies and leaders are as sure as those of countries.
    let kind = if hit.kind.is_local() { hit.kind } else { HitKind::Country };
    for k in 0..HitKind::COUNT {
        push(f64::from(u8::from(k == kind as usize)));
    }
    for (a, b) in PAIRS {
        let metonym = b == Cue::BeforeSaid && hit.kind == HitKind::Capital;
        push(f64::from(u8::from(holds(a) && holds(b) && !metonym)));
    }
    let local = hit.kind.is_local() && hit.known < 8;
    for cue in [Cue::AfterCapital, Cue::BeforeCapital, Cue::AfterIn, Cue::CommaPlace] {
        push(f64::from(u8::from(local && holds(cue))));
    }
    // Small places live by the company of others of their country; countries and capitals do not need it.
    let small = f64::from(u8::from(hit.kind.is_local() && hit.known <= SMALL));
    let same_name = hits.iter().filter(|h| h.same_name(hit)).count() as f64;
    let total = hit.countries[0].and_then(|c| support.counts.get(c.index())).copied().unwrap_or(0);
    let others = (f64::from(total) - same_name).max(0.0);
    push(f64::from(hit.known) / 9.0);
    push(small);
    push(small * others.ln_1p());
    push(small * f64::from(u8::from(others == 0.0)));
    let alone = others == 0.0 && (holds(Cue::Person) || holds(Cue::Word));
    push(f64::from(u8::from(alone && !famous)));
    push(f64::from(u8::from(alone && famous && hit.kind != HitKind::Capital)));
    push(f64::from(u8::from(famous)));
    x
}
