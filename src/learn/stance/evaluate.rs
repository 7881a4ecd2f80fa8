//! Figures of a stance head on labelled mentions, beside the majority baseline.

use super::examples::{self, Kind, Labelled};
use crate::{
    eval::metrics::{Estimate, accuracy, bootstrap, expected_calibration_error, macro_f1},
    heads::stance::{StanceHead, is_foreign_state, model::CLASSES},
    learn::rows::LabelledArticle,
    text::Document,
};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// Figures of one data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartFigures {
    /// Its name.
    pub dataset: String,
    /// Mentions.
    pub n: usize,
    /// Macro-averaged F1.
    pub macro_f1: Estimate,
    /// Share of right labels.
    pub accuracy: Estimate,
    /// Accuracy of the most frequent label.
    pub majority_accuracy: f64,
    /// Its macro-averaged F1.
    pub majority_macro_f1: f64,
}

/// Figures of a stance head.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StanceFigures {
    /// One a data set whose labels say how a sentence portrays the target.
    pub parts: Vec<PartFigures>,
    /// Mean macro-averaged F1 of the parts.
    pub macro_f1: f64,
    /// Expected calibration error over the parts.
    pub calibration_error: Estimate,
    /// Share of mentions that are called polar with probability 0.6 or more.
    pub polar_coverage: Estimate,
    /// Share of those calls that are right.
    pub polar_precision: Estimate,
    /// What answers of some least probability are worth, over the parts.
    pub selective: Vec<Selective>,
    /// Of directed polar rows with a foreign state as target: share with the right side.
    pub directed_states: Estimate,
    /// Their number.
    pub directed_states_n: usize,
    /// The same of all directed polar rows.
    pub directed: Estimate,
    /// Their number.
    pub directed_n: usize,
    /// Share of directed polar sentences that judge the target more strongly than the speaker.
    pub speaker_test: Estimate,
    /// Their number.
    pub speaker_n: usize,
}

/// How many mentions get an answer of at least some probability, and how many of these are right (selective
/// classification: El-Yaniv and Wiener 2010).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Selective {
    /// Least probability of the answer.
    pub probability: f64,
    /// Share of the mentions that get one.
    pub coverage: Estimate,
    /// Share of those that are right.
    pub accuracy: Estimate,
}

/// Least probabilities at which answers are measured.
const LEAST: [f64; 5] = [0.5, 0.6, 0.7, 0.8, 0.9];
/// Resamples behind each interval.
pub(super) const RESAMPLES: usize = 500;
/// Least probability of a polar answer that counts as sure.
const SURE: f64 = 0.6;

/// A mention's answer beside its label.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub(super) truth: usize,
    pub(super) label: usize,
    pub(super) probability: f64,
}

impl Answer {
    pub(super) fn new(truth: usize, probabilities: [f64; CLASSES]) -> Self {
        let label = best(&probabilities);
        Self { truth, label, probability: probabilities[label] }
    }

    fn right(&self) -> bool {
        self.label == self.truth
    }

    fn sure_polar(&self) -> bool {
        self.label != 2 && self.probability >= SURE
    }
}

type Scored<'a> = (Labelled<'a>, [f64; CLASSES]);

/// Measures `head` on rows whose mentions are given.
#[must_use]
pub fn evaluate_stance(head: &StanceHead, rows: &[LabelledArticle]) -> StanceFigures {
    let scored: Vec<Scored<'_>> =
        examples::labelled(rows).into_iter().filter_map(|l| Some((l, probabilities(head, &l)?))).collect();
    let portrayals: Vec<&Scored<'_>> = scored.iter().filter(|s| s.0.kind == Kind::Portrayal).collect();
    let parts = parts(&portrayals);
    let answers: Vec<Answer> = portrayals.iter().map(|s| Answer::new(s.0.label, s.1)).collect();
    let judged: Vec<&Scored<'_>> = scored.iter().filter(|s| s.0.kind == Kind::Judged).collect();
    let side = |s: &&Scored<'_>| (s.1[0] > s.1[1]) == (s.0.label == 0);
    let states: Vec<bool> = judged.iter().filter(|s| is_foreign_state(&s.0.target().name)).map(side).collect();
    let all: Vec<bool> = judged.iter().map(side).collect();
    let speakers = speaker_test(&scored);
    StanceFigures {
        macro_f1: parts.iter().map(|p| p.macro_f1.value).sum::<f64>() / parts.len().max(1) as f64,
        parts,
        calibration_error: calibration_error(&answers),
        polar_coverage: polar_coverage(&answers),
        polar_precision: polar_precision(&answers),
        selective: LEAST.map(|probability| selective(&answers, probability)).into(),
        directed_states: share(&states),
        directed_states_n: states.len(),
        directed: share(&all),
        directed_n: all.len(),
        speaker_test: share(&speakers),
        speaker_n: speakers.len(),
    }
}

fn share(hits: &[bool]) -> Estimate {
    bootstrap(hits.len(), RESAMPLES, 1, |s| s.iter().filter(|i| hits[**i]).count() as f64 / s.len().max(1) as f64)
}

/// Expected calibration error.
pub(super) fn calibration_error(answers: &[Answer]) -> Estimate {
    bootstrap(answers.len(), RESAMPLES, 1, |s| {
        let (confidence, right): (Vec<f64>, Vec<bool>) =
            s.iter().map(|i| (answers[*i].probability, answers[*i].right())).unzip();
        expected_calibration_error(&confidence, &right)
    })
}

/// Share of answers that are polar and sure.
pub(super) fn polar_coverage(answers: &[Answer]) -> Estimate {
    let polar: Vec<bool> = answers.iter().map(Answer::sure_polar).collect();
    share(&polar)
}

/// Share of those that are right.
pub(super) fn polar_precision(answers: &[Answer]) -> Estimate {
    let right: Vec<bool> = answers.iter().filter(|a| a.sure_polar()).map(Answer::right).collect();
    share(&right)
}

fn selective(answers: &[Answer], probability: f64) -> Selective {
    let given: Vec<bool> = answers.iter().map(|a| a.probability >= probability).collect();
    let right: Vec<bool> = answers.iter().filter(|a| a.probability >= probability).map(Answer::right).collect();
    Selective { probability, coverage: share(&given), accuracy: share(&right) }
}

pub(super) fn best(p: &[f64; CLASSES]) -> usize {
    (0..CLASSES).max_by(|a, b| p[*a].total_cmp(&p[*b])).unwrap_or(2)
}

pub(super) fn probabilities(head: &StanceHead, item: &Labelled<'_>) -> Option<[f64; CLASSES]> {
    let document = Document::new(&item.row.title, &item.row.text);
    head.mention_probabilities(&document, &item.target()).first().copied()
}

fn parts(scored: &[&Scored<'_>]) -> Vec<PartFigures> {
    let mut sets: BTreeMap<&str, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (item, p) in scored {
        let set = sets.entry(item.row.dataset.as_deref().unwrap_or("")).or_default();
        set.0.push(item.label);
        set.1.push(best(p));
    }
    let figures = sets.into_iter().map(|(name, (truth, predicted))| {
        let pick = |s: &[usize]| -> (Vec<usize>, Vec<usize>) {
            (s.iter().map(|&i| truth[i]).collect(), s.iter().map(|&i| predicted[i]).collect())
        };
        let n = truth.len();
        let most = (0..CLASSES).max_by_key(|c| truth.iter().filter(|t| *t == c).count()).unwrap_or(2);
        let majority = vec![most; n];
        PartFigures {
            dataset: name.to_owned(),
            n,
            macro_f1: bootstrap(n, RESAMPLES, 1, |s| {
                let (t, p) = pick(s);
                macro_f1(&t, &p, CLASSES)
            }),
            accuracy: bootstrap(n, RESAMPLES, 1, |s| {
                let (t, p) = pick(s);
                accuracy(&t, &p)
            }),
            majority_accuracy: accuracy(&truth, &majority),
            majority_macro_f1: macro_f1(&truth, &majority, CLASSES),
        }
    });
    figures.collect()
}

/// Pairs of target and speaker of one sentence: whether the target has more of the gold polarity.
fn speaker_test(scored: &[Scored<'_>]) -> Vec<bool> {
    let stance = |l: &Labelled<'_>| l.row.stances.as_ref().and_then(|s| s.get(l.stance)).cloned();
    let mut speakers: HashMap<(String, String, String), [f64; CLASSES]> = HashMap::new();
    for (item, p) in scored.iter().filter(|s| s.0.kind == Kind::Speaker) {
        if let Some(s) = stance(item) {
            let judged = s.source_entity.unwrap_or_default();
            speakers.insert((item.row.text.clone(), judged, s.target.name), *p);
        }
    }
    let mut out = Vec::new();
    for (item, p) in scored.iter().filter(|s| s.0.kind == Kind::Judged) {
        let Some(s) = stance(item) else { continue };
        let speaker = s.source_entity.unwrap_or_default();
        if let Some(q) = speakers.get(&(item.row.text.clone(), s.target.name, speaker)) {
            out.push(p[item.label] > q[item.label]);
        }
    }
    out
}
