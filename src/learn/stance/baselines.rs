//! What is simpler than the stance head, on the same mentions: word valences alone, and a classifier of the sentence's
//! words that does not know which party is asked about.

use super::{
    StancePlan,
    evaluate::best,
    examples::{self, Kind, Labelled, certain},
    softmax::{Softmax, SoftmaxParams, ValidSoftmaxParams, shares},
};
use crate::{
    heads::stance::{Known, compounds, model::CLASSES, slot},
    learn::{
        rows::LabelledArticle,
        softmax::{SparseDoc, records},
    },
    text::{Document, hash_pair, sentences},
};
use linfa::{Dataset, ParamGuard, traits::Fit};
use std::collections::HashMap;

/// The table of words and word pairs has 2^BITS rows.
const BITS: u32 = 18;
/// Compound valence from which VADER calls a text polar (Hutto and Gilbert 2014).
const POLAR: f32 = 0.05;

/// The polarity of the sentence's word valences (VADER's, with negation); in the whole sentence, and within eight
/// words of the target.
pub(super) fn by_valence(item: &Labelled<'_>, known: &Known) -> [usize; 2] {
    let Some(dense) = examples::dense(item, known) else { return [2; 2] };
    compounds(&dense).map(|compound| match compound {
        c if c >= POLAR => 0,
        c if c <= -POLAR => 1,
        _ => 2,
    })
}

/// Logistic regression on the TF-IDF of a sentence's words and word pairs, blind to the target.
pub(super) struct Words {
    model: Softmax,
    idf: HashMap<u32, f32>,
}

impl Words {
    /// Fits it to the rows that say how a sentence portrays a target.
    pub(super) fn fit(rows: &[LabelledArticle], plan: &StancePlan, seed: u64) -> Result<Self, linfa::error::Error> {
        let items: Vec<Labelled<'_>> =
            examples::labelled(rows).into_iter().filter(|l| l.kind == Kind::Portrayal).collect();
        let slots: Vec<HashMap<u32, f32>> = items.iter().map(slots).collect();
        let mut counts: HashMap<u32, u32> = HashMap::new();
        for slot in slots.iter().flat_map(HashMap::keys) {
            *counts.entry(*slot).or_default() += 1;
        }
        let n = items.len() as f32;
        let known = counts.into_iter().filter(|(_, c)| *c >= plan.least);
        let idf = known.map(|(slot, c)| (slot, ((1.0 + n) / (1.0 + c as f32)).ln() + 1.0)).collect();
        let docs = slots.iter().map(|s| weighted(s, &idf)).collect();
        let labels = shares(&items.iter().map(|l| certain(l.label)).collect::<Vec<_>>());
        let params = ValidSoftmaxParams {
            classes: CLASSES,
            features: 1 << BITS,
            epochs: plan.epochs,
            learning_rate: 0.1,
            l2: plan.l2,
            seed,
        };
        let model = SoftmaxParams(params).check()?.fit(&Dataset::new(records(docs), labels))?;
        Ok(Self { model, idf })
    }

    /// The most probable label.
    pub(super) fn label(&self, item: &Labelled<'_>) -> usize {
        let mut scores = [0.0; CLASSES];
        self.model.scores(&weighted(&slots(item), &self.idf), &mut scores);
        best(&scores.map(f64::from))
    }
}

/// Counts of the words and word pairs of the sentence that mentions the target.
fn slots(item: &Labelled<'_>) -> HashMap<u32, f32> {
    let document = Document::new(&item.row.title, &item.row.text);
    let mut slots: HashMap<u32, f32> = HashMap::new();
    let Some(&span) = item.target().mentions.first() else { return slots };
    let (begin, _) = document.normalized(span);
    let parts = sentences(&document);
    let Some(sentence) = parts.iter().find(|s| s.end > begin) else { return slots };
    let tokens = document.tokens().get(sentence.first_token..sentence.last_token).unwrap_or(&[]);
    let pairs = tokens.windows(2).filter_map(|p| Some(hash_pair(p.first()?.hash, p.get(1)?.hash)));
    for hash in tokens.iter().map(|t| t.hash).chain(pairs) {
        *slots.entry(slot(hash, BITS).0 as u32).or_default() += 1.0;
    }
    slots
}

/// (1 + ln count) x idf, at length 1.
fn weighted(slots: &HashMap<u32, f32>, idf: &HashMap<u32, f32>) -> SparseDoc {
    let value = |(slot, count): (&u32, &f32)| Some((*slot, (1.0 + count.ln()) * idf.get(slot)?));
    let mut pairs: Vec<(u32, f32)> = slots.iter().filter_map(value).collect();
    pairs.sort_unstable_by_key(|p| p.0);
    let length = pairs.iter().map(|p| p.1 * p.1).sum::<f32>().sqrt();
    let (slots, values) = pairs.into_iter().map(|(slot, v)| (slot, v / length)).unzip();
    SparseDoc::new(slots, values, Vec::new())
}
