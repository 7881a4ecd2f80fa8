//! Words: runs of letters, digits and marks, lower-cased, each with its bytes
//! in the text and its hash. In scripts written without spaces (Han, kana,
//! Thai, Lao, Khmer, Burmese) each character is a word of its own.
//!
//! Two passes over blocks of 64 bytes: fold the case and build a bit mask of
//! word bytes, then walk the edges of the mask. Folding never changes the
//! length, so offsets in the folded bytes are offsets in the text.

use super::hash::{hash_short, hash_word};
use wide::{CmpLt, i8x16};

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

pub(super) const BLOCK: usize = 64;

/// Reused buffers of the tokeniser.
#[derive(Debug, Clone, Default)]
pub(super) struct Folded {
    /// The text, lower-cased byte for byte, separators outside ASCII blanked, padded.
    pub(super) bytes: Vec<u8>,
    /// Bits of the word bytes, by block.
    pub(super) mask: Vec<u64>,
    /// The blocks with bytes outside ASCII, and which.
    beyond: Vec<(usize, u64)>,
    /// Where words begin and end, in turn: as many as were found, then what is left of longer texts.
    edges: Vec<u32>,
    found: usize,
    /// The text holds characters that are words of their own.
    pub(super) unspaced: bool,
}

/// Folds `text` and appends its words to `tokens`.
pub(super) fn tokenize(text: &str, folded: &mut Folded, tokens: &mut Vec<Token>) {
    fold(text, folded);
    folded.find_edges(text.len());
    let bytes = folded.bytes.as_slice();
    let edges = folded.edges.get(..folded.found).unwrap_or(&[]);
    let words = edges.as_chunks::<2>().0.iter().map(|&[begin, end]| (begin as usize, end as usize));
    if folded.unspaced {
        words.for_each(|(begin, end)| split_unspaced(text, bytes, begin, end, tokens));
    } else {
        tokens.extend(words.map(|(begin, end)| token(bytes, begin, end)));
    }
}

impl Folded {
    fn settle(&mut self, at: usize, c: char) {
        let len = c.len_utf8();
        if is_word_char(c) {
            self.unspaced |= is_unspaced(c);
            let mut lower = c.to_lowercase();
            if let (Some(l), None) = (lower.next(), lower.next())
                && l != c
                && l.len_utf8() == len
                && let Some(target) = self.bytes.get_mut(at..at + len)
            {
                l.encode_utf8(target);
            }
        } else {
            for i in at..at + len {
                if let Some(byte) = self.bytes.get_mut(i) {
                    *byte = b' ';
                }
                if let Some(word) = self.mask.get_mut(i / BLOCK) {
                    *word &= !(1 << (i % BLOCK));
                }
            }
        }
    }

    /// Where words begin and end, in turn, from the mask of word bytes.
    fn find_edges(&mut self, len: usize) {
        const GROUP: usize = 8;
        let edges = |mask: u64, before: u64| mask ^ (mask << 1 | before);
        // A word has at least one byte and another before the next.
        let most = len + 2 + BLOCK;
        if self.edges.len() < most {
            self.edges.resize(most, 0);
        }
        let (mut found, mut before) = (0, 0);
        for (block, &mask) in self.mask.iter().enumerate() {
            let mut left = edges(mask, before);
            before = mask >> 63;
            let next = found + left.count_ones() as usize;
            let mut at = found;
            // In groups, some of it in vain: how many edges a block has cannot be foreseen.
            while left != 0 {
                let Some(group) = self.edges.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<GROUP>()) else {
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
            if let Some(end) = self.edges.get_mut(found) {
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

fn fold(text: &str, folded: &mut Folded) {
    let blocks = text.len().div_ceil(BLOCK);
    folded.bytes.clear();
    folded.bytes.extend_from_slice(text.as_bytes());
    folded.bytes.resize(blocks * BLOCK + 16, b' ');
    folded.mask.clear();
    folded.beyond.clear();
    folded.unspaced = false;
    let masks = folded.bytes.as_chunks_mut::<BLOCK>().0.iter_mut().take(blocks).map(fold_block);
    for (block, (word, beyond)) in masks.enumerate() {
        folded.mask.push(word);
        if beyond != 0 {
            folded.beyond.push((block, beyond));
        }
    }
    fold_beyond_ascii(text, folded);
}

/// Lower-cases one block; the bit masks of its word bytes (every byte outside ASCII counts for now) and of those outside
/// ASCII.
#[inline(always)]
fn fold_block(block: &mut [u8; BLOCK]) -> (u64, u64) {
    let (mut mask, mut beyond) = (0, 0);
    for (i, part) in block.as_chunks_mut::<16>().0.iter_mut().enumerate() {
        let c = i8x16::new(part.map(u8::cast_signed));
        let lower = c | (within(c, b'A', 26) & i8x16::splat(0x20));
        let word = within(lower, b'a', 26) | within(c, b'0', 10) | c;
        *part = lower.to_array().map(i8::cast_unsigned);
        mask |= u64::from(word.move_mask() as u16) << (16 * i);
        beyond |= u64::from(c.move_mask() as u16) << (16 * i);
    }
    (mask, beyond)
}

/// All bits of the bytes from `first` on, `count` of them.
#[inline(always)]
pub(super) fn within(bytes: i8x16, first: u8, count: u8) -> i8x16 {
    // Moved to the lowest end of the signed numbers, where one comparison tells.
    let moved = bytes + i8x16::splat(0x80_u8.wrapping_sub(first).cast_signed());
    moved.cmp_lt(i8x16::splat(0x80_u8.wrapping_add(count).cast_signed()))
}

/// Settles each character outside ASCII: lower-cased where that keeps its
/// length, blanked where it is no part of a word.
fn fold_beyond_ascii(text: &str, folded: &mut Folded) {
    let mut done = 0;
    let blocks = std::mem::take(&mut folded.beyond);
    for &(block, mut left) in &blocks {
        while left != 0 {
            let at = block * BLOCK + left.trailing_zeros() as usize;
            left &= left - 1;
            // The other bytes of a character.
            if at < done {
                continue;
            }
            let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
            done = at + c.len_utf8();
            folded.settle(at, c);
        }
    }
    folded.beyond = blocks;
}

fn is_word_char(c: char) -> bool {
    // Quotes and dashes of everyday text, without a look into the tables.
    !('\u{2000}'..='\u{206f}').contains(&c) && is_word_char_by_table(c)
}

fn is_word_char_by_table(c: char) -> bool {
    c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c)
}

/// Characters of scripts that put no space between words.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
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
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<String> {
        let (mut folded, mut tokens) = (Folded::default(), Vec::new());
        tokenize(text, &mut folded, &mut tokens);
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
            let (mut folded, mut tokens) = (Folded::default(), Vec::new());
            tokenize(&text, &mut folded, &mut tokens);
            for t in tokens {
                prop_assert_eq!(t.hash, hash_word(&folded.bytes[t.begin as usize..t.end as usize]));
            }
        }
    }
}
