//! Where a row stands, in memory and on the disk.

use super::buckets::Reader;
use crate::rows::Split;

/// Where an article stands, and what of it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: u32,
    pub(super) line: u64,
    pub(super) split: Split,
    /// Hash of its topic label, 0 for none.
    pub(super) label: u64,
}

impl Place {
    /// Bytes of a place.
    pub(super) const BYTES: usize = 21;

    /// As bytes that sort by file and line.
    pub(super) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..4].copy_from_slice(&self.file.to_be_bytes());
        bytes[4..12].copy_from_slice(&self.line.to_be_bytes());
        bytes[12] = self.split as u8;
        bytes[13..].copy_from_slice(&self.label.to_be_bytes());
        bytes
    }

    /// The next place of a record.
    pub(super) fn read(record: &mut Reader<'_>) -> Self {
        let (file, line) = (record.number(4) as u32, record.number(8));
        let split = match record.number(1) {
            part if part == Split::Train as u64 => Split::Train,
            part if part == Split::Dev as u64 => Split::Dev,
            _ => Split::Test,
        };
        Self { file, line, split, label: record.number(8) }
    }
}
