//! A linear classifier over sparse rows, as a linfa estimator: multinomial logistic regression, or one class against the
//! rest by squared hinge ([`Loss`]). Either way a softmax over the scores gives the probabilities.
//!
//! No estimator of linfa takes sparse records, and its `fold`,
//! `cross_validate` and `split_with_ratio` want an `ndarray` of two
//! dimensions. Those ask nothing of an element but `Clone`, so a data set here
//! is an `(n, 1)` array whose ELEMENT is a whole [`SparseDoc`].
//!
//! [`SoftmaxParams`] -> `check` -> [`SoftmaxValidParams`] -> `fit` -> [`Softmax`].

mod fit;
mod hyperparams;
mod stopping;

pub(super) use fit::{AdaGrad, shuffle};
pub use hyperparams::{Loss, SoftmaxError, SoftmaxParams, SoftmaxValidParams};
pub use stopping::Validation;

use linfa::traits::PredictInplace;
use ndarray::{Array1, ArrayBase, Axis, Data, Ix2};
use std::sync::Arc;

/// One row: sparse features, slots ascending, and a dense block (possibly empty).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SparseDoc(Arc<SparseRow>);

#[derive(Debug, PartialEq, Default)]
struct SparseRow {
    slots: Box<[u32]>,
    values: Box<[f32]>,
    dense: Box<[f32]>,
}

impl SparseDoc {
    /// A row of `values` at `slots`, with a dense block.
    #[must_use]
    pub fn new(slots: Vec<u32>, values: Vec<f32>, dense: Vec<f32>) -> Self {
        Self(Arc::new(SparseRow { slots: slots.into(), values: values.into(), dense: dense.into() }))
    }

    /// Slots and values of the sparse features.
    pub fn sparse(&self) -> impl Iterator<Item = (usize, f32)> {
        self.0.slots.iter().zip(&self.0.values).map(|(&s, &v)| (s as usize, v))
    }

    /// The dense block.
    #[must_use]
    pub fn dense(&self) -> &[f32] {
        &self.0.dense
    }
}

/// Stacks rows into the records of a linfa data set, shape `(n, 1)`.
#[must_use]
pub fn records(rows: Vec<SparseDoc>) -> ndarray::Array2<SparseDoc> {
    Array1::from_vec(rows).insert_axis(Axis(1))
}

/// A fitted model: feature-major weights, one row a feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Softmax {
    classes: usize,
    /// Weights a row, `classes` rounded up to a multiple of 8.
    stride: usize,
    sparse: Vec<f32>,
    dense: Vec<f32>,
    bias: Vec<f32>,
}

impl Softmax {
    /// All zeros, for features below `slots` and a dense block of `dimensions`.
    #[must_use]
    pub fn zeros(classes: usize, slots: usize, dimensions: usize) -> Self {
        let stride = classes.next_multiple_of(8);
        let zeros = |rows: usize| vec![0.0; rows * stride];
        Self { classes, stride, sparse: zeros(slots), dense: zeros(dimensions), bias: zeros(1) }
    }

    /// Sets a weight of a sparse feature; beyond the features or classes nothing.
    pub fn set_weight(&mut self, slot: usize, class: usize, weight: f32) {
        if class < self.classes
            && let Some(own) = self.sparse.get_mut(slot * self.stride + class)
        {
            *own = weight;
        }
    }

    /// Sets the bias of a class.
    pub fn set_bias(&mut self, class: usize, bias: f32) {
        if let Some(own) = self.bias.get_mut(class) {
            *own = bias;
        }
    }

    /// The same with room for more features or dimensions.
    fn grown(mut self, slots: usize, dimensions: usize) -> Self {
        for (weights, rows) in [(&mut self.sparse, slots), (&mut self.dense, dimensions)] {
            weights.resize(weights.len().max(rows * self.stride), 0.0);
        }
        self
    }

    /// Number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Weights of a sparse feature, one a class.
    #[must_use]
    pub fn weights(&self, slot: usize) -> &[f32] {
        row(&self.sparse, self.stride, slot).get(..self.classes).unwrap_or(&[])
    }

    /// Weights of a dimension of the dense block, one a class.
    #[must_use]
    pub fn dense_weights(&self, dimension: usize) -> &[f32] {
        row(&self.dense, self.stride, dimension).get(..self.classes).unwrap_or(&[])
    }

    /// Bias of each class.
    #[must_use]
    pub fn bias(&self) -> &[f32] {
        self.bias.get(..self.classes).unwrap_or(&[])
    }

    /// Scores of each class: log-odds up to a constant, or with the squared hinge about 1 for yes and -1 for no.
    #[must_use]
    pub fn decision_function(&self, doc: &SparseDoc) -> Vec<f32> {
        let mut scores = vec![0.0; self.stride];
        self.scores_into(doc, &mut scores);
        scores.truncate(self.classes);
        scores
    }

    fn scores_into(&self, doc: &SparseDoc, scores: &mut [f32]) {
        scores.copy_from_slice(&self.bias);
        for (slot, value) in doc.sparse() {
            add_scaled(scores, row(&self.sparse, self.stride, slot), value);
        }
        for (dimension, &value) in doc.dense().iter().enumerate() {
            add_scaled(scores, row(&self.dense, self.stride, dimension), value);
        }
    }
}

#[inline(always)]
fn row(weights: &[f32], stride: usize, at: usize) -> &[f32] {
    weights.get(at * stride..(at + 1) * stride).unwrap_or(&[])
}

#[inline(always)]
fn add_scaled(to: &mut [f32], from: &[f32], factor: f32) {
    for (t, f) in to.iter_mut().zip(from) {
        *t += factor * f;
    }
}

/// Probabilities of scores, in place: `exp(s / temperature)`, normalised.
pub fn softmax(scores: &mut [f32], temperature: f32) {
    let most = scores.iter().copied().fold(f32::MIN, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = ((*score - most) / temperature).exp();
        sum += *score;
    }
    scores.iter_mut().for_each(|s| *s /= sum);
}

/// Index of the greatest score; the first of equals.
#[must_use]
pub fn argmax(scores: &[f32]) -> usize {
    let mut best = 0;
    for (i, s) in scores.iter().enumerate() {
        if *s > scores[best] {
            best = i;
        }
    }
    best
}

impl<D: Data<Elem = SparseDoc>> PredictInplace<ArrayBase<D, Ix2>, Array1<usize>> for Softmax {
    fn predict_inplace(&self, records: &ArrayBase<D, Ix2>, targets: &mut Array1<usize>) {
        for (doc, target) in records.iter().zip(targets.iter_mut()) {
            *target = argmax(&self.decision_function(doc));
        }
    }

    fn default_target(&self, records: &ArrayBase<D, Ix2>) -> Array1<usize> {
        Array1::zeros(records.nrows())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use linfa::prelude::*;

    /// Three classes, each with its own feature; a fourth feature is noise.
    fn toy(n: usize) -> Dataset<SparseDoc, usize, ndarray::Ix1> {
        let doc = |i: usize| SparseDoc::new(vec![(i % 3) as u32, 3], vec![1.0, (i % 5) as f32 / 5.0], vec![]);
        Dataset::new(records((0..n).map(doc).collect()), Array1::from_shape_fn(n, |i| i % 3))
    }

    #[test]
    fn learns_and_is_deterministic() {
        let data = toy(300);
        let params = SoftmaxParams::new(3).epochs(10);
        let model = params.fit(&data).unwrap();
        let prediction = model.predict(&data);
        assert!(prediction.confusion_matrix(&data).unwrap().accuracy() > 0.99);
        assert_eq!(model, params.fit(&data).unwrap());
        assert_ne!(model, params.clone().seed(7).fit(&data).unwrap());
    }

    #[test]
    fn squared_hinge_leaves_rows_alone_that_are_clearly_right() {
        let data = toy(300);
        let hinge = SoftmaxParams::new(3).loss(Loss::SquaredHinge).epochs(30);
        let model = hinge.fit(&data).unwrap();
        let scores = model.decision_function(&data.records()[[4, 0]]);
        let near = |s: f32, to: f32| (s - to).abs() < 0.2;
        assert!(near(scores[0], -1.0) && near(scores[1], 1.0) && near(scores[2], -1.0), "{scores:?}");
        // The log loss pushes on without end.
        let log = SoftmaxParams::new(3).epochs(30).fit(&data).unwrap();
        assert!(log.decision_function(&data.records()[[4, 0]])[1] > 2.0);
    }

    #[test]
    fn begins_where_another_ended() {
        let data = toy(300);
        let old = SoftmaxParams::new(3).epochs(20).fit(&data).unwrap();
        // One pass over one class: what it knew of the others stays.
        let one = Dataset::new(data.records().select(Axis(0), &[0, 3, 6]), Array1::zeros(3));
        let params = SoftmaxParams::new(3).epochs(1).learning_rate(0.01);
        let right = |m: &Softmax| m.predict(&data).iter().zip(data.targets()).filter(|(p, t)| p == t).count();
        assert_eq!(right(&params.clone().initial_params(Some(old.clone())).fit(&one).unwrap()), 300);
        assert_eq!(right(&params.fit(&one).unwrap()), 100);
        assert!(SoftmaxParams::new(2).initial_params(Some(old)).fit(&one).is_err());
    }

    #[test]
    fn stopped_and_gone_on_it_is_the_same() {
        use crate::learn::job::{Checkpoints, Job};
        use std::sync::{
            Mutex,
            atomic::{AtomicBool, Ordering},
        };
        let dir = tempfile::tempdir().unwrap();
        let (data, params) = (toy(300), SoftmaxParams::new(3).epochs(10).check().unwrap());
        let fit = |stop_at: u64| {
            let (stop, passes) = (AtomicBool::new(false), Mutex::new(Vec::new()));
            let tell = |_: &str, pass: u64, _: u64| {
                passes.lock().unwrap().push(pass);
                stop.store(pass == stop_at, Ordering::Relaxed);
            };
            let job = Job::new(1, &tell, &stop, Some(Checkpoints::new(dir.path(), &[b"toy"])));
            let fitted = params.fit_as("toy", &data, &Validation::default(), &job);
            (fitted, passes.into_inner().unwrap())
        };
        let (stopped, passes) = fit(4);
        assert!(matches!(stopped, Err(SoftmaxError::Interrupted(_))) && passes == [0, 1, 2, 3, 4]);
        let (gone_on, passes) = fit(99);
        assert_eq!((gone_on.unwrap(), passes), (params.fit(&data).unwrap(), vec![4, 5, 6, 7, 8, 9]));
    }

    /// Rows of pure noise are learned by heart, pass by pass, which serves no other rows.
    #[test]
    fn stops_when_other_rows_gain_nothing_and_keeps_the_best_pass() {
        use crate::learn::job::{Checkpoints, Job};
        use std::sync::{
            Mutex,
            atomic::{AtomicBool, Ordering},
        };
        // One feature tells, the others are of one row each; every fifth label is wrong.
        let row = |i: usize| SparseDoc::new(vec![(i % 3) as u32, 3 + i as u32], vec![0.3, 1.0], vec![]);
        let label = |i: usize| if i.is_multiple_of(5) { (i + 1) % 3 } else { i % 3 };
        let data = Dataset::new(records((0..300).map(row).collect()), Array1::from_shape_fn(300, label));
        let validation = Validation { docs: (300..600).map(row).collect(), labels: (300..600).map(label).collect() };
        let params = SoftmaxParams::new(3).epochs(60);
        let fit = |params: &SoftmaxParams, stop_at: u64, checkpoints: Option<Checkpoints>| {
            let (stop, passes) = (AtomicBool::new(false), Mutex::new(0));
            let tell = |_: &str, pass: u64, _: u64| {
                *passes.lock().unwrap() = pass + 1;
                stop.store(pass == stop_at, Ordering::Relaxed);
            };
            let job = Job::new(1, &tell, &stop, checkpoints);
            let fitted = params.check_ref().unwrap().fit_as("toy", &data, &validation, &job);
            (fitted, passes.into_inner().unwrap())
        };
        let (all, made) = fit(&params, 99, None);
        assert_eq!((all.unwrap(), made), (params.fit(&data).unwrap(), 60));

        let patient = params.clone().n_iter_no_change(3);
        let (best, made) = fit(&patient, 99, None);
        let best = best.unwrap();
        assert!((4..60).contains(&made), "{made} passes");
        assert_eq!(best, params.clone().epochs(made as usize - 3).fit(&data).unwrap());

        // Killed before and after the best pass, it ends with the same.
        for stop_at in [made - 5, made - 2] {
            let dir = tempfile::tempdir().unwrap();
            let checkpoints = || Some(Checkpoints::new(dir.path(), &[b"toy"]));
            assert!(matches!(fit(&patient, stop_at, checkpoints()).0, Err(SoftmaxError::Interrupted(_))));
            let (gone_on, passes) = fit(&patient, 99, checkpoints());
            assert_eq!((gone_on.unwrap(), passes), (best.clone(), made));
            // What is done is not begun again.
            assert_eq!(
                (fit(&patient, 99, checkpoints()).0.unwrap(), fit(&patient, 99, checkpoints()).1),
                (best.clone(), 0)
            );
        }
    }

    #[test]
    fn works_with_linfas_cross_validation() {
        let mut data = toy(300);
        let grid = [SoftmaxParams::new(3).epochs(5), SoftmaxParams::new(3).epochs(5).c(0.001)];
        let scores = data
            .cross_validate_single(5, &grid, |prediction, truth| {
                Ok(prediction.iter().zip(truth).filter(|(p, t)| p == t).count() as f32 / truth.len() as f32)
            })
            .unwrap();
        assert!(scores[0] > 0.99, "{scores}");
    }

    #[test]
    fn honours_sample_and_class_weights() {
        let docs = (0..200).map(|_| SparseDoc::new(vec![0], vec![1.0], vec![])).collect();
        let targets = Array1::from_shape_fn(200, |i| usize::from(i % 10 == 0));
        let data = Dataset::new(records(docs), targets);
        let predicted = |m: &Softmax| argmax(&m.decision_function(&SparseDoc::new(vec![0], vec![1.0], vec![])));
        assert_eq!(predicted(&SoftmaxParams::new(2).fit(&data).unwrap()), 0);
        assert_eq!(predicted(&SoftmaxParams::new(2).class_weights(vec![1.0, 30.0]).fit(&data).unwrap()), 1);
        let weights = Array1::from_shape_fn(200, |i| if i % 10 == 0 { 30.0 } else { 1.0 });
        assert_eq!(predicted(&SoftmaxParams::new(2).fit(&data.with_weights(weights)).unwrap()), 1);
    }

    #[test]
    fn learns_from_the_dense_block() {
        let doc = |i: usize| SparseDoc::new(vec![], vec![], vec![if i.is_multiple_of(2) { 1.0 } else { -1.0 }, 0.3]);
        let data = Dataset::new(records((0..100).map(doc).collect()), Array1::from_shape_fn(100, |i| i % 2));
        let model = SoftmaxParams::new(2).epochs(10).fit(&data).unwrap();
        assert!(model.dense_weights(0)[0] > 0.5 && model.dense_weights(0)[1] < -0.5);
    }

    #[test]
    fn refuses_bad_parameters() {
        let data = toy(30);
        assert!(SoftmaxParams::new(1).fit(&data).is_err());
        assert!(SoftmaxParams::new(3).c(0.0).fit(&data).is_err());
        assert!(SoftmaxParams::new(2).fit(&data).is_err(), "label out of range");
        assert!(SoftmaxParams::new(3).class_weights(vec![1.0]).fit(&data).is_err());
    }
}
