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

    /// A name ends here.
    #[inline(always)]
    pub(super) fn is_name(self) -> bool {
        self.bits & ENTRY != 0
    }

    /// Longer names begin with this prefix.
    #[inline]
    pub(super) fn goes_on(self) -> bool {
        self.bits & GOES_ON != 0
    }

    /// No name begins with this prefix.
    #[inline(always)]
    pub(super) fn is_nothing(self) -> bool {
        self.bits == 0
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
    /// Words that names begin with.
    words: Filter,
    /// Prefixes of two words.
    pairs: Filter,
    nodes: Buckets,
}

impl PrefixTable {
    /// A table with room for so many prefixes, among which are so many words and pairs.
    pub(super) fn with_room(prefixes: usize, words: usize, pairs: usize) -> Self {
        Self { words: Filter::with_room(words), pairs: Filter::with_room(pairs), nodes: Buckets::with_room(prefixes) }
    }

    /// Marks a word that names begin with.
    pub(super) fn mark_word(&mut self, hash: u64) {
        self.words.insert(hash);
    }

    /// Marks a prefix of two words.
    pub(super) fn mark_pair(&mut self, hash: u64) {
        self.pairs.insert(hash);
    }

    /// Whether a name may begin with the word of this hash.
    #[inline(always)]
    pub(super) fn may_begin(&self, word: u64) -> bool {
        self.words.may_hold(word)
    }

    /// The node of a prefix of two words, which most pairs are not.
    #[inline(always)]
    pub(super) fn pair(&self, prefix: u64) -> Node {
        // Without a branch: what is none is looked for where all of them are.
        let mask = 0_u64.wrapping_sub(u64::from(self.pairs.may_hold(prefix)));
        Node { bits: self.node(prefix & mask).bits & mask as u32 }
    }

    /// Bytes of memory it takes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.words.bytes() + self.pairs.bytes() + self.nodes.bytes()
    }

    /// Adds a prefix; an entry that is already there stays.
    pub(super) fn insert(&mut self, prefix: u64, new: Node) {
        self.nodes
            .change(prefix, |old| old | if (Node { bits: old }).is_name() { new.bits & GOES_ON } else { new.bits });
    }

    /// The node of a prefix; one that is nothing, if no name begins with it.
    #[inline(always)]
    pub(super) fn node(&self, prefix: u64) -> Node {
        Node { bits: self.nodes.get(prefix) }
    }

    /// The node of a prefix.
    #[inline]
    pub(super) fn get(&self, prefix: u64) -> Option<Node> {
        Some(self.node(prefix)).filter(|node| !node.is_nothing())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_put_in() {
        let mut table = PrefixTable::with_room(1_000, 1, 1);
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
        let [word, pair, other] = [77, 78, 79].map(|i| i << 32 | i);
        table.mark_word(word);
        table.mark_pair(pair);
        assert!(table.may_begin(word) && !table.may_begin(other));
        table.insert(pair, Node::PREFIX);
        assert_eq!((table.pair(pair), table.pair(other)), (Node::PREFIX, Node::default()));
    }
}
