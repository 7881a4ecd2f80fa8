//! One sentence as the model sees it: the target is one mask, every other name
//! another, so that no name can carry an opinion of its own.

use super::{
    lexicon::{Entry, flag},
    outline::{self, Piece, bit, is_capitalised, is_known},
};
use crate::text::{Document, hash_word};

/// What stands at a place of the sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    /// An ordinary word, lower-cased.
    #[default]
    Word,
    /// The target, whatever its name.
    Target,
    /// Any other name.
    Entity,
    /// A punctuation mark.
    Mark,
}

/// A word, mask or mark.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Item {
    /// Of the word; a constant for masks, numbers and marks.
    pub(super) hash: u64,
    /// What is known of the word.
    pub(super) entry: Entry,
    /// Its row; 0: none.
    pub(super) row: u32,
    /// What it is.
    pub(super) kind: Kind,
    /// Inside quotation marks.
    pub(super) quoted: bool,
    /// Within reach of a negation.
    pub(super) negated: bool,
    /// Cuts clauses.
    pub(super) breaks: bool,
}

/// A masked sentence.
#[derive(Debug, Clone, Default)]
pub(super) struct Masked {
    /// In the order of the text.
    pub(super) items: Vec<Item>,
    /// Indices of the target's masks in `items`; the first is the mention asked about.
    pub(super) targets: Vec<usize>,
}

/// Hashes of what is not a word.
pub(super) mod symbol {
    /// The target.
    pub(in super::super) const TARGET: u64 = 0x9d3f_4a11_c5e0_7b21;
    /// Another name.
    pub(in super::super) const ENTITY: u64 = 0x51c6_e2d8_0b7f_94a3;
    /// A number.
    pub(in super::super) const NUMBER: u64 = 0xe8b1_07c4_62d9_3f55;
    /// The possessive ending.
    pub(in super::super) const POSSESSIVE: u64 = 0x2f74_b8a6_d013_ce97;
    /// A contracted "not".
    pub(in super::super) const NOT: u64 = 0xb605_91fe_384c_a2db;
    /// Times a code point: a mark.
    pub(in super::super) const MARK: u64 = 0x9e37_79b9_7f4a_7c15;
}

/// What is not a word and has a row of its own.
pub(crate) const SYMBOLS: [u64; 13] = [
    symbol::ENTITY,
    symbol::NUMBER,
    symbol::POSSESSIVE,
    symbol::NOT,
    mark('"'),
    mark(';'),
    mark(':'),
    mark('\u{2014}'),
    mark(','),
    mark('?'),
    mark('!'),
    mark('('),
    mark(')'),
];

/// The first marks' place in [`SYMBOLS`].
const MARKS: usize = 4;

const fn mark(c: char) -> u64 {
    symbol::MARK.wrapping_mul(c as u64)
}

/// The row of a symbol by its place in [`SYMBOLS`].
const fn row(at: usize) -> u32 {
    at as u32 + 1
}

/// Words that a negation reaches.
const NEGATION_REACH: u8 = 4;
/// Items of a sentence that are looked at.
pub(super) const MAX_ITEMS: usize = 160;
/// Words of a name that are compared where it stands once more.
const LONGEST_NAME: usize = 12;

/// Reused state of [`Masker::mask`].
#[derive(Debug, Clone, Default)]
pub(super) struct Masker {
    /// Of the last sentence.
    pub(super) masked: Masked,
    name: Vec<u64>,
    /// By piece: it belongs to a mention.
    mentioned: Vec<bool>,
    /// First byte of the name behind each mask.
    begins: Vec<usize>,
    quoted: bool,
    reach: u8,
}

impl Masker {
    /// Masks a sentence for a target mentioned at `mentions`, ranges of bytes of the document's text, ascending and
    /// apart; the first is the one asked about.
    pub(super) fn mask(&mut self, document: &Document, pieces: &[Piece], mentions: &[(usize, usize)]) {
        self.masked.items.clear();
        self.masked.targets.clear();
        self.begins.clear();
        self.reach = 0;
        let title_case = self.find_mentions(document, pieces, mentions);
        let tokens = document.tokens();
        let mut rest = pieces.iter().zip(0..);
        while let Some((piece, i)) = rest.next().filter(|_| self.masked.items.len() < MAX_ITEMS) {
            self.quoted = piece.is(bit::QUOTED);
            let kind = piece.kind;
            match kind {
                outline::Kind::Quote | outline::Kind::Mark => self.mark(piece),
                outline::Kind::Possessive => self.push(symbol::POSSESSIVE, Kind::Word, Entry::default(), row(2)),
                outline::Kind::Not => self.push(symbol::NOT, Kind::Word, Entry::with_flags(flag::NEGATION), row(3)),
                outline::Kind::Word | outline::Kind::Number => {
                    let repeats = self.repeats(document, piece);
                    if repeats > 0 || self.mentioned.get(i) == Some(&true) {
                        let begin = tokens.get(piece.token as usize).map_or(0, |t| t.begin as usize);
                        self.target(begin, piece.is(bit::JOINED), mentions, title_case);
                        // A repeated name is taken whole.
                        let past = piece.token as usize + repeats;
                        while rest.clone().next().is_some_and(|(p, _)| (p.token as usize) < past) {
                            rest.next();
                        }
                    } else if kind == outline::Kind::Number {
                        self.push(symbol::NUMBER, Kind::Word, Entry::default(), row(1));
                    } else if is_name(piece, title_case) {
                        let last = self.masked.items.last().map(|i| i.kind);
                        if !(piece.is(bit::JOINED) && last == Some(Kind::Entity)) {
                            self.push(symbol::ENTITY, Kind::Entity, Entry::default(), row(0));
                        }
                    } else {
                        self.push(piece.hash, Kind::Word, piece.entry, piece.row);
                    }
                }
            }
        }
        // The mention asked about comes first.
        if let Some(&(begin, _)) = mentions.first()
            && let Some(asked) = self.begins.iter().rposition(|b| *b <= begin)
        {
            self.masked.targets.swap(0, asked);
        }
    }

    /// Notes the words of the mentions and the first one's name; whether case says nothing in the rest of the sentence,
    /// as in many headlines.
    fn find_mentions(&mut self, document: &Document, pieces: &[Piece], mentions: &[(usize, usize)]) -> bool {
        let tokens = document.tokens();
        self.name.clear();
        self.mentioned.clear();
        let (mut long, mut capitals) = (0, 0);
        let mut left = mentions.iter().enumerate().peekable();
        for piece in pieces {
            let mut mentioned = false;
            if !matches!(piece.kind, outline::Kind::Quote | outline::Kind::Mark)
                && let Some(token) = tokens.get(piece.token as usize)
            {
                let (begin, end) = (token.begin as usize, token.end as usize);
                while left.next_if(|(_, m)| m.1 <= begin).is_some() {}
                if let Some((which, _)) = left.peek().filter(|(_, m)| m.0 < end) {
                    mentioned = true;
                    if *which == 0 && self.name.len() < LONGEST_NAME {
                        self.name.push(piece.hash);
                    }
                }
            }
            self.mentioned.push(mentioned);
            if !mentioned && piece.is(bit::LONG) {
                long += 1;
                capitals += usize::from(piece.is(bit::CAPITAL));
            }
        }
        // "'s" inside a given mention is no part of the name.
        while self.name.len() > 1 && self.name.last() == Some(&hash_word(b"s")) {
            self.name.pop();
        }
        long >= 3 && capitals * 5 > long * 3
    }

    /// How many words from `piece` spell the target's name once more; 0: they do not.
    #[inline(always)]
    fn repeats(&self, document: &Document, piece: &Piece) -> usize {
        if self.name.first() != Some(&piece.hash) {
            return 0;
        }
        let (tokens, n, at) = (document.tokens(), self.name.len(), piece.token as usize);
        let Some(part) = tokens.get(at..at + n) else { return 0 };
        let capital = piece.is(bit::CAPITAL) || part.last().is_some_and(|t| is_capitalised(document.surface(t)));
        if capital && part.iter().zip(&self.name).all(|(t, name)| t.hash == *name) { n } else { 0 }
    }

    #[inline(always)]
    fn push(&mut self, hash: u64, kind: Kind, entry: Entry, row: u32) {
        let breaks = entry.is(flag::BREAK);
        if breaks {
            self.reach = 0;
        }
        let negator = entry.is(flag::NEGATION);
        let negated = self.reach > 0 && !negator;
        self.masked.items.push(Item { hash, entry, row, kind, quoted: self.quoted, negated, breaks });
        self.reach = if negator { NEGATION_REACH } else { self.reach.saturating_sub(u8::from(kind == Kind::Word)) };
    }

    fn mark(&mut self, piece: &Piece) {
        let quote = piece.kind == outline::Kind::Quote;
        let mark = |c: char| piece.hash == u64::from(c);
        let breaks = mark(';') || mark(':') || mark('\u{2014}') || mark('(') || mark(')');
        let hash = symbol::MARK.wrapping_mul(piece.hash);
        let negated = quote && self.reach > 0;
        let row = SYMBOLS.iter().skip(MARKS).position(|s| *s == hash).map_or(0, |at| row(MARKS + at));
        let (entry, kind) = (Entry::default(), Kind::Mark);
        self.masked.items.push(Item { hash, entry, row, kind, quoted: self.quoted, negated, breaks });
        if breaks || quote {
            self.reach = 0;
        }
    }

    /// The target's mask; one for a run of its words.
    fn target(&mut self, begin: usize, joined: bool, mentions: &[(usize, usize)], title_case: bool) {
        let same_mention = || mentions.iter().any(|m| m.0 < begin && begin < m.1);
        let items = &mut self.masked.items;
        match items.last().map(|i| (i.kind, i.hash)) {
            Some((Kind::Target, _)) if joined || same_mention() => return,
            // Forename or title before a surname, "the" before a group.
            Some((Kind::Entity, _)) if joined && !title_case => {
                items.pop();
            }
            Some((Kind::Word, hash)) if hash == hash_word(b"the") => {
                items.pop();
            }
            _ => {}
        }
        self.masked.targets.push(items.len());
        self.begins.push(begin);
        self.push(symbol::TARGET, Kind::Target, Entry::default(), 0);
    }
}

#[inline(always)]
fn is_name(piece: &Piece, title_case: bool) -> bool {
    if !piece.is(bit::CAPITAL) || piece.is(bit::PRONOUN) {
        return piece.is(bit::PARTICLE);
    }
    if title_case {
        return !is_known(&piece.entry);
    }
    // "President Smith said": a title that opens the sentence belongs to the name.
    !piece.is(bit::INITIAL) || !piece.is(bit::KNOWN) || piece.is(bit::TITLED)
}
