//! Sentences by punctuation, with the abbreviations of news English.

use super::{
    Document,
    blocks::{Sought, search},
};

/// A sentence, or a line such as a headline or a caption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sentence {
    /// First byte in [`Document::text`], without leading blanks.
    pub begin: usize,
    /// One past the last byte.
    pub end: usize,
    /// Index of its first token.
    pub first_token: usize,
    /// One past the index of its last token.
    pub last_token: usize,
}

/// The sentences of a document in order; each holds at least one token.
#[must_use]
pub fn sentences(document: &Document) -> Vec<Sentence> {
    let mut sentences = Vec::new();
    sentences_into(document, &mut sentences);
    sentences
}

/// As [`sentences`], into a buffer that is emptied first.
pub fn sentences_into(document: &Document, sentences: &mut Vec<Sentence>) {
    let mut cutter = Cutter::new(document, sentences);
    if !search(document, Sought::Ends, |at, next| cutter.mark(at, next)) {
        cutter.by_word();
    }
    cutter.finish();
}

/// Cuts a text at its marks.
struct Cutter<'a> {
    document: &'a Document,
    sentences: &'a mut Vec<Sentence>,
    /// First byte of the sentence that is not cut yet.
    begin: usize,
    /// Its first word.
    first: usize,
}

impl<'a> Cutter<'a> {
    fn new(document: &'a Document, sentences: &'a mut Vec<Sentence>) -> Self {
        sentences.clear();
        Self { document, sentences, begin: 0, first: 0 }
    }

    /// Cuts behind the mark at `at` if a sentence ends there; `next`: the word behind it.
    #[inline(always)]
    fn mark(&mut self, at: usize, next: usize) {
        let text = self.document.text();
        let end = match text.as_bytes().get(at) {
            Some(b'\n') => Some(at + 1),
            Some(b'.' | b'!' | b'?') => ends_sentence(text, self.begin, at, text.as_bytes()[at].into()),
            _ => match text.get(at..).and_then(|rest| rest.chars().next()) {
                Some(c @ ('\u{2026}' | '\u{3002}' | '\u{61f}')) => ends_sentence(text, self.begin, at, c),
                _ => None,
            },
        };
        if let Some(end) = end.filter(|&e| e > self.begin) {
            self.close(end, next);
            self.begin = end;
        }
    }

    fn close(&mut self, end: usize, next: usize) {
        if next > self.first {
            let part = self.document.text().get(self.begin..end).unwrap_or("");
            let start = self.begin + part.len() - part.trim_start().len();
            let stop = self.begin + part.trim_end().len();
            self.sentences.push(Sentence { begin: start, end: stop, first_token: self.first, last_token: next });
            self.first = next;
        }
    }

    /// The same word by word: the marks that end a sentence stand between words.
    fn by_word(&mut self) {
        let (text, tokens) = (self.document.text(), self.document.tokens());
        let mut from = 0;
        for next in 0..=tokens.len() {
            let to = tokens.get(next).map_or(text.len(), |t| t.begin as usize);
            for (at, _) in text.get(from..to).unwrap_or("").char_indices() {
                self.mark(from + at, next);
            }
            from = tokens.get(next).map_or(to, |t| t.end as usize);
        }
    }

    fn finish(&mut self) {
        self.close(self.document.text().len(), self.document.tokens().len());
    }
}

/// The end of the sentence that the mark `c` at `at` closes, if it closes one.
fn ends_sentence(text: &str, begin: usize, at: usize, c: char) -> Option<usize> {
    let mut end = at + c.len_utf8();
    // A blank and a capital letter, mostly.
    if let Some([b' ', b'A'..=b'Z', ..]) = text.as_bytes().get(end..)
        && c.is_ascii()
    {
        return (c != '.' || !is_abbreviation(text.get(begin..at)?)).then_some(end);
    }
    let rest = text.get(end..)?;
    if c == '\u{3002}' {
        return Some(end);
    }
    let closers = rest
        .chars()
        .take_while(|c| matches!(c, '.' | '!' | '?' | '"' | '\'' | ')' | ']' | '\u{201d}' | '\u{2019}' | '\u{bb}'));
    end += closers.map(char::len_utf8).sum::<usize>();
    let rest = text.get(end..)?;
    let Some(next) = rest.chars().next() else { return Some(end) };
    if !next.is_whitespace() {
        return None;
    }
    let opener = |c: &char| matches!(c, '"' | '\'' | '(' | '[' | '\u{201c}' | '\u{2018}' | '\u{ab}' | '-' | '\u{2014}');
    let next = rest.chars().find(|c| !c.is_whitespace() && !opener(c));
    if next.is_some_and(char::is_lowercase) {
        return None;
    }
    if c == '.' && is_abbreviation(text.get(begin..at)?) {
        return None;
    }
    Some(end)
}

/// Titles, initials and other words whose full stop rarely ends a sentence.
const ABBREVIATIONS: [&str; 54] = [
    "adm", "al", "approx", "apr", "atty", "aug", "capt", "cf", "cmdr", "col", "dec", "dept", "det", "dr", "e.g", "etc",
    "feb", "fig", "ft", "gen", "gov", "hon", "i.e", "insp", "jan", "jr", "jul", "jun", "lt", "maj", "mar", "messrs",
    "mr", "mrs", "ms", "mt", "no", "nos", "nov", "oct", "pres", "prof", "rep", "rev", "sec", "sen", "sep", "sept",
    "sgt", "sr", "st", "supt", "univ", "vs",
];
/// Bytes of the longest of them.
const LONGEST: usize = 6;

fn is_abbreviation(before: &str) -> bool {
    // Of most sentences the last word alone is too long.
    let tail = before.len().checked_sub(LONGEST + 1).and_then(|from| before.as_bytes().get(from..));
    if tail.is_some_and(|tail| tail.iter().all(u8::is_ascii_alphanumeric)) {
        return false;
    }
    let word = before
        .rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '"' | '\u{201c}' | '\u{2018}'))
        .next()
        .unwrap_or("");
    let mut letters = word.chars();
    let initial = matches!((letters.next(), letters.next()), (Some(c), None) if c.is_uppercase());
    // "U.S", "J.K": single letters between full stops.
    let dotted = word.contains('.') && word.split('.').all(|p| p.chars().count() == 1);
    initial || dotted || (is_listed(word) && (word == "No" || !word.eq_ignore_ascii_case("no")))
}

/// The same as numbers, which are compared at once.
const PACKED: [u64; ABBREVIATIONS.len()] = {
    let mut all = [0; ABBREVIATIONS.len()];
    let mut i = 0;
    while i < all.len() {
        all[i] = packed(ABBREVIATIONS[i].as_bytes());
        i += 1;
    }
    all
};

/// Up to eight bytes, lower-cased, as a number.
const fn packed(word: &[u8]) -> u64 {
    let (mut number, mut i) = (0, 0);
    while i < word.len() {
        number = number << 8 | word[i].to_ascii_lowercase() as u64;
        i += 1;
    }
    number
}

fn is_listed(word: &str) -> bool {
    word.len() <= LONGEST && PACKED.contains(&packed(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        let document = Document::new("", text);
        let got: Vec<&str> = sentences(&document).iter().map(|s| &document.text()[s.begin..s.end]).collect();
        assert_eq!(got, expect);
    }

    #[test]
    fn splits() {
        check("One. Two! Three?", &["One.", "Two!", "Three?"]);
        check("\u{201c}We will.\u{201d} He left.\nNew line", &["\u{201c}We will.\u{201d}", "He left.", "New line"]);
        check(
            "The U.S. Army and Mr. Smith met Sen. J. Doe. They spoke.",
            &["The U.S. Army and Mr. Smith met Sen. J. Doe.", "They spoke."],
        );
        check("It rose 3.5 percent. \"Good,\" she said.", &["It rose 3.5 percent.", "\"Good,\" she said."]);
        check("He asked: why... and left. Then", &["He asked: why... and left.", "Then"]);
        check("", &[]);
    }

    #[test]
    fn abbreviations() {
        assert!(ABBREVIATIONS.iter().all(|a| a.len() <= LONGEST));
        for (word, listed) in [("Mr", true), ("messrs", true), ("No", true), ("no", false), ("Nos", true), ("", false)]
        {
            assert_eq!(is_abbreviation(&format!("He met {word}")), listed, "{word}");
        }
    }

    proptest! {
        #[test]
        fn equals_the_plain_way(
            title in "(?s).{0,40}",
            text in "(?s)([A-Z][a-z]{0,7}[.!? ,]|[.!?\n\u{2026}\u{3002}\u{61f}\u{201d}\"] ?|\\PC|Mr\\. |U\\.S\\.){0,120}",
        ) {
            let document = Document::new(&title, &text);
            let mut plain = Vec::new();
            let mut cutter = Cutter::new(&document, &mut plain);
            cutter.by_word();
            cutter.finish();
            prop_assert_eq!(sentences(&document), plain);
        }
    }

    #[test]
    fn tokens_belong_to_one_sentence() {
        let document = Document::new("A title", "One two. Three.");
        let ranges: Vec<(usize, usize)> = sentences(&document).iter().map(|s| (s.first_token, s.last_token)).collect();
        assert_eq!(ranges, [(0, 2), (2, 4), (4, 5)]);
    }
}
