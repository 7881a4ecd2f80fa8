//! The features of the sentence model as training has them: which word, kind
//! and pair has which weights, and what each counts in an example.

use super::{StancePlan, examples::Example};
use crate::{
    heads::stance::{DENSE, Known, PAIR_POOLS, POOLS, inverse_root, slot},
    learn::{softmax::SparseDoc, word_vectors::WordVectors},
};
use std::collections::HashMap;

/// Examples for which a word or pair must occur once more: the table has room for so many only.
const MORE: u32 = 20_000;
/// Occurrences in examples of a word whose vector is kept.
const KEPT: u32 = 2;
/// How rare a word is that counts half of what the rarest does (Arora et al. 2017).
const RARE: f32 = 1e-3;
/// Kinds of words that there may be.
const CLUSTERS: usize = 1_024;
/// Inverse document frequency that counts 1.
const USUAL: f32 = 5.0;
/// Pools whose words' vectors are learned from: those of many words.
const BY_VECTOR: [usize; 10] = [0, 1, 2, 3, 4, 5, 7, 15, 16, 17];

/// A word or pair that is learned from: its place among its like, and what it counts.
#[derive(Debug, Clone, Copy)]
struct Place {
    at: u32,
    value: f32,
}

/// The features: dense ones first, then words by pool, kinds by pool, pairs by pool, n-grams, vectors by pool; directed
/// rows have all of them twice.
pub(super) struct Space<'a> {
    plan: &'a StancePlan,
    words: HashMap<u64, Place>,
    pairs: HashMap<u64, Place>,
    grams: HashMap<(usize, u64), Place>,
    dimensions: usize,
    vectors: HashMap<u64, Vec<f32>>,
}

impl<'a> Space<'a> {
    /// Of the labelled examples and the words known in lower case.
    pub(super) fn new(
        plan: &'a StancePlan,
        examples: &[Example],
        known: &Known,
        vectors: Option<&WordVectors>,
    ) -> Self {
        let n = examples.len() as u32;
        let counted = Counted { least: plan.least + n / MORE, n: n as f32, bits: plan.bits };
        let mut space = Self {
            plan,
            words: counted.places(examples.iter().map(|e| e.words.iter().map(|w| w.hash)), plan.word_scale, |_| None),
            pairs: counted.places(examples.iter().map(|e| e.pairs.iter().map(|p| p.0)), plan.pair_scale, |h| Some(*h)),
            grams: counted.places(examples.iter().map(|e| e.grams.iter().copied()), plan.gram_scale, |g| Some(g.1)),
            dimensions: vectors.map_or(0, |v| v.dimensions().min(plan.dimensions)),
            vectors: HashMap::new(),
        };
        space.read_vectors(examples, known, vectors);
        space
    }

    fn read_vectors(&mut self, examples: &[Example], known: &Known, vectors: Option<&WordVectors>) {
        let Some(vectors) = vectors.filter(|_| self.dimensions > 0) else { return };
        let mut counts: HashMap<u64, u32> = HashMap::new();
        for word in examples.iter().flat_map(|e| &e.words) {
            *counts.entry(word.hash).or_default() += 1;
        }
        let total = counts.values().sum::<u32>().max(1) as f32;
        for word in known.vocabulary() {
            let count = counts.get(word).copied().unwrap_or(0);
            let Some(vector) = Some(vectors).filter(|_| count >= KEPT).and_then(|v| v.get(*word)) else { continue };
            let vector: Vec<f32> = vector.take(self.dimensions).collect();
            let length = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
            let frequency = count as f32 / total;
            let scale = self.plan.vector_scale * RARE / (RARE + frequency) / length.max(1e-6);
            self.vectors.insert(*word, vector.into_iter().map(|v| v * scale).collect());
        }
    }

    fn kinds_at(&self) -> usize {
        DENSE + self.words.len() * POOLS
    }

    /// First feature of the pairs.
    pub(super) fn pairs_at(&self) -> usize {
        self.kinds_at() + CLUSTERS * POOLS
    }

    fn grams_at(&self) -> usize {
        self.pairs_at() + self.pairs.len() * PAIR_POOLS
    }

    fn vectors_at(&self) -> usize {
        self.grams_at() + self.grams.len()
    }

    /// Features before the copy of the directed rows.
    pub(super) fn features(&self) -> usize {
        self.vectors_at() + BY_VECTOR.len() * self.dimensions
    }

    /// Gives `see` the features of a word of this kind in a pool, with what each counts.
    pub(super) fn word(&self, hash: u64, cluster: u16, pool: usize, mut see: impl FnMut(usize, f32)) {
        if let Some(place) = self.words.get(&hash) {
            see(DENSE + place.at as usize * POOLS + pool, place.value);
        }
        if cluster > 0 && usize::from(cluster) < CLUSTERS {
            see(self.kinds_at() + usize::from(cluster) * POOLS + pool, self.plan.kind_scale);
        }
        if let (Some(vector), Some(at)) = (self.vectors.get(&hash), BY_VECTOR.iter().position(|p| *p == pool)) {
            let from = self.vectors_at() + at * self.dimensions;
            vector.iter().enumerate().for_each(|(d, v)| see(from + d, *v));
        }
    }

    /// The words that have rows, ascending: all of which anything is known.
    pub(super) fn known_words(&self, known: &Known) -> Vec<u64> {
        let symbols = crate::heads::stance::SYMBOLS;
        let mut words: Vec<u64> = self.words.keys().chain(self.vectors.keys()).copied().collect();
        words.extend(known.kinds());
        words.retain(|w| !symbols.contains(w));
        words.sort_unstable();
        words.dedup();
        words
    }

    /// The pairs: hash, place and what it counts.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (u64, usize, f32)> {
        let mut all: Vec<_> = self.pairs.iter().map(|(hash, p)| (*hash, p.at as usize, p.value)).collect();
        all.sort_unstable_by_key(|p| p.1);
        all.into_iter()
    }

    /// The n-grams: group, hash, feature and what it counts.
    pub(super) fn grams(&self) -> impl Iterator<Item = (usize, u64, usize, f32)> {
        let from = self.grams_at();
        let mut all: Vec<_> = self.grams.iter().map(|(k, p)| (k.0, k.1, from + p.at as usize, p.value)).collect();
        all.sort_unstable_by_key(|p| p.2);
        all.into_iter()
    }

    /// The features of an example with their values, as serving adds them up.
    pub(super) fn document(&self, example: &Example) -> SparseDoc {
        let dense = example.dense.iter().enumerate().filter(|(_, v)| **v != 0.0);
        let mut found: Vec<(u32, f32)> = dense.map(|(i, v)| (i as u32, *v)).collect();
        let mut dense = vec![0.0f32; BY_VECTOR.len() * self.dimensions];
        let roots = |n: [u8; 32]| n.map(inverse_root);
        let scales = roots(counts(example.words.iter().map(|w| w.pools)));
        for word in &example.words {
            for pool in (0..POOLS).filter(|p| word.pools >> p & 1 == 1) {
                self.word(word.hash, word.cluster, pool, |at, value| {
                    let value = value * scales[pool];
                    match at.checked_sub(self.vectors_at()).and_then(|at| dense.get_mut(at)) {
                        Some(sum) => *sum += value,
                        None => found.push((at as u32, value)),
                    }
                });
            }
        }
        let scales = roots(counts(example.pairs.iter().map(|p| p.1.into())));
        for (pools, place) in example.pairs.iter().filter_map(|p| Some((p.1, self.pairs.get(&p.0)?))) {
            for pool in (0..PAIR_POOLS).filter(|p| pools >> p & 1 == 1) {
                let at = self.pairs_at() + place.at as usize * PAIR_POOLS + pool;
                found.push((at as u32, place.value * scales[pool]));
            }
        }
        let scales = roots(counts(example.grams.iter().map(|g| 1 << g.0)));
        for (group, place) in example.grams.iter().filter_map(|g| Some((g.0, self.grams.get(g)?))) {
            found.push((self.grams_at() as u32 + place.at, place.value * scales[group]));
        }
        found.extend((self.vectors_at() as u32..).zip(dense).filter(|p| p.1 != 0.0));
        let (mut slots, mut values) = merge(found);
        if example.directed && self.plan.directed_own > 0.0 {
            // Daume 2007: a second copy of each feature takes up what is peculiar to these rows.
            let shift = self.features() as u32;
            let (more, copies): (Vec<u32>, Vec<f32>) =
                slots.iter().zip(&values).map(|(i, v)| (i + shift, v * self.plan.directed_own)).unzip();
            slots.extend(more);
            values.extend(copies);
        }
        SparseDoc::new(slots, values, Vec::new())
    }
}

/// How many of these lie in each pool.
fn counts(pools: impl Iterator<Item = u32>) -> [u8; 32] {
    let mut counts = [0u8; 32];
    for pools in pools {
        for (pool, count) in counts.iter_mut().enumerate() {
            *count = count.saturating_add((pools >> pool & 1) as u8);
        }
    }
    counts
}

/// Ascending, the values of one feature added up.
fn merge(mut found: Vec<(u32, f32)>) -> (Vec<u32>, Vec<f32>) {
    found.sort_unstable_by_key(|p| p.0);
    let mut merged: (Vec<u32>, Vec<f32>) = (Vec::with_capacity(found.len()), Vec::with_capacity(found.len()));
    for (i, v) in found {
        match (merged.0.last(), merged.1.last_mut()) {
            (Some(last), Some(value)) if *last == i => *value += v,
            _ => {
                merged.0.push(i);
                merged.1.push(v);
            }
        }
    }
    merged
}

/// What is frequent enough to be learned from.
struct Counted {
    least: u32,
    /// Examples.
    n: f32,
    bits: u32,
}

impl Counted {
    /// Those that enough examples hold, each with its place, times `scale` the rarer it is; of two with one slot the more
    /// frequent. `hash`: what the slot follows from, `None` where there is none.
    fn places<K: Copy + Ord + std::hash::Hash, I: Iterator<Item = K>>(
        &self,
        examples: impl Iterator<Item = I>,
        scale: f32,
        hash: impl Fn(&K) -> Option<u64>,
    ) -> HashMap<K, Place> {
        let mut counts: HashMap<K, u32> = HashMap::new();
        let mut seen: Vec<K> = Vec::new();
        for example in examples {
            seen.clear();
            seen.extend(example);
            seen.sort_unstable();
            seen.dedup();
            for key in &seen {
                *counts.entry(*key).or_default() += 1;
            }
        }
        let mut all: Vec<(K, u32)> =
            counts.into_iter().filter(|(_, count)| *count >= self.least && scale > 0.0).collect();
        all.sort_unstable_by_key(|(key, count)| (std::cmp::Reverse(*count), *key));
        let mut taken = vec![false; 1 << self.bits];
        all.retain(|(key, _)| hash(key).is_none_or(|h| !std::mem::replace(&mut taken[slot(h, self.bits).0], true)));
        let value = |count: u32| scale * (((1.0 + self.n) / (1.0 + count as f32)).ln() + 1.0) / USUAL;
        all.into_iter().zip(0..).map(|((key, count), at)| (key, Place { at, value: value(count) })).collect()
    }
}
