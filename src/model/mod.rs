//! The bundle: manifest, weights, card; and the classifier made of it.

mod bundle;
mod card;
mod classifier;
mod heads;
mod lock;
mod manifest;
mod selftest;
mod space;
mod store;

pub use bundle::Bundle;
pub use card::{Card, DataSource, HeadCard, LabelCard, Metric};
pub use classifier::{Classifier, Scratch};
pub use heads::{Heads, Region};
pub use lock::{Lock, LockError};
pub use manifest::{FORMAT_VERSION, FileEntry, Files, MANIFEST, Manifest, hex_digest};
pub use space::{Columns, Space};
pub use store::{Event, Label, Store, StoreError};

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Which model it is, exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// SHA-256 of the manifest, hexadecimal.
    pub digest: String,
}

/// Why a bundle cannot be used or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// A file cannot be read or written.
    #[error("{}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The binary was built with an empty `models/default`.
    #[error("this binary holds no model: train one with `wiredesk train` and pass its folder with --model")]
    NotEmbedded,
    /// The manifest cannot be understood.
    #[error("manifest.json: {0}")]
    Manifest(String),
    /// Written by a newer version, or by one that is too old.
    #[error(
        "bundle format {0} is not known to this version (it reads formats 1 to {FORMAT_VERSION}): retrain the model or use a matching wiredesk"
    )]
    Format(u32),
    /// A file that should be there is not.
    #[error("{0}: missing from the bundle")]
    Missing(String),
    /// A file is longer or shorter than the manifest says.
    #[error("{file}: {got} bytes where the manifest says {expected}: the file is damaged or was edited")]
    Size {
        /// The file.
        file: String,
        /// Bytes by the manifest.
        expected: u64,
        /// Bytes found (one more than expected when longer).
        got: u64,
    },
    /// A file has other bytes than the manifest says.
    #[error("{file}: SHA-256 {got} where the manifest says {expected}: the file is damaged or was edited")]
    Checksum {
        /// The file.
        file: String,
        /// By the manifest.
        expected: String,
        /// Found.
        got: String,
    },
    /// A file's checksum is right, but it does not hold what it should.
    #[error("{file}: {message}")]
    Content {
        /// The file.
        file: String,
        /// What is wrong.
        message: String,
    },
    /// A folder that holds something else would be overwritten.
    #[error("{}: not empty and no bundle: choose another folder", .0.display())]
    Occupied(PathBuf),
}

/// Reads a whole bundle, builds the classifier from it and lets it test itself: it can be used.
///
/// # Errors
/// Says what is wrong with it.
pub fn verify(dir: &Path) -> Result<Identity, BundleError> {
    let classifier = Classifier::open(dir)?;
    classifier.self_test()?;
    Ok(classifier.identity().clone())
}
