//! Hashed n-grams of a masked sentence, seen from the target: the whole
//! sentence, its sides, the neighbourhood, the clause, the parts between names.

use super::{
    lexicon::CLASSES,
    mask::{Item, Kind, Masked},
    roles::{Cue, Role},
};
use crate::text::hash_pair;

/// How many views there are.
pub(super) const VIEWS: usize = 6;

/// Hashes of one sentence's n-grams, view after view.
#[derive(Debug, Default)]
pub(super) struct Views {
    /// All hashes.
    pub(super) hashes: Vec<u64>,
    /// Where each view ends in `hashes`.
    pub(super) ends: [usize; VIEWS],
    tagged: Vec<u64>,
}

const NEGATED: u64 = 0x6a09_e667_f3bc_c909;
const LEFT: u64 = 0xbb67_ae85_84ca_a73b;
const RIGHT: u64 = 0x3c6e_f372_fe94_f82b;
const ANCHORED: u64 = 0xa54f_f53a_5f1d_36f1;
const CLAUSE: u64 = 0x510e_527f_ade6_82d1;
const ZONE: u64 = 0x9b05_688c_2b3e_6c00;
const CLUSTER: u64 = 0xcbbb_9d5d_c105_0000;
const ROLE: u64 = 0x1f83_d9ab_fb41_bd6b;

impl Views {
    /// Hashes a sentence whose target's clause is `clause`.
    pub(super) fn fill(&mut self, masked: &Masked, cues: &[Cue], clause: (usize, usize)) {
        self.hashes.clear();
        self.tagged.clear();
        self.tagged.extend(masked.items.iter().map(|i| if i.negated { i.hash ^ NEGATED } else { i.hash }));
        let primary = masked.targets.first().copied().unwrap_or(0);
        let all = (0, masked.items.len());
        let tagged = std::mem::take(&mut self.tagged);
        self.grams(&tagged, all, 0);
        self.ends[0] = self.hashes.len();
        self.grams(&tagged, (0, primary), LEFT);
        self.grams(&tagged, (primary + 1, all.1), RIGHT);
        self.ends[1] = self.hashes.len();
        self.anchored(masked);
        self.ends[2] = self.hashes.len();
        self.grams(&tagged, clause, CLAUSE);
        self.ends[3] = self.hashes.len();
        self.zones(masked, &tagged, primary);
        self.roles(&masked.items, cues);
        self.ends[4] = self.hashes.len();
        self.clusters(masked, primary);
        self.ends[5] = self.hashes.len();
        self.tagged = tagged;
    }

    /// Words and pairs of a range.
    fn grams(&mut self, tagged: &[u64], (begin, end): (usize, usize), salt: u64) {
        let part = tagged.get(begin..end).unwrap_or(&[]);
        self.hashes.extend(part.iter().map(|h| h ^ salt));
        self.hashes.extend(part.windows(2).filter_map(|w| match w {
            [a, b] => Some(hash_pair(*a, *b) ^ salt),
            _ => None,
        }));
    }

    /// N-grams that hold a mention, and words by their place beside it.
    fn anchored(&mut self, masked: &Masked) {
        let hash = |i: usize| masked.items.get(i).map_or(0, |i| i.hash);
        let n = masked.items.len();
        for &target in masked.targets.iter().take(3) {
            for before in 0..4usize {
                for after in 0..4usize {
                    if !(1..=3).contains(&(before + after)) || before > target || target + after >= n {
                        continue;
                    }
                    let gram = (target - before..=target + after).fold(ANCHORED, |g, i| hash_pair(g, hash(i)));
                    self.hashes.push(gram);
                }
            }
            for (distance, bucket) in [(1usize, 1u64), (2, 2), (3, 3), (4, 3), (5, 4), (6, 4)] {
                if distance <= target {
                    self.hashes.push(hash_pair(LEFT ^ bucket, hash(target - distance)));
                }
                if target + distance < n {
                    self.hashes.push(hash_pair(RIGHT ^ bucket, hash(target + distance)));
                }
            }
        }
    }

    /// Words by how many other names stand between them and the target.
    fn zones(&mut self, masked: &Masked, tagged: &[u64], primary: usize) {
        let mut zone = ZONE;
        for (item, hash) in masked.items.iter().zip(tagged).skip(primary + 1) {
            zone = next_zone(zone, item);
            self.hashes.push(hash_pair(zone, *hash));
        }
        zone = ZONE ^ 8;
        for (item, hash) in masked.items.iter().zip(tagged).take(primary).rev() {
            zone = next_zone(zone, item);
            self.hashes.push(hash_pair(zone, *hash));
        }
    }

    /// Kinds of words, by side and by place beside a mention.
    fn clusters(&mut self, masked: &Masked, primary: usize) {
        for (i, item) in masked.items.iter().enumerate().filter(|(_, i)| i.entry.cluster > 0) {
            let word = CLUSTER ^ u64::from(item.entry.cluster) ^ (u64::from(item.negated) << 16);
            let nearest = masked.targets.iter().map(|t| t.abs_diff(i)).min().unwrap_or(99);
            let side = u64::from(i > primary) << 20;
            self.hashes.push(hash_pair(word, 1));
            self.hashes.push(hash_pair(word ^ side, 2));
            if nearest <= 6 {
                self.hashes.push(hash_pair(word ^ side, 3 + u64::from(nearest > 1) + u64::from(nearest > 3)));
            }
            if let Some(next) = masked.items.get(i + 1) {
                let next = match next.kind {
                    Kind::Word if next.entry.cluster > 0 => CLUSTER ^ u64::from(next.entry.cluster),
                    _ => next.hash,
                };
                self.hashes.push(hash_pair(word, next));
            }
        }
    }

    /// Cue words with the target's part in them.
    fn roles(&mut self, items: &[Item], cues: &[Cue]) {
        for cue in cues {
            let tag = ROLE ^ u64::from(cue.role == Role::Theme) ^ (u64::from(cue.negated) << 1);
            let word = items.get(cue.at).map_or(0, |i| i.hash);
            self.hashes.push(hash_pair(tag, word));
            self.hashes.push(hash_pair(tag ^ 4, (cue.class % CLASSES.len()) as u64));
        }
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
