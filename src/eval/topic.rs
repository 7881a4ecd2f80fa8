//! How good the topic head is, per data set and over all.

use super::{Table, metrics};
use crate::{
    article::Article,
    heads::topic::Label,
    model::{Classifier, Metric, Scratch},
    prediction::{Head, Options},
    rows::LabelledArticle,
    taxonomy::rolled_up,
};

/// One article's truth and answer.
struct Scored {
    truth: usize,
    predicted: usize,
    confidence: f64,
    answered: bool,
}

/// Accuracy, macro-F1, expected calibration error and coverage on the rows that carry a topic the model knows.
#[must_use]
pub fn evaluate(classifier: &Classifier, rows: &[LabelledArticle], seed: u64) -> Vec<Metric> {
    let Some(head) = &classifier.heads().topic else { return Vec::new() };
    let classes = head.labels.len();
    let label = |wanted: &str| {
        let is = |l: &Label, wanted: &str| l.id.eq_ignore_ascii_case(wanted) || l.name.eq_ignore_ascii_case(wanted);
        rolled_up(wanted, |wanted| head.labels.iter().position(|l| is(l, wanted)))
    };
    let options = Options { heads: vec![Head::Topic], ..Options::default() };
    let mut scratch = Scratch::default();
    let mut table = Table::default();
    for row in rows {
        let Some(truth) = row.topic.as_deref().and_then(label) else { continue };
        let article = Article { title: row.title.clone(), text: row.text.clone(), ..Article::default() };
        let Some(result) = classifier.classify(&article, &[], &options, &mut scratch).topic else { continue };
        let Some(first) = result.labels.first() else { continue };
        let predicted = label(&first.id).unwrap_or_default();
        let answered = result.abstained.is_none();
        table.add(row.dataset.as_deref(), Scored { truth, predicted, confidence: first.probability, answered });
    }
    table.metrics(|rows, dataset| figures(rows, dataset, classes, seed))
}

fn figures(rows: &[&Scored], dataset: &str, classes: usize, seed: u64) -> Vec<Metric> {
    let mut counts = vec![0usize; classes];
    rows.iter().for_each(|r| counts[r.truth] += 1);
    let common = (0..classes).max_by_key(|&c| counts[c]).unwrap_or_default();
    let pick =
        |sample: &[usize], of: fn(&Scored) -> usize| -> Vec<usize> { sample.iter().map(|&i| of(rows[i])).collect() };
    let truth = |s: &[usize]| pick(s, |r| r.truth);
    let predicted = |s: &[usize]| pick(s, |r| r.predicted);
    let all: Vec<usize> = (0..rows.len()).collect();
    let majority = vec![common; rows.len()];
    let metric = |name: &str, baseline: f64, figure: &dyn Fn(&[usize]) -> f64| {
        super::metric(
            name,
            dataset,
            rows.len(),
            baseline,
            metrics::bootstrap(rows.len(), super::RESAMPLES, seed, figure),
        )
    };
    let calibration = |s: &[usize]| {
        let confidence: Vec<f64> = s.iter().map(|&i| rows[i].confidence).collect();
        let right: Vec<bool> = s.iter().map(|&i| rows[i].truth == rows[i].predicted).collect();
        metrics::expected_calibration_error(&confidence, &right)
    };
    let coverage = |s: &[usize]| s.iter().filter(|&&i| rows[i].answered).count() as f64 / s.len().max(1) as f64;
    let all_truth = truth(&all);
    vec![
        metric("accuracy", metrics::accuracy(&all_truth, &majority), &|s| metrics::accuracy(&truth(s), &predicted(s))),
        metric("macro_f1", metrics::macro_f1(&all_truth, &majority, classes), &|s| {
            metrics::macro_f1(&truth(s), &predicted(s), classes)
        }),
        metric("expected_calibration_error", 0.0, &calibration),
        metric("coverage", 1.0, &coverage),
    ]
}
