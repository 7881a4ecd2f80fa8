//! The features of one document with their counts.

use super::{FeatureIndex, FeatureParams, log_tf};
use crate::text::{Document, hash_pair};

/// Counts slots; one a thread, reused from document to document.
#[derive(Debug, Clone, Default)]
pub struct Counter {
    /// Count of each slot; all zero between documents.
    counts: Vec<u16>,
    /// The slots that occur, in the order of their first occurrence.
    slots: Vec<u32>,
    words: usize,
    /// Features of the document as they were counted, and those of them that have no slot.
    features: u64,
    unknown: u64,
}

impl Counter {
    /// Counts the features of `document`; `touch` is called with the slot of each (the number of slots for an unknown
    /// one), so that its weights can be fetched ahead of their use.
    pub fn count(
        &mut self,
        document: &Document,
        params: &FeatureParams,
        index: &FeatureIndex,
        mut touch: impl FnMut(u32),
    ) {
        self.clear();
        // One more than there are slots: unknown features are counted there and forgotten.
        let end = index.slots();
        if self.counts.len() != end + 1 {
            self.counts = vec![0; end + 1];
        }
        let words = document.tokens().len();
        self.slots.resize(2 * words + 1, 0);
        let (title, text) = document.tokens().split_at(document.title_tokens());
        let mut distinct = 0;
        for (tokens, weight) in [(title, params.title_weight), (text, 1)] {
            let mut add = |slot: u32| {
                touch(slot);
                let Some(count) = self.counts.get_mut(slot as usize) else { return };
                if let Some(place) = self.slots.get_mut(distinct) {
                    *place = slot;
                }
                // Whether a feature is new cannot be foreseen either: the place is written in any case.
                distinct += usize::from(*count == 0);
                *count = count.saturating_add(weight);
            };
            let mut previous = None;
            for token in tokens {
                add(index.slot_or_end(token.hash));
                if let Some(first) = previous.filter(|_| params.pairs) {
                    add(index.slot_or_end(hash_pair(first, token.hash)));
                }
                previous = Some(token.hash);
            }
        }
        self.slots.truncate(distinct);
        self.unknown = self.counts.last_mut().map_or(0, |unknown| u64::from(std::mem::take(unknown)));
        let in_part = |words: usize| (words + if params.pairs { words.saturating_sub(1) } else { 0 }) as u64;
        self.features = in_part(title.len()) * u64::from(params.title_weight) + in_part(text.len());
        if let Some(at) = self.slots.iter().position(|&s| s as usize == end) {
            self.slots.remove(at);
        }
        self.words = words;
    }

    fn clear(&mut self) {
        for &slot in &self.slots {
            if let Some(count) = self.counts.get_mut(slot as usize) {
                *count = 0;
            }
        }
        self.slots.clear();
    }

    /// The slots that occur.
    #[must_use]
    pub fn slots(&self) -> &[u32] {
        &self.slots
    }

    /// Counts of all slots of the index, also those that do not occur.
    #[must_use]
    pub fn counts(&self) -> &[u16] {
        &self.counts
    }

    /// Count of one slot.
    #[must_use]
    pub fn get(&self, slot: u32) -> u16 {
        self.counts.get(slot as usize).copied().unwrap_or(0)
    }

    /// Words of the document.
    #[must_use]
    pub fn words(&self) -> usize {
        self.words
    }

    /// How many features the document has, those of the title as often as it weighs; and how many of them have no
    /// slot, at most 65,535.
    #[must_use]
    pub fn features(&self) -> (u64, u64) {
        (self.features, self.unknown)
    }

    /// Share of the features that have no slot.
    #[must_use]
    pub fn unknown(&self) -> f64 {
        self.unknown as f64 / self.features.max(1) as f64
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
    use crate::text::hash_word;

    #[test]
    fn counts_words_and_pairs_with_the_title_weighted() {
        let (peace, talks) = (hash_word(b"peace"), hash_word(b"talks"));
        let pair = hash_pair(peace, talks);
        let index = FeatureIndex::build([peace, talks, pair], 6);
        let mut counter = Counter::default();
        let mut touched = Vec::new();
        let params = FeatureParams { title_weight: 3, ..FeatureParams::default() };
        counter.count(&Document::new("Peace talks", "Talks on peace. Talks!"), &params, &index, |s| touched.push(s));
        let count = |hash| counter.get(index.slot(hash).unwrap());
        assert_eq!((count(peace), count(talks), count(pair)), (4, 5, 4));
        assert!(counter.slots().iter().all(|s| touched.contains(s)));
        assert_eq!(counter.slots().len(), 3);
        assert_eq!(counter.words(), 6);
        // Of "talks on", "on", "on peace", "peace talks" (across the sentence) one is known.
        assert_eq!(counter.features(), ((2 + 1) * 3 + 4 + 3, 3));
        assert!((counter.unknown() - 3.0 / 16.0).abs() < 1e-12);
        counter.count(&Document::new("", ""), &params, &index, |_| {});
        assert!(counter.slots().is_empty() && counter.counts().iter().all(|&c| c == 0));
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
