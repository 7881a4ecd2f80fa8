//! Sentences by punctuation, with the abbreviations of news English.

use super::Document;

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
    sentences.clear();
    let text = document.text();
    let tokens = document.tokens();
    let mut first = 0;
    let mut begin = 0;
    let mut close = |begin: usize, end: usize, next: usize| {
        if next > first {
            let part = text.get(begin..end).unwrap_or("");
            let start = begin + part.len() - part.trim_start().len();
            let stop = begin + part.trim_end().len();
            sentences.push(Sentence { begin: start, end: stop, first_token: first, last_token: next });
            first = next;
        }
    };
    // The marks that end a sentence stand between words.
    let mut from = 0;
    for next in 0..=tokens.len() {
        let to = tokens.get(next).map_or(text.len(), |t| t.begin as usize);
        let single = to == from + 1 && text.as_bytes().get(from) == Some(&b' ');
        for (at, c) in text.get(from..to).filter(|_| !single).unwrap_or("").char_indices() {
            let at = from + at;
            let end = match c {
                '\n' => Some(at + 1),
                '.' | '!' | '?' | '\u{2026}' | '\u{3002}' | '\u{61f}' => ends_sentence(text, begin, at, c),
                _ => None,
            };
            if let Some(end) = end.filter(|&e| e > begin) {
                close(begin, end, next);
                begin = end;
            }
        }
        from = tokens.get(next).map_or(to, |t| t.end as usize);
    }
    close(begin, text.len(), tokens.len());
}

/// The end of the sentence that the mark `c` at `at` closes, if it closes one.
fn ends_sentence(text: &str, begin: usize, at: usize, c: char) -> Option<usize> {
    let mut end = at + c.len_utf8();
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
    "mr", "mrs", "ms", "dr", "prof", "sen", "rep", "gov", "gen", "lt", "col", "maj", "capt", "sgt", "adm", "rev",
    "hon", "st", "jr", "sr", "vs", "no", "nos", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct",
    "nov", "dec", "mt", "ft", "fig", "etc", "al", "cf", "e.g", "i.e", "approx", "dept", "univ", "messrs", "pres",
    "sec", "atty", "supt", "det", "cmdr", "insp",
];

fn is_abbreviation(before: &str) -> bool {
    let word = before
        .rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '"' | '\u{201c}' | '\u{2018}'))
        .next()
        .unwrap_or("");
    let mut letters = word.chars();
    let initial = matches!((letters.next(), letters.next()), (Some(c), None) if c.is_uppercase());
    // "U.S", "J.K": single letters between full stops.
    let dotted = word.contains('.') && word.split('.').all(|p| p.chars().count() == 1);
    initial || dotted || ABBREVIATIONS.iter().any(|a| word.eq_ignore_ascii_case(a) && (*a != "no" || word == "No"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn tokens_belong_to_one_sentence() {
        let document = Document::new("A title", "One two. Three.");
        let ranges: Vec<(usize, usize)> = sentences(&document).iter().map(|s| (s.first_token, s.last_token)).collect();
        assert_eq!(ranges, [(0, 2), (2, 4), (4, 5)]);
    }
}
