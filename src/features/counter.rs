//! The features of one document with their counts.

use super::{FeatureIndex, FeatureParams, kernel::prefetch, log_tf};
use crate::text::{Document, Token, hash_pair};

/// Counts slots; one a thread, reused from document to document.
///
/// What is looked at for every feature stays in the first-level cache: one bit a slot says whether it occurred, and only
/// further occurrences go into the array of counts.
#[derive(Debug, Clone, Default)]
pub struct Counter {
    /// The features of a part, the words first, and the slots of those that have one. Behind them stands what is left of
    /// longer parts: to clear it would take as long as to write it.
    hashes: Vec<u64>,
    features: usize,
    found: Vec<u32>,
    known: usize,
    /// One bit a slot; all zero between documents.
    seen: Vec<u64>,
    /// The slots that occur, in the order of their first occurrence.
    slots: Vec<u32>,
    /// Those of them that occur more than once.
    repeated: Vec<u32>,
    /// Occurrences of each slot after the first; all zero between documents.
    more: Vec<u16>,
    length: usize,
    /// Features of the document as they were counted, and those of them that have no slot.
    all: u64,
    unknown: u64,
}

impl Counter {
    /// Counts the features of `document`; `touch` is called with the slot of each that has one, so that its weights can be
    /// fetched ahead of their use.
    pub fn count(&mut self, document: &Document, params: &FeatureParams, index: &FeatureIndex, touch: impl Fn(u32)) {
        self.clear();
        if self.more.len() != index.slots() {
            self.more = vec![0; index.slots()];
            self.seen = vec![0; index.slots().div_ceil(64)];
        }
        self.length = document.tokens().len();
        (self.all, self.unknown) = (0, 0);
        let (title, text) = document.tokens().split_at(document.title_tokens());
        for (tokens, weight) in [(title, params.title_weight), (text, 1)] {
            self.hash(tokens, params);
            self.find(index);
            if weight > 0 {
                self.mark(weight, &touch);
            }
            self.all += self.features as u64 * u64::from(weight);
            self.unknown += (self.features - self.known) as u64 * u64::from(weight);
        }
    }

    /// Hashes of the features of `tokens`, those of [`FeatureParams::each_term`]: the words, then the pairs.
    fn hash(&mut self, tokens: &[Token], params: &FeatureParams) {
        let Self { hashes, features, .. } = self;
        grow(hashes, 2 * tokens.len());
        // Whether a word is a stop word cannot be foreseen: the place is written in any case.
        let mut kept = 0;
        for token in tokens {
            if let Some(place) = hashes.get_mut(kept) {
                *place = token.hash;
            }
            kept += usize::from(!params.stop_words.contains(token));
        }
        let pairs = if params.pairs { kept.saturating_sub(1) } else { 0 };
        if let Some((words, places)) = hashes.split_at_mut_checked(kept) {
            for ((&a, &b), place) in words.iter().zip(words.iter().skip(1)).zip(places).take(pairs) {
                *place = hash_pair(a, b);
            }
        }
        *features = kept + pairs;
    }

    /// Looks the hashes up.
    fn find(&mut self, index: &FeatureIndex) {
        let hashes = self.hashes.get(..self.features).unwrap_or(&[]);
        grow(&mut self.found, hashes.len());
        let mut known = 0;
        for &hash in hashes {
            let (slot, is_known) = index.find(hash);
            // Whether a feature is known cannot be foreseen: the place is written in any case.
            if let Some(place) = self.found.get_mut(known) {
                *place = slot;
            }
            known += usize::from(is_known);
        }
        self.known = known;
    }

    /// Counts each slot found `weight` times more.
    fn mark(&mut self, weight: u16, touch: &impl Fn(u32)) {
        let Self { found, known, seen, slots, repeated, more, .. } = self;
        let found = found.get(..*known).unwrap_or(&[]);
        let (mut distinct, before) = (slots.len(), repeated.len());
        let (fresh, mut again) = (distinct, before);
        slots.resize(distinct + found.len(), 0);
        repeated.resize(before + found.len(), 0);
        let (new, old) = (slots.as_mut_slice(), repeated.as_mut_slice());
        for &slot in found.iter() {
            touch(slot);
            let Some(word) = seen.get_mut(slot as usize / 64) else { continue };
            let earlier = (*word >> (slot % 64) & 1) as usize;
            *word |= 1 << (slot % 64);
            if let (Some(new), Some(old)) = (new.get_mut(distinct), old.get_mut(again)) {
                (*new, *old) = (slot, slot);
            }
            distinct += 1 - earlier;
            again += earlier;
        }
        slots.truncate(distinct);
        old.get(before..again).unwrap_or(&[]).iter().for_each(|&slot| prefetch(more, slot as usize));
        // `repeated` holds each of its slots once.
        let mut kept = before;
        for at in before..again {
            let Some(&slot) = repeated.get(at) else { break };
            let Some(count) = more.get_mut(slot as usize) else { continue };
            if let Some(place) = repeated.get_mut(kept) {
                *place = slot;
            }
            kept += usize::from(*count == 0);
            *count = count.saturating_add(weight);
        }
        repeated.truncate(kept);
        // The first occurrence counts one; of a title the rest of its weight as well.
        for &slot in slots.get(fresh..).filter(|_| weight > 1).unwrap_or(&[]) {
            let Some(count) = more.get_mut(slot as usize) else { continue };
            if *count == 0 {
                repeated.push(slot);
            }
            *count = count.saturating_add(weight - 1);
        }
    }

    fn clear(&mut self) {
        for &slot in &self.slots {
            if let Some(seen) = self.seen.get_mut(slot as usize / 64) {
                *seen = 0;
            }
        }
        for &slot in &self.repeated {
            if let Some(more) = self.more.get_mut(slot as usize) {
                *more = 0;
            }
        }
        self.slots.clear();
        self.repeated.clear();
    }

    /// The slots that occur.
    #[must_use]
    pub fn slots(&self) -> &[u32] {
        &self.slots
    }

    /// The slots that occur more than once, each with its count.
    pub fn repeated(&self) -> impl Iterator<Item = (u32, u16)> + Clone {
        self.repeated.iter().map(|&slot| (slot, self.count_of(slot)))
    }

    fn count_of(&self, seen: u32) -> u16 {
        self.more.get(seen as usize).copied().unwrap_or(0).saturating_add(1)
    }

    /// Count of one slot.
    #[must_use]
    pub fn get(&self, slot: u32) -> u16 {
        let seen = self.seen.get(slot as usize / 64).is_some_and(|word| word >> (slot % 64) & 1 == 1);
        if seen { self.count_of(slot) } else { 0 }
    }

    /// Words of the document.
    #[must_use]
    pub fn words(&self) -> usize {
        self.length
    }

    /// How many features the document has, those of the title as often as it weighs; and how many of them have no
    /// slot.
    #[must_use]
    pub fn features(&self) -> (u64, u64) {
        (self.all, self.unknown)
    }

    /// Share of the features that have no slot.
    #[must_use]
    pub fn unknown(&self) -> f64 {
        self.unknown as f64 / self.all.max(1) as f64
    }

    /// The counted document as a row of (slot, weight): `(1 + ln count) x idf`, scaled to length 1.
    #[must_use]
    pub fn tf_idf(&self, idf: &[f32]) -> TfIdf {
        let mut slots = self.slots.clone();
        slots.sort_unstable();
        slots.retain(|&s| idf.get(s as usize).is_some_and(|&i| i > 0.0));
        let mut values: Vec<f32> =
            slots.iter().map(|&s| log_tf(self.get(s)) * idf.get(s as usize).copied().unwrap_or(0.0)).collect();
        let length = values.iter().map(|v| v * v).sum::<f32>().sqrt();
        if length > 0.0 {
            values.iter_mut().for_each(|v| *v /= length);
        }
        TfIdf { slots, values }
    }
}

/// Room for `len` items at least.
fn grow<T: Clone + Default>(items: &mut Vec<T>, len: usize) {
    if items.len() < len {
        items.resize(len, T::default());
    }
}

/// A sparse row, slots ascending, of length 1 (or empty).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TfIdf {
    /// The features that occur.
    pub slots: Vec<u32>,
    /// Their weights.
    pub values: Vec<f32>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{features::StopWords, text::hash_word};
    use proptest::prelude::*;

    #[test]
    fn counts_words_and_pairs_with_the_title_weighted() {
        let (peace, talks) = (hash_word(b"peace"), hash_word(b"talks"));
        let pair = hash_pair(peace, talks);
        let index = FeatureIndex::build([peace, talks, pair], 6);
        let mut counter = Counter::default();
        let touched = std::cell::RefCell::new(Vec::new());
        let params = FeatureParams { title_weight: 3, ..FeatureParams::default() };
        counter.count(&Document::new("Peace talks", "Talks on peace. Talks!"), &params, &index, |s| {
            touched.borrow_mut().push(s)
        });
        let count = |hash| counter.get(index.slot(hash).unwrap());
        assert_eq!((count(peace), count(talks), count(pair)), (4, 5, 4));
        assert!(counter.slots().iter().all(|s| touched.borrow().contains(s)));
        assert_eq!(counter.slots().len(), 3);
        assert_eq!(counter.words(), 6);
        // Of "talks on", "on", "on peace", "peace talks" (across the sentence) one is known.
        assert_eq!(counter.features(), ((2 + 1) * 3 + 4 + 3, 3));
        assert!((counter.unknown() - 3.0 / 16.0).abs() < 1e-12);
        counter.count(&Document::new("", ""), &params, &index, |_| {});
        assert!(counter.slots().is_empty() && (0..64).all(|slot| counter.get(slot) == 0));
    }

    proptest! {
        #[test]
        fn counts_the_terms_one_by_one(title in "[a-d ]{0,12}", text in "([a-f]|the|of| ){0,300}", weight in 0u16..4, pairs: bool) {
            let params = FeatureParams { title_weight: weight, pairs, stop_words: StopWords::english(), ..FeatureParams::default() };
            let known = |hash: u64| !hash.is_multiple_of(4);
            let mut counter = Counter::default();
            // The second document finds nothing left of the first.
            for document in [Document::new(&text, &title), Document::new(&title, &text)] {
                let mut hashes = Vec::new();
                params.each_term(&document, |t| hashes.push(t));
                let index = FeatureIndex::build(hashes.iter().map(|t| t.hash).filter(|&h| known(h)), 14);
                counter.count(&document, &params, &index, |_| {});
                let mut counts = std::collections::BTreeMap::new();
                let (mut features, mut unknown) = (0, 0);
                for term in hashes {
                    let n = if (term.begin as usize) < document.title_len() { weight } else { 1 };
                    features += u64::from(n);
                    match index.slot(term.hash) {
                        Some(slot) => *counts.entry(slot).or_insert(0) += n,
                        None => unknown += u64::from(n),
                    }
                }
                counts.retain(|_, n| *n > 0);
                prop_assert_eq!(counter.features(), (features, unknown));
                let got: std::collections::BTreeMap<u32, u16> = counter.slots().iter().map(|&s| (s, counter.get(s))).collect();
                prop_assert_eq!(counter.slots().len(), got.len());
                let repeated: Vec<(u32, u16)> = counts.iter().map(|(&s, &n)| (s, n)).filter(|c| c.1 > 1).collect();
                let mut told: Vec<(u32, u16)> = counter.repeated().collect();
                told.sort_unstable();
                prop_assert_eq!((got, told), (counts, repeated));
            }
        }
    }

    #[test]
    fn tf_idf_has_length_one() {
        let index = FeatureIndex::build([hash_word(b"a"), hash_word(b"b")], 6);
        let mut counter = Counter::default();
        counter.count(&Document::new("", "a b a"), &FeatureParams::default(), &index, |_| {});
        let row = counter.tf_idf(&[2.0; 64]);
        assert!((row.values.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-6);
        assert_eq!(row.slots.len(), 2);
    }
}
