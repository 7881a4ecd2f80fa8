//! What `wiredesk classify` reads: articles, and the targets that their rows name.

use crate::{
    article::{Article, Target},
    rows::{self, Format, RawRow},
};
use clap::ValueEnum;
use serde::Deserialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// How articles are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum InputFormat {
    /// The whole input is the text of one article
    Text,
    /// One JSON object a line: id, title, text, lang, targets
    Jsonl,
    /// A header line, then one article a row; the same names as columns
    Csv,
    /// Apache Parquet; the same names as columns
    Parquet,
}

impl From<InputFormat> for Format {
    fn from(format: InputFormat) -> Self {
        match format {
            InputFormat::Text => Self::Text,
            InputFormat::Jsonl => Self::Jsonl,
            InputFormat::Csv => Self::Csv,
            InputFormat::Parquet => Self::Parquet,
        }
    }
}

impl InputFormat {
    /// By the name of the file; what has no telling name is text.
    pub(super) fn of(path: &Path) -> Self {
        match Format::of(path) {
            None | Some(Format::Text) => Self::Text,
            Some(Format::Jsonl) => Self::Jsonl,
            Some(Format::Csv) => Self::Csv,
            Some(Format::Parquet) => Self::Parquet,
        }
    }
}

/// An article and the targets that its row names.
#[derive(Debug, PartialEq)]
pub(super) struct Parsed {
    pub(super) article: Article,
    /// `None`: the row names none; those of the command line count.
    pub(super) targets: Option<Vec<Target>>,
}

impl Parsed {
    /// The article of a row, or what is wrong with the row.
    pub(super) fn of(row: RawRow) -> Result<Self, String> {
        let row: ArticleRow = row.parse("an article")?;
        if row.title.is_none() && row.text.is_none() {
            return Err("neither \"title\" nor \"text\": give at least one of them".to_owned());
        }
        let article = Article {
            id: row.id,
            title: row.title.unwrap_or_default(),
            text: row.text.unwrap_or_default(),
            language: row.lang.unwrap_or_default(),
        };
        Ok(Self { article, targets: row.targets.map(targets).transpose()? })
    }
}

/// A row. Other keys, as of labelled articles, are not read.
#[derive(Deserialize)]
struct ArticleRow {
    #[serde(default, deserialize_with = "rows::id")]
    id: String,
    title: Option<String>,
    text: Option<String>,
    #[serde(alias = "language")]
    lang: Option<String>,
    targets: Option<Vec<Value>>,
}

/// Targets as names, or as objects with name, aliases and mentions.
fn targets(values: Vec<Value>) -> Result<Vec<Target>, String> {
    let target = |(i, value)| match value {
        Value::String(name) => Ok(Target { name, ..Target::default() }),
        value @ Value::Object(_) => serde_json::from_value(value).map_err(|e| format!("targets[{i}]: {e}")),
        _ => Err(format!("targets[{i}]: neither a name nor an object with \"name\"")),
    };
    values.into_iter().enumerate().map(target).collect()
}

/// Where articles come from, as one argument.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Source {
    /// File to read, or - for standard input; .gz and .zst are read as they are
    pub(super) file: PathBuf,
    /// How the articles are written down [default: by the name of the file: .jsonl, .csv, .tsv,
    /// .parquet, else text]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(super) input_format: Option<InputFormat>,
}

impl Source {
    /// The format that was given, or the one that the name tells.
    pub(super) fn format(&self) -> InputFormat {
        self.input_format.unwrap_or_else(|| InputFormat::of(&self.file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Rows;
    use std::{fs::File, io::Write};

    fn rows(name: &str, content: &[u8]) -> Vec<(u64, Result<Parsed, String>)> {
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
        let rows = Rows::open(&path, InputFormat::of(&path).into()).unwrap();
        rows.map(Result::unwrap).map(|row| (row.line, Parsed::of(row))).collect()
    }

    #[test]
    fn reads_json_lines_plain_and_compressed() {
        let content = "\u{feff}{\"id\":7,\"text\":\"A\",\"lang\":null,\"topic\":\"sport\"}\n\n{\"title\":\"B\",\"targets\":[\"X\",{\"name\":\"Y\",\"aliases\":[\"Z\"],\"mentions\":[{\"begin\":0,\"end\":1}]}]}\r\n{}\n[]";
        for name in ["a.jsonl", "a.jsonl.gz", "a.ndjson.zst"] {
            let rows = rows(name, content.as_bytes());
            assert_eq!(rows.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 3, 4, 5]);
            assert_eq!(rows[0].1.as_ref().unwrap().article.id, "7");
            let targets = rows[1].1.as_ref().unwrap().targets.as_ref().unwrap();
            assert_eq!((targets[0].name.as_str(), targets[1].mentions.len()), ("X", 1));
            assert!(rows[2].1.as_ref().unwrap_err().contains("neither \"title\" nor \"text\""));
            assert!(rows[3].1.is_err());
        }
    }

    #[test]
    fn reads_csv_and_tsv() {
        let read = rows(
            "a.csv",
            b"id,text,extra,targets\n1,\"two\nlines\",,A; B\n2,x\n3,a,b,,c\n4,\xff,,\n5,x,,\"[\"\"A\"\"]\"\n",
        );
        assert_eq!(read.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 4, 5, 6, 7]);
        let first = read[0].1.as_ref().unwrap();
        assert_eq!((first.article.text.as_str(), first.targets.as_ref().unwrap().len()), ("two\nlines", 2));
        assert_eq!(read[1].1.as_ref().unwrap().targets, None);
        assert!(read[2].1.as_ref().unwrap_err().contains("5 fields under 4 columns"));
        assert!(read[3].1.as_ref().unwrap_err().starts_with("text: byte 0 is not UTF-8"));
        assert_eq!(read[4].1.as_ref().unwrap().targets.as_ref().unwrap()[0].name, "A");
        assert_eq!(rows("a.tsv", b"text\tid\na,b\t1\n")[0].1.as_ref().unwrap().article.text, "a,b");
    }

    #[test]
    fn a_text_is_one_article() {
        let read = rows("a.txt", b"Line 1\nLine 2\n");
        assert_eq!(read[0].1.as_ref().unwrap().article.text, "Line 1\nLine 2\n");
        assert!(rows("a.txt", b"ab\xff")[0].1.as_ref().unwrap_err().contains("byte 2 is not UTF-8"));
    }

    #[test]
    fn a_csv_without_a_text_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        fs_write(&path, "a,b\n1,2\n");
        let error = Rows::open(&path, Format::Csv).err().unwrap();
        assert!(error.to_string().contains("no column \"text\""));
    }

    fn fs_write(path: &Path, content: &str) {
        std::fs::write(path, content).unwrap();
    }
}
