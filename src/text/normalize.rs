//! Brings a text to the one form that the rest reads: Unicode NFC, character
//! references decoded, invisible characters removed, with the way back to the
//! bytes that were sent.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Byte offsets of a normalised text in the text as sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Offsets {
    /// In order, the last one empty at the end of both texts.
    pieces: Vec<Piece>,
}

/// A part of the normalised text.
#[derive(Debug, Clone, Copy)]
struct Piece {
    /// Its first byte in the normalised text.
    normalized: u32,
    /// The first byte of what it comes from.
    original: u32,
    /// As it was sent, byte for byte; else it stands for the whole of what it comes from.
    copied: bool,
}

impl Offsets {
    /// The original offset of a normalised one.
    pub(super) fn original(&self, at: usize) -> usize {
        let after = self.pieces.partition_point(|p| p.normalized as usize <= at);
        let Some(piece) = self.pieces.get(after.saturating_sub(1)) else { return 0 };
        piece.original as usize + if piece.copied { at.saturating_sub(piece.normalized as usize) } else { 0 }
    }

    /// The normalised offset of an original one.
    pub(super) fn normalized(&self, at: usize) -> usize {
        let after = self.pieces.partition_point(|p| (p.original as usize) < at);
        let next = self.pieces.get(after).or(self.pieces.last()).map_or(0, |p| p.normalized as usize);
        match self.pieces.get(after.wrapping_sub(1)).filter(|p| p.copied) {
            Some(piece) => (piece.normalized as usize + at - piece.original as usize).min(next),
            None => next,
        }
    }
}

/// Appends the normalised `text` to `out`. `marked`: where characters outside ASCII begin, and each `&`, in order.
pub(super) fn normalize_into(text: &str, marked: impl Iterator<Item = usize>, out: &mut String) -> Offsets {
    let start = out.len();
    let mut rewriter = Rewriter { text, out, pieces: Vec::new(), done: 0 };
    for at in marked {
        // Else it went with a character before it.
        if at >= rewriter.done {
            rewriter.look_at(at);
        }
    }
    rewriter.copy_up_to(text.len());
    rewriter.begin(false);
    let mut pieces = rewriter.pieces;
    pieces.iter_mut().for_each(|p| p.normalized -= start as u32);
    Offsets { pieces }
}

/// Whether the character `c`, at `at` of `text`, surely stays as it is.
pub(super) fn stays(text: &str, at: usize, c: char) -> bool {
    if c == '&' { text.get(at..).and_then(reference).is_none() } else { is_settled(c) }
}

/// Whether a character is surely in NFC wherever it stands, and visible. The
/// ranges are those of everyday text; the tables answer for the rest.
fn is_settled(c: char) -> bool {
    match c {
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => false,
        '\u{a0}'..='\u{2ff}' | '\u{2002}'..='\u{20cf}' | '\u{400}'..='\u{482}' | '\u{4e00}'..='\u{9fff}' => true,
        _ => is_nfc_quick(std::iter::once(c)) == IsNormalized::Yes && !is_invisible(c) && !joins(c),
    }
}

/// Whether a character may compose with the one before it.
fn joins(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c) || ('\u{1160}'..='\u{11ff}').contains(&c)
}

/// Copies what is settled, replaces the rest.
struct Rewriter<'a> {
    text: &'a str,
    out: &'a mut String,
    pieces: Vec<Piece>,
    /// Where in `text` it is: what lies before is in `out`.
    done: usize,
}

impl Rewriter<'_> {
    fn look_at(&mut self, at: usize) {
        let rest = self.text.get(at..).unwrap_or("");
        let Some(c) = rest.chars().next() else { return };
        if c == '&' {
            if let Some((c, used)) = reference(rest) {
                self.copy_up_to(at);
                self.replace(used, Some(c).filter(|&c| !is_invisible(c)));
            }
        } else if is_invisible(c) {
            self.copy_up_to(at);
            self.replace(c.len_utf8(), None);
        } else if !is_settled(c) {
            // One character with the marks that follow it composes on its own.
            let before = self.text.get(self.done..at).unwrap_or("").chars().next_back();
            let (begin, first) = before.filter(|_| joins(c)).map_or((at, c), |b| (at - b.len_utf8(), b));
            let rest = self.text.get(begin..).unwrap_or("");
            let cluster = rest.get(..cluster_len(rest, first)).unwrap_or(rest);
            self.copy_up_to(begin);
            self.replace(cluster.len(), cluster.nfc());
        }
    }

    fn begin(&mut self, copied: bool) {
        self.pieces.push(Piece { normalized: self.out.len() as u32, original: self.done as u32, copied });
    }

    fn copy_up_to(&mut self, end: usize) {
        if end > self.done {
            self.begin(true);
            self.out.push_str(self.text.get(self.done..end).unwrap_or(""));
            self.done = end;
        }
    }

    /// Writes `by` for the next `used` bytes.
    fn replace(&mut self, used: usize, by: impl IntoIterator<Item = char>) {
        self.begin(false);
        self.out.extend(by);
        self.done += used;
    }
}

/// Bytes of `first` and of what may compose with it (combining marks, Hangul vowels and finals).
fn cluster_len(rest: &str, first: char) -> usize {
    let mut len = first.len_utf8();
    for c in rest.chars().skip(1) {
        // A bound, against texts made of nothing but marks.
        if !joins(c) || len > 128 {
            break;
        }
        len += c.len_utf8();
    }
    len
}

/// Soft hyphens, zero-width characters, byte-order marks and direction marks.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// An HTML character reference at the start of `text`: the character and its length in bytes.
fn reference(text: &str) -> Option<(char, usize)> {
    let body = text.strip_prefix('&')?;
    let end = body.bytes().take(9).position(|b| b == b';')?;
    let name = body.get(..end)?;
    let c = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "lsquo" => '\u{2018}',
        "rsquo" => '\u{2019}',
        "ldquo" => '\u{201c}',
        "rdquo" => '\u{201d}',
        "ndash" => '\u{2013}',
        "mdash" => '\u{2014}',
        "hellip" => '\u{2026}',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|c| !c.is_control())?
        }
    };
    Some((c, end + 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Character by character: the normalised text, and for each of its bytes where that which it comes from begins.
    fn plain(text: &str) -> (String, Vec<usize>) {
        let (mut out, mut begins, mut at) = (String::new(), Vec::new(), 0);
        while let Some(first) = text[at..].chars().next() {
            let rest = &text[at..];
            let (used, by) = if let Some((c, used)) = reference(rest) {
                (used, Some(c).filter(|&c| !is_invisible(c)).into_iter().collect())
            } else if is_invisible(first) {
                (first.len_utf8(), String::new())
            } else {
                let used = cluster_len(rest, first);
                (used, rest[..used].nfc().collect())
            };
            begins.resize(begins.len() + by.len(), at);
            out.push_str(&by);
            at += used;
        }
        (out, begins)
    }

    fn normalize(text: &str, out: &mut String) -> Offsets {
        let marked = text.char_indices().filter(|&(_, c)| !c.is_ascii() || c == '&').map(|(at, _)| at);
        normalize_into(text, marked, out)
    }

    fn check(input: &str, expect: &str) {
        let mut out = String::new();
        let offsets = normalize(input, &mut out);
        assert_eq!(out, expect);
        for (at, c) in out.char_indices() {
            let original = offsets.original(at);
            assert!(input.is_char_boundary(original), "{c:?} at {at} maps to {original}");
        }
        let end = offsets.original(out.len());
        assert_eq!(end, input.len());
    }

    #[test]
    fn leaves_ordinary_text_alone() {
        check("AT&T said: \u{201c}R&D is up\u{201d}; 5 & 6", "AT&T said: \u{201c}R&D is up\u{201d}; 5 & 6");
        check("", "");
    }

    #[test]
    fn decodes_references_and_drops_invisible_characters() {
        check("Tom &amp; Jerry&#39;s &quot;x&quot; &bogus; &#xD800;", "Tom & Jerry's \"x\" &bogus; &#xD800;");
        check("co\u{ad}operate\u{200b} now\u{feff}", "cooperate now");
    }

    #[test]
    fn composes() {
        check("Cafe\u{301} na\u{308}ive", "Caf\u{e9} n\u{e4}ive");
        check("\u{1112}\u{1161}\u{11ab}", "\u{d55c}");
    }

    #[test]
    fn maps_back() {
        let mut out = String::new();
        let offsets = normalize("a &amp; Cafe\u{301} z", &mut out);
        assert_eq!(out, "a & Caf\u{e9} z");
        assert_eq!(offsets.original(out.find('z').unwrap()), 15);
        assert_eq!(offsets.original(out.find('C').unwrap()), 8);
    }

    proptest! {
        #[test]
        fn equals_the_plain_way(text in "([a-e ]|\u{301}|\u{327}|\u{20d0}|\u{e9}|\u{ad}|\u{1112}|\u{1161}|\u{11ab}|&amp;|&#8203;|&|\u{2019}|\u{f900}|\\PC){0,40}") {
            let mut out = String::from("before");
            let offsets = normalize(&text, &mut out);
            let (expect, begins) = plain(&text);
            prop_assert_eq!(&out[6..], &expect);
            let original = |at| offsets.original(at);
            let normalized = |at| offsets.normalized(at);
            prop_assert_eq!(original(expect.len()), text.len());
            prop_assert_eq!(normalized(text.len()), expect.len());
            for (at, _) in expect.char_indices() {
                // Within what was sent in one piece every character has a place of its own.
                let piece = begins.partition_point(|&b| b <= begins[at]);
                let end = begins.get(piece).copied().unwrap_or(text.len());
                prop_assert!((begins[at]..end).contains(&original(at)), "{at}: {} {begins:?}", original(at));
                prop_assert!(text.is_char_boundary(original(at)));
                prop_assert!(normalized(original(at)) <= at);
            }
        }
    }
}
