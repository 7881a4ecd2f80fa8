//! Rows that name no place, as examples of a story for no desk.

use super::{region::desk_label, rows::LabelledArticle, topic};
use crate::{places::Gazetteer, text::Document};

/// At most `most` rows, evenly drawn, that carry no region label and name no place: examples of "none".
pub(super) fn placeless(rows: &[LabelledArticle], gazetteer: &Gazetteer, most: usize) -> Vec<LabelledArticle> {
    let mut document = Document::default();
    let mut names_none = |row: &&LabelledArticle| {
        document.read(&row.title, &row.text);
        gazetteer.find(&document, "en").hits().is_empty()
    };
    let by_people = |r: &&LabelledArticle| r.quality.as_deref() != Some(topic::MACHINE);
    let unlabelled = rows.iter().filter(|r| r.topic.is_some() && r.section.is_none() && desk_label(r).is_none());
    let rows: Vec<&LabelledArticle> = unlabelled.filter(by_people).filter(|r| names_none(r)).collect();
    let step = rows.len().div_ceil(most.max(1)).max(1);
    rows.into_iter().step_by(step).take(most).cloned().collect()
}
