//! The heads: from features and places to labels with probabilities, evidence
//! and the right to abstain. Pure and total.

pub mod calibration;
pub mod explain;
pub mod region;
pub mod stance;
pub mod topic;
