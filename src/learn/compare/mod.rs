//! Leave one source out: how good the topic head is on an outlet that it never saw, beside simpler classifiers fitted on
//! the same rows.
//!
//! Each source (`dataset`) is held out in turn: everything is fitted on the training rows of all others and measured on
//! all its rows. The temperature comes from other sources too: they are dealt into [`FOLDS`] parts, and each part is
//! predicted by a model of the rest, just as the held-out source is by a model of them all.

mod baselines;
mod pool;

pub use pool::{Limits, Pool};

use super::{
    calibrate::temperature,
    config::TrainConfig,
    job::Job,
    softmax::{Softmax, SoftmaxError, SparseDoc, argmax},
    space::Encoder,
    topic::TopicRows,
    word_vectors::WordVectors,
};
use crate::{
    eval::metrics::{Estimate, accuracy, bootstrap, expected_calibration_error, macro_f1},
    heads::topic::softmax,
};
use baselines::Baselines;
use serde::Serialize;

/// Parts that the other sources are dealt into for calibration.
const FOLDS: usize = 3;
/// Resamples behind each interval.
const RESAMPLES: usize = 300;

/// The figures of one classifier on one held-out source.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The source.
    pub source: String,
    /// The classifier.
    pub model: &'static str,
    /// Rows that it was fitted on.
    pub train: usize,
    /// Rows that it was measured on.
    pub articles: usize,
    /// Share of right labels.
    pub accuracy: Estimate,
    /// Mean F1 over the labels that the source has.
    pub macro_f1: Estimate,
    /// Expected calibration error, where probabilities are calibrated.
    pub calibration_error: Option<Estimate>,
}

/// The topic head on every one of `sources`, beside the baselines if they are asked for.
///
/// # Errors
/// When the configuration's numbers are out of range.
pub fn leave_one_source_out(
    pool: &Pool<'_>,
    sources: &[String],
    config: &TrainConfig,
    vectors: Option<&WordVectors>,
    baselines: bool,
    progress: &dyn Fn(&str),
) -> Result<Vec<Comparison>, SoftmaxError> {
    let mut table = Vec::new();
    let all = pool.sources();
    for source in sources {
        progress(&format!("{source}: fitting on the others"));
        let fold = Fold::fit(&pool.without(&[source]), config, vectors)?;
        progress(&format!("{source}: calibrating on the others"));
        let others: Vec<&str> = all.iter().map(String::as_str).filter(|s| s != source).collect();
        let temperature = calibrate(pool, source, &others, config, vectors)?;
        let measured = |model, predicted: &[usize], confidence: Option<&[f64]>| Comparison {
            source: source.clone(),
            model,
            train: fold.train.len(),
            articles: fold.truth.len(),
            ..figures(&fold.truth, predicted, confidence, fold.model.classes(), config.seed)
        };
        let scores = fold.scores();
        let best: Vec<usize> = scores.iter().map(|s| argmax(s)).collect();
        table.push(measured("wiredesk", &best, Some(&confidence(&scores, temperature))));
        if baselines {
            progress(&format!("{source}: baselines"));
            let baselines = Baselines::new(&fold.train, &fold.labels, fold.model.classes());
            table.push(measured("majority", &baselines.majority(fold.test.len()), None));
            table.push(measured("naive Bayes", &baselines.naive_bayes(&fold.test), None));
            table.push(measured("linfa-logistic", &baselines.linfa_logistic(&fold.test)?, None));
        }
    }
    Ok(table)
}

/// A model of some sources, and the rows of the others.
struct Fold {
    train: Vec<SparseDoc>,
    labels: Vec<usize>,
    test: Vec<SparseDoc>,
    truth: Vec<usize>,
    model: Softmax,
}

impl Fold {
    fn fit(rows: &TopicRows<'_>, config: &TrainConfig, vectors: Option<&WordVectors>) -> Result<Self, SoftmaxError> {
        let of_train = rows.train().map(|e| &e.article);
        let mut encoder = Encoder::fit(of_train, &config.features, vectors, config.topic.vector_scale);
        let train: Vec<SparseDoc> = rows.train().map(|e| encoder.encode(&e.article)).collect();
        let test = rows.dev().map(|e| encoder.encode(&e.article)).collect();
        let model = rows.fit_weights(train.clone(), config, &Job::quiet())?;
        let [labels, truth] = rows.columns();
        Ok(Self { train, labels, test, truth, model })
    }

    fn scores(&self) -> Vec<Vec<f32>> {
        self.test.iter().map(|d| self.model.decision_function(d)).collect()
    }
}

/// The temperature for a source that no row is known of, from predicting `others` by each other.
fn calibrate(
    pool: &Pool<'_>,
    source: &str,
    others: &[&str],
    config: &TrainConfig,
    vectors: Option<&WordVectors>,
) -> Result<f64, SoftmaxError> {
    let (mut scores, mut truth) = (Vec::new(), Vec::new());
    for part in 0..FOLDS.min(others.len()) {
        let held: Vec<&str> = others.iter().copied().skip(part).step_by(FOLDS).collect();
        let rows = pool.without(&[&held[..], &[source]].concat());
        if rows.train().next().is_none() {
            continue;
        }
        let rows = rows.select(|_, _| true, |e, _| e.article.dataset.as_deref() != Some(source));
        let fold = Fold::fit(&rows, config, vectors)?;
        scores.extend(fold.scores());
        truth.extend(fold.truth);
    }
    Ok(temperature(&scores, &truth))
}

fn confidence(scores: &[Vec<f32>], temperature: f64) -> Vec<f64> {
    let best = |s: &Vec<f32>| softmax(s.iter().map(|&v| f64::from(v) / temperature)).into_iter().fold(0.0, f64::max);
    scores.iter().map(best).collect()
}

fn figures(truth: &[usize], predicted: &[usize], confidence: Option<&[f64]>, classes: usize, seed: u64) -> Comparison {
    let pick = |sample: &[usize], from: &[usize]| -> Vec<usize> { sample.iter().map(|&i| from[i]).collect() };
    let estimate = |figure: &dyn Fn(&[usize]) -> f64| bootstrap(truth.len(), RESAMPLES, seed, figure);
    let calibration_error = confidence.map(|confidence| {
        estimate(&|s| {
            let sure: Vec<f64> = s.iter().map(|&i| confidence[i]).collect();
            let right: Vec<bool> = s.iter().map(|&i| truth[i] == predicted[i]).collect();
            expected_calibration_error(&sure, &right)
        })
    });
    Comparison {
        source: String::new(),
        model: "",
        train: 0,
        articles: truth.len(),
        accuracy: estimate(&|s| accuracy(&pick(s, truth), &pick(s, predicted))),
        macro_f1: estimate(&|s| macro_f1(&pick(s, truth), &pick(s, predicted), classes)),
        calibration_error,
    }
}
