//! What the gazetteer knows of a name: in which languages and cases it is read
//! and what it may stand for.

use super::countries::{CountryId, desk_index};
use crate::prediction::PlaceKind;

/// What kind of name was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HitKind {
    /// A country.
    Country,
    /// A people or language.
    Demonym,
    /// A capital city.
    Capital,
    /// Another city.
    City,
    /// A first-level division.
    Subdivision,
    /// A body that stands for its country.
    Body,
    /// A head of state or government: speaks for the country, but is no place.
    Leader,
    /// A region of several countries.
    Region,
    /// A phrase that only looks like a place.
    Null,
    /// A person's given name.
    Given,
}

impl HitKind {
    /// How many kinds there are.
    pub const COUNT: usize = 10;

    fn from_letter(letter: u8) -> Option<Self> {
        Some(match letter {
            b'c' => Self::Country,
            b'd' => Self::Demonym,
            b'k' => Self::Capital,
            b't' => Self::City,
            b's' => Self::Subdivision,
            b'b' => Self::Body,
            b'l' => Self::Leader,
            b'r' => Self::Region,
            b'n' => Self::Null,
            b'g' => Self::Given,
            _ => return None,
        })
    }

    /// The kind in the answer; `None` for what is no place.
    #[must_use]
    pub fn place(self) -> Option<PlaceKind> {
        Some(match self {
            Self::Country => PlaceKind::Country,
            Self::Demonym => PlaceKind::Demonym,
            Self::Capital => PlaceKind::Capital,
            Self::City => PlaceKind::City,
            Self::Subdivision => PlaceKind::Subdivision,
            Self::Body => PlaceKind::Body,
            Self::Region => PlaceKind::Region,
            Self::Leader | Self::Null | Self::Given => return None,
        })
    }

    /// A town or a part of a country.
    #[must_use]
    pub fn is_local(self) -> bool {
        matches!(self, Self::Capital | Self::City | Self::Subdivision)
    }
}

/// What a candidate is: a country or a desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Country(CountryId),
    Desk(u8),
    Nowhere,
}

/// One thing that a name may stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) place: Place,
    pub(super) kind: HitKind,
    /// 0 (a small town) to 9 (a country).
    pub(super) known: u8,
}

/// Flags of an entry.
pub(super) mod flag {
    /// Only in upper case.
    pub(in crate::places) const UPPER: u16 = 1;
    /// Also in lower case.
    pub(in crate::places) const LOWER: u16 = 2;
    /// The stem of inflected words.
    pub(in crate::places) const STEM: u16 = 4;
    /// An abbreviation that needs a comma before it.
    pub(in crate::places) const ABBREVIATION: u16 = 8;
    /// Also a common word.
    pub(in crate::places) const WORD: u16 = 16;
    /// Also the name of persons.
    pub(in crate::places) const PERSON: u16 = 32;
    /// Also a given name.
    pub(in crate::places) const GIVEN: u16 = 64;
    /// Counts only beside another place: "Wilson, N.C.".
    pub(in crate::places) const BESIDE: u16 = 128;
    /// Also a family name.
    pub(in crate::places) const SURNAME: u16 = 256;
}

/// A line of the gazetteer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// Bit set of the languages that it is read in; 0: all.
    pub(super) languages: u8,
    /// See [`flag`].
    pub(super) flags: u16,
    /// Where its candidates lie in the gazetteer's list: ranked, best known first; never none.
    pub(super) from: u32,
    pub(super) many: u8,
    /// What the first of them is.
    pub(super) kind: HitKind,
    /// How well known the first of them is.
    pub(super) known: u8,
    /// Its country, if there is no other candidate.
    pub(super) country: Option<CountryId>,
    /// Its desk, likewise.
    pub(super) desk: Option<u8>,
}

/// The bit of a language, 0 for those without names of their own.
pub(super) fn language_bit(language: &str) -> u8 {
    match language.split('-').next().unwrap_or("") {
        "fr" => 1,
        "es" => 2,
        "de" => 4,
        "pt" => 8,
        "it" => 16,
        _ => 0,
    }
}

impl Entry {
    /// Parses the last three columns; the candidates are appended to `all`.
    pub(super) fn parse(
        languages: &str,
        flags: &str,
        candidates: &str,
        all: &mut Vec<Candidate>,
    ) -> Result<Self, String> {
        let mut entry = Self {
            languages: 0,
            flags: 0,
            from: all.len() as u32,
            many: 0,
            kind: HitKind::Null,
            known: 0,
            country: None,
            desk: None,
        };
        for letter in languages.bytes().filter(|b| *b != b'-') {
            let at = b"fsdpi".iter().position(|l| *l == letter).ok_or("unknown language letter")?;
            entry.languages |= 1 << at;
        }
        for letter in flags.bytes().filter(|b| *b != b'-') {
            let at = b"Ul*awpg,s".iter().position(|l| *l == letter).ok_or("unknown flag")?;
            entry.flags |= 1 << at;
        }
        for text in candidates.split(' ') {
            let candidate = candidate(text)?;
            (entry.country, entry.desk) = match candidate.place {
                Place::Country(country) if entry.many == 0 => (Some(country), None),
                Place::Desk(desk) if entry.many == 0 => (None, Some(desk)),
                _ => (None, None),
            };
            if entry.many == 0 {
                (entry.kind, entry.known) = (candidate.kind, candidate.known);
            }
            all.push(candidate);
            entry.many = entry.many.checked_add(1).ok_or("too many candidates")?;
        }
        Ok(entry)
    }

    pub(super) fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// Read in all languages, and whatever stands around it when it is capitalised.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        self.languages == 0 && !self.has(flag::UPPER | flag::ABBREVIATION)
    }
}

/// `SYc9`, `@MENAr9`, `-n7`.
fn candidate(text: &str) -> Result<Candidate, String> {
    let wrong = || format!("not a candidate: {text:?}");
    let (place, rest) = text.split_at_checked(text.len().saturating_sub(2)).ok_or_else(wrong)?;
    let [letter, digit] = *rest.as_bytes() else { return Err(wrong()) };
    let kind = HitKind::from_letter(letter).ok_or_else(wrong)?;
    let place = match (place, place.strip_prefix('@')) {
        ("-", _) => Place::Nowhere,
        (_, Some(desk)) => {
            let index = desk_index(desk).ok_or_else(wrong)?;
            Place::Desk(u8::try_from(index).map_err(|_| wrong())?)
        }
        (code, None) => Place::Country(CountryId::from_code(code).ok_or_else(wrong)?),
    };
    if !digit.is_ascii_digit() {
        return Err(wrong());
    }
    Ok(Candidate { place, kind, known: digit - b'0' })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_refuses() {
        let mut all = Vec::new();
        let entry = Entry::parse("fs", "lp", "GEc9 USs8", &mut all).unwrap();
        assert_eq!((entry.languages, entry.flags, entry.many), (3, flag::LOWER | flag::PERSON, 2));
        assert_eq!(all[1].kind, HitKind::Subdivision);
        for (languages, flags, candidates) in [
            ("x", "-", "GEc9"),
            ("-", "?", "GEc9"),
            ("-", "-", ""),
            ("-", "-", "GE"),
            ("-", "-", "QQc9"),
            ("-", "-", "@XXr1"),
            ("-", "-", "GEcx"),
            ("-", "-", "\u{e9}9"),
        ] {
            assert!(Entry::parse(languages, flags, candidates, &mut all).is_err(), "{candidates}");
        }
    }
}
