//! The sentence model: one softmax over hashed n-grams, meanings of words and
//! dense features, calibrated; and its files.

use super::{
    dense::{self, DENSE, Dense},
    keys::Vocabulary,
    mask::Masker,
    meanings::{self, Meanings, POOLS, Pooled},
    outline::Outlines,
    roles::{self, Cue},
    views,
};
use crate::{
    features::widen,
    text::{Document, HASH_VERSION, Sentence},
};
use half::f16;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

pub(crate) use super::views::VIEWS;

/// Supportive, critical, neutral.
pub(crate) const CLASSES: usize = 3;
/// Largest table that is read.
const MAX_BITS: u32 = 20;
/// Largest vocabulary that is read.
const MAX_VOCABULARY: usize = 1 << 18;
/// Of the features; a change of any of them must change it.
const FEATURES_VERSION: u32 = 1;

/// File with the numbers.
const WEIGHTS_FILE: &str = "stance.safetensors";
/// File with the rest.
const SETTINGS_FILE: &str = "stance.json";

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

    fn check(&self) -> Result<(), String> {
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

/// Row of an n-gram in a table of 2^bits rows.
#[inline(always)]
pub(crate) fn row(hash: u64, bits: u32) -> usize {
    (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - bits.clamp(1, 63))) as usize
}

/// Three weights (times the inverse document frequency) and that frequency, in half precision.
pub(crate) type Row = [u16; 4];

/// Weights of the sentence model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SentenceModel {
    /// What is not a weight.
    pub(crate) settings: Settings,
    /// Of hashed n-grams.
    pub(crate) table: Vec<Row>,
    /// Weights of the dense features.
    pub(crate) dense: Vec<[f32; CLASSES]>,
    /// Words known in lower case.
    pub(crate) vocabulary: Vocabulary,
    /// Weights of what words mean.
    pub(crate) meanings: Meanings,
}

/// Numbers as a row of the table.
pub(crate) fn to_row(numbers: [f32; 4]) -> Row {
    numbers.map(|v| f16::from_f32(v).to_bits())
}

/// Reused buffers: the sentences of one article, the features of one of them and a target.
#[derive(Debug, Clone)]
pub(crate) struct Extractor {
    outlines: Outlines,
    masker: Masker,
    cues: Vec<Cue>,
    tagged: Vec<u64>,
    dense: Dense,
    pooled: Vec<Pooled>,
}

impl Default for Extractor {
    fn default() -> Self {
        let (outlines, masker) = (Outlines::default(), Masker::default());
        Self { outlines, masker, cues: Vec::new(), tagged: Vec::new(), dense: [0.0; DENSE], pooled: Vec::new() }
    }
}

impl Extractor {
    /// Begins an article of `n` sentences.
    pub(crate) fn begin(&mut self, n: usize) {
        self.outlines.clear(n);
    }

    /// Computes the features of sentence number `index` for a target mentioned in it at `mentions`. `see` gets each
    /// n-gram's view and hash. Whether the first mention stands in quotation marks.
    #[inline(always)]
    pub(crate) fn run(
        &mut self,
        document: &Document,
        (index, sentence): (usize, &Sentence),
        mentions: &[(usize, usize)],
        vocabulary: &Vocabulary,
        see: impl FnMut(usize, u64),
    ) -> bool {
        let first = mentions.first().map_or(sentence.begin, |m| m.0);
        let pieces = self.outlines.of(document, (index, sentence), first, vocabulary);
        let masked = self.masker.mask(document, pieces, mentions, vocabulary);
        roles::find(masked, &mut self.cues);
        let clause = views::clause(masked);
        views::visit(masked, &self.cues, clause, &mut self.tagged, see);
        self.pooled.clear();
        meanings::pool(masked, clause, dense::zones(masked), &mut self.pooled);
        dense::fill(masked, &self.cues, clause, &mut self.dense);
        masked.targets.first().and_then(|t| masked.items.get(*t)).is_some_and(|i| i.quoted)
    }

    /// The dense features.
    pub(crate) fn dense(&self) -> &[f32] {
        &self.dense
    }

    /// The words and where they stand.
    pub(crate) fn pooled(&self) -> &[Pooled] {
        &self.pooled
    }
}

impl SentenceModel {
    /// Scores before calibration of sentence number `index` for a target mentioned in it at `mentions`, and whether the
    /// first mention stands in quotation marks.
    pub(crate) fn scores(
        &self,
        extractor: &mut Extractor,
        document: &Document,
        sentence: (usize, &Sentence),
        mentions: &[(usize, usize)],
    ) -> ([f32; CLASSES], bool) {
        let mut sums = [[0.0f32; 4]; VIEWS];
        let (table, bits) = (self.table.as_slice(), self.settings.bits);
        let quoted = extractor.run(document, sentence, mentions, &self.vocabulary, |view, hash| {
            if let (Some(row), Some(sums)) = (table.get(row(hash, bits)), sums.get_mut(view)) {
                let [a, b, c, idf] = row.map(widen);
                let values = [a, b, c, idf * idf];
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum += value;
                }
            }
        });
        let mut scores = [0.0f32; CLASSES];
        for sums in sums {
            let scale = norm(sums[3], self.settings.view_scale);
            for (score, sum) in scores.iter_mut().zip(sums) {
                *score += sum * scale;
            }
        }
        for (value, weights) in extractor.dense().iter().zip(&self.dense) {
            for (score, weight) in scores.iter_mut().zip(weights) {
                *score += value * weight;
            }
        }
        self.meanings.add(&extractor.pooled, &mut scores);
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

    /// The model's files by name.
    pub(crate) fn to_files(&self) -> Vec<(String, Vec<u8>)> {
        let table: Vec<u8> = self.table.iter().flatten().flat_map(|v| v.to_le_bytes()).collect();
        let dense: Vec<u8> = self.dense.iter().flatten().flat_map(|v| v.to_le_bytes()).collect();
        let words: Vec<u8> = self.vocabulary.hashes().iter().flat_map(|v| v.to_le_bytes()).collect();
        let known: Vec<u8> = self.meanings.hashes().iter().flat_map(|v| v.to_le_bytes()).collect();
        let halves = self.meanings.rows().iter().flatten().flatten().flat_map(|v| f16::from_f32(*v).to_le_bytes());
        let meanings: Vec<u8> = halves.collect();
        let tensors = [
            ("table", Dtype::F16, vec![self.table.len(), 4], &table),
            ("dense", Dtype::F32, vec![self.dense.len(), CLASSES], &dense),
            ("vocabulary", Dtype::U64, vec![self.vocabulary.hashes().len()], &words),
            ("words", Dtype::U64, vec![self.meanings.hashes().len()], &known),
            ("meanings", Dtype::F16, vec![self.meanings.rows().len(), POOLS, CLASSES], &meanings),
        ];
        let views = tensors
            .into_iter()
            .filter_map(|(name, dtype, shape, bytes)| Some((name, TensorView::new(dtype, shape, bytes).ok()?)));
        let weights = safetensors::serialize(views, None).unwrap_or_default();
        let settings = serde_json::to_vec_pretty(&self.settings).unwrap_or_default();
        vec![(WEIGHTS_FILE.to_owned(), weights), (SETTINGS_FILE.to_owned(), settings)]
    }

    /// Reads the files back; they may hold anything.
    pub(crate) fn from_files<'a>(get: &dyn Fn(&str) -> Option<&'a [u8]>) -> Result<Self, String> {
        let missing = |name: &str| format!("{name} is missing");
        let settings = get(SETTINGS_FILE).ok_or_else(|| missing(SETTINGS_FILE))?;
        if settings.len() > 1 << 20 {
            return Err(format!("{SETTINGS_FILE} is too large"));
        }
        let settings: Settings = serde_json::from_slice(settings).map_err(|e| format!("{SETTINGS_FILE}: {e}"))?;
        settings.check()?;
        let bytes = get(WEIGHTS_FILE).ok_or_else(|| missing(WEIGHTS_FILE))?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| format!("{WEIGHTS_FILE}: {e}"))?;
        let table = tensor(&tensors, "table", Dtype::F16, &[1 << settings.bits, 4])?;
        let halves = |row: &[u8]| {
            let mut out = Row::default();
            for (to, from) in out.iter_mut().zip(row.as_chunks::<2>().0) {
                *to = u16::from_le_bytes(*from);
            }
            out
        };
        let table: Vec<Row> = table.chunks_exact(8).map(halves).collect();
        let dense = tensor(&tensors, "dense", Dtype::F32, &[DENSE, CLASSES])?;
        let dense: Vec<[f32; CLASSES]> = dense
            .chunks_exact(4 * CLASSES)
            .map(|row| {
                let mut out = [0.0; CLASSES];
                for (to, from) in out.iter_mut().zip(row.as_chunks::<4>().0) {
                    *to = f32::from_le_bytes(*from);
                }
                out
            })
            .collect();
        let finite = table.iter().flatten().all(|w| f16::from_bits(*w).is_finite());
        if !finite || dense.iter().flatten().any(|w| !w.is_finite()) {
            return Err(format!("{WEIGHTS_FILE}: a weight is not a number"));
        }
        let vocabulary = Vocabulary::new(hashes(&tensors, "vocabulary")?);
        // Models of the first versions have none.
        let known = tensors.tensor("words").is_ok();
        let meanings = if known { read_meanings(&tensors)? } else { Meanings::default() };
        Ok(Self { settings, table, dense, vocabulary, meanings })
    }
}

/// A tensor of word hashes, ascending.
fn hashes(tensors: &SafeTensors<'_>, name: &str) -> Result<Vec<u64>, String> {
    let n = tensors.tensor(name).map_err(|e| format!("{WEIGHTS_FILE}: {e}"))?.shape().first().copied().unwrap_or(0);
    if n > MAX_VOCABULARY {
        return Err(format!("{WEIGHTS_FILE}: {name} has {n} words; the most is {MAX_VOCABULARY}"));
    }
    let bytes = tensor(tensors, name, Dtype::U64, &[n])?;
    let hashes: Vec<u64> = bytes.as_chunks::<8>().0.iter().map(|b| u64::from_le_bytes(*b)).collect();
    if !hashes.is_sorted() {
        return Err(format!("{WEIGHTS_FILE}: {name} is not sorted"));
    }
    Ok(hashes)
}

fn read_meanings(tensors: &SafeTensors<'_>) -> Result<Meanings, String> {
    let words = hashes(tensors, "words")?;
    let bytes = tensor(tensors, "meanings", Dtype::F16, &[words.len(), POOLS, CLASSES])?;
    let halves = |row: &[u8]| {
        let mut out = meanings::Row::default();
        for (to, from) in out.iter_mut().flatten().zip(row.as_chunks::<2>().0) {
            *to = f16::from_le_bytes(*from).to_f32();
        }
        out
    };
    let rows: Vec<meanings::Row> = bytes.chunks_exact(2 * POOLS * CLASSES).map(halves).collect();
    if rows.iter().flatten().flatten().any(|w| !w.is_finite()) {
        return Err(format!("{WEIGHTS_FILE}: a meaning is not a number"));
    }
    Ok(Meanings::new(words, rows))
}

/// A tensor's bytes, if it has this type and shape.
fn tensor<'a>(tensors: &SafeTensors<'a>, name: &str, dtype: Dtype, shape: &[usize]) -> Result<&'a [u8], String> {
    let view = tensors.tensor(name).map_err(|e| format!("{WEIGHTS_FILE}: {name}: {e}"))?;
    if view.dtype() != dtype || view.shape() != shape {
        let (got, kind) = (view.shape(), view.dtype());
        return Err(format!("{WEIGHTS_FILE}: {name} is {kind:?} {got:?}, not {dtype:?} {shape:?}"));
    }
    Ok(view.data())
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
