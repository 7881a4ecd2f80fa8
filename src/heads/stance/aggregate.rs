//! From the sentences that mention a target to the article's answer.

use crate::prediction::{AbstentionReason, StanceEvidence, StanceLabel, StanceResult};

/// A sentence's answer.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    /// Supportive, critical, neutral.
    pub(super) probabilities: [f64; 3],
    /// Mentions in the sentence.
    pub(super) mentions: u32,
    /// It is the title.
    pub(super) title: bool,
    /// The sentence with its answer.
    pub(super) evidence: StanceEvidence,
}

/// What a title counts for.
const TITLE_WEIGHT: f64 = 2.0;
/// Most sentences that are returned.
const MAX_EVIDENCE: usize = 50;
/// Labels in the order of the probabilities.
pub(super) const LABELS: [StanceLabel; 3] = [StanceLabel::Supportive, StanceLabel::Critical, StanceLabel::Neutral];

/// The most probable label and its probability.
pub(super) fn top(probabilities: &[f64; 3]) -> (StanceLabel, f64) {
    let mut best = (StanceLabel::Neutral, 0.0);
    for (label, p) in LABELS.into_iter().zip(probabilities) {
        if *p > best.1 {
            best = (label, *p);
        }
    }
    best
}

/// The answer for a target that is not mentioned.
pub(super) fn not_found(target: &str) -> StanceResult {
    StanceResult {
        target: target.to_owned(),
        label: StanceLabel::TargetNotFound,
        probability: 1.0,
        mentions: 0,
        supportive: 0,
        critical: 0,
        neutral: 0,
        evidence: Vec::new(),
        abstained: None,
    }
}

/// Puts the sentences' answers together.
///
/// A sentence that takes sides says more about the article than one that does
/// not, so each sentence weighs by how far it is from neutral, with a floor.
/// `unjudged`: mentions in other sentences.
pub(super) fn aggregate(target: &str, mut judged: Vec<Judged>, unjudged: u32, threshold: f64) -> StanceResult {
    if judged.is_empty() {
        return not_found(target);
    }
    let mut result = not_found(target);
    result.mentions = unjudged;
    let mut sums = [0.0; 3];
    for sentence in &judged {
        let weight = if sentence.title { TITLE_WEIGHT } else { 1.0 };
        let share = weight * (POLAR_FLOOR + 1.0 - sentence.probabilities[2]);
        for (sum, p) in sums.iter_mut().zip(sentence.probabilities) {
            *sum += share * p;
        }
        result.mentions += sentence.mentions;
        match sentence.evidence.label {
            StanceLabel::Supportive => result.supportive += sentence.mentions,
            StanceLabel::Critical => result.critical += sentence.mentions,
            StanceLabel::Neutral => result.neutral += sentence.mentions,
            _ => {}
        }
    }
    let total: f64 = sums.iter().sum();
    let probabilities = sums.map(|s| if total > 0.0 { s / total } else { 0.0 });
    let (label, probability) = top(&probabilities);
    (result.label, result.probability) = (label, probability);
    if probability < threshold {
        result.label = StanceLabel::Undetermined;
        result.abstained = Some(AbstentionReason::LowConfidence);
    }
    let index = LABELS.iter().position(|l| *l == label).unwrap_or(0);
    let weight = |j: &Judged| j.probabilities.get(index).copied().unwrap_or(0.0);
    judged.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    judged.truncate(MAX_EVIDENCE);
    result.evidence = judged.into_iter().map(|j| j.evidence).collect();
    result
}

/// Weight of an entirely neutral sentence beside an entirely polar one, which weighs this and 1.
const POLAR_FLOOR: f64 = 0.5;
