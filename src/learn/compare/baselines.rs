//! What simpler classifiers make of the same rows.

use crate::learn::softmax::{SoftmaxError, SparseDoc, argmax};
use linfa::{
    Dataset,
    traits::{Fit, Predict},
};
use linfa_logistic::MultiLogisticRegression;
use ndarray::{Array1, Array2};
use std::collections::HashMap;

/// Pseudo-count of naive Bayes.
const ALPHA: f32 = 0.1;
/// Features that `linfa-logistic` sees: it takes dense rows only.
const DENSE_FEATURES: usize = 400;
/// Training rows that it sees, evenly drawn: a dense row costs 8 bytes a feature.
const DENSE_ROWS: usize = 6_000;

/// The rows that all are fitted on.
pub(super) struct Baselines<'a> {
    train: &'a [SparseDoc],
    labels: &'a [usize],
    classes: usize,
    /// Rows of each label.
    rows: Vec<f32>,
    /// Sum of each feature over the rows of each label.
    sums: HashMap<usize, Vec<f32>>,
}

impl<'a> Baselines<'a> {
    pub(super) fn new(train: &'a [SparseDoc], labels: &'a [usize], classes: usize) -> Self {
        let mut rows = vec![0.0; classes];
        let mut sums: HashMap<usize, Vec<f32>> = HashMap::new();
        for (doc, &label) in train.iter().zip(labels) {
            rows[label] += 1.0;
            for (slot, value) in doc.sparse() {
                sums.entry(slot).or_insert_with(|| vec![0.0; classes])[label] += value;
            }
        }
        Self { train, labels, classes, rows, sums }
    }

    /// The most frequent label for every row.
    pub(super) fn majority(&self, rows: usize) -> Vec<usize> {
        vec![argmax(&self.rows); rows]
    }

    /// Multinomial naive Bayes on the tf-idf values (as scikit-learn's `MultinomialNB(alpha=0.1)`).
    pub(super) fn naive_bayes(&self, test: &[SparseDoc]) -> Vec<usize> {
        let mut totals = vec![ALPHA * self.sums.len() as f32; self.classes];
        self.sums.values().for_each(|sums| totals.iter_mut().zip(sums).for_each(|(t, s)| *t += s));
        let n: f32 = self.rows.iter().sum();
        let prior: Vec<f32> = self.rows.iter().map(|r| (r.max(f32::MIN_POSITIVE) / n).ln()).collect();
        let log = |doc: &SparseDoc| {
            let mut scores = prior.clone();
            for (slot, value) in doc.sparse() {
                let Some(sums) = self.sums.get(&slot) else { continue };
                for (score, (sum, total)) in scores.iter_mut().zip(sums.iter().zip(&totals)) {
                    *score += value * ((sum + ALPHA) / total).ln();
                }
            }
            argmax(&scores)
        };
        test.iter().map(log).collect()
    }

    /// `linfa-logistic` on the features with the greatest chi-squared statistic.
    pub(super) fn linfa_logistic(&self, test: &[SparseDoc]) -> Result<Vec<usize>, SoftmaxError> {
        let chosen = self.best_features();
        let dense = |docs: &[&SparseDoc]| {
            let mut x = Array2::<f64>::zeros((docs.len(), chosen.len()));
            for (row, doc) in docs.iter().enumerate() {
                for (slot, value) in doc.sparse() {
                    if let Some(&column) = chosen.get(&slot) {
                        x[[row, column]] = f64::from(value);
                    }
                }
            }
            x
        };
        let step = self.train.len().div_ceil(DENSE_ROWS).max(1);
        let train: Vec<&SparseDoc> = self.train.iter().step_by(step).collect();
        let labels: Array1<usize> = self.labels.iter().step_by(step).copied().collect();
        let model = MultiLogisticRegression::default()
            .alpha(0.1)
            .max_iterations(40)
            .gradient_tolerance(1e-3)
            .fit(&Dataset::new(dense(&train), labels))
            .map_err(|e| SoftmaxError::Data(format!("linfa-logistic: {e}")))?;
        Ok(model.predict(&dense(&test.iter().collect::<Vec<_>>())).to_vec())
    }

    /// Columns by slot, of the features whose sums differ most from what the labels' shares let expect.
    fn best_features(&self) -> HashMap<usize, usize> {
        let n: f32 = self.rows.iter().sum();
        let chi2 = |sums: &[f32]| -> f32 {
            let sum: f32 = sums.iter().sum();
            let expected = self.rows.iter().map(|r| sum * r / n);
            sums.iter().zip(expected).filter(|(_, e)| *e > 0.0).map(|(s, e)| (s - e) * (s - e) / e).sum()
        };
        let mut ranked: Vec<(f32, usize)> = self.sums.iter().map(|(&slot, sums)| (chi2(sums), slot)).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        ranked.into_iter().take(DENSE_FEATURES).enumerate().map(|(column, (_, slot))| (slot, column)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_learn_what_is_plain() {
        let doc = |i: usize| SparseDoc::new(vec![(i % 3) as u32, 3], vec![1.0, 0.5], vec![]);
        let docs: Vec<SparseDoc> = (0..90).map(doc).collect();
        let mut labels: Vec<usize> = (0..90).map(|i| i % 3).collect();
        labels.extend([2; 10]);
        let docs = [docs, vec![doc(2); 10]].concat();
        let baselines = Baselines::new(&docs, &labels, 4);
        let test = [doc(0), doc(1), doc(2)];
        assert_eq!(baselines.majority(3), [2, 2, 2]);
        assert_eq!(baselines.naive_bayes(&test), [0, 1, 2]);
        assert_eq!(baselines.linfa_logistic(&test).unwrap(), [0, 1, 2]);
    }
}
