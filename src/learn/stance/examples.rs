//! From labelled rows to examples of the sentence model.

use super::StancePlan;
use crate::{
    article::Target,
    heads::stance::{Extractor, Known, SeenWord, model::CLASSES, speaks},
    learn::rows::LabelledArticle,
    text::{Document, hash_word, sentences},
};
use std::collections::{HashMap, HashSet};

/// A mention with its gold label.
#[derive(Debug, Clone)]
pub(crate) struct Example {
    /// Dense features.
    pub(crate) dense: Vec<f32>,
    /// Words and their pools.
    pub(crate) words: Vec<SeenWord>,
    /// Hashes of pairs and the bits of their pools.
    pub(crate) pairs: Vec<(u64, u8)>,
    /// Groups and hashes of n-grams.
    pub(crate) grams: Vec<(usize, u64)>,
    /// Supportive, critical, neutral.
    pub(crate) label: usize,
    /// How probable each label is.
    pub(crate) shares: [f32; CLASSES],
    /// What it counts in training.
    pub(crate) weight: f32,
    /// From directed data, whose labels mean something else.
    pub(crate) directed: bool,
}

/// What a label of a row means for training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// How the sentence portrays the target.
    Portrayal,
    /// How one party judges the target.
    Judged,
    /// The target is the one that judges.
    Speaker,
    /// Two parties, no judgement.
    NoJudgement,
    /// A sentence of our own that shows who judges whom.
    Template,
    /// How the sentence portrays the target, as another model sees it.
    Taught,
}

/// A row's stance as it is trained and tested on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Labelled<'a> {
    /// The row.
    pub(crate) row: &'a LabelledArticle,
    /// Index of the stance in the row.
    pub(crate) stance: usize,
    /// Supportive, critical, neutral.
    pub(crate) label: usize,
    /// What the label means.
    pub(crate) kind: Kind,
}

impl Labelled<'_> {
    /// How probable each label is: certain, or as another model told.
    fn shares(&self) -> [f32; CLASSES] {
        let stance = self.row.stances.as_ref().and_then(|s| s.get(self.stance));
        if let Some(percent) = stance.and_then(|s| s.percent) {
            return percent.map(|p| f32::from(p) / 100.0);
        }
        certain(self.label)
    }

    /// The target with the spans of its mentions.
    pub(crate) fn target(&self) -> Target {
        self.row.stances.as_ref().and_then(|s| s.get(self.stance)).map(|s| s.target.clone().into()).unwrap_or_default()
    }
}

/// All for one label.
pub(crate) fn certain(label: usize) -> [f32; CLASSES] {
    std::array::from_fn(|class| f32::from(u8::from(class == label)))
}

/// Index of a label as rows write it.
pub(crate) fn label_index(label: &str) -> Option<usize> {
    ["supportive", "critical", "neutral"].iter().position(|l| *l == label)
}

/// Every stance whose mentions are known, with what its label means.
pub(crate) fn labelled(rows: &[LabelledArticle]) -> Vec<Labelled<'_>> {
    let mut polar: HashSet<(&str, &str, &str)> = HashSet::new();
    for row in rows {
        for s in row.stances.iter().flatten() {
            if let (Some(source), true) = (&s.source_entity, s.label != "neutral") {
                polar.insert((&row.text, &s.target.name, source));
            }
        }
    }
    let mut out = Vec::new();
    for row in rows {
        for (stance, s) in row.stances.iter().flatten().enumerate() {
            let Some(label) = label_index(&s.label).filter(|_| !s.target.mentions.is_empty()) else { continue };
            let kind = match &s.source_entity {
                _ if row.quality.as_deref() == Some("machine") => Kind::Taught,
                None => Kind::Portrayal,
                Some(_) if label != 2 => Kind::Judged,
                Some(source) if polar.contains(&(row.text.as_str(), source.as_str(), s.target.name.as_str())) => {
                    Kind::Speaker
                }
                Some(_) => Kind::NoJudgement,
            };
            out.push(Labelled { row, stance, label, kind });
        }
    }
    out
}

/// Words that the rows write in lower case at least `least` times.
pub(crate) fn vocabulary(rows: &[LabelledArticle], least: u32) -> Known {
    let mut counts: HashMap<u64, u32> = HashMap::new();
    let mut document = Document::default();
    let mut seen = HashSet::new();
    for row in rows {
        if !seen.insert(hash_word(row.text.as_bytes())) {
            continue;
        }
        document.read(&row.title, &row.text);
        for token in document.tokens() {
            if document.surface(token).chars().next().is_some_and(char::is_lowercase) {
                *counts.entry(token.hash).or_default() += 1;
            }
        }
    }
    Known::new(counts.into_iter().filter(|(_, n)| *n >= least).map(|(w, _)| w).collect(), &[])
}

/// Features of each labelled mention; those that weigh nothing are left out.
pub(crate) fn extract(labelled: &[Labelled<'_>], known: &Known, plan: &StancePlan) -> Vec<Example> {
    let mut extractor = Extractor::default();
    let mut document = Document::default();
    let mut out = Vec::with_capacity(labelled.len());
    for item in labelled {
        let weight = plan.weight(item.kind);
        if weight <= 0.0 {
            continue;
        }
        document.read(&item.row.title, &item.row.text);
        if run(&mut extractor, &document, item, known).is_none() {
            continue;
        }
        let dense = extractor.dense();
        // The other model has learned from portrayals alone: it takes who criticises for criticised.
        let misled = item.kind == Kind::Taught && speaks(&dense);
        let weight = if misled { weight * plan.taught_speakers } else { weight };
        if weight <= 0.0 {
            continue;
        }
        out.push(Example {
            dense,
            words: extractor.words(),
            pairs: extractor.pairs(),
            grams: extractor.grams(),
            label: item.label,
            shares: item.shares(),
            weight,
            directed: matches!(item.kind, Kind::Judged | Kind::Speaker | Kind::NoJudgement),
        });
    }
    out
}

/// The dense features of a labelled mention; `None`: it lies in no sentence.
pub(crate) fn dense(item: &Labelled<'_>, known: &Known) -> Option<Vec<f32>> {
    let document = Document::new(&item.row.title, &item.row.text);
    let mut extractor = Extractor::default();
    run(&mut extractor, &document, item, known)?;
    Some(extractor.dense())
}

/// The part of `folds` that a row is in: rows of one group share it, and so do rows of one text.
pub(crate) fn fold(row: &LabelledArticle, folds: usize) -> usize {
    let key = row.group.as_ref().unwrap_or(&row.text);
    (hash_word(key.as_bytes()) % folds as u64) as usize
}

/// Has `extractor` see the sentence from a labelled mention; `None`: it lies in no sentence.
fn run(extractor: &mut Extractor, document: &Document, item: &Labelled<'_>, known: &Known) -> Option<()> {
    let span = document.normalized(*item.target().mentions.first()?);
    let parts = sentences(document);
    let at = parts.iter().position(|s| s.end > span.0)?;
    extractor.begin(parts.len());
    extractor.run(document, (at, parts.get(at)?), &[span], known);
    Some(())
}
