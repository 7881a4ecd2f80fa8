//! Hashed n-grams of a masked sentence, seen from the target: the whole
//! sentence, its sides, the neighbourhood, the clause, the parts between names.

use super::{
    lexicon::CLASSES,
    mask::{Item, Kind, Masked},
    roles::{Cue, Role},
};
use crate::text::hash_pair;

/// How many views there are.
pub(crate) const VIEWS: usize = 6;

const NEGATED: u64 = 0x6a09_e667_f3bc_c909;
const LEFT: u64 = 0xbb67_ae85_84ca_a73b;
const RIGHT: u64 = 0x3c6e_f372_fe94_f82b;
const ANCHORED: u64 = 0xa54f_f53a_5f1d_36f1;
const CLAUSE: u64 = 0x510e_527f_ade6_82d1;
const ZONE: u64 = 0x9b05_688c_2b3e_6c00;
const CLUSTER: u64 = 0xcbbb_9d5d_c105_0000;
const ROLE: u64 = 0x1f83_d9ab_fb41_bd6b;

/// Reused buffers: the sentence's words, with what a negation reaches told apart, and its pairs of words.
#[derive(Debug, Clone, Default)]
pub(super) struct Grams {
    words: Vec<u64>,
    pairs: Vec<u64>,
}

/// Gives `see` every n-gram's view and hash, view after view. `clause`: the target's.
#[inline(always)]
pub(super) fn visit(
    masked: &Masked,
    cues: &[Cue],
    clause: (usize, usize),
    grams: &mut Grams,
    mut see: impl FnMut(usize, u64),
) {
    grams.read(masked);
    let primary = masked.targets.first().copied().unwrap_or(0);
    let n = grams.words.len();
    grams.visit((0, n), 0, |h| see(0, h));
    grams.visit((0, primary), LEFT, |h| see(1, h));
    grams.visit((primary + 1, n), RIGHT, |h| see(1, h));
    anchored(masked, |h| see(2, h));
    grams.visit(clause, CLAUSE, |h| see(3, h));
    zones(masked, &grams.words, primary, |h| see(4, h));
    roles(&masked.items, cues, |h| see(4, h));
    clusters(masked, primary, |h| see(5, h));
}

impl Grams {
    fn read(&mut self, masked: &Masked) {
        self.words.clear();
        self.words.extend(masked.items.iter().map(|i| if i.negated { i.hash ^ NEGATED } else { i.hash }));
        self.pairs.clear();
        self.pairs.extend(self.words.windows(2).map(|pair| match pair {
            [a, b] => hash_pair(*a, *b),
            _ => 0,
        }));
    }

    /// Words and pairs of a range.
    #[inline(always)]
    fn visit(&self, (begin, end): (usize, usize), salt: u64, mut see: impl FnMut(u64)) {
        for hash in self.words.get(begin..end).unwrap_or(&[]) {
            see(hash ^ salt);
        }
        for hash in self.pairs.get(begin..end.saturating_sub(1)).unwrap_or(&[]) {
            see(hash ^ salt);
        }
    }
}

/// N-grams that hold a mention, and words by their place beside it.
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
        for (distance, bucket) in [(1usize, 1u64), (2, 2), (3, 3), (4, 3), (5, 4), (6, 4)] {
            if distance <= target {
                see(hash_pair(LEFT ^ bucket, hash(target - distance)));
            }
            if target + distance < n {
                see(hash_pair(RIGHT ^ bucket, hash(target + distance)));
            }
        }
    }
}

/// Words by how many other names stand between them and the target.
#[inline(always)]
fn zones(masked: &Masked, tagged: &[u64], primary: usize, mut see: impl FnMut(u64)) {
    let mut zone = ZONE;
    for (item, hash) in masked.items.iter().zip(tagged).skip(primary + 1) {
        zone = next_zone(zone, item);
        see(hash_pair(zone, *hash));
    }
    zone = ZONE ^ 8;
    for (item, hash) in masked.items.iter().zip(tagged).take(primary).rev() {
        zone = next_zone(zone, item);
        see(hash_pair(zone, *hash));
    }
}

/// Kinds of words, by side and by place beside a mention.
#[inline(always)]
fn clusters(masked: &Masked, primary: usize, mut see: impl FnMut(u64)) {
    for (i, item) in masked.items.iter().enumerate().filter(|(_, i)| i.entry.cluster > 0) {
        let word = CLUSTER ^ u64::from(item.entry.cluster) ^ (u64::from(item.negated) << 16);
        let nearest = masked.targets.iter().map(|t| t.abs_diff(i)).min().unwrap_or(99);
        let side = u64::from(i > primary) << 20;
        see(hash_pair(word, 1));
        see(hash_pair(word ^ side, 2));
        if nearest <= 6 {
            see(hash_pair(word ^ side, 3 + u64::from(nearest > 1) + u64::from(nearest > 3)));
        }
        if let Some(next) = masked.items.get(i + 1) {
            let next = match next.kind {
                Kind::Word if next.entry.cluster > 0 => CLUSTER ^ u64::from(next.entry.cluster),
                _ => next.hash,
            };
            see(hash_pair(word, next));
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
        see(hash_pair(tag ^ 4, (cue.class % CLASSES.len()) as u64));
    }
}

fn next_zone(zone: u64, item: &Item) -> u64 {
    let edge = item.kind == Kind::Entity || item.breaks;
    // Two zones a side are told apart: up to the next name or break, and beyond.
    if edge { zone | 1 } else { zone }
}

/// The target's clause: from break to break.
pub(super) fn clause(masked: &Masked) -> (usize, usize) {
    let primary = masked.targets.first().copied().unwrap_or(0);
    let items = &masked.items;
    let edge = |i: &Item| i.breaks || i.entry.is(super::lexicon::flag::RELATIVE);
    let begin = items.iter().take(primary).rposition(edge).map_or(0, |i| i + 1);
    let end = items.iter().skip(primary + 1).position(edge).map_or(items.len(), |i| primary + 1 + i);
    (begin, end)
}
