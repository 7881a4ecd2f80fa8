//! `manifest.json`: which files a bundle has, what they hash to, what they are.

use super::{BundleError, Card};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{borrow::Cow, collections::BTreeMap};

/// Written into each bundle; a reader refuses what it does not know.
pub const FORMAT_VERSION: u32 = 1;
/// The oldest format that this version reads.
pub(super) const OLDEST_FORMAT_VERSION: u32 = 1;

/// Name of the manifest itself.
pub const MANIFEST: &str = "manifest.json";
/// Largest file that is read.
pub(super) const MAX_FILE_BYTES: u64 = 512 << 20;
/// Most files of a bundle.
const MAX_FILES: usize = 64;

/// One file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Bytes.
    pub size: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// What a bundle says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT_VERSION`] when it was written.
    pub format_version: u32,
    /// Name of the model.
    pub name: String,
    /// Version of the model.
    pub version: String,
    /// The card, but for the text.
    pub card: Card,
    /// Every other file.
    pub files: BTreeMap<String, FileEntry>,
}

/// The files of a bundle, by name.
pub type Files = BTreeMap<String, Cow<'static, [u8]>>;

impl Manifest {
    /// Reads and checks the manifest; the other files are not looked at.
    ///
    /// # Errors
    /// When it is no manifest of a known format, or names a file that cannot be one.
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        #[derive(Deserialize)]
        struct Format {
            format_version: u32,
        }
        let bad = |e: serde_json::Error| BundleError::Manifest(e.to_string());
        let Format { format_version } = serde_json::from_slice(bytes).map_err(bad)?;
        if !(OLDEST_FORMAT_VERSION..=FORMAT_VERSION).contains(&format_version) {
            return Err(BundleError::Format(format_version));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(bad)?;
        if manifest.files.len() > MAX_FILES {
            return Err(BundleError::Manifest(format!("{} files; the most is {MAX_FILES}", manifest.files.len())));
        }
        for (name, entry) in &manifest.files {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            if name.is_empty() || name.starts_with('.') || name == MANIFEST || !name.chars().all(plain) {
                return Err(BundleError::Manifest(format!("{name:?} is no file name of a bundle")));
            }
            if entry.size > MAX_FILE_BYTES {
                return Err(BundleError::Manifest(format!(
                    "{name}: {} bytes; the most is {MAX_FILE_BYTES}",
                    entry.size
                )));
            }
        }
        Ok(manifest)
    }

    /// Checks a file's size and checksum.
    ///
    /// # Errors
    /// When one of them is not what the manifest says.
    pub fn check(&self, name: &str, bytes: &[u8]) -> Result<(), BundleError> {
        let entry = self.files.get(name).ok_or_else(|| BundleError::Missing(name.to_owned()))?;
        if entry.size != bytes.len() as u64 {
            let (got, expected) = (bytes.len() as u64, entry.size);
            return Err(BundleError::Size { file: name.to_owned(), expected, got });
        }
        let got = hex_digest(bytes);
        if got != entry.sha256 {
            return Err(BundleError::Checksum { file: name.to_owned(), expected: entry.sha256.clone(), got });
        }
        Ok(())
    }

    /// Lists `files` and gives the manifest's bytes.
    ///
    /// # Errors
    /// Never in practice: when it cannot be written as JSON.
    pub fn seal(mut self, files: &Files) -> Result<Vec<u8>, BundleError> {
        let entry = |bytes: &[u8]| FileEntry { size: bytes.len() as u64, sha256: hex_digest(bytes) };
        self.files = files.iter().map(|(name, bytes)| (name.clone(), entry(bytes))).collect();
        let mut json = serde_json::to_vec_pretty(&self).map_err(|e| BundleError::Manifest(e.to_string()))?;
        json.push(b'\n');
        Ok(json)
    }
}

/// SHA-256 in hexadecimal.
#[must_use]
pub fn hex_digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}
