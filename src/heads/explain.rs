//! Which terms made a score: exact for a linear model.

use crate::{
    article::Span,
    features::{Counter, FeatureIndex, FeatureParams, WeightTable, log_tf},
    text::Document,
};

/// A word or pair of the document and what it added to a score.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// As it is written.
    pub surface: String,
    /// Its first occurrence.
    pub span: Span,
    /// Added to the score by all its occurrences together.
    pub contribution: f32,
}

/// Every term of a counted document with its contribution to `column`, in the
/// order of the text. Bias and contributions add up to the score.
#[must_use]
pub fn contributions(
    document: &Document,
    params: &FeatureParams,
    index: &FeatureIndex,
    counter: &Counter,
    table: &WeightTable,
    norm: f32,
    column: usize,
) -> Vec<Term> {
    let mut seen = std::collections::HashSet::new();
    let mut terms = Vec::new();
    params.each_term(document, |feature| {
        let Some(slot) = index.slot(feature.hash).filter(|&s| seen.insert(s)) else { return };
        let (begin, end) = (feature.begin as usize, feature.end as usize);
        terms.push(Term {
            surface: document.text().get(begin..end).unwrap_or("").to_owned(),
            span: document.original(begin, end),
            contribution: log_tf(counter.get(slot)) * table.scaled_weight(slot, column) / norm,
        });
    });
    terms
}

/// The `most` terms that speak for the column most strongly.
#[must_use]
pub fn strongest(mut terms: Vec<Term>, most: usize) -> Vec<Term> {
    terms.retain(|t| t.contribution > 0.0);
    terms.sort_by(|a, b| b.contribution.total_cmp(&a.contribution));
    terms.truncate(most);
    terms
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        features::Sums,
        text::{hash_pair, hash_word},
    };

    #[test]
    fn contributions_and_bias_add_up_to_the_score() {
        let words = ["truce", "talks", "collapse", "goal"].map(|w| hash_word(w.as_bytes()));
        let index = FeatureIndex::build(words.into_iter().chain([hash_pair(words[0], words[1])]), 6);
        let mut table = WeightTable::new(index.slots(), vec![0.25, -0.5]);
        for slot in 0..index.slots() as u32 {
            table.set_idf(slot, 1.0 + slot as f32 / 16.0);
            table.set_weight(slot, 0, slot as f32 / 32.0 - 1.0);
            table.set_weight(slot, 1, 1.0 - slot as f32 / 50.0);
        }
        let document = Document::new("Truce talks", "Truce talks collapse; talks go on.");
        let params = FeatureParams::default();
        let (mut counter, mut sums) = (Counter::default(), Sums::default());
        counter.count(&document, &params, &index, |_| {});
        table.score(&counter, &mut sums);
        for column in 0..2 {
            let terms = contributions(&document, &params, &index, &counter, &table, sums.norm, column);
            let total: f32 = table.bias()[column] + terms.iter().map(|t| t.contribution).sum::<f32>();
            assert!((total - sums.scores[column]).abs() < 1e-4, "{total} {}", sums.scores[column]);
            assert!(terms.iter().any(|t| t.surface == "Truce talks"));
        }
    }
}
