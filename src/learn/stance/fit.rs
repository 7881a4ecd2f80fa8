//! From examples to the numbers of the sentence model.

use super::{
    StancePlan,
    examples::Example,
    softmax::{Softmax, SoftmaxParams, ValidSoftmaxParams, shares},
    space::Space,
};
use crate::{
    heads::stance::{
        DENSE, GramTable, Known, PAIR_POOLS, POOLS, PairRow, PairTable, Row, SYMBOLS, WordRows,
        model::{CLASSES, Parts, SentenceModel, Settings},
    },
    learn::softmax::records,
};
use linfa::{Dataset, ParamGuard, traits::Fit};
use ndarray::Array1;
use std::array;

/// Fits the model, in several orders of the rows of which the mean is taken; another model's labels count by their
/// shares.
pub(super) fn fit(
    space: &Space<'_>,
    plan: &StancePlan,
    examples: &[Example],
    seed: u64,
) -> Result<Softmax, linfa::error::Error> {
    let docs = examples.iter().map(|e| space.document(e)).collect();
    let labels = shares(&examples.iter().map(|e| e.shares).collect::<Vec<_>>());
    let weights: Array1<f32> = examples.iter().map(|e| e.weight).collect();
    let dataset = Dataset::new(records(docs), labels).with_weights(weights);
    let fitted = |fit: u64| {
        let params = SoftmaxParams(ValidSoftmaxParams {
            classes: CLASSES,
            features: 2 * space.features(),
            epochs: plan.epochs,
            learning_rate: plan.learning_rate,
            l2: plan.l2,
            seed: seed.wrapping_add(fit),
        });
        params.check()?.fit(&dataset)
    };
    Softmax::mean((0..plan.fits).map(fitted))
}

/// The fitted weights as the head holds them: what a word says by itself, by its kind and by its vector is one row.
pub(super) fn model(space: &Space<'_>, bits: u32, fitted: &Softmax, known: &Known) -> SentenceModel {
    let weights = |(feature, value): (usize, f32)| -> [f32; CLASSES] {
        array::from_fn(|class| fitted.weights(feature).get(class).copied().unwrap_or(0.0) * value)
    };
    let row = |hash: u64| -> Row {
        array::from_fn(|pool| {
            let mut out = [0.0; CLASSES];
            space.word(hash, known.cluster(hash), pool, |at, value| {
                out.iter_mut().zip(weights((at, value))).for_each(|(o, w)| *o += w);
            });
            out
        })
    };
    let hashes = space.known_words(known);
    let words: Vec<Row> =
        std::iter::once([[0.0; CLASSES]; POOLS]).chain(SYMBOLS.iter().chain(&hashes).map(|hash| row(*hash))).collect();
    let pair = |(hash, at, value): (u64, usize, f32)| -> (u64, PairRow) {
        (hash, array::from_fn(|pool: usize| weights((at * PAIR_POOLS + pool + space.pairs_at(), value))))
    };
    let pairs: Vec<(u64, PairRow)> = space.pairs().map(pair).collect();
    let grams: Vec<_> = space.grams().map(|(group, hash, at, value)| (group, hash, weights((at, value)))).collect();
    let parts = Parts {
        words: WordRows::new(&words),
        hashes,
        pairs: PairTable::new(bits, &pairs),
        grams: GramTable::new(bits, &grams),
        dense: (0..DENSE).map(|at| weights((at, 1.0))).collect(),
        vocabulary: known.vocabulary().to_vec(),
    };
    SentenceModel::new(Settings::new(bits), parts)
}
