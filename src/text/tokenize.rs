//! Words: runs of letters, digits and marks, lower-cased, each with its bytes
//! in the text and its hash. In scripts written without spaces (Han, kana,
//! Thai, Lao, Khmer, Burmese) each character is a word of its own.
//!
//! Walks the edges of the mask of word bytes that folding leaves.

use super::{
    fold::{BLOCK, Folded, is_unspaced},
    hash::{hash_short, hash_word},
};

/// A word of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// First byte in [`Document::text`](super::Document::text).
    pub begin: u32,
    /// One past the last byte.
    pub end: u32,
    /// [`hash_word`] of its folded bytes.
    pub hash: u64,
}

/// Where words begin and end, in turn: as many as were found, then what is left of longer texts.
#[derive(Debug, Clone, Default)]
pub(super) struct Edges {
    places: Vec<u32>,
    found: usize,
}

/// Appends the words of the folded `text` to `tokens`.
pub(super) fn tokenize(text: &str, folded: &Folded, edges: &mut Edges, tokens: &mut Vec<Token>) {
    edges.find(&folded.mask, text.len());
    let bytes = folded.bytes.as_slice();
    let places = edges.places.get(..edges.found).unwrap_or(&[]);
    let words = places.as_chunks::<2>().0.iter().map(|&[begin, end]| (begin as usize, end as usize));
    if folded.unspaced {
        words.for_each(|(begin, end)| split_unspaced(text, bytes, begin, end, tokens));
    } else {
        tokens.extend(words.map(|(begin, end)| token(bytes, begin, end)));
    }
}

impl Edges {
    /// Where words begin and end, in turn, from the mask of word bytes.
    fn find(&mut self, masks: &[u64], len: usize) {
        const GROUP: usize = 8;
        let edges = |mask: u64, before: u64| mask ^ (mask << 1 | before);
        // A word has at least one byte and another before the next.
        let most = len + 2 + BLOCK;
        if self.places.len() < most {
            self.places.resize(most, 0);
        }
        let (mut found, mut before) = (0, 0);
        for (block, &mask) in masks.iter().enumerate() {
            let mut left = edges(mask, before);
            before = mask >> 63;
            let next = found + left.count_ones() as usize;
            let mut at = found;
            // In groups, some of it in vain: how many edges a block has cannot be foreseen.
            while left != 0 {
                let Some(group) = self.places.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<GROUP>()) else {
                    break;
                };
                for place in group {
                    *place = (block * BLOCK) as u32 + left.trailing_zeros();
                    left &= left.wrapping_sub(1);
                }
                at += GROUP;
            }
            found = next;
        }
        if found % 2 == 1 {
            if let Some(end) = self.places.get_mut(found) {
                *end = len as u32;
            }
            found += 1;
        }
        self.found = found;
    }
}

/// Masks of the lowest 0 to 16 bytes.
const KEEP: [u128; 17] = {
    let mut keep = [0; 17];
    let mut len = 1;
    while len < keep.len() {
        keep[len] = keep[len - 1] << 8 | 0xff;
        len += 1;
    }
    keep
};

#[inline(always)]
fn token(bytes: &[u8], begin: usize, end: usize) -> Token {
    let len = end - begin;
    let hash = match bytes.get(begin..begin + 16) {
        Some(window) if len <= 16 => {
            let mut word = [0; 16];
            word.copy_from_slice(window);
            hash_short(u128::from_le_bytes(word) & KEEP[len], len)
        }
        _ => hash_word(bytes.get(begin..end).unwrap_or(&[])),
    };
    Token { begin: begin as u32, end: end as u32, hash }
}

fn split_unspaced(text: &str, bytes: &[u8], begin: usize, end: usize, tokens: &mut Vec<Token>) {
    let mut start = begin;
    for (i, c) in text.get(begin..end).unwrap_or("").char_indices() {
        if is_unspaced(c) {
            let at = begin + i;
            if at > start {
                tokens.push(token(bytes, start, at));
            }
            start = at + c.len_utf8();
            tokens.push(token(bytes, at, start));
        }
    }
    if end > start {
        tokens.push(token(bytes, start, end));
    }
}

#[cfg(test)]
mod tests {
    use super::{super::fold::is_word_char, *};
    use proptest::prelude::*;

    fn tokens_of(text: &str) -> (Folded, Vec<Token>) {
        let (mut folded, mut tokens) = (Folded::default(), Vec::new());
        folded.read(text);
        assert!(folded.settle(text, |_, _| true));
        tokenize(text, &folded, &mut Edges::default(), &mut tokens);
        (folded, tokens)
    }

    fn words(text: &str) -> Vec<String> {
        let (folded, tokens) = tokens_of(text);
        tokens
            .iter()
            .map(|t| String::from_utf8(folded.bytes[t.begin as usize..t.end as usize].to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn splits_and_folds() {
        assert_eq!(
            words("Hello, World's 3rd \u{201c}\u{c9}lan\u{201d}\u{2014}na\u{ef}ve"),
            ["hello", "world", "s", "3rd", "\u{e9}lan", "na\u{ef}ve"]
        );
        assert_eq!(words(""), Vec::<String>::new());
        assert_eq!(words("a"), ["a"]);
        assert_eq!(
            words("\u{39a}\u{391}\u{399} \u{41c}\u{43e}\u{441}\u{43a}\u{432}\u{430}"),
            ["\u{3ba}\u{3b1}\u{3b9}", "\u{43c}\u{43e}\u{441}\u{43a}\u{432}\u{430}"]
        );
        assert_eq!(words("2D\u{5dc5}\u{5cf0} ok"), ["2d", "\u{5dc5}", "\u{5cf0}", "ok"]);
    }

    /// The plain way to the same words, character by character.
    fn reference(text: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        for c in text.chars() {
            if !is_word_char(c) {
                words.push(String::new());
                continue;
            }
            let lower: String = c.to_lowercase().collect();
            let folded = if lower.len() == c.len_utf8() && lower.chars().count() == 1 { lower } else { c.to_string() };
            if is_unspaced(c) {
                words.extend([folded, String::new()]);
            } else {
                words.last_mut().unwrap().push_str(&folded);
            }
        }
        words.retain(|w| !w.is_empty());
        words
    }

    proptest! {
        #[test]
        fn equals_the_plain_way(text in "(?s).{0,300}") {
            prop_assert_eq!(words(&text), reference(&text));
        }

        #[test]
        fn hashes_are_those_of_the_folded_bytes(text in "[ -~\u{c0}-\u{24f}]{0,200}") {
            let (folded, tokens) = tokens_of(&text);
            for t in tokens {
                prop_assert_eq!(t.hash, hash_word(&folded.bytes[t.begin as usize..t.end as usize]));
            }
        }
    }
}
