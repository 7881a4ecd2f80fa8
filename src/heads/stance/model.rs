//! The sentence model: one softmax over words by their places, pairs and
//! dense features, calibrated.

use super::{
    dense,
    extract::{Asked, Extractor},
    files::SETTINGS_FILE,
    grams::GramTable,
    known::Known,
    pairs::PairTable,
    rows::WordRows,
    valence::Valences,
};
use crate::text::{Document, HASH_VERSION, Sentence};
use serde::{Deserialize, Serialize};

/// Supportive, critical, neutral.
pub(crate) const CLASSES: usize = 3;
/// One a label.
pub(crate) type Scores = [f32; CLASSES];
/// Largest table that is read.
const MAX_BITS: u32 = 20;
/// Of the features; a change of any of them must change it.
const FEATURES_VERSION: u32 = 2;

/// What is not a weight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Version of the features.
    pub(crate) features: u32,
    /// Version of the hash.
    pub(crate) hash: u32,
    /// The tables of pairs and n-grams have 2^bits rows.
    pub(crate) bits: u32,
    /// Scores are multiplied by this before the softmax.
    pub(crate) inverse_temperature: f32,
    /// Added to the scores, after that.
    pub(crate) offsets: [f32; CLASSES],
    /// Least probability of an answer.
    pub(crate) threshold: f32,
}

/// What every version of the settings has.
#[derive(Deserialize)]
struct Version {
    features: u32,
    hash: u32,
}

impl Settings {
    /// Settings of a model that is not calibrated yet.
    pub(crate) fn new(bits: u32) -> Self {
        Self {
            features: FEATURES_VERSION,
            hash: HASH_VERSION,
            bits,
            inverse_temperature: 1.0,
            offsets: [0.0; CLASSES],
            threshold: 0.0,
        }
    }

    /// Reads the file, which may hold anything.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > 1 << 20 {
            return Err(format!("{SETTINGS_FILE} is too large"));
        }
        // The version first: other versions have other fields.
        let made: Version = serde_json::from_slice(bytes).map_err(|e| format!("{SETTINGS_FILE}: {e}"))?;
        if made.features != FEATURES_VERSION || made.hash != HASH_VERSION {
            return Err(format!("{SETTINGS_FILE}: made for other features: train it again with this version"));
        }
        let settings: Self = serde_json::from_slice(bytes).map_err(|e| format!("{SETTINGS_FILE}: {e}"))?;
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), String> {
        if !(8..=MAX_BITS).contains(&self.bits) {
            return Err(format!("{SETTINGS_FILE}: bits is {}, not within 8..={MAX_BITS}", self.bits));
        }
        let numbers = [self.inverse_temperature, self.threshold];
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
    /// Hashes of the words that have rows, in their order.
    pub(super) hashes: Vec<u64>,
    /// What words say.
    pub(super) words: WordRows,
    /// What pairs of words say.
    pub(super) pairs: PairTable,
    /// What n-grams say.
    pub(super) grams: GramTable,
    /// Weights of the dense features, label by label.
    pub(super) dense: [Vec<f32>; CLASSES],
    /// Those of valence, put together.
    valences: Valences,
    /// What is known of each word.
    pub(crate) known: Known,
}

/// The parts that a model is put together from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parts {
    /// Hashes of the words that have rows.
    pub(crate) hashes: Vec<u64>,
    /// An empty row, those of the symbols, those of the words.
    pub(crate) words: WordRows,
    /// Of pairs of words.
    pub(crate) pairs: PairTable,
    /// Of n-grams.
    pub(crate) grams: GramTable,
    /// Weights of the dense features.
    pub(crate) dense: Vec<[f32; CLASSES]>,
    /// Hashes of the words that training saw in lower case.
    pub(crate) vocabulary: Vec<u64>,
}

impl SentenceModel {
    /// Puts a model together.
    pub(crate) fn new(settings: Settings, parts: Parts) -> Self {
        let Parts { hashes, words, pairs, grams, dense, vocabulary } = parts;
        let known = Known::new(vocabulary, &hashes);
        let dense = std::array::from_fn(|class| dense.iter().filter_map(|row| row.get(class)).copied().collect());
        Self { settings, hashes, words, pairs, grams, valences: Valences::new(&dense), dense, known }
    }

    /// Scores before calibration of sentence number `index` for a target mentioned in it at `mentions`, and whether the
    /// first mention stands in quotation marks.
    pub(crate) fn scores(
        &self,
        extractor: &mut Extractor,
        document: &Document,
        sentence: (usize, &Sentence),
        mentions: &[(usize, usize)],
    ) -> (Scores, bool) {
        let (seen, Asked { pairs, grams }) =
            extractor.see(document, sentence, mentions, &self.known, |row| self.words.fetch(row));
        let (items, mut scores) = (seen.masked.items.as_slice(), Scores::default());
        // Their rows are on the way while the rest is added up.
        self.pairs.ask(items, seen.positions, pairs);
        self.grams.ask(seen.masked, seen.cues, grams);
        self.valences.add(items, seen.positions, &mut scores);
        self.words.add(items, seen.positions, &mut scores);
        self.pairs.add(pairs, &mut scores);
        self.grams.add(grams, &mut scores);
        dense::rest(seen.masked, seen.cues, |at, value| {
            for (score, weights) in scores.iter_mut().zip(&self.dense) {
                *score += value * weights.get(at).copied().unwrap_or(0.0);
            }
        });
        (scores, seen.quoted())
    }

    /// Calibrated probabilities.
    pub(crate) fn probabilities(&self, scores: Scores) -> [f64; CLASSES] {
        let mut z = [0.0f64; CLASSES];
        for ((z, score), offset) in z.iter_mut().zip(scores).zip(self.settings.offsets) {
            *z = f64::from(score) * f64::from(self.settings.inverse_temperature) + f64::from(offset);
        }
        softmax(z)
    }
}

/// Shifted by the largest, so that nothing overflows.
pub(crate) fn softmax(z: [f64; CLASSES]) -> [f64; CLASSES] {
    let most = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let e = z.map(|v| (v - most).exp());
    let sum: f64 = e.iter().sum();
    e.map(|v| v / sum)
}
