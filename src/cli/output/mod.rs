//! Answers as JSON, CSV, Parquet or a table for people.

mod flat;
mod parquet;
mod table;

use super::input::InputFormat;
use crate::{article::Article, model::Identity, prediction::Prediction};
use clap::ValueEnum;
use flat::Flat;
use serde::Serialize;
use std::io::{self, Write};

/// How answers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// For people
    Table,
    /// JSON, indented: one object for a text, else an array
    Json,
    /// One JSON object a line
    Jsonl,
    /// A header line, then one row an article
    Csv,
    /// Apache Parquet, one row an article
    Parquet,
}

impl OutputFormat {
    /// What suits the input, unless told.
    pub(super) fn suiting(input: InputFormat) -> Self {
        match input {
            InputFormat::Text => Self::Table,
            InputFormat::Jsonl => Self::Jsonl,
            InputFormat::Csv => Self::Csv,
            InputFormat::Parquet => Self::Parquet,
        }
    }

    /// One answer, ready to be written behind others.
    pub(super) fn encode(self, answer: &Answer<'_>) -> io::Result<Encoded> {
        let Answer { article, prediction, model } = answer;
        let object = Object { id: &article.id, prediction, model };
        let mut out = Vec::new();
        match self {
            Self::Table => table::table(answer, &mut out)?,
            Self::Csv => Flat::of(answer).csv(&mut out)?,
            Self::Json => serde_json::to_writer_pretty(&mut out, &object)?,
            Self::Jsonl => {
                serde_json::to_writer(&mut out, &object)?;
                out.push(b'\n');
            }
            Self::Parquet => return Ok(Encoded::Row(Box::new(Flat::of(answer)))),
        }
        Ok(Encoded::Text(out))
    }
}

/// One answer with all that is written about it.
pub(super) struct Answer<'a> {
    pub(super) article: &'a Article,
    pub(super) prediction: &'a Prediction,
    pub(super) model: &'a Identity,
}

/// An answer in its format.
pub(super) enum Encoded {
    Text(Vec<u8>),
    Row(Box<Flat>),
}

/// The object of the JSON formats.
#[derive(Serialize)]
struct Object<'a> {
    id: &'a str,
    #[serde(flatten)]
    prediction: &'a Prediction,
    model: &'a Identity,
}

/// Where the answers go, in their order, with what stands around and between them.
pub(super) struct Output<W: Write + Send> {
    format: OutputFormat,
    /// An array of objects, not one object.
    array: bool,
    answers: u64,
    sink: Sink<W>,
}

enum Sink<W: Write + Send> {
    Text(W),
    Parquet(Box<parquet::Writer<W>>),
}

impl<W: Write + Send> Output<W> {
    pub(super) fn begin(format: OutputFormat, input: InputFormat, mut out: W) -> io::Result<Self> {
        let array = format == OutputFormat::Json && input != InputFormat::Text;
        match format {
            OutputFormat::Json if array => out.write_all(b"[")?,
            OutputFormat::Csv => flat::csv_header(&mut out)?,
            _ => {}
        }
        let sink = match format {
            OutputFormat::Parquet => Sink::Parquet(Box::new(parquet::Writer::new(out)?)),
            _ => Sink::Text(out),
        };
        Ok(Self { format, array, answers: 0, sink })
    }

    /// How many answers were written.
    pub(super) fn answers(&self) -> u64 {
        self.answers
    }

    pub(super) fn push(&mut self, answer: Encoded) -> io::Result<()> {
        match (&mut self.sink, answer) {
            (Sink::Parquet(file), Encoded::Row(row)) => file.push(*row)?,
            (Sink::Text(out), Encoded::Text(text)) => {
                let first = self.answers == 0;
                match self.format {
                    OutputFormat::Json if self.array => out.write_all(if first { b"\n" } else { b",\n" })?,
                    OutputFormat::Table if !first => out.write_all(b"\n")?,
                    _ => {}
                }
                out.write_all(&text)?;
                if self.format == OutputFormat::Json && !self.array {
                    out.write_all(b"\n")?;
                }
            }
            _ => return Err(io::Error::other("an answer in another format")),
        }
        self.answers += 1;
        Ok(())
    }

    /// After the last answer. `whole`: nothing is missing behind it.
    pub(super) fn end(self, whole: bool) -> io::Result<()> {
        match self.sink {
            Sink::Text(mut out) => {
                if self.array && whole {
                    out.write_all(b"\n]\n")?;
                }
                out.flush()
            }
            Sink::Parquet(file) => file.close(),
        }
    }
}

/// An enum's value as it stands in the JSON.
fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}
