//! States by their names, adjectives and peoples, so that "Syrian authorities"
//! is understood as the government that "Syria's government" means.

use super::words::{Words, key};
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

struct Entry {
    keys: Vec<u64>,
    nation: usize,
    form: Form,
}

struct Table {
    entries: Vec<Entry>,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut entries = Vec::new();
        let lines = include_str!("../../../data/lexicon/nations.tsv").lines().filter(|l| !l.starts_with('#'));
        for (nation, line) in lines.enumerate() {
            for (column, form) in line.split('\t').zip([Form::Name, Form::Adjective, Form::People]) {
                for name in column.split('|').filter(|n| !n.is_empty()) {
                    let keys = name.split([' ', '-']).map(key).collect();
                    entries.push(Entry { keys, nation, form });
                }
            }
        }
        // "South Sudanese" before "Sudanese".
        entries.sort_by_key(|e| (e.keys.first().copied(), std::cmp::Reverse(e.keys.len())));
        Table { entries }
    })
}

/// A state named at `at`: which, how, and in how many words.
pub(super) fn at(words: &Words, at: usize) -> Option<(usize, Form, usize)> {
    let word = words.get(at)?;
    if !word.capital {
        return None;
    }
    let entries = &table().entries;
    let from = entries.partition_point(|e| e.keys.first().copied() < Some(word.key));
    let candidates = entries.iter().skip(from).take_while(|e| e.keys.first() == Some(&word.key));
    for entry in candidates {
        let n = entry.keys.len();
        if !words.matches(at, &entry.keys) {
            continue;
        }
        // "US" is no "us".
        if word.len == 2 && n == 1 && !word.upper {
            continue;
        }
        return Some((entry.nation, entry.form, n));
    }
    // "U.S.", "U.K."
    let dotted = words.get(at + 1).filter(|next| next.len == 1 && word.len == 1 && words.dotted(at))?;
    let pair = [word.letter, dotted.letter];
    let name = match pair {
        ['u', 's'] => "us",
        ['u', 'k'] => "uk",
        _ => return None,
    };
    let n = if name == "us" && words.get(at + 2).is_some_and(|w| w.letter == 'a' && w.len == 1 && words.dotted(at + 1))
    {
        3
    } else {
        2
    };
    let entry = entries.iter().find(|e| e.keys.as_slice() == [key(name)])?;
    Some((entry.nation, Form::Name, n))
}

/// Whether a name is a state's other than the United States, its adjective or its people, alone.
pub(crate) fn is_foreign_state(name: &str) -> bool {
    let words = Words::of_name(name);
    let begin = usize::from(words.len() > 1 && words.get(0).is_some_and(|w| w.key == key("the")));
    let end = match words.get(words.len().saturating_sub(1)) {
        Some(w) if words.len() > begin + 1 && w.len == 1 && w.letter == 's' && !w.capital => words.len() - 1,
        _ => words.len(),
    };
    let home = table().entries.iter().find(|e| e.keys.as_slice() == [key("us")]).map(|e| e.nation);
    at(&words, begin).is_some_and(|(nation, _, n)| begin + n == end && Some(nation) != home)
}
