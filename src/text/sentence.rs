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
    let (bytes, tokens) = (text.as_bytes(), document.tokens());
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
    let mut gap = |from: usize, to: usize, next: usize| {
        for (at, c) in text.get(from..to).unwrap_or("").char_indices() {
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
    };
    gap(0, tokens.first().map_or(text.len(), |t| t.begin as usize), 0);
    for (next, pair) in (1..).zip(tokens.windows(2)) {
        let [token, following] = pair else { continue };
        let (from, to) = (token.end as usize, following.begin as usize);
        // A blank, or a comma and a blank, mostly.
        let plain = to - from <= 2 && matches!(bytes.get(from), Some(b' ' | b',')) && bytes.get(to - 1) == Some(&b' ');
        if !plain {
            gap(from, to, next);
        }
    }
    if let Some(last) = tokens.last() {
        gap(last.end as usize, text.len(), tokens.len());
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

    #[test]
    fn tokens_belong_to_one_sentence() {
        let document = Document::new("A title", "One two. Three.");
        let ranges: Vec<(usize, usize)> = sentences(&document).iter().map(|s| (s.first_token, s.last_token)).collect();
        assert_eq!(ranges, [(0, 2), (2, 4), (4, 5)]);
    }
}
