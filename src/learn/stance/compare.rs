//! The stance head beside simpler ways: on dev rows, and on each training row by a head that was fitted to other
//! groups of rows.

use super::{
    StanceError, StancePlan,
    baselines::{Words, by_valence},
    evaluate::{
        Answer, RESAMPLES, StanceFigures, calibration_error, evaluate_stance, polar_coverage, polar_precision,
        probabilities,
    },
    examples::{self, Kind, Labelled, fold},
    train_stance_with,
};
use crate::{
    eval::metrics::{Estimate, accuracy, bootstrap, macro_f1},
    heads::stance::{StanceHead, model::CLASSES},
    learn::{
        figures::has_mentions,
        load::Corpus,
        rows::{LabelledArticle, Split},
        word_vectors::WordVectors,
    },
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Parts that the training rows are dealt into.
const FOLDS: usize = 5;

/// One way of answering on one set of mentions.
#[derive(Debug, Clone, Serialize)]
pub struct StanceRow {
    /// The set.
    pub set: String,
    /// The way.
    pub by: &'static str,
    /// Mentions.
    pub n: usize,
    /// Share of right labels.
    pub accuracy: Estimate,
    /// Macro-averaged F1.
    pub macro_f1: Estimate,
    /// What needs probabilities: the calibration error, precision and coverage of supportive and critical from a
    /// probability of 0.6 on.
    pub sure: Option<[Estimate; 3]>,
}

/// All figures.
#[derive(Debug, Clone, Serialize)]
pub struct StanceComparison {
    /// Of mentions with one of three labels.
    pub rows: Vec<StanceRow>,
    /// The head's figures on dev rows, those of directed rows among them.
    pub dev: StanceFigures,
}

/// The simpler ways and the head, in the order of the table.
const WAYS: [&str; 5] = ["majority", "valence", "valence near", "words", "head"];

/// Answers of each of [`WAYS`] to the same mentions.
#[derive(Default)]
struct Answers([Vec<Answer>; WAYS.len()]);

/// Fits the head and the simpler ways and measures them.
///
/// # Errors
/// When a training fails.
pub fn compare_stance(
    corpus: &Corpus,
    vectors: Option<&WordVectors>,
    seed: u64,
    progress: &dyn Fn(&str),
) -> Result<StanceComparison, StanceError> {
    let part = |split| -> Vec<LabelledArticle> {
        corpus.part(split).map(|e| e.article.clone()).filter(has_mentions).collect()
    };
    compare(&StancePlan::default(), &part(Split::Train), &part(Split::Dev), vectors, seed, progress)
}

/// The same for a plan and rows that all say where their targets are mentioned.
pub(super) fn compare(
    plan: &StancePlan,
    train: &[LabelledArticle],
    dev: &[LabelledArticle],
    vectors: Option<&WordVectors>,
    seed: u64,
    progress: &dyn Fn(&str),
) -> Result<StanceComparison, StanceError> {
    progress("all training rows");
    let full = Fitted::new(plan, train, dev, vectors, seed)?;
    let mut sets: BTreeMap<&str, Answers> = BTreeMap::new();
    for item in portrayals(dev) {
        full.answer(&item, sets.entry(item.row.dataset.as_deref().unwrap_or("")).or_default());
    }
    let mut rows: Vec<StanceRow> = sets.iter_mut().flat_map(|(set, answers)| measure(set, answers)).collect();
    let mut unseen = Answers::default();
    for held_out in 0..FOLDS {
        progress(&format!("training rows, part {} of {FOLDS} held out", held_out + 1));
        let (test, rest): (Vec<_>, Vec<_>) = train.iter().cloned().partition(|r| fold(r, FOLDS) == held_out);
        let fitted = Fitted::new(plan, &rest, dev, vectors, seed)?;
        for item in portrayals(&test) {
            fitted.answer(&item, &mut unseen);
        }
    }
    rows.extend(measure("train, five parts", &mut unseen));
    Ok(StanceComparison { rows, dev: evaluate_stance(&full.head, dev) })
}

struct Fitted {
    head: StanceHead,
    words: Words,
}

impl Fitted {
    fn new(
        plan: &StancePlan,
        rows: &[LabelledArticle],
        dev: &[LabelledArticle],
        vectors: Option<&WordVectors>,
        seed: u64,
    ) -> Result<Self, StanceError> {
        let head = train_stance_with(plan, rows, dev, vectors, seed, &|_| {})?.head;
        let words = Words::fit(rows, plan, seed).map_err(|e| StanceError::Estimator(e.to_string()))?;
        Ok(Self { head, words })
    }

    fn answer(&self, item: &Labelled<'_>, answers: &mut Answers) {
        let Some(probabilities) = probabilities(&self.head, item) else { return };
        let [whole, near] = by_valence(item, &self.head.model.known);
        let sure = |label| Answer { truth: item.label, label, probability: 1.0 };
        let all =
            [sure(2), sure(whole), sure(near), sure(self.words.label(item)), Answer::new(item.label, probabilities)];
        for (to, answer) in answers.0.iter_mut().zip(all) {
            to.push(answer);
        }
    }
}

fn portrayals(rows: &[LabelledArticle]) -> Vec<Labelled<'_>> {
    examples::labelled(rows).into_iter().filter(|l| l.kind == Kind::Portrayal).collect()
}

fn measure(set: &str, Answers(answers): &mut Answers) -> Vec<StanceRow> {
    let truth: Vec<usize> = answers[0].iter().map(|a| a.truth).collect();
    let most = (0..CLASSES).max_by_key(|c| truth.iter().filter(|t| *t == c).count()).unwrap_or(2);
    answers[0].iter_mut().for_each(|a| a.label = most);
    let row = |(by, answers): (&'static str, &Vec<Answer>)| {
        let picked = |figure: fn(&[usize], &[usize]) -> f64| {
            bootstrap(answers.len(), RESAMPLES, 1, |s| {
                let (truth, label): (Vec<usize>, Vec<usize>) =
                    s.iter().map(|i| (answers[*i].truth, answers[*i].label)).unzip();
                figure(&truth, &label)
            })
        };
        let sure = || [calibration_error(answers), polar_precision(answers), polar_coverage(answers)];
        StanceRow {
            set: set.to_owned(),
            by,
            n: answers.len(),
            accuracy: picked(accuracy),
            macro_f1: picked(|t, p| macro_f1(t, p, CLASSES)),
            sure: (by == "head").then(sure),
        }
    };
    WAYS.into_iter().zip(answers.iter()).map(row).collect()
}
