//! Answers as JSON, CSV or a table for people.

use super::input::InputFormat;
use crate::{
    article::{Article, Field, Span},
    model::Identity,
    prediction::{AbstentionReason, Prediction},
};
use clap::ValueEnum;
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
}

impl OutputFormat {
    /// What suits the input, unless told.
    pub(super) fn suiting(input: InputFormat) -> Self {
        match input {
            InputFormat::Text => Self::Table,
            InputFormat::Jsonl => Self::Jsonl,
            InputFormat::Csv => Self::Csv,
            InputFormat::Parquet => Self::Jsonl,
        }
    }
}

/// One answer with all that is written about it.
pub(super) struct Answer<'a> {
    pub(super) article: &'a Article,
    pub(super) prediction: &'a Prediction,
    pub(super) model: &'a Identity,
}

/// The object of the JSON formats.
#[derive(Serialize)]
struct Object<'a> {
    id: &'a str,
    #[serde(flatten)]
    prediction: &'a Prediction,
    model: &'a Identity,
}

/// What stands around and between the answers.
pub(super) struct Shape {
    format: OutputFormat,
    /// An array of objects, not one object.
    array: bool,
}

impl Shape {
    pub(super) fn new(format: OutputFormat, input: InputFormat) -> Self {
        Self { format, array: format == OutputFormat::Json && input != InputFormat::Text }
    }

    /// Before the first answer.
    pub(super) fn begin(&self, out: &mut impl Write) -> io::Result<()> {
        match self.format {
            OutputFormat::Json if self.array => out.write_all(b"["),
            OutputFormat::Csv => csv_line(out, &COLUMNS),
            _ => Ok(()),
        }
    }

    /// Before answer `n`, from 0.
    pub(super) fn between(&self, n: u64, out: &mut impl Write) -> io::Result<()> {
        match self.format {
            OutputFormat::Json if self.array => out.write_all(if n == 0 { b"\n" } else { b",\n" }),
            OutputFormat::Table if n > 0 => out.write_all(b"\n"),
            _ => Ok(()),
        }
    }

    /// After the last answer.
    pub(super) fn end(&self, out: &mut impl Write) -> io::Result<()> {
        if self.array { out.write_all(b"\n]\n") } else { Ok(()) }
    }

    /// One answer.
    pub(super) fn write(&self, answer: &Answer<'_>, out: &mut impl Write) -> io::Result<()> {
        let Answer { article, prediction, model } = answer;
        let object = Object { id: &article.id, prediction, model };
        match self.format {
            OutputFormat::Table => table(answer, out),
            OutputFormat::Csv => csv_answer(answer, out),
            OutputFormat::Json => {
                serde_json::to_writer_pretty(&mut *out, &object)?;
                if self.array { Ok(()) } else { out.write_all(b"\n") }
            }
            OutputFormat::Jsonl => {
                serde_json::to_writer(&mut *out, &object)?;
                out.write_all(b"\n")
            }
        }
    }
}

const COLUMNS: [&str; 11] = [
    "id",
    "topic",
    "topic_name",
    "topic_probability",
    "topic_abstained",
    "desk",
    "countries",
    "country_probabilities",
    "stances",
    "language",
    "model",
];

/// From this probability on a country is part of the answer.
const ABOUT: f64 = 0.5;

fn csv_answer(answer: &Answer<'_>, out: &mut impl Write) -> io::Result<()> {
    let Answer { article, prediction, model } = answer;
    let topic = prediction.topic.as_ref();
    let first = topic.and_then(|t| t.labels.first());
    let region = prediction.region.as_ref();
    let countries = || region.iter().flat_map(|r| &r.countries).filter(|c| c.probability >= ABOUT);
    let join = |items: Vec<String>| items.join(";");
    let stances: Vec<_> = prediction
        .stances
        .iter()
        .map(|s| serde_json::json!({"target": s.target, "label": s.label, "probability": s.probability}))
        .collect();
    let cells = [
        article.id.clone(),
        first.map(|l| l.id.to_string()).unwrap_or_default(),
        first.map(|l| l.name.to_string()).unwrap_or_default(),
        first.map(|l| l.probability.to_string()).unwrap_or_default(),
        topic.and_then(|t| t.abstained).map(word).unwrap_or_default(),
        region.map(|r| r.primary_desk.to_owned()).unwrap_or_default(),
        join(countries().map(|c| c.code.to_owned()).collect()),
        join(countries().map(|c| c.probability.to_string()).collect()),
        serde_json::to_string(&stances)?,
        prediction.language.code.clone(),
        format!("{}@{}", model.name, model.version),
    ];
    csv_line(out, &cells)
}

fn csv_line(out: &mut impl Write, cells: &[impl AsRef<[u8]>]) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(cells).map_err(io::Error::other)?;
    writer.flush()
}

/// An enum's value as it stands in the JSON.
fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

const TOPICS_SHOWN: usize = 3;
const COUNTRIES_SHOWN: usize = 5;
const SENTENCES_SHOWN: usize = 3;

fn table(answer: &Answer<'_>, out: &mut impl Write) -> io::Result<()> {
    let Answer { article, prediction, model } = answer;
    let id = if article.id.is_empty() { "(no id)" } else { &article.id };
    let language = &prediction.language.code;
    writeln!(out, "{id}  [{language}]  {}@{}", model.name, model.version)?;
    if let Some(topic) = &prediction.topic {
        for (i, label) in topic.labels.iter().take(TOPICS_SHOWN).enumerate() {
            let head = if i == 0 { "topic" } else { "" };
            writeln!(out, "  {head:<8}{:.3}  {}  {}", label.probability, label.id, label.name)?;
        }
        abstained(topic.abstained, out)?;
        for e in &topic.evidence {
            writeln!(out, "          {:+.3}  {:?}", e.contribution, e.term)?;
        }
    }
    if let Some(region) = &prediction.region {
        writeln!(out, "  region  {}", region.primary_desk)?;
        for c in region.countries.iter().take(COUNTRIES_SHOWN) {
            writeln!(out, "          {:.3}  {}  {}", c.probability, c.code, c.name)?;
        }
        abstained(region.abstained, out)?;
    }
    for stance in &prediction.stances {
        let (label, mentions) = (word(stance.label), stance.mentions);
        writeln!(out, "  stance  {:.3}  {label} toward {} ({mentions} mentions)", stance.probability, stance.target)?;
        abstained(stance.abstained, out)?;
        for e in stance.evidence.iter().take(SENTENCES_SHOWN) {
            let sentence = excerpt(article, e.sentence);
            writeln!(out, "          {:.3}  {}: {sentence}", e.probability, word(e.label))?;
        }
    }
    Ok(())
}

fn abstained(reason: Option<AbstentionReason>, out: &mut impl Write) -> io::Result<()> {
    match reason {
        Some(reason) => writeln!(out, "          rather not: {}", word(reason)),
        None => Ok(()),
    }
}

/// The words of a span on one line.
fn excerpt(article: &Article, span: Span) -> String {
    let field = match span.field {
        Field::Title => &article.title,
        Field::Text => &article.text,
    };
    let words = field.get(span.begin as usize..span.end as usize).unwrap_or_default();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}
