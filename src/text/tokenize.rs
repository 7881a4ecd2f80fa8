//! Words: runs of letters, digits and marks, lower-cased, each with its bytes
//! in the text and its hash. In scripts written without spaces (Han, kana,
//! Thai, Lao, Khmer, Burmese) each character is a word of its own.
//!
//! Two passes over blocks of 64 bytes: fold the case and build a bit mask of
//! word bytes, then walk the edges of the mask. Folding never changes the
//! length, so offsets in the folded bytes are offsets in the text.

use super::hash::{hash_short, hash_word};

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

const BLOCK: usize = 64;

/// Reused buffers of the tokeniser.
#[derive(Debug, Clone, Default)]
pub(super) struct Folded {
    /// The text, lower-cased byte for byte, separators outside ASCII blanked, padded.
    pub(super) bytes: Vec<u8>,
    mask: Vec<u64>,
    /// The text holds characters that are words of their own.
    unspaced: bool,
}

/// Folds `text` and appends its words to `tokens`.
pub(super) fn tokenize(text: &str, folded: &mut Folded, tokens: &mut Vec<Token>) {
    fold(text, folded);
    let (bytes, unspaced) = (folded.bytes.as_slice(), folded.unspaced);
    let mut emit = |begin: usize, end: usize| {
        if unspaced {
            split_unspaced(text, bytes, begin, end, tokens);
        } else {
            tokens.push(token(bytes, begin, end));
        }
    };
    // Of a word that goes on from block to block.
    let mut open = None;
    let mut before = 0;
    for (block, &word) in folded.mask.iter().enumerate() {
        let after = (word << 1) | before;
        before = word >> 63;
        let (mut begins, mut ends) = (word & !after, !word & after);
        let at = |bits: u64| block * BLOCK + bits.trailing_zeros() as usize;
        if let Some(begin) = open {
            if ends == 0 {
                continue;
            }
            emit(begin, at(ends));
            ends &= ends - 1;
        }
        while ends != 0 {
            emit(at(begins), at(ends));
            begins &= begins - 1;
            ends &= ends - 1;
        }
        open = (begins != 0).then(|| at(begins));
    }
    if let Some(begin) = open {
        emit(begin, text.len());
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
    folded.unspaced = false;
    let mut ascii = true;
    for block in folded.bytes.chunks_exact_mut(BLOCK).take(blocks) {
        let (word, high) = fold_block(block);
        folded.mask.push(word);
        ascii &= !high;
    }
    if !ascii {
        fold_beyond_ascii(text, folded);
    }
}

/// Lower-cases one block; the bit mask of its word bytes (every byte outside
/// ASCII counts for now) and whether any byte lies outside ASCII.
#[inline(always)]
fn fold_block(block: &mut [u8]) -> (u64, bool) {
    let mut is_word = [0u8; BLOCK];
    let mut high = 0;
    for (byte, word) in block.iter_mut().zip(is_word.iter_mut()) {
        let c = *byte;
        let lower = c | (u8::from(c.wrapping_sub(b'A') < 26) << 5);
        *word = u8::from(lower.wrapping_sub(b'a') < 26) | u8::from(c.wrapping_sub(b'0') < 10) | (c >> 7);
        high |= c;
        *byte = lower;
    }
    let mut mask = 0;
    for (i, eight) in is_word.chunks_exact(8).enumerate() {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(eight);
        // Gathers the low bit of each of eight bytes into one byte.
        mask |= (u64::from_le_bytes(bytes).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * i);
    }
    (mask, high >= 0x80)
}

/// Settles each character outside ASCII: lower-cased where that keeps its
/// length, blanked where it is no part of a word.
fn fold_beyond_ascii(text: &str, folded: &mut Folded) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(skip) = bytes.get(at..).and_then(first_high) {
        at += skip;
        let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else { return };
        let len = c.len_utf8();
        if is_word_char(c) {
            folded.unspaced |= is_unspaced(c);
            let mut lower = c.to_lowercase();
            if let (Some(l), None) = (lower.next(), lower.next())
                && l != c
                && l.len_utf8() == len
                && let Some(target) = folded.bytes.get_mut(at..at + len)
            {
                l.encode_utf8(target);
            }
        } else {
            for i in at..at + len {
                if let Some(byte) = folded.bytes.get_mut(i) {
                    *byte = b' ';
                }
                if let Some(word) = folded.mask.get_mut(i / BLOCK) {
                    *word &= !(1 << (i % BLOCK));
                }
            }
        }
        at += len;
    }
}

pub(super) fn first_high(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        let high = u64::from_le_bytes(*word) & 0x8080_8080_8080_8080;
        if high != 0 {
            return Some(8 * i + high.trailing_zeros() as usize / 8);
        }
    }
    rest.iter().position(|b| *b >= 0x80).map(|i| 8 * words.len() + i)
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
