//! What words mean by where they stand around the target. Training learns it
//! from word vectors, so words that no labelled sentence held speak too; here
//! the vectors are gone: each word has its weights for each pool of words.

use super::{
    keys::KeyTable,
    mask::{Kind, Masked},
    model::CLASSES,
};
use half::f16;

/// Pools of words: the sentence, before and after the target, near it, its clause, up to the next names, negated.
pub(crate) const POOLS: usize = 7;
/// The furthest word that is near.
const NEAR: usize = 6;

/// A word and the pools in which it lies.
pub(crate) type Pooled = (u64, [bool; POOLS]);
/// Weights of a word: for each pool what it says for each label.
pub(crate) type Row = [[f32; CLASSES]; POOLS];

/// The words of a masked sentence with their pools, appended to `out`. `clause` and `zone`: those of the target.
pub(super) fn pool(masked: &Masked, clause: (usize, usize), zone: (usize, usize), out: &mut Vec<Pooled>) {
    let primary = masked.targets.first().copied().unwrap_or(0);
    out.extend(masked.items.iter().enumerate().filter(|(_, i)| i.kind == Kind::Word).map(|(i, item)| {
        let nearest = masked.targets.iter().map(|t| t.abs_diff(i)).min().unwrap_or(usize::MAX);
        let inside = |(begin, end): (usize, usize)| begin <= i && i < end;
        let near = nearest <= NEAR;
        (item.hash, [true, i < primary, i > primary, near, inside(clause), inside(zone), item.negated])
    }));
}

/// A pool of `n` known words counts for this much: more words say more, but not in proportion.
pub(crate) fn pool_scale(n: u32) -> f32 {
    1.0 / (n.max(1) as f32).sqrt()
}

/// The weights of all known words.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Meanings {
    hashes: Vec<u64>,
    rows: Vec<Row>,
    places: KeyTable<u32>,
}

impl Meanings {
    /// Of words by their hashes, ascending, with their rows, which are rounded as the file holds them.
    pub(crate) fn new(hashes: Vec<u64>, rows: Vec<Row>) -> Self {
        let mut places = KeyTable::default();
        for (hash, place) in hashes.iter().zip(0u32..) {
            *places.entry(*hash) = place;
        }
        let rows = rows.into_iter().map(|row| row.map(|pool| pool.map(|w| f16::from_f32(w).to_f32()))).collect();
        Self { hashes, rows, places }
    }

    /// The hashes, ascending.
    pub(crate) fn hashes(&self) -> &[u64] {
        &self.hashes
    }

    /// Their rows.
    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Adds to `scores` what the words of a sentence say.
    pub(super) fn add(&self, words: &[Pooled], scores: &mut [f32; CLASSES]) {
        if self.rows.is_empty() {
            return;
        }
        let mut sums = [([0.0f32; CLASSES], 0u32); POOLS];
        for (word, pools) in words {
            let Some(row) = self.places.get(*word).and_then(|place| self.rows.get(place as usize)) else { continue };
            for ((inside, (sum, n)), weights) in pools.iter().zip(&mut sums).zip(row) {
                let factor = f32::from(u8::from(*inside));
                *n += u32::from(*inside);
                for (sum, weight) in sum.iter_mut().zip(weights) {
                    *sum += factor * weight;
                }
            }
        }
        for (sum, n) in sums {
            for (score, sum) in scores.iter_mut().zip(sum) {
                *score += sum * pool_scale(n);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_the_pools_in_which_a_word_lies() {
        let mut row = Row::default();
        row[0] = [1.0, 0.0, 0.0];
        row[6] = [0.0, 2.0, 0.0];
        let meanings = Meanings::new(vec![7, 9], vec![row, row]);
        let mut everywhere = [false; POOLS];
        everywhere[0] = true;
        let mut negated = everywhere;
        negated[6] = true;
        let mut scores = [0.0; CLASSES];
        meanings.add(&[(7, everywhere), (8, everywhere), (9, negated)], &mut scores);
        assert_eq!(scores, [2.0 * pool_scale(2), 2.0, 0.0]);
    }
}
