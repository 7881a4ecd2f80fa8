//! Articles from files. [`Rows`] is the one reader of the crate; [`read_rows`]
//! gives labelled articles, with file and line in each complaint.

mod source;

pub use source::{Format, RawRow, Rows};

use crate::article::Target;
use serde::{Deserialize, Deserializer};
use std::path::{Path, PathBuf};

/// Which part of the data a row belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Trained on.
    #[default]
    Train,
    /// Tuned and measured on.
    Dev,
    /// Measured on at the very end.
    Test,
}

/// A stance label of a row: the gold polarity toward one target.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LabelledStance {
    /// The target, and where it is mentioned when that is known.
    #[serde(flatten)]
    pub target: LooseTarget,
    /// `supportive`, `critical` or `neutral`.
    pub label: String,
    /// Who speaks, in directed data.
    #[serde(default)]
    pub source_entity: Option<String>,
    /// Percent of supportive, critical and neutral, where another model gave the label.
    #[serde(default)]
    pub percent: Option<[u8; 3]>,
}

/// A target of a labelled row; other keys of the object are not read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Default)]
pub struct LooseTarget {
    /// Its name.
    #[serde(rename = "target")]
    pub name: String,
    /// Byte spans of its mentions in the text.
    #[serde(default)]
    pub mentions: Vec<crate::article::Span>,
}

impl From<LooseTarget> for Target {
    fn from(target: LooseTarget) -> Self {
        Self { name: target.name, aliases: Vec::new(), mentions: target.mentions }
    }
}

/// One labelled article. Every label is optional: each head trains on the rows
/// that carry its label. Keys that are not listed here are not read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Default)]
#[serde(default)]
pub struct LabelledArticle {
    /// The row's id.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The headline.
    #[serde(deserialize_with = "nullable")]
    pub title: String,
    /// The body.
    #[serde(deserialize_with = "nullable")]
    pub text: String,
    /// BCP 47 tag.
    #[serde(deserialize_with = "nullable", alias = "language")]
    pub lang: String,
    /// The outlet.
    #[serde(deserialize_with = "nullable")]
    pub source: String,
    /// When it was published: a date as in `2026-11-24`, or one with a time after it (RFC 3339).
    pub published: Option<String>,
    /// Topic id or name.
    pub topic: Option<String>,
    /// ISO 3166-1 alpha-2 codes of the countries it is about.
    pub countries: Option<Vec<String>>,
    /// All countries that it names, where annotated.
    pub mentioned: Option<Vec<String>>,
    /// Desk codes.
    pub desks: Option<Vec<String>>,
    /// One desk code.
    pub desk: Option<String>,
    /// The newsroom's own filing; no desk.
    pub section: Option<String>,
    /// Place and date line, where it was cut from the text.
    pub dateline: Option<String>,
    /// `other` for texts that are no news, from which the model learns to abstain; `news` or nothing for news.
    pub domain: Option<String>,
    /// Stance labels.
    pub stances: Option<Vec<LabelledStance>>,
    /// Part of the data.
    pub split: Split,
    /// Story or cluster: never split across parts.
    pub group: Option<String>,
    /// The data set that it comes from.
    pub dataset: Option<String>,
    /// Trust in the label: `good` or `noisy`.
    pub quality: Option<String>,
    /// Its licence, as stated.
    pub licence: Option<String>,
    /// How many times it counts in training; 1 unless told.
    pub weight: Option<u16>,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u64,
    /// What is wrong and what would be right.
    pub message: String,
}

impl std::fmt::Display for RowError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.message)
    }
}

/// A row and where it stands.
#[derive(Debug, Clone)]
pub struct Row {
    /// Line in its file, from 1.
    pub line: u64,
    /// The article with its labels.
    pub article: LabelledArticle,
}

/// Reads a file row by row in constant memory; `each` gets every row or what is wrong with it.
///
/// # Errors
/// When the file cannot be opened or read on.
pub fn read_rows(path: &Path, mut each: impl FnMut(Result<Row, RowError>)) -> std::io::Result<()> {
    for row in Rows::open(path, Format::of(path).unwrap_or(Format::Jsonl))? {
        let row = row?;
        let line = row.line;
        each(labelled(row).map(|article| Row { line, article }).map_err(|message| RowError {
            file: path.to_owned(),
            line,
            message,
        }));
    }
    Ok(())
}

/// The row as a labelled article.
///
/// # Errors
/// Says what is wrong with it.
pub fn labelled(row: RawRow) -> Result<LabelledArticle, String> {
    let article: LabelledArticle = row.parse("a labelled article")?;
    if article.title.trim().is_empty() && article.text.trim().is_empty() {
        return Err("title and text are missing or empty: give at least one of them".to_owned());
    }
    Ok(article)
}

/// `null` is as good as nothing.
fn nullable<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(value)?.unwrap_or_default())
}

/// Ids may be numbers.
///
/// # Errors
/// When it is neither a string nor a number.
pub fn id<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    match Option::<serde_json::Value>::deserialize(value)? {
        None => Ok(String::new()),
        Some(serde_json::Value::String(id)) => Ok(id),
        Some(serde_json::Value::Number(id)) => Ok(id.to_string()),
        Some(_) => Err(serde::de::Error::custom("id: neither a string nor a number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs::File, io::Write};

    fn rows(name: &str, content: &[u8]) -> Vec<Result<Row, RowError>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        let file = File::create(&path).unwrap();
        let mut file: Box<dyn Write> = match path.extension().unwrap().to_str() {
            Some("gz") => Box::new(flate2::write::GzEncoder::new(file, flate2::Compression::fast())),
            Some("zst") => Box::new(zstd::Encoder::new(file, 1).unwrap().auto_finish()),
            _ => Box::new(file),
        };
        file.write_all(content).unwrap();
        drop(file);
        let mut rows = Vec::new();
        read_rows(&path, |r| rows.push(r)).unwrap();
        rows
    }

    const JSON: &[u8] = br#"{"id":"1","text":"A b","topic":"sport","countries":["FR"],"split":"dev","extra":1}

{"id":"2","title":" "}
{"id":"3","text":"x","stances":[{"target":"Y","label":"critical","mentions":[{"begin":0,"end":1}]}]}
not json
"#;

    #[test]
    fn reads_json_lines_plain_and_compressed() {
        for name in ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst"] {
            let rows = rows(name, JSON);
            let lines: Vec<(u64, bool)> =
                rows.iter().map(|r| r.as_ref().map_or_else(|e| (e.line, false), |r| (r.line, true))).collect();
            assert_eq!(lines, [(1, true), (3, false), (4, true), (5, false)]);
            assert_eq!(rows[0].as_ref().unwrap().article.split, Split::Dev);
        }
    }

    #[test]
    fn reads_csv() {
        let rows = rows("a.csv", b"id,text,countries,topic\n1,\"two\nlines\",SY;IQ,sport\n2,,,x\n");
        let first = &rows[0].as_ref().unwrap().article;
        assert_eq!(
            (first.countries.as_deref(), first.text.as_str()),
            (Some(&["SY".into(), "IQ".into()][..]), "two\nlines")
        );
        assert!(rows[1].as_ref().unwrap_err().to_string().contains("a.csv:4: title and text"));
    }
}
