//! Where a text needs a closer look: sixteen bytes at a time.

use wide::{CmpEq, CmpGt, i8x16};

const BLOCK: usize = 64;

/// Calls `each` with the characters outside ASCII and each `&` (which may begin a character reference), and with their
/// first bytes, in order, as long as it says `true`. Whether it always did.
pub(super) fn beyond_ascii_or_ampersand(text: &str, mut each: impl FnMut(usize, char) -> bool) -> bool {
    let mask_of = |block: &[u8; BLOCK]| {
        let parts = block.as_chunks::<16>().0.iter().enumerate();
        parts.fold(0, |mask, (i, part)| {
            let bytes = i8x16::new(part.map(u8::cast_signed));
            let marked = first_bytes(bytes) | bytes.cmp_eq(i8x16::splat(b'&'.cast_signed()));
            mask | u64::from(marked.move_mask() as u16) << (16 * i)
        })
    };
    let mut look = |begin: usize, mut mask: u64| {
        while mask != 0 {
            let at = begin + mask.trailing_zeros() as usize;
            mask &= mask - 1;
            let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
            if !each(at, c) {
                return false;
            }
        }
        true
    };
    let (blocks, rest) = text.as_bytes().as_chunks::<BLOCK>();
    for (i, block) in blocks.iter().enumerate() {
        let mask = mask_of(block);
        if mask != 0 && !look(i * BLOCK, mask) {
            return false;
        }
    }
    let mut last = [0; BLOCK];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    look(blocks.len() * BLOCK, mask_of(&last))
}

/// The bytes that are the first of a character outside ASCII, in their highest bit.
#[inline(always)]
fn first_bytes(bytes: i8x16) -> i8x16 {
    bytes & bytes.cmp_gt(i8x16::splat(0xbf_u8.cast_signed()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_them_all_and_stops_when_told(text in "([ -~]|&|\\PC){0,200}", most in 1usize..200) {
            let plain = text.char_indices().filter(|&(_, c)| !c.is_ascii() || c == '&');
            let mut got = Vec::new();
            let all = beyond_ascii_or_ampersand(&text, |at, c| { got.push((at, c)); got.len() < most });
            prop_assert_eq!(all, got.len() < most);
            prop_assert_eq!(got, plain.take(most).collect::<Vec<_>>());
        }
    }
}
