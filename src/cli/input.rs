//! Articles from a file or standard input, row by row: plain text (one
//! article), JSON lines or CSV, plain or compressed.
//!
//! Reading only finds where rows begin and end; [`Row::parse`] does the rest,
//! so that many threads can parse at a time.

use crate::article::{Article, Target};
use clap::ValueEnum;
use csv::ByteRecord;
use serde::Deserialize;
use serde_json::Value;
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

/// How articles are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum InputFormat {
    /// The whole input is the text of one article
    Text,
    /// One JSON object a line: id, title, text, lang, targets
    Jsonl,
    /// A header line, then one article a row; the same names as columns
    Csv,
}

impl InputFormat {
    /// By the name of the file; what has no telling name is text.
    pub(super) fn of(path: &Path) -> Self {
        match plain_extension(path) {
            Some("jsonl" | "ndjson") => Self::Jsonl,
            Some("csv" | "tsv") => Self::Csv,
            _ => Self::Text,
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

/// One row as it was read.
pub(super) struct Row {
    /// Line in its file, from 1.
    pub(super) line: u64,
    raw: Raw,
}

enum Raw {
    /// Id and text.
    Text(String, Vec<u8>),
    Json(Vec<u8>),
    Csv(Arc<ByteRecord>, ByteRecord),
    Broken(String),
}

impl Row {
    /// The article, or what is wrong with the row.
    pub(super) fn parse(self) -> Result<Parsed, String> {
        match self.raw {
            Raw::Text(id, bytes) => {
                let text = String::from_utf8(bytes).map_err(|e| not_utf8(&e.utf8_error()))?;
                Ok(Parsed { article: Article { id, text, ..Article::default() }, targets: None })
            }
            Raw::Json(bytes) => json_row(&bytes),
            Raw::Csv(header, record) => csv_row(&header, &record),
            Raw::Broken(message) => Err(message),
        }
    }

    /// Bytes of it, to bound what is held at a time.
    pub(super) fn weight(&self) -> usize {
        match &self.raw {
            Raw::Text(_, bytes) | Raw::Json(bytes) => bytes.len(),
            Raw::Csv(_, record) => record.as_slice().len(),
            Raw::Broken(message) => message.len(),
        }
    }
}

/// The rows of one input.
pub(super) struct Rows {
    /// As it is shown in messages.
    name: String,
    reader: Reader,
}

enum Reader {
    Text(Option<Box<dyn BufRead + Send>>),
    Jsonl { reader: Box<dyn BufRead + Send>, line: u64 },
    Csv { reader: Box<csv::Reader<Box<dyn BufRead + Send>>>, header: Arc<ByteRecord> },
}

/// Longest line or file that is read as one article; far above any limit on texts.
const MAX_ROW_BYTES: u64 = 64 << 20;

impl Rows {
    /// Opens `path`; `-` is standard input.
    pub(super) fn open(path: &Path, format: InputFormat) -> io::Result<Self> {
        let stdin = path == Path::new("-");
        let mut input = if stdin { Box::new(BufReader::new(io::stdin())) } else { open(path)? };
        skip_byte_order_mark(&mut input)?;
        let reader = match format {
            InputFormat::Text => Reader::Text(Some(input)),
            InputFormat::Jsonl => Reader::Jsonl { reader: input, line: 0 },
            InputFormat::Csv => {
                let delimiter = if plain_extension(path) == Some("tsv") { b'\t' } else { b',' };
                let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(input);
                let header = reader.byte_headers().map_err(io::Error::other)?.clone();
                if !header.iter().any(|name| name == b"text" || name == b"title") {
                    let message = "no column \"text\" or \"title\" in the first line";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, message));
                }
                Reader::Csv { reader: Box::new(reader), header: Arc::new(header) }
            }
        };
        Ok(Self { name: if stdin { "<stdin>".to_owned() } else { path.display().to_string() }, reader })
    }

    /// The file, as it is shown in messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The next row; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Row>> {
        match &mut self.reader {
            Reader::Text(input) => {
                let Some(input) = input.take() else { return Ok(None) };
                let mut bytes = Vec::new();
                input.take(MAX_ROW_BYTES + 1).read_to_end(&mut bytes)?;
                let raw = bounded(bytes, |bytes| Raw::Text(self.name.clone(), bytes));
                Ok(Some(Row { line: 1, raw }))
            }
            Reader::Jsonl { reader, line } => loop {
                let mut bytes = Vec::new();
                if reader.by_ref().take(MAX_ROW_BYTES + 1).read_until(b'\n', &mut bytes)? == 0 {
                    return Ok(None);
                }
                *line += 1;
                if bytes.len() as u64 > MAX_ROW_BYTES {
                    skip_line(reader)?;
                }
                if !bytes.iter().all(u8::is_ascii_whitespace) {
                    return Ok(Some(Row { line: *line, raw: bounded(bytes, Raw::Json) }));
                }
            },
            Reader::Csv { reader, header } => {
                let before = reader.position().line();
                let mut record = ByteRecord::new();
                match reader.read_byte_record(&mut record) {
                    Ok(false) => Ok(None),
                    Ok(true) => {
                        let line = record.position().map_or(before, csv::Position::line);
                        Ok(Some(Row { line, raw: Raw::Csv(Arc::clone(header), record) }))
                    }
                    Err(e) if e.is_io_error() => Err(io::Error::other(e)),
                    Err(e) => Ok(Some(Row { line: before, raw: Raw::Broken(e.to_string()) })),
                }
            }
        }
    }
}

fn bounded(bytes: Vec<u8>, raw: impl FnOnce(Vec<u8>) -> Raw) -> Raw {
    if bytes.len() as u64 > MAX_ROW_BYTES {
        return Raw::Broken(format!("more than {MAX_ROW_BYTES} bytes in one article"));
    }
    raw(bytes)
}

fn skip_line(reader: &mut impl BufRead) -> io::Result<()> {
    loop {
        let chunk = reader.fill_buf()?;
        let (skip, end) = match chunk.iter().position(|&b| b == b'\n') {
            Some(i) => (i + 1, true),
            None => (chunk.len(), chunk.is_empty()),
        };
        reader.consume(skip);
        if end {
            return Ok(());
        }
    }
}

fn open(path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    let file = File::open(path)?;
    Ok(match path.extension().and_then(|e| e.to_str()) {
        Some("gz") => Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(BufReader::new(file)))),
        Some("zst") => Box::new(BufReader::new(zstd::Decoder::new(file)?)),
        _ => Box::new(BufReader::with_capacity(1 << 16, file)),
    })
}

/// Editors on Windows put one before UTF-8 text.
fn skip_byte_order_mark(input: &mut impl BufRead) -> io::Result<()> {
    if input.fill_buf()?.starts_with("\u{feff}".as_bytes()) {
        input.consume("\u{feff}".len());
    }
    Ok(())
}

/// The extension, not counting that of the compression.
fn plain_extension(path: &Path) -> Option<&str> {
    let compressed = path.extension().is_some_and(|e| e == "gz" || e == "zst");
    let plain = if compressed { path.file_stem().map(Path::new)? } else { path };
    plain.extension()?.to_str()
}

fn not_utf8(error: &std::str::Utf8Error) -> String {
    format!("byte {} is not UTF-8: save the file as UTF-8", error.valid_up_to())
}

/// A row of JSON. Other keys, as of labelled articles, are not read.
#[derive(Deserialize)]
struct JsonRow {
    id: Option<Value>,
    title: Option<String>,
    text: Option<String>,
    #[serde(alias = "language")]
    lang: Option<String>,
    targets: Option<Vec<Value>>,
}

fn json_row(bytes: &[u8]) -> Result<Parsed, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| not_utf8(&e))?;
    // Rows are lines: serde's "at line 1" would only mislead.
    let row: JsonRow = serde_json::from_str(text).map_err(|e| {
        format!("not an article as one JSON object: {}", e.to_string().replace(" at line 1 column", ", column"))
    })?;
    if row.title.is_none() && row.text.is_none() {
        return Err("neither \"title\" nor \"text\": give at least one of them".to_owned());
    }
    let id = match row.id {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(id)) => id,
        Some(Value::Number(id)) => id.to_string(),
        Some(_) => return Err("id: neither a string nor a number".to_owned()),
    };
    let article = Article {
        id,
        title: row.title.unwrap_or_default(),
        text: row.text.unwrap_or_default(),
        language: row.lang.unwrap_or_default(),
    };
    Ok(Parsed { article, targets: row.targets.map(targets).transpose()? })
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

fn csv_row(header: &ByteRecord, record: &ByteRecord) -> Result<Parsed, String> {
    if record.len() > header.len() {
        let (got, most) = (record.len(), header.len());
        return Err(format!("{got} fields under {most} columns: quote fields that hold the separator"));
    }
    let mut parsed = Parsed { article: Article::default(), targets: None };
    for (name, value) in header.iter().zip(record) {
        let article = &mut parsed.article;
        let field = match name {
            b"id" => &mut article.id,
            b"title" => &mut article.title,
            b"text" => &mut article.text,
            b"lang" | b"language" => &mut article.language,
            b"targets" => {
                let value = std::str::from_utf8(value).map_err(|e| format!("targets: {}", not_utf8(&e)))?;
                parsed.targets = csv_targets(value)?;
                continue;
            }
            _ => continue,
        };
        let value =
            std::str::from_utf8(value).map_err(|e| format!("{}: {}", String::from_utf8_lossy(name), not_utf8(&e)))?;
        value.clone_into(field);
    }
    Ok(parsed)
}

/// A JSON list, or names with `;` between them.
fn csv_targets(value: &str) -> Result<Option<Vec<Target>>, String> {
    let value = value.trim();
    if value.is_empty() {
        return Ok(None);
    }
    if value.starts_with('[') {
        let values = serde_json::from_str(value).map_err(|e| format!("targets: not a JSON list: {e}"))?;
        return targets(values).map(Some);
    }
    let names = value.split(';').map(str::trim).filter(|name| !name.is_empty());
    Ok(Some(names.map(|name| Target { name: name.to_owned(), ..Target::default() }).collect()))
}

/// Where articles come from, as one argument.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Source {
    /// File to read, or - for standard input; .gz and .zst are read as they are
    pub(super) file: PathBuf,
    /// How the articles are written down [default: by the name of the file: .jsonl, .csv, .tsv,
    /// else text]
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
    use std::io::Write;

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
        let mut rows = Rows::open(&path, InputFormat::of(&path)).unwrap();
        std::iter::from_fn(|| rows.next().unwrap()).map(|row| (row.line, row.parse())).collect()
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
        let error = Rows::open(&path, InputFormat::Csv).err().unwrap();
        assert!(error.to_string().contains("no column \"text\""));
    }

    fn fs_write(path: &Path, content: &str) {
        std::fs::write(path, content).unwrap();
    }
}
