//! Training: labelled rows to a bundle.

pub mod region;
pub mod rows;
pub mod softmax;
pub mod stance;
pub mod topic;
pub mod vocabulary;
