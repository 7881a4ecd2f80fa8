//! Training of the topic head.

use super::{
    calibrate::{Scored, calibrate},
    config::{TopicConfig, TrainConfig},
    job::Job,
    load::{Corpus, Example},
    rows::{LabelledArticle, RowError, Split},
    softmax::{Softmax, SoftmaxError, SoftmaxParams, SparseDoc, Validation, records},
    space::Encoder,
};
use crate::{
    heads::{
        calibration::Calibration,
        topic::{Label, Thresholds, TopicHead},
    },
    prediction::Head,
    taxonomy::Taxonomy,
};
use linfa::{Dataset, ParamGuard};
use ndarray::Array1;
use std::collections::{BTreeMap, BTreeSet};

/// A label needs as many training rows: with fewer nothing can be learned of it.
pub(super) const MIN_EXAMPLES: usize = 2;

/// Share of the dev articles that may have too many words that the model does not know: these are in another language.
const UNKNOWN_SHARE: f64 = 0.001;
/// With fewer of them no article abstains, however few the dev rows are.
const LEAST_UNKNOWN: f64 = 0.5;

/// `quality` of rows that another model labelled.
pub(super) const MACHINE: &str = "machine";

/// The rows of the head, with their labels as columns.
pub struct TopicRows<'a> {
    /// The labels with training rows, in the taxonomy's order.
    pub labels: Vec<Label>,
    /// Training rows of each label.
    pub examples: Vec<u64>,
    /// Languages of the training rows.
    pub(super) languages: BTreeSet<String>,
    pub(super) train: Vec<(&'a Example, usize)>,
    pub(super) dev: Vec<(&'a Example, usize)>,
}

/// The first fit's name.
const CANDIDATES: &str = "topic-candidates";

/// Reads the taxonomy that the configuration names; `labels` are those that the rows have.
///
/// # Errors
/// When its file cannot be read or is none.
pub fn taxonomy<'a>(labels: impl Iterator<Item = &'a str>, config: &TopicConfig) -> Result<Taxonomy, String> {
    if let Some(known) = config.taxonomy.to_str().and_then(Taxonomy::named) {
        return known;
    }
    match config.taxonomy.to_str() {
        Some("labels") => {
            let mut labels: Vec<String> = labels.map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect();
            labels.sort();
            labels.dedup();
            Ok(Taxonomy::of_labels(labels))
        }
        _ => {
            let path = &config.taxonomy;
            let json = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
            Taxonomy::parse(&json).map_err(|e| format!("{}: {e}", path.display()))
        }
    }
}

/// Gives every row its column; `None` when no row carries a topic.
///
/// # Errors
/// Lists rows with unknown or empty labels and labels that cannot be learned.
pub fn topic_rows<'a>(corpus: &'a Corpus, taxonomy: &Taxonomy) -> Result<Option<TopicRows<'a>>, Vec<RowError>> {
    let mut errors = Vec::new();
    let mut by_label: BTreeMap<usize, [Vec<&Example>; 2]> = BTreeMap::new();
    for example in &corpus.examples {
        let Some(topic) = example.article.topic.as_ref().filter(|_| !example.measured_only) else { continue };
        let part = match example.article.split {
            Split::Train => 0,
            Split::Dev => 1,
            Split::Test => continue,
        };
        match taxonomy.position(topic) {
            Some(label) => by_label.entry(label).or_default()[part].push(example),
            None if topic.trim().is_empty() => errors.push(corpus.error(example, "topic: empty: leave the key out")),
            None => errors.push(corpus.error(example, unknown(topic, taxonomy))),
        }
    }
    for (label, [train, dev]) in &by_label {
        let name = &taxonomy.labels[*label].name;
        let few = train.len() < MIN_EXAMPLES;
        if let Some(example) = train.first().or(dev.first()).filter(|_| few) {
            let n = train.len();
            let message = format!(
                "topic: {name:?} has {n} training rows; at least {MIN_EXAMPLES} are needed: add some or leave these rows out"
            );
            errors.push(corpus.error(example, message));
        }
    }
    if by_label.len() == 1
        && let Some(example) = by_label.values().flatten().flatten().next()
    {
        errors.push(corpus.error(example, "topic: all rows have the same label; at least two labels are needed"));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    if by_label.is_empty() {
        return Ok(None);
    }
    let mut rows = TopicRows {
        labels: Vec::new(),
        examples: Vec::new(),
        languages: BTreeSet::new(),
        train: Vec::new(),
        dev: Vec::new(),
    };
    for (column, (label, [train, dev])) in by_label.into_iter().enumerate() {
        let definition = &taxonomy.labels[label];
        rows.labels.push(Label { id: definition.id.as_str().into(), name: definition.name.as_str().into() });
        rows.examples.push(train.len() as u64);
        rows.train.extend(train.into_iter().map(|e| (e, column)));
        rows.dev.extend(dev.into_iter().map(|e| (e, column)));
    }
    rows.languages = rows.train().map(|e| primary(&e.article.lang)).filter(|l| !l.is_empty()).collect();
    // In the order of the files again: the order of rows decides the result.
    rows.train.sort_by_key(|(e, _)| (e.file, e.line));
    rows.dev.sort_by_key(|(e, _)| (e.file, e.line));
    Ok(Some(rows))
}

pub(super) fn unknown(topic: &str, taxonomy: &Taxonomy) -> String {
    let known: Vec<&str> = taxonomy.labels.iter().take(20).map(|l| l.name.as_str()).collect();
    let known = known.join("; ");
    format!(
        "topic: unknown label {topic:?}; known are: {known}. To train on your own labels set topic.taxonomy = \"labels\""
    )
}

impl<'a> TopicRows<'a> {
    /// The training articles.
    pub fn train(&self) -> impl Iterator<Item = &Example> {
        self.train.iter().map(|(e, _)| *e)
    }

    /// The same without where they stand.
    #[must_use]
    pub fn articles(&self) -> Vec<&LabelledArticle> {
        self.train().map(|e| &e.article).collect()
    }

    /// The weights of a first fit with the candidates among which the features are chosen.
    ///
    /// # Errors
    /// As [`Self::fit_weights`].
    pub fn first_fit(
        &self,
        encoder: &Encoder<'_>,
        config: &TrainConfig,
        job: &Job<'_>,
    ) -> Result<Softmax, SoftmaxError> {
        self.fit_weights(CANDIDATES, encoder.encode_all(&self.articles(), job), config, None, job)
    }

    /// The same, but the dev rows say when it is enough, where that is asked for: not for whoever measures on them.
    ///
    /// # Errors
    /// As [`Self::fit_weights`].
    pub fn first_fit_stopping(
        &self,
        encoder: &Encoder<'_>,
        config: &TrainConfig,
        job: &Job<'_>,
    ) -> Result<Softmax, SoftmaxError> {
        let validation = self.validation(encoder, config, job);
        self.fit_until(&validation, CANDIDATES, encoder.encode_all(&self.articles(), job), config, None, job)
    }

    /// The dev articles.
    pub fn dev(&self) -> impl Iterator<Item = &Example> {
        self.dev.iter().map(|(e, _)| *e)
    }

    /// Fits the weights and calibrates the head on the dev rows.
    ///
    /// # Errors
    /// When the configuration's numbers are out of range.
    pub fn fit(
        &self,
        encoder: &Encoder<'_>,
        config: &TrainConfig,
        initial: Option<Softmax>,
        job: &Job<'_>,
    ) -> Result<(TopicHead, Softmax), SoftmaxError> {
        let docs = encoder.encode_all(&self.articles(), job);
        let validation = self.validation(encoder, config, job);
        let model = self.fit_until(&validation, Head::Topic.name(), docs, config, initial, job)?;
        Ok((self.head(&model, encoder, config, job), model))
    }

    /// The dev rows, to stop by where that is asked for.
    fn validation(&self, encoder: &Encoder<'_>, config: &TrainConfig, job: &Job<'_>) -> Validation {
        if config.topic.n_iter_no_change == 0 {
            return Validation::default();
        }
        let (articles, labels) = self.dev.iter().map(|(e, column)| (&e.article, *column)).unzip::<_, _, Vec<_>, _>();
        Validation { docs: encoder.encode_all(&articles, job), labels }
    }

    /// The head of a fitted model: calibrated, with its thresholds, on the dev rows.
    pub(super) fn head(
        &self,
        model: &Softmax,
        encoder: &Encoder<'_>,
        config: &TrainConfig,
        job: &Job<'_>,
    ) -> TopicHead {
        let topic = &config.topic;
        let dev: Vec<&LabelledArticle> = self.dev.iter().map(|(e, _)| &e.article).collect();
        let (mut scored, mut unknown): (Vec<Scored>, Vec<f64>) = Default::default();
        for ((doc, words, share), (_, column)) in encoder.encode_counted(&dev, job).into_iter().zip(&self.dev) {
            scored.push((model.decision_function(&doc), words, *column));
            unknown.push(share);
        }
        let calibration = calibrate(&scored, topic.loss.scale());
        let best = |(s, words, _): &Scored| calibration.probabilities(s, *words).into_iter().fold(0.0, f64::max);
        let thresholds = Thresholds {
            min_words: 3,
            max_other_score: 0.0,
            min_probability: quantile(scored.iter().map(best).collect(), topic.abstain_share),
            max_unknown: quantile(unknown, 1.0 - UNKNOWN_SHARE).max(LEAST_UNKNOWN),
        };
        let Calibration { scale, temperature, length_exponent } = calibration;
        let (labels, languages) = (self.labels.clone(), self.languages.iter().cloned().collect());
        TopicHead { labels, languages, scale, temperature, length_exponent, thresholds }
    }

    /// Fits the weights, as a work of that name, on `docs`, the training rows as the encoder sees them, from zeros or from
    /// `initial`, in all passes.
    ///
    /// # Errors
    /// When the configuration's numbers are out of range.
    pub fn fit_weights(
        &self,
        name: &str,
        docs: Vec<SparseDoc>,
        config: &TrainConfig,
        initial: Option<Softmax>,
        job: &Job<'_>,
    ) -> Result<Softmax, SoftmaxError> {
        self.fit_until(&Validation::default(), name, docs, config, initial, job)
    }

    /// The same until the rows for validation say that it is enough.
    fn fit_until(
        &self,
        validation: &Validation,
        name: &str,
        docs: Vec<SparseDoc>,
        config: &TrainConfig,
        initial: Option<Softmax>,
        job: &Job<'_>,
    ) -> Result<Softmax, SoftmaxError> {
        let topic = &config.topic;
        let labels = Array1::from_iter(self.train.iter().map(|(_, c)| *c));
        let data = Dataset::new(records(docs), labels).with_weights(Array1::from_vec(self.weights(topic)));
        params(self.labels.len(), config).initial_params(initial).check()?.fit_as(name, &data, validation, job)
    }

    /// The same labels with other rows: training rows that `train` takes, and as dev rows all that `dev` takes.
    #[must_use]
    pub fn select(&self, train: impl Fn(&Example, usize) -> bool, dev: impl Fn(&Example, usize) -> bool) -> Self {
        let all = || self.train.iter().chain(&self.dev).copied();
        let train: Vec<_> = self.train.iter().copied().filter(|(e, c)| train(e, *c)).collect();
        let mut examples = vec![0; self.labels.len()];
        train.iter().for_each(|(_, c)| examples[*c] += 1);
        let languages = self.languages.clone();
        Self {
            labels: self.labels.clone(),
            examples,
            languages,
            train,
            dev: all().filter(|(e, c)| dev(e, *c)).collect(),
        }
    }

    /// Adds rows to train on; those with labels that these rows do not have are left out.
    pub fn add(&mut self, examples: &'a [Example]) {
        let columns: BTreeMap<&str, usize> = self.labels.iter().enumerate().map(|(i, l)| (l.id.as_str(), i)).collect();
        for example in examples {
            let Some(&column) = example.article.topic.as_deref().and_then(|t| columns.get(t)) else { continue };
            self.examples[column] += 1;
            self.train.push((example, column));
        }
    }

    /// The columns of the training rows and of the dev rows.
    #[must_use]
    pub fn columns(&self) -> [Vec<usize>; 2] {
        [&self.train, &self.dev].map(|rows| rows.iter().map(|(_, c)| *c).collect())
    }

    /// Sample weights: sources, classes and doubtful labels balanced as configured; their mean is 1.
    fn weights(&self, config: &TopicConfig) -> Vec<f32> {
        let mut sources: BTreeMap<&str, f32> = BTreeMap::new();
        for (example, _) in &self.train {
            *sources.entry(example.article.dataset.as_deref().unwrap_or("")).or_default() += 1.0;
        }
        let weight = |(example, class): &(&Example, usize)| {
            let article = &example.article;
            let source = sources.get(article.dataset.as_deref().unwrap_or("")).copied().unwrap_or(1.0);
            row_weight(article, source, self.examples[*class] as f32, config)
        };
        let mut weights: Vec<f32> = self.train.iter().map(weight).collect();
        let mean = weights.iter().sum::<f32>() / weights.len().max(1) as f32;
        if mean > 0.0 {
            weights.iter_mut().for_each(|w| *w /= mean);
        }
        weights
    }
}

/// How much a row of a data set and a class of so many rows counts, up to a factor.
pub(super) fn row_weight(article: &LabelledArticle, source: f32, class: f32, config: &TopicConfig) -> f32 {
    let quality = match article.quality.as_deref() {
        Some("noisy") => config.noisy_weight,
        Some(MACHINE) => config.machine_weight,
        _ => 1.0,
    };
    source.powf(-config.source_balance)
        * class.powf(-config.class_balance)
        * quality
        * f32::from(article.weight.unwrap_or(1))
}

/// The estimator as the configuration wants it.
pub(super) fn params(classes: usize, config: &TrainConfig) -> SoftmaxParams {
    let topic = &config.topic;
    SoftmaxParams::new(classes)
        .loss(topic.loss)
        .c(topic.c)
        .epochs(topic.epochs)
        .n_iter_no_change(topic.n_iter_no_change)
        .learning_rate(topic.learning_rate)
        .dense_learning_rate(topic.dense_learning_rate)
        .seed(config.seed)
}

pub(super) fn primary(tag: &str) -> String {
    tag.split('-').next().unwrap_or("").to_ascii_lowercase()
}

/// The value below which `share` of the values lie; 0 for none.
pub(super) fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() as f64 * share) as usize;
    values.get(at).copied().unwrap_or(0.0)
}
