//! One writer at a time: a lock that the system takes back when its process
//! ends, however it ends, and that says who holds it.

use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Held until it is dropped.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the lock is held as long as the file is open")] File);

/// Why a lock was not had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another process holds it.
    #[error("{} is held by {holder}: wait for it to end, or end it", path.display())]
    Held {
        /// The lock's file.
        path: PathBuf,
        /// As it described itself.
        holder: String,
    },
    /// The file cannot be opened.
    #[error("{}", path.display())]
    Io {
        /// The lock's file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// How often a held lock is tried again.
const PAUSE: Duration = Duration::from_millis(20);
/// A holder's description is not longer.
const MAX_HOLDER_BYTES: u64 = 200;

impl Lock {
    /// Takes the lock at `path` to do `what`; waits at most `patience` for another holder.
    ///
    /// # Errors
    /// Names the holder.
    pub fn take(path: &Path, what: &str, patience: Duration) -> Result<Self, LockError> {
        let io = |source| LockError::Io { path: path.to_owned(), source };
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
        let begun = Instant::now();
        while let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK && error != rustix::io::Errno::INTR {
                return Err(io(error.into()));
            }
            if begun.elapsed() >= patience {
                let mut holder = String::new();
                let read = file.take(MAX_HOLDER_BYTES).read_to_string(&mut holder);
                let holder = holder.trim().to_owned();
                let holder = if read.is_err() || holder.is_empty() { "another process".to_owned() } else { holder };
                return Err(LockError::Held { path: path.to_owned(), holder });
            }
            std::thread::sleep(PAUSE);
        }
        // On a full disk the holder stays unnamed; the lock holds all the same.
        let name = format!("process {} ({what})\n", std::process::id());
        let _unnamed = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(name.as_bytes()));
        Ok(Self(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_of_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".lock");
        let first = Lock::take(&path, "promote", Duration::ZERO).unwrap();
        let second = Lock::take(&path, "gc", Duration::from_millis(50)).unwrap_err().to_string();
        assert!(second.contains(&format!("process {} (promote)", std::process::id())), "{second}");
        drop(first);
        Lock::take(&path, "gc", Duration::ZERO).unwrap();
        assert!(Lock::take(&dir.path().join("none/.lock"), "gc", Duration::ZERO).is_err());
    }
}
