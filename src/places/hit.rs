//! A name that was found in a document, and what it is taken for.

use super::{
    context::Context,
    countries::CountryId,
    entry::{Candidate, HitKind, Place},
};
use crate::text::Document;

/// A name that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceHit {
    /// Index of its first token.
    pub first_token: u32,
    /// One past the index of its last token.
    pub last_token: u32,
    /// What it is taken for.
    pub kind: HitKind,
    /// 0 (a small town) to 9 (a country).
    pub known: u8,
    /// The countries it stands for; two when nothing tells them apart (Kashmir).
    pub countries: [Option<CountryId>; 2],
    /// The desk of a region of several countries.
    pub desk: Option<u8>,
    /// What stands around it.
    pub context: Context,
    /// Which line of the gazetteer it is; many names share one.
    pub(super) entry: u32,
    /// The line's flags.
    pub(super) flags: u16,
    /// How many candidates the line has.
    pub(super) many: u8,
    /// Tells one name from another.
    pub(super) name: u32,
    /// Index of the first hit with the same name for the same country.
    pub(super) first_same: u32,
    /// How many hits there are with the same name for the same country.
    pub(super) same: u32,
}

impl PlaceHit {
    /// Makes it what the candidate is.
    #[inline]
    pub(super) fn take(&mut self, candidate: &Candidate) {
        self.kind = candidate.kind;
        self.known = candidate.known;
        match candidate.place {
            Place::Country(country) => self.countries[0] = Some(country),
            Place::Desk(desk) => self.desk = Some(desk),
            Place::Nowhere => {}
        }
    }

    /// How many mentions of the article have the same name for the same country; this one is among them.
    #[must_use]
    pub fn same(&self) -> u32 {
        self.same
    }

    /// Whether it is the first of its name for its country, given that it is hit `i`.
    #[must_use]
    pub fn is_first(&self, i: usize) -> bool {
        self.first_same as usize == i
    }

    /// Its bytes in [`Document::text`].
    #[must_use]
    pub fn range(&self, document: &Document) -> (usize, usize) {
        let tokens = document.tokens();
        let first = tokens.get(self.first_token as usize);
        let last = (self.last_token as usize).checked_sub(1).and_then(|i| tokens.get(i));
        let Some((begin, end)) = first.zip(last).map(|(f, l)| (f.begin as usize, l.end as usize)) else {
            return (0, 0);
        };
        // The last full stop of "U.S." belongs to it.
        let text = document.text().as_bytes();
        let dotted = end - begin > 1 && text.get(end - 2) == Some(&b'.') && text.get(end) == Some(&b'.');
        (begin, end + usize::from(dotted))
    }
}
