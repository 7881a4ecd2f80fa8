//! Training of the region head.
