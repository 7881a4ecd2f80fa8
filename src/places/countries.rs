//! The countries: ISO 3166-1 code, name, UN M49 sub-region and desk, and the
//! ten desks in the order that models are trained in.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{borrow::Cow, sync::OnceLock};

/// Codes of the desks. Their order is part of the model format.
pub const DESKS: [&str; 10] = ["NAM", "LAC", "EUR", "MENA", "SSA", "CAC", "SAS", "EAS", "SEA", "OCE"];

/// Names of [`DESKS`] in English.
pub const DESK_NAMES: [&str; 10] = [
    "North America",
    "Latin America & Caribbean",
    "Europe",
    "Middle East & North Africa",
    "Sub-Saharan Africa",
    "Caucasus & Central Asia",
    "South Asia",
    "East Asia",
    "Southeast Asia",
    "Oceania",
];

/// The label of a story that is tied to no place.
pub const NO_DESK: &str = "none";

/// A country by its place in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountryId(u8);

/// What is known of a country.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountryInfo {
    /// ISO 3166-1 alpha-2 (XK for Kosovo).
    pub code: &'static str,
    /// Name in English.
    pub name: &'static str,
    /// UN M49 sub-region.
    pub subregion: &'static str,
    /// Index in [`DESKS`]. M49 rolled up, but for AM, AZ and GE (Caucasus), CY (Europe), IR (Middle East) and SD (Africa).
    pub desk: usize,
}

const UNKNOWN: CountryInfo = CountryInfo { code: "", name: "", subregion: "", desk: 0 };

impl Serialize for CountryId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for CountryId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = Cow::<str>::deserialize(deserializer)?;
        Self::from_code(&code).ok_or_else(|| D::Error::custom(format!("{code:?} is no ISO 3166-1 alpha-2 code")))
    }
}

impl CountryId {
    /// The country with this ISO code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let at = table().binary_search_by(|c| c.code.cmp(code)).ok()?;
        u8::try_from(at).ok().map(Self)
    }

    /// What is known of it.
    #[inline]
    #[must_use]
    pub fn info(self) -> &'static CountryInfo {
        table().get(usize::from(self.0)).unwrap_or(&UNKNOWN)
    }

    /// Its ISO code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.info().code
    }

    /// Index of its desk in [`DESKS`].
    #[inline]
    #[must_use]
    pub fn desk(self) -> usize {
        self.info().desk
    }

    /// Position in the table: below [`COUNTRIES`].
    #[inline]
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// More than there are countries; an array of this size can be indexed by [`CountryId::index`].
pub const COUNTRIES: usize = 256;

/// Index of a desk's code in [`DESKS`].
#[must_use]
pub fn desk_index(code: &str) -> Option<usize> {
    DESKS.iter().position(|d| *d == code)
}

/// Rows of `data/countries.tsv`, sorted by code.
fn table() -> &'static [CountryInfo] {
    static TABLE: OnceLock<Vec<CountryInfo>> = OnceLock::new();
    TABLE.get_or_init(|| include_str!("../../data/countries.tsv").lines().filter_map(row).collect())
}

fn row(line: &'static str) -> Option<CountryInfo> {
    let mut fields = line.split('\t');
    Some(CountryInfo {
        code: fields.next()?,
        name: fields.next()?,
        subregion: fields.next()?,
        desk: desk_index(fields.next()?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rolls_up() {
        assert_eq!(table().len(), include_str!("../../data/countries.tsv").lines().count());
        assert!(table().len() < COUNTRIES && table().is_sorted_by_key(|c| c.code));
        let desk = |code| DESKS[CountryId::from_code(code).unwrap().desk()];
        let got = ["SY", "GE", "CY", "IR", "SD", "MX", "TR", "RU"].map(desk);
        assert_eq!(got, ["MENA", "CAC", "EUR", "MENA", "SSA", "LAC", "MENA", "EUR"]);
        assert_eq!(CountryId::from_code("IQ").unwrap().info().subregion, "Western Asia");
        assert_eq!(CountryId::from_code("QQ"), None);
    }
}
