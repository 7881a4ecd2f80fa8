//! Which of its candidates an ambiguous name means: what stands beside it
//! ("Paris, Texas"), what else the article names, how well known each is.

use super::{
    context::{self, Cue},
    countries::{COUNTRIES, CountryId},
    entry::{Candidate, HitKind, Place, flag},
    gazetteer::Gazetteer,
    hit::PlaceHit,
};
use crate::text::{Document, hash_pair};

/// How much the logarithm of the support by other names counts against one step of [`Candidate::known`].
const WEIGHT: f32 = 1.5;
/// Support by a country's name or people (or what else stands for it), by a town in it, and by a division; by kind.
const SUPPORT: [f32; HitKind::COUNT] = {
    let mut support = [0.8; HitKind::COUNT];
    (support[HitKind::Capital as usize], support[HitKind::City as usize]) = (1.5, 1.5);
    support[HitKind::Subdivision as usize] = 4.0;
    support
};
/// "Fulton County, Georgia": divisions stand behind a comma more often than countries.
const AFTER_COMMA: f32 = 1.2;
/// A division or country right behind a comma settles it.
const BESIDE: f32 = 100.0;

/// Settles every hit and drops those that are no places. `names` is a buffer.
pub(super) fn resolve(gazetteer: &Gazetteer, document: &Document, hits: &mut Vec<PlaceHit>, names: &mut Vec<u32>) {
    let mut support = [0.0_f32; COUNTRIES];
    for hit in hits.iter_mut() {
        hit.context.set(Cue::Ambiguous, hit.many > 1);
        let sure = (hit.known >= 5) | hit.context.has(Cue::AfterIn);
        // Without a branch: which kind comes next cannot be foreseen. The last place is no country's.
        let at = hit.countries[0].map_or(COUNTRIES - 1, CountryId::index);
        support[at] += f32::from(u8::from(sure)) * SUPPORT[hit.kind as usize];
    }
    for i in (0..hits.len()).rev() {
        let beside = beside(document, hits, i);
        // Those of one candidate are what it is, unless the next name says otherwise.
        if beside.is_none() && hits.get(i).is_none_or(|h| h.many == 1) {
            continue;
        }
        let after_comma = after_comma(document, hits, i);
        let Some(hit) = hits.get_mut(i) else { continue };
        settle(candidates(gazetteer, hit), hit, &support, beside, after_comma);
    }
    mark_neighbours(document, hits);
    hits.retain(|h| h.kind != HitKind::Null && h.kind != HitKind::Given && !lonely(h));
    mark_same(hits, names);
    mark_persons(hits, names);
    mark_dateline(document, hits);
}

/// Tells which hits have the same name for the same country.
fn mark_same(hits: &mut [PlaceHit], names: &mut Vec<u32>) {
    // Open addressing; a slot holds the index of the first hit of its name. Mostly empty, and a hit that is the first of
    // its name goes the same way as the others: which it is cannot be foreseen.
    let slots = (8 * hits.len()).next_power_of_two();
    names.clear();
    names.resize(slots, u32::MAX);
    for i in 0..hits.len() {
        let Some(&PlaceHit { name, countries: [country, _], .. }) = hits.get(i) else { return };
        let mut at = (hash_pair(u64::from(name), country.map_or(u64::MAX, |c| c.index() as u64)) >> 32) as usize;
        let first = loop {
            let Some(slot) = names.get_mut(at & (slots - 1)) else { return };
            let first = (*slot).min(i as u32);
            let Some(hit) = hits.get_mut(first as usize) else { return };
            if (hit.name == name) & (hit.countries[0] == country) {
                *slot = first;
                hit.same += u32::from(first != i as u32);
                break first;
            }
            at += 1;
        };
        if let Some(hit) = hits.get_mut(i) {
            hit.first_same = first;
        }
    }
    for i in 0..hits.len() {
        let same = hits.get(i).and_then(|h| hits.get(h.first_same as usize)).map_or(1, |f| f.same);
        if let Some(hit) = hits.get_mut(i) {
            hit.same = same;
        }
    }
}

/// Marks names that are a person's elsewhere in the article. `counts` is a buffer.
fn mark_persons(hits: &mut [PlaceHit], counts: &mut Vec<u32>) {
    let person = |hit: &PlaceHit| {
        let context = hit.context;
        u32::from(
            (context.has(Cue::AfterGiven) || context.has(Cue::AfterPersonTitle))
                && (context.has(Cue::Person) || hit.kind.is_local()),
        )
    };
    if !hits.iter().any(|hit| person(hit) != 0) {
        return;
    }
    counts.clear();
    counts.resize(hits.len(), 0);
    for hit in hits.iter() {
        if let Some(count) = counts.get_mut(hit.first_same as usize) {
            *count += person(hit);
        }
    }
    for hit in hits.iter_mut() {
        let persons = counts.get(hit.first_same as usize).copied().unwrap_or(0);
        hit.context.set(Cue::PersonElsewhere, persons > person(hit));
    }
}

/// A name that needs another place beside it and has none.
fn lonely(hit: &PlaceHit) -> bool {
    hit.flags & flag::BESIDE != 0 && !hit.context.has(Cue::CommaPlace)
}

fn candidates<'a>(gazetteer: &'a Gazetteer, hit: &PlaceHit) -> &'a [Candidate] {
    gazetteer.entries.get(hit.entry as usize).map_or(&[], |e| gazetteer.candidates(e))
}

/// Whether a comma and before it a capitalised word stand before hit `i`.
fn after_comma(document: &Document, hits: &[PlaceHit], i: usize) -> bool {
    let tokens = document.tokens();
    let at = hits.get(i).map_or(0, |h| h.first_token as usize);
    let before = at.checked_sub(1).and_then(|b| tokens.get(b));
    context::gap(document, before, tokens.get(at)) == b", "
        && before.is_some_and(|b| context::starts_upper(document.surface(b)))
}

/// The country that a name right behind hit `i` and a comma (or in brackets) speaks for.
fn beside(document: &Document, hits: &[PlaceHit], i: usize) -> Option<(CountryId, HitKind)> {
    let (hit, next) = (hits.get(i)?, hits.get(i + 1)?);
    if hit.last_token != next.first_token {
        return None;
    }
    let tokens = document.tokens();
    let left = tokens.get((hit.last_token as usize).checked_sub(1)?);
    let gap = context::gap(document, left, tokens.get(next.first_token as usize));
    let close = matches!(gap, b", " | b" (" | b"," | b" ");
    let wider = matches!(next.kind, HitKind::Subdivision | HitKind::Country) && hit.kind.is_local_or_country();
    // "Ireland, Scotland and Wales" is a list.
    let list = hits.get(i + 2).is_some_and(|h| h.first_token <= next.last_token + 1);
    let wider = wider && !(list && hit.kind == HitKind::Country);
    Some((next.countries[0].filter(|_| close && wider)?, next.kind))
}

impl HitKind {
    fn is_local_or_country(self) -> bool {
        self.is_local() || self == Self::Country
    }
}

/// Takes the candidate that knowledge and context speak for most.
fn settle(
    candidates: &[Candidate],
    hit: &mut PlaceHit,
    support: &[f32; COUNTRIES],
    beside: Option<(CountryId, HitKind)>,
    after_comma: bool,
) {
    let score = |c: &Candidate| {
        let Place::Country(country) = c.place else { return f32::from(c.known) };
        let near = beside.is_some_and(|(b, _)| b == country);
        let support = support.get(country.index()).copied().unwrap_or(0.0);
        let division = if after_comma && c.kind == HitKind::Subdivision { AFTER_COMMA } else { 0.0 };
        let support = if support > 0.0 { support.ln_1p() } else { 0.0 };
        f32::from(c.known) + WEIGHT * support + division + if near { BESIDE } else { 0.0 }
    };
    let mut ranked = [None, None];
    for candidate in candidates {
        let item = Some((score(candidate), candidate));
        let better = |other: Option<(f32, &Candidate)>| other.is_none_or(|(s, _)| item.is_some_and(|(new, _)| new > s));
        if better(ranked[0]) {
            ranked = [item, ranked[0]];
        } else if better(ranked[1]) {
            ranked[1] = item;
        }
    }
    let Some((top, best)) = ranked[0] else { return };
    hit.take(best);
    if let Some((second, Candidate { place: Place::Country(country), kind, .. })) = ranked[1]
        && top - second < 0.01
        && *kind == best.kind
        && hit.known >= 8
    {
        hit.countries[1] = Some(*country);
    }
    // A namesake that the gazetteer does not know: "Moscow, Idaho", "Peru, Indiana".
    if let Some((country, HitKind::Subdivision)) = beside
        && top < BESIDE
        && matches!(hit.kind, HitKind::City | HitKind::Capital | HitKind::Country)
    {
        hit.kind = HitKind::City;
        hit.countries = [Some(country), None];
    }
}

fn mark_neighbours(document: &Document, hits: &mut [PlaceHit]) {
    let tokens = document.tokens();
    for i in 1..hits.len() {
        let Some([left, right]) = hits.get_mut(i - 1..=i) else { return };
        if left.last_token + 1 == right.first_token {
            let between = tokens.get(left.last_token as usize).map_or("", |t| document.surface(t));
            if matches!(between, "and" | "or" | "&") && left.kind != HitKind::Null && right.kind != HitKind::Null {
                left.context.set(Cue::AndPlace, true);
                right.context.set(Cue::AndPlace, true);
            }
        }
        if left.last_token != right.first_token {
            continue;
        }
        let last = (left.last_token as usize).checked_sub(1).and_then(|t| tokens.get(t));
        match context::gap(document, last, tokens.get(right.first_token as usize)) {
            b", " | b" (" => {
                left.context.set(Cue::CommaPlace, true);
                right.context.set(Cue::CommaPlace, true);
            }
            b" " if left.kind != HitKind::Null && right.kind != HitKind::Null => {
                left.context.set(Cue::TouchesPlace, true);
                right.context.set(Cue::TouchesPlace, true);
            }
            _ => {}
        }
    }
}

/// "BEIRUT (Reuters) - ", "LONDON, Feb 26 - ", "Paris \u{2014} ".
fn mark_dateline(document: &Document, hits: &mut [PlaceHit]) {
    const WORDS: usize = 12;
    let tokens = document.tokens();
    let start = document.title_tokens();
    let Some(hit) = hits.iter_mut().find(|h| h.first_token as usize >= start) else { return };
    let capitals = hit.context.has(Cue::Capitals);
    if hit.first_token as usize != start || !(hit.kind.is_local() || hit.kind == HitKind::Country) {
        return;
    }
    let Some(begin) = (hit.last_token as usize).checked_sub(1).and_then(|t| tokens.get(t)) else { return };
    let end = tokens.get(start + WORDS).or(tokens.last()).map_or(0, |t| t.end as usize);
    let lead = document.text().get(begin.end as usize..end).unwrap_or("");
    // Seldom true, so it is asked first.
    let opens = capitals || lead.trim_start().starts_with(['(', '-', '\u{2014}', '\u{2013}', ',']);
    if opens {
        hit.context.set(Cue::Dateline, holds_dash(lead.as_bytes()));
    }
}

/// Whether the first paragraph holds a dash that parts a dateline from the story.
fn holds_dash(lead: &[u8]) -> bool {
    let paragraph = (0..lead.len()).take_while(|&at| !lead.get(at..).is_some_and(|rest| rest.starts_with(b"\n\n")));
    paragraph.into_iter().any(|at| {
        let (before, behind) = lead.split_at(at);
        let begins = |mark: &str| behind.starts_with(mark.as_bytes());
        let spaced = before.ends_with(b" ");
        match behind.first() {
            Some(b'-') => spaced && (begins("- ") || begins("-- ")) || before.ends_with(b") "),
            Some(0xe2) => begins("\u{2014}") || spaced && begins("\u{2013} "),
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_a_dash_as_the_plain_way_does(lead in "([a-z)\u{e9}]|[ -]|\u{2014}|\u{2013}|\n){0,12}") {
            let dashes = [" - ", " -- ", "\u{2014}", " \u{2013} ", ") -"];
            let plain = lead.split("\n\n").next().is_some_and(|lead| dashes.iter().any(|dash| lead.contains(dash)));
            prop_assert_eq!(holds_dash(lead.as_bytes()), plain);
        }
    }
}
