//! The weights of all heads, one cache line a feature.
//!
//! A row is one or more blocks of 32 half-precision numbers (64 bytes). Lane
//! 31 of the first block is the feature's idf; the other lanes are the weights
//! of the columns (one column a label of a head), already multiplied by the
//! idf, so that a document's scores are `sum(log_tf x row) / norm + bias`.

use super::{Counter, kernel, pages::Pages};
use half::f16;

/// Numbers in one cache line.
pub const BLOCK_LANES: usize = 32;
/// The lane of the first block that holds the idf.
const IDF_LANE: usize = BLOCK_LANES - 1;

/// One cache line of a row.
#[repr(C, align(64))]
#[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub(super) struct Block(pub(super) [u16; BLOCK_LANES]);

/// Weights of every feature for every column.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightTable {
    blocks: Pages,
    /// Blocks a row.
    width: usize,
    bias: Vec<f32>,
}

/// The scores of a document before calibration.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sums {
    /// Score of each column, bias included.
    pub scores: Vec<f32>,
    /// Length of the tf-idf row; a contribution is `log_tf x weight / norm`.
    pub norm: f32,
}

impl WeightTable {
    /// An all-zero table.
    #[must_use]
    pub fn new(slots: usize, bias: Vec<f32>) -> Self {
        let width = width(bias.len());
        Self { blocks: Pages::zeroed(slots * width), width, bias }
    }

    /// Reads a table from the numbers of all its rows.
    ///
    /// # Errors
    /// When the numbers are not `slots` whole rows for that many columns, or one is not finite.
    pub fn from_halves(halves: &[f16], slots: usize, bias: Vec<f32>) -> Result<Self, String> {
        let mut table = Self::new(0, bias);
        let expected = slots.checked_mul(table.width * BLOCK_LANES);
        if expected != Some(halves.len()) {
            let (got, columns) = (halves.len(), table.bias.len());
            return Err(format!("weight table: {got} numbers are not {slots} rows for {columns} columns"));
        }
        if halves.iter().any(|h| !h.is_finite()) || table.bias.iter().any(|b| !b.is_finite()) {
            return Err("weight table: a weight is not finite".to_owned());
        }
        table.blocks = Pages::zeroed(slots * table.width);
        let bits: &[u16] = bytemuck::cast_slice(halves);
        bytemuck::cast_slice_mut::<Block, u16>(&mut table.blocks).copy_from_slice(bits);
        Ok(table)
    }

    /// The numbers of all rows, for a file.
    #[must_use]
    pub fn halves(&self) -> &[f16] {
        bytemuck::cast_slice(&self.blocks)
    }

    /// How many features there are.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.blocks.len() / self.width
    }

    /// How many columns there are.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.bias.len()
    }

    /// Bias of each column.
    #[must_use]
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// Sets a feature's idf.
    pub fn set_idf(&mut self, slot: u32, idf: f32) {
        self.set_lane(slot, IDF_LANE, idf);
    }

    /// Sets a feature's weight for a column: the weight on a tf-idf value, not yet multiplied by the idf.
    pub fn set_weight(&mut self, slot: u32, column: usize, weight: f32) {
        let idf = self.idf(slot);
        self.set_lane(slot, lane(column), weight * idf);
    }

    fn set_lane(&mut self, slot: u32, lane: usize, value: f32) {
        let at = slot as usize * self.width + lane / BLOCK_LANES;
        if let Some(target) = self.blocks.get_mut(at).and_then(|b| b.0.get_mut(lane % BLOCK_LANES)) {
            *target = f16::from_f32(value.clamp(-65_000.0, 65_000.0)).to_bits();
        }
    }

    fn get_lane(&self, slot: u32, lane: usize) -> f32 {
        let block = self.blocks.get(slot as usize * self.width + lane / BLOCK_LANES);
        block.and_then(|b| b.0.get(lane % BLOCK_LANES)).map_or(0.0, |&bits| f16::from_bits(bits).to_f32())
    }

    /// A feature's idf; 0 for a slot that holds none.
    #[must_use]
    pub fn idf(&self, slot: u32) -> f32 {
        self.get_lane(slot, IDF_LANE)
    }

    /// A feature's weight for a column, multiplied by its idf.
    #[must_use]
    pub fn scaled_weight(&self, slot: u32, column: usize) -> f32 {
        self.get_lane(slot, lane(column))
    }

    /// Asks the processor to fetch a row; the last one for a slot beyond the end.
    pub fn fetcher(&self) -> impl Fn(u32) + '_ {
        // Where the rows lie is found out once, not for each.
        let (blocks, width): (&[Block], _) = (&self.blocks, self.width);
        let last = blocks.len().saturating_sub(1);
        #[inline(always)]
        move |slot| kernel::prefetch(blocks, (slot as usize * width).min(last))
    }

    /// The scores of a counted document.
    pub fn score(&self, counter: &Counter, sums: &mut Sums) {
        sums.scores.clear();
        let mut norm2 = 0.0;
        for offset in 0..self.width {
            let (lanes, idf2) =
                kernel::accumulate(&self.blocks, self.width, offset, counter.slots(), counter.repeated());
            let kept = if offset == 0 {
                norm2 = idf2;
                IDF_LANE
            } else {
                BLOCK_LANES
            };
            sums.scores.extend(lanes.iter().take(kept));
        }
        sums.norm = norm2.sqrt();
        sums.scores.truncate(self.bias.len());
        let scale = if norm2 > 0.0 { 1.0 / sums.norm } else { 0.0 };
        for (score, bias) in sums.scores.iter_mut().zip(&self.bias) {
            *score = *score * scale + bias;
        }
    }
}

fn width(columns: usize) -> usize {
    (columns + 1).div_ceil(BLOCK_LANES)
}

/// The lane of a column: lane 31 is the idf's.
fn lane(column: usize) -> usize {
    if column < IDF_LANE { column } else { column + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        features::{FeatureIndex, FeatureParams, log_tf},
        text::{Document, hash_word},
    };

    #[test]
    fn scores_are_the_dot_product() {
        for columns in [3, 31, 32, 70] {
            let index = FeatureIndex::build([hash_word(b"war"), hash_word(b"tea")], 4);
            let bias: Vec<f32> = (0..columns).map(|c| c as f32 / 8.0).collect();
            let mut table = WeightTable::new(index.slots(), bias.clone());
            let slots = [b"war", b"tea"].map(|w| index.slot(hash_word(w)).unwrap());
            for (slot, idf) in slots.into_iter().zip([2.0, 3.0]) {
                table.set_idf(slot, idf);
                (0..columns).for_each(|c| table.set_weight(slot, c, idf - c as f32));
            }
            let mut counter = Counter::default();
            counter.count(&Document::new("", "war war tea x"), &FeatureParams::default(), &index, |_| {});
            let mut sums = Sums::default();
            table.score(&counter, &mut sums);
            let values = [log_tf(2) * 2.0, log_tf(1) * 3.0];
            let norm = (values[0] * values[0] + values[1] * values[1]).sqrt();
            assert_eq!(sums.scores.len(), columns);
            for (c, (score, bias)) in sums.scores.iter().zip(&bias).enumerate() {
                let expect = (values[0] * (2.0 - c as f32) + values[1] * (3.0 - c as f32)) / norm + bias;
                assert!((score - expect).abs() < 0.05, "{columns} {c}: {score} {expect}");
            }
            assert!((sums.norm - norm).abs() < 1e-2);
            let again = WeightTable::from_halves(table.halves(), index.slots(), bias).unwrap();
            assert_eq!(again, table);
        }
    }

    #[test]
    fn refuses_wrong_sizes_and_numbers() {
        assert!(WeightTable::from_halves(&[f16::ZERO; 33], 1, vec![0.0]).is_err());
        assert!(WeightTable::from_halves(&[f16::NAN; 32], 1, vec![0.0]).is_err());
        assert!(WeightTable::from_halves(&[], usize::MAX, vec![0.0]).is_err());
    }
}
