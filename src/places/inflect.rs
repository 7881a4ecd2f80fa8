//! Words as they stand in a text against names as the gazetteer writes them:
//! Arabic puts particles and the article before a name, Slavic languages in
//! Cyrillic put endings behind it.

use super::entry::{Entry, flag};
use crate::text::hash_word;

/// Letters that Arabic writes together with the word, longest first; "لل" is "ل" and the article.
const ARABIC_HEADS: [&str; 12] = ["وال", "بال", "فال", "كال", "ولل", "لل", "ال", "و", "ب", "ل", "ف", "ك"];
/// Longest ending behind a Cyrillic stem, in letters.
const CYRILLIC_ENDING: usize = 6;
/// What must be left of a word.
const SHORTEST: usize = 3;
const CYRILLIC_SHORTEST: usize = 4;

/// A way to read a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) hash: u64,
    /// An ending was cut off: only entries that are stems count.
    pub(super) stem: bool,
}

impl Reading {
    /// Whether this reading may end on `entry`.
    pub(super) fn fits(self, entry: &Entry) -> bool {
        !self.stem || entry.has(flag::STEM)
    }
}

/// Whether words that begin with this byte have more readings than one.
#[inline(always)]
pub(super) fn inflects(first: u8) -> bool {
    matches!(first, 0xd0..=0xd3 | 0xd8..=0xdb)
}

/// Other readings of a word, likeliest first. `folded` are its lower-cased bytes.
pub(super) fn readings(folded: &[u8]) -> impl Iterator<Item = Reading> + '_ {
    let arabic = folded.first().is_some_and(|b| matches!(b, 0xd8..=0xdb));
    let heads = ARABIC_HEADS.iter().filter(move |_| arabic).filter_map(|head| {
        let rest = folded.strip_prefix(head.as_bytes())?;
        (rest.len() >= 2 * SHORTEST).then(|| Reading { hash: hash_word(rest), stem: false })
    });
    let cyrillic = folded.first().is_some_and(|b| matches!(b, 0xd0..=0xd3));
    let longest = if cyrillic { CYRILLIC_ENDING } else { 0 };
    let stems = (1..=longest).filter_map(move |letters| {
        let stem = folded.get(..folded.len().checked_sub(2 * letters)?)?;
        (stem.len() >= 2 * CYRILLIC_SHORTEST).then(|| Reading { hash: hash_word(stem), stem: true })
    });
    heads.chain(stems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_heads_and_endings() {
        let has = |word: &str, stem: &str| readings(word.as_bytes()).any(|r| r.hash == hash_word(stem.as_bytes()));
        assert!(has("والسورية", "سورية") && has("لسوريا", "سوريا"));
        assert!(has("сирийского", "сири") && !has("мали", "мал"));
        assert_eq!(readings(b"syria").count(), 0);
    }
}
