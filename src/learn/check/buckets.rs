//! Records of one size on the disk, dealt out by a hash, so that one bucket at
//! a time fits in memory however many there are. The files have no names: the
//! system removes them whatever becomes of the process.

use std::{
    fs::File,
    io::{self, BufWriter, Read as _, Seek as _, Write as _},
};

/// log2 of the number of buckets: with 100 million rows one is at most about 300 MB. More files at a time are too many for
/// some systems.
const BITS: u32 = 5;

pub(super) struct Buckets<const N: usize>(Vec<BufWriter<File>>);

impl<const N: usize> Buckets<N> {
    /// Empty, in the system's folder for temporary files.
    pub(super) fn new() -> io::Result<Self> {
        (0..1 << BITS).map(|_| tempfile::tempfile().map(BufWriter::new)).collect::<io::Result<_>>().map(Self)
    }

    /// Puts a record in the bucket of a hash, of which the highest bits must be as good as random.
    pub(super) fn add(&mut self, hash: u64, record: [u8; N]) -> io::Result<()> {
        match self.0.get_mut((hash >> (64 - BITS)) as usize) {
            Some(bucket) => bucket.write_all(&record),
            None => Ok(()),
        }
    }

    /// Bucket by bucket: its records, sorted as bytes.
    pub(super) fn each(self, mut bucket: impl FnMut(&[[u8; N]]) -> io::Result<()>) -> io::Result<()> {
        let mut bytes = Vec::new();
        for writer in self.0 {
            let mut file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.rewind()?;
            bytes.clear();
            file.read_to_end(&mut bytes)?;
            let records = bytes.as_chunks_mut().0;
            records.sort_unstable();
            bucket(records)?;
        }
        Ok(())
    }
}

/// Takes numbers off the front of a record.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    /// The next number of `bytes` bytes, the highest first, so that records sort as their numbers do.
    pub(super) fn number(&mut self, bytes: usize) -> u64 {
        let (number, rest) = self.0.split_at(bytes.min(self.0.len()));
        self.0 = rest;
        number.iter().fold(0, |n, b| n << 8 | u64::from(*b))
    }
}
