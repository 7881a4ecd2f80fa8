//! Sentences of our own with drawn names: what the collected articles hardly
//! show, a name that is a person's, a paper's or a club's, or two countries in
//! one line. See `data/region/templates.tsv`.

use crate::places::{DEFAULT_GAZETTEER, countries::CountryId};
use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{RngCore, SeedableRng},
};
use std::collections::BTreeMap;

const TEMPLATES: &str = include_str!("../../../data/region/templates.tsv");
/// Sentences made of each template.
const DRAWS: usize = 25;
/// Names that no list knows, so that the model learns from the form as well.
const UNLISTED_GIVEN: [&str; 10] =
    ["Tavo", "Brenik", "Maelle", "Oksar", "Ilvy", "Zanele", "Torvik", "Wendeline", "Sabrine", "Kelwyn"];
const UNLISTED_FAMILY: [&str; 10] = [
    "Abernoth",
    "Krillman",
    "Ostrova",
    "Velling",
    "Dunmarro",
    "Tchaika",
    "Lindqvort",
    "Moresby",
    "Hallowick",
    "Brandeus",
];

/// A sentence with what it names and is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sentence {
    pub(super) text: String,
    pub(super) about: Vec<CountryId>,
    pub(super) named: Vec<CountryId>,
}

/// Names of one country by kind.
#[derive(Default)]
struct Names {
    people: Vec<&'static str>,
    capitals: Vec<&'static str>,
    towns: Vec<&'static str>,
}

struct Lists {
    countries: Vec<(CountryId, Names)>,
    given: Vec<&'static str>,
    family: Vec<&'static str>,
}

/// All sentences, none of them with a country of `without`.
pub(super) fn sentences(without: &[CountryId], seed: u64) -> Vec<Sentence> {
    let lists = lists(without);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let lines = TEMPLATES.lines().filter(|l| !l.starts_with('#'));
    let templates: Vec<(&str, &str)> = lines.filter_map(|l| l.split_once('\t')).collect();
    (0..DRAWS)
        .flat_map(|_| templates.iter())
        .filter_map(|(about, text)| fill(about, text, &lists, &mut random))
        .collect()
}

fn fill(about: &str, text: &str, lists: &Lists, random: &mut Xoshiro256PlusPlus) -> Option<Sentence> {
    let mut drawn: BTreeMap<u8, usize> = BTreeMap::new();
    let mut sentence = Sentence { text: String::new(), about: Vec::new(), named: Vec::new() };
    let mut rest = text;
    while let Some((before, (slot, behind))) = rest.split_once('{').and_then(|(b, r)| Some((b, r.split_once('}')?))) {
        sentence.text.push_str(before);
        rest = behind;
        let (real, slot) = slot.strip_prefix('x').map_or((true, slot), |s| (false, s));
        let (kind, number) = match *slot.as_bytes() {
            [kind] => (kind, 0),
            [kind, number] => (kind, number),
            _ => return None,
        };
        let name = match kind {
            b'g' if random.next_u64().is_multiple_of(4) => pick(&UNLISTED_GIVEN, random)?,
            b'g' => pick(&lists.given, random)?,
            b's' if random.next_u64().is_multiple_of(3) => pick(&UNLISTED_FAMILY, random)?,
            b's' => pick(&lists.family, random)?,
            _ => {
                let at = draw(number, &mut drawn, lists.countries.len(), random)?;
                let (country, names) = lists.countries.get(at)?;
                if real && !sentence.named.contains(country) {
                    sentence.named.push(*country);
                }
                match kind {
                    b'c' => country.info().name,
                    b'd' => pick(&names.people, random)?,
                    b'k' => pick(&names.capitals, random)?,
                    _ => pick(&names.towns, random)?,
                }
            }
        };
        sentence.text.push_str(name);
    }
    sentence.text.push_str(rest);
    let numbers = about.split(' ').filter_map(|n| n.as_bytes().first()).filter_map(|n| drawn.get(n));
    sentence.about = numbers.filter_map(|&at| lists.countries.get(at)).map(|(c, _)| *c).collect();
    Some(sentence)
}

/// The country of a number: drawn when it is first met, another one for each number.
fn draw(number: u8, drawn: &mut BTreeMap<u8, usize>, of: usize, random: &mut Xoshiro256PlusPlus) -> Option<usize> {
    if let Some(at) = drawn.get(&number) {
        return Some(*at);
    }
    let mut at = (random.next_u64() % of.max(1) as u64) as usize;
    while drawn.values().any(|taken| *taken == at) {
        at = (at + 1) % of;
    }
    drawn.insert(number, at);
    (at < of).then_some(at)
}

fn pick(list: &[&'static str], random: &mut Xoshiro256PlusPlus) -> Option<&'static str> {
    list.get((random.next_u64() % list.len().max(1) as u64) as usize).copied()
}

/// Countries with names of every kind, from the gazetteer's unambiguous lines.
fn lists(without: &[CountryId]) -> Lists {
    let mut countries: BTreeMap<CountryId, Names> = BTreeMap::new();
    let (mut given, mut family) = (Vec::new(), Vec::new());
    let lines = std::str::from_utf8(DEFAULT_GAZETTEER).unwrap_or("").lines();
    for line in lines {
        let columns: Vec<&str> = line.split('\t').collect();
        let &[surfaces, "-", flags, candidate] = &columns[..] else { continue };
        let plain = |name: &&'static str| {
            name.is_ascii() && name.starts_with(|c: char| c.is_ascii_uppercase()) && !name.contains(['(', ','])
        };
        let surfaces = surfaces.split('|').filter(plain);
        let whole_words = || surfaces.clone().filter(|s| s.len() > 2 && !s.contains(' '));
        if flags.contains('g') {
            given.extend(whole_words());
        }
        if flags.contains('s') {
            family.extend(whole_words());
        }
        if candidate.contains(' ') || flags.contains(['U', '*', 'a', ',', 'w']) {
            continue;
        }
        let Some(country) = candidate.get(..2).and_then(CountryId::from_code).filter(|c| !without.contains(c)) else {
            continue;
        };
        let names = countries.entry(country).or_default();
        match candidate.get(2..) {
            Some("d9") if !flags.contains('l') => names.people.extend(surfaces.filter(|s| !s.ends_with('s'))),
            Some("k8") => names.capitals.extend(surfaces),
            Some("t3" | "t4" | "t5" | "t6" | "t7") => names.towns.extend(surfaces),
            _ => {}
        }
    }
    let whole = |n: &Names| !n.people.is_empty() && !n.capitals.is_empty() && n.towns.len() > 2;
    Lists { countries: countries.into_iter().filter(|(_, n)| whole(n)).collect(), given, family }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{places::Gazetteer, text::Document};

    #[test]
    fn sentences_name_what_they_say() {
        let syria = CountryId::from_code("SY").unwrap();
        let all = sentences(&[syria], 1);
        let templates = TEMPLATES.lines().filter(|l| !l.starts_with('#')).count();
        assert_eq!(all.len(), DRAWS * templates);
        assert!(all.iter().all(|s| !s.text.contains(['{', '}']) && !s.about.contains(&syria)));
        // What is named must be found, or there is nothing to learn from.
        let gazetteer = Gazetteer::parse(DEFAULT_GAZETTEER).unwrap();
        let (mut named, mut found) = (0, 0);
        for sentence in &all {
            let places = gazetteer.find(&Document::new("", &sentence.text), "en");
            named += sentence.named.len();
            let is_found = |c: &&CountryId| places.hits().iter().any(|h| h.countries.contains(&Some(**c)));
            found += sentence.named.iter().filter(is_found).count();
        }
        assert!(found * 100 >= named * 97, "{found} of {named}");
    }
}
