//! From examples to the numbers of the sentence model.

use super::{
    StancePlan,
    examples::Example,
    softmax::{Softmax, SoftmaxParams, ValidSoftmaxParams},
};
use crate::{
    heads::stance::{
        DENSE, KeyTable, Known, Meanings, POOLS,
        model::{CLASSES, SentenceModel, Settings, norm},
        pool_scale, to_row,
    },
    learn::{
        softmax::{SparseDoc, records},
        word_vectors::WordVectors,
    },
};
use linfa::{Dataset, ParamGuard, traits::Fit};
use ndarray::Array1;
use std::{array, collections::HashMap};

/// Least share of a label that is learned from.
const LEAST_SHARE: f32 = 0.03;
/// Examples for which an n-gram must occur once more: the table has room for so many only.
const MORE: u32 = 20_000;
/// Occurrences in examples of a word whose meaning is kept.
const KEPT: u32 = 2;
/// How rare a word is that counts half of what the rarest does (Arora et al. 2017).
const RARE: f32 = 1e-3;

/// The features: dense ones first, then the table's rows, then the pools' vectors; directed rows have all of them twice.
pub(super) struct Space<'a> {
    plan: &'a StancePlan,
    /// Of each table row; 0 where too few examples hold it.
    idf: Vec<f32>,
    dimensions: usize,
    words: Vec<u64>,
    vectors: Vec<Vec<f32>>,
    places: KeyTable<u32>,
}

impl<'a> Space<'a> {
    /// Of the labelled examples and the words known in lower case.
    pub(super) fn new(
        plan: &'a StancePlan,
        examples: &[Example],
        known: &Known,
        vectors: Option<&WordVectors>,
    ) -> Self {
        let dimensions = vectors.map_or(0, |v| v.dimensions().min(plan.dimensions));
        let mut counts: HashMap<u64, u32> = HashMap::new();
        for word in examples.iter().flat_map(|e| &e.pooled) {
            *counts.entry(word.hash).or_default() += 1;
        }
        let total = counts.values().sum::<u32>().max(1) as f32;
        let mut space = Self {
            plan,
            idf: inverse_frequencies(examples, plan),
            dimensions,
            words: Vec::new(),
            vectors: Vec::new(),
            places: KeyTable::default(),
        };
        for word in known.vocabulary().iter().filter(|_| dimensions > 0) {
            let count = counts.get(word).copied().unwrap_or(0);
            let Some(vector) = vectors.filter(|_| count >= KEPT).and_then(|v| v.get(*word)) else { continue };
            let vector: Vec<f32> = vector.take(dimensions).collect();
            let length = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
            let frequency = count as f32 / total;
            let scale = plan.vector_scale * RARE / (RARE + frequency) / length.max(1e-6);
            *space.places.entry(*word) = space.words.len() as u32;
            space.words.push(*word);
            space.vectors.push(vector.into_iter().map(|v| v * scale).collect());
        }
        space
    }

    /// Features before the copy of the directed rows.
    fn features(&self) -> usize {
        DENSE + self.idf.len() + POOLS * self.dimensions
    }

    /// First feature of a pool's vectors.
    fn pool(&self, pool: usize) -> usize {
        DENSE + self.idf.len() + pool * self.dimensions
    }

    /// Each view normalised, each pool summed up.
    fn document(&self, example: &Example) -> SparseDoc {
        let idf = &self.idf;
        let dense = example.dense.iter().enumerate().filter(|(_, v)| **v != 0.0);
        let mut pairs: Vec<(u32, f32)> = dense.map(|(i, v)| (i as u32, *v)).collect();
        for view in &example.views {
            let squares: f32 = view.iter().map(|r| idf[*r as usize] * idf[*r as usize]).sum();
            let scale = norm(squares, self.plan.view_scale);
            pairs.extend(view.iter().map(|r| (DENSE as u32 + r, idf[*r as usize] * scale)).filter(|p| p.1 > 0.0));
        }
        for pool in (0..POOLS).filter(|_| self.dimensions > 0) {
            let mut sum = vec![0.0f32; self.dimensions];
            let mut n = 0;
            for place in example.pooled.iter().filter(|w| w.lies_in(pool)).filter_map(|w| self.places.get(w.hash)) {
                n += 1;
                sum.iter_mut().zip(&self.vectors[place as usize]).for_each(|(s, v)| *s += v);
            }
            let sum = sum.into_iter().map(|s| s * pool_scale(n));
            pairs.extend((self.pool(pool) as u32..).zip(sum).filter(|p| p.1 != 0.0));
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
        if example.directed && self.plan.directed_own > 0.0 {
            // Daume 2007: a second copy of each feature takes up what is peculiar to these rows.
            let shift = self.features() as u32;
            let (more, values): (Vec<u32>, Vec<f32>) =
                merged.0.iter().zip(&merged.1).map(|(i, v)| (i + shift, v * self.plan.directed_own)).unzip();
            merged.0.extend(more);
            merged.1.extend(values);
        }
        SparseDoc::new(merged.0, merged.1, Vec::new())
    }

    /// Fits the model; another model's labels count by their shares.
    pub(super) fn fit(&self, examples: &[Example], seed: u64) -> Result<Softmax, linfa::error::Error> {
        let (mut docs, mut labels, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        for example in examples {
            let doc = self.document(example);
            for (label, share) in example.shares.iter().enumerate().filter(|(_, s)| **s >= LEAST_SHARE) {
                docs.push(doc.clone());
                labels.push(label);
                weights.push(example.weight * share);
            }
        }
        let dataset = Dataset::new(records(docs), Array1::from(labels)).with_weights(Array1::from(weights));
        let params = SoftmaxParams(ValidSoftmaxParams {
            classes: CLASSES,
            features: 2 * self.features(),
            epochs: self.plan.epochs,
            learning_rate: self.plan.learning_rate,
            l2: self.plan.l2,
            seed,
        });
        params.check()?.fit(&dataset)
    }

    /// The fitted weights as the head holds them: idf and vectors are multiplied in.
    pub(super) fn model(self, fitted: &Softmax, known: &Known) -> SentenceModel {
        let weights = |feature: usize| -> [f32; CLASSES] {
            array::from_fn(|class| fitted.weights(feature).get(class).copied().unwrap_or(0.0))
        };
        let table = self.idf.iter().enumerate().map(|(row, idf)| {
            let [a, b, c] = weights(DENSE + row).map(|w| w * idf);
            to_row([a, b, c, *idf])
        });
        let meaning = |vector: &Vec<f32>| {
            array::from_fn(|pool| {
                let mut out = [0.0f32; CLASSES];
                for (d, v) in vector.iter().enumerate() {
                    out.iter_mut().zip(weights(self.pool(pool) + d)).for_each(|(o, w)| *o += v * w);
                }
                out
            })
        };
        let mut settings = Settings::new(self.plan.bits, self.plan.view_scale);
        settings.threshold = 0.0;
        let meanings = Meanings::new(self.words.clone(), self.vectors.iter().map(meaning).collect());
        let (table, dense) = (table.collect(), (0..DENSE).map(weights).collect());
        SentenceModel::new(settings, table, dense, known.vocabulary().to_vec(), meanings)
    }
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
    let least = plan.least + examples.len() as u32 / MORE;
    let idf = |c: u32| if c < least { 0.0 } else { ((1.0 + n) / (1.0 + c as f32)).ln() + 1.0 };
    counts.into_iter().map(|c| half::f16::from_f32(idf(c)).to_f32()).collect()
}
