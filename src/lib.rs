//! Wiredesk classifies news articles by topic, region and stance.
//!
//! In the order in which data flows: [`article`] is what was sent, [`text`] turns it into words, [`features`] and
//! [`places`] into numbers, the [`heads`] into answers, which are a [`prediction`]; a [`model`] holds all that it takes.
//! [`service`] answers calls with it, [`learn`] makes it from labelled [`rows`], [`eval`] measures it, [`cli`] is the
//! command line. [`taxonomy`] holds the label sets.
// Module docs are read in the source as well, where private modules can be followed.
#![allow(rustdoc::private_intra_doc_links)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod article;
pub mod cli;
pub mod eval;
pub mod features;
pub mod heads;
pub mod learn;
pub mod model;
pub mod places;
pub mod prediction;
pub mod rows;
pub mod service;
pub mod taxonomy;
pub mod text;
