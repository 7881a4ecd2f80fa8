//! What can be said of a sentence before a target is asked about: its words
//! with what is known of them, its marks, which words may be names, what is
//! quoted. Read once a sentence and shared by all its targets.

use super::{
    known::{Known, KnownWord},
    lexicon::{Entry, flag},
};
use crate::text::{Document, Sentence, Token};

/// Tokens before the first mention from which a very long sentence is read.
const LEAD: usize = 100;
/// Pieces of a sentence that are read.
const MOST: usize = 320;

/// Bits of [`Piece::is`].
pub(super) mod bit {
    /// Starts with a capital letter.
    pub(in super::super) const CAPITAL: u16 = 1;
    /// Opens a sentence or a quotation.
    pub(in super::super) const INITIAL: u16 = 1 << 1;
    /// Of an initial word: it is known in lower case.
    pub(in super::super) const KNOWN: u16 = 1 << 2;
    /// A particle joined to a name by a hyphen: "al-Sadr".
    pub(in super::super) const PARTICLE: u16 = 1 << 3;
    /// A title with a capitalised word behind it.
    pub(in super::super) const TITLED: u16 = 1 << 4;
    /// Only a blank or hyphen stands between it and the word before.
    pub(in super::super) const JOINED: u16 = 1 << 5;
    /// Four bytes or more.
    pub(in super::super) const LONG: u16 = 1 << 6;
    /// Inside quotation marks.
    pub(in super::super) const QUOTED: u16 = 1 << 7;
    /// The letter I.
    pub(in super::super) const PRONOUN: u16 = 1 << 8;
}

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A word.
    Word,
    /// A number.
    Number,
    /// The ending "'s".
    Possessive,
    /// The ending "n't".
    Not,
    /// A quotation mark.
    Quote,
    /// Another mark; `hash` is its code point.
    Mark,
}

/// A word or mark of a sentence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    /// Of the word; a mark's code point.
    pub(super) hash: u64,
    /// What is known of the word.
    pub(super) entry: Entry,
    /// Its row; 0: none.
    pub(super) row: u32,
    /// Index of the word; of a mark: of the word behind it.
    pub(super) token: u32,
    /// Of [`bit`].
    bits: u16,
    /// What it is.
    pub(super) kind: Kind,
}

impl Piece {
    /// Whether any of these bits is set.
    #[inline(always)]
    pub(super) fn is(&self, bits: u16) -> bool {
        self.bits & bits != 0
    }
}

/// Reused buffer: the sentences of an article that somebody asked about.
#[derive(Debug, Clone, Default)]
pub(super) struct Outlines {
    pieces: Vec<Piece>,
    words: Vec<KnownWord>,
    /// By sentence: the first token read and the range of `pieces`.
    read: Vec<Option<(u32, u32, u32)>>,
}

impl Outlines {
    /// Forgets all and makes room for an article of `n` sentences.
    pub(super) fn clear(&mut self, n: usize) {
        self.pieces.clear();
        self.read.clear();
        self.read.resize(n, None);
    }

    /// The pieces of sentence `index`, which is mentioned at byte `mention` first. `fetch` gets each word's row
    /// when the sentence is read.
    pub(super) fn of(
        &mut self,
        document: &Document,
        (index, sentence): (usize, &Sentence),
        mention: usize,
        known: &Known,
        fetch: impl Fn(u32),
    ) -> &[Piece] {
        let tokens = document.tokens().get(..sentence.last_token).unwrap_or(&[]);
        let mut start = sentence.first_token;
        if sentence.last_token - start > LEAD {
            start = start.max(tokens.partition_point(|t| (t.end as usize) <= mention).saturating_sub(LEAD));
        }
        let read = self.read.get(index).copied().flatten().filter(|k| k.0 == start as u32);
        let (_, from, to) = read.unwrap_or_else(|| {
            let from = self.pieces.len();
            // All look-ups at once: none waits for another.
            self.words.clear();
            let asked = tokens.iter().skip(start).take(MOST);
            asked.clone().for_each(|t| known.fetch(t.hash));
            self.words.extend(asked.map(|t| known.get(t.hash)));
            self.words.iter().for_each(|word| fetch(word.row));
            let (pieces, words) = (&mut self.pieces, self.words.as_slice());
            Reader { document, tokens, pieces, words, start, quoted: false, initial: true }.read(sentence);
            let range = (start as u32, from as u32, self.pieces.len() as u32);
            if let Some(read) = self.read.get_mut(index) {
                *read = Some(range);
            }
            range
        });
        self.pieces.get(from as usize..to as usize).unwrap_or(&[])
    }
}

struct Reader<'a> {
    document: &'a Document,
    tokens: &'a [Token],
    pieces: &'a mut Vec<Piece>,
    /// Of the tokens from `start` on.
    words: &'a [KnownWord],
    /// The first token that is read.
    start: usize,
    quoted: bool,
    /// The next word opens a sentence or a quotation.
    initial: bool,
}

impl Reader<'_> {
    fn read(&mut self, sentence: &Sentence) {
        let start = self.start;
        let first = self.tokens.get(start).map_or(sentence.begin, |t| t.begin as usize);
        let mut at = if start == sentence.first_token { sentence.begin } else { first };
        let limit = self.pieces.len() + MOST;
        let mut after_word = false;
        for i in start..self.tokens.len() {
            let Some(token) = self.tokens.get(i).filter(|_| self.pieces.len() < limit) else { return };
            let joined = self.marks(at, token.begin as usize, i) && after_word;
            let piece = self.word(token, i, joined);
            // The next word does not go on with an ending.
            after_word = !matches!(piece.kind, Kind::Possessive | Kind::Not);
            self.pieces.push(piece);
            at = token.end as usize;
        }
        self.marks(at, sentence.end, self.tokens.len());
    }

    /// The punctuation before token `next`; whether there is none but blanks and hyphens.
    #[inline(always)]
    fn marks(&mut self, from: usize, to: usize, next: usize) -> bool {
        if to == from + 1 && self.document.text().as_bytes().get(from) == Some(&b' ') {
            return true;
        }
        self.other_marks(from, to, next)
    }

    fn other_marks(&mut self, from: usize, to: usize, next: usize) -> bool {
        let gap = self.document.text().get(from..to).unwrap_or("");
        let mut joined = true;
        let mut push = |hash: char, kind: Kind, quoted: bool| {
            let bits = if quoted { bit::QUOTED } else { 0 };
            let entry = Entry::default();
            self.pieces.push(Piece { hash: u64::from(hash), entry, row: 0, token: next as u32, bits, kind });
            joined = false;
        };
        for (at, c) in gap.char_indices() {
            match c {
                '"' | '\u{201c}' | '\u{201d}' => {
                    let opens = c == '\u{201c}' || c == '"' && !self.quoted;
                    push('"', Kind::Quote, false);
                    self.initial |= opens && !self.quoted;
                    self.quoted = opens;
                }
                ';' | ':' | '\u{2014}' | ',' | '?' | '!' | '(' | ')' => {
                    push(c, Kind::Mark, self.quoted);
                    self.initial |= c == ':';
                }
                '\u{2013}' => push('\u{2014}', Kind::Mark, self.quoted),
                '-' if gap.get(at..).is_some_and(|g| g.starts_with("- ") || g.starts_with("--")) => {
                    push('\u{2014}', Kind::Mark, self.quoted);
                }
                _ => {}
            }
        }
        joined
    }

    #[inline(always)]
    fn word(&mut self, token: &Token, i: usize, joined: bool) -> Piece {
        let initial = std::mem::replace(&mut self.initial, false);
        let yes = |b: bool, bit: u16| if b { bit } else { 0 };
        let long = token.end - token.begin >= 4;
        let mut bits = yes(joined, bit::JOINED) | yes(self.quoted, bit::QUOTED) | yes(long, bit::LONG);
        let bytes = self.document.text().as_bytes();
        let first = bytes.get(token.begin as usize).copied().unwrap_or(0);
        let (entry, kind) = (Entry::default(), Kind::Word);
        let mut piece = Piece { hash: token.hash, entry, row: 0, token: i as u32, bits, kind };
        if token.end == token.begin + 1
            && let Some(kind) = self.ending(token, first)
        {
            piece.kind = kind;
            return piece;
        }
        let (capital, number) = if first.is_ascii() {
            (first.is_ascii_uppercase(), first.is_ascii_digit())
        } else {
            let head = self.document.surface(token).chars().next().unwrap_or(' ');
            (head.is_uppercase(), head.is_numeric())
        };
        bits |= yes(capital, bit::CAPITAL);
        if number {
            piece.kind = Kind::Number;
            piece.bits = bits;
            return piece;
        }
        let word = self.words.get(i - self.start).copied().unwrap_or_default();
        (piece.entry, piece.row) = (word.entry, word.row);
        if capital {
            bits |= yes(first == b'I' && token.end == token.begin + 1, bit::PRONOUN);
            bits |= yes(piece.entry.is(flag::TITLE) && self.followed(token, i, 2), bit::TITLED);
            if initial {
                bits |= bit::INITIAL | yes(is_known(&piece.entry), bit::KNOWN);
            }
        } else if token.end - token.begin <= 3 && bytes.get(token.end as usize) == Some(&b'-') {
            bits |= yes(self.followed(token, i, 1), bit::PARTICLE);
        }
        piece.bits = bits;
        piece
    }

    /// Whether a capitalised word stands at most `gap` bytes behind.
    fn followed(&self, token: &Token, i: usize, gap: u32) -> bool {
        let next = self.tokens.get(i + 1);
        next.is_some_and(|n| n.begin <= token.end + gap && is_capitalised(self.document.surface(n)))
    }

    /// "'s" and "n't", which stand apart from their word.
    fn ending(&self, token: &Token, letter: u8) -> Option<Kind> {
        if !matches!(letter, b's' | b'S' | b't' | b'T') {
            return None;
        }
        let before = self.document.text().get(..token.begin as usize)?.strip_suffix(['\'', '\u{2019}'])?;
        let last = before.chars().next_back().filter(|c| c.is_alphanumeric())?;
        match letter {
            b's' | b'S' => Some(Kind::Possessive),
            _ => matches!(last, 'n' | 'N').then_some(Kind::Not),
        }
    }
}

/// Whether a word may stand with a capital without being a name.
pub(super) fn is_known(entry: &Entry) -> bool {
    entry.flags != 0 || entry.verb != 0
}

/// Whether a word starts with a capital letter.
pub(super) fn is_capitalised(surface: &str) -> bool {
    surface.chars().next().is_some_and(char::is_uppercase)
}
