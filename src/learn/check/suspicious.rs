//! Labels that a model which has not seen them would not give: an estimator is
//! trained on four fifths of a sample and asked about the last fifth, five times.

use crate::{
    learn::{
        calibrate::temperature,
        config::FeatureConfig,
        rows::LabelledArticle,
        softmax::{SoftmaxError, SoftmaxParams, SparseDoc, argmax, records, softmax},
        space::Encoder,
    },
    text::hash_word,
};
use linfa::{Dataset, traits::Fit};
use ndarray::Array1;
use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{RngCore, SeedableRng},
};

const FOLDS: u64 = 5;
/// A label is suspicious when the model gives it at most this probability ...
const LABEL_AT_MOST: f32 = 0.02;
/// ... and another one at least this.
const OTHER_AT_LEAST: f32 = 0.8;

/// A sample of the rows with a label: every row has the same chance (Vitter 1985, algorithm R).
pub(super) struct Sample {
    most: usize,
    seen: u64,
    random: Xoshiro256PlusPlus,
    pub(super) rows: Vec<Sampled>,
}

/// One row of it.
pub(super) struct Sampled {
    pub(super) article: LabelledArticle,
    pub(super) label: String,
    pub(super) file: u32,
    pub(super) line: u64,
}

/// A label that may be wrong.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Suspicion {
    /// Index in the sample.
    pub(super) row: usize,
    /// The label that the model gives.
    pub(super) other: String,
    /// Its probability.
    pub(super) probability: f32,
    /// The probability of the row's own label.
    pub(super) own: f32,
}

impl Sample {
    pub(super) fn new(most: usize, seed: u64) -> Self {
        Self { most, seen: 0, random: Xoshiro256PlusPlus::seed_from_u64(seed), rows: Vec::new() }
    }

    pub(super) fn add(&mut self, row: impl FnOnce() -> Sampled) {
        self.seen += 1;
        if self.rows.len() < self.most {
            self.rows.push(row());
        } else {
            let at = (self.random.next_u64() % self.seen) as usize;
            if let Some(slot) = self.rows.get_mut(at) {
                *slot = row();
            }
        }
    }

    /// The suspicious labels, the worst first, and the share of rows to which the model gives their own label.
    pub(super) fn judge(&self, seed: u64) -> Result<(Vec<Suspicion>, f64), SoftmaxError> {
        let mut labels: Vec<&str> = self.rows.iter().map(|r| r.label.as_str()).collect();
        labels.sort_unstable();
        labels.dedup();
        let class = |row: &Sampled| labels.binary_search(&row.label.as_str()).unwrap_or_default();
        // Groups stay together: a story's other reports must not give its label away.
        let fold = |row: &Sampled| {
            let own = format!("{}#{}", row.file, row.line);
            hash_word(row.article.group.as_deref().unwrap_or(&own).as_bytes()) % FOLDS
        };
        let features = FeatureConfig { bits: 16, ..FeatureConfig::default() };
        let mut encoder = Encoder::fit(self.rows.iter().map(|r| &r.article), &features, None, 1.0);
        let docs: Vec<SparseDoc> = self.rows.iter().map(|r| encoder.encode(&r.article)).collect();
        let (mut asked, mut scores) = (Vec::new(), Vec::new());
        for part in 0..FOLDS {
            let (held_out, rest): (Vec<usize>, Vec<usize>) =
                (0..self.rows.len()).partition(|&i| fold(&self.rows[i]) == part);
            if held_out.is_empty() || rest.is_empty() {
                continue;
            }
            let targets = Array1::from_iter(rest.iter().map(|&i| class(&self.rows[i])));
            let data = Dataset::new(records(rest.iter().map(|&i| docs[i].clone()).collect()), targets);
            let model = SoftmaxParams::new(labels.len()).seed(seed).fit(&data)?;
            scores.extend(held_out.iter().map(|&i| model.decision_function(&docs[i])));
            asked.extend(held_out);
        }
        let truth: Vec<usize> = asked.iter().map(|&i| class(&self.rows[i])).collect();
        let temperature = temperature(&scores, &truth) as f32;
        let (mut suspicions, mut right) = (Vec::new(), 0usize);
        for ((&row, &own), mut p) in asked.iter().zip(&truth).zip(scores) {
            softmax(&mut p, temperature);
            let other = argmax(&p);
            right += usize::from(other == own);
            if p[own] <= LABEL_AT_MOST && p[other] >= OTHER_AT_LEAST {
                let (other, probability) = (labels[other].to_owned(), p[other]);
                suspicions.push(Suspicion { row, other, probability, own: p[own] });
            }
        }
        suspicions.sort_by(|a, b| a.own.total_cmp(&b.own).then(a.row.cmp(&b.row)));
        Ok((suspicions, right as f64 / asked.len().max(1) as f64))
    }
}
