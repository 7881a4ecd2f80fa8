//! One sentence as the model sees it: the target is one mask, every other name
//! another, so that no name can carry an opinion of its own.

use super::lexicon::{Entry, Lexicon, flag};
use crate::text::{Document, Sentence, hash_word};

/// What stands at a place of the sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An ordinary word, lower-cased.
    Word,
    /// The target, whatever its name.
    Target,
    /// Any other name.
    Entity,
    /// A punctuation mark.
    Mark,
}

/// A word, mask or mark.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    /// Of the word; a constant for masks, numbers and marks.
    pub(super) hash: u64,
    /// What it is.
    pub(super) kind: Kind,
    /// Inside quotation marks.
    pub(super) quoted: bool,
    /// Within reach of a negation.
    pub(super) negated: bool,
    /// Cuts clauses.
    pub(super) breaks: bool,
    /// What is known of the word.
    pub(super) entry: Entry,
}

/// A masked sentence.
#[derive(Debug, Default)]
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

/// Words that a negation reaches.
const NEGATION_REACH: u8 = 4;
/// Items of a sentence that are looked at.
const MAX_ITEMS: usize = 160;
/// Tokens before the first mention from which a very long sentence is read.
const LEAD: usize = 100;

/// Reused state of [`mask`].
#[derive(Debug, Default)]
pub(super) struct Masker {
    masked: Masked,
    name: Vec<u64>,
    /// First byte of the name behind each mask.
    begins: Vec<usize>,
}

/// Words known to occur in lower case: the sorted hashes of a model's vocabulary.
pub(super) type Vocabulary = [u64];

impl Masker {
    /// Masks `sentence` for a target mentioned at `mentions`, ranges of bytes of the document's text, ascending;
    /// the first that lies in the sentence is the one asked about.
    pub(super) fn mask(
        &mut self,
        document: &Document,
        sentence: &Sentence,
        mentions: &[(usize, usize)],
        lexicon: &Lexicon,
        vocabulary: &Vocabulary,
    ) -> &Masked {
        self.masked.items.clear();
        self.masked.targets.clear();
        self.begins.clear();
        let mut walk = Walk {
            document,
            mentions,
            lexicon,
            vocabulary,
            title_case: is_title_case(document, sentence, mentions),
            quoted: false,
            reach: 0,
            initial: true,
            previous: None,
        };
        self.name.clear();
        let tokens = document.tokens().get(sentence.first_token..sentence.last_token).unwrap_or(&[]);
        let first = mentions.iter().find(|m| m.0 < sentence.end && m.1 > sentence.begin);
        if let Some(&(begin, end)) = first {
            let inside = tokens.iter().filter(|t| (t.begin as usize) < end && t.end as usize > begin);
            self.name.extend(inside.take(12).map(|t| t.hash));
        }
        // "'s" inside a given mention is no part of the name.
        while self.name.len() > 1 && self.name.last() == Some(&hash_word(b"s")) {
            self.name.pop();
        }
        let start = first.map_or(0, |m| tokens.partition_point(|t| (t.end as usize) <= m.0)).saturating_sub(LEAD);
        let mut at =
            tokens.get(start).map_or(sentence.begin, |t| if start == 0 { sentence.begin } else { t.begin as usize });
        let mut i = start;
        while let Some(token) = tokens.get(i) {
            if self.masked.items.len() >= MAX_ITEMS {
                break;
            }
            walk.marks(&mut self.masked, at, token.begin as usize);
            let repeats = self.repeats(document, tokens, i);
            walk.token(&mut self.masked, tokens, i, repeats);
            if self.masked.targets.len() > self.begins.len() {
                self.begins.push(token.begin as usize);
            }
            // A repeated name is taken whole.
            i += repeats.max(1);
            at = tokens.get(i - 1).map_or(token.end, |t| t.end) as usize;
        }
        walk.marks(&mut self.masked, at, sentence.end);
        // The mention asked about comes first.
        if let Some(&(begin, _)) = first
            && let Some(asked) = self.begins.iter().rposition(|b| *b <= begin)
            && asked < self.masked.targets.len()
        {
            self.masked.targets.swap(0, asked);
        }
        &self.masked
    }

    /// How many tokens from `i` spell the target's name once more; 0: they do not.
    fn repeats(&self, document: &Document, tokens: &[crate::text::Token], i: usize) -> usize {
        let n = self.name.len();
        let upper = |k: usize| tokens.get(k).is_some_and(|t| is_capitalised(document.surface(t)));
        let same = n > 0
            && tokens.get(i..i + n).is_some_and(|part| part.iter().zip(&self.name).all(|(t, name)| t.hash == *name));
        if same && (upper(i) || upper(i + n - 1)) { n } else { 0 }
    }
}

struct Walk<'a> {
    document: &'a Document,
    mentions: &'a [(usize, usize)],
    lexicon: &'a Lexicon,
    vocabulary: &'a Vocabulary,
    title_case: bool,
    quoted: bool,
    reach: u8,
    /// The next word opens a sentence or a quotation.
    initial: bool,
    /// End of the last token and whether only a blank or hyphen followed it so far.
    previous: Option<(usize, bool)>,
}

impl Walk<'_> {
    fn push(&mut self, masked: &mut Masked, hash: u64, kind: Kind, entry: Entry) {
        let breaks = entry.is(flag::BREAK);
        if breaks {
            self.reach = 0;
        }
        let negator = entry.is(flag::NEGATION);
        masked.items.push(Item { hash, kind, quoted: self.quoted, negated: self.reach > 0 && !negator, breaks, entry });
        self.reach = if negator { NEGATION_REACH } else { self.reach.saturating_sub(u8::from(kind == Kind::Word)) };
    }

    /// The punctuation between two tokens.
    fn marks(&mut self, masked: &mut Masked, from: usize, to: usize) {
        let gap = self.document.text().get(from..to).unwrap_or("");
        if gap == " " {
            return;
        }
        let mut joined = true;
        for (at, c) in gap.char_indices() {
            match c {
                '"' | '\u{201c}' | '\u{201d}' => {
                    let opens = match c {
                        '\u{201c}' => true,
                        '\u{201d}' => false,
                        _ => !self.quoted,
                    };
                    let was = std::mem::replace(&mut self.quoted, false);
                    self.push(masked, symbol::MARK.wrapping_mul(u64::from('"')), Kind::Mark, Entry::default());
                    self.quoted = opens;
                    self.initial |= opens && !was;
                    self.reach = 0;
                    joined = false;
                }
                ';' | ':' | '\u{2014}' | '\u{2013}' | ',' | '?' | '!' | '(' | ')' => {
                    self.mark(masked, c);
                    joined = false;
                }
                '-' if gap.get(at..).is_some_and(|g| g.starts_with("- ") || g.starts_with("--")) => {
                    self.mark(masked, '\u{2014}');
                    joined = false;
                }
                _ => {}
            }
        }
        if !joined {
            self.previous = self.previous.map(|(end, _)| (end, false));
        }
    }

    fn mark(&mut self, masked: &mut Masked, c: char) {
        let c = if c == '\u{2013}' { '\u{2014}' } else { c };
        let hash = symbol::MARK.wrapping_mul(u64::from(c));
        let breaks = matches!(c, ';' | ':' | '\u{2014}' | '(' | ')');
        masked.items.push(Item {
            hash,
            kind: Kind::Mark,
            quoted: self.quoted,
            negated: false,
            breaks,
            entry: Entry::default(),
        });
        if breaks {
            self.reach = 0;
        }
        self.initial |= c == ':';
    }

    fn token(&mut self, masked: &mut Masked, tokens: &[crate::text::Token], i: usize, repeats: usize) {
        let Some(token) = tokens.get(i) else { return };
        let (begin, end) = (token.begin as usize, token.end as usize);
        let adjoins = self.previous.is_some_and(|(_, joined)| joined);
        let initial = std::mem::replace(&mut self.initial, false);
        self.previous = Some((end, true));
        if let Some(clitic) = self.clitic(begin, end) {
            if clitic == symbol::NOT {
                let entry = Entry { flags: flag::NEGATION, ..Entry::default() };
                self.push(masked, clitic, Kind::Word, entry);
            } else {
                self.push(masked, clitic, Kind::Word, Entry::default());
            }
            self.previous = Some((end, false));
            return;
        }
        let mentioned = self.mentions.iter().any(|m| begin < m.1 && end > m.0);
        if mentioned || repeats > 0 {
            self.target(masked, adjoins, begin);
            return;
        }
        let surface = self.document.surface(token);
        let mut chars = surface.chars();
        let head = chars.next().unwrap_or(' ');
        if head.is_numeric() {
            self.push(masked, symbol::NUMBER, Kind::Word, Entry::default());
            return;
        }
        let entry = self.lexicon.get(token.hash);
        if self.is_name(tokens, i, head, &entry, initial) {
            let last = masked.items.last().map(|i| i.kind);
            if !(adjoins && last == Some(Kind::Entity)) {
                self.push(masked, symbol::ENTITY, Kind::Entity, Entry::default());
            }
            return;
        }
        self.push(masked, token.hash, Kind::Word, entry);
    }

    /// The target's mask; one for a run of its words.
    fn target(&mut self, masked: &mut Masked, adjoins: bool, begin: usize) {
        let last = masked.items.len().wrapping_sub(1);
        let same_mention = self.mentions.iter().any(|m| m.0 < begin && begin < m.1);
        match masked.items.last().map(|i| i.kind) {
            Some(Kind::Target) if adjoins || same_mention => return,
            // Forename or title before a surname, "the" before a group.
            Some(Kind::Entity) if adjoins && !self.title_case => {
                masked.items.pop();
            }
            Some(Kind::Word) if masked.items.get(last).is_some_and(|i| i.hash == the()) => {
                masked.items.pop();
            }
            _ => {}
        }
        masked.targets.push(masked.items.len());
        self.push(masked, symbol::TARGET, Kind::Target, Entry::default());
    }

    /// "'s" and "n't", which stand apart from their word.
    fn clitic(&self, begin: usize, end: usize) -> Option<u64> {
        let text = self.document.text();
        let before = text.get(..begin)?;
        let apostrophe = before.strip_suffix(['\'', '\u{2019}'])?;
        let last = apostrophe.chars().next_back()?;
        if !last.is_alphanumeric() {
            return None;
        }
        match text.get(begin..end)? {
            "s" | "S" => Some(symbol::POSSESSIVE),
            "t" | "T" if last == 'n' || last == 'N' => Some(symbol::NOT),
            _ => None,
        }
    }

    fn is_name(&self, tokens: &[crate::text::Token], i: usize, head: char, entry: &Entry, initial: bool) -> bool {
        let Some(token) = tokens.get(i) else { return false };
        let next = tokens.get(i + 1).map(|t| (t, self.document.surface(t)));
        if !head.is_uppercase() {
            // "al-Sadr": a particle joined to a name by a hyphen.
            return next
                .is_some_and(|(t, s)| t.begin == token.end + 1 && token.end - token.begin <= 3 && is_capitalised(s))
                && self.document.text().as_bytes().get(token.end as usize) == Some(&b'-');
        }
        if token.end - token.begin == 1 && head == 'I' {
            return false;
        }
        if !(initial || self.title_case) {
            return true;
        }
        let known = self.vocabulary.binary_search(&token.hash).is_ok() || entry.flags != 0 || entry.verb != 0;
        if !known {
            return true;
        }
        // "President Smith said": a title that opens the sentence belongs to the name.
        entry.is(flag::TITLE)
            && !self.title_case
            && next.is_some_and(|(t, s)| is_capitalised(s) && t.begin <= token.end + 2)
    }
}

fn the() -> u64 {
    static THE: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    *THE.get_or_init(|| hash_word(b"the"))
}

/// Whether a word starts with a capital letter.
pub(super) fn is_capitalised(surface: &str) -> bool {
    surface.chars().next().is_some_and(char::is_uppercase)
}

/// Whether case says nothing in this sentence, as in many headlines; the target's own words do not count.
fn is_title_case(document: &Document, sentence: &Sentence, mentions: &[(usize, usize)]) -> bool {
    let (mut long, mut capitals) = (0, 0);
    for token in document.tokens().get(sentence.first_token..sentence.last_token).unwrap_or(&[]) {
        let (begin, end) = (token.begin as usize, token.end as usize);
        if end - begin >= 4 && !mentions.iter().any(|m| begin < m.1 && end > m.0) {
            long += 1;
            capitals += usize::from(is_capitalised(document.surface(token)));
        }
    }
    long >= 3 && capitals * 5 > long * 3
}
