//! The product from outside: a real server on a free port, the real binary,
//! real clients. One binary, so that it links once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub, missing_docs)]

mod access;
mod calls;
mod cli;
mod clients;
mod contract;
mod data_check;
mod golden;
mod hostile;
mod layering;
mod lifecycle;
mod limits;
mod observe;
mod proof;
mod quality;
mod raw;
mod resume;
mod store;
mod streams;
mod support;
#[cfg(feature = "otel")]
mod traces;
mod training;
mod walkthrough;
mod web;
