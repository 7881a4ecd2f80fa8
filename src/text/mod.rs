//! From the bytes that were sent to a [`Document`]: words with their bytes,
//! sentences, language. Pure and total: any two strings give a document.

mod blocks;
mod fold;
mod hash;
mod initials;
mod language;
mod normalize;
mod sentence;
mod tokenize;

pub use blocks::capitals_into;
pub use hash::{HASH_VERSION, hash_pair, hash_word};
pub use initials::Initials;
pub use language::detect_language;
pub use sentence::{Sentence, sentences, sentences_into};
pub use tokenize::Token;

use crate::article::{Field, Span};
use fold::Folded;
use normalize::{Offsets, normalize_into, stays};
use tokenize::{Edges, tokenize};

/// Longest field that is read, in bytes; what lies beyond is not looked at.
pub const MAX_FIELD_BYTES: usize = 64 << 20;

/// An article's title and text as the models read them.
///
/// Both fields stand in one buffer, a line break between them. Keep one
/// document a thread and [`read`](Self::read) article after article into it:
/// the buffers are reused.
#[derive(Debug, Clone, Default)]
pub struct Document {
    text: String,
    title_len: usize,
    title_offsets: Option<Offsets>,
    text_offsets: Option<Offsets>,
    folded: Folded,
    edges: Edges,
    tokens: Vec<Token>,
    title_tokens: usize,
}

impl Document {
    /// Reads one article.
    #[must_use]
    pub fn new(title: &str, text: &str) -> Self {
        let mut document = Self::default();
        document.read(title, text);
        document
    }

    /// Reads another article into the same buffers.
    pub fn read(&mut self, title: &str, text: &str) {
        let (title, text) = (bounded(title), bounded(text));
        self.text.clear();
        self.text.extend([title, "\n", text]);
        self.title_len = title.len();
        (self.title_offsets, self.text_offsets) = (None, None);
        self.folded.read(&self.text);
        let Self { folded, text: whole, .. } = self;
        // Almost every text is normalised as it was sent.
        if !folded.settle(whole, |at, c| stays(whole, at, c)) {
            self.normalize(title, text);
        }
        self.tokens.clear();
        tokenize(&self.text, &self.folded, &mut self.edges, &mut self.tokens);
        let title_len = self.title_len as u32;
        self.title_tokens = self.tokens.partition_point(|t| t.begin < title_len);
    }

    /// Normalises and folds again what was folded as it was sent.
    fn normalize(&mut self, title: &str, text: &str) {
        let begin = title.len() + 1;
        let in_title = self.folded.marked().take_while(|&at| at < begin);
        let in_text = self.folded.marked().filter_map(|at| at.checked_sub(begin));
        self.text.clear();
        self.title_offsets = Some(normalize_into(title, in_title, &mut self.text));
        self.title_len = self.text.len();
        self.text.push('\n');
        self.text_offsets = Some(normalize_into(text, in_text, &mut self.text));
        self.folded.read(&self.text);
        self.folded.settle(&self.text, |_, _| true);
    }

    /// Title, line break, text; normalised.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Bytes of [`text`](Self::text) that are the title.
    #[must_use]
    pub fn title_len(&self) -> usize {
        self.title_len
    }

    /// The words of the title, then those of the text.
    #[must_use]
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// How many of [`tokens`](Self::tokens) are the title's.
    #[must_use]
    pub fn title_tokens(&self) -> usize {
        self.title_tokens
    }

    /// The first byte of a token.
    #[inline(always)]
    #[must_use]
    pub fn initial(&self, token: &Token) -> u8 {
        self.text.as_bytes().get(token.begin as usize).copied().unwrap_or(0)
    }

    /// A token as it is written.
    #[must_use]
    pub fn surface(&self, token: &Token) -> &str {
        self.text.get(token.begin as usize..token.end as usize).unwrap_or("")
    }

    /// A token's lower-cased bytes.
    #[must_use]
    pub fn folded(&self, token: &Token) -> &[u8] {
        self.folded.bytes.get(token.begin as usize..token.end as usize).unwrap_or(&[])
    }

    /// The span of `begin..end` (bytes of [`text`](Self::text)) in the article as it was sent.
    #[must_use]
    pub fn original(&self, begin: usize, end: usize) -> Span {
        let (field, start, offsets) = if begin < self.title_len {
            (Field::Title, 0, &self.title_offsets)
        } else {
            (Field::Text, self.title_len + 1, &self.text_offsets)
        };
        let map = |at: usize| {
            let at = at.saturating_sub(start);
            offsets.as_ref().map_or(at, |o| o.original(at)) as u32
        };
        Span { begin: map(begin), end: map(end), field }
    }

    /// Where a span of the article as it was sent lies in [`text`](Self::text).
    #[must_use]
    pub fn normalized(&self, span: Span) -> (usize, usize) {
        let (start, len, offsets) = match span.field {
            Field::Title => (0, self.title_len, &self.title_offsets),
            Field::Text => (self.title_len + 1, self.text.len() - self.title_len - 1, &self.text_offsets),
        };
        let map = |at: u32| {
            let at = at as usize;
            let mut at = start + offsets.as_ref().map_or(at, |o| o.normalized(at)).min(len);
            while !self.text.is_char_boundary(at) {
                at += 1;
            }
            at
        };
        (map(span.begin), map(span.end))
    }
}

/// At most [`MAX_FIELD_BYTES`], cut between characters.
fn bounded(text: &str) -> &str {
    let mut end = text.len().min(MAX_FIELD_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_and_spans() {
        let document = Document::new("Iraq &amp; Syria", "Talks\nbegin");
        let words: Vec<&str> = document.tokens().iter().map(|t| document.surface(t)).collect();
        assert_eq!(words, ["Iraq", "Syria", "Talks", "begin"]);
        assert_eq!(document.title_tokens(), 2);
        let spans: Vec<Span> =
            document.tokens().iter().map(|t| document.original(t.begin as usize, t.end as usize)).collect();
        assert_eq!(spans[1], Span { begin: 11, end: 16, field: Field::Title });
        assert_eq!(spans[3], Span { begin: 6, end: 11, field: Field::Text });
        assert_eq!(document.normalized(spans[1]), (7, 12));
    }

    proptest! {
        #[test]
        fn total_and_in_bounds(title in "(?s).{0,60}", text in "(?s)(.|&amp;|e\u{301}){0,200}") {
            let document = Document::new(&title, &text);
            for t in document.tokens() {
                let span = document.original(t.begin as usize, t.end as usize);
                let field = if span.field == Field::Title { &title } else { &text };
                prop_assert!(field.get(span.begin as usize..span.end as usize).is_some(), "{span:?}");
            }
            let _ = (sentences(&document), detect_language(&document));
        }
    }
}
