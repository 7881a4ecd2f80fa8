//! A sentence as it is seen from one target.

use super::{
    dense::{self, DENSE, Dense},
    grams::{self, Grams},
    known::Known,
    mask::{Masked, Masker},
    outline::Outlines,
    pairs::{self, Pairs},
    position::{Frame, Position},
    roles::{self, Cue},
};
use crate::text::{Document, Sentence};

/// Reused buffers: the sentences of one article, one of them as its target has it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extractor {
    outlines: Outlines,
    masker: Masker,
    cues: Vec<Cue>,
    positions: Vec<Position>,
    asked: Asked,
}

/// What the model asks its tables for.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub(super) pairs: Pairs,
    pub(super) grams: Grams,
}

/// What the model's parts read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    /// Its words and masks.
    pub(super) masked: &'a Masked,
    /// Where each of them stands.
    pub(super) positions: &'a [Position],
    /// Who judges whom.
    pub(super) cues: &'a [Cue],
}

/// A word of a sentence, as training wants it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SeenWord {
    /// Its hash, a constant for what is no word.
    pub(crate) hash: u64,
    /// Its kind; 0: none.
    pub(crate) cluster: u16,
    /// A bit for each pool in which it lies.
    pub(crate) pools: u32,
}

impl Extractor {
    /// Begins an article of `n` sentences.
    pub(crate) fn begin(&mut self, n: usize) {
        self.outlines.clear(n);
    }

    /// Sees sentence number `index` from a target mentioned in it at `mentions`. `fetch` gets the row of each word when
    /// the sentence is read.
    #[inline(always)]
    pub(super) fn see(
        &mut self,
        document: &Document,
        (index, sentence): (usize, &Sentence),
        mentions: &[(usize, usize)],
        known: &Known,
        fetch: impl Fn(u32),
    ) -> (Seen<'_>, &mut Asked) {
        let first = mentions.first().map_or(sentence.begin, |m| m.0);
        let pieces = self.outlines.of(document, (index, sentence), first, known, fetch);
        self.masker.mask(document, pieces, mentions);
        let masked = &self.masker.masked;
        roles::find(masked, &mut self.cues);
        Frame::new(masked, &self.cues).positions(masked, &mut self.positions);
        (Seen { masked, positions: &self.positions, cues: &self.cues }, &mut self.asked)
    }

    /// The same for training, which asks what was seen.
    pub(crate) fn run(
        &mut self,
        document: &Document,
        sentence: (usize, &Sentence),
        mentions: &[(usize, usize)],
        known: &Known,
    ) {
        self.see(document, sentence, mentions, known, |_| {});
    }

    fn seen(&self) -> Seen<'_> {
        Seen { masked: &self.masker.masked, positions: &self.positions, cues: &self.cues }
    }

    /// The features that have a name.
    pub(crate) fn dense(&self) -> Vec<f32> {
        let mut out: Dense = [0.0; DENSE];
        let seen = self.seen();
        dense::fill(seen.masked, seen.positions, seen.cues, &mut out);
        out.to_vec()
    }

    /// The words and where they stand.
    pub(crate) fn words(&self) -> Vec<SeenWord> {
        let all = self.masker.masked.items.iter().zip(&self.positions).filter(|(_, p)| p.pools() != 0);
        all.map(|(i, p)| SeenWord { hash: i.hash, cluster: i.entry.cluster, pools: p.pools() }).collect()
    }

    /// The hashes of the pairs, each with the bits of its pools.
    pub(crate) fn pairs(&self) -> Vec<(u64, u8)> {
        let mut out = Vec::new();
        pairs::visit(&self.masker.masked.items, &self.positions, |hash, pools| out.push((hash, pools)));
        out
    }

    /// The groups and hashes of the n-grams.
    pub(crate) fn grams(&self) -> Vec<(usize, u64)> {
        let mut out = Vec::new();
        grams::visit(&self.masker.masked, &self.cues, |group, hash| out.push((group, hash)));
        out
    }
}

impl Seen<'_> {
    /// Whether the mention asked about stands in quotation marks.
    pub(super) fn quoted(&self) -> bool {
        self.masked.targets.first().and_then(|t| self.masked.items.get(*t)).is_some_and(|i| i.quoted)
    }
}
