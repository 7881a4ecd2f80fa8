//! Tells most words that begin no name from those that may, before the table
//! of names is touched.

/// A blocked Bloom filter: a block, which is one machine word, holds all that is known of the hashes that share it, of each
/// three bits. It lets about one stranger in thirty through.
#[derive(Debug, Clone)]
pub(super) struct Filter(Box<[u64]>);

impl Filter {
    /// A filter that is at most a quarter full with so many hashes.
    pub(super) fn with_room(hashes: usize) -> Self {
        Self(vec![0; (hashes / 8).next_power_of_two()].into())
    }

    /// Adds a hash.
    pub(super) fn insert(&mut self, hash: u64) {
        let at = self.place(hash);
        if let Some(block) = self.0.get_mut(at) {
            *block |= 1 << (hash % 64) | 1 << (hash >> 6 & 63) | 1 << (hash >> 12 & 63);
        }
    }

    /// Whether the hash may have been added.
    #[inline(always)]
    pub(super) fn may_hold(&self, hash: u64) -> bool {
        let block = self.0.get(self.place(hash)).copied().unwrap_or(0);
        block >> (hash % 64) & block >> (hash >> 6 & 63) & block >> (hash >> 12 & 63) & 1 != 0
    }

    #[inline(always)]
    fn place(&self, hash: u64) -> usize {
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
    use crate::text::hash_pair;

    #[test]
    fn holds_what_was_put_in_and_few_strangers() {
        let mut filter = Filter::with_room(10_000);
        let hash = |i: u64| hash_pair(i, 7);
        (0..10_000).for_each(|i| filter.insert(hash(i)));
        assert!((0..10_000).all(|i| filter.may_hold(hash(i))));
        let strangers = (10_000..20_000).filter(|i| filter.may_hold(hash(*i))).count();
        assert!(strangers < 1_000, "{strangers} of 10,000");
    }
}
