//! The main parties of an article, for callers who name no target.

use super::{
    keys::KeyTable,
    known::Known,
    lexicon::flag,
    nations::Form,
    words::{Gap, Words, key},
};
use crate::{
    article::Target,
    text::{Document, Sentence, hash_pair},
};
use std::{ops::Range, sync::OnceLock};

/// Most parties that are returned.
const MOST: usize = 3;
/// What a mention in the title counts for.
const TITLE_WEIGHT: u32 = 3;
/// Longest name, in words.
const LONGEST: usize = 4;
/// Characters within which a dateline ends.
const LONGEST_DATELINE: usize = 80;
/// Different names that are counted; those that come later are hardly the main ones.
const COUNTED: usize = 256;

/// A name's count: where its longest form stands, and where it occurs first.
#[derive(Debug, Clone, Copy)]
struct Party {
    score: u32,
    first: usize,
    begin: usize,
    end: usize,
}

/// Reused buffers of [`Counts::main`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    ids: Vec<u64>,
    parties: Vec<Party>,
    /// Last words of longer names, and the names' numbers.
    surnames: Vec<(u64, u64)>,
}

impl Counts {
    /// The names that the article mentions most, those in the title before others.
    pub(super) fn main(&mut self, words: Words<'_>, known: &Known) -> Vec<Target> {
        self.ids.clear();
        self.parties.clear();
        self.surnames.clear();
        let title_len = words.document().title_len();
        let dateline = dateline(words.document());
        let mut capitals = words.capitals();
        for sentence in words.sentences() {
            let (here, later) = capitals.split_at(capitals.partition_point(|at| (*at as usize) < sentence.last_token));
            capitals = later;
            let weight = if sentence.end <= title_len { TITLE_WEIGHT } else { 1 };
            for (begin, end) in Runs::new(words, known, sentence, here) {
                let at = words.get(begin).map_or(0, |w| w.begin as usize);
                if !dateline.contains(&at) {
                    self.add(words, begin, end, weight);
                }
            }
        }
        self.parties.retain(|p| p.score >= 2);
        self.parties.sort_by(|a, b| b.score.cmp(&a.score).then(a.first.cmp(&b.first)));
        let best = self.parties.iter().take(MOST);
        best.map(|p| Target { name: name(words, p.begin, p.end), ..Target::default() }).collect()
    }

    fn add(&mut self, words: Words<'_>, begin: usize, end: usize, weight: u32) {
        let Some(id) = self.identity(words, begin, end) else { return };
        let found = self.ids.iter().position(|i| *i == id);
        let Some(party) = found.and_then(|i| self.parties.get_mut(i)) else {
            if self.ids.len() < COUNTED {
                self.ids.push(id);
                self.parties.push(Party { score: weight, first: begin, begin, end });
            }
            return;
        };
        party.score += weight;
        let longest = party.end - party.begin;
        if end - begin > longest && longest < LONGEST {
            (party.begin, party.end) = (begin, end);
        }
    }

    /// One number for all the ways in which a party is named.
    fn identity(&mut self, words: Words<'_>, begin: usize, end: usize) -> Option<u64> {
        if let Some(nation) = words.nation(begin).filter(|found| found.n == end - begin) {
            return match nation.form {
                Form::Name => Some(nation.state as u64),
                Form::People => Some(nation.state as u64 + 1_000),
                Form::Adjective => None,
            };
        }
        let last = words.key(end - 1)?;
        let known = self.surnames.iter().find(|s| s.0 == last).map(|s| s.1);
        if end - begin == 1 {
            return Some(known.unwrap_or(last));
        }
        // A short name used before its long form keeps its count.
        Some(known.unwrap_or_else(|| {
            let whole = words.keys(begin, end).iter().fold(0, |h, k| hash_pair(h, *k));
            if self.surnames.len() < COUNTED {
                self.surnames.push((last, whole));
            }
            whole
        }))
    }
}

/// The bytes of "BEIRUT, Lebanon (Reuters) -" where the body opens so: a place of reporting is no party.
fn dateline(document: &Document) -> Range<usize> {
    let rest = document.text().get(document.title_len()..).unwrap_or("");
    let body = rest.trim_start();
    let begin = document.text().len() - body.len();
    let dash = body.char_indices().take(LONGEST_DATELINE).find(|(_, c)| matches!(c, '-' | '\u{2013}' | '\u{2014}'));
    let Some(head) = dash.and_then(|(at, _)| body.get(..at)).filter(|h| h.ends_with(' ')) else { return 0..0 };
    let words = || head.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    let place = words().next().is_some_and(|w| w.len() > 2 && w.chars().all(char::is_uppercase));
    let names = words().all(|w| !w.starts_with(char::is_lowercase));
    if place && names { begin..begin + head.len() } else { 0..0 }
}

fn name(words: Words<'_>, begin: usize, end: usize) -> String {
    let (Some(first), Some(last)) = (words.get(begin), words.get(end - 1)) else { return String::new() };
    let text = words.document().text().get(first.begin as usize..last.end as usize).unwrap_or("");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Capitalised runs of a sentence that may be parties.
struct Runs<'a> {
    words: Words<'a>,
    known: &'a Known,
    sentence: &'a Sentence,
    /// The sentence's capitalised words that were not looked at.
    capitals: &'a [u32],
    /// The next word.
    at: usize,
    /// Every long word has a capital: capitals say nothing.
    shouted: bool,
}

impl Iterator for Runs<'_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        while let Some((capital, rest)) = self.capitals.split_first() {
            let capital = *capital as usize;
            if capital < self.at {
                self.capitals = rest;
                continue;
            }
            // "al-Sadr" begins with its particle.
            let mut start = capital;
            while start > self.at && is_particle(self.words, start - 1) {
                start -= 1;
            }
            let mut end = start;
            while end < self.sentence.last_token && self.is_name(end, start) {
                end += 1;
                if self.words.gap(end - 1) != Gap::Joined {
                    break;
                }
            }
            self.at = end.max(capital + usize::from(end == start));
            if let Some(run) = self.trimmed(start, end) {
                return Some(run);
            }
        }
        None
    }
}

impl<'a> Runs<'a> {
    fn new(words: Words<'a>, known: &'a Known, sentence: &'a Sentence, capitals: &'a [u32]) -> Self {
        let Sentence { first_token: at, last_token, .. } = *sentence;
        let shouted = last_token - at > 5 && (at..last_token).all(|i| words.is_capital(i) || words.chars(i) < 4);
        Self { words, known, sentence, capitals, at, shouted }
    }

    /// Without titles in front and a possessive ending behind.
    fn trimmed(&self, start: usize, end: usize) -> Option<(usize, usize)> {
        let title = |i: usize| self.words.key(i).is_some_and(|k| self.known.get(k).entry.is(flag::TITLE | flag::STOP));
        let begin = (start..end).find(|&i| !title(i))?;
        let end = end - usize::from(self.words.is_clitic(end - 1));
        (begin < end).then_some((begin, end))
    }

    fn opens_quote(&self, at: usize) -> bool {
        let before = self.words.get(at).and_then(|w| self.words.document().text().get(..w.begin as usize));
        before.is_some_and(|b| b.ends_with(['"', '\u{201c}', '\u{2018}']))
    }

    /// Whether word `at` goes on with (or opens) a name that begins at `start`.
    fn is_name(&self, at: usize, start: usize) -> bool {
        let words = self.words;
        if !words.is_capital(at) || words.is_first_person(at) {
            return is_particle(words, at);
        }
        if at > start && !self.shouted {
            return true;
        }
        let Some(key) = words.key(at) else { return false };
        if self.shouted || at == self.sentence.first_token || self.opens_quote(at) {
            let entry = self.known.get(key).entry;
            if entry.is(flag::STOP | flag::LOWER) {
                return entry.is(flag::TITLE) && words.is_capital(at + 1);
            }
        }
        !is_calendar(key)
    }
}

/// "al-Sadr": a short word before a hyphen and a name.
fn is_particle(words: Words<'_>, at: usize) -> bool {
    if !words.is_hyphenated(at) {
        return false;
    }
    let (Some(word), Some(next)) = (words.get(at), words.get(at + 1)) else { return false };
    next.capital && next.begin == word.end + 1 && words.chars(at) <= 3
}

fn is_calendar(word: u64) -> bool {
    static DAYS: OnceLock<KeyTable<()>> = OnceLock::new();
    let days = DAYS.get_or_init(|| {
        let names = "monday tuesday wednesday thursday friday saturday sunday january february march april may june july \
                     august september october november december getty reuters ap afp photo image read advertisement";
        let mut table = KeyTable::default();
        for name in names.split_whitespace() {
            table.entry(key(name));
        }
        table
    });
    days.get(word).is_some()
}
