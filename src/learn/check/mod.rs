//! `wiredesk data check`: what is wrong with labelled rows before anything is
//! trained on them.
//!
//! The rows are read once and none is kept, but for a bounded sample for the
//! suspicious labels. What is remembered of the others, hashes and where they
//! stand, lies in temporary files: memory does not grow with the rows.

mod buckets;
mod duplicates;
mod findings;
mod groups;
mod place;
mod suspicious;

pub use findings::{Finding, Findings, Severity};

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
use duplicates::{Duplicates, Pair};
use findings::Collected;
use groups::Groups;
use place::Place;
use serde::Serialize;
use std::{collections::BTreeMap, io, path::PathBuf};
use suspicious::{Sample, Sampled};

/// What can be set.
#[derive(Debug, Clone)]
pub struct CheckConfig {
    /// The topic labels that there are; `None`: whatever the rows carry.
    pub taxonomy: Option<Taxonomy>,
    /// Articles with fewer words are too short.
    pub least_words: usize,
    /// Rows that are sampled for suspicious labels; 0: none.
    pub sample_rows: usize,
    /// Findings of one kind that are written out.
    pub most_findings: usize,
    /// Seed of the sample.
    pub seed: u64,
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
/// When a file cannot be read at all, or a temporary file not written.
pub fn check(files: &[PathBuf], config: &CheckConfig) -> Result<Report, LoadError> {
    let temporary = |source: io::Error| LoadError::Io { file: std::env::temp_dir(), source };
    let mut check = Check::new(files, config).map_err(temporary)?;
    let mut failed = None;
    for (file, path) in files.iter().enumerate() {
        let read = read_rows(path, |row| match row {
            // After the first failure the rows are read for nothing, but for the sake of one way out.
            Ok(row) => {
                if failed.is_none() {
                    failed = check.row(file, row.line, row.article).err();
                }
            }
            Err(e) => check.find(Severity::Error, "unreadable", file, e.line, e.message),
        });
        read.map_err(|source| LoadError::Io { file: path.clone(), source })?;
        if let Some(source) = failed.take() {
            return Err(temporary(source));
        }
    }
    check.finish().map_err(temporary)
}

struct Check<'a> {
    config: &'a CheckConfig,
    report: Report,
    document: Document,
    duplicates: Duplicates,
    groups: Groups,
    found: Collected,
    sample: Sample,
    /// Articles by the logarithm of their number of words.
    lengths: [u64; 40],
    first_topic: Option<(usize, u64)>,
}

/// With fewer rows nothing can be said of a label.
const LEAST_SAMPLE: usize = 50;

impl<'a> Check<'a> {
    fn new(files: &[PathBuf], config: &'a CheckConfig) -> io::Result<Self> {
        let files = files.iter().map(|f| file_name(f)).collect();
        Ok(Self {
            config,
            report: Report { files, ..Report::default() },
            document: Document::default(),
            duplicates: Duplicates::new()?,
            groups: Groups::new()?,
            found: Collected::new(config.most_findings),
            sample: Sample::new(config.sample_rows, config.seed),
            lengths: [0; 40],
            first_topic: None,
        })
    }

    fn find(&mut self, severity: Severity, kind: &'static str, file: usize, line: u64, message: String) {
        self.found.add(severity, kind, file, line, message);
    }

    fn row(&mut self, file: usize, line: u64, article: LabelledArticle) -> io::Result<()> {
        let part = part(article.split);
        self.report.rows += 1;
        self.report.parts[part] += 1;
        self.labels(file, line, &article);
        self.text(file, line, &article);
        let label = article.topic.as_ref().map_or(0, |t| hash_word(t.trim().to_lowercase().as_bytes()));
        let place = Place { file: file as u32, line, split: article.split, label };
        if !self.document.tokens().is_empty() {
            self.duplicates.add(&self.document, place)?;
        }
        if let Some(group) = &article.group {
            self.groups.add(group, place)?;
        }
        let topic = article.topic.as_deref().map(str::trim).filter(|t| !t.is_empty());
        if let Some(topic) = topic.map(str::to_lowercase).filter(|_| self.config.sample_rows > 0) {
            self.sample.add(|| Sampled { article, label: topic, file: file as u32, line });
        }
        Ok(())
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
    }

    fn finish(mut self) -> io::Result<Report> {
        self.few_labels();
        self.suspicious();
        let mut below = 0;
        let half = self.report.rows.div_ceil(2);
        let median = self.lengths.iter().position(|n| {
            below += n;
            below >= half
        });
        self.report.words[1] = median.map_or(0, |l| if l == 0 { 0 } else { 1 << (l - 1) });
        let Self { duplicates, groups, mut found, mut report, .. } = self;
        let at = |place: Place| {
            let file = report.files.get(place.file as usize).map_or("", String::as_str);
            format!("{file}:{}", place.line)
        };
        duplicates.finish(|pair| tell_pair(&mut found, &at(pair.first), pair))?;
        groups.finish(|group, first, other| {
            let (at, parts) = (at(first), [first, other].map(|place| name_of(place.split)).join(" and "));
            let message = format!("group {group:?} is in several parts: {at} and here, {parts}");
            found.add(Severity::Error, "group_in_several_parts", other.file as usize, other.line, message);
        })?;
        report.findings = found.into_findings(&report.files);
        Ok(report)
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
            self.found.add_ranked(Severity::Warning, "suspicious_label", ((row.file as usize, row.line), message));
        }
    }
}

/// Tells of an article that is like an earlier one, which stands `at`.
fn tell_pair(found: &mut Collected, at: &str, Pair { first, second, similarity }: Pair) {
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
    found.add(severity, kind, file, line, format!("{how} {at}{parts}"));
    if other_label {
        let message = format!("{how} {at}, another topic");
        found.add(Severity::Warning, "duplicate_with_other_label", file, line, message);
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
