//! Leave one source out: how good the topic head is on an outlet that it never saw, beside simpler classifiers fitted on
//! the same rows.
//!
//! Each source (`dataset`) is held out in turn: everything is fitted on the training rows of all others and measured on
//! all its rows. Its probabilities are calibrated on other sources only, by what they look like when they are held out.

mod baselines;
mod pool;

pub use pool::{Limits, Pool};

use super::{
    calibrate::{Scored, calibrate},
    config::TrainConfig,
    job::Job,
    load::Example,
    selection::feature_space,
    softmax::{SoftmaxError, SparseDoc, argmax},
    word_vectors::WordVectors,
};
use crate::{
    eval::metrics::{Estimate, accuracy, bootstrap, expected_calibration_error, macro_f1},
    prediction::Head,
};
use baselines::Baselines;
use serde::Serialize;
use std::collections::BTreeMap;

/// Resamples behind each interval.
const RESAMPLES: usize = 300;

/// The figures of one classifier on one held-out source.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The source.
    pub source: String,
    /// The classifier.
    pub model: &'static str,
    /// Labelled rows that it was fitted on.
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

/// Rows to train on besides, by the source for whose turn they are: labelled by a teacher that never saw it.
pub type Taught = BTreeMap<String, Vec<Example>>;

/// In place of a source: the answers to the rows of all of them, each by the models that did not see it.
pub const TOGETHER: &str = "together";

/// The topic head on every one of `sources`, beside the baselines if they are asked for; then on their rows together.
///
/// # Errors
/// When the configuration's numbers are out of range.
pub fn leave_one_source_out<'a>(
    pool: &Pool<'a>,
    sources: &[String],
    taught: &'a Taught,
    config: &TrainConfig,
    vectors: Option<&WordVectors>,
    baselines: bool,
    progress: &dyn Fn(&str),
) -> Result<Vec<Comparison>, SoftmaxError> {
    let mut turns = Vec::new();
    for source in pool.sources() {
        progress(&format!("{source}: fitting on the others"));
        let asked = baselines && sources.contains(&source);
        turns.push(Turn::of(source, pool, taught, config, vectors, asked)?);
    }
    let mut table = Vec::new();
    let mut together: BTreeMap<&str, Answers> = BTreeMap::new();
    for turn in turns.iter().filter(|t| sources.contains(&t.source)) {
        let others = turns.iter().filter(|t| t.source != turn.source);
        let others: Vec<Scored> = others.flat_map(|t| t.scored.iter().cloned()).collect();
        let calibration = calibrate(&others, config.topic.loss.scale());
        let sure =
            |(scores, words, _): &Scored| calibration.probabilities(scores, *words).into_iter().fold(0.0, f64::max);
        let confidence: Vec<f64> = turn.scored.iter().map(sure).collect();
        let best: Vec<usize> = turn.scored.iter().map(|(s, ..)| argmax(s)).collect();
        let truth: Vec<usize> = turn.scored.iter().map(|(.., label)| *label).collect();
        let answers = [("wiredesk", best, Some(confidence))];
        let baselines = turn.baselines.iter().map(|(model, predicted)| (*model, predicted.clone(), None));
        for (model, predicted, confidence) in answers.into_iter().chain(baselines) {
            let answers = Answers { truth: truth.clone(), predicted, confidence };
            let figures = answers.figures(turn.classes, config.seed);
            table.push(Comparison { source: turn.source.clone(), model, train: turn.train, ..figures });
            together.entry(model).or_default().extend(answers);
        }
    }
    let classes = turns.iter().map(|t| t.classes).max().unwrap_or(0);
    for (model, answers) in together {
        table.push(Comparison { source: TOGETHER.to_owned(), model, ..answers.figures(classes, config.seed) });
    }
    Ok(table)
}

/// What models of the other sources make of a source's rows.
struct Turn {
    source: String,
    classes: usize,
    /// Labelled rows that all were fitted on.
    train: usize,
    scored: Vec<Scored>,
    baselines: Vec<(&'static str, Vec<usize>)>,
}

impl Turn {
    fn of<'a>(
        source: String,
        pool: &Pool<'a>,
        taught: &'a Taught,
        config: &TrainConfig,
        vectors: Option<&WordVectors>,
        baselines: bool,
    ) -> Result<Self, SoftmaxError> {
        let mut rows = pool.without(&[&source]);
        let labelled = rows.train().count();
        rows.add(taught.get(&source).map_or(&[], Vec::as_slice));
        let quiet = Job::quiet();
        let mut encoder = feature_space(&rows.articles(), config, vectors, &quiet, |wide| {
            Ok(vec![rows.first_fit(wide, config, &quiet)?])
        })?;
        let train: Vec<SparseDoc> = rows.train().map(|e| encoder.encode(&e.article)).collect();
        let encode = |e: &Example| (encoder.encode(&e.article), encoder.words());
        let (test, words): (Vec<SparseDoc>, Vec<usize>) = rows.dev().map(encode).unzip();
        let [labels, truth] = rows.columns();
        let classes = rows.labels.len();
        let simple = Baselines::new(&train[..labelled], &labels[..labelled], classes);
        let baselines = match baselines {
            true => vec![
                ("majority", simple.majority(test.len())),
                ("naive Bayes", simple.naive_bayes(&test)),
                ("linfa-logistic", simple.linfa_logistic(&test)?),
            ],
            false => Vec::new(),
        };
        let model = rows.fit_weights(Head::Topic.name(), train, config, None, &Job::quiet())?;
        let scores = test.iter().map(|d| model.decision_function(d));
        let scored = scores.zip(words).zip(truth).map(|((scores, words), label)| (scores, words, label)).collect();
        Ok(Self { source, classes, train: labelled, scored, baselines })
    }
}

/// The answers of one classifier.
#[derive(Default)]
struct Answers {
    truth: Vec<usize>,
    predicted: Vec<usize>,
    /// Where probabilities are calibrated: that of the label predicted.
    confidence: Option<Vec<f64>>,
}

impl Answers {
    fn extend(&mut self, more: Self) {
        self.truth.extend(more.truth);
        self.predicted.extend(more.predicted);
        if let Some(confidence) = more.confidence {
            self.confidence.get_or_insert_default().extend(confidence);
        }
    }

    /// Without saying of which source and model.
    fn figures(&self, classes: usize, seed: u64) -> Comparison {
        let Self { truth, predicted, confidence } = self;
        let pick = |sample: &[usize], from: &[usize]| -> Vec<usize> { sample.iter().map(|&i| from[i]).collect() };
        let estimate = |figure: &dyn Fn(&[usize]) -> f64| bootstrap(truth.len(), RESAMPLES, seed, figure);
        let calibration_error = confidence.as_ref().map(|confidence| {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::{
        load::Corpus,
        topic::{taxonomy, topic_rows},
    };
    use std::{io::Write as _, path::Path};

    fn read(dir: &Path, name: &str, dataset: &str, words: [(&str, &str); 2], config: &TrainConfig) -> Corpus {
        let path = dir.join(name);
        let mut file = std::fs::File::create(&path).unwrap();
        for i in 0..40 {
            let (topic, word) = words[i % 2];
            let row = serde_json::json!({"text": format!("{word} the n{i}"), "topic": topic, "dataset": dataset});
            writeln!(file, "{row}").unwrap();
        }
        Corpus::read(&[path], config).unwrap().0
    }

    #[test]
    fn taught_rows_carry_a_topic_to_the_source_held_out() {
        let mut config = TrainConfig { dev_share: 0.0, ..TrainConfig::default() };
        config.topic.taxonomy = "labels".into();
        let dir = tempfile::tempdir().unwrap();
        let read = |name, dataset, words| read(dir.path(), name, dataset, words, &config);
        let mut corpus = read("here.jsonl", "here", [("sport", "goal"), ("politics", "vote")]);
        let there = read("there.jsonl", "there", [("sport", "match"), ("politics", "referendum")]);
        corpus.examples.extend(there.examples.into_iter().map(|e| Example { file: 1, ..e }));
        let taught = read("taught.jsonl", "taught", [("sport", "goal match"), ("politics", "vote referendum")]);
        let rows = topic_rows(&corpus, &taxonomy(corpus.labels(), &config.topic).unwrap()).unwrap().unwrap();
        let pool = Pool::new(&rows, Limits::default());
        let compare = |taught: &Taught| {
            let table = leave_one_source_out(&pool, &["here".to_owned()], taught, &config, None, false, &|_| ());
            let table = table.unwrap();
            assert_eq!((table.len(), table[0].train, table[0].articles), (2, 40, 40));
            assert_eq!((table[1].source.as_str(), table[1].accuracy.value), (TOGETHER, table[0].accuracy.value));
            table[0].accuracy.value
        };
        assert!(compare(&Taught::new()) < 0.9);
        assert!(compare(&Taught::from([("here".to_owned(), taught.examples)])) > 0.99);
        let mut written = Vec::new();
        pool.write(&mut written).unwrap();
        let first: serde_json::Value = serde_json::from_slice(written.split(|b| *b == b'\n').next().unwrap()).unwrap();
        assert_eq!((&first["dataset"], &first["train"], &first["test"]), (&"here".into(), &true.into(), &true.into()));
    }
}
