//! What the story is about: calibrated probabilities over the labels, ranked.

use super::{
    calibration::{Calibration, Scale},
    explain::Term,
};
use crate::{
    prediction::{AbstentionReason, Evidence, TopicLabel, TopicResult},
    taxonomy::Name,
};
use serde::{Deserialize, Serialize};

/// One label of the head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Stable id.
    pub id: Name,
    /// Name in English.
    pub name: Name,
}

/// When the head would rather not answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Fewest words.
    pub min_words: usize,
    /// Most that a text may read like no news: score of "other" less score of "news".
    pub max_other_score: f32,
    /// Least probability of the best label.
    pub min_probability: f64,
    /// Greatest share of words and pairs that the model does not know.
    #[serde(default = "all")]
    pub max_unknown: f64,
}

/// Older bundles ask nothing of the words.
fn all() -> f64 {
    1.0
}

/// The topic head: everything but the weights, which stand in the table of all heads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicHead {
    /// The labels, in the order of their columns.
    pub labels: Vec<Label>,
    /// BCP 47 tags of the languages it was trained on.
    pub languages: Vec<String>,
    /// What its scores say.
    #[serde(default)]
    pub scale: Scale,
    /// See [`Calibration`].
    pub temperature: f64,
    /// See [`Calibration`].
    #[serde(default)]
    pub length_exponent: f64,
    /// When it abstains.
    pub thresholds: Thresholds,
}

/// What the head reads of a document.
#[derive(Debug, Clone, Copy)]
pub struct TopicInput<'a> {
    /// Scores of the head's columns.
    pub scores: &'a [f32],
    /// Words of the document.
    pub words: usize,
    /// How much the text reads like no news, where the model can tell: score of "other" less score of "news".
    pub other_score: Option<f32>,
    /// Share of its words and pairs that the model does not know.
    pub unknown: f64,
    /// BCP 47 tag of its language.
    pub language: &'a str,
    /// Whether the language was told from the text, not stated by the caller.
    pub detected: bool,
}

impl TopicInput<'_> {
    /// Whether its language was told from so few words that those which the model knows say more about it.
    fn is_mistaken(&self) -> bool {
        self.detected && self.words < FEW_WORDS && self.unknown < MOSTLY_KNOWN
    }
}

/// With fewer words than these names and loans may look like another language.
const FEW_WORDS: usize = 30;
/// News of the languages that a model was trained on has a smaller share of words and pairs that it does not know; other
/// languages have a greater one.
const MOSTLY_KNOWN: f64 = 0.5;

impl TopicHead {
    /// Whether the numbers can be used.
    ///
    /// # Errors
    /// Says what is wrong with them.
    pub fn check(&self) -> Result<(), String> {
        let finite = self.temperature.is_finite() && self.temperature > 0.0;
        let exponent = self.length_exponent;
        match () {
            () if self.labels.len() < 2 => Err("topic: fewer than two labels".to_owned()),
            () if !finite => Err(format!("topic: temperature {} is not a positive number", self.temperature)),
            () if !(-2.0..=2.0).contains(&exponent) => Err(format!("topic: length_exponent {exponent}: from -2 to 2")),
            () => Ok(()),
        }
    }

    /// Probabilities of the labels for a document of `words` words, in the order of the columns.
    #[must_use]
    pub fn probabilities(&self, scores: &[f32], words: usize) -> Vec<f64> {
        let Self { scale, temperature, length_exponent, .. } = *self;
        Calibration { scale, temperature, length_exponent }.probabilities(scores, words)
    }

    /// The ranked labels of a document, at most `top_k` (0: all).
    #[must_use]
    pub fn predict(&self, input: TopicInput<'_>, top_k: usize) -> TopicResult {
        if input.words == 0 {
            let abstained = Some(AbstentionReason::TooShort);
            return TopicResult { labels: Vec::new(), abstained, evidence: Vec::new() };
        }
        let probabilities = self.probabilities(input.scores, input.words);
        let mut ranked: Vec<(&Label, f64)> = self.labels.iter().zip(probabilities).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        let best = ranked.first().map_or(0.0, |r| r.1);
        ranked.truncate(if top_k == 0 { usize::MAX } else { top_k });
        let labels =
            ranked.into_iter().map(|(l, probability)| TopicLabel { id: l.id, name: l.name, probability }).collect();
        TopicResult { labels, abstained: self.abstention(input, best), evidence: Vec::new() }
    }

    fn abstention(&self, input: TopicInput<'_>, best: f64) -> Option<AbstentionReason> {
        let thresholds = &self.thresholds;
        if !speaks(&self.languages, input.language) && !input.is_mistaken() {
            Some(AbstentionReason::UnsupportedLanguage)
        } else if input.words < thresholds.min_words {
            Some(AbstentionReason::TooShort)
        } else if input.unknown > thresholds.max_unknown {
            // Words that are not the model's and no language that can be told: most likely a short text in another one.
            let untold = input.language == UNTOLD;
            Some(if untold { AbstentionReason::UnsupportedLanguage } else { AbstentionReason::OutOfDomain })
        } else if input.other_score.is_some_and(|s| s > thresholds.max_other_score) {
            Some(AbstentionReason::OutOfDomain)
        } else if best < thresholds.min_probability {
            Some(AbstentionReason::LowConfidence)
        } else {
            None
        }
    }

    /// The column of a label's id.
    #[must_use]
    pub fn column(&self, id: &str) -> Option<usize> {
        self.labels.iter().position(|l| l.id.as_str() == id)
    }

    /// Terms as evidence for a label.
    #[must_use]
    pub fn evidence(terms: Vec<Term>, label: &str) -> Vec<Evidence> {
        let evidence = |t: Term| Evidence {
            term: t.surface,
            span: t.span,
            contribution: f64::from(t.contribution),
            label: label.to_owned(),
        };
        terms.into_iter().map(evidence).collect()
    }
}

/// The tag of a language that cannot be told.
const UNTOLD: &str = "und";

/// Whether one of `languages` covers `tag`: the same primary language, or one that could not be told.
pub(crate) fn speaks(languages: &[String], tag: &str) -> bool {
    fn primary(tag: &str) -> &str {
        tag.split('-').next().unwrap_or("")
    }
    tag == UNTOLD || languages.is_empty() || languages.iter().any(|l| primary(l).eq_ignore_ascii_case(primary(tag)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> TopicHead {
        let label = |id: &str| Label { id: id.into(), name: id.to_uppercase().into() };
        TopicHead {
            labels: vec![label("a"), label("b"), label("c")],
            languages: vec!["en".into()],
            scale: Scale::LogOdds,
            temperature: 2.0,
            length_exponent: 0.5,
            thresholds: Thresholds { min_words: 3, max_other_score: 0.5, min_probability: 0.4, max_unknown: 0.6 },
        }
    }

    fn input(scores: &[f32]) -> TopicInput<'_> {
        TopicInput { scores, words: 10, other_score: Some(-2.0), unknown: 0.2, language: "en-GB", detected: true }
    }

    #[test]
    fn ranks_and_adds_up_to_one() {
        let result = head().predict(input(&[0.0, 4.0, 1.0]), 0);
        let ids: Vec<&str> = result.labels.iter().map(|l| l.id.as_str()).collect();
        assert_eq!((ids, result.abstained), (vec!["b", "c", "a"], None));
        assert!((result.labels.iter().map(|l| l.probability).sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!(head().predict(input(&[0.0, 4.0, 1.0]), 1).labels.len(), 1);
    }

    #[test]
    fn trusts_the_scores_of_longer_articles_less() {
        let p = |words| head().probabilities(&[0.0, 4.0, 1.0], words)[1];
        assert!(p(20) > p(100) && p(100) > p(400));
        assert_eq!((p(0), p(5_000)), (p(8), p(800)));
        assert!((p(400) - crate::heads::calibration::softmax([0.0, 1.0, 0.25].into_iter())[1]).abs() < 1e-12);
        assert!(TopicHead { length_exponent: f64::NAN, ..head() }.check().is_err());
    }

    #[test]
    fn heads_of_older_bundles_open() {
        let old = r#"{"labels": [{"id": "a", "name": "A"}], "languages": ["en"], "temperature": 0.5,
            "thresholds": {"min_words": 3, "max_other_score": 0.5, "min_probability": 0.4}}"#;
        let head: TopicHead = serde_json::from_str(old).unwrap();
        assert_eq!((head.scale, head.length_exponent, head.thresholds.max_unknown), (Scale::LogOdds, 0.0, 1.0));
    }

    #[test]
    fn abstains_with_the_reason() {
        let sure = [0.0, 9.0, 0.0];
        let reason = |i: TopicInput<'_>| head().predict(i, 0).abstained;
        assert_eq!(reason(TopicInput { words: 0, ..input(&sure) }), Some(AbstentionReason::TooShort));
        assert_eq!(reason(TopicInput { words: 2, ..input(&sure) }), Some(AbstentionReason::TooShort));
        let german = TopicInput { language: "de", ..input(&sure) };
        for foreign in [
            TopicInput { detected: false, ..german },
            TopicInput { words: 30, ..german },
            TopicInput { unknown: 0.5, ..german },
        ] {
            assert_eq!(reason(foreign), Some(AbstentionReason::UnsupportedLanguage));
        }
        assert_eq!(reason(german), None);
        assert_eq!(reason(TopicInput { other_score: Some(0.6), ..input(&sure) }), Some(AbstentionReason::OutOfDomain));
        let unknown = |language| TopicInput { unknown: 0.7, language, ..input(&sure) };
        assert_eq!(reason(unknown("en")), Some(AbstentionReason::OutOfDomain));
        assert_eq!(reason(unknown("und")), Some(AbstentionReason::UnsupportedLanguage));
        assert_eq!(reason(input(&[0.0, 0.1, 0.0])), Some(AbstentionReason::LowConfidence));
        assert_eq!(reason(input(&sure)), None);
    }
}
