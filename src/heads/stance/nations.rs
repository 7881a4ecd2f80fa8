//! States by their names, adjectives and peoples, so that "Syrian authorities"
//! is understood as the government that "Syria's government" means.

use super::{
    keys::KeyTable,
    words::{Marks, Words, key},
};
use crate::text::Document;
use std::sync::OnceLock;

/// How a state is named at some place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Syria
    Name,
    /// Syrian
    Adjective,
    /// Syrians
    People,
}

/// A state named in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nation {
    /// The first word.
    pub(super) at: usize,
    /// How many words.
    pub(super) n: usize,
    /// Which state.
    pub(super) state: usize,
    /// How it is named.
    pub(super) form: Form,
}

struct Entry {
    keys: Vec<u64>,
    state: usize,
    form: Form,
}

struct Table {
    /// By first key, the longest first.
    entries: Vec<Entry>,
    /// Where the entries with this first key begin.
    starts: KeyTable<u32>,
    /// A bit of [`sieve`] for each first key: most words are no state's, and seen to be none by this small table.
    firsts: [u64; SIEVE],
    /// The United States and the United Kingdom.
    dotted: [usize; 2],
    /// Key of the letter that both begin with.
    u: u64,
}

/// Words of a table of 4,096 bits.
const SIEVE: usize = 64;

/// Where a key's bit is: in which word, and which one.
fn sieve(key: u64) -> (usize, u64) {
    ((key >> 32) as usize % SIEVE, 1 << (key % 64))
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut entries = Vec::new();
        let lines = include_str!("../../../data/lexicon/nations.tsv").lines().filter(|l| !l.starts_with('#'));
        for (state, line) in lines.enumerate() {
            for (column, form) in line.split('\t').zip([Form::Name, Form::Adjective, Form::People]) {
                for name in column.split('|').filter(|n| !n.is_empty()) {
                    let keys = name.split([' ', '-']).map(key).collect();
                    entries.push(Entry { keys, state, form });
                }
            }
        }
        // "South Sudanese" before "Sudanese".
        entries.sort_by_key(|e| (e.keys.first().copied(), std::cmp::Reverse(e.keys.len())));
        let mut starts = KeyTable::default();
        for (i, entry) in entries.iter().enumerate().rev() {
            *starts.entry(entry.keys.first().copied().unwrap_or(0)) = i as u32;
        }
        let state = |name| entries.iter().find(|e| e.keys.as_slice() == [key(name)]).map_or(usize::MAX, |e| e.state);
        let dotted = [state("us"), state("uk")];
        let u = key("u");
        let mut firsts = [0; SIEVE];
        for first in entries.iter().filter_map(|e| e.keys.first()).chain([&u]) {
            let (word, bit) = sieve(*first);
            firsts[word] |= bit;
        }
        Table { entries, starts, firsts, dotted, u }
    })
}

/// A state named at `at`, a capitalised word.
pub(super) fn at(words: Words<'_>, at: usize) -> Option<Nation> {
    let first = words.key(at)?;
    let Table { entries, starts, firsts, dotted, u } = table();
    let (word, bit) = sieve(first);
    if firsts.get(word).is_none_or(|bits| bits & bit == 0) {
        return None;
    }
    if let Some(start) = starts.get(first) {
        let candidates = entries.iter().skip(start as usize).take_while(|e| e.keys.first() == Some(&first));
        for entry in candidates {
            let n = entry.keys.len();
            // "US" is no "us".
            let pronoun = n == 1 && words.chars(at) == 2 && !words.is_upper(at);
            if !pronoun && words.matches(at, &entry.keys) {
                return Some(Nation { at, n, state: entry.state, form: entry.form });
            }
        }
    }
    // "U.S.", "U.K."
    let letter = |i: usize| (words.chars(i) == 1).then(|| words.letter(i));
    if first != *u || letter(at)? != 'u' || !words.is_dotted(at) {
        return None;
    }
    let (state, american) = match letter(at + 1)? {
        's' => (dotted[0], letter(at + 2) == Some('a') && words.is_dotted(at + 1)),
        'k' => (dotted[1], false),
        _ => return None,
    };
    Some(Nation { at, n: 2 + usize::from(american), state, form: Form::Name })
}

/// Whether a name is a state's other than the United States, its adjective or its people, alone.
pub(crate) fn is_foreign_state(name: &str) -> bool {
    let (document, mut marks) = (Document::new("", name), Marks::default());
    let words = Words::new(&document, &[], &mut marks);
    let begin = usize::from(words.len() > 1 && words.key(0) == Some(key("the")));
    let clitic = words.len() > begin + 1 && words.is_clitic(words.len() - 1);
    let end = words.len() - usize::from(clitic);
    words.nation(begin).is_some_and(|found| begin + found.n == end && found.state != table().dotted[0])
}
