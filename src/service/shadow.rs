//! Shadow mode: the candidate answers a sampled share of the calls too. Its
//! answers are compared and counted, and never returned.

use crate::{
    article::{Article, Target},
    model::{Classifier, Identity, Scratch},
    prediction::{Options, Prediction, StanceLabel},
    taxonomy::Name,
};
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// Pairs of models that are remembered.
const MOST_PAIRS: usize = 8;

/// What candidates would have answered.
#[derive(Default)]
pub(super) struct Shadow {
    /// The share, of 2^64.
    share: AtomicU64,
    calls: AtomicU64,
    /// The latest last.
    counts: Mutex<Vec<Comparison>>,
}

/// How often two models agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comparison {
    pub(super) stable: Identity,
    pub(super) candidate: Identity,
    /// Calls that both answered.
    pub(super) compared: u64,
    /// Sampled calls for which there was no room.
    pub(super) left_out: u64,
    /// Calls with another first topic.
    pub(super) topic_differs: u64,
    /// Calls with another main desk.
    pub(super) desk_differs: u64,
    /// Calls in which the stance toward some target is another.
    pub(super) stance_differs: u64,
}

/// What is compared of an answer.
#[derive(PartialEq)]
struct Summary {
    topic: Option<Name>,
    desk: Option<String>,
    stances: Vec<(String, StanceLabel)>,
}

impl Summary {
    fn of(prediction: &Prediction) -> Self {
        Self {
            topic: prediction.topic.as_ref().and_then(|t| t.labels.first()).map(|l| l.id),
            desk: prediction.region.as_ref().map(|r| r.primary_desk.to_owned()),
            stances: prediction.stances.iter().map(|s| (s.target.clone(), s.label)).collect(),
        }
    }
}

/// One call to be answered once more.
pub(super) struct Job {
    stable: Arc<Classifier>,
    candidate: Arc<Classifier>,
    article: Article,
    targets: Vec<Target>,
    options: Options,
    answered: Summary,
}

impl Job {
    pub(super) fn new(
        (stable, candidate): (Arc<Classifier>, Arc<Classifier>),
        (article, targets, options): (&Article, &[Target], &Options),
        prediction: &Prediction,
    ) -> Self {
        let (article, targets, options) = (article.clone(), targets.to_vec(), options.clone());
        Self { stable, candidate, article, targets, options, answered: Summary::of(prediction) }
    }

    /// The two models.
    pub(super) fn pair(&self) -> (Identity, Identity) {
        (self.stable.identity().clone(), self.candidate.identity().clone())
    }

    /// Answers and counts. CPU work: for the engine's threads only.
    pub(super) fn run(self, shadow: &Shadow, scratch: &mut Scratch) {
        let prediction = self.candidate.classify(&self.article, &self.targets, &self.options, scratch);
        let now = Summary::of(&prediction);
        shadow.count(self.pair(), |counts| {
            counts.compared += 1;
            counts.topic_differs += u64::from(now.topic != self.answered.topic);
            counts.desk_differs += u64::from(now.desk != self.answered.desk);
            counts.stance_differs += u64::from(now.stances != self.answered.stances);
        });
    }
}

impl Shadow {
    pub(super) fn set_share(&self, share: f64) {
        // Saturates at both ends.
        self.share.store((share * u64::MAX as f64) as u64, Ordering::Relaxed);
    }

    /// Whether this call is one of the sample: evenly spread, the same for the same number of calls.
    pub(super) fn samples(&self) -> bool {
        let share = self.share.load(Ordering::Relaxed);
        share > 0
            && self.calls.fetch_add(1, Ordering::Relaxed).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) <= share
    }

    /// Counts a call for which there was no room.
    pub(super) fn left_out(&self, pair: (Identity, Identity)) {
        self.count(pair, |counts| counts.left_out += 1);
    }

    /// What was counted, the latest pair last.
    pub(super) fn comparisons(&self) -> Vec<Comparison> {
        self.lock().clone()
    }

    fn count(&self, (stable, candidate): (Identity, Identity), add: impl FnOnce(&mut Comparison)) {
        let mut counts = self.lock();
        let at = counts.iter().position(|c| (&c.stable, &c.candidate) == (&stable, &candidate));
        let at = at.unwrap_or_else(|| {
            if counts.len() == MOST_PAIRS {
                counts.remove(0);
            }
            counts.push(Comparison {
                stable,
                candidate,
                compared: 0,
                left_out: 0,
                topic_differs: 0,
                desk_differs: 0,
                stance_differs: 0,
            });
            counts.len() - 1
        });
        if let Some(counts) = counts.get_mut(at) {
            add(counts);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Comparison>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_the_share_that_was_asked_for() {
        for (share, least, most) in [(0.0, 0, 0), (0.1, 900, 1_100), (0.5, 4_900, 5_100), (1.0, 10_000, 10_000)] {
            let shadow = Shadow::default();
            shadow.set_share(share);
            let sampled = (0..10_000).filter(|_| shadow.samples()).count();
            assert!((least..=most).contains(&sampled), "{share}: {sampled}");
        }
    }
}
