//! Labels, ids and roll-ups.
