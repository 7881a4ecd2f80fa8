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
    pub calibration_error: f64,
    /// Share of mentions that are called polar with probability 0.6 or more.
    pub polar_coverage: f64,
    /// Share of those calls that are right.
    pub polar_precision: f64,
    /// Of directed polar rows with a foreign state as target: share with the right side.
    pub directed_states: f64,
    /// Their number.
    pub directed_states_n: usize,
    /// The same of all directed polar rows.
    pub directed: f64,
    /// Their number.
    pub directed_n: usize,
    /// Share of directed polar sentences that judge the target more strongly than the speaker.
    pub speaker_test: f64,
    /// Their number.
    pub speaker_n: usize,
}

type Scored<'a> = (Labelled<'a>, [f64; CLASSES]);

/// Measures `head` on rows whose mentions are given.
#[must_use]
pub fn evaluate_stance(head: &StanceHead, rows: &[LabelledArticle]) -> StanceFigures {
    let scored: Vec<Scored<'_>> =
        examples::labelled(rows).into_iter().filter_map(|l| Some((l, probabilities(head, &l)?))).collect();
    let portrayals: Vec<&Scored<'_>> = scored.iter().filter(|s| s.0.kind == Kind::Portrayal).collect();
    let parts = parts(&portrayals);
    let right: Vec<bool> = portrayals.iter().map(|s| best(&s.1) == s.0.label).collect();
    let confidence: Vec<f64> = portrayals.iter().map(|s| s.1[best(&s.1)]).collect();
    let polar: Vec<bool> = portrayals
        .iter()
        .filter(|s| best(&s.1) != 2 && s.1[best(&s.1)] >= 0.6)
        .map(|s| best(&s.1) == s.0.label)
        .collect();
    let judged: Vec<&Scored<'_>> = scored.iter().filter(|s| s.0.kind == Kind::Judged).collect();
    let side = |s: &&Scored<'_>| (s.1[0] > s.1[1]) == (s.0.label == 0);
    let states: Vec<bool> = judged.iter().filter(|s| is_foreign_state(&s.0.target().name)).map(side).collect();
    let all: Vec<bool> = judged.iter().map(side).collect();
    let speakers = speaker_test(&scored);
    StanceFigures {
        macro_f1: parts.iter().map(|p| p.macro_f1.value).sum::<f64>() / parts.len().max(1) as f64,
        parts,
        calibration_error: expected_calibration_error(&confidence, &right),
        polar_coverage: polar.len() as f64 / portrayals.len().max(1) as f64,
        polar_precision: share(&polar),
        directed_states: share(&states),
        directed_states_n: states.len(),
        directed: share(&all),
        directed_n: all.len(),
        speaker_test: share(&speakers),
        speaker_n: speakers.len(),
    }
}

fn share(hits: &[bool]) -> f64 {
    hits.iter().filter(|h| **h).count() as f64 / hits.len().max(1) as f64
}

fn best(p: &[f64; CLASSES]) -> usize {
    (0..CLASSES).max_by(|a, b| p[*a].total_cmp(&p[*b])).unwrap_or(2)
}

fn probabilities(head: &StanceHead, item: &Labelled<'_>) -> Option<[f64; CLASSES]> {
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
            macro_f1: bootstrap(n, 500, 1, |s| {
                let (t, p) = pick(s);
                macro_f1(&t, &p, CLASSES)
            }),
            accuracy: bootstrap(n, 500, 1, |s| {
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
