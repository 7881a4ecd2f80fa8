//! Measuring a model on labelled articles.

pub mod metrics;
