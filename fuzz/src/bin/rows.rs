//! The readers of files: JSON lines, CSV, TSV, Parquet, plain and compressed. Each row is read or refused with its line.
#![no_main]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use libfuzzer_sys::fuzz_target;
use std::{fs, path::PathBuf, sync::LazyLock};
use tempfile::TempDir;
use wiredesk::rows::read_rows;

const NAMES: [&str; 8] =
    ["a.jsonl", "a.csv", "a.tsv", "a.parquet", "a.jsonl.gz", "a.jsonl.zst", "a.csv.gz", "a.csv.zst"];

static DIR: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

fuzz_target!(|data: &[u8]| {
    let Some((kind, content)) = data.split_first() else { return };
    let path: PathBuf = DIR.path().join(NAMES[usize::from(kind % 8)]);
    fs::write(&path, content).unwrap();
    let mut last = 0;
    let read = read_rows(&path, |row| {
        let line = match row {
            Ok(row) => row.line,
            Err(error) => {
                assert!(!error.message.is_empty());
                error.line
            }
        };
        // Two rows may stand on one line: a lone carriage return ends a row of CSV, too.
        assert!(line >= last, "line {line} after {last}");
        last = line;
    });
    if let Err(error) = read {
        assert!(!error.to_string().is_empty());
    }
});
