//! Bytes of a text that somebody looks for, found 64 at a time: with the
//! tokeniser's mask of word bytes it is known of each how many words begin
//! before it, and no word is looked at for that.

use super::{
    Document,
    fold::{BLOCK, blocks, first_bytes, within},
};
use wide::{CmpEq, i8x16};

/// What a block is searched for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sought {
    /// Capital letters of ASCII that begin a word.
    Capitals,
    /// What may end a sentence: `.`, `!`, `?`, line breaks, and the first bytes of marks outside ASCII.
    Ends,
}

impl Sought {
    #[inline(always)]
    fn in_bytes(self, c: i8x16) -> u32 {
        let is = |byte: u8| c.cmp_eq(i8x16::splat(byte.cast_signed()));
        let found = match self {
            Self::Capitals => within(c, b'A', 26),
            Self::Ends => is(b'.') | is(b'!') | is(b'?') | is(b'\n') | first_bytes(c),
        };
        found.move_mask() as u32 & 0xffff
    }
}

/// Gives `see` each byte sought and how many words begin before it, in order; false, and nothing seen: the text holds
/// words with nothing between them.
#[inline(always)]
pub(super) fn search(document: &Document, sought: Sought, mut see: impl FnMut(usize, usize)) -> bool {
    let (bytes, folded) = (document.text.as_bytes(), &document.folded);
    if folded.unspaced {
        return false;
    }
    let (mut rank, mut before) = (0, 0);
    let (whole, last) = blocks(bytes);
    let blocks = whole.iter().chain(std::iter::once(&last));
    for ((block, at), &words) in blocks.zip((0..).step_by(BLOCK)).zip(&folded.mask) {
        let starts = words & !(words << 1 | before);
        before = words >> 63;
        let mut found = 0;
        for (i, part) in block.as_chunks::<16>().0.iter().enumerate() {
            found |= u64::from(sought.in_bytes(i8x16::new(part.map(u8::cast_signed)))) << (16 * i);
        }
        found &= match sought {
            Sought::Capitals => starts,
            Sought::Ends => !words,
        };
        while found != 0 {
            let bit = found.trailing_zeros();
            found &= found - 1;
            see(at + bit as usize, rank + (starts & ((1 << bit) - 1)).count_ones() as usize);
        }
        rank += starts.count_ones() as usize;
    }
    true
}

/// Which words begin with a capital letter of ASCII, into a buffer that is emptied first.
pub fn capitals_into(document: &Document, capitals: &mut Vec<u32>) {
    capitals.clear();
    if !search(document, Sought::Capitals, |_, word| capitals.push(word as u32)) {
        let capital = |begin: u32| document.text.as_bytes().get(begin as usize).is_some_and(u8::is_ascii_uppercase);
        capitals.extend((0..).zip(&document.tokens).filter(|(_, t)| capital(t.begin)).map(|(at, _)| at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_every_capital(title in "(?s).{0,40}", text in "(?s)([A-Z][a-z.!? ]|\\PC|[A-Z. ]|\u{201c}|\u{4e2d}?){0,120}") {
            let document = Document::new(&title, &text);
            let mut capitals = vec![7];
            capitals_into(&document, &mut capitals);
            let capital = |i: &u32| document.surface(&document.tokens()[*i as usize]).starts_with(|c: char| c.is_ascii_uppercase());
            let plain: Vec<u32> = (0..document.tokens().len() as u32).filter(capital).collect();
            prop_assert_eq!(capitals, plain);
        }
    }
}
