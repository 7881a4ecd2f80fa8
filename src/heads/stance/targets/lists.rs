//! Words that say what kind of name they stand in.

use crate::heads::stance::{keys::KeyTable, words::key};
use std::sync::OnceLock;

/// What a word can be; bits.
pub(super) mod kind {
    /// Stands for a state's government.
    pub(in super::super) const GOVERNMENT: u16 = 1;
    /// May do so without the state's name beside it.
    pub(in super::super) const BARE: u16 = 1 << 1;
    /// A state's forces.
    pub(in super::super) const FORCES: u16 = 1 << 2;
    /// A group of people.
    pub(in super::super) const GROUP: u16 = 1 << 3;
    /// Makes a name an organisation's.
    pub(in super::super) const ORGANISATION: u16 = 1 << 4;
    /// Part of a surname.
    pub(in super::super) const PARTICLE: u16 = 1 << 5;
    /// Behind a surname.
    pub(in super::super) const SUFFIX: u16 = 1 << 6;
    /// Points back to a state.
    pub(in super::super) const RESOLVED: u16 = 1 << 7;
    /// Stands for a state.
    pub(in super::super) const COUNTRY: u16 = 1 << 8;
    /// He, she.
    pub(in super::super) const PRONOUN: u16 = 1 << 9;
}

const LISTS: [(u16, &str); 10] = [
    (
        kind::GOVERNMENT,
        "government governments authorities regime administration state leadership leaders rulers cabinet officials",
    ),
    (kind::BARE, "government authorities regime"),
    (kind::FORCES, "forces troops army military police soldiers"),
    (
        kind::GROUP,
        "community communities minority people population civilians brothers residents families villages refugees group \
         groups sect",
    ),
    (
        kind::ORGANISATION,
        "of and the party ministry department council committee bank university company corp inc ltd group union court \
         agency association organization organisation nations states house senate congress times post news league army \
         front movement police commission fund institute community minority government authorities regime foundation \
         center centre church team club force forces guard service office board society network airlines motors \
         international national federal brothers administration campaign people observatory watch rights human press \
         street journal tower city river county",
    ),
    (kind::PARTICLE, "al el bin ibn van von de der den la le da di du dos abu ben ter ten bint"),
    (kind::SUFFIX, "jr sr ii iii iv"),
    (kind::RESOLVED, "the its their this that"),
    (kind::COUNTRY, "country nation"),
    (kind::PRONOUN, "he she"),
];

/// The bits of [`kind`] of the word with this key.
pub(super) fn kinds(key: u64) -> u16 {
    static KINDS: OnceLock<KeyTable<u16>> = OnceLock::new();
    let table = KINDS.get_or_init(|| {
        let mut table = KeyTable::default();
        for (kind, words) in LISTS {
            for word in words.split_whitespace() {
                *table.entry(self::key(word)) |= kind;
            }
        }
        table
    });
    table.get(key).unwrap_or(0)
}
