//! The files that say which version bears a label. The version is on the first line; that of `stable` has the earlier
//! versions below it, the latest first: going back is dropping a line.

use super::{StoreError, error::at, plain};
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

/// More in a label's file and it is no label's file.
const MAX_LABEL_BYTES: u64 = 64 << 10;

/// What a version is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// It answers.
    Stable,
    /// It may be next: answers those who ask for it, and in the shadow of `stable`.
    Candidate,
}

impl Label {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Stable, Self::Candidate];

    /// As in the name of its file and in `name@label`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Candidate => "candidate",
        }
    }
}

/// The versions in a label's file in a model's folder; none where there is no file.
pub(super) fn read(model: &Path, label: Label) -> Result<Vec<String>, StoreError> {
    let path = model.join(label.name());
    let mut text = String::new();
    match File::open(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        file => {
            file.and_then(|f| f.take(MAX_LABEL_BYTES).read_to_string(&mut text)).map_err(at(&path))?;
        }
    }
    let lines: Vec<String> = text.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect();
    lines.iter().try_for_each(|line| plain(line))?;
    Ok(lines)
}

/// Writes a label's file in one step.
pub(super) fn write(model: &Path, label: Label, versions: &[String]) -> Result<(), StoreError> {
    let (path, temporary) =
        (model.join(label.name()), model.join(format!(".{}.{}.tmp", label.name(), std::process::id())));
    let text: String = versions.iter().flat_map(|version| [version.as_str(), "\n"]).collect();
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, &path))
        .and_then(|()| File::open(model)?.sync_all());
    written.map_err(|source| {
        let _gone = fs::remove_file(&temporary);
        StoreError::Io { path, source }
    })
}
