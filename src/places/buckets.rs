//! A hash table that is asked without a branch that depends on what it holds:
//! where a name is found cannot be foreseen, and each wrong guess of the
//! processor costs more than a look at a whole bucket.

/// Keys that share a line of the cache.
const SLOTS: usize = 8;

/// Values that are not 0, by hash. The bucket is told by other bits of the hash than the key, so that two hashes are taken
/// for one about once in 2^40 looks.
#[derive(Debug, Clone)]
pub(super) struct Buckets(Box<[Bucket]>);

#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
struct Bucket {
    keys: [u32; SLOTS],
    /// 0 where no key is; taken from the first on.
    values: [u32; SLOTS],
}

impl Bucket {
    #[inline(always)]
    fn find(&self, key: u32) -> u32 {
        let pairs = self.keys.iter().zip(&self.values);
        pairs.fold(0, |found, (k, value)| found | if *k == key { *value } else { 0 })
    }

    #[inline(always)]
    fn is_full(&self) -> bool {
        self.values[SLOTS - 1] != 0
    }
}

impl Buckets {
    /// A table that is at most half full with so many keys, so that few buckets overflow into the next.
    pub(super) fn with_room(keys: usize) -> Self {
        Self(vec![Bucket::default(); (3 * keys / 2 / SLOTS + 1).next_power_of_two()].into())
    }

    /// The value of a hash, 0 if it has none.
    #[inline(always)]
    pub(super) fn get(&self, hash: u64) -> u32 {
        let mut at = self.home(hash);
        loop {
            let Some(bucket) = self.0.get(at) else { return 0 };
            let found = bucket.find(hash as u32);
            // As one number: two conditions would be two guesses.
            if found | u32::from(!bucket.is_full()) != 0 {
                return found;
            }
            at = (at + 1) & (self.0.len() - 1);
        }
    }

    /// Sets the value of a hash to what `change` makes of the one that it has, 0 if none.
    pub(super) fn change(&mut self, hash: u64, change: impl FnOnce(u32) -> u32) {
        let (home, mask) = (self.home(hash), self.0.len() - 1);
        let mut slots = (0..=mask).flat_map(|step| (0..SLOTS).map(move |slot| ((home + step) & mask, slot)));
        let own = |bucket: &Bucket, slot: usize| bucket.values[slot] == 0 || bucket.keys[slot] == hash as u32;
        let free = slots.find(|&(at, slot)| self.0.get(at).is_some_and(|bucket| own(bucket, slot)));
        if let Some((at, slot)) = free
            && let Some(bucket) = self.0.get_mut(at)
        {
            bucket.keys[slot] = hash as u32;
            bucket.values[slot] = change(bucket.values[slot]);
        }
    }

    #[inline(always)]
    fn home(&self, hash: u64) -> usize {
        (hash >> 32) as usize & (self.0.len() - 1)
    }

    /// Bytes of memory it takes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        /// Few homes and keys, so that buckets overflow and hashes come again.
        #[test]
        fn equals_a_map(hashes in proptest::collection::vec((0_u64..3, 0_u64..40), 0..80), strangers in 0_u64..40) {
            let hash = |(home, key): (u64, u64)| home << 32 | (4 * key + home);
            let (mut table, mut map) = (Buckets::with_room(hashes.len()), HashMap::new());
            for pair in hashes {
                table.change(hash(pair), |old| old + 1);
                *map.entry(hash(pair)).or_insert(0) += 1;
            }
            for home in 0..4 {
                for key in 0..strangers {
                    let hash = hash((home, key));
                    prop_assert_eq!(table.get(hash), map.get(&hash).copied().unwrap_or(0));
                }
            }
        }
    }
}
