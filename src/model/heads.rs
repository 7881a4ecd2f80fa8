//! The heads of a model, and their files.

use super::{Files, Space};
use crate::heads::topic::TopicHead;

const TOPIC: &str = "topic.json";

/// The heads of a model; a model may lack some.
#[derive(Debug, Clone, Default)]
pub struct Heads {
    /// What the story is about.
    pub topic: Option<TopicHead>,
}

impl Heads {
    /// Adds the heads' files.
    ///
    /// # Errors
    /// When a number cannot be written as JSON; never in practice.
    pub fn save(&self, files: &mut Files) -> Result<(), String> {
        if let Some(topic) = &self.topic {
            let json = serde_json::to_vec_pretty(topic).map_err(|e| e.to_string())?;
            files.insert(TOPIC.to_owned(), json.into());
        }
        Ok(())
    }

    /// Reads the heads that the files hold.
    ///
    /// # Errors
    /// The file's name and what is wrong with it.
    pub fn load(files: &Files, space: &Space) -> Result<Self, (&'static str, String)> {
        Ok(Self { topic: topic(files, space)? })
    }
}

fn topic(files: &Files, space: &Space) -> Result<Option<TopicHead>, (&'static str, String)> {
    let Some(bytes) = files.get(TOPIC) else { return Ok(None) };
    let head: TopicHead = serde_json::from_slice(bytes).map_err(|e| (TOPIC, e.to_string()))?;
    head.check().map_err(|e| (TOPIC, e))?;
    if head.labels.len() != space.columns.topic {
        return Err((TOPIC, format!("{} labels for {} columns", head.labels.len(), space.columns.topic)));
    }
    Ok(Some(head))
}
