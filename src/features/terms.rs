//! What a document's features are: its words but for stop words, and pairs of neighbours among them.

use super::FeatureParams;
use crate::text::{Document, Token, hash_pair};

/// A word or a pair of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// Hash of the feature.
    pub hash: u64,
    /// First byte in [`Document::text`].
    pub begin: u32,
    /// One past the last byte.
    pub end: u32,
}

impl FeatureParams {
    /// The words of a part of a document that are features. Stop words are left out before pairs are made, so that
    /// "ministry of defence" has the pair "ministry defence".
    pub fn content<'a>(&'a self, tokens: &'a [Token]) -> impl Iterator<Item = &'a Token> {
        tokens.iter().filter(|t| !self.stop_words.contains(t))
    }

    /// Calls `each` with the terms of the title, then with those of the text, with repeats.
    pub fn each_term(&self, document: &Document, mut each: impl FnMut(Term)) {
        let (title, text) = document.tokens().split_at(document.title_tokens());
        for tokens in [title, text] {
            let mut previous: Option<&Token> = None;
            for token in self.content(tokens) {
                each(Term { hash: token.hash, begin: token.begin, end: token.end });
                if let Some(first) = previous.filter(|_| self.pairs) {
                    each(Term { hash: hash_pair(first.hash, token.hash), begin: first.begin, end: token.end });
                }
                previous = Some(token);
            }
        }
    }
}
