//! An answer as one row of a table: what CSV and Parquet have room for.

use super::{Answer, word};
use crate::heads::region::ABOUT;
use std::io::{self, Write};

/// The columns of one answer.
#[derive(Debug)]
pub(in crate::cli) struct Flat {
    pub(super) id: String,
    /// The first topic.
    pub(super) topic: Option<Topic>,
    pub(super) topic_abstained: Option<String>,
    pub(super) desk: Option<&'static str>,
    /// The countries that the story is about; `None`: the region head was not asked.
    pub(super) countries: Option<Vec<(&'static str, f64)>>,
    pub(super) stances: Vec<Stance>,
    pub(super) language: String,
    pub(super) model: String,
}

#[derive(Debug)]
pub(super) struct Topic {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) probability: f64,
}

#[derive(Debug, serde::Serialize)]
pub(super) struct Stance {
    pub(super) target: String,
    pub(super) label: String,
    pub(super) probability: f64,
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

impl Flat {
    pub(super) fn of(answer: &Answer<'_>) -> Self {
        let Answer { article, prediction, model } = answer;
        let (topic, region) = (prediction.topic.as_ref(), prediction.region.as_ref());
        let first = topic.and_then(|t| t.labels.first());
        let stance = |s: &crate::prediction::StanceResult| Stance {
            target: s.target.clone(),
            label: word(s.label),
            probability: s.probability,
        };
        Self {
            id: article.id.clone(),
            topic: first.map(|l| Topic { id: l.id.to_string(), name: l.name.to_string(), probability: l.probability }),
            topic_abstained: topic.and_then(|t| t.abstained).map(word),
            desk: region.map(|r| r.primary_desk),
            countries: region.map(|r| {
                let about = r.countries.iter().filter(|c| c.probability >= ABOUT);
                about.map(|c| (c.code, c.probability)).collect()
            }),
            stances: prediction.stances.iter().map(stance).collect(),
            language: prediction.language.code.clone(),
            model: format!("{}@{}", model.name, model.version),
        }
    }

    /// As a line of CSV: lists with `;` between, stances as JSON.
    pub(super) fn csv(self, out: &mut impl Write) -> io::Result<()> {
        let (topic, countries) = (self.topic.as_ref(), self.countries.unwrap_or_default());
        let join = |items: Vec<String>| items.join(";");
        let cells = [
            self.id,
            topic.map(|t| t.id.clone()).unwrap_or_default(),
            topic.map(|t| t.name.clone()).unwrap_or_default(),
            topic.map(|t| t.probability.to_string()).unwrap_or_default(),
            self.topic_abstained.unwrap_or_default(),
            self.desk.unwrap_or_default().to_owned(),
            join(countries.iter().map(|(code, _)| (*code).to_owned()).collect()),
            join(countries.iter().map(|(_, probability)| probability.to_string()).collect()),
            serde_json::to_string(&self.stances)?,
            self.language,
            self.model,
        ];
        csv_line(out, &cells)
    }
}

/// The first line of CSV.
pub(super) fn csv_header(out: &mut impl Write) -> io::Result<()> {
    csv_line(out, &COLUMNS)
}

fn csv_line(out: &mut impl Write, cells: &[impl AsRef<[u8]>]) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(cells).map_err(io::Error::other)?;
    writer.flush()
}
