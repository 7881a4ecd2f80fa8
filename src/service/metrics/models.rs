//! The page's part on the models: which are held, what they answer, how a candidate compares.

use super::{
    answers::{Answers, CONFIDENCE, HeadRead, OfModel, REASONS},
    page::{Kind, Page},
};
use crate::{
    model::Identity,
    prediction::Head,
    service::{registry::Held, shadow::Comparison},
};
use std::sync::Arc;

/// One head of one model, with the labels that all its samples bear.
struct Row<'a> {
    model: &'a str,
    version: &'a str,
    head: &'static str,
    ids: &'a [String],
    read: HeadRead,
}

impl<'a> Row<'a> {
    fn labels<'b>(&'b self, more: &[(&'b str, &'b str)]) -> Vec<(&'b str, &'b str)> {
        [&[("model", self.model), ("version", self.version), ("head", self.head)], more].concat()
    }
}

pub(super) fn write(page: &mut Page, held: &[Held], answers: &Answers) {
    let mut family = page.family("wiredesk_model_info", Kind::Gauge, "1 for each model that is held.");
    for (i, held) in held.iter().enumerate() {
        let Identity { name, version, digest } = held.identity();
        let labels: Vec<&str> = held.labels.iter().map(|l| l.name()).collect();
        let default = if i == 0 { "true" } else { "false" };
        let labels = labels.join(",");
        let labels =
            [("model", &**name), ("version", version), ("digest", digest), ("labels", &labels), ("default", default)];
        family.sample(&labels, 1);
    }

    let models: Vec<Arc<OfModel>> = held.iter().map(|held| answers.of(&held.model)).collect();
    let mut rows = Vec::new();
    for (held, model) in held.iter().zip(&models) {
        for (place, head) in Head::ALL.into_iter().enumerate().filter(|(_, head)| held.has(*head)) {
            let Identity { name, version, .. } = &model.identity;
            rows.push(Row {
                model: name,
                version,
                head: head.name(),
                ids: &model.labels[place].ids,
                read: model.head(place),
            });
        }
    }
    answered(page, &rows);
    drifted(page, &rows);

    let mut family = page.family(
        "wiredesk_features_total",
        Kind::Counter,
        "Words and pairs of words that were looked up; those of the title as often as the model weighs it.",
    );
    for model in &models {
        let Identity { name, version, .. } = &model.identity;
        family.sample(&[("model", name), ("version", version)], model.features().0);
    }
    let help = "Words and pairs of words that the model does not know.";
    let mut family = page.family("wiredesk_features_unknown_total", Kind::Counter, help);
    for model in &models {
        let Identity { name, version, .. } = &model.identity;
        family.sample(&[("model", name), ("version", version)], model.features().1);
    }
}

fn answered(page: &mut Page, rows: &[Row<'_>]) {
    let help = "Answers by label: first topic, main desk, stance toward each target. Without those that abstained.";
    let mut family = page.family("wiredesk_answers_total", Kind::Counter, help);
    for row in rows {
        for (id, count) in row.ids.iter().zip(&row.read.labels) {
            family.sample(&row.labels(&[("label", id)]), count);
        }
    }
    let mut family = page.family("wiredesk_abstained_total", Kind::Counter, "Answers that abstained, by reason.");
    for row in rows {
        for ((reason, _), count) in REASONS.iter().zip(row.read.abstained) {
            family.sample(&row.labels(&[("reason", reason)]), count);
        }
    }
    let help = "Probability of the first label, also of answers that abstained; sum by count is the mean confidence.";
    let mut family = page.family("wiredesk_confidence", Kind::Histogram, help);
    for row in rows {
        // No probability is above 1.
        let counts: Vec<u64> = row.read.confidence.into_iter().chain([0]).collect();
        family.histogram(&row.labels(&[]), &CONFIDENCE, &counts, row.read.confidence_sum);
    }
}

fn drifted(page: &mut Page, rows: &[Row<'_>]) {
    let help = "Population-stability index of the labels of the past hour against the training rows of the card.";
    let mut family = page.family("wiredesk_label_drift", Kind::Gauge, help);
    for row in rows {
        if let Some(index) = row.read.stability {
            family.sample(&row.labels(&[]), index);
        }
    }
    let help = "Answers behind wiredesk_label_drift: below about 1,000 it says little.";
    let mut family = page.family("wiredesk_label_drift_answers", Kind::Gauge, help);
    for row in rows {
        family.sample(&row.labels(&[]), row.read.recent);
    }
}

/// What candidates answered in the shadow of stable models.
pub(super) fn write_shadow(page: &mut Page, comparisons: &[Comparison]) {
    type Figure = fn(&Comparison) -> u64;
    let pair = |c: &Comparison| {
        let [stable, candidate] = [&c.stable, &c.candidate].map(|i| format!("{}@{}", i.name, i.version));
        (stable, candidate)
    };
    let families: [(_, _, Figure); 2] = [
        ("wiredesk_shadow_compared_total", "Calls that the candidate answered too, unseen.", |c| c.compared),
        ("wiredesk_shadow_left_out_total", "Sampled calls for which the candidate had no time.", |c| c.left_out),
    ];
    for (name, help, figure) in families {
        let mut family = page.family(name, Kind::Counter, help);
        for comparison in comparisons {
            let (stable, candidate) = pair(comparison);
            family.sample(&[("stable", &stable), ("candidate", &candidate)], figure(comparison));
        }
    }
    let help = "Compared calls with another first topic, another main desk, another stance toward some target.";
    let mut family = page.family("wiredesk_shadow_differs_total", Kind::Counter, help);
    for comparison in comparisons {
        let (stable, candidate) = pair(comparison);
        let heads = [comparison.topic_differs, comparison.desk_differs, comparison.stance_differs];
        for (head, count) in Head::ALL.into_iter().zip(heads) {
            family.sample(&[("stable", &stable), ("candidate", &candidate), ("head", head.name())], count);
        }
    }
}
