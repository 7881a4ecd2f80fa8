//! A document's words as names are compared: without case and diacritics, but
//! with the memory of both.
//!
//! [`Marks`] holds what every search needs, read in one pass; the rest is
//! looked up in the text where somebody asks.

use super::{
    nations::{self, Nation},
    outline::is_capitalised,
};
use crate::text::{Document, Sentence, capitals_into, hash_word};
use std::cell::OnceCell;
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

/// Reused buffers: the keys of a document's words, which are capitalised, and which name a state.
#[derive(Debug, Clone, Default)]
pub(crate) struct Marks {
    keys: Vec<u64>,
    capitals: Vec<u32>,
    /// Read when somebody asks.
    nations: OnceCell<Vec<Nation>>,
}

/// Bytes that are looked at together for others than ASCII.
const BLOCK: usize = 64;

impl Marks {
    fn clear(&mut self) {
        self.keys.clear();
        self.capitals.clear();
        self.nations.take();
    }

    fn read(&mut self, document: &Document) {
        self.clear();
        let bytes = document.text().as_bytes();
        self.keys.extend(document.tokens().iter().map(|t| t.hash));
        capitals_into(document, &mut self.capitals);
        let mut beyond = false;
        for (block, part) in bytes.chunks(BLOCK).enumerate().filter(|(_, part)| !part.is_ascii()) {
            beyond |= self.read_beyond_ascii(document, block * BLOCK, block * BLOCK + part.len());
        }
        if beyond {
            self.capitals.clear();
            let all = (0..).zip(document.tokens());
            self.capitals.extend(all.filter(|(_, t)| is_capitalised(document.surface(t))).map(|(at, _)| at));
        }
    }

    /// Corrects the words that lie in these bytes in part; whether there are any beyond ASCII that have a capital.
    fn read_beyond_ascii(&mut self, document: &Document, begin: usize, end: usize) -> bool {
        let mut capitals = false;
        let tokens = document.tokens();
        let first = tokens.partition_point(|t| t.end as usize <= begin);
        for (i, token) in tokens.iter().enumerate().skip(first).take_while(|(_, t)| (t.begin as usize) < end) {
            let surface = document.surface(token);
            if let (false, Some(key)) = (surface.is_ascii(), self.keys.get_mut(i)) {
                *key = self::key(surface);
                capitals |= !surface.starts_with(|c: char| c.is_ascii()) && is_capitalised(surface);
            }
        }
        capitals
    }
}

/// The words of a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<'a> {
    document: &'a Document,
    sentences: &'a [Sentence],
    marks: &'a Marks,
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

impl<'a> Words<'a> {
    /// Reads a document into `marks`.
    pub(super) fn new(document: &'a Document, sentences: &'a [Sentence], marks: &'a mut Marks) -> Self {
        marks.read(document);
        Self { document, sentences, marks }
    }

    /// Of a document that needs no search: it holds no word.
    pub(super) fn unread(document: &'a Document, sentences: &'a [Sentence], marks: &'a mut Marks) -> Self {
        marks.clear();
        Self { document, sentences, marks }
    }

    pub(super) fn document(&self) -> &'a Document {
        self.document
    }

    pub(super) fn sentences(&self) -> &'a [Sentence] {
        self.sentences
    }

    pub(super) fn len(&self) -> usize {
        self.marks.keys.len()
    }

    /// Where the capitalised words stand.
    pub(super) fn capitals(&self) -> &'a [u32] {
        &self.marks.capitals
    }

    /// The states named, in the order of the text; one may lie within another.
    pub(super) fn nations(&self) -> &'a [Nation] {
        let all = || self.capitals().iter().filter_map(|&at| nations::at(*self, at as usize)).collect();
        self.marks.nations.get_or_init(all)
    }

    /// The state named at `at`.
    pub(super) fn nation(&self, at: usize) -> Option<Nation> {
        if self.is_capital(at) { nations::at(*self, at) } else { None }
    }

    #[inline(always)]
    pub(super) fn get(&self, at: usize) -> Option<Word> {
        let token = self.document.tokens().get(at)?;
        Some(Word { key: self.key(at)?, begin: token.begin, end: token.end, capital: self.is_capital(at) })
    }

    #[inline(always)]
    pub(super) fn key(&self, at: usize) -> Option<u64> {
        self.marks.keys.get(at).copied()
    }

    /// Keys of a range.
    pub(super) fn keys(&self, begin: usize, end: usize) -> &'a [u64] {
        self.marks.keys.get(begin..end).unwrap_or(&[])
    }

    /// Where a capitalised word with this key stands.
    pub(super) fn capital_places(&self, key: u64) -> impl Iterator<Item = usize> + use<'a> {
        let keys = self.marks.keys.as_slice();
        self.capitals().iter().map(|at| *at as usize).filter(move |at| keys.get(*at) == Some(&key))
    }

    /// Where a word with this key stands.
    pub(super) fn places(&self, key: u64) -> impl Iterator<Item = usize> + use<'a> {
        self.marks.keys.iter().enumerate().filter(move |(_, k)| **k == key).map(|(at, _)| at)
    }

    #[inline(always)]
    pub(super) fn is_capital(&self, at: usize) -> bool {
        let Some(token) = self.document.tokens().get(at).filter(|_| at < self.len()) else { return false };
        match self.document.text().as_bytes().get(token.begin as usize) {
            Some(first) if first.is_ascii() => first.is_ascii_uppercase(),
            _ => is_capitalised(self.document.surface(token)),
        }
    }

    /// The pronoun that has a capital.
    pub(super) fn is_first_person(&self, at: usize) -> bool {
        matches!(self.surface(at), "I" | "i" | "\u{130}")
    }

    /// Whether a hyphen follows at once.
    pub(super) fn is_hyphenated(&self, at: usize) -> bool {
        let end = self.document.tokens().get(at).map_or(0, |t| t.end as usize);
        self.document.text().as_bytes().get(end) == Some(&b'-')
    }

    fn surface(&self, at: usize) -> &'a str {
        self.document.tokens().get(at).map_or("", |t| self.document.surface(t))
    }

    /// Capitalised, without a lower-case letter.
    pub(super) fn is_upper(&self, at: usize) -> bool {
        self.is_capital(at) && !self.surface(at).chars().any(char::is_lowercase)
    }

    /// Length in characters.
    pub(super) fn chars(&self, at: usize) -> usize {
        let surface = self.surface(at);
        if surface.is_ascii() { surface.len() } else { surface.chars().count() }
    }

    /// The first character, lower-cased.
    pub(super) fn letter(&self, at: usize) -> char {
        let letter = self.surface(at).chars().next().unwrap_or(' ');
        letter.to_lowercase().next().unwrap_or(letter)
    }

    /// The possessive ending, or its like.
    pub(super) fn is_clitic(&self, at: usize) -> bool {
        self.surface(at) == "s"
    }

    /// Index of the word's sentence.
    pub(super) fn sentence(&self, at: usize) -> usize {
        self.sentences.partition_point(|s| s.last_token <= at)
    }

    /// Whether it is the first word of its sentence.
    pub(super) fn is_initial(&self, at: usize) -> bool {
        self.sentences.get(self.sentence(at)).is_some_and(|s| s.first_token == at)
    }

    /// What stands between word `at` and the next, as it is written.
    fn between(&self, at: usize) -> Option<&'a str> {
        let tokens = self.document.tokens();
        let (here, next) = (tokens.get(at)?, tokens.get(at + 1)?);
        self.document.text().get(here.end as usize..next.begin as usize)
    }

    /// What stands between word `at` and the next.
    pub(super) fn gap(&self, at: usize) -> Gap {
        let between = self.between(at);
        if let Some([byte]) = between.map(str::as_bytes) {
            let joins = matches!(byte, b' ' | b'-' | b'\'' | b'.' | b'\t'..=b'\r');
            return if joins { Gap::Joined } else { Gap::Apart };
        }
        match between {
            None => Gap::Apart,
            Some("\u{2019}" | "\u{a0}" | "\u{2011}" | "\u{2010}" | "' " | "\u{2019} ") => Gap::Joined,
            Some(". ") if self.chars(at) <= 4 => Gap::Joined,
            Some(" \"" | " \u{201c}" | " '" | " \u{2018}") => Gap::Quote,
            Some(gap) if gap.len() <= 4 && gap.chars().all(char::is_whitespace) && !gap.contains("\n\n") => Gap::Joined,
            Some(_) => Gap::Apart,
        }
    }

    /// Whether only a full stop stands between word `at` and the next.
    pub(super) fn is_dotted(&self, at: usize) -> bool {
        self.between(at) == Some(".")
    }

    /// Whether these keys stand at `at`, as one phrase.
    pub(super) fn matches(&self, at: usize, keys: &[u64]) -> bool {
        self.marks.keys.get(at..at + keys.len()) == Some(keys)
            && (at..(at + keys.len()).saturating_sub(1)).all(|i| self.gap(i) == Gap::Joined)
    }

    /// A capitalised plural's key without its ending.
    pub(super) fn singular(&self, at: usize) -> Option<u64> {
        self.surface(at).strip_suffix('s').filter(|_| self.is_capital(at)).map(key)
    }
}
