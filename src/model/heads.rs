//! The heads of a model, and their files.

use super::{Files, Space};
use crate::{
    heads::{region::RegionHead, stance::StanceHead, topic::TopicHead},
    places::Gazetteer,
};
use serde::{Deserialize, Serialize};

const TOPIC: &str = "topic.json";
const REGION: &str = "region.json";
const GAZETTEER: &str = "gazetteer.tsv";
const GAZETTEER_LICENCES: &str = "GAZETTEER_LICENSES.md";
const STANCE: &str = "stance.json";

/// The heads of a model; a model may lack some.
#[derive(Debug, Clone, Default)]
pub struct Heads {
    /// What the story is about.
    pub topic: Option<TopicHead>,
    /// Which countries it is about.
    pub region: Option<Region>,
    /// Which way it points toward a named party.
    pub stance: Option<StanceHead>,
}

/// The region head with what it reads.
#[derive(Debug, Clone)]
pub struct Region {
    /// The ranker and the mix of desks.
    pub head: RegionHead,
    /// Divides the scores of the desks' columns before the softmax; `None`: the table has no such columns.
    pub prior_temperature: Option<f64>,
    /// The names of places.
    pub gazetteer: Gazetteer,
    /// The gazetteer as it came, for writing the bundle.
    pub gazetteer_file: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegionFile {
    prior_temperature: Option<f64>,
    head: RegionHead,
}

impl Heads {
    /// Adds the heads' files.
    ///
    /// # Errors
    /// When a number cannot be written as JSON; never in practice.
    pub fn save(&self, files: &mut Files) -> Result<(), String> {
        if let Some(topic) = &self.topic {
            files.insert(TOPIC.to_owned(), json(topic)?.into());
        }
        if let Some(region) = &self.region {
            let file = RegionFile { prior_temperature: region.prior_temperature, head: region.head.clone() };
            files.insert(REGION.to_owned(), json(&file)?.into());
            files.insert(GAZETTEER.to_owned(), region.gazetteer_file.clone().into());
            files.insert(GAZETTEER_LICENCES.to_owned(), crate::places::GAZETTEER_LICENSES.as_bytes().into());
        }
        if let Some(stance) = &self.stance {
            files.extend(stance.to_files().into_iter().map(|(name, bytes)| (name, bytes.into())));
        }
        Ok(())
    }

    /// Reads the heads that the files hold.
    ///
    /// # Errors
    /// The file's name and what is wrong with it.
    pub fn load(files: &Files, space: &Space) -> Result<Self, (&'static str, String)> {
        Ok(Self { topic: topic(files, space)?, region: region(files, space)?, stance: stance(files)? })
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, String> {
    serde_json::to_vec_pretty(value).map_err(|e| e.to_string())
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

fn region(files: &Files, space: &Space) -> Result<Option<Region>, (&'static str, String)> {
    let Some(bytes) = files.get(REGION) else { return Ok(None) };
    let file: RegionFile = serde_json::from_slice(bytes).map_err(|e| (REGION, e.to_string()))?;
    file.head.check().map_err(|e| (REGION, e))?;
    let due = crate::places::countries::DESKS.len() + 1;
    if file.prior_temperature.is_some_and(|t| !(t.is_finite() && t > 0.0) || space.columns.desk != due) {
        return Err((REGION, format!("a temperature above 0 and {due} columns are due")));
    }
    let raw = files.get(GAZETTEER).ok_or((GAZETTEER, "missing from the bundle".to_owned()))?;
    let gazetteer = Gazetteer::parse(raw).map_err(|e| (GAZETTEER, e))?;
    let (head, prior_temperature) = (file.head, file.prior_temperature);
    Ok(Some(Region { head, prior_temperature, gazetteer, gazetteer_file: raw.to_vec() }))
}

fn stance(files: &Files) -> Result<Option<StanceHead>, (&'static str, String)> {
    if !files.contains_key(STANCE) {
        return Ok(None);
    }
    StanceHead::from_files(&|name| files.get(name).map(AsRef::as_ref)).map(Some).map_err(|e| (STANCE, e))
}
