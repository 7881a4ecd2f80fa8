//! What is wrong, by kind: how often, and where first.

use serde::Serialize;
use std::collections::BTreeMap;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Training would refuse it, or its figures would be wrong.
    Error,
    /// To be looked at.
    Warning,
}

/// All findings of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Findings {
    /// How bad it is.
    pub severity: Severity,
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub first: Vec<Finding>,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file.
    pub file: String,
    /// Line or row, from 1.
    pub line: u64,
    /// What is wrong.
    pub message: String,
}

/// Findings in any order, of which the first of each kind are kept.
pub(super) struct Collected {
    kinds: BTreeMap<&'static str, Kind>,
    most: usize,
}

/// File and line.
type Row = (usize, u64);

struct Kind {
    severity: Severity,
    count: u64,
    /// By their rank, of equals what was found first.
    first: BTreeMap<(Row, u64), (Row, String)>,
}

impl Collected {
    /// Keeps at most so many of a kind.
    pub(super) fn new(most: usize) -> Self {
        Self { kinds: BTreeMap::new(), most }
    }

    /// Found anywhere; told in the order of the rows.
    pub(super) fn add(&mut self, severity: Severity, kind: &'static str, file: usize, line: u64, message: String) {
        self.put(severity, kind, (file, line), ((file, line), message));
    }

    /// Told in the order in which they are found.
    pub(super) fn add_ranked(&mut self, severity: Severity, kind: &'static str, found: (Row, String)) {
        self.put(severity, kind, (0, 0), found);
    }

    fn put(&mut self, severity: Severity, kind: &'static str, rank: Row, found: (Row, String)) {
        let kind = self.kinds.entry(kind).or_insert_with(|| Kind { severity, count: 0, first: BTreeMap::new() });
        kind.count += 1;
        kind.first.insert((rank, kind.count), found);
        if kind.first.len() > self.most {
            kind.first.pop_last();
        }
    }

    pub(super) fn into_findings(self, files: &[String]) -> BTreeMap<&'static str, Findings> {
        let finding = |((file, line), message): (Row, String)| {
            let file = files.get(file);
            Finding { file: file.cloned().unwrap_or_default(), line, message }
        };
        let findings = |(name, Kind { severity, count, first })| {
            (name, Findings { severity, count, first: first.into_values().map(finding).collect() })
        };
        self.kinds.into_iter().map(findings).collect()
    }
}
