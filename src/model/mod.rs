//! STAND-IN until the real module is merged; see the brief. Deterministic plumbing only.
#![allow(missing_docs)]
use crate::{
    article::{Article, Field, Span, Target},
    prediction::{
        Country, Desk, Head, Language, Options, PlaceKind, PlaceMention, Prediction, RegionResult, StanceEvidence,
        StanceLabel, StanceResult, TopicLabel, TopicResult,
    },
};
use std::{collections::BTreeMap, path::Path};

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Identity {
    pub name: String,
    pub version: String,
    pub digest: String,
}

#[derive(Default)]
pub struct Scratch {
    _buffers: (),
}

pub struct Classifier {
    identity: Identity,
    card: Card,
}

#[derive(Clone, Debug, Default)]
pub struct Card {
    pub created: i64,
    pub heads: Vec<HeadCard>,
    pub data: Vec<DataSource>,
    pub data_digest: String,
    pub feature_digest: String,
    pub seed: u64,
    pub markdown: String,
}
#[derive(Clone, Debug, Default)]
pub struct HeadCard {
    pub head: String,
    pub labels: Vec<LabelCard>,
    pub languages: Vec<String>,
    pub metrics: Vec<Metric>,
}
#[derive(Clone, Debug, Default)]
pub struct LabelCard {
    pub id: String,
    pub name: String,
    pub definition: String,
    pub examples: u64,
    pub names: BTreeMap<String, String>,
}
#[derive(Clone, Debug, Default)]
pub struct Metric {
    pub name: String,
    pub dataset: String,
    pub value: f64,
    pub low: f64,
    pub high: f64,
    pub majority: f64,
    pub articles: u64,
}
#[derive(Clone, Debug, Default)]
pub struct DataSource {
    pub name: String,
    pub licence: String,
    pub rows: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("{0}: no model bundle: manifest.json is missing")]
    Missing(String),
}

impl Classifier {
    pub fn embedded() -> Result<Self, BundleError> {
        let identity = Identity { name: "default".into(), version: "0.0.0".into(), digest: "0".repeat(64) };
        let head = |h: Head| HeadCard { head: h.name().into(), languages: vec!["en".into()], ..HeadCard::default() };
        let card = Card {
            heads: Head::ALL.map(head).to_vec(),
            markdown: "# default\n\nA stand-in.\n".into(),
            ..Card::default()
        };
        Ok(Self { identity, card })
    }
    pub fn open(dir: &Path) -> Result<Self, BundleError> {
        if dir.join("manifest.json").is_file() {
            return Self::embedded();
        }
        Err(BundleError::Missing(dir.display().to_string()))
    }
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
    pub fn card(&self) -> &Card {
        &self.card
    }
    pub fn has(&self, _: Head) -> bool {
        true
    }
    pub fn classify(&self, article: &Article, targets: &[Target], options: &Options, _: &mut Scratch) -> Prediction {
        let document = crate::text::Document::new(&article.title, &article.text);
        let p = 1.0 / (1.0 + document.tokens().len() as f64);
        let span = |s: &str| {
            article.text.find(s).map(|b| Span { begin: b as u32, end: (b + s.len()) as u32, field: Field::Text })
        };
        let labels = (0..17).map(|i| TopicLabel {
            id: format!("medtop:{:02}000000", i + 1),
            name: format!("topic {i}"),
            probability: if i == 0 { 1.0 - p } else { p / 16.0 },
        });
        let mut labels: Vec<_> = labels.collect();
        if options.top_k > 0 {
            labels.truncate(options.top_k);
        }
        let stances = targets.iter().map(|t| StanceResult {
            target: t.name.clone(),
            label: if span(&t.name).is_some() { StanceLabel::Neutral } else { StanceLabel::TargetNotFound },
            probability: 1.0 - p,
            mentions: 1,
            supportive: 0,
            critical: 0,
            neutral: 1,
            evidence: span(&t.name)
                .map(|s| StanceEvidence {
                    sentence: s,
                    mention: s,
                    label: StanceLabel::Neutral,
                    probability: p,
                    quoted: false,
                })
                .into_iter()
                .collect(),
            abstained: None,
        });
        Prediction {
            topic: options.wants(Head::Topic).then(|| TopicResult { labels, abstained: None, evidence: vec![] }),
            region: options.wants(Head::Region).then(|| RegionResult {
                primary_desk: "MENA".into(),
                desks: vec![Desk { code: "MENA".into(), name: "Middle East".into(), probability: p }],
                countries: vec![Country {
                    code: "SY".into(),
                    name: "Syria".into(),
                    probability: p,
                    subregion: "Western Asia".into(),
                    desk: "MENA".into(),
                }],
                mentions: span("Syria")
                    .map(|span| PlaceMention {
                        surface: "Syria".into(),
                        span,
                        country: "SY".into(),
                        kind: PlaceKind::Country,
                    })
                    .into_iter()
                    .collect(),
                abstained: None,
                evidence: vec![],
            }),
            stances: if options.wants(Head::Stance) { stances.collect() } else { vec![] },
            language: Language {
                code: if article.language.is_empty() { "en".into() } else { article.language.clone() },
                detected: article.language.is_empty(),
            },
        }
    }
}

pub fn verify(dir: &Path) -> Result<Identity, BundleError> {
    Classifier::open(dir).map(|c| c.identity)
}
