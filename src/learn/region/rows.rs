//! What a labelled row says about region.

use crate::{
    learn::rows::LabelledArticle,
    places::countries::{CountryId, DESKS, NO_DESK, desk_index},
    text::Document,
};

/// More countries than this and the label is a list of all that are named.
const MOST_COUNTRIES: usize = 4;

/// Reads a row's text, its dateline in front where the data set had cut it off.
pub fn read_region_row(row: &LabelledArticle, document: &mut Document) {
    match row.dateline.as_deref().filter(|d| !d.is_empty()) {
        Some(dateline) => document.read(&row.title, &format!("{dateline} {}", row.text)),
        None => document.read(&row.title, &row.text),
    }
}

/// The countries that the row is about; `None` when it does not say.
#[must_use]
pub fn focus(row: &LabelledArticle) -> Option<Vec<CountryId>> {
    let countries = row.countries.as_ref()?;
    let known: Vec<CountryId> = countries.iter().filter_map(|c| CountryId::from_code(c)).collect();
    (!known.is_empty() && known.len() <= MOST_COUNTRIES).then_some(known)
}

/// All countries that the row names, where annotated.
pub(super) fn mentioned(row: &LabelledArticle) -> Option<Vec<CountryId>> {
    let countries = row.mentioned.as_ref()?;
    Some(countries.iter().filter_map(|c| CountryId::from_code(c)).collect())
}

/// The name of the set that a row belongs to.
pub(super) fn set(row: &LabelledArticle) -> &str {
    row.dataset.as_deref().unwrap_or("")
}

/// The one desk of a row: an index in [`DESKS`], or their number for "none". `None`: several, or not labelled.
#[must_use]
pub fn desk_label(row: &LabelledArticle) -> Option<usize> {
    let index = |code: &str| if code == NO_DESK { Some(DESKS.len()) } else { desk_index(code) };
    if let Some(desk) = row.desk.as_deref() {
        return index(desk);
    }
    if let Some([desk]) = row.desks.as_deref() {
        return index(desk);
    }
    if row.desks.as_ref().is_some_and(|d| d.len() > 1) {
        return None;
    }
    if let Some(countries) = focus(row) {
        let desk = countries.first()?.desk();
        return countries.iter().all(|c| c.desk() == desk).then_some(desk);
    }
    section_desk(row.section.as_deref()?)
}

/// Sections that are filed as the desks are. "asia" spans four desks; "europe", "africa" and "mideast" differ at the
/// edges only.
fn section_desk(section: &str) -> Option<usize> {
    desk_index(match section {
        "northam" => "NAM",
        "latam" => "LAC",
        "europe" => "EUR",
        "mideast" => "MENA",
        "africa" => "SSA",
        "oceania" => "OCE",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_desks() {
        let countries = |codes: &[&str]| LabelledArticle {
            countries: Some(codes.iter().map(|c| (*c).to_owned()).collect()),
            ..LabelledArticle::default()
        };
        let desk = |row: &LabelledArticle| desk_label(row).map(|d| DESKS.get(d).copied().unwrap_or("none"));
        assert_eq!(desk(&countries(&["SY", "IQ"])), Some("MENA"));
        assert_eq!(desk(&countries(&["SY", "US"])), None);
        assert_eq!(desk(&LabelledArticle { section: Some("latam".into()), ..Default::default() }), Some("LAC"));
        assert_eq!(desk(&LabelledArticle { section: Some("asia".into()), ..Default::default() }), None);
        assert_eq!(desk(&LabelledArticle { desk: Some("none".into()), ..Default::default() }), Some("none"));
    }
}
