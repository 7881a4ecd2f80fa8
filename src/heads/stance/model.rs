//! The sentence model: one softmax over hashed n-grams, meanings of words and
//! dense features, calibrated.

use super::{dense::DENSE, extract::Extractor, files::SETTINGS_FILE, known::Known, meanings::Meanings, rows::Row};
use crate::text::{Document, HASH_VERSION, Sentence};
use serde::{Deserialize, Serialize};

/// Supportive, critical, neutral.
pub(crate) const CLASSES: usize = 3;
/// Numbers that are added up side by side.
const LANES: usize = 16;
const _: () = assert!(DENSE.is_multiple_of(LANES));
/// Largest table that is read.
const MAX_BITS: u32 = 20;
/// Of the features; a change of any of them must change it.
const FEATURES_VERSION: u32 = 1;

/// What is not a weight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Version of the features.
    pub(crate) features: u32,
    /// Version of the hash.
    pub(crate) hash: u32,
    /// The table has 2^bits rows.
    pub(crate) bits: u32,
    /// What each view's n-grams count beside the dense features.
    pub(crate) view_scale: f32,
    /// Scores are multiplied by this before the softmax.
    pub(crate) inverse_temperature: f32,
    /// Added to the scores, after that.
    pub(crate) offsets: [f32; CLASSES],
    /// Least probability of an answer.
    pub(crate) threshold: f32,
}

impl Settings {
    /// Settings of a model that is not calibrated yet.
    pub(crate) fn new(bits: u32, view_scale: f32) -> Self {
        Self {
            features: FEATURES_VERSION,
            hash: HASH_VERSION,
            bits,
            view_scale,
            inverse_temperature: 1.0,
            offsets: [0.0; CLASSES],
            threshold: 0.0,
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if self.features != FEATURES_VERSION || self.hash != HASH_VERSION {
            return Err(format!("{SETTINGS_FILE}: made for other features: train it again with this version"));
        }
        if !(8..=MAX_BITS).contains(&self.bits) {
            return Err(format!("{SETTINGS_FILE}: bits is {}, not within 8..={MAX_BITS}", self.bits));
        }
        let numbers = [self.view_scale, self.inverse_temperature, self.threshold];
        if numbers.iter().chain(&self.offsets).any(|n| !n.is_finite() || n.abs() > 1e3) {
            return Err(format!("{SETTINGS_FILE}: a number is out of range"));
        }
        Ok(())
    }
}

/// Weights of the sentence model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SentenceModel {
    /// What is not a weight.
    pub(crate) settings: Settings,
    /// Of hashed n-grams.
    pub(crate) table: Vec<Row>,
    /// Weights of the dense features, label by label.
    pub(crate) dense: [Vec<f32>; CLASSES],
    /// What is known of each word.
    pub(crate) known: Known,
    /// Weights of what words mean.
    pub(crate) meanings: Meanings,
}

impl SentenceModel {
    /// Puts a model together. `vocabulary`: hashes of the words that training saw in lower case.
    pub(crate) fn new(
        settings: Settings,
        table: Vec<Row>,
        dense: Vec<[f32; CLASSES]>,
        vocabulary: Vec<u64>,
        meanings: Meanings,
    ) -> Self {
        let known = Known::new(vocabulary, meanings.hashes());
        let dense = std::array::from_fn(|class| dense.iter().filter_map(|row| row.get(class)).copied().collect());
        Self { settings, table, dense, known, meanings }
    }

    /// Scores before calibration of sentence number `index` for a target mentioned in it at `mentions`, and whether the
    /// first mention stands in quotation marks.
    pub(crate) fn scores(
        &self,
        extractor: &mut Extractor,
        document: &Document,
        sentence: (usize, &Sentence),
        mentions: &[(usize, usize)],
    ) -> ([f32; CLASSES], bool) {
        let (bits, Extractor { features, rows }) = (self.settings.bits, extractor);
        rows.clear();
        let quoted = features.run(document, sentence, mentions, &self.known, |view, hash| rows.add(view, hash, bits));
        let sums = rows.sums(&self.table);
        let mut scores = [0.0f32; CLASSES];
        for sums in sums {
            let scale = norm(sums[3], self.settings.view_scale);
            for (score, sum) in scores.iter_mut().zip(sums) {
                *score += sum * scale;
            }
        }
        for (score, weights) in scores.iter_mut().zip(&self.dense) {
            *score += dot(&features.dense, weights);
        }
        self.meanings.add(&features.pooled, &mut scores);
        (scores, quoted)
    }

    /// Calibrated probabilities.
    pub(crate) fn probabilities(&self, scores: [f32; CLASSES]) -> [f64; CLASSES] {
        let mut z = [0.0f64; CLASSES];
        for ((z, score), offset) in z.iter_mut().zip(scores).zip(self.settings.offsets) {
            *z = f64::from(score) * f64::from(self.settings.inverse_temperature) + f64::from(offset);
        }
        softmax(z)
    }
}

/// Sum of the products, in as many parts as a processor adds up at once.
fn dot(values: &[f32], weights: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    for (values, weights) in values.as_chunks::<LANES>().0.iter().zip(weights.as_chunks::<LANES>().0) {
        for ((sum, value), weight) in sums.iter_mut().zip(values).zip(weights) {
            *sum += value * weight;
        }
    }
    sums.iter().sum()
}

/// What a view is divided by.
pub(crate) fn norm(squares: f32, view_scale: f32) -> f32 {
    if squares > 0.0 { view_scale / squares.sqrt() } else { 0.0 }
}

/// Shifted by the largest, so that nothing overflows.
pub(crate) fn softmax(z: [f64; CLASSES]) -> [f64; CLASSES] {
    let most = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let e = z.map(|v| (v - most).exp());
    let sum: f64 = e.iter().sum();
    e.map(|v| v / sum)
}
