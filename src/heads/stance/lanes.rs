//! Many small numbers added up at once: bytes, eight in a word, of which only
//! those in the pools of an item count.
//!
//! Weights are rounded to a byte and kept with 128 added, so that no sign is
//! carried from one number to the next: sums of the even and of the odd bytes
//! have sixteen bits each, which 255 items cannot overflow.

use super::{
    model::{CLASSES, Scores},
    quantise::{Quantised, inverse_root},
};

/// A weight of 0 in all bytes.
pub(super) const ZEROS: u64 = 0x8080_8080_8080_8080;
const EVEN: u64 = 0x00ff_00ff_00ff_00ff;
const ONES: u64 = 0x0101_0101_0101_0101;

/// A row of `8 * N` weights, and by them masks.
pub(super) type Line<const N: usize> = [u64; N];

/// Sums of rows, and how many items each number's pool held.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sums<const N: usize> {
    even: Line<N>,
    odd: Line<N>,
    counts: Line<N>,
}

impl<const N: usize> Sums<N> {
    /// Of nothing.
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self { even: [0; N], odd: [0; N], counts: [0; N] }
    }

    /// Adds those numbers of a row whose bytes in `mask` are set.
    #[inline(always)]
    pub(super) fn add(&mut self, row: &Line<N>, mask: &Line<N>) {
        for at in 0..N {
            let inside = row[at] & mask[at];
            self.even[at] += inside & EVEN;
            self.odd[at] += inside >> 8 & EVEN;
            self.counts[at] += mask[at] & ONES;
        }
    }

    /// Adds to `scores` what each pool says: its sum in steps over the root of its number of items. Items of one pool say
    /// more than one, but not in proportion.
    #[inline(always)]
    pub(super) fn score<const POOLS: usize>(&self, steps: &[f32; POOLS], scores: &mut Scores) {
        let byte = |words: &Line<N>, at: usize| (words[at / 8] >> (at % 8 * 8)) as u8;
        for (pool, step) in steps.iter().enumerate() {
            let count = byte(&self.counts, pool * CLASSES);
            let scale = step * inverse_root(count);
            for (class, score) in scores.iter_mut().enumerate() {
                let at = pool * CLASSES + class;
                let sums = if at.is_multiple_of(2) { &self.even } else { &self.odd };
                let sum = (sums[at / 8] >> (at % 8 / 2 * 16)) as u16;
                *score += (f32::from(sum) - 128.0 * f32::from(count)) * scale;
            }
        }
    }
}

/// A row of rounded numbers, the rest of it 0.
pub(super) fn line<const N: usize>(numbers: impl Iterator<Item = i8>) -> Line<N> {
    let mut line = [ZEROS; N];
    for (at, number) in numbers.take(8 * N).enumerate() {
        set(&mut line, at, number.cast_unsigned() ^ 0x80);
    }
    line
}

/// A row of pools, each rounded as it is to be.
pub(super) fn rounded<const N: usize, const POOLS: usize>(
    row: &[[f32; CLASSES]; POOLS],
    quantised: &[Quantised; POOLS],
) -> Line<N> {
    line(row.iter().zip(quantised).flat_map(|(numbers, q)| numbers.map(|n| q.round(n))))
}

/// Sets a byte.
pub(super) const fn set<const N: usize>(line: &mut Line<N>, at: usize, byte: u8) {
    let shift = at % 8 * 8;
    line[at / 8] = line[at / 8] & !(0xff << shift) | (byte as u64) << shift;
}

/// The mask of these pools: `CLASSES` bytes each.
pub(super) const fn mask<const N: usize>(pools: u32) -> Line<N> {
    let mut line = [0; N];
    let mut pool = 0;
    while (pool + 1) * CLASSES <= 8 * N {
        let mut class = 0;
        while class < CLASSES && pools >> pool & 1 == 1 {
            set(&mut line, pool * CLASSES + class, 0xff);
            class += 1;
        }
        pool += 1;
    }
    line
}

/// The rows in a file, and back.
pub(super) fn from_bytes<const N: usize>(bytes: &[u8]) -> Vec<Line<N>> {
    let words = bytes.as_chunks::<8>().0.iter().map(|b| u64::from_le_bytes(*b));
    words.collect::<Vec<u64>>().as_chunks().0.to_vec()
}

pub(super) fn to_bytes<const N: usize>(lines: &[Line<N>]) -> Vec<u8> {
    lines.iter().flatten().flat_map(|word| word.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Rows added up number by number, pool by pool.
        #[test]
        fn equals_the_plain_way(items in prop::collection::vec((any::<[i8; 16]>(), 0u32..32), 0..=255)) {
            const POOLS: usize = 5;
            let mut sums = Sums::<2>::new();
            for (row, pools) in &items {
                sums.add(&line(row.iter().copied()), &mask(*pools));
            }
            let mut fast = Scores::default();
            sums.score(&[1.0, 2.0, 3.0, 4.0, 0.5f32], &mut fast);
            for (class, fast) in fast.iter().enumerate() {
                let mut plain = 0.0;
                for (pool, step) in (0..POOLS).zip([1.0, 2.0, 3.0, 4.0, 0.5f32]) {
                    let inside = items.iter().filter(|i| i.1 >> pool & 1 == 1);
                    let sum: f32 = inside.clone().map(|i| f32::from(i.0[pool * CLASSES + class])).sum();
                    plain += sum * step / (inside.count().max(1) as f32).sqrt();
                }
                prop_assert!((plain - fast).abs() < 1e-3 * (1.0 + plain.abs()), "{plain} {fast}");
            }
        }
    }
}
