//! What is known of a word before any training: its valence (VADER, Hutto and
//! Gilbert 2014) and its part in saying who judges whom (own lists).

use super::keys::KeyTable;
use crate::text::hash_word;
use std::sync::OnceLock;

/// Classes of verbs and nouns, in the order of `data/lexicon/cues.txt`.
pub(super) const CLASSES: [&str; 11] =
    ["criticise", "praise", "harm", "help", "say", "fail", "win", "deny", "critnoun", "praisenoun", "harmnoun"];
/// Index of "say" in [`CLASSES`].
pub(super) const SAY: usize = 4;

/// What a word can do; bits of [`Entry::flags`].
pub(super) mod flag {
    /// not, never, no
    pub(in super::super) const NEGATION: u16 = 1;
    /// but, while, because
    pub(in super::super) const BREAK: u16 = 1 << 1;
    /// who, which, that
    pub(in super::super) const RELATIVE: u16 = 1 << 2;
    /// was, been, gets
    pub(in super::super) const BE: u16 = 1 << 3;
    /// of, in, with
    pub(in super::super) const PREPOSITION: u16 = 1 << 4;
    /// what a judgement is "of": of, against, toward
    pub(in super::super) const AT: u16 = 1 << 5;
    /// by, from
    pub(in super::super) const FROM: u16 = 1 << 6;
    /// he, they
    pub(in super::super) const SUBJECT: u16 = 1 << 7;
    /// president, senator
    pub(in super::super) const TITLE: u16 = 1 << 8;
    /// A word that is never part of a name.
    pub(in super::super) const STOP: u16 = 1 << 9;
    /// May be a past participle.
    pub(in super::super) const PARTICIPLE: u16 = 1 << 10;
    /// Training saw the word in lower case; set by [`super::super::known`].
    pub(in super::super) const LOWER: u16 = 1 << 11;
}

/// What is known of a word, in eight bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Entry {
    /// Ten times the valence, -40 to 40.
    valence: i8,
    /// Ten times the valence inferred from the company that the word keeps in news text.
    induced: i8,
    /// Index in [`CLASSES`] plus one, as a verb.
    pub(super) verb: u8,
    /// The same, as a noun.
    pub(super) noun: u8,
    /// Bits of [`flag`].
    pub(super) flags: u16,
    /// Words of one number occur in like places; 0: none.
    pub(super) cluster: u16,
}

impl Entry {
    /// A word with these bits only.
    pub(super) fn with_flags(flags: u16) -> Self {
        Self { flags, ..Self::default() }
    }

    /// Whether any of the bits is set.
    #[inline(always)]
    pub(super) fn is(&self, flags: u16) -> bool {
        self.flags & flags != 0
    }

    /// -4 to 4.
    #[inline(always)]
    pub(super) fn valence(&self) -> f32 {
        f32::from(self.valence) / 10.0
    }

    /// Valence inferred from the company that the word keeps in news text.
    #[inline(always)]
    pub(super) fn induced(&self) -> f32 {
        f32::from(self.induced) / 10.0
    }

    /// Whether any valence is known.
    #[inline(always)]
    pub(super) fn has_valence(&self) -> bool {
        self.valence != 0 || self.induced != 0
    }

    /// Whether the lexicon knows the valence.
    #[inline(always)]
    pub(super) fn is_polar(&self) -> bool {
        self.valence != 0
    }
}

/// Words by [`hash_word`].
#[derive(Debug, Default)]
pub(super) struct Lexicon(KeyTable<Entry>);

impl Lexicon {
    /// What is known of the word with this hash.
    #[inline(always)]
    pub(super) fn get(&self, hash: u64) -> Entry {
        self.0.get(hash).unwrap_or_default()
    }

    /// All words.
    pub(super) fn words(&self) -> impl Iterator<Item = (u64, Entry)> {
        self.0.iter()
    }

    fn entry(&mut self, word: &str) -> &mut Entry {
        self.0.entry(hash_word(word.as_bytes()))
    }
}

/// A valence as it is written, times ten.
fn tenths(text: &str) -> i8 {
    text.parse::<f32>().map_or(0, |v| (v * 10.0).round() as i8)
}

/// The words of `data/lexicon`, read once.
pub(super) fn lexicon() -> &'static Lexicon {
    static LEXICON: OnceLock<Lexicon> = OnceLock::new();
    LEXICON.get_or_init(|| {
        let mut lexicon = Lexicon::default();
        for line in include_str!("../../../data/lexicon/vader.tsv").lines() {
            if let Some((word, valence)) = line.split_once('\t') {
                lexicon.entry(word).valence = tenths(valence);
            }
        }
        for line in include_str!("../../../data/lexicon/induced.tsv").lines() {
            let mut columns = line.split('\t');
            let (Some(word), Some(valence), Some(cluster)) = (columns.next(), columns.next(), columns.next()) else {
                continue;
            };
            let entry = lexicon.entry(word);
            entry.induced = valence.parse().unwrap_or(0);
            entry.cluster = cluster.parse::<u16>().map_or(0, |c| c.saturating_add(1));
        }
        for line in include_str!("../../../data/lexicon/cues.txt").lines().filter(|l| !l.starts_with('#')) {
            read_cues(line, &mut lexicon);
        }
        lexicon
    })
}

fn read_cues(line: &str, lexicon: &mut Lexicon) {
    let Some((head, words)) = line.split_once(": ") else { return };
    let Some((kind, class)) = head.split_once(' ') else { return };
    let index = CLASSES.iter().position(|c| *c == class).map_or(0, |i| i as u8 + 1);
    for word in words.split_whitespace() {
        match kind {
            "verb" => {
                for (form, flags) in inflect(word) {
                    let entry = lexicon.entry(&form);
                    // The first class that lists a verb keeps it.
                    if entry.verb == 0 {
                        entry.verb = index;
                        entry.flags |= flags;
                    }
                }
            }
            "noun" => lexicon.entry(word).noun = index,
            _ => lexicon.entry(word).flags |= word_flag(class),
        }
    }
}

fn word_flag(class: &str) -> u16 {
    match class {
        "neg" => flag::NEGATION,
        "break" => flag::BREAK,
        "relative" => flag::RELATIVE,
        "be" => flag::BE,
        "prep" => flag::PREPOSITION,
        "at" => flag::AT,
        "from" => flag::FROM,
        "subject" => flag::SUBJECT,
        "title" => flag::TITLE,
        "stop" => flag::STOP,
        _ => 0,
    }
}

/// The forms of a verb: `word`, `word+` (doubles its last letter) or `base/past/participle`.
fn inflect(word: &str) -> Vec<(String, u16)> {
    let doubled = word.ends_with('+');
    let mut parts = word.trim_end_matches('+').split('/');
    let base = parts.next().unwrap_or_default();
    let stem = match base.chars().last() {
        Some(last) if doubled => format!("{base}{last}"),
        _ => base.to_owned(),
    };
    let consonant_y = base.ends_with('y') && !base.ends_with("ay") && !base.ends_with("oy") && !base.ends_with("ey");
    let third = if consonant_y {
        format!("{}ies", base.trim_end_matches('y'))
    } else if ["s", "sh", "ch", "x", "z"].iter().any(|e| base.ends_with(e)) {
        format!("{base}es")
    } else {
        format!("{base}s")
    };
    let past = if base.ends_with('e') {
        format!("{base}d")
    } else if consonant_y {
        format!("{}ied", base.trim_end_matches('y'))
    } else {
        format!("{stem}ed")
    };
    let ing = if base.ends_with("ie") {
        format!("{}ying", base.trim_end_matches("ie"))
    } else if base.ends_with('e') && !base.ends_with("ee") {
        format!("{}ing", base.trim_end_matches('e'))
    } else {
        format!("{stem}ing")
    };
    let irregular = (parts.next(), parts.next());
    let mut forms = vec![(base.to_owned(), 0), (third, 0), (ing, 0)];
    if let (Some(past), Some(participle)) = irregular {
        forms.push((participle.to_owned(), flag::PARTICIPLE));
        forms.push((past.to_owned(), 0));
    } else {
        forms.push((past, flag::PARTICIPLE));
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(word: &str) -> Entry {
        lexicon().get(hash_word(word.as_bytes()))
    }

    #[test]
    fn knows_inflected_forms() {
        let class = |word| CLASSES.get((get(word).verb as usize).wrapping_sub(1)).copied();
        for word in ["criticised", "criticizing", "slammed", "denounces", "accused"] {
            assert_eq!(class(word), Some("criticise"), "{word}");
        }
        assert_eq!(class("denied"), Some("deny"));
        assert_eq!(class("lying"), Some("fail"));
        assert!(get("condemned").is(flag::PARTICIPLE) && !get("condemns").is(flag::PARTICIPLE));
        assert!(get("said").is(flag::PARTICIPLE));
        assert_eq!(class("table"), None);
    }

    #[test]
    fn knows_valence_and_function_words() {
        assert!(get("murder").valence() < 0.0 && get("praise").valence() > 0.0);
        assert!(get("not").is(flag::NEGATION) && get("but").is(flag::BREAK) && get("by").is(flag::FROM));
        assert_eq!(get("criticism").noun, 9);
    }
}
