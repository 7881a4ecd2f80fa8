//! Topic labels: a taxonomy is a file, not code.

mod media_topics;

pub use media_topics::rolled_up;

use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Mutex, PoisonError},
};

/// The id or name of a label that a model answers with. It is kept once, for the life of the process: answers copy
/// nothing, and the models that a process opens hardly differ in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Name(&'static str);

impl Name {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
        // Nothing panics while it is held, so it is whole.
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.get(name).copied();
        Self(known.unwrap_or_else(|| {
            let name: &'static str = String::leak(name.to_owned());
            kept.insert(name);
            name
        }))
    }
}

impl From<String> for Name {
    fn from(name: String) -> Self {
        name.as_str().into()
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

impl std::ops::Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        self.0
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// One label.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicDefinition {
    /// Stable id, for example `medtop:16000000`.
    pub id: String,
    /// Name in English.
    pub name: String,
    /// What it takes in.
    #[serde(default)]
    pub definition: String,
    /// Names in other languages, by BCP 47 tag.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    /// Id of the next broader label, as `skos:broader`; empty at the top.
    #[serde(default)]
    pub broader: String,
}

/// A set of topic labels.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taxonomy {
    /// Where it comes from and its licence.
    pub source: String,
    /// The labels, in the order of their columns.
    pub labels: Vec<TopicDefinition>,
}

/// The 17 top-level IPTC Media Topics.
const IPTC: &str = include_str!("../../data/iptc-mediatopics.json");
/// The 121 of the second level.
const IPTC_SECOND: &str = include_str!("../../data/iptc-mediatopics-2.json");

impl Taxonomy {
    /// One that comes with the program, by the name that settings know it by.
    ///
    /// # Errors
    /// Never, as [`iptc`](Self::iptc).
    pub fn named(name: &str) -> Option<Result<Self, String>> {
        match name {
            "iptc" => Some(Self::iptc()),
            "iptc-2" => Some(Self::iptc_second()),
            _ => None,
        }
    }

    /// The IPTC Media Topics of the second level (the same version).
    ///
    /// # Errors
    /// Never, as [`iptc`](Self::iptc).
    pub fn iptc_second() -> Result<Self, String> {
        Self::parse(IPTC_SECOND)
    }

    /// The 17 top-level IPTC Media Topics (version 2023-10-24, CC BY 4.0).
    ///
    /// # Errors
    /// Never: the file is part of the crate, and a test reads it.
    pub fn iptc() -> Result<Self, String> {
        Self::parse(IPTC)
    }

    /// Reads `{"source": ..., "labels": [{"id", "name", "definition"?, "names"?, "broader"?}]}`.
    ///
    /// # Errors
    /// When it is not that, or two labels share an id or a name.
    pub fn parse(json: &str) -> Result<Self, String> {
        let taxonomy: Self = serde_json::from_str(json).map_err(|e| e.to_string())?;
        let (mut ids, mut names) = (HashSet::new(), HashSet::new());
        for label in &taxonomy.labels {
            if label.id.trim().is_empty() {
                return Err("a label has an empty id".to_owned());
            }
            if !ids.insert(label.id.to_lowercase()) || !names.insert(label.name.to_lowercase()) {
                return Err(format!("two labels share the id or name of {:?}", label.id));
            }
        }
        Ok(taxonomy)
    }

    /// A taxonomy of plain labels, each its own id and name.
    #[must_use]
    pub fn of_labels(labels: impl IntoIterator<Item = String>) -> Self {
        let definition = |id: String| TopicDefinition { name: id.clone(), id, ..TopicDefinition::default() };
        Self { source: "labels of the training data".to_owned(), labels: labels.into_iter().map(definition).collect() }
    }

    /// The place of a label, by id or by English name, in any case. A Media Topic that is no label itself is the next
    /// broader one that is.
    #[must_use]
    pub fn position(&self, id_or_name: &str) -> Option<usize> {
        rolled_up(id_or_name, |wanted| {
            let wanted = wanted.trim().to_lowercase();
            self.labels.iter().position(|l| l.id.to_lowercase() == wanted || l.name.to_lowercase() == wanted)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_once() {
        let [a, b] = [Name::from("health"), Name::from("health".to_owned())];
        assert!(std::ptr::eq(a.as_str(), b.as_str()) && a != Name::from("sport"));
        let read: Name = serde_json::from_str("\"health\"").unwrap();
        assert_eq!((read, serde_json::to_string(&read).unwrap()), (a, "\"health\"".to_owned()));
    }

    #[test]
    fn holds_the_media_topics() {
        let iptc = Taxonomy::iptc().unwrap();
        assert_eq!(iptc.labels.len(), 17);
        let conflict = &iptc.labels[iptc.position("Conflict, War and Peace").unwrap()];
        assert_eq!(conflict.id, "medtop:16000000");
        assert!(!conflict.definition.is_empty() && conflict.names.contains_key("ar"));
        assert_eq!(iptc.position("medtop:16000000"), iptc.position("conflict, war and peace"));
        assert_eq!(iptc.position("gossip"), None);
    }

    #[test]
    fn refuses_doubles() {
        let twice = r#"{"source":"x","labels":[{"id":"a","name":"A"},{"id":"a","name":"B"}]}"#;
        assert!(Taxonomy::parse(twice).is_err());
    }
}
