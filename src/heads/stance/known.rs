//! All that is known of a word, by one look-up: what the lexicon says of it,
//! whether training saw it in lower case, which row of weights is its.

use super::{
    lexicon::{Entry, flag, lexicon},
    mask::SYMBOLS,
};
use crate::features::prefetch;

/// Words by their hashes. A look-up touches one line of memory mostly, whatever is asked of the word.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    /// A power of two of them, half of them empty (tag 0).
    slots: Vec<Slot>,
    /// Words seen in lower case, ascending.
    vocabulary: Vec<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Slot {
    /// Upper half of the hash, which the place does not tell; odd.
    tag: u32,
    word: KnownWord,
}

/// What is known of a word.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct KnownWord {
    /// Its row; 0: none.
    pub(super) row: u32,
    /// Of the lexicon, with [`flag::LOWER`].
    pub(super) entry: Entry,
}

impl Default for Known {
    fn default() -> Self {
        Self::new(Vec::new(), &[])
    }
}

fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32 | 1
}

impl Known {
    /// The lexicon's words, those seen in lower case (in any order) and those with a row of weights.
    pub(crate) fn new(mut vocabulary: Vec<u64>, rows: &[u64]) -> Self {
        vocabulary.sort_unstable();
        let mut all: Vec<u64> = lexicon().words().map(|(hash, _)| hash).collect();
        all.extend(vocabulary.iter().chain(rows));
        all.sort_unstable();
        all.dedup();
        let mut known =
            Self { slots: vec![Slot::default(); (2 * all.len()).next_power_of_two()], vocabulary: Vec::new() };
        for (hash, entry) in lexicon().words() {
            known.slot(hash).entry = entry;
        }
        for hash in &vocabulary {
            known.slot(*hash).entry.flags |= flag::LOWER;
        }
        // Before them stand that of no word and those of symbols.
        for (hash, row) in rows.iter().zip(SYMBOLS.len() as u32 + 1..) {
            known.slot(*hash).row = row;
        }
        known.vocabulary = vocabulary;
        known
    }

    fn slot(&mut self, hash: u64) -> &mut KnownWord {
        let mask = self.slots.len() - 1;
        let (tag, mut at) = (tag(hash), hash as usize & mask);
        while self.slots[at].tag != 0 && self.slots[at].tag != tag {
            at = (at + 1) & mask;
        }
        self.slots[at].tag = tag;
        &mut self.slots[at].word
    }

    /// Fetches what is known of a word that will be asked about.
    #[inline(always)]
    pub(super) fn fetch(&self, hash: u64) {
        prefetch(&self.slots, hash as usize & (self.slots.len() - 1));
    }

    /// What is known of the word with this hash.
    #[inline(always)]
    pub(super) fn get(&self, hash: u64) -> KnownWord {
        let mask = self.slots.len() - 1;
        let (tag, mut at) = (tag(hash), hash as usize & mask);
        while let Some(slot) = self.slots.get(at) {
            if slot.tag == tag {
                return slot.word;
            }
            if slot.tag == 0 {
                break;
            }
            at = (at + 1) & mask;
        }
        KnownWord::default()
    }

    /// The number of a word's kind; 0: none.
    pub(crate) fn cluster(&self, hash: u64) -> u16 {
        self.get(hash).entry.cluster
    }

    /// The words whose kind is known, in no order that means anything.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = u64> {
        lexicon().words().filter(|(_, entry)| entry.cluster > 0).map(|(hash, _)| hash)
    }

    /// The words seen in lower case, ascending.
    pub(crate) fn vocabulary(&self) -> &[u64] {
        &self.vocabulary
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::hash_word;

    #[test]
    fn one_look_up_tells_all() {
        let [town, murder, none] = ["town", "murder", "zzyzx"].map(|w| hash_word(w.as_bytes()));
        let known = Known::new(vec![town, 3 << 40, 5 << 40], &[murder, town]);
        assert_eq!((known.get(town).row, known.get(murder).row, known.get(none).row), (15, 14, 0));
        assert!(known.get(town).entry.is(flag::LOWER) && !known.get(murder).entry.is(flag::LOWER));
        assert!(known.get(murder).entry.valence() < 0.0);
        // These share their place.
        assert!(known.get(3 << 40).entry.is(flag::LOWER) && !known.get(7 << 40).entry.is(flag::LOWER));
        assert_eq!(known.vocabulary().len(), 3);
    }
}
