//! A folder of models: `ROOT/<name>/<version>/` is a bundle, and the files
//! `ROOT/<name>/stable` and `ROOT/<name>/candidate` say which version bears
//! which label.
//!
//! Every step is one rename of something that is already on the disk. Killed
//! at any instruction, the store is as it was before the step or as it is
//! after it; what a killed step leaves behind begins with a dot and is never
//! looked at again but by [`Store::collect`].
//!
//! A label's file has the version on its first line. That of `stable` has the
//! earlier versions below it, the latest first: going back is dropping a line.

use super::{Bundle, BundleError, Files, Identity, Lock, LockError, MANIFEST, Manifest};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

/// What a version is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// It answers.
    Stable,
    /// It may be next: answers those who ask for it, and in the shadow of `stable`.
    Candidate,
}

impl Label {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Stable, Self::Candidate];

    /// As in the name of its file and in `name@label`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Candidate => "candidate",
        }
    }
}

/// Earlier versions that `stable` remembers.
const REMEMBERED: usize = 32;
/// More in a label's file and it is no label's file.
const MAX_LABEL_BYTES: u64 = 64 << 10;
/// Held by the process that changes the model.
const LOCK: &str = ".lock";
/// How long another process's step is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// What has been done, one JSON object a line.
const HISTORY: &str = "history.jsonl";

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

/// What was done to a model, when and why: a line of its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Seconds since 1970.
    pub time: u64,
    /// `promote` or `rollback`.
    pub action: String,
    /// The version that became stable.
    pub to: String,
    /// The version that was stable before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Why the gate was overruled, or the reason given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the gate said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gate: Vec<String>,
}

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
        Ok(self.lines(name, label)?.into_iter().next())
    }

    /// Versions that were stable before, the latest first.
    ///
    /// # Errors
    /// As [`labelled`](Self::labelled).
    pub fn earlier(&self, name: &str) -> Result<Vec<String>, StoreError> {
        Ok(self.lines(name, Label::Stable)?.into_iter().skip(1).collect())
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
        let _lock = self.lock(&name, "install")?;
        let identity = if dir.exists() {
            let there = Bundle::read(&dir)?.identity();
            if there.digest != super::hex_digest(&manifest.seal(files)?) {
                return Err(StoreError::Taken(name, version));
            }
            there
        } else {
            Bundle::write(manifest, files, &dir)?
        };
        self.set_label(&identity.name, Label::Candidate, std::slice::from_ref(&identity.version))?;
        Ok(identity)
    }

    /// Makes a version stable; the one that was is remembered. A candidate that is promoted is none any more.
    ///
    /// # Errors
    /// When there is no such version, another than `event.from` has become stable, another process is changing the
    /// model, or a file cannot be written: nothing has changed then.
    pub fn promote(&self, name: &str, version: &str, event: Event) -> Result<(), StoreError> {
        self.resolve(&format!("{name}@{version}"))?;
        let _lock = self.lock(name, "promote")?;
        let mut lines = self.lines(name, Label::Stable)?;
        if lines.first().is_some_and(|stable| stable == version) {
            return Ok(());
        }
        if let (Some(now), Some(then)) = (lines.first(), event.from.as_ref().filter(|then| lines.first() != Some(then)))
        {
            return Err(StoreError::Changed { name: name.to_owned(), then: then.clone(), now: now.clone() });
        }
        // Written first: a promotion without its reason must not be.
        self.record(name, &Event { from: lines.first().cloned(), ..event })?;
        lines.insert(0, version.to_owned());
        lines.truncate(REMEMBERED);
        self.set_label(name, Label::Stable, &lines)?;
        if self.labelled(name, Label::Candidate)?.as_deref() == Some(version) {
            let path = self.root.join(name).join(Label::Candidate.name());
            fs::remove_file(&path).map_err(at(&path))?;
        }
        Ok(())
    }

    /// Makes the version stable again that was before, and gives it.
    ///
    /// # Errors
    /// When there is none, it is gone, or a file cannot be written: nothing has changed then.
    pub fn rollback(&self, name: &str, reason: Option<&str>) -> Result<String, StoreError> {
        let _lock = self.lock(name, "rollback")?;
        let lines = self.lines(name, Label::Stable)?;
        let [from, earlier @ ..] = &lines[..] else {
            return Err(StoreError::NoLabel(name.to_owned(), Label::Stable.name()));
        };
        let to = earlier.first().ok_or_else(|| StoreError::NoEarlier(name.to_owned()))?;
        // Verified before it is made stable: a server that starts later could not open a damaged one.
        Bundle::read(&self.dir(name, to)?)?;
        let (from, reason) = (Some(from.clone()), reason.map(str::to_owned));
        let event = Event { from, reason, ..Event::now("rollback", to) };
        self.record(name, &event)?;
        self.set_label(name, Label::Stable, earlier)?;
        Ok(to.clone())
    }

    /// What was done to a model, the oldest first. A line that a killed process left unfinished is passed over.
    ///
    /// # Errors
    /// When there is no such model or its file cannot be read.
    pub fn history(&self, name: &str) -> Result<Vec<Event>, StoreError> {
        let path = self.model(name)?.join(HISTORY);
        let text = match fs::read_to_string(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => String::new(),
            text => text.map_err(at(&path))?,
        };
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// Deletes the versions of a model that bear no label and are not among the `keep` latest that were
    /// stable, and what killed processes left behind. Gives what was deleted.
    ///
    /// # Errors
    /// When something cannot be deleted.
    pub fn collect(&self, name: &str, keep: usize) -> Result<Vec<String>, StoreError> {
        let dir = self.model(name)?;
        let _lock = self.lock(name, "gc")?;
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

    /// One process changes a model at a time. Steps are short: another's is waited for.
    fn lock(&self, name: &str, what: &str) -> Result<Lock, StoreError> {
        Ok(Lock::take(&self.model(name)?.join(LOCK), what, PATIENCE)?)
    }

    fn model(&self, name: &str) -> Result<PathBuf, StoreError> {
        plain(name)?;
        let dir = self.root.join(name);
        if dir.is_dir() {
            return Ok(dir);
        }
        Err(StoreError::NoModel(name.to_owned(), self.names().unwrap_or_default().join(", ")))
    }

    fn lines(&self, name: &str, label: Label) -> Result<Vec<String>, StoreError> {
        let path = self.model(name)?.join(label.name());
        let mut text = String::new();
        match File::open(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            file => {
                file.and_then(|f| f.take(MAX_LABEL_BYTES).read_to_string(&mut text)).map_err(at(&path))?;
            }
        }
        let lines: Vec<String> = text.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect();
        lines.iter().try_for_each(|line| plain(line))?;
        Ok(lines)
    }

    fn set_label(&self, name: &str, label: Label, lines: &[String]) -> Result<(), StoreError> {
        let dir = self.root.join(name);
        let (path, temporary) =
            (dir.join(label.name()), dir.join(format!(".{}.{}.tmp", label.name(), std::process::id())));
        let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        let written = File::create(&temporary)
            .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&temporary, &path))
            .and_then(|()| File::open(&dir)?.sync_all());
        written.map_err(|source| {
            let _gone = fs::remove_file(&temporary);
            StoreError::Io { path, source }
        })
    }

    fn record(&self, name: &str, event: &Event) -> Result<(), StoreError> {
        let path = self.root.join(name).join(HISTORY);
        let line = serde_json::to_string(event).map_err(io::Error::from).map_err(at(&path))?;
        // The line break first: what a killed process left unfinished stays a line of its own.
        let written = OpenOptions::new().create(true).append(true).open(&path).and_then(|mut file| {
            file.write_all(format!("\n{line}\n").as_bytes())?;
            file.sync_all()
        });
        written.map_err(at(&path))
    }
}

impl Event {
    /// An event of this moment.
    #[must_use]
    pub fn now(action: &str, to: &str) -> Self {
        let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let time = time.map_or(0, |t| t.as_secs());
        Self { time, action: action.to_owned(), to: to.to_owned(), from: None, reason: None, gate: Vec::new() }
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |source| StoreError::Io { path: path.clone(), source }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Card, FORMAT_VERSION};

    fn install(store: &Store, version: &str, content: &str) -> Result<Identity, StoreError> {
        let manifest = Manifest {
            format_version: FORMAT_VERSION,
            name: "m".into(),
            version: version.into(),
            card: Card::default(),
            files: Default::default(),
        };
        let files = Files::from([("a.txt".to_owned(), content.as_bytes().to_vec().into())]);
        store.install(manifest, &files)
    }

    fn stable(store: &Store) -> String {
        store.labelled("m", Label::Stable).unwrap().unwrap_or_default()
    }

    #[test]
    fn labels_move_and_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        for version in ["1", "2", "3"] {
            install(&store, version, version).unwrap();
            assert_eq!(store.resolve("m@candidate").unwrap().1, version);
            let reason = Some(format!("reason {version}"));
            store.promote("m", version, Event { reason, ..Event::now("promote", version) }).unwrap();
            assert_eq!((stable(&store).as_str(), store.labelled("m", Label::Candidate).unwrap()), (version, None));
        }
        assert_eq!(store.rollback("m", None).unwrap(), "2");
        assert_eq!(store.rollback("m", Some("worse")).unwrap(), "1");
        assert!(matches!(store.rollback("m", None), Err(StoreError::NoEarlier(_))));
        assert_eq!(stable(&store), "1");
        let history = store.history("m").unwrap();
        assert_eq!(history.len(), 5);
        assert_eq!((history[1].from.as_deref(), history[1].reason.as_deref()), (Some("1"), Some("reason 2")));
        assert_eq!((history[4].action.as_str(), history[4].reason.as_deref()), ("rollback", Some("worse")));
        assert_eq!(store.collect("m", 0).unwrap(), ["2", "3"]);
        assert_eq!(store.versions("m").unwrap(), ["1"]);
    }

    #[test]
    fn a_damaged_version_is_not_gone_back_to() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        for version in ["1", "2"] {
            install(&store, version, version).unwrap();
            store.promote("m", version, Event::now("promote", version)).unwrap();
        }
        fs::write(dir.path().join("m/1/a.txt"), "x").unwrap();
        assert!(matches!(store.rollback("m", None), Err(StoreError::Bundle(_))));
        assert_eq!(stable(&store), "2");
    }

    #[test]
    fn a_version_is_written_once() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        let first = install(&store, "1", "a").unwrap();
        assert_eq!(install(&store, "1", "a").unwrap(), first);
        assert!(matches!(install(&store, "1", "b"), Err(StoreError::Taken(..))));
        assert!(matches!(install(&store, "../x", "b"), Err(StoreError::BadName(_))));
    }

    #[test]
    fn what_a_killed_process_left_is_not_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        install(&store, "1", "a").unwrap();
        store.promote("m", "1", Event::now("promote", "1")).unwrap();
        let model = dir.path().join("m");
        fs::create_dir(model.join(".2.77.tmp")).unwrap();
        fs::write(model.join(".stable.77.tmp"), "2").unwrap();
        fs::create_dir(model.join("half")).unwrap();
        fs::write(model.join(HISTORY), "{\"time\":1,\"act").unwrap();
        assert_eq!((store.versions("m").unwrap(), stable(&store)), (vec!["1".to_owned()], "1".to_owned()));
        install(&store, "2", "b").unwrap();
        store.promote("m", "2", Event::now("promote", "2")).unwrap();
        assert_eq!(store.history("m").unwrap().len(), 1);
        store.collect("m", 1).unwrap();
        let names = fs::read_dir(&model).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        assert_eq!(names.filter(|n| n.starts_with('.')).collect::<Vec<_>>(), [LOCK]);
        assert_eq!(store.versions("m").unwrap(), ["1", "2"]);
    }

    #[test]
    fn labels_of_any_bytes_give_an_error_or_a_plain_name() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        install(&store, "1", "a").unwrap();
        for bytes in [&b"../../etc\n"[..], b"\xff\xfe", b"a/b", b".hidden"] {
            fs::write(dir.path().join("m/stable"), bytes).unwrap();
            assert!(store.resolve("m").is_err());
        }
        fs::write(dir.path().join("m/stable"), "").unwrap();
        assert!(matches!(store.resolve("m"), Err(StoreError::NoLabel(..))));
        fs::write(dir.path().join("m/stable"), "9").unwrap();
        assert_eq!(store.resolve("m").unwrap().1, "9", "a label may name a version that is gone; opening it fails");
        for selector in ["nobody", "m@7", "", "@", "m@"] {
            assert!(store.resolve(selector).is_err(), "{selector}");
        }
    }
}
