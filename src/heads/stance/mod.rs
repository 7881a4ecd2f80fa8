//! The stance head: which way the text points toward each target.
//!
//! [`targets`] finds the mentions, [`mask`] hides every name, [`views`],
//! [`roles`] and [`dense`] turn the sentence into numbers, [`model`] into
//! probabilities, [`aggregate`] into the article's answer.

mod aggregate;
mod dense;
mod lexicon;
mod mask;
pub(crate) mod model;
mod nations;
mod parties;
mod roles;
mod targets;
mod views;
mod words;

use crate::{
    article::Target,
    prediction::{StanceEvidence, StanceLabel, StanceResult},
    text::{Document, Sentence},
};
use aggregate::Judged;
use model::{CLASSES, Extractor, SentenceModel};

pub(crate) use dense::DENSE;
pub(crate) use nations::is_foreign_state;

/// Sentences that are judged for one target; those beyond are counted as mentions no more.
const MAX_SENTENCES: usize = 500;

/// Answers which way an article points toward its targets.
#[derive(Debug, Clone, PartialEq)]
pub struct StanceHead {
    pub(crate) model: SentenceModel,
}

impl StanceHead {
    /// The stance toward each target, in their order; toward the main parties when there is none.
    #[must_use]
    pub fn predict(&self, document: &Document, sentences: &[Sentence], targets: &[Target]) -> Vec<StanceResult> {
        // A caller who gives the mentions needs no search.
        let given = !targets.is_empty() && targets.iter().all(|t| !t.mentions.is_empty());
        let words = if given { words::Words::default() } else { words::Words::new(document, sentences) };
        let found;
        let targets = if targets.is_empty() {
            found = parties::main_parties(document, sentences, &words, &self.model.vocabulary);
            &found
        } else {
            targets
        };
        let mut extractor = Extractor::default();
        let one = |target: &Target| {
            let mentions = targets::find(document, sentences, &words, target);
            let judged = self.judge(document, sentences, &mentions, &mut extractor);
            aggregate::aggregate(&target.name, judged, f64::from(self.model.settings.threshold))
        };
        targets.iter().map(one).collect()
    }

    /// Calibrated probabilities (supportive, critical, neutral) of each sentence that mentions the target at the
    /// given spans.
    pub(crate) fn mention_probabilities(
        &self,
        document: &Document,
        sentences: &[Sentence],
        target: &Target,
    ) -> Vec<[f64; CLASSES]> {
        let words = words::Words::default();
        let mentions = targets::find(document, sentences, &words, target);
        let judged = self.judge(document, sentences, &mentions, &mut Extractor::default());
        judged.into_iter().map(|j| j.probabilities).collect()
    }

    fn judge(
        &self,
        document: &Document,
        sentences: &[Sentence],
        mentions: &[targets::Mention],
        extractor: &mut Extractor,
    ) -> Vec<Judged> {
        let spans: Vec<(usize, usize)> = mentions.iter().map(|m| (m.begin, m.end)).collect();
        let mut judged = Vec::new();
        let mut rest = spans.as_slice();
        while let Some(first) = rest.first() {
            let at = sentences.partition_point(|s| s.end <= first.0);
            let Some(sentence) = sentences.get(at) else { break };
            let inside = rest.partition_point(|m| m.0 < sentence.end).max(1);
            let (here, later) = rest.split_at(inside.min(rest.len()));
            rest = later;
            if judged.len() >= MAX_SENTENCES {
                break;
            }
            let quoted = extractor.run(document, sentence, here, &self.model.vocabulary);
            let probabilities = self.model.probabilities(self.model.scores(extractor));
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
        judged
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
