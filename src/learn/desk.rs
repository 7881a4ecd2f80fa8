//! What the words of a story say about its desk, also where it names no place:
//! columns of the same table as the topics.

use super::{
    calibrate::temperature,
    config::{DeskConfig, TrainConfig},
    job::Job,
    region::{desk_label, read_region_row},
    rows::LabelledArticle,
    softmax::{Softmax, SoftmaxError, SoftmaxParams, SparseDoc, Validation, records},
    space::Encoder,
};
use crate::{
    heads::calibration::softmax,
    places::countries::{DESKS, NO_DESK},
    text::{Document, hash_word},
};
use linfa::{Dataset, ParamGuard};
use ndarray::Array1;
use std::collections::BTreeMap;

/// The desks, and none.
pub const CLASSES: usize = DESKS.len() + 1;

/// The words' opinion, and how to read it.
pub struct DeskModel {
    /// Weights for the table.
    pub weights: Softmax,
    /// Divides the scores before the softmax.
    pub temperature: f64,
    /// Models that were each fitted without one part of the rows: for asking about a row that was trained on.
    folds: Vec<Softmax>,
    /// Models that were each fitted without some data sets: for asking what the words say of a stranger's article.
    strangers: Vec<Softmax>,
    /// The data sets trained on, in order.
    sets: Vec<String>,
}

/// In how many parts the data sets are held out.
const STRANGERS: usize = 5;
/// In how many parts rows are held out. With two the words that training asks know half as much as those that serve, and
/// the head trusts them too little.
const FOLDS: usize = 4;

/// On which rows a model is fitted.
enum Of {
    All,
    /// All but the rows of one part.
    Beyond(usize),
    /// All but the data sets of one part.
    Without(usize),
}

/// Fits on the rows of one desk each, and on `placeless` rows as examples of none; `None` when fewer than two desks have
/// rows.
///
/// # Errors
/// When the configuration's numbers are out of range.
pub fn fit(
    train: &[LabelledArticle],
    dev: &[LabelledArticle],
    placeless: &[LabelledArticle],
    encoder: &mut Encoder<'_>,
    config: &TrainConfig,
    initial: Option<&Softmax>,
    job: &Job<'_>,
) -> Result<Option<DeskModel>, SoftmaxError> {
    let Some(rows) = Rows::read(train, placeless, encoder, config) else { return Ok(None) };
    let dev = read(dev, encoder);
    let mut sets: Vec<String> = rows.rows.iter().map(|r| r.set.clone()).collect();
    sets.sort_unstable();
    sets.dedup();
    let parts = if sets.len() < 2 { 0 } else { STRANGERS.min(sets.len()) };
    let mut fits = vec![Of::All];
    fits.extend((0..FOLDS).map(Of::Beyond));
    fits.extend((0..parts).map(Of::Without));
    let fitted = job.map(
        fits,
        || (),
        |(), of| match of {
            Of::All => rows.fit("desk", initial, &|_| true, job),
            // From zeros: what they are begun from may have seen the rows that they must not know.
            Of::Beyond(fold) => rows.fit(&format!("desk-out-of-{fold}"), None, &|row| row.fold != fold, job),
            Of::Without(part) => {
                rows.fit(&format!("desk-without-{part}"), None, &|row| part_of(&sets, &row.set) != Some(part), job)
            }
        },
    );
    let mut fitted = fitted.into_iter();
    let mut next = || fitted.next().unwrap_or_else(|| Err(SoftmaxError::Data("more fits are due".to_owned())));
    let model = next()?;
    let folds = (0..FOLDS).map(|_| next()).collect::<Result<_, _>>()?;
    let strangers = (0..parts).map(|_| next()).collect::<Result<_, _>>()?;
    let scores: Vec<Vec<f32>> = dev.iter().map(|r| model.decision_function(&r.doc)).collect();
    let truth: Vec<usize> = dev.iter().map(|r| r.desk).collect();
    Ok(Some(DeskModel { weights: model, temperature: temperature(&scores, &truth), folds, strangers, sets }))
}

/// The weights alone, as a work of that name.
///
/// # Errors
/// As [`fit`].
pub fn fit_weights(
    name: &str,
    train: &[LabelledArticle],
    placeless: &[LabelledArticle],
    encoder: &mut Encoder<'_>,
    config: &TrainConfig,
    job: &Job<'_>,
) -> Result<Option<Softmax>, SoftmaxError> {
    Rows::read(train, placeless, encoder, config).map(|rows| rows.fit(name, None, &|_| true, job)).transpose()
}

/// A row of one desk.
struct Row {
    doc: SparseDoc,
    desk: usize,
    set: String,
    fold: usize,
}

fn read(rows: &[LabelledArticle], encoder: &mut Encoder<'_>) -> Vec<Row> {
    let mut document = Document::default();
    let row = |row: &LabelledArticle| {
        let desk = desk_label(row)?;
        read_region_row(row, &mut document);
        let set = row.dataset.clone().unwrap_or_default();
        Some(Row { doc: encoder.encode_document(&document), desk, set, fold: fold_of(&document) })
    };
    rows.iter().filter_map(row).collect()
}

/// What is fitted on.
struct Rows<'a> {
    rows: Vec<Row>,
    weights: Vec<f32>,
    config: &'a TrainConfig,
}

impl<'a> Rows<'a> {
    /// `None` when fewer than two desks have rows.
    fn read(
        train: &[LabelledArticle],
        placeless: &[LabelledArticle],
        encoder: &mut Encoder<'_>,
        config: &'a TrainConfig,
    ) -> Option<Self> {
        let mut rows = read(train, encoder);
        let none: Vec<LabelledArticle> = placeless.iter().map(|r| unplaced(r.clone())).collect();
        rows.extend(read(&none, encoder));
        let first = rows.first()?.desk;
        let several = rows.iter().any(|r| r.desk != first);
        several.then(|| Self { weights: weights(&rows, &config.desk), rows, config })
    }

    fn fit(
        &self,
        name: &str,
        initial: Option<&Softmax>,
        keep: &dyn Fn(&Row) -> bool,
        job: &Job<'_>,
    ) -> Result<Softmax, SoftmaxError> {
        let desk = &self.config.desk;
        let kept = || self.rows.iter().zip(&self.weights).filter(|(row, _)| keep(row));
        let docs = kept().map(|(row, _)| row.doc.clone()).collect();
        let labels = Array1::from_iter(kept().map(|(row, _)| row.desk));
        let weights = Array1::from_iter(kept().map(|(_, &weight)| weight));
        let params = SoftmaxParams::new(CLASSES).c(desk.c).epochs(desk.epochs).learning_rate(desk.learning_rate);
        let params = params.initial_params(initial.cloned()).seed(self.config.seed).check()?;
        params.fit_as(name, &Dataset::new(records(docs), labels).with_weights(weights), &Validation::default(), job)
    }
}

/// The row as an example of no desk.
fn unplaced(row: LabelledArticle) -> LabelledArticle {
    LabelledArticle { desk: Some(NO_DESK.to_owned()), desks: None, countries: None, section: None, ..row }
}

impl DeskModel {
    /// Probabilities of the desks and of none for a document that was not trained on.
    #[must_use]
    pub fn probabilities(&self, row: &SparseDoc) -> Vec<f32> {
        self.tempered(&self.weights, row)
    }

    fn tempered(&self, model: &Softmax, row: &SparseDoc) -> Vec<f32> {
        let scores = model.decision_function(row);
        softmax(scores.iter().map(|&s| f64::from(s) / self.temperature)).into_iter().map(|p| p as f32).collect()
    }

    /// Probabilities of the desks and of none for a document, from the model that was fitted without it.
    #[must_use]
    pub fn out_of_fold(&self, document: &Document, row: &SparseDoc) -> Vec<f32> {
        let model = self.folds.get(fold_of(document)).unwrap_or(&self.weights);
        self.tempered(model, row)
    }

    /// The same from a model that was fitted without the row's whole data set; `None` where there is only one.
    #[must_use]
    pub fn out_of_set(&self, set: &str, row: &SparseDoc) -> Option<Vec<f32>> {
        let model = self.strangers.get(part_of(&self.sets, set)?)?;
        Some(self.tempered(model, row))
    }
}

/// The part that a data set is held out with.
fn part_of(sets: &[String], set: &str) -> Option<usize> {
    sets.binary_search_by(|s| s.as_str().cmp(set)).ok().map(|i| i % STRANGERS)
}

/// Which part of the rows a document belongs to.
fn fold_of(document: &Document) -> usize {
    (hash_word(document.text().as_bytes()) >> 7) as usize % FOLDS
}

fn weights(rows: &[Row], config: &DeskConfig) -> Vec<f32> {
    let mut sets: BTreeMap<&str, f32> = BTreeMap::new();
    let mut desks = [0f32; CLASSES];
    for row in rows {
        *sets.entry(&row.set).or_default() += 1.0;
        desks[row.desk] += 1.0;
    }
    let weight = |row: &Row| {
        let set = sets.get(row.set.as_str()).copied().unwrap_or(1.0);
        set.powf(-config.source_balance) * desks[row.desk].powf(-config.class_balance)
    };
    let mut weights: Vec<f32> = rows.iter().map(weight).collect();
    let mean = weights.iter().sum::<f32>() / weights.len().max(1) as f32;
    weights.iter_mut().for_each(|w| *w /= mean);
    weights
}
