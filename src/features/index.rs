//! Which slot a feature has: buckets of eight 16-bit fingerprints.
//!
//! The upper bits of a feature's hash choose the bucket, the lowest 16 bits
//! are its fingerprint. A bucket is two machine words, so the whole index
//! (256 KiB for 2^17 slots) stays in the second-level cache and an unknown
//! feature never touches the weight table. An unknown feature is taken for a
//! known one with a probability below 8/65,536.

use super::kernel::first_lane;
use std::collections::HashSet;

const WAYS: usize = 8;

/// Feature hash to slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureIndex {
    /// Two words of four fingerprints a bucket; 0 = empty.
    buckets: Vec<[u64; 2]>,
    shift: u32,
}

/// Why an index cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("feature index: {0} fingerprints are not a power of two from 8 to 2^24")]
pub struct IndexError(usize);

impl FeatureIndex {
    /// Gives slots to `features` in their order, the most valuable first; a
    /// feature whose bucket is full, or whose fingerprint stands there
    /// already, is left out. `bits`: log2 of the number of slots, 3 to 24.
    #[must_use]
    pub fn build(features: impl IntoIterator<Item = u64>, bits: u32) -> Self {
        let bits = bits.clamp(3, 24);
        let mut fingerprints = vec![0u16; 1 << bits];
        let shift = 64 - (bits - 3);
        let mut full = HashSet::new();
        for hash in features {
            let bucket = bucket(hash, shift);
            if full.contains(&bucket) {
                continue;
            }
            let Some(ways) = fingerprints.get_mut(bucket * WAYS..(bucket + 1) * WAYS) else { continue };
            let print = fingerprint(hash);
            if ways.contains(&print) {
                continue;
            }
            match ways.iter_mut().find(|w| **w == 0) {
                Some(way) => *way = print,
                None => {
                    full.insert(bucket);
                }
            }
        }
        Self { buckets: pack(&fingerprints), shift }
    }

    /// Reads the fingerprints as [`fingerprints`](Self::fingerprints) gives them.
    ///
    /// # Errors
    /// When their number is no power of two from 8 to 2^24.
    pub fn from_fingerprints(fingerprints: &[u16]) -> Result<Self, IndexError> {
        let n = fingerprints.len();
        if !n.is_power_of_two() || !(WAYS..=1 << 24).contains(&n) {
            return Err(IndexError(n));
        }
        Ok(Self { buckets: pack(fingerprints), shift: 64 - (n.trailing_zeros() - 3) })
    }

    /// All fingerprints in slot order.
    #[must_use]
    pub fn fingerprints(&self) -> Vec<u16> {
        self.buckets.iter().flatten().flat_map(|w| (0..4).map(move |i| (w >> (16 * i)) as u16)).collect()
    }

    /// How many slots there are.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.buckets.len() * WAYS
    }

    /// The slot of a feature, if it has one.
    #[inline(always)]
    #[must_use]
    pub fn slot(&self, hash: u64) -> Option<u32> {
        let (slot, known) = self.find(hash);
        known.then_some(slot)
    }

    /// The slot of a feature and whether it has one (else the slot is another's or none). Without a branch on which it
    /// is: half of a text's pairs are unknown, in no order that a processor could foresee.
    #[inline(always)]
    #[must_use]
    pub(super) fn find(&self, hash: u64) -> (u32, bool) {
        let at = bucket(hash, self.shift);
        let way = first_lane(self.buckets.get(at).copied().unwrap_or_default(), fingerprint(hash));
        ((at * WAYS + way) as u32, way < WAYS)
    }
}

#[inline(always)]
fn bucket(hash: u64, shift: u32) -> usize {
    // In two steps: a shift by 64 (a single bucket) would be out of range.
    (hash >> 1 >> (shift - 1)) as usize
}

/// Lowest 16 bits, but never 0, which marks an empty way.
#[inline(always)]
fn fingerprint(hash: u64) -> u16 {
    (hash as u16).max(1)
}

fn pack(fingerprints: &[u16]) -> Vec<[u64; 2]> {
    let word = |four: &[u16]| four.iter().rev().fold(0, |word, &f| word << 16 | u64::from(f));
    fingerprints.chunks_exact(WAYS).map(|ways| [word(&ways[..4]), word(&ways[4..])]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::hash_word;
    use proptest::prelude::*;

    #[test]
    fn finds_what_was_put_in() {
        let features: Vec<u64> = (0..150_000u32).map(|i| hash_word(&i.to_le_bytes())).collect();
        let index = FeatureIndex::build(features.iter().copied(), 18);
        let slots: HashSet<u32> = features.iter().filter_map(|&f| index.slot(f)).collect();
        assert!(slots.len() > 149_000, "{}", slots.len());
        assert!(slots.iter().all(|&s| (s as usize) < index.slots()));
        let strangers = (200_000..300_000u32).filter(|i| index.slot(hash_word(&i.to_le_bytes())).is_some()).count();
        assert!(strangers < 40, "{strangers} false matches of 100,000");
        assert_eq!(FeatureIndex::from_fingerprints(&index.fingerprints()).unwrap(), index);
    }

    #[test]
    fn refuses_odd_sizes() {
        assert!(FeatureIndex::from_fingerprints(&[0; 24]).is_err());
        assert!(FeatureIndex::from_fingerprints(&[]).is_err());
    }

    proptest! {
        #[test]
        fn lookup_equals_a_plain_scan(prints in proptest::collection::vec(0u16..6, 64), hash: u64) {
            let hash = hash & !0xffff | u64::from(hash as u16 % 8);
            let index = FeatureIndex::from_fingerprints(&prints).unwrap();
            let bucket = (hash >> 61) as usize;
            let plain = prints[bucket * 8..][..8].iter().position(|&f| f == fingerprint(hash));
            prop_assert_eq!(index.slot(hash), plain.map(|w| (bucket * 8 + w) as u32));
        }
    }
}
