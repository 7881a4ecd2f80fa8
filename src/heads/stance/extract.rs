//! A sentence's features for one target.

use super::{
    dense::{self, DENSE, Dense},
    known::Known,
    mask::Masker,
    meanings::{self, Pooled},
    outline::Outlines,
    roles::{self, Cue},
    rows::Rows,
    views::{self, Grams},
};
use crate::text::{Document, Sentence};

/// Reused buffers: the sentences of one article, the features of one of them and a target.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extractor {
    pub(super) features: Features,
    /// Filled by the model while the features come in.
    pub(super) rows: Rows,
}

/// The features, and what they are made from.
#[derive(Debug, Clone)]
pub(super) struct Features {
    outlines: Outlines,
    masker: Masker,
    cues: Vec<Cue>,
    grams: Grams,
    pub(super) dense: Dense,
    pub(super) pooled: Vec<Pooled>,
}

impl Default for Features {
    fn default() -> Self {
        let (outlines, masker) = (Outlines::default(), Masker::default());
        Self { outlines, masker, cues: Vec::new(), grams: Grams::default(), dense: [0.0; DENSE], pooled: Vec::new() }
    }
}

impl Extractor {
    /// Begins an article of `n` sentences.
    pub(crate) fn begin(&mut self, n: usize) {
        self.features.outlines.clear(n);
    }

    /// As [`Features::run`].
    pub(crate) fn run(
        &mut self,
        document: &Document,
        sentence: (usize, &Sentence),
        mentions: &[(usize, usize)],
        known: &Known,
        see: impl FnMut(usize, u64),
    ) {
        self.features.run(document, sentence, mentions, known, see);
    }

    /// The dense features.
    pub(crate) fn dense(&self) -> &[f32] {
        &self.features.dense
    }

    /// The words and where they stand.
    pub(crate) fn pooled(&self) -> &[Pooled] {
        &self.features.pooled
    }
}

impl Features {
    /// Computes the features of sentence number `index` for a target mentioned in it at `mentions`. `see` gets each
    /// n-gram's view and hash. Whether the first mention stands in quotation marks.
    #[inline(always)]
    pub(super) fn run(
        &mut self,
        document: &Document,
        (index, sentence): (usize, &Sentence),
        mentions: &[(usize, usize)],
        known: &Known,
        see: impl FnMut(usize, u64),
    ) -> bool {
        let first = mentions.first().map_or(sentence.begin, |m| m.0);
        let pieces = self.outlines.of(document, (index, sentence), first, known);
        let masked = self.masker.mask(document, pieces, mentions);
        roles::find(masked, &mut self.cues);
        let clause = views::clause(masked);
        views::visit(masked, &self.cues, clause, &mut self.grams, see);
        self.pooled.clear();
        let zones = dense::zones(masked);
        meanings::pool(masked, clause, zones, &mut self.pooled);
        dense::fill(masked, &self.cues, clause, zones, &mut self.dense);
        masked.targets.first().and_then(|t| masked.items.get(*t)).is_some_and(|i| i.quoted)
    }
}
