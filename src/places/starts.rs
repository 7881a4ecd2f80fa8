//! Which words of a document a name may begin with: those written as names are
//! with which some name begins. Nine words of ten are neither, so this is
//! loops over all of them without a branch to foresee, each over fewer words.

use super::{
    gazetteer::{Gazetteer, extend},
    inflect,
    table::{Node, Slot},
};
use crate::text::{Document, Token};

/// Where names may begin, in buffers that are reused.
#[derive(Debug, Clone, Default)]
pub(super) struct Starts {
    /// Tokens whose case allows a name to begin, then those of them that a name begins with.
    tokens: Vec<u32>,
    /// The latter, and what lies at the home of their words' hashes.
    list: Vec<(u32, Slot)>,
}

impl Starts {
    /// Finds them. `small`: also in small letters, as other languages write the names of peoples.
    pub(super) fn find(&mut self, gazetteer: &Gazetteer, document: &Document, small: bool) {
        let inflected = capitals(document, small, &mut self.tokens);
        add_particles(document, &mut self.tokens);
        let words = document.tokens();
        // What is not kept is written over by the next.
        let (mut kept, tokens) = (0, self.tokens.as_mut_slice());
        for i in 0..tokens.len() {
            let at = tokens[i];
            let Some(word) = words.get(at as usize) else { break };
            // The last word beside itself: at worst a name is looked for in vain.
            let next = words.get(at as usize + 1).unwrap_or(word);
            let inflected = inflected && [word, next].iter().any(|word| inflect::inflects(first_byte(document, word)));
            // Without a branch on what the filter says: the next loads need not wait for this one.
            let begins = gazetteer.prefixes.may_begin(word.hash, extend(word.hash, 1, next.hash)) | inflected;
            tokens[kept] = at;
            kept += usize::from(begins);
        }
        self.tokens.truncate(kept);
        // All the table's lines are asked for before the first is needed.
        let home = |at: &u32| gazetteer.prefixes.home(words.get(*at as usize).map_or(0, |word| word.hash));
        self.list.clear();
        self.list.extend(self.tokens.iter().map(|at| (*at, home(at))));
    }

    /// The tokens in their order, each with the node of the names that its word begins.
    pub(super) fn iter<'a>(
        &'a self,
        gazetteer: &'a Gazetteer,
        document: &'a Document,
    ) -> impl Iterator<Item = (usize, &'a Token, Node)> {
        self.list.iter().filter_map(|&(at, slot)| {
            let token = document.tokens().get(at as usize)?;
            Some((at as usize, token, gazetteer.prefixes.node(token.hash, slot).unwrap_or_default()))
        })
    }
}

#[inline(always)]
fn first_byte(document: &Document, token: &Token) -> u8 {
    document.text().as_bytes().get(token.begin as usize).copied().unwrap_or(0)
}

/// Lists the tokens that do not begin with a small letter; all of them if `small` ones count, too. Returns whether any may
/// be of a script whose words have more readings.
fn capitals(document: &Document, small: bool, list: &mut Vec<u32>) -> bool {
    let mut seen = 0;
    list.clear();
    for (block, tokens) in document.tokens().chunks(u64::BITS as usize).enumerate() {
        // The first token is the highest of the bits, so that one instruction adds the next.
        let mut lower = 0_u64;
        for token in tokens {
            let byte = first_byte(document, token);
            seen |= byte;
            lower = 2 * lower + u64::from(byte.is_ascii_lowercase());
        }
        let lower = if small { 0 } else { lower };
        let mut bits = (!lower << (u64::BITS as usize - tokens.len())).reverse_bits();
        list.extend((0..bits.count_ones()).map(|_| {
            let at = block as u32 * u64::BITS + bits.trailing_zeros();
            bits &= bits - 1;
            at
        }));
    }
    !seen.is_ascii()
}

/// Adds short words joined by a hyphen to one of the list, whatever their case: "al-Shabab", "sub-Saharan".
fn add_particles(document: &Document, list: &mut Vec<u32>) {
    const LONGEST: u32 = 3;
    let (bytes, words) = (document.text().as_bytes(), document.tokens());
    let mut i = 0;
    while let Some((&at, word)) = list.get(i).and_then(|at| Some((at, words.get(*at as usize)?))) {
        let hyphen = word.begin.wrapping_sub(1);
        if bytes.get(hyphen as usize) == Some(&b'-')
            && let Some(before) = at.checked_sub(1)
            && words.get(before as usize).is_some_and(|w| w.end == hyphen && w.end - w.begin <= LONGEST)
            && (i == 0 || list.get(i - 1) != Some(&before))
        {
            list.insert(i, before);
            i += 1;
        }
        i += 1;
    }
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
            let found: Vec<usize> = starts.iter(gazetteer, &document).map(|(at, ..)| at).collect();
            let tokens = document.tokens();
            for (at, token) in tokens.iter().enumerate() {
                let capital = !document.surface(token).as_bytes()[0].is_ascii_lowercase();
                let node = gazetteer.prefixes.get(token.hash);
                let whole = node.and_then(Node::entry).is_some_and(|e| !gazetteer.entries[e].is_only_given());
                let pair = tokens.get(at + 1).and_then(|next| gazetteer.prefixes.get(extend(token.hash, 1, next.hash)));
                if (small || capital) && (whole || pair.is_some()) {
                    prop_assert!(found.contains(&at), "{:?}", document.surface(token));
                }
            }
        }
    }
}
