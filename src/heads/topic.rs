//! The topic head.
