//! Which features a model knows: every word and pair of the training articles
//! with its document frequency, then the most useful ones.

use crate::{
    features::{FeatureIndex, FeatureParams},
    text::{Document, hash_pair},
};
use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

/// Features are hashes already; hashing them again would be waste.
#[derive(Debug, Clone, Default)]
pub struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(b);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        // The map takes the low bits for the bucket and the high ones for its tags.
        self.0 = hash.rotate_left(32);
    }
}

/// A map keyed by feature hashes.
pub type HashOf<V> = HashMap<u64, V, BuildHasherDefault<Identity>>;

/// Document frequencies.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    frequency: HashOf<u32>,
    documents: u32,
    seen: Vec<u64>,
}

impl Vocabulary {
    /// Counts the features of one document, each once.
    pub fn add(&mut self, document: &Document, params: &FeatureParams) {
        self.seen.clear();
        features(document, params, |hash| self.seen.push(hash));
        self.seen.sort_unstable();
        self.seen.dedup();
        for &hash in &self.seen {
            *self.frequency.entry(hash).or_insert(0) += 1;
        }
        self.documents += 1;
    }

    /// Both counts together.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        for (hash, frequency) in other.frequency {
            *self.frequency.entry(hash).or_insert(0) += frequency;
        }
        self.documents += other.documents;
        self
    }

    /// Forgets features in fewer than `frequency` documents.
    pub fn prune(&mut self, frequency: u32) {
        self.frequency.retain(|_, f| *f >= frequency);
        self.frequency.shrink_to_fit();
    }

    /// How many documents were counted.
    #[must_use]
    pub fn documents(&self) -> u32 {
        self.documents
    }

    /// How many features there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frequency.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frequency.is_empty()
    }

    /// In how many documents a feature occurs.
    #[must_use]
    pub fn frequency(&self, hash: u64) -> u32 {
        self.frequency.get(&hash).copied().unwrap_or(0)
    }

    /// Smooth inverse document frequency, `ln((1 + n) / (1 + df)) + 1` (as scikit-learn).
    #[must_use]
    pub fn idf(&self, frequency: u32) -> f32 {
        ((1.0 + self.documents as f32) / (1.0 + frequency as f32)).ln() + 1.0
    }

    /// All features with their frequency, by descending frequency, then by hash.
    #[must_use]
    pub fn ranked(&self) -> Vec<(u64, u32)> {
        let mut all: Vec<(u64, u32)> = self.frequency.iter().map(|(&h, &f)| (h, f)).collect();
        all.sort_unstable_by_key(|&(hash, frequency)| (std::cmp::Reverse(frequency), hash));
        all
    }

    /// The idf of each slot of an index; 0 for empty slots.
    #[must_use]
    pub fn slot_idf(&self, index: &FeatureIndex) -> Vec<f32> {
        let mut idf = vec![0.0; index.slots()];
        for (hash, frequency) in self.ranked() {
            if let Some(slot) = index.slot(hash)
                && idf[slot as usize] == 0.0
            {
                idf[slot as usize] = self.idf(frequency);
            }
        }
        idf
    }
}

/// Calls `each` with every word and pair of a document, with repeats.
pub fn features(document: &Document, params: &FeatureParams, mut each: impl FnMut(u64)) {
    let (title, text) = document.tokens().split_at(document.title_tokens());
    for tokens in [title, text] {
        let mut previous = None;
        for token in tokens {
            each(token.hash);
            if let Some(first) = previous.filter(|_| params.pairs) {
                each(hash_pair(first, token.hash));
            }
            previous = Some(token.hash);
        }
    }
}
