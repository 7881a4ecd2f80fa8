//! Hash table from prefixes of names to what they mean. A name of three words
//! is three prefixes, so one walk finds the longest.

use super::{
    entry::{Entry, flag},
    filter::Filter,
};

/// What a prefix is: the entry that ends with it, and whether longer names go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Node {
    /// One more than the index of the entry, and above it the marks. A gazetteer has room for fewer lines than these bits.
    bits: u32,
}

const GOES_ON: u32 = 1 << 31;
/// Marks of the entry, which spare a look at it.
const GIVEN: u32 = 1 << 30;
const SURNAME: u32 = 1 << 29;
const ENTRY: u32 = SURNAME - 1;

impl Node {
    /// A prefix that is not a whole name.
    pub(super) const PREFIX: Self = Self { bits: GOES_ON };

    /// The end of a name.
    pub(super) fn of(index: usize, entry: &Entry) -> Self {
        let mark = |flags: u16, bit: u32| if entry.has(flags) { bit } else { 0 };
        let marks = mark(flag::GIVEN, GIVEN) | mark(flag::SURNAME | flag::PERSON, SURNAME);
        Self { bits: (index as u32 + 1) & ENTRY | marks }
    }

    /// Index of the entry whose name ends here.
    #[inline]
    pub(super) fn entry(self) -> Option<usize> {
        (self.bits & ENTRY).checked_sub(1).map(|e| e as usize)
    }

    /// Longer names begin with this prefix.
    #[inline]
    pub(super) fn goes_on(self) -> bool {
        self.bits & GOES_ON != 0
    }

    /// The name is also a given name.
    pub(super) fn is_given_name(self) -> bool {
        self.bits & GIVEN != 0
    }

    /// The name is also a family name.
    pub(super) fn is_surname(self) -> bool {
        self.bits & SURNAME != 0
    }
}

/// Open addressing with linear probing; keys are hashes of prefixes.
#[derive(Debug, Clone)]
pub(super) struct PrefixTable {
    /// Names of one word and prefixes of two words or more, each by the hash of the first word.
    begins: Filter,
    slots: Box<[Slot]>,
}

/// The home place of a prefix is told by other bits of its hash than the key, so that two prefixes are taken for one
/// about once in 2^40 looks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slot {
    key: u32,
    node: Node,
}

impl PrefixTable {
    /// A table with room for so many prefixes.
    pub(super) fn with_room(prefixes: usize) -> Self {
        let slots = (prefixes + prefixes / 3 + 16).next_power_of_two();
        Self { begins: Filter::with_room(prefixes), slots: vec![Slot::default(); slots].into() }
    }

    /// Marks a name of one word, or a prefix of more, that begins with the word of the hash `first`.
    pub(super) fn mark(&mut self, first: u64, prefix: u64) {
        self.begins.insert(first, prefix);
    }

    /// Whether a name may begin with the word of this hash: one of its own, or one that goes on as `pair` does.
    #[inline(always)]
    pub(super) fn may_begin(&self, word: u64, pair: u64) -> bool {
        self.begins.may_hold_either(word, [word, pair])
    }

    /// The node of a prefix of two words or more that begins with the word of the hash `first`.
    #[inline]
    pub(super) fn get_longer(&self, first: u64, prefix: u64) -> Option<Node> {
        if self.begins.may_hold(first, prefix) { self.get(prefix) } else { None }
    }

    /// Bytes of memory it takes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.begins.bytes() + size_of_val(&*self.slots)
    }

    /// Adds a prefix; an entry that is already there stays.
    pub(super) fn insert(&mut self, prefix: u64, new: Node) {
        let mask = self.slots.len() - 1;
        for step in 0..self.slots.len() {
            let Some(Slot { key, node }) = self.slots.get_mut((spread(prefix) + step) & mask) else { return };
            if node.bits != 0 && *key != prefix as u32 {
                continue;
            }
            *key = prefix as u32;
            node.bits |= if node.entry().is_none() { new.bits } else { new.bits & GOES_ON };
            return;
        }
    }

    /// What lies at the first place of a prefix: [`node`](Self::node) tells whose it is.
    #[inline(always)]
    pub(super) fn home(&self, prefix: u64) -> Slot {
        self.slots.get(spread(prefix) & (self.slots.len() - 1)).copied().unwrap_or_default()
    }

    /// The node of a prefix at whose home lies `slot`.
    #[inline]
    pub(super) fn node(&self, prefix: u64, mut slot: Slot) -> Option<Node> {
        let mask = self.slots.len() - 1;
        let mut at = spread(prefix) & mask;
        // At most three quarters of the slots are taken, so an empty one ends each search.
        while slot.node.bits != 0 {
            if slot.key == prefix as u32 {
                return Some(slot.node);
            }
            at = (at + 1) & mask;
            slot = *self.slots.get(at)?;
        }
        None
    }

    /// The node of a prefix.
    #[inline]
    pub(super) fn get(&self, prefix: u64) -> Option<Node> {
        self.node(prefix, self.home(prefix))
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
        let entry = |flags| Entry::parse("-", flags, "SYc9", &mut Vec::new()).unwrap();
        for i in 0..1_000u64 {
            let key = (i << 33) | i;
            table.insert(key, Node::of(i as usize, &entry(if i % 3 == 0 { "g" } else { "s" })));
            if i % 2 == 0 {
                table.insert(key, Node::PREFIX);
            }
            // The first one stays.
            table.insert(key, Node::of(7, &entry("g")));
        }
        for i in 0..1_000u64 {
            let node = table.get((i << 33) | i).unwrap();
            assert_eq!((node.entry(), node.goes_on()), (Some(i as usize), i % 2 == 0));
            assert_eq!((node.is_given_name(), node.is_surname()), (i % 3 == 0, i % 3 != 0));
        }
        assert_eq!(table.get(1_000), None);
        let (word, other) = (77 << 32, 78 << 32);
        table.mark(word, 78);
        assert!(table.may_begin(word, 78) && !table.may_begin(word, 79) && !table.may_begin(other, 78));
    }
}
