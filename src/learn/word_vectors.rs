//! Static word vectors: what a sentence encoder knows of each word, as a few
//! dozen numbers. Read when training only: the weights learned on them fold
//! into the rows of the feature table, so serving never sees them.

use crate::learn::vocabulary::HashOf;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

/// Vectors by word hash, one signed byte a dimension with one scale a word.
#[derive(Debug, Clone, Default)]
pub struct WordVectors {
    rows: HashOf<u32>,
    dimensions: usize,
    bytes: Vec<i8>,
    scales: Vec<f32>,
}

impl WordVectors {
    /// Reads tensors `words` (U64 hashes), `vectors` (I8, one row a word) and `scales` (F32).
    ///
    /// # Errors
    /// When a tensor is missing or they do not fit together.
    pub fn parse(data: &[u8]) -> Result<Self, String> {
        let tensors = SafeTensors::deserialize(data).map_err(|e| e.to_string())?;
        let tensor = |name: &str, dtype| -> Result<TensorView<'_>, String> {
            let view = tensors.tensor(name).map_err(|e| format!("{name}: {e}"))?;
            if view.dtype() == dtype { Ok(view) } else { Err(format!("{name}: {dtype:?} is due")) }
        };
        let (words, vectors, scales) =
            (tensor("words", Dtype::U64)?, tensor("vectors", Dtype::I8)?, tensor("scales", Dtype::F32)?);
        let &[n, dimensions] = vectors.shape() else { return Err("vectors: two dimensions are due".to_owned()) };
        if words.shape() != [n] || scales.shape() != [n] || dimensions == 0 || n > u32::MAX as usize {
            return Err(format!("{:?} words, {n} vectors, {:?} scales", words.shape(), scales.shape()));
        }
        let hashes = words.data().as_chunks().0.iter().map(|b| u64::from_le_bytes(*b));
        Ok(Self {
            rows: hashes.zip(0u32..).collect(),
            dimensions,
            bytes: vectors.data().iter().map(|b| b.cast_signed()).collect(),
            scales: scales.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        })
    }

    /// Numbers a word.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Hashes of all words, ascending.
    #[must_use]
    pub fn words(&self) -> Vec<u64> {
        let mut words: Vec<u64> = self.rows.keys().copied().collect();
        words.sort_unstable();
        words
    }

    /// A word's vector.
    pub fn get(&self, word: u64) -> Option<impl Iterator<Item = f32>> {
        let row = *self.rows.get(&word)? as usize;
        let scale = self.scales.get(row)?;
        let bytes = self.bytes.get(row * self.dimensions..(row + 1) * self.dimensions)?;
        Some(bytes.iter().map(move |&b| f32::from(b) * scale))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_vectors() {
        let words: Vec<u8> = [7u64, 9].iter().flat_map(|w| w.to_le_bytes()).collect();
        let scales: Vec<u8> = [0.5f32, 2.0].iter().flat_map(|w| w.to_le_bytes()).collect();
        let vectors = [1u8, 2, 255, 4];
        let file = |n| {
            let view = |dtype, shape, data| TensorView::new(dtype, shape, data).unwrap();
            let tensors = [
                ("words", view(Dtype::U64, vec![2], &words[..])),
                ("vectors", view(Dtype::I8, vec![2, 2], &vectors[..])),
                ("scales", view(Dtype::F32, vec![2], &scales[..])),
            ];
            safetensors::serialize(tensors.into_iter().take(n), None).unwrap()
        };
        let read = WordVectors::parse(&file(3)).unwrap();
        assert_eq!(read.get(9).unwrap().collect::<Vec<_>>(), [-2.0, 8.0]);
        assert!(read.get(8).is_none() && read.words() == [7, 9]);
        assert!(WordVectors::parse(&file(2)).is_err() && WordVectors::parse(b"x").is_err());
    }
}
