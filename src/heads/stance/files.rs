//! The sentence model's files.

use super::{
    dense::DENSE,
    grams::{self, GROUPS, GramTable},
    mask::SYMBOLS,
    model::{CLASSES, Parts, SentenceModel, Settings},
    pairs::{self, PAIR_POOLS, PairTable},
    position::POOLS,
    rows::{self, WordRows},
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

/// Largest vocabulary that is read.
const MAX_VOCABULARY: usize = 1 << 18;
/// What a step of each pool's and group's numbers is.
const STEPS: usize = POOLS + PAIR_POOLS + GROUPS;
/// File with the numbers.
const WEIGHTS_FILE: &str = "stance.safetensors";
/// File with the rest.
pub(super) const SETTINGS_FILE: &str = "stance.json";

impl SentenceModel {
    /// The model's files by name.
    pub(crate) fn to_files(&self) -> Vec<(String, Vec<u8>)> {
        let row = |at: usize| self.dense.iter().filter_map(move |weights| weights.get(at));
        let dense: Vec<u8> = (0..DENSE).flat_map(row).flat_map(|v| v.to_le_bytes()).collect();
        let hashes = |words: &[u64]| words.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        let (vocabulary, words) = (hashes(self.known.vocabulary()), hashes(&self.hashes));
        let steps = [&self.words.steps()[..], &self.pairs.steps(), &self.grams.steps()];
        let steps: Vec<u8> = steps.into_iter().flatten().flat_map(|v| v.to_le_bytes()).collect();
        let (rows, pairs, grams) = (self.words.to_bytes(), self.pairs.to_bytes(), self.grams.to_bytes());
        let places = 1 << self.settings.bits;
        let tensors = [
            ("rows", Dtype::I8, vec![self.words.len(), rows::WIDTH], &rows),
            ("pairs", Dtype::I8, vec![places, pairs::WIDTH], &pairs),
            ("grams", Dtype::I8, vec![places, grams::WIDTH], &grams),
            ("steps", Dtype::F32, vec![STEPS], &steps),
            ("dense", Dtype::F32, vec![DENSE, CLASSES], &dense),
            ("vocabulary", Dtype::U64, vec![self.known.vocabulary().len()], &vocabulary),
            ("words", Dtype::U64, vec![self.hashes.len()], &words),
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
        let settings = Settings::read(get(SETTINGS_FILE).ok_or_else(|| missing(SETTINGS_FILE))?)?;
        let bytes = get(WEIGHTS_FILE).ok_or_else(|| missing(WEIGHTS_FILE))?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| format!("{WEIGHTS_FILE}: {e}"))?;
        let places = 1 << settings.bits;
        let (vocabulary, words) = (hashes(&tensors, "vocabulary")?, hashes(&tensors, "words")?);
        let lines = words.len() + SYMBOLS.len() + 1;
        let rows = tensor(&tensors, "rows", Dtype::I8, &[lines, rows::WIDTH])?;
        let pairs = tensor(&tensors, "pairs", Dtype::I8, &[places, pairs::WIDTH])?;
        let grams = tensor(&tensors, "grams", Dtype::I8, &[places, grams::WIDTH])?;
        let steps = numbers(&tensors, "steps", &[STEPS])?;
        let mut steps = steps.into_iter();
        let mut step = |_| steps.next().unwrap_or(0.0);
        let weights = WordRows::from_bytes(rows, std::array::from_fn(&mut step));
        let pairs = PairTable::from_bytes(settings.bits, pairs, std::array::from_fn(&mut step));
        let grams = GramTable::from_bytes(settings.bits, grams, std::array::from_fn(&mut step));
        let dense = numbers(&tensors, "dense", &[DENSE, CLASSES])?.as_chunks().0.to_vec();
        Ok(Self::new(settings, Parts { hashes: words, words: weights, pairs, grams, dense, vocabulary }))
    }
}

/// Finite numbers.
fn numbers(tensors: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
    let bytes = tensor(tensors, name, Dtype::F32, shape)?;
    let numbers: Vec<f32> = bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    if numbers.iter().any(|n| !n.is_finite()) {
        return Err(format!("{WEIGHTS_FILE}: {name} holds what is not a number"));
    }
    Ok(numbers)
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

/// A tensor's bytes, if it has this type and shape.
fn tensor<'a>(tensors: &SafeTensors<'a>, name: &str, dtype: Dtype, shape: &[usize]) -> Result<&'a [u8], String> {
    let view = tensors.tensor(name).map_err(|e| format!("{WEIGHTS_FILE}: {name}: {e}"))?;
    if view.dtype() != dtype || view.shape() != shape {
        let (got, kind) = (view.shape(), view.dtype());
        return Err(format!("{WEIGHTS_FILE}: {name} is {kind:?} {got:?}, not {dtype:?} {shape:?}"));
    }
    Ok(view.data())
}
