//! Tells most words that begin no name from those that may, before the table
//! of names is touched.

/// A blocked Bloom filter: a block, which is one line of the cache, holds all that is known of the words that share it,
/// and of each hash two bits in one machine word. It lets about one stranger in thirty through.
#[derive(Debug, Clone)]
pub(super) struct Filter(Box<[Block]>);

#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Block([u64; Self::WORDS]);

impl Block {
    const WORDS: usize = 8;
    const BITS: usize = Self::WORDS * u64::BITS as usize;
}

impl Filter {
    /// A filter that is at most a quarter full with so many hashes.
    pub(super) fn with_room(hashes: usize) -> Self {
        let blocks = (8 * hashes / Block::BITS).next_power_of_two();
        Self(vec![Block([0; Block::WORDS]); blocks].into())
    }

    /// Adds a hash to the block of `word`.
    pub(super) fn insert(&mut self, word: u64, hash: u64) {
        let (block, at, bits) = self.place(word, hash);
        if let Some(slot) = self.0.get_mut(block).and_then(|block| block.0.get_mut(at)) {
            *slot |= bits;
        }
    }

    /// Whether the hash may have been added to the block of `word`.
    #[inline(always)]
    pub(super) fn may_hold(&self, word: u64, hash: u64) -> bool {
        let (block, at, bits) = self.place(word, hash);
        self.0.get(block).and_then(|block| block.0.get(at)).is_some_and(|slot| slot & bits == bits)
    }

    /// Whether either hash may have been added to the block of `word`.
    #[inline(always)]
    pub(super) fn may_hold_either(&self, word: u64, hashes: [u64; 2]) -> bool {
        let block = self.0.get((word >> 32) as usize & (self.0.len() - 1));
        block.is_some_and(|block| {
            let [a, b] = hashes.map(|hash| {
                let slot = block.0[(hash >> 12) as usize % Block::WORDS];
                slot >> (hash % 64) & slot >> (hash >> 6 & 63)
            });
            (a | b) & 1 != 0
        })
    }

    #[inline(always)]
    fn place(&self, word: u64, hash: u64) -> (usize, usize, u64) {
        let block = (word >> 32) as usize & (self.0.len() - 1);
        (block, (hash >> 12) as usize % Block::WORDS, 1 << (hash % 64) | 1 << (hash >> 6 & 63))
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
        (0..10_000).for_each(|i| filter.insert(hash(i), hash(i)));
        assert!((0..10_000).all(|i| filter.may_hold(hash(i), hash(i))));
        let strangers = (10_000..20_000).filter(|i| filter.may_hold(hash(*i), hash(*i))).count();
        assert!(strangers < 1_000, "{strangers} of 10,000");
    }
}
