//! The first two passes: what rows there are, and what is in them.

use super::read::{Given, Reader};
use crate::{
    learn::{
        config::{TopicConfig, TrainConfig},
        domain::is_other,
        load::{Sources, is_aside, is_late, row_line},
        rows::{LabelledArticle, RowError, Split},
        topic::{MIN_EXAMPLES, primary, row_weight, unknown},
        train::TrainError,
        vocabulary::{Vocabulary, features_once},
    },
    taxonomy::Taxonomy,
    text::{Document, hash_word},
};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::PathBuf,
};

/// Complaints that are held; there may be more.
const MOST_COMPLAINTS: usize = 1_000;

/// What the first pass tells.
pub(super) struct Scan {
    /// SHA-256 over the rows: the same as of a training in memory.
    pub(super) digest: String,
    /// Rows that were read.
    pub(super) rows: u64,
    /// Topic labels, as the rows have them.
    pub(super) labels: BTreeSet<String>,
    /// The first rows that cannot be used.
    pub(super) bad: Vec<RowError>,
    has_dev: bool,
    /// Hashes of the groups that reach the day from which on rows are set aside.
    late: HashSet<u64>,
}

impl Scan {
    /// The part of a row, which is the `row`th.
    pub(super) fn split(&self, given: &Given, row: usize, config: &TrainConfig) -> Split {
        let article = &given.article;
        if article.split != Split::Train || given.measured_only || self.has_dev {
            return article.split;
        }
        let aside = if config.dev_from.is_empty() {
            is_aside(article, row, config)
        } else {
            let group = article.group.as_ref().map(|g| hash_word(g.as_bytes()));
            is_late(article, &config.dev_from) || group.is_some_and(|g| self.late.contains(&g))
        };
        if aside { Split::Dev } else { Split::Train }
    }
}

pub(super) fn scan(reader: &Reader<'_>) -> Result<Scan, TrainError> {
    let mut digest = Sha256::new();
    let (labels, late) = (BTreeSet::new(), HashSet::new());
    let mut scan = Scan { digest: String::new(), rows: 0, labels, bad: Vec::new(), has_dev: false, late };
    let prepare = |(): &mut (), given: Given| {
        let line = if given.measured_only { String::new() } else { row_line(&given.article) };
        (given, line)
    };
    let any_label = reader.config.topic.taxonomy.to_str() == Some("labels");
    reader.pass(
        "reading the rows",
        0,
        || (),
        prepare,
        |read| {
            scan.rows += 1;
            let (given, line) = match read {
                Ok(read) => read,
                Err(error) => {
                    if scan.bad.len() < MOST_COMPLAINTS {
                        scan.bad.push(error);
                    }
                    return Ok(());
                }
            };
            if given.measured_only {
                return Ok(());
            }
            let article = given.article;
            digest.update((line.len() as u64).to_le_bytes());
            digest.update(line.as_bytes());
            scan.has_dev |= article.split == Split::Dev;
            let from = &reader.config.dev_from;
            if let Some(group) = article.group.as_ref().filter(|_| !from.is_empty() && is_late(&article, from)) {
                scan.late.insert(hash_word(group.as_bytes()));
            }
            if let Some(label) = article.topic.filter(|label| any_label && !label.trim().is_empty()) {
                scan.labels.insert(label.trim().to_owned());
            }
            Ok(())
        },
    )?;
    scan.digest = digest.finalize().iter().map(|b| format!("{b:02x}")).collect();
    Ok(scan)
}

/// What the second pass tells.
pub(super) struct Counted {
    pub(super) vocabulary: Vocabulary,
    /// Positions of the labels in the taxonomy; a label's place here is its column.
    pub(super) labels: Vec<usize>,
    /// Training rows of each.
    pub(super) examples: Vec<u64>,
    /// Training rows with a topic.
    pub(super) topic_rows: u64,
    /// Training rows that are news, and those that are not.
    pub(super) domain: [u64; 2],
    pub(super) languages: BTreeSet<String>,
    pub(super) sources: Sources,
    columns: BTreeMap<String, usize>,
    /// Training rows with a topic, by data set.
    sets: BTreeMap<String, f32>,
    /// Distinct features of all training rows.
    features: u64,
}

impl Counted {
    /// The column of a topic.
    pub(super) fn column(&self, topic: &str) -> Option<usize> {
        self.columns.get(topic).copied()
    }

    /// How much a training row counts, up to a factor.
    pub(super) fn weight(&self, article: &LabelledArticle, column: usize, config: &TopicConfig) -> f32 {
        let set = self.sets.get(article.dataset.as_deref().unwrap_or("")).copied().unwrap_or(1.0);
        row_weight(article, set, self.examples[column] as f32, config)
    }

    /// Bytes that the encoded rows take in memory, with a dense block of so many bytes each.
    pub(super) fn bytes(&self, dense: u64) -> u64 {
        // Read and prepared, each number and place; and what holds a row together.
        self.features * 16 + self.domain.iter().sum::<u64>() * (dense + 160)
    }
}

pub(super) fn count(
    reader: &Reader<'_>,
    scan: &Scan,
    taxonomy: &Taxonomy,
    most_features: usize,
) -> Result<Counted, TrainError> {
    let params = reader.config.features.params();
    let mut vocabulary = Vocabulary::default();
    let (mut domain, mut features, mut row) = ([0; 2], 0u64, 0usize);
    let (mut languages, mut sources, mut sets) = (BTreeSet::new(), Sources::default(), BTreeMap::new());
    let (mut by_topic, mut errors) = (BTreeMap::<String, [u64; 2]>::new(), Vec::new());
    let prepare = |document: &mut Document, given: Given| {
        document.read(&given.article.title, &given.article.text);
        let features = features_once(document, &params);
        (given, features)
    };
    reader.pass("counting the words", scan.rows, Document::default, prepare, |read| {
        let Ok((given, words)) = read else { return Ok(()) };
        let split = scan.split(&given, row, reader.config);
        row += 1;
        let article = &given.article;
        if given.measured_only || split == Split::Test {
            return Ok(());
        }
        if let Some(topic) = &article.topic {
            if taxonomy.position(topic).is_none() && errors.len() < MOST_COMPLAINTS {
                let file = reader.files.get(given.file).cloned().unwrap_or_default();
                errors.push(RowError { file, line: given.line, message: unknown(topic, taxonomy) });
                return Ok(());
            }
            let counts = match by_topic.get_mut(topic) {
                Some(counts) => counts,
                None => by_topic.entry(topic.clone()).or_default(),
            };
            counts[usize::from(split == Split::Dev)] += 1;
        }
        if split == Split::Train {
            sources.add(article, reader.files.get(given.file).map(PathBuf::as_path), reader.config);
        }
        if split == Split::Train && (article.topic.is_some() || article.domain.is_some()) {
            domain[usize::from(is_other(article))] += 1;
            features += words.len() as u64;
            vocabulary.add_features(&words);
            vocabulary.shed(most_features);
            if article.topic.is_some() {
                *sets.entry(article.dataset.clone().unwrap_or_default()).or_insert(0.0) += 1.0;
                languages.extend(Some(primary(&article.lang)).filter(|l| !l.is_empty()));
            }
        }
        Ok(())
    })?;
    if !errors.is_empty() {
        return Err(TrainError::Rows(errors));
    }
    let mut by_label: BTreeMap<usize, [u64; 2]> = BTreeMap::new();
    for (topic, [train, dev]) in &by_topic {
        let counts = by_label.entry(taxonomy.position(topic).unwrap_or_default()).or_default();
        *counts = [counts[0] + train, counts[1] + dev];
    }
    if by_label.is_empty() {
        return Err(TrainError::NoLabels);
    }
    let few = by_label.iter().find(|(_, counts)| (counts[0] as usize) < MIN_EXAMPLES);
    if let Some((label, [n, _])) = few {
        let name = &taxonomy.labels[*label].name;
        return Err(TrainError::Config(format!(
            "topic: {name:?} has {n} training rows; at least {MIN_EXAMPLES} are needed: add some or leave these rows out"
        )));
    }
    if by_label.len() == 1 {
        return Err(TrainError::Config(
            "topic: all rows have the same label; at least two labels are needed".to_owned(),
        ));
    }
    let labels: Vec<usize> = by_label.keys().copied().collect();
    let column = |topic: &String| labels.iter().position(|l| Some(*l) == taxonomy.position(topic));
    let columns = by_topic.keys().filter_map(|topic| Some((topic.clone(), column(topic)?))).collect();
    let examples: Vec<u64> = by_label.values().map(|counts| counts[0]).collect();
    let topic_rows = examples.iter().sum();
    Ok(Counted { vocabulary, labels, examples, topic_rows, domain, languages, sources, columns, sets, features })
}
