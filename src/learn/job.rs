//! A long piece of work: how far it is, where it can go on after a kill, on
//! how many threads it runs, and whether it is to stop.
//!
//! Checkpoints are files of numbers beside the result, each written whole and
//! renamed. One that belongs to other rows or settings, or that is damaged, is
//! as good as none: what it would have spared is computed again, and the result
//! has the same bytes either way.

use sha2::{Digest, Sha256};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

/// Gets told what is done now, and how many of how many steps of it are behind; 0 of 0: not known.
pub type Tell<'a> = dyn Fn(&str, u64, u64) + Sync + 'a;

/// The work's surroundings.
pub struct Job<'a> {
    /// Threads to compute on. Their number changes no result.
    pub threads: usize,
    tell: &'a Tell<'a>,
    stop: &'a AtomicBool,
    checkpoints: Option<Checkpoints>,
}

/// The work was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

static NEVER: AtomicBool = AtomicBool::new(false);

impl<'a> Job<'a> {
    /// Work that tells nothing, keeps nothing and is never stopped.
    #[must_use]
    pub fn quiet() -> Job<'static> {
        Job { threads: 1, tell: &|_, _, _| {}, stop: &NEVER, checkpoints: None }
    }

    /// Work that `tell` hears of and that stops once `stop` is set.
    #[must_use]
    pub fn new(threads: usize, tell: &'a Tell<'a>, stop: &'a AtomicBool, checkpoints: Option<Checkpoints>) -> Self {
        Self { threads: threads.max(1), tell, stop, checkpoints }
    }

    /// Says what is done now.
    pub fn say(&self, what: &str) {
        (self.tell)(what, 0, 0);
    }

    /// Says how far it is.
    ///
    /// # Errors
    /// When the work is to stop.
    pub fn step(&self, what: &str, done: u64, of: u64) -> Result<(), Interrupted> {
        (self.tell)(what, done, of);
        self.go_on()
    }

    /// # Errors
    /// When the work is to stop.
    pub fn go_on(&self) -> Result<(), Interrupted> {
        if self.stop.load(Ordering::Relaxed) { Err(Interrupted) } else { Ok(()) }
    }

    /// The checkpoint of a part of the work, if it was kept.
    #[must_use]
    pub fn kept(&self, name: &str) -> Option<Vec<Vec<f32>>> {
        self.checkpoints.as_ref()?.load(name)
    }

    /// Keeps a checkpoint of a part of the work. One that cannot be written is only missed after a kill.
    pub fn keep(&self, name: &str, sections: &[&[f32]]) {
        if let Some(checkpoints) = &self.checkpoints
            && let Err(error) = checkpoints.save(name, sections)
        {
            tracing::warn!("no checkpoint of {name}: {}: {error}", checkpoints.dir.display());
        }
    }

    /// The same work under other checkpoints.
    #[must_use]
    pub fn with_checkpoints(&self, checkpoints: Option<Checkpoints>) -> Job<'_> {
        Job { threads: self.threads, tell: self.tell, stop: self.stop, checkpoints }
    }

    /// Applies `each` to all items, in order, on all threads; each thread has a scratch of its own.
    pub fn map<T: Send, S, R: Send>(
        &self,
        mut items: Vec<T>,
        scratch: impl Fn() -> S + Sync,
        each: impl Fn(&mut S, T) -> R + Sync,
    ) -> Vec<R> {
        let part = |items: Vec<T>| {
            let mut scratch = scratch();
            items.into_iter().map(|item| each(&mut scratch, item)).collect::<Vec<R>>()
        };
        if self.threads == 1 || items.len() < 2 {
            return part(items);
        }
        let size = items.len().div_ceil(self.threads);
        std::thread::scope(|scope| {
            let (part, mut running) = (&part, Vec::new());
            while !items.is_empty() {
                let rest = items.split_off(size.min(items.len()));
                let chunk = std::mem::replace(&mut items, rest);
                running.push(scope.spawn(move || part(chunk)));
            }
            let joined = running.into_iter().map(|thread| thread.join());
            joined.flat_map(|done| done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        })
    }
}

/// A folder of checkpoints of one piece of work.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    dir: PathBuf,
    /// SHA-256 over everything that decides the work's result.
    key: [u8; 32],
}

impl Checkpoints {
    /// Checkpoints in `dir` for the work that `inputs` decide.
    #[must_use]
    pub fn new(dir: &Path, inputs: &[&[u8]]) -> Self {
        let mut key = Sha256::new();
        for input in inputs {
            key.update((input.len() as u64).to_le_bytes());
            key.update(input);
        }
        Self { dir: dir.to_owned(), key: key.finalize().into() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.checkpoint"))
    }

    fn save(&self, name: &str, sections: &[&[f32]]) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        let mut bytes = self.key.to_vec();
        for section in sections {
            bytes.extend((section.len() as u64).to_le_bytes());
            bytes.extend(section.iter().flat_map(|n| n.to_le_bytes()));
        }
        let sum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&sum);
        let temporary = self.dir.join(format!(".{name}.tmp"));
        fs::write(&temporary, bytes)?;
        fs::rename(temporary, self.path(name))
    }

    fn load(&self, name: &str) -> Option<Vec<Vec<f32>>> {
        let bytes = fs::read(self.path(name)).ok()?;
        let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
        let mut rest = body.strip_prefix(&self.key)?;
        if Sha256::digest(body).as_slice() != sum {
            return None;
        }
        let mut sections = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk::<8>() {
            let length = usize::try_from(u64::from_le_bytes(*length)).ok()?.checked_mul(4)?;
            let (numbers, after) = after.split_at_checked(length)?;
            sections.push(numbers.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect());
            rest = after;
        }
        Some(sections)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_of_other_work_or_a_damaged_one_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let own = Checkpoints::new(dir.path(), &[b"rows", b"settings"]);
        own.save("topic", &[&[1.5, -2.0], &[], &[3.0]]).unwrap();
        assert_eq!(own.load("topic").unwrap(), [vec![1.5, -2.0], vec![], vec![3.0]]);
        assert!(own.load("desk").is_none());
        assert!(Checkpoints::new(dir.path(), &[b"rowss", b"ettings"]).load("topic").is_none());
        let whole = fs::read(own.path("topic")).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(own.path("topic"), &damaged).unwrap();
            assert!(own.load("topic").is_none(), "byte {at}");
            fs::write(own.path("topic"), &whole[..at]).unwrap();
            assert!(own.load("topic").is_none(), "cut at {at}");
        }
    }

    #[test]
    fn threads_keep_the_order() {
        let items: Vec<u32> = (0..101).collect();
        for threads in [1, 2, 3, 7, 200] {
            let job = Job { threads, ..Job::quiet() };
            let squares = job.map(items.clone(), || 0u32, |_, i| i * i);
            assert_eq!(squares, items.iter().map(|i| i * i).collect::<Vec<_>>(), "{threads}");
        }
    }
}
