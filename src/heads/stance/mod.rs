//! The stance head: which way the text points toward each target.
//!
//! [`parties`] finds the main parties where no target is named, [`targets`] the
//! mentions of each target; [`outline`] reads a sentence that mentions one once
//! for all of them, [`mask`] hides every name, [`position`] and [`roles`] see it
//! from the target, [`rows`], [`pairs`], [`grams`], [`valence`] and [`dense`]
//! say what that means, [`model`] makes probabilities of it, [`aggregate`] the
//! article's answer.

mod aggregate;
mod dense;
mod extract;
mod files;
mod grams;
mod keys;
mod known;
mod lanes;
mod lexicon;
mod mask;
pub(crate) mod model;
mod nations;
mod outline;
mod pairs;
mod parties;
mod position;
mod quantise;
mod roles;
mod rows;
mod targets;
mod valence;
mod words;

use crate::{
    article::Target,
    prediction::{StanceEvidence, StanceLabel, StanceResult},
    text::{Document, Sentence, sentences_into},
};
use aggregate::Judged;
use model::{CLASSES, SentenceModel};
use parties::Counts;
use targets::{Finder, Mention};
use words::{Marks, Words};

pub(crate) use dense::{DENSE, compounds, speaks};
pub(crate) use extract::{Extractor, SeenWord};
pub(crate) use grams::GramTable;
pub(crate) use known::Known;
pub(crate) use mask::SYMBOLS;
pub(crate) use nations::is_foreign_state;
pub(crate) use pairs::{PAIR_POOLS, PairRow, PairTable, slot};
pub(crate) use position::POOLS;
pub(crate) use quantise::inverse_root;
pub(crate) use rows::{Row, WordRows};

/// Sentences that are judged for one target that the caller names; those beyond count as mentions only.
const MAX_SENTENCES: usize = 500;
/// The same for a party that was found: news says the most first.
const MAX_FOUND: usize = 3;

/// Answers which way an article points toward its targets.
#[derive(Debug, Clone, PartialEq)]
pub struct StanceHead {
    pub(crate) model: SentenceModel,
}

/// Buffers of one thread, reused from article to article.
#[derive(Debug, Clone, Default)]
pub struct StanceScratch {
    sentences: Vec<Sentence>,
    marks: Marks,
    counts: Counts,
    finder: Finder,
    extractor: Extractor,
}

impl StanceHead {
    /// The stance toward each target, in their order; toward the main parties when there is none.
    #[must_use]
    pub fn predict(&self, document: &Document, targets: &[Target], scratch: &mut StanceScratch) -> Vec<StanceResult> {
        let StanceScratch { sentences, marks, counts, finder, extractor } = scratch;
        sentences_into(document, sentences);
        let sentences = sentences.as_slice();
        extractor.begin(sentences.len());
        // A caller who gives the mentions needs no search.
        let given = !targets.is_empty() && targets.iter().all(|t| !t.mentions.is_empty());
        let words =
            if given { Words::unread(document, sentences, marks) } else { Words::new(document, sentences, marks) };
        let found;
        let (targets, most) = if targets.is_empty() {
            found = counts.main(words, &self.model.known);
            (found.as_slice(), MAX_FOUND)
        } else {
            (targets, MAX_SENTENCES)
        };
        let one = |target: &Target| {
            let mentions = finder.find(words, target);
            let (judged, rest) = self.judge(document, sentences, mentions, most, extractor);
            aggregate::aggregate(&target.name, judged, rest, f64::from(self.model.settings.threshold))
        };
        targets.iter().map(one).collect()
    }

    /// Calibrated probabilities (supportive, critical, neutral) of each sentence that mentions the target at the
    /// given spans.
    pub(crate) fn mention_probabilities(&self, document: &Document, target: &Target) -> Vec<[f64; CLASSES]> {
        let StanceScratch { sentences, marks, finder, extractor, .. } = &mut StanceScratch::default();
        sentences_into(document, sentences);
        extractor.begin(sentences.len());
        let mentions = finder.find(Words::unread(document, sentences, marks), target);
        let (judged, _) = self.judge(document, sentences, mentions, MAX_SENTENCES, extractor);
        judged.into_iter().map(|j| j.probabilities).collect()
    }

    /// Judges the first `most` sentences that are mentioned in; and how many mentions stand in the others.
    fn judge(
        &self,
        document: &Document,
        sentences: &[Sentence],
        mentions: &[Mention],
        most: usize,
        extractor: &mut Extractor,
    ) -> (Vec<Judged>, u32) {
        let mut judged = Vec::new();
        let mut rest = mentions;
        while let Some(first) = rest.first().filter(|_| judged.len() < most) {
            let at = sentences.partition_point(|s| s.end <= first.0);
            let Some(sentence) = sentences.get(at) else { break };
            let inside = rest.partition_point(|m| m.0 < sentence.end).max(1);
            let (here, later) = rest.split_at(inside.min(rest.len()));
            rest = later;
            let (scores, quoted) = self.model.scores(extractor, document, (at, sentence), here);
            let probabilities = self.model.probabilities(scores);
            let (label, probability) = aggregate::top(&probabilities);
            let sure = probability >= f64::from(self.model.settings.threshold);
            judged.push(Judged {
                probabilities,
                mentions: here.len() as u32,
                title: sentence.end <= document.title_len(),
                evidence: StanceEvidence {
                    sentence: document.original(sentence.begin, sentence.end),
                    mention: document.original(first.0, first.1),
                    label: if sure { label } else { StanceLabel::Undetermined },
                    probability,
                    quoted,
                },
            });
        }
        (judged, rest.len() as u32)
    }

    /// The head's files by name, for a bundle.
    #[must_use]
    pub fn to_files(&self) -> Vec<(String, Vec<u8>)> {
        self.model.to_files()
    }

    /// Reads the head from a bundle's files, which may hold anything.
    ///
    /// # Errors
    /// When a file is missing or not what [`to_files`](Self::to_files) writes; the text says which and why.
    pub fn from_files<'a>(get: &dyn Fn(&str) -> Option<&'a [u8]>) -> Result<Self, String> {
        Ok(Self { model: SentenceModel::from_files(get)? })
    }
}

#[cfg(test)]
mod tests;
