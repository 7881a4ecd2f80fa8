//! Words and word pairs to sparse features, and the table that holds all
//! heads' weights for each feature in one cache line. Pure and total.
//!
//! `Document -> slots with counts -> scores`: [`FeatureIndex`] says which slot
//! a word or pair has, [`Counter`] counts the slots of a document, and
//! [`WeightTable`] turns the counts into the scores of every head at once.

mod counter;
mod index;
mod kernel;
mod pages;
mod stop_words;
mod table;
mod terms;

pub use counter::{Counter, TfIdf};
pub use index::{FeatureIndex, IndexError};
pub use kernel::log_tf;
pub(crate) use kernel::prefetch;
pub use stop_words::{NamedStopWords, StopWordChoice, StopWords};
pub use table::{BLOCK_LANES, Sums, WeightTable};
pub use terms::Term;

use serde::{Deserialize, Serialize};

/// How text becomes features; travels with the weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureParams {
    /// [`HASH_VERSION`](crate::text::HASH_VERSION) of the words.
    pub hash_version: u32,
    /// Count word pairs beside words.
    pub pairs: bool,
    /// How many times a word of the title counts.
    pub title_weight: u16,
    /// Words that are no features; none in bundles that do not list any.
    #[serde(default)]
    pub stop_words: StopWords,
}

impl Default for FeatureParams {
    fn default() -> Self {
        Self { hash_version: crate::text::HASH_VERSION, pairs: true, title_weight: 2, stop_words: StopWords::default() }
    }
}
