//! What can be set about a training; saved in the bundle as `config.toml`.

use super::softmax::Loss;
use crate::features::{FeatureParams, NamedStopWords, StopWordChoice};
use crate::prediction::Head;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

/// Everything that decides what a training makes of its rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Name of the model.
    pub name: String,
    /// Version of the model; empty: the first 12 digits of the data digest.
    pub version: String,
    /// Seed of everything random.
    pub seed: u64,
    /// The heads to train; those without labelled rows are left out.
    pub heads: Vec<Head>,
    /// Rows whose `licence` begins with one of these are not trained on; dev rows among them are measured on.
    pub exclude_licences: Vec<String>,
    /// The same for rows of these data sets.
    pub exclude_datasets: Vec<String>,
    /// Licences of data sets whose rows do not state one.
    pub licences: BTreeMap<String, String>,
    /// Share of the groups that is set aside as dev when no row says `"split": "dev"`.
    pub dev_share: f64,
    /// A date as in `2026-11-24`; then not a share but the groups with a row published on it or later are set aside.
    pub dev_from: String,
    /// How text becomes features.
    pub features: FeatureConfig,
    /// The topic head.
    pub topic: TopicConfig,
    /// The region head's reading of the words.
    pub desk: DeskConfig,
    /// News or not.
    pub domain: DomainConfig,
    /// What to try before training; nothing in the bundle's own file, which has what was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<SearchConfig>,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            name: "default".to_owned(),
            version: String::new(),
            seed: 42,
            heads: Head::ALL.to_vec(),
            exclude_licences: Vec::new(),
            exclude_datasets: Vec::new(),
            licences: BTreeMap::new(),
            dev_share: 0.1,
            dev_from: String::new(),
            features: FeatureConfig::default(),
            topic: TopicConfig::default(),
            desk: DeskConfig::default(),
            domain: DomainConfig::default(),
            search: None,
        }
    }
}

/// The feature space.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeatureConfig {
    /// log2 of the number of features, 10 to 22. A feature costs 64 bytes.
    pub bits: u32,
    /// log2 of the number of features that are fitted first, to keep those whose weights matter most for the topic; not
    /// more than `bits`: those in the most documents are kept.
    pub candidate_bits: u32,
    /// Count word pairs beside words.
    pub pairs: bool,
    /// How many times a word of the title counts.
    pub title_weight: u16,
    /// Documents that a feature must occur in.
    pub min_frequency: u32,
    /// Words that are no features, also not in pairs: `english` (function words), `none` or a list.
    pub stop_words: StopWordChoice,
}

impl Default for FeatureConfig {
    fn default() -> Self {
        let params = FeatureParams::default();
        Self {
            bits: 17,
            candidate_bits: 20,
            pairs: params.pairs,
            title_weight: params.title_weight,
            min_frequency: 2,
            stop_words: StopWordChoice::Named(NamedStopWords::English),
        }
    }
}

impl FeatureConfig {
    /// The part that serving needs too.
    #[must_use]
    pub fn params(&self) -> FeatureParams {
        let stop_words = self.stop_words.stop_words();
        FeatureParams { pairs: self.pairs, title_weight: self.title_weight, stop_words, ..FeatureParams::default() }
    }
}

/// The topic head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TopicConfig {
    /// `iptc`, `iptc-2` (the second level), `labels` (whatever labels the rows carry), or the path of a taxonomy file.
    pub taxonomy: PathBuf,
    /// What is made small: `log` or `squared_hinge`.
    pub loss: Loss,
    /// Inverse strength of the L2 penalty.
    pub c: f32,
    /// Passes over the rows.
    pub epochs: usize,
    /// Stop after so many passes in a row that did not lower the loss on the dev rows, and take the best pass; 0: never.
    pub n_iter_no_change: usize,
    /// Step size.
    pub learning_rate: f32,
    /// Step size of the dense block.
    pub dense_learning_rate: f32,
    /// Scale of the word vectors in the dense block.
    pub vector_scale: f32,
    /// How strongly rows of large sources are weighted down, 0 (not) to 1 (all sources alike).
    pub source_balance: f32,
    /// The same for large classes.
    pub class_balance: f32,
    /// Weight of rows whose `quality` is `noisy`.
    pub noisy_weight: f32,
    /// Weight of rows whose `quality` is `machine`: labelled by another model.
    pub machine_weight: f32,
    /// Share of the in-domain dev articles that may abstain for low confidence.
    pub abstain_share: f64,
}

impl Default for TopicConfig {
    fn default() -> Self {
        Self {
            taxonomy: PathBuf::from("iptc"),
            loss: Loss::Log,
            c: 10.0,
            epochs: 5,
            n_iter_no_change: 0,
            learning_rate: 0.5,
            dense_learning_rate: 0.1,
            vector_scale: 4.0,
            source_balance: 0.0,
            class_balance: 0.0,
            noisy_weight: 1.0,
            machine_weight: 1.0,
            abstain_share: 0.02,
        }
    }
}

/// What the words say about the desk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeskConfig {
    /// Inverse strength of the L2 penalty.
    pub c: f32,
    /// Passes over the rows.
    pub epochs: usize,
    /// Step size.
    pub learning_rate: f32,
    /// How strongly rows of large sources are weighted down, 0 to 1.
    pub source_balance: f32,
    /// The same for large desks.
    pub class_balance: f32,
    /// How many rows that name no place are taken as examples of "none".
    pub placeless_rows: usize,
}

impl Default for DeskConfig {
    fn default() -> Self {
        Self { c: 10.0, epochs: 4, learning_rate: 0.2, source_balance: 0.3, class_balance: 0.3, placeless_rows: 6_000 }
    }
}

/// Telling news from other texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DomainConfig {
    /// Passes over the rows.
    pub epochs: usize,
    /// Step size.
    pub learning_rate: f32,
    /// Weight of all "other" rows together, against 1 for all news.
    pub other_weight: f32,
    /// Share of the dev articles that may be taken for no news.
    pub abstain_share: f64,
}

impl Default for DomainConfig {
    fn default() -> Self {
        Self { epochs: 3, learning_rate: 0.2, other_weight: 0.5, abstain_share: 0.02 }
    }
}

/// Settings of the topic head to be chosen by cross-validation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SearchConfig {
    /// Folds.
    pub folds: usize,
    /// What is never cut by a fold.
    pub by: FoldBy,
    /// `topic.c` to try.
    pub c: Vec<f32>,
    /// `topic.epochs` to try.
    pub epochs: Vec<usize>,
    /// `features.pairs` to try.
    pub pairs: Vec<bool>,
    /// `features.min_frequency` to try.
    pub min_frequency: Vec<u32>,
}

/// What stays together in a fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoldBy {
    /// A story: `group`.
    Group,
    /// An outlet: `source`, else `dataset`.
    Source,
}

impl Default for SearchConfig {
    fn default() -> Self {
        Self {
            folds: 5,
            by: FoldBy::Group,
            c: vec![1.0, 10.0],
            epochs: vec![3, 5, 10],
            pairs: vec![true, false],
            min_frequency: vec![2],
        }
    }
}

impl SearchConfig {
    fn is_in_range(&self) -> bool {
        (2..=100).contains(&self.folds)
            && !(self.c.is_empty() || self.epochs.is_empty() || self.pairs.is_empty() || self.min_frequency.is_empty())
            && positive(&self.c)
            && !self.epochs.contains(&0)
            && !self.min_frequency.contains(&0)
    }
}

/// The form of a date of ISO 8601, so that dates compare as their texts do.
fn is_date(text: &str) -> bool {
    let digit_or_dash = |(i, b): (usize, u8)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(digit_or_dash)
}

fn positive(numbers: &[f32]) -> bool {
    numbers.iter().all(|n| *n > 0.0 && n.is_finite())
}

impl TrainConfig {
    /// Reads TOML; keys that do not exist are errors.
    ///
    /// # Errors
    /// Names the key and what is wrong with it.
    pub fn parse(toml: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(toml).map_err(|e| e.to_string())?;
        config.check()?;
        Ok(config)
    }

    /// Whether every number is in its range.
    ///
    /// # Errors
    /// Names the first that is not.
    pub fn check(&self) -> Result<(), String> {
        let wrong = if !(10..=22).contains(&self.features.bits) {
            "features.bits: from 10 to 22"
        } else if self.features.candidate_bits > 24 {
            "features.candidate_bits: at most 24"
        } else if self.features.min_frequency == 0 || self.features.title_weight == 0 {
            "features.min_frequency and features.title_weight: at least 1"
        } else if !(0.0..1.0).contains(&self.dev_share) {
            "dev_share: from 0 to below 1"
        } else if !(self.dev_from.is_empty() || is_date(&self.dev_from)) {
            "dev_from: a date as in 2026-11-24"
        } else if self.search.as_ref().is_some_and(|search| !search.is_in_range()) {
            "search: folds from 2 to 100, and at least one value of c, epochs, pairs and min_frequency, all above 0"
        } else if self.heads.is_empty() {
            "heads: name at least one of topic, region, stance"
        } else if self.topic.epochs == 0
            || self.topic.c.is_nan()
            || self.topic.c <= 0.0
            || self.topic.learning_rate <= 0.0
        {
            "topic.epochs, topic.c and topic.learning_rate: above 0"
        } else if [self.desk.epochs, self.domain.epochs].contains(&0)
            || !positive(&[self.desk.c, self.desk.learning_rate, self.domain.learning_rate, self.domain.other_weight])
        {
            "desk and domain: epochs, c, learning_rate and other_weight above 0"
        } else if !positive(&[self.topic.dense_learning_rate, self.topic.vector_scale]) {
            "topic.dense_learning_rate and topic.vector_scale: above 0"
        } else if [self.topic.abstain_share, self.domain.abstain_share].iter().any(|s| !(0.0..=1.0).contains(s)) {
            "abstain_share: from 0 to 1"
        } else if self.name.is_empty()
            || !self.name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        {
            "name: letters, digits, '-', '_' and '.'"
        } else {
            return Ok(());
        };
        Err(wrong.to_owned())
    }
}
