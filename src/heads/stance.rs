//! The stance head.
