//! Training of the stance head: labelled mentions to a calibrated sentence
//! model.

mod baselines;
mod calibrate;
mod compare;
mod evaluate;
mod examples;
mod fit;
mod softmax;
mod space;
mod templates;

pub use compare::{StanceComparison, StanceRow, compare_stance};
pub use evaluate::{PartFigures, Selective, StanceFigures, evaluate_stance};

use super::{figures::has_mentions, rows::LabelledArticle, word_vectors::WordVectors};
use crate::heads::stance::{StanceHead, model::CLASSES};
use examples::Kind;
use space::Space;
use std::collections::HashSet;

/// How the stance head is trained. The defaults were chosen on training rows held out, some on the dev parts
/// (docs/BENCHMARKS.md says which).
#[derive(Debug, Clone, PartialEq)]
pub struct StancePlan {
    /// The tables of pairs and n-grams have 2^bits rows.
    pub bits: u32,
    /// Passes over the data.
    pub epochs: usize,
    /// Fits, each in an order of its own, of which the mean is taken.
    pub fits: u64,
    /// Step size.
    pub learning_rate: f32,
    /// L2 penalty.
    pub l2: f32,
    /// What words count beside the dense features.
    pub word_scale: f32,
    /// What kinds of words count.
    pub kind_scale: f32,
    /// What pairs of words count.
    pub pair_scale: f32,
    /// What n-grams count.
    pub gram_scale: f32,
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
    /// Weight of rows that another model labelled.
    pub taught: f32,
    /// What those of them count for in which the target speaks.
    pub taught_speakers: f32,
    /// Numbers of a word vector that are learned from.
    pub dimensions: usize,
    /// What word vectors count beside the dense features.
    pub vector_scale: f32,
    /// Least number of examples that hold a word or pair; one more for every 20,000 examples.
    pub least: u32,
}

impl Default for StancePlan {
    fn default() -> Self {
        Self {
            bits: 16,
            epochs: 8,
            fits: 8,
            learning_rate: 0.02,
            l2: 1e-4,
            word_scale: 1.0,
            kind_scale: 0.7,
            pair_scale: 1.0,
            gram_scale: 1.0,
            judged: 0.6,
            speaker: 0.6,
            no_judgement: 0.0,
            templates: 1.25,
            template_count: 7_500,
            directed_own: 1.0,
            taught: 2.0,
            taught_speakers: 0.4,
            dimensions: 100,
            vector_scale: 1.0,
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
            Kind::Taught => self.taught,
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
    vectors: Option<&WordVectors>,
    seed: u64,
    progress: &dyn Fn(&str),
) -> Result<StanceTraining, StanceError> {
    train_stance_with(&StancePlan::default(), rows, dev, vectors, seed, progress)
}

/// Trains with a plan of one's own.
///
/// # Errors
/// As [`train_stance`].
pub fn train_stance_with(
    plan: &StancePlan,
    rows: &[LabelledArticle],
    dev: &[LabelledArticle],
    vectors: Option<&WordVectors>,
    seed: u64,
    progress: &dyn Fn(&str),
) -> Result<StanceTraining, StanceError> {
    let held_out: HashSet<&str> = dev.iter().map(|r| r.text.as_str()).collect();
    // Which words are known is a matter of these rows alone, whatever else the other heads are trained on.
    let own = rows.iter().filter(|r| has_mentions(r) && !held_out.contains(r.text.as_str()));
    let rows: Vec<LabelledArticle> = own.cloned().collect();
    let known = examples::vocabulary(&rows, 3);
    let labelled = examples::labelled(&rows);
    let mut examples = examples::extract(&labelled, &known, plan);
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
    // Our own sentences are all alike: they do not say how frequent a word is.
    let space = Space::new(plan, &examples, &known, vectors);
    examples.extend(examples::extract(&own, &known, plan));
    let fitted = fit::fit(&space, plan, &examples, seed).map_err(|e| StanceError::Estimator(e.to_string()))?;
    progress("stance: model fitted");
    let model = fit::model(&space, plan.bits, &fitted, &known);
    let mut head = StanceHead { model };
    calibrate::calibrate(&mut head, dev).ok_or(StanceError::NoDev)?;
    progress("stance: calibrated");
    Ok(StanceTraining { head, examples: given, labels })
}

#[cfg(test)]
mod tests;
