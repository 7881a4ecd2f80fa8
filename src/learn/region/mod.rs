//! Training and measuring of the region head.

mod compare;
mod evaluate;
mod logistic;
mod rows;
mod templates;
mod train;

pub use compare::{RegionComparison, UNSEEN, compare_region};
pub use evaluate::{Baselines, Estimates, RegionReport, SetReport, evaluate_region};
pub use rows::{desk_label, read_region_row};
pub use train::{RegionTraining, train_region};

use crate::text::Document;

/// What the words of a document say about its desk: probabilities of the ten desks, then of none.
pub type DeskPrior<'a> = dyn Fn(&Document) -> Option<Vec<f32>> + 'a;
