//! The product from outside: a real server on a free port, the real binary,
//! real clients. One binary, so that it links once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub, missing_docs)]

mod calls;
mod cli;
mod clients;
mod contract;
mod golden;
mod hostile;
mod layering;
mod lifecycle;
mod proof;
mod quality;
mod raw;
mod store;
mod streams;
mod support;
mod training;
mod walkthrough;
