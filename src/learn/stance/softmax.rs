//! Multinomial logistic regression over sparse documents behind linfa's
//! traits: AdaGrad (Duchi et al. 2011) with L2, the last epochs averaged. A
//! row's target is how probable each label is: what another model told counts by
//! its shares in one step.
//!
//! Beside [`crate::learn::softmax`], whose documents it takes, since it takes other steps: each weight has a step size
//! of its own, there a feature's weights share one, and it averages, which few rows need and many do not.

use crate::{
    features::prefetch,
    learn::softmax::{SparseDoc, shuffle},
};
use linfa::{
    DatasetBase, ParamGuard,
    dataset::AsMultiTargets,
    error::Error,
    traits::{Fit, PredictInplace},
};
use ndarray::{Array1, Array2, ArrayBase, Axis, Data, Ix2};
use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};

/// How probable each label of each row is, as targets of a data set.
pub(crate) fn shares<const N: usize>(rows: &[[f32; N]]) -> Array2<f32> {
    Array2::from_shape_fn((rows.len(), N), |(row, label)| rows[row][label])
}

/// What to fit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ValidSoftmaxParams {
    /// Number of labels.
    pub(crate) classes: usize,
    /// Number of features.
    pub(crate) features: usize,
    /// Passes over the data.
    pub(crate) epochs: usize,
    /// Step size.
    pub(crate) learning_rate: f32,
    /// L2 penalty of each example's step.
    pub(crate) l2: f32,
    /// Of the order of the examples.
    pub(crate) seed: u64,
}

/// The same before it is checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SoftmaxParams(pub(crate) ValidSoftmaxParams);

impl ParamGuard for SoftmaxParams {
    type Checked = ValidSoftmaxParams;
    type Error = Error;

    fn check_ref(&self) -> Result<&Self::Checked, Error> {
        let p = &self.0;
        let fault = if !(2..=MOST).contains(&p.classes) {
            "there must be two to four classes"
        } else if p.features == 0 || p.epochs == 0 {
            "features and epochs must be at least 1"
        } else if !(p.learning_rate > 0.0 && p.learning_rate.is_finite() && p.l2 >= 0.0 && p.l2.is_finite()) {
            "the learning rate must be positive and the penalty not negative"
        } else {
            return Ok(p);
        };
        Err(Error::Parameters(fault.to_owned()))
    }

    fn check(self) -> Result<Self::Checked, Error> {
        self.check_ref()?;
        Ok(self.0)
    }
}

/// Most classes; one more than is needed makes a row of four, which a processor adds up at once.
const MOST: usize = 4;
/// One number a class.
type Row = [f32; MOST];

/// A fitted model: one row of weights a feature.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Softmax {
    classes: usize,
    weights: Vec<Row>,
}

impl Softmax {
    /// The mean of models with the same features: of linear models it is one.
    pub(crate) fn mean(mut models: impl Iterator<Item = Result<Self, Error>>) -> Result<Self, Error> {
        let mut mean = models.next().ok_or(Error::NotEnoughSamples)??;
        let mut n = 1.0;
        for model in models {
            for (row, other) in mean.weights.iter_mut().zip(model?.weights) {
                row.iter_mut().zip(other).for_each(|(sum, weight)| *sum += weight);
            }
            n += 1.0;
        }
        mean.weights.iter_mut().flatten().for_each(|weight| *weight /= n);
        Ok(mean)
    }

    /// Weights of a feature.
    pub(crate) fn weights(&self, feature: usize) -> &[f32] {
        self.weights.get(feature).and_then(|row| row.get(..self.classes)).unwrap_or(&[])
    }

    /// Scores of a document, one a class.
    pub(crate) fn scores(&self, doc: &SparseDoc, scores: &mut [f32]) {
        scores.fill(0.0);
        for (feature, value) in doc.sparse() {
            for (score, weight) in scores.iter_mut().zip(self.weights(feature)) {
                *score += value * weight;
            }
        }
    }
}

impl<D, T> Fit<ArrayBase<D, Ix2>, T, Error> for ValidSoftmaxParams
where
    D: Data<Elem = SparseDoc>,
    T: AsMultiTargets<Elem = f32>,
{
    type Object = Softmax;

    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<Softmax, Error> {
        let params = self;
        let docs = dataset.records().index_axis(Axis(1), 0);
        let targets = dataset.targets().as_multi_targets();
        let example_weights = dataset.weights();
        if docs.is_empty() {
            return Err(Error::NotEnoughSamples);
        }
        let mut steps = vec![Step { weights: [0.0; MOST], squares: [1e-8; MOST] }; params.features];
        let mut average = vec![[0.0f32; MOST]; params.features];
        let mut order: Vec<usize> = (0..docs.len()).collect();
        let mut random = Xoshiro256PlusPlus::seed_from_u64(params.seed);
        let averaged = (params.epochs / 2).max(1);
        for epoch in 0..params.epochs {
            shuffle(&mut order, &mut random);
            for (at, &i) in order.iter().enumerate() {
                let Some(doc) = docs.get(i) else { continue };
                // The next document's rows come from memory meanwhile.
                if let Some(next) = order.get(at + 1).and_then(|next| docs.get(*next)) {
                    next.sparse().for_each(|(feature, _)| prefetch(&steps, feature));
                }
                let weight = example_weights.and_then(|w| w.get(i)).copied().unwrap_or(1.0);
                let mut p = [0.0; MOST];
                for (feature, value) in doc.sparse() {
                    if let Some(step) = steps.get(feature) {
                        p.iter_mut().zip(step.weights).for_each(|(score, weight)| *score += value * weight);
                    }
                }
                let (told, rest) = p.split_at_mut(params.classes.min(MOST));
                to_probabilities(told);
                told.iter_mut().zip(targets.row(i)).for_each(|(p, share)| *p -= share);
                rest.fill(0.0);
                for (feature, value) in doc.sparse() {
                    if let Some(step) = steps.get_mut(feature) {
                        step.take(value, &p, weight, params);
                    }
                }
            }
            if epoch + averaged >= params.epochs {
                for (sum, step) in average.iter_mut().zip(&steps) {
                    sum.iter_mut().zip(step.weights).for_each(|(sum, weight)| *sum += weight / averaged as f32);
                }
            }
        }
        Ok(Softmax { classes: params.classes, weights: average })
    }
}

/// A feature while it is fitted: what a step reads and writes lies together.
#[derive(Debug, Clone, Copy)]
#[repr(align(32))]
struct Step {
    weights: Row,
    /// Sums of squared gradients.
    squares: Row,
}

impl Step {
    #[inline(always)]
    fn take(&mut self, value: f32, error: &Row, weight: f32, params: &ValidSoftmaxParams) {
        for ((w, square), e) in self.weights.iter_mut().zip(&mut self.squares).zip(error) {
            let gradient = weight * (e * value + params.l2 * *w * value.abs());
            *square += gradient * gradient;
            *w -= params.learning_rate * gradient / square.sqrt();
        }
    }
}

fn to_probabilities(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for s in scores.iter_mut() {
        *s = (*s - most).exp();
        sum += *s;
    }
    for s in scores.iter_mut() {
        *s /= sum;
    }
}

impl<D> PredictInplace<ArrayBase<D, Ix2>, Array1<usize>> for Softmax
where
    D: Data<Elem = SparseDoc>,
{
    fn predict_inplace(&self, x: &ArrayBase<D, Ix2>, y: &mut Array1<usize>) {
        let mut scores = vec![0.0; self.classes];
        for (doc, y) in x.index_axis(Axis(1), 0).iter().zip(y.iter_mut()) {
            self.scores(doc, &mut scores);
            *y = (0..self.classes).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or(0);
        }
    }

    fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<usize> {
        Array1::zeros(x.nrows())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::softmax::records;
    use linfa::{Dataset, traits::Predict};

    fn params() -> ValidSoftmaxParams {
        ValidSoftmaxParams { classes: 3, features: 4, epochs: 20, learning_rate: 0.5, l2: 1e-4, seed: 1 }
    }

    fn data() -> Dataset<SparseDoc, f32, Ix2> {
        let doc = |i: u32| SparseDoc::new(vec![i, 3], vec![1.0, 0.5], Vec::new());
        let docs: Vec<SparseDoc> = (0..30).map(|i| doc(i % 3)).collect();
        Dataset::new(records(docs), Array2::from_shape_fn((30, 3), |(i, label)| f32::from(u8::from(i % 3 == label))))
    }

    #[test]
    fn learns_and_repeats() {
        let fit = || SoftmaxParams(params()).check().unwrap().fit(&data()).unwrap();
        let model = fit();
        assert_eq!(model, fit());
        let set = data();
        let predicted: Array1<usize> = model.predict(&set);
        assert!(predicted.iter().enumerate().all(|(i, label)| *label == i % 3));
    }

    #[test]
    fn a_mean_lies_between() {
        let fit = |seed| SoftmaxParams(ValidSoftmaxParams { seed, ..params() }).check().unwrap().fit(&data()).unwrap();
        let (a, b) = (fit(1), fit(2));
        let mean = Softmax::mean([a.clone(), b.clone()].into_iter().map(Ok)).unwrap();
        let all = |model: &Softmax| model.weights.concat();
        let (mean, a, b) = (all(&mean), all(&a), all(&b));
        assert!(mean.iter().zip(&a).zip(&b).all(|((m, a), b)| (m * 2.0 - a - b).abs() < 1e-4));
    }

    #[test]
    fn refuses_nonsense() {
        assert!(SoftmaxParams(ValidSoftmaxParams { classes: 1, ..params() }).check().is_err());
        assert!(SoftmaxParams(ValidSoftmaxParams { learning_rate: f32::NAN, ..params() }).check().is_err());
    }
}
