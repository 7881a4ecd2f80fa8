//! Training and measuring of the region head.

mod compare;
mod evaluate;
mod homes;
mod logistic;
mod rows;
mod templates;
mod train;

pub use compare::{RegionComparison, UNSEEN, compare_region};
pub use evaluate::{Baselines, Estimates, RegionReport, SetReport, evaluate_region};
pub use rows::{desk_label, focus, read_region_row};
pub use train::{RegionTraining, train_region};

use crate::{learn::desk::DeskModel, learn::space::Encoder, text::Document};
use std::cell::RefCell;

/// What the words of a document say about its desk: probabilities of the ten desks, then of none.
pub type DeskPrior<'a> = dyn Fn(&Document) -> Option<Vec<f32>> + 'a;

/// What the words of a document of a data set may say: a vector of probabilities for each opinion to train with.
pub type TrainingPriors<'a> = dyn Fn(&Document, &str) -> Vec<Option<Vec<f32>>> + 'a;

/// The opinion of words that know the data set but not the row, and of words that never saw the set: a head that is
/// trained with both trusts the words no more than an unknown outlet bears.
pub fn training_priors<'a>(
    words: Option<&'a DeskModel>,
    encoder: &'a RefCell<&mut Encoder<'_>>,
) -> impl Fn(&Document, &str) -> Vec<Option<Vec<f32>>> + 'a {
    move |document, set| {
        let Some(words) = words else { return vec![None] };
        let row = encoder.borrow_mut().encode_document(document);
        let mut opinions = vec![Some(words.out_of_fold(document, &row))];
        opinions.extend(words.out_of_set(set, &row).map(Some));
        opinions
    }
}
