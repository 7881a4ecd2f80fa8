//! What a model is, what it was made of and how good it is.

use super::Identity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The facts of a model's card.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// When it was trained, in seconds since 1970. Absent unless given: the
    /// same data, configuration and seed give the same bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<i64>,
    /// The model that the training began from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_start: Option<Identity>,
    /// The command that made it.
    pub command: String,
    /// SHA-256 over the training rows.
    pub data_digest: String,
    /// SHA-256 of the feature space.
    pub feature_digest: String,
    /// Seed of the training.
    pub seed: u64,
    /// One for each head.
    pub heads: Vec<HeadCard>,
    /// The data sets that it was trained on.
    pub data: Vec<DataSource>,
    /// `MODEL_CARD.md`; a file of its own in the bundle.
    #[serde(skip)]
    pub markdown: String,
}

/// One head of a model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadCard {
    /// "topic", "region" or "stance".
    pub head: String,
    /// The labels that it can give.
    pub labels: Vec<LabelCard>,
    /// BCP 47 tags of the languages it was trained on.
    pub languages: Vec<String>,
    /// Figures on held-out articles.
    pub metrics: Vec<Metric>,
}

/// One label of a head.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelCard {
    /// Stable id.
    pub id: String,
    /// Name in English.
    pub name: String,
    /// What it takes in.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub definition: String,
    /// Id of the next broader label of its taxonomy; empty at the top.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub broader: String,
    /// Training examples behind it.
    pub examples: u64,
    /// Names in other languages, by BCP 47 tag.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
}

/// One figure, with its 95 % interval and the majority baseline.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// For example "macro_f1".
    pub name: String,
    /// The data set that it was measured on.
    pub dataset: String,
    /// The value.
    pub value: f64,
    /// Lower end of the 95 % bootstrap interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The same figure for always giving the most frequent label.
    pub majority: f64,
    /// Test articles.
    pub articles: u64,
}

/// A data set that a model was trained on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSource {
    /// Name of the set.
    pub name: String,
    /// Its licence, as its publisher states it.
    pub licence: String,
    /// Rows used for training.
    pub rows: u64,
}
