//! What a word says by where it stands around the target: for each pool of
//! words three numbers, all of them in one line of memory.
//!
//! Training learns them from the word itself, from its kind (its cluster) and
//! from its vector, so that words which no labelled sentence held speak too.
//! Here they are one sum, rounded to a byte each.

use super::{
    lanes::{self, Line, Sums, ZEROS},
    mask::Item,
    model::{CLASSES, Scores},
    position::{CELLS, POOLS, Position, pools},
    quantise::Quantised,
};
use crate::features::prefetch;

/// Words of a row: one line of memory.
const WORDS: usize = 8;
/// Numbers of a row.
pub(super) const WIDTH: usize = 8 * WORDS;
const _: () = assert!(POOLS * CLASSES <= WIDTH);

/// On a line of memory of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(64))]
struct Aligned(Line<WORDS>);

/// Weights of a word before they are rounded: for each pool what it says for each label.
pub(crate) type Row = [[f32; CLASSES]; POOLS];

/// By cell: which numbers' pools hold it.
static MASKS: [Aligned; CELLS] = {
    let mut masks = [Aligned([0; WORDS]); CELLS];
    let mut cell = 0;
    while cell < CELLS {
        masks[cell] = Aligned(lanes::mask(pools(cell)));
        cell += 1;
    }
    masks
};

static NONE: Aligned = Aligned([ZEROS; WORDS]);
static NOWHERE: Aligned = Aligned([0; WORDS]);

/// The weights of all known words.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct WordRows {
    rows: Vec<Aligned>,
    /// What a step of each pool's numbers is.
    steps: [f32; POOLS],
}

impl WordRows {
    /// Rounds the rows: that of no word, which is empty, those of [`super::mask::SYMBOLS`], those of words.
    pub(crate) fn new(rows: &[Row]) -> Self {
        let quantised = Quantised::by_pool(rows);
        let row = |row: &Row| Aligned(lanes::rounded(row, &quantised));
        Self { rows: rows.iter().map(row).collect(), steps: quantised.map(|q| q.step) }
    }

    /// From the numbers of a file; lengths are checked there.
    pub(super) fn from_bytes(bytes: &[u8], steps: [f32; POOLS]) -> Self {
        Self { rows: lanes::from_bytes(bytes).into_iter().map(Aligned).collect(), steps }
    }

    /// The numbers, row after row.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.rows.iter().flat_map(|row| lanes::to_bytes(&[row.0])).collect()
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn steps(&self) -> [f32; POOLS] {
        self.steps
    }

    /// Fetches a row that will be asked for.
    #[inline(always)]
    pub(super) fn fetch(&self, row: u32) {
        prefetch(&self.rows, row as usize);
    }

    /// Adds to `scores` what the words of a sentence say; `items` and `positions` go together.
    #[inline(always)]
    pub(super) fn add(&self, items: &[Item], positions: &[Position], scores: &mut Scores) {
        let mut sums = Sums::new();
        for (item, position) in items.iter().zip(positions) {
            let mask = MASKS.get(usize::from(position.cell)).unwrap_or(&NOWHERE);
            sums.add(&self.rows.get(item.row as usize).unwrap_or(&NONE).0, &mask.0);
        }
        sums.score(&self.steps, scores);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_says_what_its_place_lets_it() {
        let mut row = Row::default();
        row[0] = [1.0, 0.0, -1.0];
        row[17] = [0.0, 2.0, 0.0];
        let rows = WordRows::new(&[Row::default(), row]);
        let item = |row| Item { row, ..Item::default() };
        let negated = Position { cell: 1 << 4, ..Position::default() };
        let mut scores = Scores::default();
        rows.add(&[item(1), item(0), item(9), item(1)], &[Position::default(), negated, negated, negated], &mut scores);
        let expect = [1.0, 2.0 / 3f32.sqrt(), -1.0];
        assert!(scores.iter().zip(expect).all(|(s, e)| (s - e).abs() < 1e-5), "{scores:?}");
    }
}
