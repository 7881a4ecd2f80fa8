//! How the words of a document begin: which of them may be names.

use super::{
    Document,
    fold::{BLOCK, within},
};
use wide::i8x16;

/// How the words of a document begin; the buffers are reused.
#[derive(Debug, Clone, Default)]
pub struct Initials {
    bytes: Vec<u8>,
    large: Vec<u64>,
}

impl Initials {
    /// Words that share a number of [`large`](Self::large).
    pub const BLOCK: usize = BLOCK;

    /// Reads those of a document.
    pub fn read(&mut self, document: &Document) {
        let (text, words) = (document.text.as_bytes(), &document.tokens);
        let Self { bytes, large } = self;
        bytes.clear();
        bytes.extend(words.iter().map(|word| text.get(word.begin as usize).copied().unwrap_or(0)));
        // Filled up with what is no beginning of a name.
        bytes.resize(words.len().next_multiple_of(BLOCK), b'a');
        large.clear();
        large.extend(bytes.as_chunks::<BLOCK>().0.iter().map(|block| {
            let parts = block.as_chunks::<16>().0.iter().enumerate();
            let small = parts.map(|(i, part)| {
                let c = i8x16::new(part.map(u8::cast_signed));
                u64::from((within(c, b'a', 26) | within(c, b'0', 10)).move_mask() as u16) << (16 * i)
            });
            !small.fold(0, |all, part| all | part)
        }));
    }

    /// A bit for each word that begins with neither a small letter of ASCII nor a digit, the lowest for the first.
    #[must_use]
    pub fn large(&self) -> &[u64] {
        &self.large
    }

    /// Whether any word begins with a character outside ASCII.
    #[must_use]
    pub fn any_beyond_ascii(&self) -> bool {
        !self.bytes.is_ascii()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn tells_capitals(text in "([A-Za-z0-9\u{c9}\u{e9}\u{441}][a-z]{0,3}[ -]){0,150}", before in "[A-Z ]{0,9}") {
            let (document, mut initials) = (Document::new("", &text), Initials::default());
            initials.read(&Document::new("", &before.repeat(9)));
            initials.read(&document);
            let words: Vec<&str> = document.tokens().iter().map(|t| document.surface(t)).collect();
            let large = |at: usize| initials.large()[at / Initials::BLOCK] >> (at % Initials::BLOCK) & 1 == 1;
            for (at, word) in words.iter().enumerate() {
                let small = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
                prop_assert_eq!(large(at), !word.starts_with(small), "{}", word);
            }
            prop_assert!((words.len()..initials.large().len() * Initials::BLOCK).all(|at| !large(at)));
            prop_assert_eq!(initials.any_beyond_ascii(), words.iter().any(|w| !w.as_bytes()[0].is_ascii()));
        }
    }
}
