//! The sentence model's files.

use super::{
    dense::DENSE,
    meanings::{self, Meanings, POOLS},
    model::{CLASSES, SentenceModel, Settings},
    rows::Row,
};
use half::f16;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

/// Largest vocabulary that is read.
const MAX_VOCABULARY: usize = 1 << 18;
/// File with the numbers.
const WEIGHTS_FILE: &str = "stance.safetensors";
/// File with the rest.
pub(super) const SETTINGS_FILE: &str = "stance.json";

impl SentenceModel {
    /// The model's files by name.
    pub(crate) fn to_files(&self) -> Vec<(String, Vec<u8>)> {
        let table: Vec<u8> = self.table.iter().flatten().flat_map(|v| v.to_le_bytes()).collect();
        let row = |at: usize| self.dense.iter().filter_map(move |weights| weights.get(at));
        let dense: Vec<u8> = (0..DENSE).flat_map(row).flat_map(|v| v.to_le_bytes()).collect();
        let words: Vec<u8> = self.known.vocabulary().iter().flat_map(|v| v.to_le_bytes()).collect();
        let known: Vec<u8> = self.meanings.hashes().iter().flat_map(|v| v.to_le_bytes()).collect();
        let meanings: Vec<u8> = self.meanings.rows().flat_map(|v| f16::from_f32(v).to_le_bytes()).collect();
        let tensors = [
            ("table", Dtype::F16, vec![self.table.len(), 4], &table),
            ("dense", Dtype::F32, vec![DENSE, CLASSES], &dense),
            ("vocabulary", Dtype::U64, vec![self.known.vocabulary().len()], &words),
            ("words", Dtype::U64, vec![self.meanings.hashes().len()], &known),
            ("meanings", Dtype::F16, vec![self.meanings.hashes().len(), POOLS, CLASSES], &meanings),
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
        let vocabulary = hashes(&tensors, "vocabulary")?;
        // Models of the first versions have none.
        let known = tensors.tensor("words").is_ok();
        let meanings = if known { read_meanings(&tensors)? } else { Meanings::default() };
        Ok(Self::new(settings, table, dense, vocabulary, meanings))
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
