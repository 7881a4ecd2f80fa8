//! Training: labelled rows to a bundle.

pub mod answers;
pub mod calibrate;
pub mod check;
pub mod compare;
pub mod config;
pub mod desk;
pub mod domain;
pub mod figures;
pub mod job;
pub mod large;
pub mod load;
pub mod model_card;
mod placeless;
pub mod region;
pub use crate::rows;
pub mod search;
pub mod selection;
pub mod softmax;
pub mod space;
pub mod stance;
pub mod topic;
pub mod train;
pub mod vocabulary;
pub mod warm_start;
pub mod word_vectors;
