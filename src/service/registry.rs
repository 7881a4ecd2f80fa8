//! The models that this server holds, the default first.

use super::status::Refusal;
use crate::model::Classifier;
use std::sync::Arc;
use tokio::sync::watch;

/// The models that a server holds. Starts empty: the server is up, and says
/// NOT_SERVING, while the first model loads.
pub struct Registry {
    /// Replaced as a whole; those who watch learn of each change.
    models: watch::Sender<Models>,
}

/// The default model first.
pub(super) type Models = Arc<[Arc<Classifier>]>;

impl Default for Registry {
    fn default() -> Self {
        Self { models: watch::Sender::new(Arc::from([])) }
    }
}

impl Registry {
    /// Makes `classifier` the default model. A model of the same name and version is replaced.
    pub fn install(&self, classifier: Classifier) {
        let new = classifier.identity().clone();
        self.models.send_modify(|models| {
            let same = |old: &Arc<Classifier>| {
                let old = old.identity();
                (&old.name, &old.version) == (&new.name, &new.version)
            };
            let kept = models.iter().filter(|old| !same(old)).cloned();
            *models = std::iter::once(Arc::new(classifier)).chain(kept).collect();
        });
    }

    /// The model that `selector` names: empty (the default), `name` or `name@version`.
    pub(super) fn resolve(&self, selector: &str) -> Result<Arc<Classifier>, Refusal> {
        let models = self.models.borrow();
        let first = models.first().ok_or(Refusal::NoModel)?;
        if selector.is_empty() {
            return Ok(Arc::clone(first));
        }
        let named = |model: &&Arc<Classifier>| {
            let identity = model.identity();
            match selector.split_once('@') {
                Some((name, version)) => identity.name == name && identity.version == version,
                None => identity.name == selector,
            }
        };
        models.iter().find(named).cloned().ok_or_else(|| Refusal::UnknownModel(selector.to_owned()))
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
        for name in ["nobody", &format!("{}@9", identity.name), "@"] {
            assert!(matches!(registry.resolve(name), Err(Refusal::UnknownModel(_))), "{name}");
        }
    }
}
