//! What is read from files, and read again when they change.

use super::AccessError;
use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::SystemTime,
};

/// The value that the files had when they were last good.
pub(super) struct Watched<T> {
    files: Vec<PathBuf>,
    read: fn(&[PathBuf]) -> Result<T, AccessError>,
    now: RwLock<Arc<T>>,
    /// As the files looked when they were last read, good or bad: bad files are not complained of twice.
    seen: Mutex<Vec<Option<Stamp>>>,
}

/// Tells a changed file from the same one. The inode: secrets are often replaced by renaming a link.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    len: u64,
    inode: u64,
}

impl<T> Watched<T> {
    /// Reads the files for the first time.
    pub(super) fn open(
        files: Vec<PathBuf>,
        read: fn(&[PathBuf]) -> Result<T, AccessError>,
    ) -> Result<Self, AccessError> {
        let seen = Mutex::new(stamps(&files));
        let now = RwLock::new(Arc::new(read(&files)?));
        Ok(Self { files, read, now, seen })
    }

    /// The value now; it stays as it is for whoever holds it.
    pub(super) fn get(&self) -> Arc<T> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the files again. When they are wrong, the value stays.
    pub(super) fn reload(&self) -> Result<(), AccessError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Before the files, so that a change while they are read is seen next time.
        *seen = stamps(&self.files);
        let new = Arc::new((self.read)(&self.files)?);
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// Reads the files again if they changed; `true`: they did.
    pub(super) fn reload_if_changed(&self) -> Result<bool, AccessError> {
        let changed = stamps(&self.files) != *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if changed {
            self.reload()?;
        }
        Ok(changed)
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    let stamp = |file: &PathBuf| {
        let meta = fs::metadata(file).ok()?;
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(&meta);
        #[cfg(not(unix))]
        let inode = 0;
        Some(Stamp { modified: meta.modified().ok(), len: meta.len(), inode })
    };
    files.iter().map(stamp).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_was_good_and_takes_what_is_better() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("number");
        fs::write(&file, "1").unwrap();
        let read = |files: &[PathBuf]| {
            let text = fs::read_to_string(&files[0]).unwrap();
            text.parse::<u32>().map_err(|_| AccessError::Tokens { place: text, problem: "no number".into() })
        };
        let watched = Watched::open(vec![file.clone()], read).unwrap();
        assert!(!watched.reload_if_changed().unwrap());
        fs::write(&file, "bad").unwrap();
        assert!(watched.reload_if_changed().is_err());
        assert!(!watched.reload_if_changed().unwrap(), "complained of once");
        assert_eq!(*watched.get(), 1);
        fs::write(&file, "12345").unwrap();
        assert!(watched.reload_if_changed().unwrap());
        assert_eq!(*watched.get(), 12_345);
    }
}
