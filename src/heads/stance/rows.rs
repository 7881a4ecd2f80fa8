//! What the n-grams of a sentence add up to: first the places of all their
//! rows, then the rows, then the sums, so that no row waits for another.

use super::views::VIEWS;
use crate::features::widen;
use half::f16;

/// Three weights (times the inverse document frequency) and that frequency, in half precision.
pub(crate) type Row = [u16; 4];

/// Numbers as a row of the table.
pub(crate) fn to_row(numbers: [f32; 4]) -> Row {
    numbers.map(|v| f16::from_f32(v).to_bits())
}

/// Row of an n-gram in a table of 2^bits rows.
#[inline(always)]
pub(crate) fn row(hash: u64, bits: u32) -> usize {
    (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - bits.clamp(1, 63))) as usize
}

/// N-grams that there is room for: a sentence's pieces are limited, and each gives eleven or so.
const MOST: usize = 4_096;

/// Reused buffers: the rows of a sentence's n-grams, view after view.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    /// A vector that cannot grow: it costs less to fill.
    places: Box<[u32; MOST]>,
    n: usize,
    /// Where each view ends in `places`; 0: it has none.
    ends: [usize; VIEWS],
    rows: Vec<Row>,
}

impl Default for Rows {
    fn default() -> Self {
        Self { places: Box::new([0; MOST]), n: 0, ends: [0; VIEWS], rows: Vec::new() }
    }
}

impl Rows {
    pub(super) fn clear(&mut self) {
        self.n = 0;
        self.ends = [0; VIEWS];
    }

    /// An n-gram of a view that is not before the last one's.
    #[inline(always)]
    pub(super) fn add(&mut self, view: usize, hash: u64, bits: u32) {
        if let Some(place) = self.places.get_mut(self.n) {
            *place = row(hash, bits) as u32;
            self.n += 1;
        }
        if let Some(end) = self.ends.get_mut(view) {
            *end = self.n;
        }
    }

    /// By view: the sums of the three weights, and of the squared frequencies.
    pub(super) fn sums(&mut self, table: &[Row]) -> [[f32; 4]; VIEWS] {
        self.rows.clear();
        self.rows
            .extend(self.places.iter().take(self.n).map(|at| table.get(*at as usize).copied().unwrap_or_default()));
        let mut begin = 0;
        self.ends.map(|end| {
            let view = self.rows.get(begin..end).unwrap_or(&[]);
            begin = begin.max(end);
            sum(view)
        })
    }
}

fn sum(rows: &[Row]) -> [f32; 4] {
    let mut sums = [0.0f32; 4];
    for row in rows {
        let values = row.map(widen);
        let factors = [1.0, 1.0, 1.0, values[3]];
        for ((sum, value), factor) in sums.iter_mut().zip(values).zip(factors) {
            *sum += value * factor;
        }
    }
    sums
}
