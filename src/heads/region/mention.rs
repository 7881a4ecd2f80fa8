//! How likely a name that was found is a mention of that place: from the words
//! around it, how well known it is, and what else the article names.

use super::{Logistic, linear};
use crate::{
    places::{Context, Cue, HitKind, PlaceHit, countries::COUNTRIES},
    text::hash_pair,
};
use wide::{CmpEq, i32x4};

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
/// Known as a country is.
const MOST_KNOWN: u8 = 9;
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
const _: () = assert!(EXTRAS <= u64::BITS as usize && EXTRA <= u32::BITS as usize);

/// The pair of a person's name and a verb of speech.
const PERSON_SAID: usize = 8;
const _: () =
    assert!(matches!(PAIRS[PERSON_SAID], (Cue::Person, Cue::BeforeSaid)), "the place of the pair has changed");

/// Pairs that are looked for at once.
const LANES: usize = 4;
/// Both cues of each pair; what fills up the last lanes is never found.
const PAIR_BITS: [[i32; LANES]; PAIRS.len().div_ceil(LANES)] = {
    let mut bits = [[-1; LANES]; PAIRS.len().div_ceil(LANES)];
    let mut i = 0;
    while i < PAIRS.len() {
        bits[i / LANES][i % LANES] = 1 << PAIRS[i].0 as u32 | 1 << PAIRS[i].1 as u32;
        i += 1;
    }
    bits
};

/// How often each country is named.
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

    /// How often a hit's country is named by other names.
    fn others(&self, hit: &PlaceHit) -> u32 {
        let total = hit.countries[0].and_then(|c| self.counts.get(c.index())).copied().unwrap_or(0);
        u32::from(total).saturating_sub(hit.same())
    }
}

/// The features of hit `i`.
#[must_use]
pub fn mention_features(hits: &[PlaceHit], i: usize) -> [f64; MENTION_FEATURES] {
    let mut x = [0.0; MENTION_FEATURES];
    if let Some(hit) = hits.get(i) {
        let Read { mut flags, numbers } = read(hit, Support::of(hits).others(hit));
        while flags != 0 {
            if let Some(slot) = x.get_mut(flags.trailing_zeros() as usize) {
                *slot = 1.0;
            }
            flags &= flags - 1;
        }
        for (at, number) in NUMBERS.into_iter().zip(numbers) {
            if let Some(slot) = x.get_mut(at) {
                *slot = number;
            }
        }
    }
    x
}

/// How likely each hit is a mention of its place. `memo` changes nothing but how long it takes.
pub(super) fn sureness(model: &Logistic, hits: &[PlaceHit], memo: &mut Memo, sure: &mut Vec<f64>) {
    let support = Support::of(hits);
    let slots = memo.of(model);
    sure.clear();
    sure.extend(hits.iter().map(|hit| {
        let others = support.others(hit);
        // Beside small places it counts how many there are, else only whether.
        let others = if is_small(hit) { others } else { others.min(1) };
        let key = key(hit, others);
        let Some(slot) = slots.get_mut(Memo::place(key)) else { return judge(model, hit, others) };
        if slot.key != key {
            *slot = Slot { key, sure: judge(model, hit, others) };
        }
        slot.sure
    }));
}

#[inline(never)]
fn judge(model: &Logistic, hit: &PlaceHit, others: u32) -> f64 {
    let Read { mut flags, numbers } = read(hit, others);
    let weight = |at: usize| model.weights.get(at).copied().unwrap_or(0.0);
    let mut score = [model.bias + NUMBERS.into_iter().zip(numbers).map(|(at, x)| weight(at) * x).sum::<f64>()];
    while flags != 0 {
        score[0] += weight(flags.trailing_zeros() as usize);
        flags &= flags - 1;
    }
    linear::probabilities(&mut score);
    score[0]
}

/// All that the features of a hit are made from.
#[inline(always)]
fn key(hit: &PlaceHit, others: u32) -> u64 {
    const KNOWN: u32 = u32::BITS;
    const KIND: u32 = KNOWN + u8::BITS;
    const OTHERS: u32 = KIND + u8::BITS;
    const { assert!(OTHERS + u16::BITS <= u64::BITS, "there is no room for others") };
    u64::from(hit.context.bits())
        | u64::from(hit.known) << KNOWN
        | (hit.kind as u64) << KIND
        | u64::from(others) << OTHERS
}

/// Mentions judged before: in nine of ten a mention is like one of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Memo {
    /// Whose judgements they are.
    model: Option<Logistic>,
    /// Each where its key is placed, over the last that was placed there.
    slots: Vec<Slot>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    key: u64,
    sure: f64,
}

impl Memo {
    const BITS: u32 = 11;
    /// Of no mention: its kind is none.
    const EMPTY: u64 = u64::MAX;

    fn of(&mut self, model: &Logistic) -> &mut [Slot] {
        if !self.model.as_ref().is_some_and(|own| own.is_same(model)) {
            self.model = Some(model.clone());
            self.slots.clear();
            self.slots.resize(1 << Self::BITS, Slot { key: Self::EMPTY, sure: 0.0 });
        }
        &mut self.slots
    }

    fn place(key: u64) -> usize {
        (hash_pair(key, 0) >> (u64::BITS - Self::BITS)) as usize
    }
}

/// Features that are numbers: how well known a place is, and how many others of its country stand beside a small one.
const NUMBERS: [usize; 2] = [EXTRAS, EXTRAS + 2];

/// The features of a hit.
struct Read {
    /// A bit for each that is 1.
    flags: u128,
    /// See [`NUMBERS`].
    numbers: [f64; NUMBERS.len()],
}

fn is_small(hit: &PlaceHit) -> bool {
    hit.kind.is_local() && hit.known <= SMALL
}

#[inline]
fn read(hit: &PlaceHit, others: u32) -> Read {
    let holds = |cue: Cue| hit.context.has(cue);
    // A well-known name does not get doubtful because small places share it.
    let famous = hit.known >= FAMOUS;
    let all = hit.context.bits();
    let cues = all & !(u32::from(famous) << Cue::Ambiguous as u32);
    // Names of peoples, bodies and leaders are as sure as those of countries.
    let kind = if hit.kind.is_local() { hit.kind } else { HitKind::Country };
    let mut pairs = 0_u64;
    for (i, both) in PAIR_BITS.map(i32x4::new).into_iter().enumerate() {
        let found = (both & i32x4::splat(all.cast_signed())).cmp_eq(both);
        pairs |= (found.move_mask() as u64) << (LANES * i);
    }
    // "Washington said": a capital stands for its government.
    pairs &= !(u64::from(hit.kind == HitKind::Capital) << PERSON_SAID);
    let lesser = hit.kind.is_local() && hit.known < 8;
    let mut locals = 0;
    for (i, cue) in [Cue::AfterCapital, Cue::BeforeCapital, Cue::AfterIn, Cue::CommaPlace].into_iter().enumerate() {
        locals |= u64::from(lesser & holds(cue)) << i;
    }
    // Those that are 1, a bit each, set without a branch.
    let low = u64::from(cues) | 1 << (KINDS + kind as usize) | pairs << PAIRED | locals << LOCAL;
    let mut high = 0_u32;
    let mut flag = |at: usize, is: bool| high |= u32::from(is) << at;
    // Small places live by the company of others of their country; countries and capitals do not need it.
    let (local, people) = (hit.kind.is_local(), hit.kind == HitKind::Demonym);
    let small = is_small(hit);
    let alone = others == 0 && (holds(Cue::Person) || holds(Cue::Word));
    flag(1, small);
    flag(3, small && others == 0);
    flag(4, alone && !famous);
    flag(5, alone && famous && hit.kind != HitKind::Capital);
    flag(6, famous);
    // Part of a longer name: a person's, a firm's, a club's.
    let after_name = holds(Cue::AfterCapital) || holds(Cue::AfterGiven) || holds(Cue::AfterStart);
    let before_name = holds(Cue::BeforeSurname) || holds(Cue::BeforeCapital);
    flag(7, !local && holds(Cue::BeforeSurname));
    flag(8, !local && holds(Cue::AfterGiven));
    flag(9, !local && holds(Cue::AfterStart));
    flag(10, !local && holds(Cue::AfterPersonTitle));
    flag(11, local && holds(Cue::BeforeSurname));
    flag(12, local && holds(Cue::AfterStart));
    flag(13, people && holds(Cue::BeforeThing));
    flag(14, holds(Cue::SentenceStart) && before_name && !people);
    flag(15, famous && local && holds(Cue::AfterGiven));
    flag(16, !after_name && !before_name && !hit.context.names_something());
    flag(17, people && after_name);
    flag(18, people && before_name);
    let company = if small && others > 0 { f64::from(others + 1).ln() } else { 0.0 };
    Read {
        flags: u128::from(low) | u128::from(high) << EXTRAS,
        numbers: [f64::from(hit.known) / f64::from(MOST_KNOWN), company],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::places::{DEFAULT_GAZETTEER, Gazetteer};
    use crate::text::Document;

    #[test]
    fn remembers_what_the_weighted_features_say() {
        let model = |shift: f64| {
            let weights = (0..MENTION_FEATURES).map(|i| (i as f64 * 0.7 + shift).sin()).collect();
            Logistic { weights, bias: -0.3 }
        };
        let gazetteer = Gazetteer::parse(DEFAULT_GAZETTEER).unwrap();
        let text = "Paris Hilton flew to Paris, Texas. \"Jordan said so\", Jordan Henderson told the Moscow Times in \
                    Moscow. Men from Luton, Lagos and Chad; Mr Chad of Orange County. Birmingham City lost to Bath.";
        let articles =
            [("Turkey dinners in Georgia", text), ("", text), ("Georgia", "Mr Chad of Bath, Luton and Leeds")];
        let (mut memo, mut sure) = (Memo::default(), Vec::new());
        // Of another model, too, with what is remembered of the first.
        for model in [model(0.0), model(0.0), model(1.0), model(0.0)] {
            for (title, text) in articles {
                let document = Document::new(title, text);
                let places = gazetteer.find(&document, "en");
                sureness(&model, places.hits(), &mut memo, &mut sure);
                assert!(sure.len() > 3);
                for (i, sure) in sure.iter().enumerate() {
                    let plain = model.probability(&mention_features(places.hits(), i));
                    assert!((plain - sure).abs() < 1e-12, "{plain} {sure}");
                }
            }
        }
    }
}
