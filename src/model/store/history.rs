//! What was done to a model: a JSON object a line, in the model's folder.

use super::{StoreError, error::at};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
};

const HISTORY: &str = "history.jsonl";

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

impl Event {
    /// An event of this moment.
    #[must_use]
    pub fn now(action: &str, to: &str) -> Self {
        let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let time = time.map_or(0, |t| t.as_secs());
        Self { time, action: action.to_owned(), to: to.to_owned(), from: None, reason: None, gate: Vec::new() }
    }
}

/// The events of a model's folder, the oldest first. A line that a killed process left unfinished is passed over.
pub(super) fn read(model: &Path) -> Result<Vec<Event>, StoreError> {
    let path = model.join(HISTORY);
    let text = match fs::read_to_string(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => String::new(),
        text => text.map_err(at(&path))?,
    };
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

pub(super) fn record(model: &Path, event: &Event) -> Result<(), StoreError> {
    let path = model.join(HISTORY);
    let line = serde_json::to_string(event).map_err(io::Error::from).map_err(at(&path))?;
    // The line break first: what a killed process left unfinished stays a line of its own.
    let written = OpenOptions::new().create(true).append(true).open(&path).and_then(|mut file| {
        file.write_all(format!("\n{line}\n").as_bytes())?;
        file.sync_all()
    });
    written.map_err(at(&path))
}
