//! Training of the stance head.
