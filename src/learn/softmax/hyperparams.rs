use super::Softmax;
use crate::heads::calibration::Scale;
use linfa::ParamGuard;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a fit makes small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// The negative log of the right class's softmax probability: multinomial logistic regression.
    #[default]
    Log,
    /// Each class against the rest, `max(0, 1 - y s)^2` with y = 1 or -1, as scikit-learn's `LinearSVC`. A row that is
    /// clearly right no longer pulls at the weights, so the outlets with the most of them do not wear the rest down.
    SquaredHinge,
}

impl Loss {
    /// What the scores say that it makes.
    #[must_use]
    pub fn scale(self) -> Scale {
        match self {
            Self::Log => Scale::LogOdds,
            Self::SquaredHinge => Scale::Margin,
        }
    }
}

/// Why an estimator cannot be fitted.
#[derive(Debug, thiserror::Error)]
pub enum SoftmaxError {
    /// A hyper-parameter out of its range.
    #[error("{0}")]
    Params(&'static str),
    /// No rows, or rows and labels that do not fit together.
    #[error("{0}")]
    Data(String),
    /// Told to stop.
    #[error(transparent)]
    Interrupted(#[from] crate::learn::job::Interrupted),
    /// From linfa.
    #[error(transparent)]
    Linfa(#[from] linfa::Error),
}

/// Unchecked hyper-parameters of [`Softmax`](super::Softmax).
#[derive(Debug, Clone, PartialEq)]
pub struct SoftmaxParams(SoftmaxValidParams);

/// Checked hyper-parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct SoftmaxValidParams {
    pub(super) classes: usize,
    pub(super) loss: Loss,
    pub(super) c: f32,
    pub(super) epochs: usize,
    pub(super) n_iter_no_change: usize,
    pub(super) learning_rate: f32,
    pub(super) dense_learning_rate: f32,
    pub(super) seed: u64,
    pub(super) class_weights: Option<Vec<f32>>,
    pub(super) initial: Option<Arc<Softmax>>,
}

impl SoftmaxValidParams {
    /// How much the rows of a class count.
    pub(in crate::learn) fn class_weight(&self, class: usize) -> f32 {
        self.class_weights.as_ref().and_then(|w| w.get(class)).copied().unwrap_or(1.0)
    }
}

impl SoftmaxParams {
    /// Defaults for `classes` classes (labels `0..classes`): log loss, C 10, 5 epochs, learning rate 0.5, seed 42.
    #[must_use]
    pub fn new(classes: usize) -> Self {
        Self(SoftmaxValidParams {
            classes,
            loss: Loss::Log,
            c: 10.0,
            epochs: 5,
            n_iter_no_change: 0,
            learning_rate: 0.5,
            dense_learning_rate: 0.1,
            seed: 42,
            class_weights: None,
            initial: None,
        })
    }

    /// What is made small.
    #[must_use]
    pub fn loss(mut self, loss: Loss) -> Self {
        self.0.loss = loss;
        self
    }

    /// Inverse strength of the L2 penalty on the summed loss, as in scikit-learn.
    #[must_use]
    pub fn c(mut self, c: f32) -> Self {
        self.0.c = c;
        self
    }

    /// Passes over the rows.
    #[must_use]
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.0.epochs = epochs;
        self
    }

    /// Stops after so many passes in a row that did not lower the loss on the rows for validation, and takes the weights of
    /// the best pass; 0: all [`epochs`](Self::epochs) are made.
    #[must_use]
    pub fn n_iter_no_change(mut self, passes: usize) -> Self {
        self.0.n_iter_no_change = passes;
        self
    }

    /// Step size of AdaGrad for the sparse features.
    #[must_use]
    pub fn learning_rate(mut self, rate: f32) -> Self {
        self.0.learning_rate = rate;
        self
    }

    /// Step size of AdaGrad for the dense block.
    #[must_use]
    pub fn dense_learning_rate(mut self, rate: f32) -> Self {
        self.0.dense_learning_rate = rate;
        self
    }

    /// Seed of the order in which rows are visited.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }

    /// Weight of each class in the loss; multiplies the sample weights.
    #[must_use]
    pub fn class_weights(mut self, weights: Vec<f32>) -> Self {
        self.0.class_weights = Some(weights);
        self
    }

    /// Weights to begin from instead of zeros, as linfa-logistic's `initial_params` and scikit-learn's `warm_start`.
    #[must_use]
    pub fn initial_params(mut self, initial: Option<Softmax>) -> Self {
        self.0.initial = initial.map(Arc::new);
        self
    }
}

impl ParamGuard for SoftmaxParams {
    type Checked = SoftmaxValidParams;
    type Error = SoftmaxError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        let p = &self.0;
        let positive = |v: f32| v > 0.0 && v.is_finite();
        let wrong = if p.classes < 2 {
            "at least two classes are needed"
        } else if !positive(p.c) {
            "c must be a positive number"
        } else if !positive(p.learning_rate) || !positive(p.dense_learning_rate) {
            "learning rates must be positive numbers"
        } else if p.epochs == 0 {
            "at least one epoch is needed"
        } else if p.class_weights.as_ref().is_some_and(|w| w.len() != p.classes || w.iter().any(|v| *v < 0.0)) {
            "class weights must be one number a class, none negative"
        } else if p.initial.as_ref().is_some_and(|i| i.classes() != p.classes) {
            "the initial weights are for another number of classes"
        } else {
            return Ok(p);
        };
        Err(SoftmaxError::Params(wrong))
    }

    fn check(self) -> Result<Self::Checked, Self::Error> {
        self.check_ref()?;
        Ok(self.0)
    }
}
