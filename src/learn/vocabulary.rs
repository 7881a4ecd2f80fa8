//! Which features a model knows: every word and pair of the training articles
//! with its document frequency, then the most useful ones.

use super::{job::Job, rows::LabelledArticle};
use crate::{
    features::{FeatureIndex, FeatureParams},
    text::Document,
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
}

impl Vocabulary {
    /// Of articles, counted on all threads.
    #[must_use]
    pub fn of(articles: &[&LabelledArticle], params: &FeatureParams, job: &Job<'_>) -> Self {
        let parts: Vec<&[&LabelledArticle]> = articles.chunks(articles.len().div_ceil(job.threads).max(1)).collect();
        let counted = job.map(parts, Document::default, |document, articles| {
            let mut vocabulary = Self::default();
            for article in articles {
                document.read(&article.title, &article.text);
                vocabulary.add(document, params);
            }
            vocabulary
        });
        counted.into_iter().reduce(Self::merge).unwrap_or_default()
    }

    /// Counts the features of one document, each once.
    pub fn add(&mut self, document: &Document, params: &FeatureParams) {
        self.add_features(&features_once(document, params));
    }

    /// Counts one document of these features.
    pub fn add_features(&mut self, features: &[u64]) {
        for &hash in features {
            *self.frequency.entry(hash).or_insert(0) += 1;
        }
        self.documents += 1;
    }

    /// When there are more than `most` features, forgets the rarest until half as many are left. What was forgotten and
    /// comes again is counted from the start: rare features are counted low, frequent ones hardly (Manku and Motwani 2002).
    pub fn shed(&mut self, most: usize) {
        let mut least = 2;
        while self.frequency.len() > most || (least > 2 && self.frequency.len() > most / 2) {
            self.frequency.retain(|_, f| *f >= least);
            least += 1;
        }
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

/// The words and pairs of a document, each once.
#[must_use]
pub fn features_once(document: &Document, params: &FeatureParams) -> Vec<u64> {
    let mut seen = Vec::with_capacity(document.tokens().len() * 2);
    params.each_term(document, |term| seen.push(term.hash));
    seen.sort_unstable();
    seen.dedup();
    seen
}
