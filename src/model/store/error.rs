//! Why a store cannot do what was asked for.

use crate::model::{BundleError, LockError};
use std::{
    io,
    path::{Path, PathBuf},
};

/// Why the store cannot do what was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A file cannot be read or written.
    #[error("{}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The bundle cannot be used or written.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// No folder.
    #[error("{}: no such folder of models", .0.display())]
    NoStore(PathBuf),
    /// Nothing of this name.
    #[error("no model {0:?} in this store; there are: {known}", known = if .1.is_empty() { "none" } else { .1 })]
    NoModel(String, String),
    /// No such version.
    #[error("{name} has no version {version:?}; there are: {known}")]
    NoVersion {
        /// The model.
        name: String,
        /// The version that was asked for.
        version: String,
        /// Those that it has.
        known: String,
    },
    /// No version bears the label.
    #[error("no version of {0} is {1}")]
    NoLabel(String, &'static str),
    /// The version is taken by another model.
    #[error("{0}@{1} is already there with other bytes: give the new one another version (--model-version)")]
    Taken(String, String),
    /// Nothing to go back to.
    #[error("{0} has no earlier stable version to go back to")]
    NoEarlier(String),
    /// Another process is changing the model.
    #[error("another process is changing this model")]
    Locked(#[from] LockError),
    /// What was compared with is not stable any more.
    #[error("{name}@{now} has become stable since the comparison with {then} began: compare again")]
    Changed {
        /// The model.
        name: String,
        /// The version that was compared with.
        then: String,
        /// The version that is stable.
        now: String,
    },
    /// Not a name for a folder.
    #[error("{0:?} is no name of a model or version: letters, digits, '-', '_' and '.', not first a dot")]
    BadName(String),
}

/// What the system says of a file.
pub(super) fn at(path: &Path) -> impl Fn(io::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |source| StoreError::Io { path: path.clone(), source }
}
