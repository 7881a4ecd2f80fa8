//! Articles that occur twice, to the word or nearly so.
//!
//! Nearly: by the Jaccard similarity of their word pairs, estimated by
//! min-wise hashing (Broder 1997) in bands (locality-sensitive hashing: two
//! articles are compared when one band is equal). No text is kept: an article
//! costs about 150 bytes.

use crate::{
    rows::Split,
    text::{Document, hash_pair, hash_word},
};
use std::collections::HashMap;

/// Numbers of a signature, four a band: articles with a similarity of 0.8 meet in one with a probability of 0.96.
const SIGNATURE: usize = 24;
const BAND: usize = 4;
/// Equal numbers that make two articles near duplicates: an estimated similarity of 0.75.
const NEAR: usize = 18;
/// With fewer word pairs two articles are alike too easily.
const LEAST_PAIRS: usize = 8;

/// Where an article stands, and what of it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: u32,
    pub(super) line: u64,
    pub(super) split: Split,
    /// Hash of its topic label, 0 for none.
    pub(super) label: u64,
}

/// Two articles that are alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pair {
    pub(super) first: Place,
    pub(super) second: Place,
    /// 1 for the same words; else the estimate.
    pub(super) similarity: f64,
}

/// The articles seen so far.
#[derive(Default)]
pub(super) struct Duplicates {
    exact: HashMap<u64, Place>,
    signatures: Vec<([u16; SIGNATURE], Place)>,
}

impl Duplicates {
    /// How many articles are held.
    pub(super) fn len(&self) -> usize {
        self.exact.len()
    }

    /// Takes an article; gives the first one with the same words, if there was one.
    pub(super) fn add(&mut self, document: &Document, place: Place) -> Option<Place> {
        let tokens = document.tokens();
        let words = tokens.iter().fold(hash_word(b"words"), |hash, token| hash_pair(hash, token.hash));
        if let Some(first) = self.exact.get(&words) {
            return Some(*first);
        }
        self.exact.insert(words, place);
        if tokens.len() > LEAST_PAIRS {
            let pairs = tokens.windows(2).map(|w| hash_pair(w[0].hash, w[1].hash));
            self.signatures.push((signature(pairs), place));
        }
        None
    }

    /// Near duplicates: each article at most once, with an earlier one that is like it.
    pub(super) fn near(&self) -> Vec<Pair> {
        let mut found: HashMap<usize, (usize, usize)> = HashMap::new();
        let mut order: Vec<usize> = (0..self.signatures.len()).collect();
        for band in 0..SIGNATURE / BAND {
            let key = |i: &usize| {
                let numbers = &self.signatures[*i].0[band * BAND..][..BAND];
                numbers.iter().fold(0u64, |key, n| key << 16 | u64::from(*n))
            };
            order.sort_unstable_by_key(|i| (key(i), *i));
            for group in order.chunk_by(|a, b| key(a) == key(b)) {
                // Against the first and the one before: a group of thousands is one text in many copies.
                for (at, &second) in group.iter().enumerate().skip(1) {
                    for first in [group[0], group[at - 1]] {
                        let equal = self.equal(first, second);
                        if equal >= NEAR && found.get(&second).is_none_or(|(_, best)| equal > *best) {
                            found.insert(second, (first, equal));
                        }
                    }
                }
            }
        }
        let mut pairs: Vec<(usize, Pair)> = found
            .into_iter()
            .map(|(second, (first, equal))| {
                let similarity = equal as f64 / SIGNATURE as f64;
                let [first, place] = [first, second].map(|i| self.signatures[i].1);
                (second, Pair { first, second: place, similarity })
            })
            .collect();
        pairs.sort_by_key(|(second, _)| *second);
        pairs.into_iter().map(|(_, pair)| pair).collect()
    }

    fn equal(&self, a: usize, b: usize) -> usize {
        self.signatures[a].0.iter().zip(&self.signatures[b].0).filter(|(x, y)| x == y).count()
    }
}

/// The least of each of 24 hashes of the pairs, cut to 16 bits.
fn signature(pairs: impl Iterator<Item = u64>) -> [u16; SIGNATURE] {
    let mut least = [u64::MAX; SIGNATURE];
    for pair in pairs {
        let mut hash = pair;
        for least in &mut least {
            // Weyl sequence and the finaliser of MurmurHash3: the hashes are as good as independent.
            hash = hash.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
            *least = (*least).min(mixed ^ mixed >> 33);
        }
    }
    // The least of many is small: its high bits tell nothing, so it is mixed once more.
    least.map(|l| (l.wrapping_mul(0xc4ce_b9fe_1a85_ec53) >> 48) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(n: std::ops::Range<usize>, changed: usize) -> String {
        n.map(|i| if i < changed { format!("x{i} ") } else { format!("w{i} ") }).collect()
    }

    #[test]
    fn finds_copies_and_near_copies_only() {
        let mut seen = Duplicates::default();
        let place = |line| Place { file: 0, line, split: Split::Train, label: 0 };
        let mut add = |line, text: &str| seen.add(&Document::new("", text), place(line));
        assert_eq!(add(1, &words(0..300, 0)), None);
        assert_eq!(add(2, &words(0..300, 0).to_uppercase()), Some(place(1)));
        assert_eq!(add(3, &words(0..300, 15)), None);
        assert_eq!(add(4, &words(0..300, 200)), None);
        assert_eq!(add(5, &words(1_000..1_300, 0)), None);
        assert_eq!(add(6, "too short"), None);
        assert_eq!(add(7, "so short"), None);
        let near: Vec<(u64, u64)> = seen.near().iter().map(|p| (p.first.line, p.second.line)).collect();
        assert_eq!(near, [(1, 3)]);
        assert_eq!(seen.len(), 6);
    }

    #[test]
    fn the_estimate_is_near_the_truth() {
        let pairs = |n: std::ops::Range<u64>| n.map(|i| hash_word(&i.to_le_bytes()));
        let mut total = 0;
        for start in 0..40 {
            let (a, b) = (
                signature(pairs(start * 1_000..start * 1_000 + 100)),
                signature(pairs(start * 1_000 + 20..start * 1_000 + 120)),
            );
            total += a.iter().zip(&b).filter(|(x, y)| x == y).count();
        }
        // 80 of 120 shared: two thirds of 24 x 40.
        let share = f64::from(total as u32) / (40.0 * SIGNATURE as f64);
        assert!((share - 2.0 / 3.0).abs() < 0.06, "{share}");
    }
}
