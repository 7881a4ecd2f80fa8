//! The rows of a training: read, checked, split. Every bad row is listed with
//! its file and line; nothing is trained on a file that has one.

use super::{
    config::TrainConfig,
    rows::{LabelledArticle, Row, RowError, Split, read_rows},
};
use crate::{
    model::DataSource,
    places::countries::{CountryId, DESKS, NO_DESK, desk_index},
    text::hash_word,
};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

/// A row with where it came from.
#[derive(Debug, Clone)]
pub struct Example {
    /// The article with its labels.
    pub article: LabelledArticle,
    /// Index into [`Corpus::files`].
    pub file: usize,
    /// Line, from 1.
    pub line: u64,
    /// A dev row that the configuration excludes: measured on, never trained or calibrated on.
    pub measured_only: bool,
}

/// All rows of a training.
#[derive(Debug, Clone, Default)]
pub struct Corpus {
    /// The files, as they were named.
    pub files: Vec<PathBuf>,
    /// Their rows, in order.
    pub examples: Vec<Example>,
    /// SHA-256 over all rows, hexadecimal.
    pub digest: String,
}

/// Why rows cannot be trained on.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file cannot be read.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Corpus {
    /// Reads all files; also gives every row that cannot be read.
    ///
    /// # Errors
    /// When a file cannot be read at all.
    pub fn read(files: &[PathBuf], config: &TrainConfig) -> Result<(Self, Vec<RowError>), LoadError> {
        let mut corpus = Self { files: files.to_vec(), ..Self::default() };
        let mut errors = Vec::new();
        let mut digest = Sha256::new();
        for (file, path) in files.iter().enumerate() {
            read_rows(path, |row| match row {
                Err(e) => errors.push(e),
                Ok(row) if excluded(&row.article, config) => {
                    if row.article.split == Split::Dev {
                        let Row { line, article } = row;
                        corpus.examples.push(Example { article, file, line, measured_only: true });
                    }
                }
                Ok(row) => {
                    if let Some(message) = wrong_label(&row.article) {
                        errors.push(RowError { file: path.clone(), line: row.line, message });
                        return;
                    }
                    hash_row(&mut digest, &row.article);
                    let Row { line, article } = row;
                    corpus.examples.push(Example { article, file, line, measured_only: false });
                }
            })
            .map_err(|source| LoadError::Io { file: path.clone(), source })?;
        }
        corpus.digest = digest.finalize().iter().map(|b| format!("{b:02x}")).collect();
        if corpus.part(Split::Dev).next().is_none() {
            if config.dev_from.is_empty() {
                set_dev_aside(&mut corpus.examples, config);
            } else {
                set_late_aside(&mut corpus.examples, &config.dev_from);
            }
        }
        Ok((corpus, errors))
    }

    /// A complaint about a row.
    #[must_use]
    pub fn error(&self, example: &Example, message: impl Into<String>) -> RowError {
        let file = self.files.get(example.file).cloned().unwrap_or_default();
        RowError { file, line: example.line, message: message.into() }
    }

    /// The topics of all rows, as they have them.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.examples.iter().filter_map(|e| e.article.topic.as_deref())
    }

    /// The rows of one part that may be trained and calibrated on.
    pub fn part(&self, split: Split) -> impl Iterator<Item = &Example> {
        self.examples.iter().filter(move |e| e.article.split == split && !e.measured_only)
    }

    /// Every dev row, in the order of the files: what `wiredesk evaluate` reads of them.
    #[must_use]
    pub fn dev(&self) -> Vec<LabelledArticle> {
        let dev = self.examples.iter().filter(|e| e.article.split == Split::Dev);
        dev.map(|e| e.article.clone()).collect()
    }

    /// The data sets of the training rows with their licences, for the card.
    #[must_use]
    pub fn sources(&self, config: &TrainConfig) -> Vec<DataSource> {
        let mut sources = Sources::default();
        for example in self.part(Split::Train) {
            sources.add(&example.article, self.files.get(example.file).map(PathBuf::as_path), config);
        }
        sources.counted()
    }
}

/// Training rows by data set and licence.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources(BTreeMap<(String, String), u64>);

impl Sources {
    /// Counts a row of a file.
    pub(super) fn add(&mut self, article: &LabelledArticle, file: Option<&Path>, config: &TrainConfig) {
        let name = article.dataset.clone().unwrap_or_else(|| file.map_or_else(String::new, file_name));
        let licence = article.licence.as_ref().or(config.licences.get(&name));
        let licence = licence.cloned().unwrap_or_else(|| "not stated".to_owned());
        *self.0.entry((name, licence)).or_default() += 1;
    }

    /// As the card has them.
    pub(super) fn counted(self) -> Vec<DataSource> {
        self.0.into_iter().map(|((name, licence), rows)| DataSource { name, licence, rows }).collect()
    }
}

/// A path's last part.
#[must_use]
pub fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned())
}

pub(super) fn excluded(article: &LabelledArticle, config: &TrainConfig) -> bool {
    let dataset = article.dataset.as_deref().unwrap_or("");
    let licence = article.licence.as_ref().or(config.licences.get(dataset)).map_or("", String::as_str);
    config.exclude_datasets.iter().any(|d| d == dataset)
        || config.exclude_licences.iter().any(|prefix| licence.starts_with(prefix.as_str()))
}

/// A label that no head knows; topics are checked against the taxonomy later.
pub(super) fn wrong_label(article: &LabelledArticle) -> Option<String> {
    let country = article.countries.iter().flatten().find(|c| CountryId::from_code(c).is_none());
    if let Some(code) = country {
        return Some(format!("countries: {code:?} is no ISO 3166-1 alpha-2 code"));
    }
    let known = |desk: &str| desk == NO_DESK || desk_index(desk).is_some();
    if let Some(desk) = article.desks.iter().flatten().chain(&article.desk).find(|d| !known(d)) {
        return Some(format!("desk: unknown label {desk:?}; known are: {}, {NO_DESK}", DESKS.join(", ")));
    }
    let stance = article.stances.iter().flatten().find(|s| !STANCES.contains(&s.label.as_str()));
    if let Some(stance) = stance {
        return Some(format!("stances: unknown label {:?}; known are: {}", stance.label, STANCES.join(", ")));
    }
    let domain = article.domain.as_deref().filter(|d| !["news", "other"].contains(d))?;
    Some(format!("domain: unknown label {domain:?}; known are: news, other"))
}

const STANCES: [&str; 3] = ["supportive", "critical", "neutral"];

/// What the digest of a row is made from.
pub(super) fn row_line(article: &LabelledArticle) -> String {
    // Debug output of plain strings and lists is stable and names every field.
    format!("{article:?}")
}

fn hash_row(digest: &mut Sha256, article: &LabelledArticle) {
    let line = row_line(article);
    digest.update((line.len() as u64).to_le_bytes());
    digest.update(line.as_bytes());
}

/// Makes whole groups dev rows, chosen by a hash of their name and the seed.
fn set_dev_aside(examples: &mut [Example], config: &TrainConfig) {
    for (i, example) in examples.iter_mut().enumerate() {
        if example.measured_only {
            continue;
        }
        if example.article.split == Split::Train && is_aside(&example.article, i, config) {
            example.article.split = Split::Dev;
        }
    }
}

/// Whether the group of the row, which is the `i`th, is among those that are set aside.
pub(super) fn is_aside(article: &LabelledArticle, i: usize, config: &TrainConfig) -> bool {
    let key = article.group.clone().unwrap_or_else(|| format!("{}#{i}", article.id));
    let hash = hash_word(format!("{}/{key}", config.seed).as_bytes());
    (hash >> 11) as f64 / (1u64 << 53) as f64 <= config.dev_share
}

/// Whether it was published on the day `from` or later.
pub(super) fn is_late(article: &LabelledArticle, from: &str) -> bool {
    article.published.as_deref().is_some_and(|published| published >= from)
}

/// Makes the groups dev rows that reach `from` or beyond: a model is asked about what came after its training.
fn set_late_aside(examples: &mut [Example], from: &str) {
    let late = |article: &LabelledArticle| is_late(article, from);
    let groups: HashSet<String> =
        examples.iter().filter(|e| late(&e.article)).filter_map(|e| e.article.group.clone()).collect();
    for Example { article, measured_only, .. } in examples {
        let in_late_group = article.group.as_ref().is_some_and(|group| groups.contains(group));
        if !*measured_only && article.split == Split::Train && (late(article) || in_late_group) {
            article.split = Split::Dev;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::HashMap, io::Write};

    fn corpus(lines: &str, config: &TrainConfig) -> (Corpus, Vec<RowError>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rows.jsonl");
        std::fs::File::create(&path).unwrap().write_all(lines.as_bytes()).unwrap();
        Corpus::read(&[path], config).unwrap()
    }

    #[test]
    fn lists_every_bad_row() {
        let (_, errors) = corpus("{\"text\":\"x\"}\nnope\n{}\n", &TrainConfig::default());
        assert_eq!(errors.iter().map(|e| e.line).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn splits_by_time_and_keeps_groups_together() {
        let rows =
            [("a", "2026-01-31", ""), ("b", "2026-02-01T08:00:00Z", "s"), ("c", "2026-01-02", "s"), ("d", "", "")];
        let line = |(id, published, group): (&str, &str, &str)| {
            let group = if group.is_empty() { "null".to_owned() } else { format!("{group:?}") };
            format!("{{\"id\":\"{id}\",\"text\":\"x\",\"published\":\"{published}\",\"group\":{group}}}\n")
        };
        let config = TrainConfig { dev_from: "2026-02-01".to_owned(), ..TrainConfig::default() };
        config.check().unwrap();
        let (corpus, _) = corpus(&rows.map(line).concat(), &config);
        let dev: Vec<&str> = corpus.part(Split::Dev).map(|e| e.article.id.as_str()).collect();
        assert_eq!(dev, ["b", "c"]);
        assert!(TrainConfig { dev_from: "1 May".to_owned(), ..TrainConfig::default() }.check().is_err());
    }

    #[test]
    fn keeps_groups_together_and_leaves_licences_out() {
        let row = |i: u32| {
            format!(
                "{{\"text\":\"a{i}\",\"group\":\"g{}\",\"licence\":\"{}\"}}\n",
                i / 4,
                if i.is_multiple_of(5) { "nc" } else { "open" }
            )
        };
        let config = TrainConfig { exclude_licences: vec!["nc".into()], dev_share: 0.3, ..TrainConfig::default() };
        let (corpus, _) = corpus(&(0..400).map(row).collect::<String>(), &config);
        assert_eq!(corpus.examples.len(), 320);
        let mut parts: HashMap<&str, Split> = HashMap::new();
        for e in &corpus.examples {
            let group = e.article.group.as_deref().unwrap();
            assert_eq!(*parts.entry(group).or_insert(e.article.split), e.article.split);
        }
        let dev = corpus.part(Split::Dev).count();
        assert!((40..160).contains(&dev), "{dev}");
        assert_eq!(corpus.sources(&config)[0].licence, "open");
    }
}
