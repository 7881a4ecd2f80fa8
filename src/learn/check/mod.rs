//! `wiredesk data check`: what is wrong with labelled rows before anything is
//! trained on them.
//!
//! The rows are read once and none is kept, but for a bounded sample for the
//! suspicious labels. What is remembered of the others: hashes, about 250 bytes
//! a row (measured: 247 MB for a million rows, each a group of its own).

mod duplicates;
mod suspicious;

use super::{
    load::{LoadError, file_name, wrong_label},
    region::desk_label,
    rows::{LabelledArticle, Split, read_rows},
};
use crate::{
    places::countries::{DESKS, NO_DESK},
    taxonomy::Taxonomy,
    text::{Document, detect_language, hash_word},
};
use duplicates::{Duplicates, Place};
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};
use suspicious::{Sample, Sampled};

/// What can be set.
#[derive(Debug, Clone)]
pub struct CheckConfig {
    /// The topic labels that there are; `None`: whatever the rows carry.
    pub taxonomy: Option<Taxonomy>,
    /// Articles with fewer words are too short.
    pub least_words: usize,
    /// Rows that are compared with each other; more are not.
    pub compare_rows: usize,
    /// Rows that are sampled for suspicious labels; 0: none.
    pub sample_rows: usize,
    /// Findings of one kind that are written out.
    pub most_findings: usize,
    /// Seed of the sample.
    pub seed: u64,
}

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

/// Rows of each part: train, dev, test.
pub type Counts = BTreeMap<String, [u64; 3]>;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// Files that were read.
    pub files: Vec<String>,
    /// Rows that could be read.
    pub rows: u64,
    /// Rows of each part: train, dev, test.
    pub parts: [u64; 3],
    /// Topic labels.
    pub topics: Counts,
    /// Desks, as the rows say or as their countries tell.
    pub desks: Counts,
    /// Stance labels.
    pub stances: Counts,
    /// Languages, detected.
    pub languages: BTreeMap<String, u64>,
    /// Words an article: least, median (of powers of two), most.
    pub words: [u64; 3],
    /// Share of the sampled rows to which a model that has not seen them gives their own topic.
    pub agreement: Option<f64>,
    /// What was found, by kind.
    pub findings: BTreeMap<&'static str, Findings>,
}

impl Report {
    /// How many errors there are.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.count(Severity::Error)
    }

    /// How many warnings there are.
    #[must_use]
    pub fn warnings(&self) -> u64 {
        self.count(Severity::Warning)
    }

    fn count(&self, severity: Severity) -> u64 {
        self.findings.values().filter(|f| f.severity == severity).map(|f| f.count).sum()
    }
}

/// Reads the files and says what is wrong with them.
///
/// # Errors
/// When a file cannot be read at all.
pub fn check(files: &[PathBuf], config: &CheckConfig) -> Result<Report, LoadError> {
    let mut check = Check::new(files, config);
    for (file, path) in files.iter().enumerate() {
        let read = read_rows(path, |row| match row {
            Ok(row) => check.row(file, row.line, row.article),
            Err(e) => check.find(Severity::Error, "unreadable", file, e.line, e.message),
        });
        read.map_err(|source| LoadError::Io { file: path.clone(), source })?;
    }
    Ok(check.finish())
}

struct Check<'a> {
    config: &'a CheckConfig,
    report: Report,
    document: Document,
    duplicates: Duplicates,
    /// By hash of its name: the parts that a group is in, as bits, and whether that was told.
    groups: HashMap<u64, u8>,
    sample: Sample,
    /// Articles by the logarithm of their number of words.
    lengths: [u64; 40],
    first_topic: Option<(usize, u64)>,
    not_compared: u64,
}

const TOLD: u8 = 8;
/// With fewer rows nothing can be said of a label.
const LEAST_SAMPLE: usize = 50;

impl<'a> Check<'a> {
    fn new(files: &[PathBuf], config: &'a CheckConfig) -> Self {
        let files = files.iter().map(|f| file_name(f)).collect();
        Self {
            config,
            report: Report { files, ..Report::default() },
            document: Document::default(),
            duplicates: Duplicates::default(),
            groups: HashMap::new(),
            sample: Sample::new(config.sample_rows, config.seed),
            lengths: [0; 40],
            first_topic: None,
            not_compared: 0,
        }
    }

    fn find(&mut self, severity: Severity, kind: &'static str, file: usize, line: u64, message: String) {
        let findings = self.report.findings.entry(kind);
        let findings = findings.or_insert_with(|| Findings { severity, count: 0, first: Vec::new() });
        findings.count += 1;
        if findings.first.len() < self.config.most_findings {
            let file = self.report.files.get(file).cloned().unwrap_or_default();
            findings.first.push(Finding { file, line, message });
        }
    }

    fn row(&mut self, file: usize, line: u64, article: LabelledArticle) {
        let part = part(article.split);
        self.report.rows += 1;
        self.report.parts[part] += 1;
        self.labels(file, line, &article);
        self.text(file, line, &article);
        if let Some(group) = &article.group {
            let parts = self.groups.entry(hash_word(group.as_bytes())).or_default();
            *parts |= 1 << part;
            if (*parts & !TOLD).count_ones() > 1 && *parts & TOLD == 0 {
                *parts |= TOLD;
                self.find(
                    Severity::Error,
                    "group_in_several_parts",
                    file,
                    line,
                    format!("group {group:?} is in several parts"),
                );
            }
        }
        let topic = article.topic.as_deref().map(str::trim).filter(|t| !t.is_empty());
        if let Some(topic) = topic.map(str::to_lowercase).filter(|_| self.config.sample_rows > 0) {
            self.sample.add(|| Sampled { article, label: topic, file: file as u32, line });
        }
    }

    fn labels(&mut self, file: usize, line: u64, article: &LabelledArticle) {
        let part = part(article.split);
        if let Some(message) = wrong_label(article) {
            self.find(Severity::Error, "unknown_label", file, line, message);
        }
        if let Some(topic) = &article.topic {
            let topic = topic.trim();
            let name = match &self.config.taxonomy {
                None => Some(topic.to_owned()),
                Some(taxonomy) => taxonomy.position(topic).map(|i| taxonomy.labels[i].name.clone()),
            };
            match name {
                _ if topic.is_empty() => {
                    self.find(Severity::Error, "unknown_label", file, line, "topic: empty: leave it out".to_owned());
                }
                Some(name) => {
                    self.first_topic.get_or_insert((file, line));
                    self.report.topics.entry(name).or_default()[part] += 1;
                }
                None => {
                    let message = format!("topic: {topic:?} is not in the taxonomy; --taxonomy labels takes any label");
                    self.find(Severity::Error, "unknown_label", file, line, message);
                }
            }
        }
        if let Some(desk) = desk_label(article) {
            let desk = DESKS.get(desk).copied().unwrap_or(NO_DESK);
            self.report.desks.entry(desk.to_owned()).or_default()[part] += 1;
        }
        for stance in article.stances.iter().flatten() {
            self.report.stances.entry(stance.label.clone()).or_default()[part] += 1;
        }
    }

    fn text(&mut self, file: usize, line: u64, article: &LabelledArticle) {
        self.document.read(&article.title, &article.text);
        let words = self.document.tokens().len();
        if article.text.trim().is_empty() {
            self.find(Severity::Warning, "no_text", file, line, "a title and no text".to_owned());
        }
        if words < self.config.least_words {
            let message = format!("{words} words; the least is {}", self.config.least_words);
            self.find(Severity::Warning, "too_short", file, line, message);
        }
        let [least, _, most] = &mut self.report.words;
        *least = if self.report.rows == 1 { words as u64 } else { (*least).min(words as u64) };
        *most = (*most).max(words as u64);
        self.lengths[(words as u64).checked_ilog2().map_or(0, |l| l as usize + 1).min(39)] += 1;

        let language = detect_language(&self.document);
        *self.report.languages.entry(language.to_owned()).or_default() += 1;
        let primary = |tag: &str| tag.split('-').next().unwrap_or("").to_ascii_lowercase();
        let said = primary(&article.lang);
        if words >= 20 && language != "und" && !said.is_empty() && said != "und" && said != primary(language) {
            let message = format!("lang says {said:?}, the text reads like {language:?}");
            self.find(Severity::Warning, "other_language", file, line, message);
        }

        if self.duplicates.len() >= self.config.compare_rows {
            self.not_compared += 1;
            return;
        }
        let label = article.topic.as_ref().map_or(0, |t| hash_word(t.trim().to_lowercase().as_bytes()));
        let place = Place { file: file as u32, line, split: article.split, label };
        if words > 0
            && let Some(first) = self.duplicates.add(&self.document, place)
        {
            self.pair(first, place, None);
        }
    }

    fn pair(&mut self, first: Place, second: Place, similarity: Option<f64>) {
        let name = self.report.files.get(first.file as usize).cloned().unwrap_or_default();
        let at = format!("{name}:{}", first.line);
        let across = first.split != second.split;
        let other_label = first.label != second.label && first.label != 0 && second.label != 0;
        let (severity, kind) = match (similarity, across) {
            (None, true) => (Severity::Error, "duplicate_across_parts"),
            (None, false) => (Severity::Warning, "duplicate"),
            (Some(_), true) => (Severity::Warning, "near_duplicate_across_parts"),
            (Some(_), false) => (Severity::Warning, "near_duplicate"),
        };
        let how = similarity.map_or_else(|| "the words of".to_owned(), |s| format!("{:.0} % like", s * 100.0));
        let parts =
            if across { format!(": {} and {}", name_of(first.split), name_of(second.split)) } else { String::new() };
        let (file, line) = (second.file as usize, second.line);
        self.find(severity, kind, file, line, format!("{how} {at}{parts}"));
        if other_label {
            self.find(
                Severity::Warning,
                "duplicate_with_other_label",
                file,
                line,
                format!("{how} {at}, another topic"),
            );
        }
    }

    fn finish(mut self) -> Report {
        for pair in self.duplicates.near() {
            self.pair(pair.first, pair.second, Some(pair.similarity));
        }
        if self.not_compared > 0 {
            let message = format!("{} rows were not compared with the others (--compare-rows)", self.not_compared);
            self.find(Severity::Warning, "not_compared", 0, 0, message);
        }
        self.few_labels();
        self.suspicious();
        let mut below = 0;
        let half = self.report.rows.div_ceil(2);
        let median = self.lengths.iter().position(|n| {
            below += n;
            below >= half
        });
        self.report.words[1] = median.map_or(0, |l| if l == 0 { 0 } else { 1 << (l - 1) });
        self.report
    }

    /// What training would refuse.
    fn few_labels(&mut self) {
        let Some((file, line)) = self.first_topic else { return };
        let few: Vec<String> = self.report.topics.iter().filter(|(_, n)| n[0] < 2).map(|(l, _)| l.clone()).collect();
        for label in few {
            let message = format!("topic: {label:?} has fewer than 2 training rows");
            self.find(Severity::Error, "too_few_rows", file, line, message);
        }
        if self.report.topics.len() == 1 {
            self.find(Severity::Error, "too_few_rows", file, line, "topic: one label only".to_owned());
        }
    }

    fn suspicious(&mut self) {
        if self.report.topics.len() < 2 {
            return;
        }
        let sample = std::mem::replace(&mut self.sample, Sample::new(0, 0));
        if sample.rows.len() < LEAST_SAMPLE {
            return;
        }
        // Cannot fail: the parameters are fixed and every label is one of the classes.
        let Ok((suspicions, agreement)) = sample.judge(self.config.seed) else { return };
        self.report.agreement = Some(agreement);
        for suspicion in suspicions {
            let Some(row) = sample.rows.get(suspicion.row) else { continue };
            let (other, p) = (&suspicion.other, suspicion.probability * 100.0);
            let message = format!("topic {:?}; the other rows say {other:?} ({p:.0} %)", row.label);
            self.find(Severity::Warning, "suspicious_label", row.file as usize, row.line, message);
        }
    }
}

fn part(split: Split) -> usize {
    match split {
        Split::Train => 0,
        Split::Dev => 1,
        Split::Test => 2,
    }
}

fn name_of(split: Split) -> &'static str {
    ["train", "dev", "test"][part(split)]
}
