//! The region head.
