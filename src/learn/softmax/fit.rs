use super::{
    Loss, Softmax, SoftmaxError, SoftmaxValidParams, SparseDoc, add_scaled, softmax,
    stopping::{Stopping, Validation},
};
use crate::learn::job::Job;
use linfa::{
    dataset::{AsSingleTargets, DatasetBase},
    traits::Fit,
};
use ndarray::{ArrayBase, Data, Ix2};
use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{RngCore, SeedableRng},
};

impl<D, T> Fit<ArrayBase<D, Ix2>, T, SoftmaxError> for SoftmaxValidParams
where
    D: Data<Elem = SparseDoc>,
    T: AsSingleTargets<Elem = usize>,
{
    type Object = Softmax;

    /// AdaGrad (Duchi et al. 2011) over the rows in a seeded random order, one
    /// accumulator a feature; the L2 penalty acts on the features of each row
    /// as it is visited. The same rows, parameters and seed give the same bits.
    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<Softmax, SoftmaxError> {
        self.fit_as("softmax", dataset, &Validation::default(), &Job::quiet())
    }
}

impl SoftmaxValidParams {
    /// [`Fit::fit`] as a part of a longer piece of work, in which it has a name: tells each pass, keeps a checkpoint of
    /// it, goes on from the last one. With rows for `validation` and
    /// [`n_iter_no_change`](super::SoftmaxParams::n_iter_no_change) it stops early.
    ///
    /// # Errors
    /// As `fit`, and when the work is to stop.
    pub fn fit_as<D, T>(
        &self,
        name: &str,
        dataset: &DatasetBase<ArrayBase<D, Ix2>, T>,
        validation: &Validation,
        job: &Job<'_>,
    ) -> Result<Softmax, SoftmaxError>
    where
        D: Data<Elem = SparseDoc>,
        T: AsSingleTargets<Elem = usize>,
    {
        let docs: Vec<&SparseDoc> = dataset.records().iter().collect();
        let labels: Vec<usize> = dataset.as_single_targets().iter().copied().collect();
        if docs.is_empty() || docs.len() != labels.len() {
            return Err(SoftmaxError::Data(format!("{} rows with {} labels", docs.len(), labels.len())));
        }
        if let Some(label) = labels.iter().find(|l| **l >= self.classes) {
            return Err(SoftmaxError::Data(format!("label {label} of {} classes", self.classes)));
        }
        if let Some(label) = validation.labels.iter().find(|l| **l >= self.classes) {
            return Err(SoftmaxError::Data(format!(
                "label {label} of {} classes among the rows for validation",
                self.classes
            )));
        }
        AdaGrad::of(self, &docs).run(&docs, &labels, dataset.weights(), validation, name, job)
    }
}

/// A fit under way.
pub(in crate::learn) struct AdaGrad<'a> {
    params: &'a SoftmaxValidParams,
    pub(in crate::learn) model: Softmax,
    /// Sum of squared gradients of each sparse feature, of each dense dimension, of the bias.
    sparse_g2: Vec<f32>,
    dense_g2: Vec<f32>,
    bias_g2: f32,
    penalty: f32,
}

/// Starts the accumulators: keeps the first steps finite.
const G2_START: f32 = 1e-6;
/// The same from weights that were fitted before: with steps as long as at the start it would forget them at once.
const G2_WARM: f32 = 1.0;
/// The bias sees every row; it moves more carefully.
const BIAS_RATE: f32 = 0.1;

impl<'a> AdaGrad<'a> {
    fn of(params: &'a SoftmaxValidParams, docs: &[&SparseDoc]) -> Self {
        let slots = docs.iter().filter_map(|d| d.0.slots.last()).max().map_or(0, |&s| s as usize + 1);
        let dimensions = docs.iter().map(|d| d.dense().len()).max().unwrap_or(0);
        Self::new(params, slots, dimensions, docs.len())
    }

    /// Before the first row of `rows`, which use features below `slots` and a dense block of `dimensions`.
    pub(in crate::learn) fn new(params: &'a SoftmaxValidParams, slots: usize, dimensions: usize, rows: usize) -> Self {
        let model = match &params.initial {
            Some(initial) => Softmax::clone(initial).grown(slots, dimensions),
            None => Softmax::zeros(params.classes, slots, dimensions),
        };
        let g2 = if params.initial.is_some() { G2_WARM } else { G2_START };
        Self {
            params,
            model,
            sparse_g2: vec![g2; slots],
            dense_g2: vec![g2; dimensions],
            bias_g2: g2,
            penalty: 1.0 / (params.c * rows as f32),
        }
    }

    /// What a checkpoint holds: the passes that are done, and all numbers that change.
    pub(in crate::learn) fn keep(&self, job: &Job<'_>, name: &str, passes: usize) {
        let Softmax { sparse, dense, bias, .. } = &self.model;
        let counts = [passes as f32, self.bias_g2];
        job.keep(name, &[&counts, sparse, dense, bias, &self.sparse_g2, &self.dense_g2]);
    }

    /// Goes back to the last checkpoint; gives the passes that it holds.
    pub(in crate::learn) fn go_back(&mut self, job: &Job<'_>, name: &str) -> usize {
        let Some(kept) = job.kept(name) else { return 0 };
        let Ok([counts, sparse, dense, bias, sparse_g2, dense_g2]) = <[Vec<f32>; 6]>::try_from(kept) else { return 0 };
        let &[passes, bias_g2] = &counts[..] else { return 0 };
        let Softmax { sparse: own, dense: own_dense, bias: own_bias, .. } = &mut self.model;
        let pairs = [
            (own, sparse),
            (own_dense, dense),
            (own_bias, bias),
            (&mut self.sparse_g2, sparse_g2),
            (&mut self.dense_g2, dense_g2),
        ];
        if pairs.iter().any(|(own, kept)| own.len() != kept.len()) {
            return 0;
        }
        pairs.into_iter().for_each(|(own, kept)| *own = kept);
        self.bias_g2 = bias_g2;
        passes as usize
    }

    fn run(
        mut self,
        docs: &[&SparseDoc],
        labels: &[usize],
        weights: Option<&[f32]>,
        validation: &Validation,
        name: &str,
        job: &Job<'_>,
    ) -> Result<Softmax, SoftmaxError> {
        let mut stopping = Stopping::new(validation, self.params.n_iter_no_change, name, &self.model, job);
        let (done, passes) = (self.go_back(job, name), self.params.epochs as u64);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(self.params.seed);
        let mut order: Vec<usize> = (0..docs.len()).collect();
        let mut gradient = vec![0.0; self.model.stride];
        for pass in 0..self.params.epochs {
            shuffle(&mut order, &mut random);
            if pass < done {
                continue;
            }
            if stopping.as_ref().is_some_and(|stopping| stopping.is_over(pass)) {
                break;
            }
            job.step(&format!("{name}: fitting"), pass as u64, passes)?;
            for &i in &order {
                let class_weight = self.params.class_weights.as_ref().map_or(1.0, |w| w[labels[i]]);
                let weight = weights.map_or(1.0, |w| w[i]) * class_weight;
                if weight > 0.0 {
                    self.step(docs[i], labels[i], weight, &mut gradient);
                }
            }
            if let Some(stopping) = &mut stopping {
                let loss = self.params.loss;
                stopping.look(&self.model, pass + 1, |scores, label| loss.of(scores, label), job);
            }
            self.keep(job, name, pass + 1);
        }
        Ok(stopping.and_then(Stopping::best).unwrap_or(self.model))
    }

    /// Numbers a row of weights.
    pub(in crate::learn) fn stride(&self) -> usize {
        self.model.stride
    }

    /// Learns from one row; `gradient` is scratch of [`Self::stride`] numbers.
    pub(in crate::learn) fn step(&mut self, doc: &SparseDoc, label: usize, weight: f32, gradient: &mut [f32]) {
        let classes = self.model.classes;
        self.model.scores_into(doc, gradient);
        self.params.loss.slopes(&mut gradient[..classes], label);
        gradient[..classes].iter_mut().for_each(|g| *g *= weight);
        gradient[classes..].fill(0.0);
        let g2: f32 = gradient.iter().map(|g| g * g).sum();
        let stride = self.model.stride;
        for (slot, value) in doc.sparse() {
            let sum = &mut self.sparse_g2[slot];
            *sum += value * value * g2;
            let rate = self.params.learning_rate / sum.sqrt();
            descend(&mut self.model.sparse[slot * stride..][..stride], gradient, rate * value, rate * self.penalty);
        }
        for (dimension, &value) in doc.dense().iter().enumerate() {
            let sum = &mut self.dense_g2[dimension];
            *sum += value * value * g2;
            let rate = self.params.dense_learning_rate / sum.sqrt();
            descend(&mut self.model.dense[dimension * stride..][..stride], gradient, rate * value, rate * self.penalty);
        }
        self.bias_g2 += g2;
        add_scaled(&mut self.model.bias, gradient, -BIAS_RATE * self.params.learning_rate / self.bias_g2.sqrt());
    }
}

impl Loss {
    /// The loss of a row, whose scores it may change.
    fn of(self, scores: &mut [f32], label: usize) -> f32 {
        match self {
            Self::Log => {
                softmax(scores, 1.0);
                -scores[label].max(f32::MIN_POSITIVE).ln()
            }
            Self::SquaredHinge => {
                let miss =
                    |(class, score): (usize, &f32)| (1.0 - if class == label { *score } else { -*score }).max(0.0);
                scores.iter().enumerate().map(miss).map(|miss| miss * miss).sum()
            }
        }
    }

    /// Replaces the scores of a row by the slopes of its loss.
    fn slopes(self, scores: &mut [f32], label: usize) {
        match self {
            Self::Log => {
                softmax(scores, 1.0);
                scores[label] -= 1.0;
            }
            Self::SquaredHinge => {
                for (class, score) in scores.iter_mut().enumerate() {
                    let side = if class == label { 1.0 } else { -1.0 };
                    *score = -2.0 * side * (1.0 - side * *score).max(0.0);
                }
            }
        }
    }
}

#[inline(always)]
fn descend(weights: &mut [f32], gradient: &[f32], step: f32, decay: f32) {
    for (w, g) in weights.iter_mut().zip(gradient) {
        *w -= step * g + decay * *w;
    }
}

/// Fisher-Yates.
pub(in crate::learn) fn shuffle<T>(order: &mut [T], random: &mut Xoshiro256PlusPlus) {
    for i in (1..order.len()).rev() {
        order.swap(i, (random.next_u64() % (i as u64 + 1)) as usize);
    }
}
