//! Hash table from prefixes of names to what they mean. A name of three words
//! is three prefixes, so one walk finds the longest.

use super::{buckets::Buckets, entry::Entry, filter::Filter};

/// What a prefix is: the entry that ends with it, and whether longer names go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Node {
    /// One more than the index of the entry, and above it the marks. A gazetteer has room for fewer lines than these bits.
    bits: u32,
}

const GOES_ON: u32 = 1 << 31;
/// A mark of the entry, which spares a look at it.
const SIMPLE: u32 = 1 << 30;
const ENTRY: u32 = SIMPLE - 1;

impl Node {
    /// A prefix that is not a whole name.
    pub(super) const PREFIX: Self = Self { bits: GOES_ON };

    /// The end of a name.
    pub(super) fn of(index: usize, entry: &Entry) -> Self {
        let simple = if entry.is_plain() && !entry.is_only_given() { SIMPLE } else { 0 };
        Self { bits: (index as u32 + 1) & ENTRY | simple }
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

    /// The name counts wherever it is capitalised.
    #[inline(always)]
    pub(super) fn is_simple(self) -> bool {
        self.bits & SIMPLE != 0
    }
}

/// From the hash of a prefix to its node.
#[derive(Debug, Clone)]
pub(super) struct PrefixTable {
    /// Names of one word and prefixes of two words or more, each by the hash of the first word.
    begins: Filter,
    nodes: Buckets,
}

impl PrefixTable {
    /// A table with room for so many prefixes.
    pub(super) fn with_room(prefixes: usize) -> Self {
        Self { begins: Filter::with_room(prefixes), nodes: Buckets::with_room(prefixes) }
    }

    /// Marks a name of one word, or a prefix of more, that begins with the word of the hash `first`.
    pub(super) fn mark(&mut self, first: u64, prefix: u64) {
        self.begins.insert(first, prefix);
    }

    /// Whether the word of the hash `first` may begin the `prefix` of two words or more.
    #[inline(always)]
    pub(super) fn may_go_on(&self, first: u64, prefix: u64) -> bool {
        self.begins.may_hold(first, prefix)
    }

    /// Whether a name may begin with the word of this hash: one of its own, or one that goes on as `pair` does.
    #[inline(always)]
    pub(super) fn may_begin(&self, word: u64, pair: u64) -> bool {
        self.begins.may_hold_either(word, [word, pair])
    }

    /// The node of a prefix of two words or more that begins with the word of the hash `first`.
    #[inline]
    pub(super) fn get_longer(&self, first: u64, prefix: u64) -> Option<Node> {
        if self.may_go_on(first, prefix) { self.get(prefix) } else { None }
    }

    /// Bytes of memory it takes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.begins.bytes() + self.nodes.bytes()
    }

    /// Adds a prefix; an entry that is already there stays.
    pub(super) fn insert(&mut self, prefix: u64, new: Node) {
        self.nodes.change(prefix, |old| {
            let has_entry = Node { bits: old }.entry().is_some();
            old | if has_entry { new.bits & GOES_ON } else { new.bits }
        });
    }

    /// The node of a prefix; one that is nothing, if no name begins with it.
    #[inline(always)]
    pub(super) fn node(&self, prefix: u64) -> Node {
        Node { bits: self.nodes.get(prefix) }
    }

    /// The node of a prefix.
    #[inline]
    pub(super) fn get(&self, prefix: u64) -> Option<Node> {
        Some(self.node(prefix)).filter(|node| node.bits != 0)
    }
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
        }
        assert_eq!(table.get(1_000), None);
        let (word, other) = (77 << 32, 78 << 32);
        table.mark(word, 78);
        assert!(table.may_begin(word, 78) && !table.may_begin(word, 79) && !table.may_begin(other, 78));
    }
}
