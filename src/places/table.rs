//! Hash table from prefixes of names to what they mean. A name of three words
//! is three prefixes, so one walk finds the longest.

/// What a prefix is: the entry that ends with it, and whether longer names go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Node {
    bits: u32,
}

const GOES_ON: u32 = 1 << 31;

impl Node {
    /// Index of the entry whose name ends here.
    pub(super) fn entry(self) -> Option<usize> {
        (self.bits & !GOES_ON).checked_sub(1).map(|e| e as usize)
    }

    /// Longer names begin with this prefix.
    pub(super) fn goes_on(self) -> bool {
        self.bits & GOES_ON != 0
    }
}

/// Open addressing with linear probing; keys are hashes of prefixes.
#[derive(Debug, Clone)]
pub(super) struct PrefixTable {
    /// What is not in here begins no name.
    first: Bits,
    /// What is not in here is no beginning of two words or more.
    longer: Bits,
    slots: Box<[Slot]>,
}

/// The home place of a prefix is told by other bits of its hash than the key, so that two prefixes are taken for one
/// about once in 2^40 looks.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    key: u32,
    node: Node,
}

/// One bit for each residue of a hash: a look that stays in the nearest caches.
#[derive(Debug, Clone)]
struct Bits(Box<[u64; Self::BITS / 64]>);

impl Bits {
    const BITS: usize = 1 << 17;

    fn insert(&mut self, hash: u64) {
        let bit = hash as usize % Self::BITS;
        self.0[bit / 64] |= 1 << (bit % 64);
    }

    #[inline(always)]
    fn may_hold(&self, hash: u64) -> bool {
        let bit = hash as usize % Self::BITS;
        self.0[bit / 64] >> (bit % 64) & 1 != 0
    }
}

impl PrefixTable {
    /// A table with room for `prefixes`.
    pub(super) fn with_room(prefixes: usize) -> Self {
        let slots = (prefixes + prefixes / 2 + 16).next_power_of_two();
        let bits = Bits(Box::new([0; Bits::BITS / 64]));
        Self { first: bits.clone(), longer: bits, slots: vec![Slot::default(); slots].into() }
    }

    /// Marks the hash of a first word.
    pub(super) fn insert_first(&mut self, hash: u64) {
        self.first.insert(hash);
    }

    /// Whether a name may begin with the word of this hash.
    #[inline(always)]
    pub(super) fn may_begin(&self, hash: u64) -> bool {
        self.first.may_hold(hash)
    }

    /// Marks a prefix of two words or more.
    pub(super) fn insert_longer(&mut self, prefix: u64) {
        self.longer.insert(prefix);
    }

    /// The node of a prefix of two words or more.
    #[inline]
    pub(super) fn get_longer(&self, prefix: u64) -> Option<Node> {
        if self.longer.may_hold(prefix) { self.get(prefix) } else { None }
    }

    /// Bytes of memory it takes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        2 * Bits::BITS / 8 + size_of_val(&*self.slots)
    }

    /// Adds a prefix; an `entry` that is already there stays.
    pub(super) fn insert(&mut self, prefix: u64, entry: Option<usize>, goes_on: bool) {
        let mask = self.slots.len() - 1;
        for step in 0..self.slots.len() {
            let Some(Slot { key, node }) = self.slots.get_mut((spread(prefix) + step) & mask) else { return };
            if node.bits != 0 && *key != prefix as u32 {
                continue;
            }
            *key = prefix as u32;
            if let (Some(entry), None) = (entry, node.entry()) {
                node.bits |= (entry as u32 + 1) & !GOES_ON;
            }
            if goes_on {
                node.bits |= GOES_ON;
            }
            return;
        }
    }

    /// The node of a prefix.
    #[inline]
    pub(super) fn get(&self, prefix: u64) -> Option<Node> {
        let mask = self.slots.len() - 1;
        let mut at = spread(prefix) & mask;
        // At most two thirds of the slots are taken, so an empty one ends each search.
        loop {
            let Slot { key, node } = *self.slots.get(at)?;
            if node.bits == 0 {
                return None;
            }
            if key == prefix as u32 {
                return Some(node);
            }
            at = (at + 1) & mask;
        }
    }
}

fn spread(hash: u64) -> usize {
    (hash >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_put_in() {
        let mut table = PrefixTable::with_room(1_000);
        for i in 0..1_000u64 {
            table.insert((i << 33) | i, Some(i as usize), i % 2 == 0);
        }
        for i in 0..1_000u64 {
            let node = table.get((i << 33) | i).unwrap();
            assert_eq!((node.entry(), node.goes_on()), (Some(i as usize), i % 2 == 0));
        }
        assert_eq!(table.get(1_000), None);
        table.insert_first(77);
        assert!(table.may_begin(77) && !table.may_begin(78));
    }
}
