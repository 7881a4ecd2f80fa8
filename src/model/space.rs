//! The feature space of a model: parameters, index, table of weights, and
//! which columns belong to whom. As files: `features.json`, `features.safetensors`.

use super::{Files, manifest::hex_digest};
use crate::features::{BLOCK_LANES, FeatureIndex, FeatureParams, WeightTable};
use half::f16;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use std::ops::Range;

const JSON: &str = "features.json";
const TENSORS: &str = "features.safetensors";
/// Most columns of all heads together.
const MAX_COLUMNS: usize = 4096;

/// How many columns of the table each user has; they stand in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    /// One a topic label.
    pub topic: usize,
    /// One a desk and one for "none": the region head's bag-of-words prior.
    pub desk: usize,
    /// "news" and "other", or none.
    #[serde(default)]
    pub domain: usize,
}

impl Columns {
    /// The topic head's columns.
    #[must_use]
    pub fn topic(self) -> Range<usize> {
        0..self.topic
    }

    /// The desks' columns.
    #[must_use]
    pub fn desk(self) -> Range<usize> {
        self.topic..self.topic + self.desk
    }

    /// The columns of "news" and "other".
    #[must_use]
    pub fn domain(self) -> Range<usize> {
        self.topic + self.desk..self.total()
    }

    /// All columns.
    #[must_use]
    pub fn total(self) -> usize {
        self.topic + self.desk + self.domain
    }
}

/// Parameters, index, weights.
#[derive(Debug, Clone)]
pub struct Space {
    /// How text becomes features.
    pub params: FeatureParams,
    /// Who owns which column.
    pub columns: Columns,
    /// Feature to slot.
    pub index: FeatureIndex,
    /// Slot to weights.
    pub table: WeightTable,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    params: FeatureParams,
    columns: Columns,
}

impl Space {
    /// SHA-256 over what turns text into features: parameters, fingerprints, idf.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut bytes = serde_json::to_vec(&self.params).unwrap_or_default();
        bytes.extend(self.index.fingerprints().into_iter().flat_map(u16::to_le_bytes));
        let idf = |slot| f16::from_f32(self.table.idf(slot)).to_le_bytes();
        bytes.extend((0..self.table.slots() as u32).flat_map(idf));
        hex_digest(&bytes)
    }

    /// Adds the space's files.
    ///
    /// # Errors
    /// When a tensor cannot be laid out; never in practice.
    pub fn save(&self, files: &mut Files) -> Result<(), String> {
        let header = Header { params: self.params.clone(), columns: self.columns };
        let json = serde_json::to_vec_pretty(&header).map_err(|e| e.to_string())?;
        let slots = self.index.slots();
        let prints: Vec<u8> = self.index.fingerprints().into_iter().flat_map(u16::to_le_bytes).collect();
        let rows: Vec<u8> = self.table.halves().iter().flat_map(|h| h.to_le_bytes()).collect();
        let bias: Vec<u8> = self.table.bias().iter().flat_map(|b| b.to_le_bytes()).collect();
        let width = self.table.halves().len() / slots.max(1);
        let view = |dtype, shape, bytes| TensorView::new(dtype, shape, bytes).map_err(|e| e.to_string());
        let tensors = [
            ("fingerprints", view(Dtype::U16, vec![slots], &prints)?),
            ("rows", view(Dtype::F16, vec![slots, width], &rows)?),
            ("bias", view(Dtype::F32, vec![self.table.columns()], &bias)?),
        ];
        let tensors = safetensors::serialize(tensors, None).map_err(|e| e.to_string())?;
        files.insert(JSON.to_owned(), json.into());
        files.insert(TENSORS.to_owned(), tensors.into());
        Ok(())
    }

    /// Reads the space's files; `get` gives a file's bytes.
    ///
    /// # Errors
    /// The file's name and what is wrong with it.
    pub fn load<'a>(get: &dyn Fn(&str) -> Option<&'a [u8]>) -> Result<Self, (&'static str, String)> {
        let bytes = |name| get(name).ok_or((name, "missing from the bundle".to_owned()));
        let json = bytes(JSON)?;
        let Header { params, columns } = serde_json::from_slice(json).map_err(|e| (JSON, e.to_string()))?;
        if params.hash_version != crate::text::HASH_VERSION {
            let (got, own) = (params.hash_version, crate::text::HASH_VERSION);
            return Err((
                JSON,
                format!("hash version {got}; this version of wiredesk computes {own}: retrain the model"),
            ));
        }
        if [columns.topic, columns.desk, columns.domain].iter().any(|&n| n > MAX_COLUMNS) {
            return Err((JSON, format!("more than {MAX_COLUMNS} columns")));
        }
        let data = bytes(TENSORS)?;
        let (index, table) = tensors(data, columns).map_err(|e| (TENSORS, e))?;
        Ok(Self { params, columns, index, table })
    }
}

fn tensors(data: &[u8], columns: Columns) -> Result<(FeatureIndex, WeightTable), String> {
    let tensors = SafeTensors::deserialize(data).map_err(|e| e.to_string())?;
    let tensor = |name: &str, dtype: Dtype| {
        let view = tensors.tensor(name).map_err(|e| format!("{name}: {e}"))?;
        if view.dtype() == dtype { Ok(view) } else { Err(format!("{name}: {:?} where {dtype:?} is due", view.dtype())) }
    };
    let prints = tensor("fingerprints", Dtype::U16)?;
    let prints: Vec<u16> = prints.data().as_chunks().0.iter().map(|b| u16::from_le_bytes(*b)).collect();
    let index = FeatureIndex::from_fingerprints(&prints).map_err(|e| e.to_string())?;
    let bias = tensor("bias", Dtype::F32)?;
    let bias: Vec<f32> = bias.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    if bias.len() != columns.total() {
        return Err(format!("bias: {} numbers for {} columns", bias.len(), columns.total()));
    }
    let rows = tensor("rows", Dtype::F16)?;
    if rows.shape().get(1).is_none_or(|w| w % BLOCK_LANES != 0) {
        return Err(format!("rows: shape {:?} is not whole blocks of {BLOCK_LANES}", rows.shape()));
    }
    let rows: Vec<f16> = rows.data().as_chunks().0.iter().map(|b| f16::from_le_bytes(*b)).collect();
    let table = WeightTable::from_halves(&rows, index.slots(), bias)?;
    Ok((index, table))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::hash_word;

    #[test]
    fn round_trips_and_refuses_damage() {
        let index = FeatureIndex::build([hash_word(b"a"), hash_word(b"b")], 5);
        let mut table = WeightTable::new(index.slots(), vec![0.5, 0.25, 0.0]);
        table.set_idf(1, 2.0);
        table.set_weight(1, 2, 3.0);
        let space =
            Space { params: FeatureParams::default(), columns: Columns { topic: 2, desk: 1, domain: 0 }, index, table };
        let mut files = Files::new();
        space.save(&mut files).unwrap();
        let again = Space::load(&|n| files.get(n).map(AsRef::as_ref)).unwrap();
        assert_eq!((again.digest(), &again.table), (space.digest(), &space.table));
        for cut in [0, 7, 100, files[TENSORS].len() - 1] {
            let get = |n: &str| files.get(n).map(|b| if n == TENSORS { &b[..cut] } else { &b[..] });
            assert_eq!(Space::load(&get).unwrap_err().0, TENSORS);
        }
    }
}
