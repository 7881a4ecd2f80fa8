//! The names of places, ready to be matched.

use super::{
    buckets::Buckets,
    context::{self, Cue},
    entry::{Candidate, Entry, HitKind, flag},
    table::{Node, PrefixTable},
};
use crate::text::{Document, hash_pair};
use std::collections::HashMap;

/// Largest gazetteer that is read.
const MAX_GAZETTEER_BYTES: usize = 32 << 20;
/// Words of the longest name.
pub(super) const MAX_WORDS: usize = 12;

/// Names of countries, peoples, cities, divisions, bodies and regions, read from
/// a tab-separated table (see `tools/gazetteer.py`).
#[derive(Clone)]
pub struct Gazetteer {
    pub(super) entries: Vec<Entry>,
    candidates: Vec<Candidate>,
    /// Names whose first word begins with a letter of ASCII: an article in English touches no other, so that they are kept
    /// close together.
    ascii: PrefixTable,
    others: PrefixTable,
    /// Words that tell something of a name beside them.
    neighbours: Buckets,
}

impl std::fmt::Debug for Gazetteer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gazetteer").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

impl Gazetteer {
    /// Reads a gazetteer, which may come from anywhere.
    ///
    /// # Errors
    /// When it is too large or a line is malformed; says which line and why.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > MAX_GAZETTEER_BYTES {
            return Err(format!("{} bytes; the most is {MAX_GAZETTEER_BYTES}", bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(|e| format!("not UTF-8: {e}"))?;
        let (mut entries, mut all) = (Vec::new(), Vec::new());
        let mut prefixes = Vec::with_capacity(text.len() / 6);
        let mut name = Document::default();
        for (i, line) in text.lines().enumerate() {
            let mut columns = line.split('\t');
            let (Some(surfaces), Some(languages), Some(flags), Some(candidates), None) =
                (columns.next(), columns.next(), columns.next(), columns.next(), columns.next())
            else {
                return Err(format!("line {}: not four columns", i + 1));
            };
            let entry = Entry::parse(languages, flags, candidates, &mut all);
            let entry = entry.map_err(|e| format!("line {}: {e}", i + 1))?;
            for surface in surfaces.split('|') {
                // Through the tokeniser that articles go through.
                name.read("", surface);
                if name.tokens().first().is_some_and(|word| name.initial(word).is_ascii_digit()) {
                    return Err(format!("line {}: {surface:?} begins with a digit", i + 1));
                }
                add_prefixes(&mut prefixes, &name, entries.len());
            }
            entries.push(entry);
        }
        let neighbours = context::neighbours(persons(&prefixes, &entries));
        let (ascii, others): (Vec<_>, Vec<_>) = prefixes.into_iter().partition(|prefix| prefix.is_ascii);
        let [ascii, others] = [ascii, others].map(|prefixes| table(prefixes, &entries));
        Ok(Self { entries, candidates: all, ascii, others, neighbours })
    }

    /// How many lines it was read from.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it knows no name at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What an entry may stand for.
    #[inline]
    pub(super) fn candidates(&self, entry: &Entry) -> &[Candidate] {
        let from = entry.from as usize;
        self.candidates.get(from..from + usize::from(entry.many)).unwrap_or(&[])
    }

    /// The prefixes that begin with a word whose first byte is `initial`.
    #[inline(always)]
    pub(super) fn prefixes(&self, initial: u8) -> &PrefixTable {
        if initial.is_ascii() { &self.ascii } else { &self.others }
    }

    /// The node of a prefix, whatever its first word begins with.
    pub(super) fn get(&self, prefix: u64) -> Option<Node> {
        self.others.get(prefix).or_else(|| self.ascii.get(prefix))
    }

    /// What the word of this hash tells of a name beside it: see [`context::neighbours`].
    #[inline(always)]
    pub(super) fn neighbour(&self, hash: u64) -> u32 {
        self.neighbours.get(hash)
    }
}

impl Entry {
    /// A given name that is no place says something of its neighbours only.
    pub(super) fn is_only_given(&self) -> bool {
        self.kind == HitKind::Given
    }
}

/// The beginning of a name.
struct Prefix {
    hash: u64,
    words: usize,
    /// Whether its first word begins with a letter of ASCII.
    is_ascii: bool,
    /// The entry, when it is the whole name.
    entry: Option<usize>,
}

/// Adds all beginnings of a name; one of too many words is left out.
fn add_prefixes(prefixes: &mut Vec<Prefix>, name: &Document, entry: usize) {
    let mut hash = 0;
    let is_ascii = name.tokens().first().is_some_and(|word| name.initial(word).is_ascii());
    let name = name.tokens();
    for (i, word) in name.iter().enumerate().filter(|_| name.len() <= MAX_WORDS) {
        hash = extend(hash, i, word.hash);
        prefixes.push(Prefix { hash, words: i + 1, is_ascii, entry: (i + 1 == name.len()).then_some(entry) });
    }
}

/// The table of some beginnings.
fn table(mut prefixes: Vec<Prefix>, entries: &[Entry]) -> PrefixTable {
    // Stable: of two lines with one name the first counts.
    prefixes.sort_by_key(|prefix| prefix.hash);
    let count = |words| prefixes.iter().filter(|prefix| prefix.words == words).count();
    let distinct = prefixes.chunk_by(|a, b| a.hash == b.hash).count();
    let mut table = PrefixTable::with_room(distinct, count(1), count(2));
    for Prefix { hash, words, entry, .. } in prefixes {
        let entry = entry.and_then(|index| Some((index, entries.get(index)?)));
        table.insert(hash, entry.map_or(Node::PREFIX, |(index, entry)| Node::of(index, entry)));
        match words {
            1 if !entry.is_some_and(|(_, entry)| entry.is_only_given()) => table.mark_word(hash),
            2 => table.mark_pair(hash),
            _ => {}
        }
    }
    table
}

/// The words that are names of persons: the bit of the cue that each is, before a place or behind it.
fn persons(prefixes: &[Prefix], entries: &[Entry]) -> HashMap<u64, u32> {
    let mut words = HashMap::new();
    for prefix in prefixes.iter().filter(|prefix| prefix.words == 1) {
        if let Some(entry) = prefix.entry.and_then(|index| entries.get(index)) {
            let mark = |flags: u16, cue: Cue| if entry.has(flags) { context::bit(cue) } else { 0 };
            let marks = mark(flag::GIVEN, Cue::AfterGiven) | mark(flag::SURNAME | flag::PERSON, Cue::BeforeSurname);
            // Of two lines with one name the first counts.
            words.entry(prefix.hash).or_insert(marks);
        }
    }
    words.retain(|_, marks| *marks != 0);
    words
}

/// The hash of a prefix that is one word longer.
#[inline]
pub(super) fn extend(prefix: u64, words: usize, hash: u64) -> u64 {
    if words == 0 { hash } else { hash_pair(prefix, hash) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::places::DEFAULT_GAZETTEER;
    use proptest::prelude::*;

    #[test]
    fn reads_the_default() {
        let gazetteer = Gazetteer::parse(DEFAULT_GAZETTEER).unwrap();
        assert!(gazetteer.len() > 5_000);
        let given = gazetteer.neighbour(crate::text::hash_word(b"paris"));
        assert!(given & context::bit(Cue::AfterGiven) != 0);
    }

    #[test]
    fn peoples_are_no_capitals() {
        let text = "Icelandic, Khmer, Lebanese, Nepali, Portuguese, Slovakian, Vietnamese and Zanzibari officials met.";
        let document = Document::new("", text);
        let places = Gazetteer::parse(DEFAULT_GAZETTEER).unwrap().find(&document, "en");
        let found: Vec<_> = places.hits().iter().filter_map(|h| Some((h.countries[0]?.code(), h.kind))).collect();
        assert_eq!(found, ["IS", "KH", "LB", "NP", "PT", "SK", "VN", "TZ"].map(|code| (code, HitKind::Demonym)));
        let places = Gazetteer::parse(DEFAULT_GAZETTEER).unwrap().find(&Document::new("", "Grenzen Polens"), "de");
        assert_eq!(places.hits()[0].kind, HitKind::Country);
    }

    #[test]
    fn stays_small_in_memory() {
        let Gazetteer { entries, candidates, ascii, others, neighbours } = Gazetteer::parse(DEFAULT_GAZETTEER).unwrap();
        let lists = entries.capacity() * size_of::<Entry>() + candidates.capacity() * size_of::<Candidate>();
        // The bundle keeps the file beside it.
        let bytes = lists + ascii.bytes() + others.bytes() + neighbours.bytes() + DEFAULT_GAZETTEER.len();
        assert!(bytes < 5 << 20, "{bytes} bytes");
    }

    #[test]
    fn says_what_is_wrong() {
        for (bytes, message) in [
            (&b"Syria\t-\t-"[..], "line 1: not four columns"),
            (b"Syria\t-\t-\tSYc9\nIraq\t-\t-\tIQ", "line 2: not a candidate"),
            (b"\xff\t-\t-\tSYc9", "not UTF-8"),
            (b"Syria|3 Syrias\t-\t-\tSYc9", "line 1: \"3 Syrias\" begins with a digit"),
        ] {
            let error = Gazetteer::parse(bytes).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
        assert!(Gazetteer::parse(b"").unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in "(?s).{0,100}") {
            let _ = Gazetteer::parse(&bytes);
            let _ = Gazetteer::parse(format!("{text}\t-\t-\tSYc9").as_bytes());
        }
    }
}
