//! A document's words as names are compared: without case and diacritics, but
//! with the memory of both.

use crate::text::{Document, Sentence, hash_word};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// A word of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word {
    /// [`key`] of the word.
    pub(super) key: u64,
    /// First byte.
    pub(super) begin: u32,
    /// One past the last byte.
    pub(super) end: u32,
    /// Starts with a capital.
    pub(super) capital: bool,
    /// Holds no lower-case letter.
    pub(super) upper: bool,
    /// In characters, at most 255.
    pub(super) len: u8,
    /// The first character, lower-cased.
    pub(super) letter: char,
    /// Its sentence.
    pub(super) sentence: u32,
    /// The first word of its sentence.
    pub(super) initial: bool,
    /// [`key`] without a capitalised word's final "s"; 0: it has none.
    pub(super) singular: u64,
}

/// What stands between a word and the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// A blank or hyphen, an apostrophe, or an abbreviation's full stop.
    Joined,
    /// A blank with quotation marks.
    Quote,
    /// Anything else.
    Apart,
}

/// The words of a document.
#[derive(Debug, Default)]
pub(super) struct Words {
    words: Vec<Word>,
    gaps: Vec<Gap>,
    dots: Vec<bool>,
}

/// Hash of a word without case and diacritics.
pub(super) fn key(word: &str) -> u64 {
    let mut lower = [0; 32];
    if let Some(lower) = lower.get_mut(..word.len()).filter(|_| word.is_ascii()) {
        lower.copy_from_slice(word.as_bytes());
        lower.make_ascii_lowercase();
        return hash_word(lower);
    }
    let plain: String = word.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect();
    hash_word(plain.as_bytes())
}

impl Words {
    /// Reads a document.
    pub(super) fn new(document: &Document, sentences: &[Sentence]) -> Self {
        let tokens = document.tokens();
        let mut words = Self::default();
        let mut sentence = 0;
        for (i, token) in tokens.iter().enumerate() {
            while sentences.get(sentence).is_some_and(|s| s.last_token <= i) {
                sentence += 1;
            }
            let surface = document.surface(token);
            let letter = surface.chars().next().unwrap_or(' ');
            words.words.push(Word {
                key: if surface.is_ascii() { token.hash } else { key(surface) },
                begin: token.begin,
                end: token.end,
                capital: letter.is_uppercase(),
                upper: letter.is_uppercase() && !surface.chars().any(char::is_lowercase),
                len: surface.chars().count().min(255) as u8,
                letter: letter.to_lowercase().next().unwrap_or(letter),
                sentence: sentence as u32,
                singular: surface.strip_suffix('s').filter(|_| letter.is_uppercase()).map_or(0, key),
                initial: sentences.get(sentence).is_some_and(|s| s.first_token == i),
            });
            let gap = tokens.get(i + 1).and_then(|n| document.text().get(token.end as usize..n.begin as usize));
            words.gaps.push(gap.map_or(Gap::Apart, |g| gap_of(g, words.words.last())));
            words.dots.push(gap == Some("."));
        }
        words
    }

    /// The words of a name by itself.
    pub(super) fn of_name(name: &str) -> Self {
        Self::new(&Document::new("", name), &[])
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    pub(super) fn get(&self, at: usize) -> Option<&Word> {
        self.words.get(at)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Word> {
        self.words.iter()
    }

    /// What stands between word `at` and the next.
    pub(super) fn gap(&self, at: usize) -> Gap {
        self.gaps.get(at).copied().unwrap_or(Gap::Apart)
    }

    /// Whether only a full stop stands between word `at` and the next.
    pub(super) fn dotted(&self, at: usize) -> bool {
        self.dots.get(at).copied().unwrap_or(false)
    }

    /// Whether these keys stand at `at`, as one phrase.
    pub(super) fn matches(&self, at: usize, keys: &[u64]) -> bool {
        let Some(part) = self.words.get(at..at + keys.len()) else { return false };
        part.iter().zip(keys).all(|(w, k)| w.key == *k)
            && (at..at + keys.len().saturating_sub(1)).all(|i| self.gap(i) == Gap::Joined)
    }

    /// A capitalised plural's key without its ending.
    pub(super) fn singular(&self, at: usize) -> Option<u64> {
        self.words.get(at).map(|w| w.singular).filter(|s| *s != 0)
    }

    /// Keys of a range.
    pub(super) fn keys(&self, begin: usize, end: usize) -> Vec<u64> {
        self.words.get(begin..end).unwrap_or(&[]).iter().map(|w| w.key).collect()
    }
}

fn gap_of(gap: &str, before: Option<&Word>) -> Gap {
    match gap {
        " " | "-" | "'" | "\u{2019}" | "\u{a0}" | "\n" | "\u{2011}" | "\u{2010}" | "' " | "\u{2019} " => Gap::Joined,
        "." => Gap::Joined,
        ". " if before.is_some_and(|w| w.len <= 4) => Gap::Joined,
        " \"" | " \u{201c}" | " '" | " \u{2018}" => Gap::Quote,
        _ if gap.chars().all(char::is_whitespace) && gap.len() <= 4 && !gap.contains("\n\n") => Gap::Joined,
        _ => Gap::Apart,
    }
}
