//! The settings of the topic head by cross-validation on the training rows.
//!
//! linfa's `cross_validate` cuts the rows where they stand; news must be cut by
//! story or by outlet, or a model is praised for knowing the other half of a
//! story. So the folds are this module's own, and what is fitted in them are
//! linfa data sets by the estimator that trains. Dev rows take no part: they
//! calibrate and measure what comes out.

use super::{
    config::{FoldBy, SearchConfig, TrainConfig},
    job::Job,
    load::{Corpus, Example},
    rows::{LabelledArticle, Split},
    selection::feature_space,
    softmax::{SoftmaxError, argmax},
    topic::{TopicRows, taxonomy, topic_rows},
    train::TrainError,
    word_vectors::WordVectors,
};
use crate::{
    eval::metrics::{accuracy, macro_f1},
    prediction::Head,
    text::hash_word,
};
use serde::Serialize;

/// One combination of settings and how it did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tried {
    /// `topic.c`.
    pub c: f32,
    /// `topic.epochs`.
    pub epochs: usize,
    /// `features.pairs`.
    pub pairs: bool,
    /// `features.min_frequency`.
    pub min_frequency: u32,
    /// Macro-F1 on each fold.
    pub macro_f1: Vec<f32>,
    /// Accuracy on each fold.
    pub accuracy: Vec<f32>,
}

impl Tried {
    /// Mean macro-F1 over the folds.
    #[must_use]
    pub fn score(&self) -> f32 {
        mean(&self.macro_f1)
    }

    fn into_config(self, config: &TrainConfig) -> TrainConfig {
        let mut config = TrainConfig { search: None, ..config.clone() };
        (config.topic.c, config.topic.epochs) = (self.c, self.epochs);
        (config.features.pairs, config.features.min_frequency) = (self.pairs, self.min_frequency);
        config
    }
}

impl std::fmt::Display for Tried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { c, epochs, pairs, min_frequency, macro_f1, accuracy } = self;
        let [low, high] = [f32::min, f32::max].map(|of| macro_f1.iter().copied().reduce(of).unwrap_or(0.0));
        write!(
            f,
            "macro-F1 {:.3} (folds {low:.3} to {high:.3}), accuracy {:.3}: c {c}, epochs {epochs}, pairs {pairs}, \
             min_frequency {min_frequency}",
            mean(macro_f1),
            mean(accuracy)
        )
    }
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
}

/// Tries every combination; gives the settings with the best one, and all of them, the best first.
///
/// # Errors
/// As [`train`](super::train::train), and when the rows have fewer groups than there are folds.
pub fn search(
    corpus: &Corpus,
    config: &TrainConfig,
    search: &SearchConfig,
    vectors: Option<&WordVectors>,
    job: &Job<'_>,
) -> Result<(TrainConfig, Vec<Tried>), TrainError> {
    config.check().map_err(TrainError::Config)?;
    let taxonomy = taxonomy(corpus.labels(), &config.topic).map_err(TrainError::Config)?;
    let rows = topic_rows(corpus, &taxonomy).map_err(TrainError::Rows)?.ok_or(TrainError::NoLabels)?;
    let mut held_out = vec![0u64; search.folds];
    rows.train().for_each(|e| held_out[fold(e, search)] += 1);
    if held_out.contains(&0) {
        let folds = search.folds;
        return Err(TrainError::Config(format!("search.folds: the rows have too few groups for {folds} folds")));
    }
    let mut tried = Vec::new();
    let spaces: Vec<(bool, u32)> =
        search.pairs.iter().flat_map(|&pairs| search.min_frequency.iter().map(move |&least| (pairs, least))).collect();
    let fits: Vec<(f32, usize)> =
        search.c.iter().flat_map(|&c| search.epochs.iter().map(move |&epochs| (c, epochs))).collect();
    let steps = (spaces.len() * search.folds) as u64;
    for (at, &(pairs, min_frequency)) in spaces.iter().enumerate() {
        let new = |&(c, epochs): &(f32, usize)| {
            let (macro_f1, accuracy) = (Vec::new(), Vec::new());
            Tried { c, epochs, pairs, min_frequency, macro_f1, accuracy }
        };
        let mut of_space: Vec<Tried> = fits.iter().map(new).collect();
        for k in 0..search.folds {
            let done = (at * search.folds + k) as u64;
            job.step("search", done, steps).map_err(SoftmaxError::from)?;
            let name = format!("search-{done}");
            let kept = job.kept(&name).filter(|kept| kept.len() == fits.len() && kept.iter().all(|f| f.len() == 2));
            let figures = match kept {
                Some(figures) => figures,
                None => {
                    let split = |e: &Example| e.article.split == Split::Train;
                    let rows =
                        rows.select(|e, _| split(e) && fold(e, search) != k, |e, _| split(e) && fold(e, search) == k);
                    let configs: Vec<TrainConfig> = of_space.iter().map(|t| t.clone().into_config(config)).collect();
                    let figures = try_fold(&rows, &configs, vectors, job)?;
                    job.keep(&name, &figures.iter().map(Vec::as_slice).collect::<Vec<_>>());
                    figures
                }
            };
            for (tried, figures) in of_space.iter_mut().zip(figures) {
                tried.macro_f1.push(figures[0]);
                tried.accuracy.push(figures[1]);
            }
        }
        tried.extend(of_space);
    }
    // Stable: of equals the first, which is the first in the lists of the configuration.
    tried.sort_by(|a, b| b.score().total_cmp(&a.score()));
    let best = tried.first().cloned().ok_or(TrainError::NoLabels)?;
    Ok((best.into_config(config), tried))
}

/// Macro-F1 and accuracy of each configuration on the dev rows; all have the same features.
fn try_fold(
    rows: &TopicRows<'_>,
    configs: &[TrainConfig],
    vectors: Option<&WordVectors>,
    job: &Job<'_>,
) -> Result<Vec<Vec<f32>>, TrainError> {
    let Some(first) = configs.first() else { return Ok(Vec::new()) };
    let articles = rows.articles();
    let encoder =
        feature_space(&articles, first, vectors, job, |wide| Ok(vec![rows.first_fit(wide, first, &Job::quiet())?]))?;
    let train = encoder.encode_all(&articles, job);
    let held_out: Vec<&LabelledArticle> = rows.dev().map(|e| &e.article).collect();
    let held_out = encoder.encode_all(&held_out, job);
    let [_, truth] = rows.columns();
    let fit = |(): &mut (), config: &TrainConfig| -> Result<Vec<f32>, SoftmaxError> {
        job.go_on()?;
        let model = rows.fit_weights(Head::Topic.name(), train.clone(), config, None, &Job::quiet())?;
        let predicted: Vec<usize> = held_out.iter().map(|doc| argmax(&model.decision_function(doc))).collect();
        let figures = [macro_f1(&truth, &predicted, model.classes()), accuracy(&truth, &predicted)];
        Ok(figures.map(|f| f as f32).to_vec())
    };
    let configs: Vec<&TrainConfig> = configs.iter().collect();
    let fitted: Result<Vec<Vec<f32>>, SoftmaxError> = job.map(configs, || (), fit).into_iter().collect();
    Ok(fitted?)
}

/// The fold that holds a row out: rows of one story, or of one outlet, are in the same.
fn fold(example: &Example, search: &SearchConfig) -> usize {
    let article = &example.article;
    let outlet = Some(&article.source).filter(|s| !s.is_empty()).or(article.dataset.as_ref());
    let key = match search.by {
        FoldBy::Group => article.group.as_ref(),
        FoldBy::Source => outlet,
    };
    let own = || format!("{}#{}", example.file, example.line);
    (hash_word(key.cloned().unwrap_or_else(own).as_bytes()) >> 7) as usize % search.folds
}
