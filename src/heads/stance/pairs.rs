//! Pairs of neighbouring words: five pools each, three numbers a pool, a quarter
//! of a line of memory.

use super::{
    lanes::{self, Line, Sums, ZEROS},
    mask::{Item, MAX_ITEMS},
    model::{CLASSES, Scores},
    position::{CELLS, Position, pools},
    quantise::Quantised,
};
use crate::{features::prefetch, text::hash_pair};

/// Pools of pairs: all, on either side, in the clause, near.
pub(crate) const PAIR_POOLS: usize = 5;
/// Words of a row.
const WORDS: usize = 2;
/// Numbers of a row; the last is its mark.
pub(super) const WIDTH: usize = 8 * WORDS;
const _: () = assert!(PAIR_POOLS * CLASSES < WIDTH);
const MARK: usize = WIDTH - 1;
/// What a negation reaches is told apart.
const NEGATED: u64 = 0x6a09_e667_f3bc_c909;

/// Weights of a pair before they are rounded.
pub(crate) type PairRow = [[f32; CLASSES]; PAIR_POOLS];

/// By cell: a bit for each pool. A pair lies where both of its words do; the target lies in those that have no side.
static POOLED: [u8; CELLS] = {
    let mut out = [0; CELLS];
    let mut cell = 0;
    while cell < CELLS - 1 {
        let bits = pools(cell);
        out[cell] =
            bit_of(bits, 0) | bit_of(bits, 1) << 1 | bit_of(bits, 2) << 2 | bit_of(bits, 4) << 3 | bit_of(bits, 3) << 4;
        cell += 1;
    }
    out[CELLS - 1] = 0b11001;
    out
};

const fn bit_of(bits: u32, pool: u32) -> u8 {
    (bits >> pool & 1) as u8
}

/// By the bits of a pair's pools: which numbers' pools hold it.
static MASKS: [Line<WORDS>; 1 << PAIR_POOLS] = {
    let mut masks = [[0; WORDS]; 1 << PAIR_POOLS];
    let mut bits = 0;
    while bits < masks.len() {
        masks[bits] = lanes::mask(bits as u32);
        bits += 1;
    }
    masks
};

/// Where a hash lies in a table of 2^bits rows, and the mark by which the row knows it.
#[inline(always)]
pub(crate) fn slot(hash: u64, bits: u32) -> (usize, u8) {
    let hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((hash >> (64 - bits.clamp(1, 63))) as usize, (hash >> 16) as u8)
}

/// Gives `see` the hash of each pair and the bits of its pools.
#[inline(always)]
pub(super) fn visit(items: &[Item], positions: &[Position], mut see: impl FnMut(u64, u8)) {
    let word = |item: &Item| if item.negated { item.hash ^ NEGATED } else { item.hash };
    let pools = |p: &Position| POOLED.get(usize::from(p.cell)).copied().unwrap_or(0);
    let mut all = items.iter().zip(positions).map(|(item, position)| (word(item), pools(position)));
    let Some(mut last) = all.next() else { return };
    for next in all {
        see(hash_pair(last.0, next.0), last.1 & next.1);
        last = next;
    }
}

/// A pair of a sentence: its place, the mark of its row and the bits of its pools.
#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    at: u32,
    mark: u8,
    pools: u8,
}

/// Reused buffer: the pairs of a sentence.
#[derive(Debug, Clone)]
pub(super) struct Pairs {
    /// A vector that cannot grow: it costs less to fill.
    asked: Box<[Asked; MAX_ITEMS]>,
    n: usize,
}

impl Default for Pairs {
    fn default() -> Self {
        Self { asked: Box::new([Asked::default(); MAX_ITEMS]), n: 0 }
    }
}

/// The weights of pairs; one whose place another has is not known.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct PairTable {
    rows: Vec<Line<WORDS>>,
    bits: u32,
    steps: [f32; PAIR_POOLS],
}

impl PairTable {
    /// Of 2^bits places, with the rows of pairs by their hashes.
    pub(crate) fn new(bits: u32, rows: &[(u64, PairRow)]) -> Self {
        let quantised = Quantised::by_pool(&rows.iter().map(|(_, row)| *row).collect::<Vec<_>>());
        let mut table = Self { rows: vec![[ZEROS; WORDS]; 1 << bits], bits, steps: quantised.map(|q| q.step) };
        for (hash, row) in rows {
            let (at, mark) = slot(*hash, bits);
            let Some(line) = table.rows.get_mut(at) else { continue };
            *line = lanes::rounded(row, &quantised);
            lanes::set(line, MARK, mark);
        }
        table
    }

    /// From the numbers of a file; lengths are checked there.
    pub(super) fn from_bytes(bits: u32, bytes: &[u8], steps: [f32; PAIR_POOLS]) -> Self {
        Self { rows: lanes::from_bytes(bytes), bits, steps }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        lanes::to_bytes(&self.rows)
    }

    pub(super) fn steps(&self) -> [f32; PAIR_POOLS] {
        self.steps
    }

    /// Notes the pairs of a sentence and fetches their rows.
    #[inline(always)]
    pub(super) fn ask(&self, items: &[Item], positions: &[Position], pairs: &mut Pairs) {
        pairs.n = 0;
        visit(items, positions, |hash, pools| {
            let (at, mark) = slot(hash, self.bits);
            prefetch(&self.rows, at);
            if let Some(place) = pairs.asked.get_mut(pairs.n) {
                *place = Asked { at: at as u32, mark, pools };
                pairs.n += 1;
            }
        });
    }

    /// Adds to `scores` what the pairs that were asked for say.
    #[inline(always)]
    pub(super) fn add(&self, pairs: &Pairs, scores: &mut Scores) {
        let mut sums = Sums::new();
        for asked in pairs.asked.iter().take(pairs.n) {
            let row = self.rows.get(asked.at as usize).unwrap_or(&[ZEROS; WORDS]);
            // No branch: half of all pairs are known.
            let other = (row[MARK / 8] >> (MARK % 8 * 8)) ^ u64::from(asked.mark);
            let known = (other.wrapping_sub(1) >> 63).wrapping_neg();
            let row = row.map(|word| word & known | ZEROS & !known);
            sums.add(&row, MASKS.get(usize::from(asked.pools)).unwrap_or(&[0; WORDS]));
        }
        sums.score(&self.steps, scores);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_pairs_that_it_was_made_of() {
        let item = |hash| Item { hash, ..Item::default() };
        let (items, positions) = ([item(3), item(5), item(7)], [Position::default(); 3]);
        let mut hashes = Vec::new();
        visit(&items, &positions, |hash, _| hashes.push(hash));
        let mut row = PairRow::default();
        row[0] = [1.0, -0.5, 0.0];
        let table = PairTable::new(10, &[(hashes[0], row)]);
        let (mut pairs, mut scores) = (Pairs::default(), Scores::default());
        table.ask(&items, &positions, &mut pairs);
        table.add(&pairs, &mut scores);
        // One of two pairs of this pool.
        let expect = [1.0, -0.5, 0.0].map(|v| v / 2f32.sqrt());
        assert!(scores.iter().zip(expect).all(|(s, e)| (s - e).abs() < 0.01), "{scores:?}");
    }
}
