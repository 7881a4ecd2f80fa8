//! Lower-cases a text and tells the bytes of words from the rest.
//!
//! One pass over blocks of 64 bytes does what is ASCII and marks what needs a
//! closer look. Folding never changes the length, so offsets in the folded
//! bytes are offsets in the text.

use wide::{CmpEq, CmpGt, CmpLt, i8x16};

pub(super) const BLOCK: usize = 64;
/// Bytes behind the last word, so that sixteen can be read wherever one begins.
const PADDING: usize = 16;

/// A folded text; the buffers are reused.
#[derive(Debug, Clone, Default)]
pub(super) struct Folded {
    /// The text, lower-cased byte for byte, separators outside ASCII blanked, padded.
    pub(super) bytes: Vec<u8>,
    /// The bytes of words, one bit a byte.
    pub(super) mask: Vec<u64>,
    /// The blocks with marked bytes, and which: first bytes of characters outside ASCII, and each `&` (which may begin a
    /// character reference).
    marked: Vec<(usize, u64)>,
    /// The text holds characters that are words of their own.
    pub(super) unspaced: bool,
}

impl Folded {
    /// Folds what is ASCII; every other byte counts as one of a word until it is [settled](Self::settle).
    pub(super) fn read(&mut self, text: &str) {
        let (whole, last) = blocks(text.as_bytes());
        self.bytes.resize((whole.len() + 1) * BLOCK + PADDING, b' ');
        self.mask.clear();
        self.marked.clear();
        self.unspaced = false;
        let blocks = whole.iter().chain([&last]).zip(self.bytes.as_chunks_mut::<BLOCK>().0);
        for (block, (from, to)) in blocks.enumerate() {
            let (word, marked) = fold_block(from, to);
            self.mask.push(word);
            if marked != 0 {
                self.marked.push((block, marked));
            }
        }
    }

    /// Where the marked bytes are, in order.
    pub(super) fn marked(&self) -> impl Iterator<Item = usize> {
        self.marked.iter().flat_map(|&(block, marked)| places(block, marked))
    }

    /// Settles each character outside ASCII: lower-cased where that keeps its length, blanked where it is no part of a
    /// word. Asks about each marked character, and where it is, whether to go on; `false` when that said no.
    pub(super) fn settle(&mut self, text: &str, mut go_on: impl FnMut(usize, char) -> bool) -> bool {
        let blocks = std::mem::take(&mut self.marked);
        let settled = blocks.iter().all(|&(block, marked)| {
            places(block, marked).all(|at| {
                let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else { return true };
                let more = go_on(at, c);
                if more && !c.is_ascii() {
                    self.settle_one(at, c);
                }
                more
            })
        });
        self.marked = blocks;
        settled
    }

    fn settle_one(&mut self, at: usize, c: char) {
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
}

/// The whole blocks, and the rest filled up with blanks.
#[inline(always)]
pub(super) fn blocks(bytes: &[u8]) -> (&[[u8; BLOCK]], [u8; BLOCK]) {
    let (whole, rest) = bytes.as_chunks::<BLOCK>();
    let mut last = [b' '; BLOCK];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    (whole, last)
}

/// The bytes of a block's mask.
fn places(block: usize, mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = (mask != 0).then(|| block * BLOCK + mask.trailing_zeros() as usize);
        mask &= mask.wrapping_sub(1);
        at
    })
}

/// Lower-cases one block into another; the bit masks of its word bytes (every byte outside ASCII counts for now) and of
/// those that are [marked](Folded::marked).
#[inline(always)]
fn fold_block(from: &[u8; BLOCK], to: &mut [u8; BLOCK]) -> (u64, u64) {
    let (mut mask, mut marked) = (0, 0);
    let parts = from.as_chunks::<16>().0.iter().zip(to.as_chunks_mut::<16>().0);
    for (i, (part, folded)) in parts.enumerate() {
        let c = i8x16::new(part.map(u8::cast_signed));
        let lower = c | (within(c, b'A', 26) & i8x16::splat(0x20));
        let word = within(lower, b'a', 26) | within(c, b'0', 10) | c;
        *folded = lower.to_array().map(i8::cast_unsigned);
        let mark = first_bytes(c) | c.cmp_eq(i8x16::splat(b'&'.cast_signed()));
        mask |= u64::from(word.move_mask() as u16) << (16 * i);
        marked |= u64::from(mark.move_mask() as u16) << (16 * i);
    }
    (mask, marked)
}

/// All bits of the bytes from `first` on, `count` of them.
#[inline(always)]
pub(super) fn within(bytes: i8x16, first: u8, count: u8) -> i8x16 {
    // Moved to the lowest end of the signed numbers, where one comparison tells.
    let moved = bytes + i8x16::splat(0x80_u8.wrapping_sub(first).cast_signed());
    moved.cmp_lt(i8x16::splat(0x80_u8.wrapping_add(count).cast_signed()))
}

/// The bytes that are the first of a character outside ASCII, in their highest bit.
#[inline(always)]
pub(super) fn first_bytes(bytes: i8x16) -> i8x16 {
    bytes & bytes.cmp_gt(i8x16::splat(0xbf_u8.cast_signed()))
}

pub(super) fn is_word_char(c: char) -> bool {
    // Quotes and dashes of everyday text, without a look into the tables.
    !('\u{2000}'..='\u{206f}').contains(&c) && is_word_char_by_table(c)
}

fn is_word_char_by_table(c: char) -> bool {
    c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c)
}

/// Characters of scripts that put no space between words.
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn marks_what_needs_a_closer_look(text in "([ -~]|&|\\PC){0,200}", most in 1usize..200) {
            let mut folded = Folded::default();
            folded.read(&text);
            let plain: Vec<(usize, char)> = text.char_indices().filter(|&(_, c)| !c.is_ascii() || c == '&').collect();
            prop_assert_eq!(folded.marked().collect::<Vec<_>>(), plain.iter().map(|p| p.0).collect::<Vec<_>>());
            let mut asked = Vec::new();
            let all = folded.settle(&text, |at, c| { asked.push((at, c)); asked.len() < most });
            prop_assert_eq!(all, asked.len() < most);
            prop_assert_eq!(&asked, &plain[..plain.len().min(most)]);
        }
    }
}
