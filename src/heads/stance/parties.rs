//! The main parties of an article, for callers who name no target.

use super::{
    lexicon::{flag, lexicon},
    mask::Vocabulary,
    nations::{self, Form},
    words::{Gap, Word, Words, key},
};
use crate::{
    article::Target,
    text::{Document, Sentence},
};
use std::{collections::HashMap, sync::OnceLock};

/// Most parties that are returned.
pub(super) const MOST: usize = 5;
/// What a mention in the title counts for.
const TITLE_WEIGHT: u32 = 3;

#[derive(Debug, Clone)]
struct Party {
    name: String,
    score: u32,
    first: usize,
    words: usize,
}

/// The names that the article mentions most, those in the title before others.
pub(super) fn main_parties(
    document: &Document,
    sentences: &[Sentence],
    words: &Words,
    vocabulary: &Vocabulary,
) -> Vec<Target> {
    let mut parties: HashMap<u64, Party> = HashMap::new();
    let mut surnames: HashMap<u64, u64> = HashMap::new();
    for sentence in sentences {
        let in_title = sentence.end <= document.title_len();
        for (begin, end) in runs(document, words, sentence, vocabulary) {
            let Some(id) = identity(words, begin, end, &mut surnames) else { continue };
            let weight = if in_title { TITLE_WEIGHT } else { 1 };
            let party = parties.entry(id).or_insert(Party { name: String::new(), score: 0, first: begin, words: 0 });
            party.score += weight;
            if end - begin > party.words && party.words < 4 {
                party.words = end - begin;
                party.name = name(document, words, begin, end);
            }
        }
    }
    let mut ranked: Vec<Party> = parties.into_values().filter(|p| p.score >= 2).collect();
    ranked.sort_by(|a, b| b.score.cmp(&a.score).then(a.first.cmp(&b.first)));
    ranked.truncate(MOST);
    ranked.into_iter().map(|p| Target { name: p.name, ..Target::default() }).collect()
}

fn name(document: &Document, words: &Words, begin: usize, end: usize) -> String {
    let from = words.get(begin).map_or(0, |w| w.begin as usize);
    let to = words.get(end - 1).map_or(from, |w| w.end as usize);
    document.text().get(from..to).unwrap_or("").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Capitalised runs of a sentence that may be parties.
fn runs(document: &Document, words: &Words, sentence: &Sentence, vocabulary: &Vocabulary) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let shouted =
        (sentence.first_token..sentence.last_token).filter_map(|i| words.get(i)).all(|w| w.capital || w.len < 4)
            && sentence.last_token - sentence.first_token > 5;
    let mut i = sentence.first_token;
    while i < sentence.last_token {
        let start = i;
        while i < sentence.last_token
            && words.get(i).is_some_and(|w| is_name(document, words, w, i, start, vocabulary, shouted))
        {
            i += 1;
            if words.gap(i - 1) != Gap::Joined {
                break;
            }
        }
        if i == start {
            i += 1;
            continue;
        }
        let mut begin = start;
        while begin < i && words.get(begin).is_some_and(|w| lexicon().get(w.key).is(flag::TITLE | flag::STOP)) {
            begin += 1;
        }
        let end = if words.get(i - 1).is_some_and(|w| w.len == 1 && w.letter == 's' && !w.capital) { i - 1 } else { i };
        if begin < end {
            runs.push((begin, end));
        }
    }
    runs
}

fn is_name(
    document: &Document,
    words: &Words,
    word: &Word,
    at: usize,
    start: usize,
    vocabulary: &Vocabulary,
    shouted: bool,
) -> bool {
    if !word.capital || (word.len == 1 && word.letter == 'i') {
        // "al-Sadr": a particle before a hyphen.
        let hyphen = document.text().as_bytes().get(word.end as usize) == Some(&b'-');
        return hyphen && word.len <= 3 && words.get(at + 1).is_some_and(|n| n.capital && n.begin == word.end + 1);
    }
    if at > start && !shouted {
        return true;
    }
    let known = vocabulary.binary_search(&word.key).is_ok() || lexicon().get(word.key).is(flag::STOP);
    if (word.initial || shouted) && known {
        let title = lexicon().get(word.key).is(flag::TITLE);
        return title && words.get(at + 1).is_some_and(|n| n.capital);
    }
    !is_calendar(word.key)
}

fn is_calendar(word: u64) -> bool {
    static DAYS: OnceLock<Vec<u64>> = OnceLock::new();
    let days = DAYS.get_or_init(|| {
        let names = "monday tuesday wednesday thursday friday saturday sunday january february march april may june july \
                     august september october november december getty reuters ap afp photo image read advertisement";
        names.split_whitespace().map(key).collect()
    });
    days.contains(&word)
}

/// One number for all the ways in which a party is named.
fn identity(words: &Words, begin: usize, end: usize, surnames: &mut HashMap<u64, u64>) -> Option<u64> {
    let last = words.get(end - 1)?.key;
    if let Some((nation, form, n)) = nations::at(words, begin)
        && n == end - begin
    {
        return match form {
            Form::Name => Some(nation as u64),
            Form::People => Some(nation as u64 + 1_000),
            Form::Adjective => None,
        };
    }
    if end - begin == 1 {
        return Some(surnames.get(&last).copied().unwrap_or(last));
    }
    let whole = words.keys(begin, end).iter().fold(0, |h, k| crate::text::hash_pair(h, *k));
    // A short name used before its long form keeps its count.
    Some(*surnames.entry(last).or_insert(whole))
}
