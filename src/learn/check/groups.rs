//! Groups whose articles stand in several parts.

use super::{
    buckets::{Buckets, Reader},
    place::Place,
};
use crate::text::hash_word;
use std::io;

/// Bytes of a group's name that are remembered.
const NAME: usize = 40;
const RECORD: usize = 8 + Place::BYTES + NAME;

/// All groups seen so far.
pub(super) struct Groups(Buckets<RECORD>);

impl Groups {
    pub(super) fn new() -> io::Result<Self> {
        Buckets::new().map(Self)
    }

    pub(super) fn add(&mut self, group: &str, place: Place) -> io::Result<()> {
        let hash = hash_word(group.as_bytes());
        let mut record = [0; RECORD];
        record[..8].copy_from_slice(&hash.to_be_bytes());
        record[8..][..Place::BYTES].copy_from_slice(&place.to_bytes());
        // A letter that is cut in two is shown as a replacement character.
        let name = &group.as_bytes()[..group.len().min(NAME)];
        record[8 + Place::BYTES..][..name.len()].copy_from_slice(name);
        self.0.add(hash, record)
    }

    /// Calls `each` for each group in several parts: its name, its first row, and the first one in another part.
    pub(super) fn finish(self, mut each: impl FnMut(&str, Place, Place)) -> io::Result<()> {
        self.0.each(|records| {
            for group in records.chunk_by(|a, b| a[..8] == b[..8]) {
                let place = |record: &[u8; RECORD]| Place::read(&mut Reader(&record[8..]));
                let Some((first, others)) = group.split_first() else { continue };
                let first_place = place(first);
                if let Some(other) = others.iter().map(place).find(|p| p.split != first_place.split) {
                    let name = String::from_utf8_lossy(&first[8 + Place::BYTES..]);
                    each(name.trim_end_matches('\0'), first_place, other);
                }
            }
            Ok(())
        })
    }
}
