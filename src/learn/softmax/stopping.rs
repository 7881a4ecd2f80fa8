//! Early stopping: a fit ends when more passes no longer help on rows that it does not learn from, and keeps the weights
//! that served those best. As `early_stopping` with `n_iter_no_change` of scikit-learn's `SGDClassifier`, by the loss.

use super::{Softmax, SparseDoc};
use crate::learn::job::Job;

/// Rows to stop by.
#[derive(Debug, Clone, Default)]
pub struct Validation {
    /// As the fit sees its own rows.
    pub docs: Vec<SparseDoc>,
    /// The class of each.
    pub labels: Vec<usize>,
}

/// What a fit remembers to stop early.
pub(super) struct Stopping<'a> {
    validation: &'a Validation,
    /// So many passes in a row without a lower loss are enough; 0: all passes are made.
    patience: usize,
    checkpoint: String,
    best: Option<Best>,
}

struct Best {
    /// How many passes had been made.
    passes: usize,
    loss: f32,
    model: Softmax,
}

impl<'a> Stopping<'a> {
    /// For a fit of that name that begins, or goes on, with `model`.
    pub(super) fn new(
        validation: &'a Validation,
        patience: usize,
        name: &str,
        model: &Softmax,
        job: &Job<'_>,
    ) -> Option<Self> {
        let checkpoint = format!("{name}-best");
        (patience > 0 && !validation.docs.is_empty()).then(|| {
            let best = job.kept(&checkpoint).and_then(|kept| Best::of(kept, model));
            Self { validation, patience, checkpoint, best }
        })
    }

    /// Whether there have been passes enough.
    pub(super) fn is_over(&self, passes: usize) -> bool {
        self.best.as_ref().is_some_and(|best| passes >= best.passes + self.patience)
    }

    /// Looks at the model after so many passes.
    pub(super) fn look(
        &mut self,
        model: &Softmax,
        passes: usize,
        loss: impl Fn(&mut [f32], usize) -> f32,
        job: &Job<'_>,
    ) {
        let Validation { docs, labels } = self.validation;
        let mut scores = vec![0.0; model.stride];
        let losses = docs.iter().zip(labels).map(|(doc, label)| {
            model.scores_into(doc, &mut scores);
            f64::from(loss(scores.get_mut(..model.classes).unwrap_or_default(), *label))
        });
        let loss = (losses.sum::<f64>() / docs.len() as f64) as f32;
        if self.best.as_ref().is_some_and(|best| loss >= best.loss) {
            return;
        }
        let Softmax { sparse, dense, bias, .. } = model;
        job.keep(&self.checkpoint, &[&[passes as f32, loss], sparse, dense, bias]);
        self.best = Some(Best { passes, loss, model: model.clone() });
    }

    /// The model of the best pass.
    pub(super) fn best(self) -> Option<Softmax> {
        self.best.map(|best| best.model)
    }
}

impl Best {
    /// From a checkpoint of a model of the same shape.
    fn of(kept: Vec<Vec<f32>>, like: &Softmax) -> Option<Self> {
        let [counts, sparse, dense, bias] = <[Vec<f32>; 4]>::try_from(kept).ok()?;
        let &[passes, loss] = &counts[..] else { return None };
        let same = [(&sparse, &like.sparse), (&dense, &like.dense), (&bias, &like.bias)];
        if same.iter().any(|(a, b)| a.len() != b.len()) {
            return None;
        }
        let model = Softmax { classes: like.classes, stride: like.stride, sparse, dense, bias };
        Some(Self { passes: passes as usize, loss, model })
    }
}
