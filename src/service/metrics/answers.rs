//! What the models answer: labels, confidence, abstentions, unknown features, drift.
//!
//! Each thread has counters of its own for each model and is the only one that writes them.

use super::drift::{Window, stability};
use crate::{
    model::{Classifier, Identity, Scratch},
    prediction::{AbstentionReason, Head, Prediction, StanceLabel},
};
use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

/// Upper ends of the buckets of a probability.
pub(super) const CONFIDENCE: [f64; 11] = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0];
/// What a label is called that the model's card does not have.
const OTHER: &str = "other";

/// All reasons to abstain, by their places.
pub(super) const REASONS: [(&str, AbstentionReason); 5] = [
    ("too_short", AbstentionReason::TooShort),
    ("unsupported_language", AbstentionReason::UnsupportedLanguage),
    ("out_of_domain", AbstentionReason::OutOfDomain),
    ("low_confidence", AbstentionReason::LowConfidence),
    ("no_place", AbstentionReason::NoPlace),
];

/// A number that one thread adds to.
#[derive(Default)]
struct Count(AtomicU64);

impl Count {
    /// No other thread writes: to read and write is enough, and much cheaper than to add.
    fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }
}

/// One thread's counters of one head.
struct HeadCells {
    labels: Box<[Count]>,
    abstained: [Count; REASONS.len()],
    confidence: [Count; CONFIDENCE.len()],
    /// The sum of the probabilities in millionths.
    millionths: Count,
}

/// One thread's counters of one model.
struct Cells {
    heads: [HeadCells; Head::ALL.len()],
    features: Count,
    unknown: Count,
}

/// What all threads counted for one head.
pub(super) struct HeadRead {
    /// For each label of the head.
    pub(super) labels: Vec<u64>,
    pub(super) abstained: [u64; REASONS.len()],
    pub(super) confidence: [u64; CONFIDENCE.len()],
    pub(super) confidence_sum: f64,
    /// Answers of the window, and how far they are from the training data.
    pub(super) recent: u64,
    pub(super) stability: Option<f64>,
}

/// The labels of one head.
pub(super) struct Labels {
    /// Their ids; the last stands for all others.
    pub(super) ids: Vec<String>,
    /// Rows of training for each.
    examples: Vec<u64>,
    places: HashMap<String, usize>,
}

impl Labels {
    fn of(model: &Classifier, head: Head) -> Self {
        let card = model.card().heads.iter().find(|card| card.head == head.name());
        let mut counted: Vec<(String, u64)> =
            card.map_or_else(Vec::new, |card| card.labels.iter().map(|l| (l.id.clone(), l.examples)).collect());
        if head == Head::Stance {
            // Answers that nothing is trained on.
            for label in [StanceLabel::Undetermined, StanceLabel::TargetNotFound] {
                counted.push((stance(label).to_owned(), 0));
            }
        }
        counted.push((OTHER.to_owned(), 0));
        let (ids, examples): (Vec<_>, Vec<_>) = counted.into_iter().unzip();
        let places = ids.iter().cloned().zip(0..).collect();
        Self { ids, examples, places }
    }

    fn place(&self, id: &str) -> usize {
        self.places.get(id).copied().unwrap_or(self.ids.len() - 1)
    }
}

/// One model's counters.
pub(super) struct OfModel {
    pub(super) identity: Identity,
    /// In the order of [`Head::ALL`].
    pub(super) labels: [Labels; Head::ALL.len()],
    model: Weak<Classifier>,
    threads: Mutex<Vec<Arc<Cells>>>,
    windows: Mutex<[Window; Head::ALL.len()]>,
}

/// The counters of all models that are held.
#[derive(Default)]
pub(in crate::service) struct Answers {
    models: Mutex<Vec<Arc<OfModel>>>,
}

/// What a thread has found of its counters.
struct Mine {
    /// Whose they are. Weak: it keeps the place of the model, so that no other can be taken for it, not the model.
    model: Weak<Classifier>,
    of: Arc<OfModel>,
    cells: Arc<Cells>,
}

thread_local! {
    static MINE: RefCell<Vec<Mine>> = const { RefCell::new(Vec::new()) };
}

impl Answers {
    /// Counts one answer of `model`, which `scratch` was used for.
    pub(in crate::service) fn count(&self, model: &Arc<Classifier>, prediction: &Prediction, scratch: &Scratch) {
        MINE.with_borrow_mut(|mine| {
            let known = mine.iter().position(|m| std::ptr::eq(m.model.as_ptr(), Arc::as_ptr(model)));
            let at = known.unwrap_or_else(|| {
                mine.retain(|m| m.model.strong_count() > 0);
                mine.push(self.begin(model));
                mine.len() - 1
            });
            if let Some(Mine { of, cells, .. }) = mine.get(at) {
                count(&of.labels, cells, prediction, scratch);
            }
        });
    }

    /// Counters for this thread.
    fn begin(&self, model: &Arc<Classifier>) -> Mine {
        let of = self.of(model);
        let cells = Arc::new(Cells::new(&of.labels));
        of.threads.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&cells));
        Mine { model: Arc::downgrade(model), of, cells }
    }

    /// The counters of a model; those of models that are gone go too.
    pub(super) fn of(&self, model: &Arc<Classifier>) -> Arc<OfModel> {
        let mut models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of) = models.iter().find(|of| std::ptr::eq(of.model.as_ptr(), Arc::as_ptr(model))) {
            return Arc::clone(of);
        }
        models.retain(|of| of.model.strong_count() > 0);
        let of = Arc::new(OfModel::new(model));
        models.push(Arc::clone(&of));
        of
    }
}

impl OfModel {
    fn new(model: &Arc<Classifier>) -> Self {
        let labels = Head::ALL.map(|head| Labels::of(model, head));
        let now = Instant::now();
        let windows = labels.each_ref().map(|labels| Window::new(now, labels.ids.len()));
        Self {
            identity: model.identity().clone(),
            labels,
            model: Arc::downgrade(model),
            threads: Mutex::default(),
            windows: Mutex::new(windows),
        }
    }

    /// What all threads counted for the head at `place` of [`Head::ALL`].
    pub(super) fn head(&self, place: usize) -> HeadRead {
        let threads = self.threads();
        let sum = |number: &dyn Fn(&HeadCells) -> &Count| -> u64 {
            threads.iter().map(|cells| number(&cells.heads[place]).0.load(Relaxed)).sum()
        };
        let labels: Vec<u64> = (0..self.labels[place].ids.len()).map(|i| sum(&|head| &head.labels[i])).collect();
        let recent = self.windows.lock().unwrap_or_else(PoisonError::into_inner)[place].recent(Instant::now(), &labels);
        HeadRead {
            abstained: std::array::from_fn(|i| sum(&|head| &head.abstained[i])),
            confidence: std::array::from_fn(|i| sum(&|head| &head.confidence[i])),
            confidence_sum: sum(&|head| &head.millionths) as f64 / 1e6,
            recent: recent.iter().sum(),
            stability: stability(&self.labels[place].examples, &recent),
            labels,
        }
    }

    /// Words and pairs of words that were looked up, and those of them that the model does not know.
    pub(super) fn features(&self) -> (u64, u64) {
        let threads = self.threads();
        let sum = |number: fn(&Cells) -> &Count| threads.iter().map(|cells| number(cells).0.load(Relaxed)).sum();
        (sum(|cells| &cells.features), sum(|cells| &cells.unknown))
    }

    fn threads(&self) -> MutexGuard<'_, Vec<Arc<Cells>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cells {
    fn new(labels: &[Labels; Head::ALL.len()]) -> Self {
        let head = |labels: &Labels| HeadCells {
            labels: labels.ids.iter().map(|_| Count::default()).collect(),
            abstained: Default::default(),
            confidence: Default::default(),
            millionths: Count::default(),
        };
        Self { heads: labels.each_ref().map(head), features: Count::default(), unknown: Count::default() }
    }
}

impl HeadCells {
    /// An answer: its label, or why there is none, and how sure the head is.
    fn count(&self, label: Result<usize, AbstentionReason>, probability: Option<f64>) {
        match label {
            Ok(place) => self.labels[place].add(1),
            Err(reason) => {
                if let Some(place) = REASONS.iter().position(|(_, r)| *r == reason) {
                    self.abstained[place].add(1);
                }
            }
        }
        if let Some(probability) = probability {
            let bucket = CONFIDENCE.partition_point(|&end| end < probability).min(CONFIDENCE.len() - 1);
            self.confidence[bucket].add(1);
            self.millionths.add((probability * 1e6) as u64);
        }
    }
}

fn count(labels: &[Labels; Head::ALL.len()], cells: &Cells, prediction: &Prediction, scratch: &Scratch) {
    let ([topic, region, stances], [topic_labels, region_labels, stance_labels]) = (&cells.heads, labels);
    if let Some(answer) = &prediction.topic {
        let first = answer.labels.first();
        let label = answer.abstained.map_or_else(|| Ok(topic_labels.place(first.map_or("", |l| &l.id))), Err);
        topic.count(label, first.map(|l| l.probability));
    }
    if let Some(answer) = &prediction.region {
        let label = answer.abstained.map_or_else(|| Ok(region_labels.place(answer.primary_desk)), Err);
        let desk = answer.desks.iter().find(|d| d.code == answer.primary_desk);
        region.count(label, desk.map(|d| d.probability));
    }
    for answer in &prediction.stances {
        let label = answer.abstained.map_or_else(|| Ok(stance_labels.place(stance(answer.label))), Err);
        let judged = answer.label != StanceLabel::TargetNotFound;
        stances.count(label, judged.then_some(answer.probability));
    }
    // Only these two heads look words up in the table.
    if prediction.topic.is_some() || prediction.region.is_some() {
        let (all, unknown) = scratch.features();
        cells.features.add(all);
        cells.unknown.add(unknown);
    }
}

fn stance(label: StanceLabel) -> &'static str {
    match label {
        StanceLabel::Supportive => "supportive",
        StanceLabel::Critical => "critical",
        StanceLabel::Neutral => "neutral",
        StanceLabel::Undetermined => "undetermined",
        StanceLabel::TargetNotFound => "target_not_found",
    }
}
