//! The models that this server holds, the default first.

use super::{metrics::Metrics, reload::Loader, shadow::Shadow, status::Refusal};
use crate::model::{Classifier, Identity, Label};
use std::{
    ops::Deref,
    sync::{Arc, OnceLock, atomic::Ordering},
};
use tokio::sync::watch;
use tonic_health::server::HealthReporter;

/// The models that a server holds. Starts empty: the server is up, and says
/// NOT_SERVING, while the first model loads.
pub struct Registry {
    /// Replaced as a whole; those who watch learn of each change.
    models: watch::Sender<Models>,
    /// Where the models come from, when they can be loaded anew.
    pub(super) loader: OnceLock<Loader>,
    /// What candidates would have answered.
    pub(super) shadow: Shadow,
    /// What an operator can see.
    pub(super) metrics: Metrics,
    /// Where health is told, once a server runs.
    pub(super) health: OnceLock<HealthReporter>,
}

/// A model with the labels that it bears in its store.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) model: Arc<Classifier>,
    pub(super) labels: Vec<Label>,
}

impl Deref for Held {
    type Target = Classifier;

    fn deref(&self) -> &Classifier {
        &self.model
    }
}

/// The default model first; of each name the stable version first.
pub(super) type Models = Arc<[Held]>;

impl Default for Registry {
    fn default() -> Self {
        Self {
            models: watch::Sender::new(Arc::from([])),
            loader: OnceLock::new(),
            shadow: Shadow::default(),
            metrics: Metrics::default(),
            health: OnceLock::new(),
        }
    }
}

impl Registry {
    /// Makes `classifier` the default model. A model of the same name and version is replaced.
    pub fn install(&self, classifier: Classifier) {
        let new = classifier.identity().clone();
        self.count_swap(Some(&new));
        self.models.send_modify(|models| {
            let same = |old: &Held| {
                let old = old.identity();
                (&old.name, &old.version) == (&new.name, &new.version)
            };
            let kept = models.iter().filter(|old| !same(old)).cloned();
            let new = Held { model: Arc::new(classifier), labels: Vec::new() };
            *models = std::iter::once(new).chain(kept).collect();
        });
    }

    /// Holds these models and no others. Calls in flight finish with the model that they have.
    pub(super) fn replace(&self, models: Vec<Held>) {
        self.count_swap(models.first().map(|held| held.identity()));
        self.models.send_replace(models.into());
    }

    /// Counts it if `new` takes the place of another default model.
    fn count_swap(&self, new: Option<&Identity>) {
        if self.models.borrow().first().is_some_and(|old| Some(old.identity()) != new) {
            self.metrics.swaps.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The share of the calls that the candidate answers too, unseen by the caller, to be compared: 0 to 1.
    pub fn set_shadow_share(&self, share: f64) {
        self.shadow.set_share(share);
    }

    /// The model that `selector` names: empty (the default), `name`, `name@version`, `name@label`, or a label of the
    /// default model.
    pub(super) fn resolve(&self, selector: &str) -> Result<Arc<Classifier>, Refusal> {
        let models = self.models.borrow();
        let first = models.first().ok_or(Refusal::NoModel)?;
        if selector.is_empty() {
            return Ok(Arc::clone(&first.model));
        }
        let label = |name: &str| Label::ALL.into_iter().find(|l| l.name() == name);
        let named = |held: &&Held| {
            let identity = held.identity();
            match (selector.split_once('@'), label(selector)) {
                (Some((name, version)), _) => {
                    let bears = label(version).is_some_and(|l| held.labels.contains(&l));
                    identity.name == name && (identity.version == version || bears)
                }
                (None, Some(label)) => identity.name == first.identity().name && held.labels.contains(&label),
                (None, None) => identity.name == selector,
            }
        };
        let found = models.iter().find(named).map(|held| Arc::clone(&held.model));
        found.ok_or_else(|| Refusal::UnknownModel(selector.to_owned()))
    }

    /// The candidate to a stable model.
    pub(super) fn candidate_to(&self, stable: &Classifier) -> Option<Arc<Classifier>> {
        let models = self.models.borrow();
        let mut of_name = models.iter().filter(|held| held.identity().name == stable.identity().name);
        let bears = |held: &&Held, label| held.labels.contains(&label);
        let is_stable = of_name.clone().any(|h| bears(&h, Label::Stable) && h.identity() == stable.identity());
        of_name.find(|h| is_stable && bears(h, Label::Candidate)).map(|h| Arc::clone(&h.model))
    }

    /// All models now.
    pub(super) fn models(&self) -> Models {
        Arc::clone(&self.models.borrow())
    }

    /// Tells of each change.
    pub(super) fn watch(&self) -> watch::Receiver<Models> {
        self.models.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_model_by_each_of_its_names() {
        let registry = Registry::default();
        assert!(matches!(registry.resolve(""), Err(Refusal::NoModel)));
        registry.install(Classifier::embedded().unwrap());
        registry.install(Classifier::embedded().unwrap());
        assert_eq!(registry.models().len(), 1);
        let identity = registry.resolve("").unwrap().identity().clone();
        let exact = format!("{}@{}", identity.name, identity.version);
        for name in [identity.name.as_str(), &exact] {
            assert_eq!(registry.resolve(name).unwrap().identity(), &identity);
        }
        for name in ["nobody", &format!("{}@9", identity.name), "@", "stable", &format!("{}@stable", identity.name)] {
            assert!(matches!(registry.resolve(name), Err(Refusal::UnknownModel(_))), "{name}");
        }
        assert_eq!(registry.metrics.swaps.load(Ordering::Relaxed), 0, "always the same");
        let model = Arc::new(Classifier::embedded().unwrap());
        registry.replace(vec![Held { model, labels: vec![Label::Stable] }]);
        for name in ["stable", &format!("{}@stable", identity.name)] {
            assert_eq!(registry.resolve(name).unwrap().identity(), &identity);
        }
        assert!(registry.resolve("candidate").is_err());
        let model = registry.resolve("").unwrap();
        let next = Identity { version: "next".to_owned(), ..identity };
        let next = Classifier::from_parts(next, model.card().clone(), model.space().clone(), model.heads().clone());
        registry.install(next);
        assert_eq!(registry.metrics.swaps.load(Ordering::Relaxed), 1);
    }
}
