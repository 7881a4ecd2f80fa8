//! Training of the stance head: labelled mentions to a calibrated sentence
//! model.

mod baselines;
mod calibrate;
mod compare;
mod evaluate;
mod examples;
mod softmax;
mod templates;

pub use compare::{StanceComparison, StanceRow, compare_stance};
pub use evaluate::{PartFigures, StanceFigures, evaluate_stance};

use super::rows::LabelledArticle;
use crate::heads::stance::{
    DENSE, StanceHead,
    model::{CLASSES, SentenceModel, Settings, norm, to_row},
};
use examples::{Example, Kind};
use linfa::{Dataset, ParamGuard, traits::Fit};
use ndarray::Array1;
use softmax::{SoftmaxParams, SparseDoc, ValidSoftmaxParams, records};
use std::{collections::HashSet, sync::Arc};

/// How the stance head is trained. The defaults were chosen on the dev parts.
#[derive(Debug, Clone, PartialEq)]
pub struct StancePlan {
    /// The table has 2^bits rows.
    pub bits: u32,
    /// Passes over the data.
    pub epochs: usize,
    /// Step size.
    pub learning_rate: f32,
    /// L2 penalty.
    pub l2: f32,
    /// What n-grams count beside the dense features.
    pub view_scale: f32,
    /// Weight of rows that say how one party judges the target.
    pub judged: f32,
    /// Weight of rows in which the target is the judge (label neutral).
    pub speaker: f32,
    /// Weight of rows with two parties and no judgement.
    pub no_judgement: f32,
    /// Weight of our own sentences that show who judges whom.
    pub templates: f32,
    /// How many of them.
    pub template_count: usize,
    /// How much of the directed rows is explained by weights of their own, which are dropped after training.
    pub directed_own: f32,
    /// Least number of examples that hold an n-gram.
    pub least: u32,
}

impl Default for StancePlan {
    fn default() -> Self {
        Self {
            bits: 18,
            epochs: 12,
            learning_rate: 0.02,
            l2: 1e-4,
            view_scale: 1.0,
            judged: 0.3,
            speaker: 0.3,
            no_judgement: 0.0,
            templates: 0.6,
            template_count: 6_000,
            directed_own: 1.0,
            least: 2,
        }
    }
}

impl StancePlan {
    fn weight(&self, kind: Kind) -> f32 {
        match kind {
            Kind::Portrayal => 1.0,
            Kind::Judged => self.judged,
            Kind::Speaker => self.speaker,
            Kind::NoJudgement => self.no_judgement,
            Kind::Template => self.templates,
        }
    }
}

/// A trained head and what it was made from.
#[derive(Debug, Clone)]
pub struct StanceTraining {
    /// The head.
    pub head: StanceHead,
    /// Mentions trained on.
    pub examples: usize,
    /// Of those: supportive, critical, neutral.
    pub labels: [usize; CLASSES],
}

/// Why a stance head could not be trained.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StanceError {
    /// A label without examples.
    #[error(
        "no labelled mention is {0}: stance needs supportive, critical and neutral rows with the spans of their mentions"
    )]
    EmptyClass(&'static str),
    /// Nothing to calibrate on.
    #[error("no dev row with labelled mentions: stance needs some to calibrate its probabilities")]
    NoDev,
    /// The estimator refused.
    #[error("the estimator failed: {0}")]
    Estimator(String),
}

/// Trains with the default plan; the same rows and seed give the same head.
///
/// # Errors
/// When a label has no examples or `dev` has no labelled mention.
pub fn train_stance(
    rows: &[LabelledArticle],
    dev: &[LabelledArticle],
    seed: u64,
    progress: &dyn Fn(&str),
) -> Result<StanceTraining, StanceError> {
    train_stance_with(&StancePlan::default(), rows, dev, seed, progress)
}

/// Trains with a plan of one's own.
///
/// # Errors
/// As [`train_stance`].
pub fn train_stance_with(
    plan: &StancePlan,
    rows: &[LabelledArticle],
    dev: &[LabelledArticle],
    seed: u64,
    progress: &dyn Fn(&str),
) -> Result<StanceTraining, StanceError> {
    let held_out: HashSet<&str> = dev.iter().map(|r| r.text.as_str()).collect();
    let rows: Vec<LabelledArticle> = rows.iter().filter(|r| !held_out.contains(r.text.as_str())).cloned().collect();
    let vocabulary = examples::vocabulary(&rows, 3);
    let labelled = examples::labelled(&rows);
    let mut examples = examples::extract(&labelled, &vocabulary, plan);
    let own = templates::sentences(plan.template_count, seed);
    let own: Vec<_> =
        examples::labelled(&own).into_iter().map(|l| examples::Labelled { kind: Kind::Template, ..l }).collect();
    let given = examples.len();
    progress(&format!("stance: {given} labelled mentions"));
    let mut labels = [0; CLASSES];
    for e in &examples {
        labels[e.label] += 1;
    }
    for (count, name) in labels.iter().zip(["supportive", "critical", "neutral"]) {
        if *count == 0 {
            return Err(StanceError::EmptyClass(name));
        }
    }
    examples.extend(examples::extract(&own, &vocabulary, plan));
    // Our own sentences are all alike: they do not say how frequent a word is.
    let idf = inverse_frequencies(examples.get(..given).unwrap_or(&examples), plan);
    let model = fit(plan, &examples, &idf, seed).map_err(|e| StanceError::Estimator(e.to_string()))?;
    progress("stance: model fitted");
    let mut settings = Settings::new(plan.bits, plan.view_scale);
    settings.threshold = 0.0;
    let table = idf.iter().enumerate().map(|(row, idf)| {
        let mut out = [0.0, 0.0, 0.0, *idf];
        for (to, weight) in out.iter_mut().zip(model.weights(DENSE + row)) {
            *to = weight * idf;
        }
        to_row(out)
    });
    let dense = (0..DENSE).map(|feature| {
        let mut out = [0.0; CLASSES];
        for (to, weight) in out.iter_mut().zip(model.weights(feature)) {
            *to = *weight;
        }
        out
    });
    let model = SentenceModel { settings, table: table.collect(), dense: dense.collect(), vocabulary };
    let mut head = StanceHead { model };
    calibrate::calibrate(&mut head, dev).ok_or(StanceError::NoDev)?;
    progress("stance: calibrated");
    Ok(StanceTraining { head, examples: given, labels })
}

/// Smoothed idf of each table row; 0 where too few examples hold it.
fn inverse_frequencies(examples: &[Example], plan: &StancePlan) -> Vec<f32> {
    let mut counts = vec![0u32; 1 << plan.bits];
    let mut seen: Vec<u32> = Vec::new();
    for e in examples {
        seen.clear();
        seen.extend(e.views.iter().flatten());
        seen.sort_unstable();
        seen.dedup();
        for row in &seen {
            counts[*row as usize] += 1;
        }
    }
    let n = examples.len() as f32;
    let idf = |c: u32| if c < plan.least { 0.0 } else { ((1.0 + n) / (1.0 + c as f32)).ln() + 1.0 };
    counts.into_iter().map(|c| half::f16::from_f32(idf(c)).to_f32()).collect()
}

/// A sparse document: dense features first, then the table rows, each view normalised.
fn document(example: &Example, idf: &[f32], plan: &StancePlan) -> SparseDoc {
    let view_scale = plan.view_scale;
    let mut pairs: Vec<(u32, f32)> =
        example.dense.iter().enumerate().filter(|(_, v)| **v != 0.0).map(|(i, v)| (i as u32, *v)).collect();
    for view in &example.views {
        let squares: f32 = view.iter().map(|r| idf[*r as usize] * idf[*r as usize]).sum();
        let scale = norm(squares, view_scale);
        pairs.extend(view.iter().map(|r| (DENSE as u32 + r, idf[*r as usize] * scale)).filter(|p| p.1 > 0.0));
    }
    pairs.sort_unstable_by_key(|p| p.0);
    let mut merged: (Vec<u32>, Vec<f32>) = (Vec::with_capacity(pairs.len()), Vec::with_capacity(pairs.len()));
    for (i, v) in pairs {
        match (merged.0.last(), merged.1.last_mut()) {
            (Some(last), Some(value)) if *last == i => *value += v,
            _ => {
                merged.0.push(i);
                merged.1.push(v);
            }
        }
    }
    if example.directed && plan.directed_own > 0.0 {
        // Daume 2007: a second copy of each feature takes up what is peculiar to these rows.
        let shift = (DENSE + idf.len()) as u32;
        let (more, values): (Vec<u32>, Vec<f32>) =
            merged.0.iter().zip(&merged.1).map(|(i, v)| (i + shift, v * plan.directed_own)).unzip();
        merged.0.extend(more);
        merged.1.extend(values);
    }
    SparseDoc(Arc::new(merged))
}

fn fit(
    plan: &StancePlan,
    examples: &[Example],
    idf: &[f32],
    seed: u64,
) -> Result<softmax::Softmax, linfa::error::Error> {
    let docs = examples.iter().map(|e| document(e, idf, plan)).collect();
    let labels: Array1<usize> = examples.iter().map(|e| e.label).collect();
    let weights: Array1<f32> = examples.iter().map(|e| e.weight).collect();
    let dataset = Dataset::new(records(docs), labels).with_weights(weights);
    let params = SoftmaxParams(ValidSoftmaxParams {
        classes: CLASSES,
        features: 2 * (DENSE + (1 << plan.bits)),
        epochs: plan.epochs,
        learning_rate: plan.learning_rate,
        l2: plan.l2,
        seed,
    });
    params.check()?.fit(&dataset)
}

#[cfg(test)]
mod tests;
