//! What words mean by where they stand around the target. Training learns it
//! from word vectors, so words that no labelled sentence held speak too; here
//! the vectors are gone: each word has its weights for each pool of words.

use super::{
    mask::{Kind, Masked},
    model::CLASSES,
};
use half::f16;

/// Pools of words: the sentence, before and after the target, near it, its clause, up to the next names, negated.
pub(crate) const POOLS: usize = 7;
/// The furthest word that is near.
const NEAR: usize = 6;

/// Numbers of a word: for each pool one a label, filled up to whole vectors.
const WIDTH: usize = 24;

/// A word and the pools in which it lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pooled {
    /// Its hash.
    pub(crate) hash: u64,
    /// Row of its meanings plus one; 0: none.
    meaning: u32,
    /// A bit a pool.
    pools: u8,
}

impl Pooled {
    /// Whether it lies in this pool.
    pub(crate) fn lies_in(&self, pool: usize) -> bool {
        self.pools >> pool & 1 == 1
    }
}

/// Weights of a word: for each pool what it says for each label.
pub(crate) type Row = [[f32; CLASSES]; POOLS];

/// The words of a masked sentence with their pools, appended to `out`. `clause` and `zone`: those of the target.
pub(super) fn pool(masked: &Masked, clause: (usize, usize), zone: (usize, usize), out: &mut Vec<Pooled>) {
    let primary = masked.targets.first().copied().unwrap_or(0);
    out.extend(masked.items.iter().enumerate().filter(|(_, i)| i.kind == Kind::Word).map(|(i, item)| {
        let near = masked.targets.iter().any(|t| t.abs_diff(i) <= NEAR);
        let inside = |(begin, end): (usize, usize)| begin <= i && i < end;
        let pools = [true, i < primary, i > primary, near, inside(clause), inside(zone), item.negated];
        let pools = pools.iter().rev().fold(0, |bits, pool| bits << 1 | u8::from(*pool));
        Pooled { hash: item.hash, meaning: item.meaning, pools }
    }));
}

/// By the bits of a word's pools: 1 for each number of a pool in which it lies, else 0.
static LANES: [[f32; WIDTH]; 1 << POOLS] = {
    let mut lanes = [[0.0; WIDTH]; 1 << POOLS];
    let mut pools = 0;
    while pools < lanes.len() {
        let mut at = 0;
        while at < POOLS * CLASSES {
            if pools >> (at / CLASSES) & 1 == 1 {
                lanes[pools][at] = 1.0;
            }
            at += 1;
        }
        pools += 1;
    }
    lanes
};

/// A pool of `n` known words counts for this much: more words say more, but not in proportion.
pub(crate) fn pool_scale(n: u32) -> f32 {
    1.0 / (n.max(1) as f32).sqrt()
}

/// The weights of all known words.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Meanings {
    hashes: Vec<u64>,
    rows: Vec<[f32; WIDTH]>,
}

impl Meanings {
    /// Of words by their hashes, ascending, with their rows, which are rounded as the file holds them.
    pub(crate) fn new(hashes: Vec<u64>, rows: Vec<Row>) -> Self {
        let rows = rows.into_iter().map(|row| {
            let mut wide = [0.0; WIDTH];
            for (to, from) in wide.iter_mut().zip(row.into_iter().flatten()) {
                *to = f16::from_f32(from).to_f32();
            }
            wide
        });
        Self { hashes, rows: rows.collect() }
    }

    /// The hashes, ascending.
    pub(crate) fn hashes(&self) -> &[u64] {
        &self.hashes
    }

    /// Their rows, number after number.
    pub(crate) fn rows(&self) -> impl Iterator<Item = f32> {
        self.rows.iter().flat_map(|row| row.iter().take(POOLS * CLASSES)).copied()
    }

    /// Adds to `scores` what the words of a sentence say.
    pub(super) fn add(&self, words: &[Pooled], scores: &mut [f32; CLASSES]) {
        let mut sums = [0.0f32; WIDTH];
        let mut counts = [0u32; POOLS];
        let rows = words.iter().filter_map(|w| Some((w, self.rows.get((w.meaning as usize).checked_sub(1)?)?)));
        for (word, row) in rows {
            let inside = LANES.get(usize::from(word.pools)).unwrap_or(&[0.0; WIDTH]);
            for ((sum, inside), weight) in sums.iter_mut().zip(inside).zip(row) {
                *sum += inside * weight;
            }
            for (pool, n) in counts.iter_mut().enumerate() {
                *n += u32::from(word.pools >> pool & 1);
            }
        }
        for (sum, n) in sums.as_chunks::<CLASSES>().0.iter().zip(counts) {
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
        let word = |meaning, pools| Pooled { hash: 0, meaning, pools };
        let mut scores = [0.0; CLASSES];
        meanings.add(&[word(1, 1), word(0, 1), word(2, 1 | 1 << 6)], &mut scores);
        assert_eq!(scores, [2.0 * pool_scale(2), 2.0, 0.0]);
    }
}
