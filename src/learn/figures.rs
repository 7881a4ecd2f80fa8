//! The figures of every head in one form: for the model card, and for `wiredesk evaluate`.

use super::{
    region::{Estimates, SetReport, evaluate_region},
    rows::LabelledArticle,
    stance::{Selective, evaluate_stance},
};
use crate::{
    eval::{self, metrics::Estimate},
    model::{Classifier, Metric},
    prediction::Head,
    text::Document,
};

/// Measures every head that the model has on the rows that carry its labels.
#[must_use]
pub fn figures(classifier: &Classifier, rows: &[LabelledArticle], seed: u64) -> Vec<(Head, Vec<Metric>)> {
    let figures = Head::ALL.map(|head| {
        let metrics = match head {
            Head::Topic => eval::topic(classifier, rows, seed),
            Head::Region => region(classifier, rows),
            Head::Stance => stance(classifier, rows),
        };
        (head, metrics)
    });
    figures.into_iter().filter(|(_, metrics)| !metrics.is_empty()).collect()
}

fn region(classifier: &Classifier, rows: &[LabelledArticle]) -> Vec<Metric> {
    let Some(region) = &classifier.heads().region else { return Vec::new() };
    let prior = |document: &Document| classifier.desk_prior_of(document);
    let report = evaluate_region(&region.head, &region.gazetteer, rows, &prior);
    let mut sets = report.sets;
    sets.rotate_right(1);
    let single = sets.len() <= 2;
    let labelled = |set: &&SetReport| set.countries_n + set.desk_n > 0 && (set.set == "all" || !single);
    sets.iter().filter(labelled).flat_map(region_metrics).collect()
}

fn region_metrics(report: &SetReport) -> Vec<Metric> {
    let majority = &report.baselines.majority;
    let mut metrics = Vec::new();
    let mut add = |name: &str, n: usize, value: Estimate, majority: f64| {
        if n > 0 {
            metrics.push(metric(name, &report.set, n, value, majority));
        }
    };
    let of = |figure: fn(&Estimates) -> Estimate| (figure(&report.head), figure(majority).value);
    let (f1, baseline) = of(|e| e.country_f1);
    add("country_micro_f1", report.countries_n, f1, baseline);
    let count = report.baselines.count.country_f1;
    add("country_micro_f1_of_counting_names", report.countries_n, count, baseline);
    add("country_expected_calibration_error", report.countries_n, point(report.calibration_error), 0.0);
    let (accuracy, baseline) = of(|e| e.desk_accuracy);
    add("desk_accuracy", report.desk_n, accuracy, baseline);
    let (f1, baseline) = of(|e| e.desk_macro_f1);
    add("desk_macro_f1", report.desk_n, f1, baseline);
    metrics
}

fn stance(classifier: &Classifier, rows: &[LabelledArticle]) -> Vec<Metric> {
    let Some(head) = &classifier.heads().stance else { return Vec::new() };
    let mentions: Vec<LabelledArticle> = rows.iter().filter(|r| has_mentions(r)).cloned().collect();
    let figures = evaluate_stance(head, &mentions);
    let n: usize = figures.parts.iter().map(|p| p.n).sum();
    let mut metrics = Vec::new();
    if n > 0 {
        let majority = figures.parts.iter().map(|p| p.majority_macro_f1).sum::<f64>() / figures.parts.len() as f64;
        metrics.push(metric("macro_f1", "mean", n, point(figures.macro_f1), majority));
        metrics.push(metric("expected_calibration_error", "all", n, figures.calibration_error, 0.0));
        metrics.push(metric("polar_precision_at_0.6", "all", n, figures.polar_precision, 0.0));
        metrics.push(metric("polar_coverage_at_0.6", "all", n, figures.polar_coverage, 0.0));
        for Selective { probability, coverage, accuracy } in figures.selective {
            metrics.push(metric(&format!("coverage_at_{probability}"), "all", n, coverage, 0.0));
            metrics.push(metric(&format!("accuracy_at_{probability}"), "all", n, accuracy, 0.0));
        }
    }
    for part in &figures.parts {
        metrics.push(metric("macro_f1", &part.dataset, part.n, part.macro_f1, part.majority_macro_f1));
        metrics.push(metric("accuracy", &part.dataset, part.n, part.accuracy, part.majority_accuracy));
    }
    for (name, value, n) in [
        ("polarity_accuracy_foreign_states", figures.directed_states, figures.directed_states_n),
        ("polarity_accuracy", figures.directed, figures.directed_n),
        ("target_stronger_than_speaker", figures.speaker_test, figures.speaker_n),
    ] {
        if n > 0 {
            metrics.push(metric(name, "directed", n, value, 0.5));
        }
    }
    metrics
}

/// Whether a row says where the targets of its stances are mentioned.
pub(super) fn has_mentions(row: &LabelledArticle) -> bool {
    row.stances.iter().flatten().any(|s| !s.target.mentions.is_empty())
}

/// A figure that is not resampled.
fn point(value: f64) -> Estimate {
    Estimate { value, low: value, high: value }
}

fn metric(
    name: &str,
    dataset: &str,
    articles: usize,
    Estimate { value, low, high }: Estimate,
    majority: f64,
) -> Metric {
    let (name, dataset) = (name.to_owned(), dataset.to_owned());
    Metric { name, dataset, value, low, high, majority, articles: articles as u64 }
}
