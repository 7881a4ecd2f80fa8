//! What hangs on an exact place: n-grams that hold a mention, and cue words with
//! the target's part in them.

use super::{
    lexicon::CLASSES as CUES,
    mask::{Item, Masked},
    model::{CLASSES, Scores},
    pairs::slot,
    quantise::{Quantised, inverse_root},
    roles::{Cue, Role},
};
use crate::{features::prefetch, text::hash_pair};

/// Groups of n-grams: those that hold a mention, cue words.
pub(crate) const GROUPS: usize = 2;
/// Numbers of a row: one a label, and its mark.
pub(super) const WIDTH: usize = 4;
const MARK: usize = CLASSES;

const ANCHORED: u64 = 0xa54f_f53a_5f1d_36f1;
const ROLE: u64 = 0x1f83_d9ab_fb41_bd6b;

/// Gives `see` the group and hash of each n-gram.
#[inline(always)]
pub(super) fn visit(masked: &Masked, cues: &[Cue], mut see: impl FnMut(usize, u64)) {
    anchored(masked, |h| see(0, h));
    roles(&masked.items, cues, |h| see(1, h));
}

/// N-grams that hold a mention.
#[inline(always)]
fn anchored(masked: &Masked, mut see: impl FnMut(u64)) {
    let hash = |i: usize| masked.items.get(i).map_or(0, |i| i.hash);
    let n = masked.items.len();
    for &target in masked.targets.iter().take(3) {
        for before in 0..4usize.min(target + 1) {
            let mut gram = (target - before..=target).fold(ANCHORED, |g, i| hash_pair(g, hash(i)));
            for after in 0..(4 - before).min(n - target) {
                if after > 0 {
                    gram = hash_pair(gram, hash(target + after));
                }
                if before + after > 0 {
                    see(gram);
                }
            }
        }
    }
}

/// Cue words with the target's part in them.
#[inline(always)]
fn roles(items: &[Item], cues: &[Cue], mut see: impl FnMut(u64)) {
    for cue in cues {
        let tag = ROLE ^ u64::from(cue.role == Role::Theme) ^ (u64::from(cue.negated) << 1);
        let word = items.get(cue.at).map_or(0, |i| i.hash);
        see(hash_pair(tag, word));
        see(hash_pair(tag ^ 4, (cue.class % CUES.len()) as u64));
    }
}

/// An n-gram of a sentence: its place, the mark of its row and its group.
#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    at: u32,
    mark: u8,
    group: u8,
}

/// N-grams of a sentence that there is room for: nine a mention, of which three count, two a cue.
const MOST: usize = 64;

/// Reused buffer: the n-grams of a sentence.
#[derive(Debug, Clone)]
pub(super) struct Grams {
    /// A vector that cannot grow: it costs less to fill.
    asked: Box<[Asked; MOST]>,
    n: usize,
}

impl Default for Grams {
    fn default() -> Self {
        Self { asked: Box::new([Asked::default(); MOST]), n: 0 }
    }
}

/// The weights of n-grams; one whose place another has is not known.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct GramTable {
    rows: Vec<[i8; WIDTH]>,
    bits: u32,
    steps: [f32; GROUPS],
}

impl GramTable {
    /// Of 2^bits places, with the rows of n-grams by their groups and hashes.
    pub(crate) fn new(bits: u32, rows: &[(usize, u64, [f32; CLASSES])]) -> Self {
        let quantised: [Quantised; GROUPS] = std::array::from_fn(|group| {
            Quantised::over(rows.iter().filter(move |row| row.0 == group).flat_map(|row| row.2))
        });
        let mut table = Self { rows: vec![[0; WIDTH]; 1 << bits], bits, steps: quantised.map(|q| q.step) };
        for (group, hash, [a, b, c]) in rows {
            let (at, mark) = slot(*hash, bits);
            if let (Some(row), Some(q)) = (table.rows.get_mut(at), quantised.get(*group)) {
                *row = [q.round(*a), q.round(*b), q.round(*c), mark.cast_signed()];
            }
        }
        table
    }

    /// From the numbers of a file; lengths are checked there.
    pub(super) fn from_bytes(bits: u32, bytes: &[u8], steps: [f32; GROUPS]) -> Self {
        let rows = bytes.as_chunks::<WIDTH>().0.iter().map(|row| row.map(u8::cast_signed));
        Self { rows: rows.collect(), bits, steps }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.rows.iter().flat_map(|row| row.map(i8::cast_unsigned)).collect()
    }

    pub(super) fn steps(&self) -> [f32; GROUPS] {
        self.steps
    }

    /// Notes the n-grams of a sentence and fetches their rows.
    #[inline(always)]
    pub(super) fn ask(&self, masked: &Masked, cues: &[Cue], grams: &mut Grams) {
        grams.n = 0;
        visit(masked, cues, |group, hash| {
            let (at, mark) = slot(hash, self.bits);
            prefetch(&self.rows, at);
            if let Some(place) = grams.asked.get_mut(grams.n) {
                *place = Asked { at: at as u32, mark, group: group as u8 };
                grams.n += 1;
            }
        });
    }

    /// Adds to `scores` what the n-grams that were asked for say.
    #[inline(always)]
    pub(super) fn add(&self, grams: &Grams, scores: &mut Scores) {
        let mut sums = [[0i32; WIDTH]; GROUPS];
        let mut counts = [0u8; GROUPS];
        for asked in grams.asked.iter().take(grams.n) {
            let row = self.rows.get(asked.at as usize).copied().unwrap_or_default();
            // No branch: half of them are known.
            let other = i32::from(row[MARK].cast_unsigned() ^ asked.mark);
            let known = (other - 1) >> 31;
            if let (Some(sums), Some(count)) =
                (sums.get_mut(usize::from(asked.group)), counts.get_mut(usize::from(asked.group)))
            {
                *count = count.saturating_add(1);
                for (sum, weight) in sums.iter_mut().zip(row) {
                    *sum += i32::from(weight) & known;
                }
            }
        }
        for ((sums, count), step) in sums.iter().zip(counts).zip(self.steps) {
            let scale = step * inverse_root(count);
            for (score, sum) in scores.iter_mut().zip(sums.iter().take(CLASSES)) {
                *score += *sum as f32 * scale;
            }
        }
    }
}
