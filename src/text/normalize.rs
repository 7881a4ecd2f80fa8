//! Brings a text to the one form that the rest reads: Unicode NFC, character
//! references decoded, invisible characters removed, with the way back to the
//! bytes that were sent.

use super::tokenize::beyond_ascii;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Byte offsets of a normalised text in the text as sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Offsets {
    /// For each normalised byte (and one past the last): where the piece of the
    /// original that it came from begins.
    begins: Vec<u32>,
}

impl Offsets {
    /// The original offset of a normalised one.
    pub(super) fn original(&self, at: usize) -> usize {
        self.begins.get(at).or(self.begins.last()).map_or(0, |&b| b as usize)
    }

    /// The normalised offset of an original one.
    pub(super) fn normalized(&self, at: usize) -> usize {
        self.begins.partition_point(|&b| (b as usize) < at)
    }
}

/// Appends the normalised `text` to `out`. `None`: nothing changed.
///
/// Almost every text takes the quick way (a scan and a copy).
pub(super) fn normalize_into(text: &str, out: &mut String) -> Option<Offsets> {
    if !has_reference(text) && beyond_ascii(text).all(|(_, c)| is_settled(c)) {
        out.push_str(text);
        return None;
    }
    Some(rewrite(text, out))
}

/// Whether a character is surely in NFC wherever it stands, and visible. The
/// ranges are those of everyday text; the tables answer for the rest.
fn is_settled(c: char) -> bool {
    match c {
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => false,
        '\u{a0}'..='\u{2ff}' | '\u{2002}'..='\u{2100}' | '\u{400}'..='\u{482}' | '\u{4e00}'..='\u{9fff}' => true,
        _ => is_nfc_quick(std::iter::once(c)) == IsNormalized::Yes && !is_invisible(c) && !joins(c),
    }
}

/// Whether a character may compose with the one before it.
fn joins(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c) || ('\u{1160}'..='\u{11ff}').contains(&c)
}

fn rewrite(text: &str, out: &mut String) -> Offsets {
    let mut begins = Vec::with_capacity(text.len() + 1);
    let mut push = |c: char, from: usize, out: &mut String| {
        out.push(c);
        begins.extend(std::iter::repeat_n(from as u32, c.len_utf8()));
    };
    let mut rest = text;
    let mut at = 0;
    while let Some(first) = rest.chars().next() {
        let used = if let Some((c, used)) = reference(rest) {
            if !is_invisible(c) {
                push(c, at, out);
            }
            used
        } else if is_invisible(first) {
            first.len_utf8()
        } else {
            // One character with the marks that follow it composes on its own.
            let used = cluster_len(rest, first);
            for c in rest.get(..used).unwrap_or(rest).nfc() {
                push(c, at, out);
            }
            used
        };
        at += used;
        rest = rest.get(used..).unwrap_or("");
    }
    begins.push(at as u32);
    Offsets { begins }
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

fn has_reference(text: &str) -> bool {
    memchr::memchr_iter(b'&', text.as_bytes()).any(|at| text.get(at..).and_then(reference).is_some())
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

    fn check(input: &str, expect: &str) {
        let mut out = String::new();
        let offsets = normalize_into(input, &mut out);
        assert_eq!(out, expect);
        for (at, c) in out.char_indices() {
            let original = offsets.as_ref().map_or(at, |o| o.original(at));
            assert!(input.is_char_boundary(original), "{c:?} at {at} maps to {original}");
        }
        let end = offsets.as_ref().map_or(out.len(), |o| o.original(out.len()));
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
        let offsets = normalize_into("a &amp; Cafe\u{301} z", &mut out).expect("changed");
        assert_eq!(out, "a & Caf\u{e9} z");
        assert_eq!(offsets.original(out.find('z').unwrap()), 15);
        assert_eq!(offsets.original(out.find('C').unwrap()), 8);
    }
}
