//! Which words of a document a name may begin with: those written as names are
//! with which some name begins. Nine words of ten are neither, so this is
//! loops over all of them without a branch to foresee, each over fewer words.

use super::{
    gazetteer::{Gazetteer, extend},
    inflect,
    table::{Node, PrefixTable},
};
use crate::text::{Document, Initials, Token};

/// Where names may begin, in buffers that are reused.
#[derive(Debug, Clone, Default)]
pub(super) struct Starts {
    initials: Initials,
    /// Words that a name may begin with, then what is left of longer documents.
    tokens: Vec<u32>,
    list: Vec<Start>,
}

/// A word that a name may begin with.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Start {
    /// Index of the token.
    pub(super) at: usize,
    /// The names that its word begins.
    pub(super) node: Node,
    /// Those that it begins with the next word.
    pub(super) pair: Node,
}

impl Starts {
    /// Finds them. `small`: also in small letters, as other languages write the names of peoples.
    pub(super) fn find(&mut self, gazetteer: &Gazetteer, document: &Document, small: bool) {
        self.initials.read(document);
        if self.initials.any_beyond_ascii() {
            let inflects = |word: &Token| inflect::inflects(document.initial(word));
            self.find_among(document, small, |word| gazetteer.prefixes(document.initial(word)), inflects);
        } else {
            self.find_among(document, small, |_| gazetteer.prefixes(b'A'), |_| false);
        }
    }

    /// Finds them by the table of each word, and those that may have other readings.
    #[inline(always)]
    fn find_among<'a>(
        &mut self,
        document: &'a Document,
        small: bool,
        table: impl Fn(&Token) -> &'a PrefixTable,
        inflects: impl Fn(&Token) -> bool,
    ) {
        let Self { initials, tokens, list } = self;
        let words = document.tokens();
        if tokens.len() < words.len() {
            tokens.resize(words.len(), 0);
        }
        let mut kept = 0;
        // Without a branch on what the filter says: the next loads need not wait for this one. What is not kept is written
        // over by the next.
        let mut look = |at: usize, word: &Token| {
            let begins = table(word).may_begin(word.hash);
            if let Some(slot) = tokens.get_mut(kept) {
                *slot = at as u32;
            }
            kept += usize::from(begins | inflects(word));
        };
        for (block, &large) in initials.large().iter().enumerate() {
            let mut left = if small { u64::MAX } else { large };
            while left != 0 {
                let at = block * Initials::BLOCK + left.trailing_zeros() as usize;
                left &= left - 1;
                let Some(word) = words.get(at) else { break };
                if is_behind_hyphen(document, word)
                    && !small
                    && let Some((at, particle)) = particle(document, at, word)
                {
                    look(at, particle);
                }
                look(at, word);
            }
        }
        // All the table's lines are asked for before the first is needed.
        list.resize(kept, Start::default());
        let mut named = 0;
        for &at in tokens.get(..kept).unwrap_or(&[]) {
            let at = at as usize;
            let Some(word) = words.get(at) else { continue };
            // The last word beside itself: at worst a name is looked for in vain.
            let next = words.get(at + 1).unwrap_or(word);
            let table = table(word);
            let (node, pair) = (table.node(word.hash), table.pair(extend(word.hash, 1, next.hash)));
            if let Some(slot) = list.get_mut(named) {
                *slot = Start { at, node, pair };
            }
            let seldom = inflects(word) | inflects(next);
            named += usize::from(node.is_name() | !pair.is_nothing() | seldom);
        }
        list.truncate(named);
    }

    /// Those found last, in the order of the text.
    pub(super) fn iter(&self) -> impl Iterator<Item = Start> {
        self.list.iter().copied()
    }
}

#[inline(always)]
fn is_behind_hyphen(document: &Document, word: &Token) -> bool {
    document.text().as_bytes().get((word.begin as usize).wrapping_sub(1)) == Some(&b'-')
}

/// A short word in small letters, joined by a hyphen to the word at `at`: "al-Shabab", "sub-Saharan".
#[inline(never)]
fn particle<'a>(document: &'a Document, at: usize, word: &Token) -> Option<(usize, &'a Token)> {
    const LONGEST: u32 = 3;
    let before = at.checked_sub(1)?;
    let particle = document.tokens().get(before)?;
    let joined = particle.end + 1 == word.begin && particle.end - particle.begin <= LONGEST;
    (joined && document.initial(particle).is_ascii_lowercase()).then_some((before, particle))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::places::DEFAULT_GAZETTEER;
    use proptest::prelude::*;
    use std::sync::OnceLock;

    proptest! {
        /// Every word that begins a name of the gazetteer, or goes on with the next as one does, is among the starts.
        #[test]
        fn misses_no_name(text in "(?s)(.|Paris |Sri Lanka |al-Shabab |the |The Hague |Сирии |и |والعراق ){0,80}", small: bool) {
            static GAZETTEER: OnceLock<Gazetteer> = OnceLock::new();
            let gazetteer = GAZETTEER.get_or_init(|| Gazetteer::parse(DEFAULT_GAZETTEER).unwrap());
            let document = Document::new("", &text);
            let mut starts = Starts::default();
            starts.find(gazetteer, &document, small);
            let found: Vec<usize> = starts.iter().map(|start| start.at).collect();
            let tokens = document.tokens();
            for (at, token) in tokens.iter().enumerate() {
                let initial = document.initial(token);
                let capital = !initial.is_ascii_lowercase() && !initial.is_ascii_digit();
                let table = gazetteer.prefixes(document.initial(token));
                let node = table.get(token.hash);
                let whole = node.and_then(Node::entry).is_some_and(|e| !gazetteer.entries[e].is_only_given());
                let pair = tokens.get(at + 1).and_then(|next| table.get(extend(token.hash, 1, next.hash)));
                if (small || capital) && (whole || pair.is_some()) {
                    prop_assert!(found.contains(&at), "{:?}", document.surface(token));
                }
            }
        }
    }
}
