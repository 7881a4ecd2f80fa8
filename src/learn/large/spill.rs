//! Encoded rows on the disk, in buckets by lot: a bucket fits in memory, and
//! rows of one bucket may come from anywhere, so that visiting bucket by bucket
//! is as good as visiting all rows in a random order.

use crate::features::TfIdf;
use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{RngCore, SeedableRng},
};
use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

/// What training needs of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Encoded {
    /// Column of its topic.
    pub(super) topic: Option<u16>,
    /// Whether it is no news; `None`: nobody said what it is.
    pub(super) other: Option<bool>,
    /// How much it counts for the topic.
    pub(super) weight: f32,
    pub(super) features: TfIdf,
}

/// More open files are not asked of the system.
pub(super) const MOST_BUCKETS: u64 = 256;

/// The buckets while they are filled.
pub(super) struct Spill {
    files: Vec<(PathBuf, BufWriter<File>)>,
    random: Xoshiro256PlusPlus,
}

impl Spill {
    /// Empty buckets in a folder.
    pub(super) fn create(dir: &Path, buckets: u64, seed: u64) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let file = |i: u64| {
            let path = dir.join(format!("rows-{i:03}"));
            Ok((path.clone(), BufWriter::with_capacity(32 << 10, File::create(path)?)))
        };
        let files = (0..buckets.clamp(1, MOST_BUCKETS)).map(file).collect::<io::Result<_>>()?;
        Ok(Self { files, random: Xoshiro256PlusPlus::seed_from_u64(seed) })
    }

    /// Puts a row in a bucket.
    pub(super) fn add(&mut self, row: &Encoded) -> io::Result<()> {
        let at = (self.random.next_u64() % self.files.len() as u64) as usize;
        let file = &mut self.files[at].1;
        let other = row.other.map_or(0u8, |other| 1 + u8::from(other));
        file.write_all(&row.topic.unwrap_or(u16::MAX).to_le_bytes())?;
        file.write_all(&[other])?;
        file.write_all(&row.weight.to_le_bytes())?;
        file.write_all(&(row.features.slots.len() as u32).to_le_bytes())?;
        for (slot, value) in row.features.slots.iter().zip(&row.features.values) {
            file.write_all(&slot.to_le_bytes())?;
            file.write_all(&value.to_le_bytes())?;
        }
        Ok(())
    }

    /// The buckets, full.
    pub(super) fn close(self) -> io::Result<Buckets> {
        let close = |(path, mut file): (PathBuf, BufWriter<File>)| file.flush().map(|()| path);
        Ok(Buckets(self.files.into_iter().map(close).collect::<io::Result<_>>()?))
    }
}

fn four(file: &mut impl Read) -> io::Result<[u8; 4]> {
    let mut bytes = [0; 4];
    file.read_exact(&mut bytes).map(|()| bytes)
}

/// Full buckets; deleted when they are dropped.
pub(super) struct Buckets(Vec<PathBuf>);

impl Buckets {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The rows of one bucket, in the order in which they came.
    pub(super) fn read(&self, bucket: usize) -> io::Result<Vec<Encoded>> {
        let mut file = BufReader::with_capacity(1 << 20, File::open(&self.0[bucket])?);
        let mut rows = Vec::new();
        let mut topic = [0; 2];
        while file.read(&mut topic[..1])? == 1 {
            file.read_exact(&mut topic[1..])?;
            let topic = Some(u16::from_le_bytes(topic)).filter(|t| *t != u16::MAX);
            let mut other = [0; 1];
            file.read_exact(&mut other)?;
            let weight = f32::from_le_bytes(four(&mut file)?);
            let length = u32::from_le_bytes(four(&mut file)?) as usize;
            let mut features = TfIdf { slots: Vec::with_capacity(length), values: Vec::with_capacity(length) };
            for _ in 0..length {
                features.slots.push(u32::from_le_bytes(four(&mut file)?));
                features.values.push(f32::from_le_bytes(four(&mut file)?));
            }
            let other = (other[0] > 0).then_some(other[0] == 2);
            rows.push(Encoded { topic, other, weight, features });
        }
        Ok(rows)
    }
}

impl Drop for Buckets {
    fn drop(&mut self) {
        for path in &self.0 {
            let _left_behind = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_rows_come_back_and_every_bucket_has_some() {
        let dir = tempfile::tempdir().unwrap();
        let row = |i: u16| Encoded {
            topic: (!i.is_multiple_of(3)).then_some(i),
            other: [None, Some(false), Some(true)][usize::from(i) % 3],
            weight: f32::from(i),
            features: TfIdf { slots: (0..u32::from(i % 5)).collect(), values: vec![0.5; usize::from(i % 5)] },
        };
        let mut spill = Spill::create(dir.path(), 4, 1).unwrap();
        (0..400).for_each(|i| spill.add(&row(i)).unwrap());
        let buckets = spill.close().unwrap();
        let mut back: Vec<Encoded> = Vec::new();
        for bucket in 0..buckets.len() {
            let rows = buckets.read(bucket).unwrap();
            assert!((60..140).contains(&rows.len()), "{}", rows.len());
            back.extend(rows);
        }
        back.sort_by(|a, b| a.weight.total_cmp(&b.weight));
        assert_eq!(back, (0..400).map(row).collect::<Vec<_>>());
        drop(buckets);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
