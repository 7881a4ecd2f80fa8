//! A bundle on disk: read as untrusted data, written whole or not at all.

use super::{
    BundleError, Identity,
    manifest::{Files, MANIFEST, MAX_FILE_BYTES, Manifest, hex_digest},
};
use std::{
    borrow::Cow,
    fs::{self, File},
    io::{Read, Write},
    path::Path,
};

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

/// A bundle whose files all match their checksums.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// The manifest.
    pub manifest: Manifest,
    /// Every other file.
    pub files: Files,
    /// SHA-256 of the manifest's bytes.
    pub digest: String,
}

impl Bundle {
    /// Reads a bundle's folder. Nothing is allocated from a length that the
    /// folder states and the file does not have.
    ///
    /// # Errors
    /// Names the first file that is missing, too large or not what the manifest says.
    pub fn read(dir: &Path) -> Result<Self, BundleError> {
        let read = |name: &str, most: u64| {
            let path = dir.join(name);
            let io = |source| BundleError::Io { path: path.clone(), source };
            let mut bytes = Vec::new();
            let file = File::open(&path).map_err(io)?;
            file.take(most + 1).read_to_end(&mut bytes).map_err(io)?;
            Ok(bytes)
        };
        const MAX_MANIFEST_BYTES: u64 = 16 << 20;
        let sealed = read(MANIFEST, MAX_MANIFEST_BYTES)?;
        if sealed.len() as u64 > MAX_MANIFEST_BYTES {
            return Err(BundleError::Manifest(format!("more than {MAX_MANIFEST_BYTES} bytes")));
        }
        Self::verify(&sealed, |name, size| read(name, size.min(MAX_FILE_BYTES)).map(Cow::Owned))
    }

    /// The bundle in the binary.
    ///
    /// # Errors
    /// When the binary was built without one.
    pub fn embedded() -> Result<Self, BundleError> {
        let get = |name: &str| embedded::FILES.iter().find(|(n, _)| *n == name).map(|(_, bytes)| *bytes);
        let sealed = get(MANIFEST).ok_or(BundleError::NotEmbedded)?;
        Self::verify(sealed, |name, _| {
            get(name).map(Cow::Borrowed).ok_or_else(|| BundleError::Missing(name.to_owned()))
        })
    }

    fn verify(
        sealed: &[u8],
        mut read: impl FnMut(&str, u64) -> Result<Cow<'static, [u8]>, BundleError>,
    ) -> Result<Self, BundleError> {
        let manifest = Manifest::parse(sealed)?;
        let mut files = Files::new();
        for (name, entry) in &manifest.files {
            let bytes = read(name, entry.size)?;
            manifest.check(name, &bytes)?;
            files.insert(name.clone(), bytes);
        }
        Ok(Self { manifest, files, digest: hex_digest(sealed) })
    }

    /// Which model it is.
    #[must_use]
    pub fn identity(&self) -> Identity {
        let Manifest { name, version, .. } = &self.manifest;
        Identity { name: name.clone(), version: version.clone(), digest: self.digest.clone() }
    }

    /// A file's bytes.
    ///
    /// # Errors
    /// When the bundle has no such file.
    pub fn file(&self, name: &str) -> Result<&[u8], BundleError> {
        self.files.get(name).map(AsRef::as_ref).ok_or_else(|| BundleError::Missing(name.to_owned()))
    }

    /// Writes a bundle to `dir`: into a temporary folder beside it, flushed to
    /// the disk, then renamed. A folder that holds a bundle is replaced; any
    /// other folder that is not empty is refused.
    ///
    /// # Errors
    /// When a file cannot be written; `dir` is then as it was.
    pub fn write(manifest: Manifest, files: &Files, dir: &Path) -> Result<Identity, BundleError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| BundleError::Io { path, source }
        };
        let occupied = fs::read_dir(dir).is_ok_and(|mut entries| {
            entries.any(|e| e.is_ok_and(|e| !e.file_name().to_string_lossy().starts_with('.')))
        });
        if occupied && !dir.join(MANIFEST).is_file() {
            return Err(BundleError::Occupied(dir.to_owned()));
        }
        let parent = dir.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(io(parent))?;
        let name = dir.file_name().map_or_else(|| "bundle".to_owned(), |n| n.to_string_lossy().into_owned());
        let temporary = parent.join(format!(".{name}.{}.tmp", std::process::id()));
        let sealed = manifest.seal(files)?;
        let result = write_files(&temporary, &sealed, files).and_then(|()| replace(&temporary, dir, occupied));
        if result.is_err() {
            // The error that matters is the first one.
            let _ = fs::remove_dir_all(&temporary);
        }
        result.map_err(|(path, source)| BundleError::Io { path, source })?;
        Self::read(dir).map(|b| b.identity())
    }
}

type IoAt = (std::path::PathBuf, std::io::Error);

fn write_files(dir: &Path, sealed: &[u8], files: &Files) -> Result<(), IoAt> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |e| (path, e)
    };
    if dir.exists() {
        fs::remove_dir_all(dir).map_err(at(dir))?;
    }
    fs::create_dir(dir).map_err(at(dir))?;
    let listed = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_ref()));
    for (name, bytes) in listed.chain([(MANIFEST, sealed)]) {
        let path = dir.join(name);
        let mut file = File::create(&path).map_err(at(&path))?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(at(&path))?;
    }
    File::open(dir).and_then(|d| d.sync_all()).map_err(at(dir))
}

/// Puts `temporary` where `dir` is. Two renames when a bundle stands there
/// already; killed between them, the old one is left under its `.old` name.
fn replace(temporary: &Path, dir: &Path, occupied: bool) -> Result<(), IoAt> {
    let at = |e| (dir.to_owned(), e);
    let old = temporary.with_extension("old");
    if occupied {
        fs::rename(dir, &old).map_err(at)?;
    }
    if let Err(e) = fs::rename(temporary, dir) {
        if occupied {
            let _ = fs::rename(&old, dir);
        }
        return Err(at(e));
    }
    let parent = dir.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|d| d.sync_all()).map_err(at)?;
    if occupied {
        fs::remove_dir_all(&old).map_err(at)?;
    }
    Ok(())
}
