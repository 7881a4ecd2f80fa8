//! A folder of models: `ROOT/<name>/<version>/` is a bundle, and the files
//! `ROOT/<name>/stable` and `ROOT/<name>/candidate` say which version bears
//! which label.
//!
//! Every step is one rename of something that is already on the disk. Killed
//! at any instruction, the store is as it was before the step or as it is
//! after it; what a killed step leaves behind begins with a dot and is never
//! looked at again but by [`Store::collect`].

mod error;
mod history;
mod labels;
#[cfg(test)]
mod tests;

pub use error::StoreError;
pub use history::Event;
pub use labels::Label;

use super::{Bundle, Files, Identity, Lock, MANIFEST, Manifest};
use error::at;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Earlier versions that `stable` remembers.
const REMEMBERED: usize = 32;
/// Held by the process that changes the model.
const LOCK: &str = ".lock";
/// How long another process's step is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A folder of models.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// The store in a folder that is there.
    ///
    /// # Errors
    /// When it is not.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        if root.is_dir() { Ok(Self::at(root)) } else { Err(StoreError::NoStore(root.to_owned())) }
    }

    /// The store in a folder that need not be there yet.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The models, in the order of their names.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn names(&self) -> Result<Vec<String>, StoreError> {
        folders(&self.root)
    }

    /// A model's versions, in the order of their names.
    ///
    /// # Errors
    /// When there is no such model.
    pub fn versions(&self, name: &str) -> Result<Vec<String>, StoreError> {
        let dir = self.model(name)?;
        Ok(folders(&dir)?.into_iter().filter(|v| dir.join(v).join(MANIFEST).is_file()).collect())
    }

    /// Where a version's bundle is, or would be.
    ///
    /// # Errors
    /// When name or version cannot be names of folders.
    pub fn dir(&self, name: &str, version: &str) -> Result<PathBuf, StoreError> {
        plain(name)?;
        plain(version)?;
        Ok(self.root.join(name).join(version))
    }

    /// The version that bears a label.
    ///
    /// # Errors
    /// When there is no such model or its file cannot be read.
    pub fn labelled(&self, name: &str, label: Label) -> Result<Option<String>, StoreError> {
        Ok(labels::read(&self.model(name)?, label)?.into_iter().next())
    }

    /// Versions that were stable before, the latest first.
    ///
    /// # Errors
    /// As [`labelled`](Self::labelled).
    pub fn earlier(&self, name: &str) -> Result<Vec<String>, StoreError> {
        Ok(labels::read(&self.model(name)?, Label::Stable)?.into_iter().skip(1).collect())
    }

    /// Name and version of `NAME` (its stable version), `NAME@VERSION` or `NAME@LABEL`.
    ///
    /// # Errors
    /// When there is no such model, version or label.
    pub fn resolve(&self, selector: &str) -> Result<(String, String), StoreError> {
        let (name, wanted) = selector.split_once('@').unwrap_or((selector, Label::Stable.name()));
        let versions = self.versions(name)?;
        if let Some(label) = Label::ALL.into_iter().find(|l| l.name() == wanted) {
            let version = self.labelled(name, label)?.ok_or(StoreError::NoLabel(name.to_owned(), label.name()))?;
            return Ok((name.to_owned(), version));
        }
        if versions.iter().any(|v| v == wanted) {
            return Ok((name.to_owned(), wanted.to_owned()));
        }
        Err(StoreError::NoVersion { name: name.to_owned(), version: wanted.to_owned(), known: versions.join(", ") })
    }

    /// Writes a bundle to its place and makes it the candidate. The same bytes twice are no error.
    ///
    /// # Errors
    /// When it cannot be written, or another bundle has its version.
    pub fn install(&self, manifest: Manifest, files: &Files) -> Result<Identity, StoreError> {
        let (name, version) = (manifest.name.clone(), manifest.version.clone());
        let dir = self.dir(&name, &version)?;
        let model = self.root.join(&name);
        fs::create_dir_all(&model).map_err(at(&model))?;
        let _lock = lock(&model, "install")?;
        let identity = if dir.exists() {
            let there = Bundle::read(&dir)?.identity();
            if there.digest != super::hex_digest(&manifest.seal(files)?) {
                return Err(StoreError::Taken(name, version));
            }
            there
        } else {
            Bundle::write(manifest, files, &dir)?
        };
        labels::write(&model, Label::Candidate, std::slice::from_ref(&identity.version))?;
        Ok(identity)
    }

    /// Makes a version stable; the one that was is remembered. A candidate that is promoted is none any more.
    ///
    /// # Errors
    /// When there is no such version, another than `event.from` has become stable, another process is changing the
    /// model, or a file cannot be written: nothing has changed then.
    pub fn promote(&self, name: &str, version: &str, event: Event) -> Result<(), StoreError> {
        self.resolve(&format!("{name}@{version}"))?;
        let model = self.model(name)?;
        let _lock = lock(&model, "promote")?;
        let mut lines = labels::read(&model, Label::Stable)?;
        if lines.first().is_some_and(|stable| stable == version) {
            return Ok(());
        }
        if let (Some(now), Some(then)) = (lines.first(), event.from.as_ref().filter(|then| lines.first() != Some(then)))
        {
            return Err(StoreError::Changed { name: name.to_owned(), then: then.clone(), now: now.clone() });
        }
        // Written first: a promotion without its reason must not be.
        history::record(&model, &Event { from: lines.first().cloned(), ..event })?;
        lines.insert(0, version.to_owned());
        lines.truncate(REMEMBERED);
        labels::write(&model, Label::Stable, &lines)?;
        if self.labelled(name, Label::Candidate)?.as_deref() == Some(version) {
            let path = model.join(Label::Candidate.name());
            fs::remove_file(&path).map_err(at(&path))?;
        }
        Ok(())
    }

    /// Makes the version stable again that was before, and gives it.
    ///
    /// # Errors
    /// When there is none, it is gone, or a file cannot be written: nothing has changed then.
    pub fn rollback(&self, name: &str, reason: Option<&str>) -> Result<String, StoreError> {
        let model = self.model(name)?;
        let _lock = lock(&model, "rollback")?;
        let lines = labels::read(&model, Label::Stable)?;
        let [from, earlier @ ..] = &lines[..] else {
            return Err(StoreError::NoLabel(name.to_owned(), Label::Stable.name()));
        };
        let to = earlier.first().ok_or_else(|| StoreError::NoEarlier(name.to_owned()))?;
        // Verified before it is made stable: a server that starts later could not open a damaged one.
        Bundle::read(&self.dir(name, to)?)?;
        let (from, reason) = (Some(from.clone()), reason.map(str::to_owned));
        let event = Event { from, reason, ..Event::now("rollback", to) };
        history::record(&model, &event)?;
        labels::write(&model, Label::Stable, earlier)?;
        Ok(to.clone())
    }

    /// What was done to a model, the oldest first.
    ///
    /// # Errors
    /// When there is no such model or its file cannot be read.
    pub fn history(&self, name: &str) -> Result<Vec<Event>, StoreError> {
        history::read(&self.model(name)?)
    }

    /// Deletes the versions of a model that bear no label and are not among the `keep` latest that were
    /// stable, and what killed processes left behind. Gives what was deleted.
    ///
    /// # Errors
    /// When something cannot be deleted.
    pub fn collect(&self, name: &str, keep: usize) -> Result<Vec<String>, StoreError> {
        let dir = self.model(name)?;
        let _lock = lock(&dir, "gc")?;
        let mut kept: Vec<String> = self.earlier(name)?.into_iter().take(keep).collect();
        for label in Label::ALL {
            kept.extend(self.labelled(name, label)?);
        }
        let mut deleted = Vec::new();
        for version in self.versions(name)?.into_iter().filter(|v| !kept.contains(v)) {
            // Renamed first: nobody sees half a version.
            let trash = dir.join(format!(".{version}.trash"));
            fs::rename(dir.join(&version), &trash).map_err(at(&trash))?;
            deleted.push(version);
        }
        for entry in fs::read_dir(&dir).map_err(at(&dir))? {
            let path = entry.map_err(at(&dir))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with('.') && [".trash", ".tmp", ".old"].iter().any(|end| name.ends_with(end)) {
                let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
                removed.map_err(at(&path))?;
            }
        }
        Ok(deleted)
    }

    fn model(&self, name: &str) -> Result<PathBuf, StoreError> {
        plain(name)?;
        let dir = self.root.join(name);
        if dir.is_dir() {
            return Ok(dir);
        }
        Err(StoreError::NoModel(name.to_owned(), self.names().unwrap_or_default().join(", ")))
    }
}

/// One process changes a model at a time. Steps are short: another's is waited for.
fn lock(model: &Path, what: &str) -> Result<Lock, StoreError> {
    Ok(Lock::take(&model.join(LOCK), what, PATIENCE)?)
}

/// The names of the folders in a folder, but for hidden ones.
fn folders(dir: &Path) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(at(dir))? {
        let entry = entry.map_err(at(dir))?;
        if let Ok(name) = entry.file_name().into_string()
            && plain(&name).is_ok()
            && entry.path().is_dir()
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// What may be the name of a folder here: it cannot lead out of the store.
fn plain(name: &str) -> Result<(), StoreError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 128 || name.starts_with('.') || !name.chars().all(plain) {
        return Err(StoreError::BadName(name.to_owned()));
    }
    Ok(())
}
