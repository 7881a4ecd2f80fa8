//! New models without a pause: the store's labels say which versions are
//! held, and a change of a label on the disk is a change of the answers.
//!
//! A version takes traffic only after it was verified, opened, and had tested
//! itself (which warms it up), all on a thread that answers no calls. If one
//! cannot, its model stays as it was.

use super::{
    Registry,
    registry::{Held, Models},
};
use crate::model::{BundleError, Classifier, Identity, Label, MANIFEST, Store, StoreError, hex_digest};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

/// Where a server's models come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// The stable and candidate versions of all models of a store, and the version before the stable one.
    Store {
        /// The store's folder.
        root: PathBuf,
        /// The model that answers when none is named. `None`: the only one, or the one named `default`.
        default: Option<String>,
    },
    /// One bundle.
    Folder(PathBuf),
}

/// Why the models are not those that were asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// The models were not loaded from anywhere.
    #[error("this server serves the model in its binary: start it with --models or --model")]
    NoSource,
    /// There are no versions to go back to.
    #[error("this server has no store: start it with --models")]
    NoStore,
    /// The store says no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A bundle cannot be used.
    #[error("{place}: {source}")]
    Bundle {
        /// Its folder or its name.
        place: String,
        /// What is wrong with it.
        source: BundleError,
    },
    /// Which model answers by default?
    #[error("the store holds several models: say with --default-model which answers when none is named: {0}")]
    WhichDefault(String),
}

/// Loads models; one load at a time.
pub(super) struct Loader {
    source: Source,
    /// The labels that were loaded last, or that last failed to load.
    seen: Mutex<Labels>,
}

/// What the disk says: for each model its stable version, candidate and the version before.
type Labels = BTreeMap<String, [Option<String>; 3]>;

impl Registry {
    /// Says where the models come from; [`reload`](Self::reload) loads them. Counts the first time only.
    pub fn load_from(&self, source: Source) {
        let _first = self.loader.set(Loader { source, seen: Mutex::default() });
    }

    /// Loads what is new and drops what is no longer asked for. Blocks: not for the async threads.
    ///
    /// # Errors
    /// When a bundle cannot be used: the models that it was to replace stay.
    pub fn reload(&self) -> Result<Vec<Identity>, ReloadError> {
        let loaded = self.load();
        if loaded.as_ref().is_err_and(|error| !matches!(error, ReloadError::NoSource)) {
            self.metrics.load_failures.fetch_add(1, Ordering::Relaxed);
        }
        loaded
    }

    fn load(&self) -> Result<Vec<Identity>, ReloadError> {
        let loader = self.loader.get().ok_or(ReloadError::NoSource)?;
        let mut seen = loader.lock();
        match &loader.source {
            Source::Folder(dir) => self.reload_folder(dir)?,
            Source::Store { root, default } => {
                let store = Store::open(root)?;
                *seen = labels(&store)?;
                self.reload_store(&store, &seen, default.as_deref())?;
            }
        }
        Ok(self.models().iter().map(|m| m.identity().clone()).collect())
    }

    /// Reloads if a label on the disk says something new. Blocks.
    ///
    /// # Errors
    /// As [`reload`](Self::reload); the same labels are not tried twice.
    pub fn reload_if_changed(&self) -> Result<bool, ReloadError> {
        let Some(loader) = self.loader.get() else { return Ok(false) };
        let Source::Store { root, .. } = &loader.source else { return Ok(false) };
        let changed = labels(&Store::open(root)?)? != *loader.lock();
        if changed {
            self.reload()?;
        }
        Ok(changed)
    }

    /// Goes back to the version that was stable before, on the disk and here. Blocks.
    ///
    /// # Errors
    /// When there is none or it cannot be loaded.
    pub fn roll_back(&self, name: &str, reason: Option<&str>) -> Result<Identity, ReloadError> {
        let Some(Loader { source: Source::Store { root, .. }, .. }) = self.loader.get() else {
            return Err(ReloadError::NoStore);
        };
        let default = self.models().first().map(|m| m.identity().name.clone()).unwrap_or_default();
        let name = if name.is_empty() { default.as_str() } else { name };
        let store = Store::open(root)?;
        store.rollback(name, reason)?;
        self.reload()?;
        let stable = self.models().iter().find(|m| m.identity().name == name).map(|m| m.identity().clone());
        stable.ok_or_else(|| StoreError::NoLabel(name.to_owned(), Label::Stable.name()).into())
    }

    fn reload_folder(&self, dir: &Path) -> Result<(), ReloadError> {
        let old = self.models();
        let model = open(dir, &old)?;
        if old.first().is_none_or(|held| held.identity() != model.identity()) {
            self.replace(vec![Held { model: Arc::clone(&model), labels: Vec::new() }]);
            log(&model);
        }
        Ok(())
    }

    fn reload_store(&self, store: &Store, labels: &Labels, default: Option<&str>) -> Result<(), ReloadError> {
        let old = self.models();
        let (mut models, mut failed) = (Vec::new(), None);
        for name in in_order(labels, default)? {
            match hold(store, name, &labels[name], &old) {
                Ok(held) => models.extend(held),
                Err(error) => {
                    tracing::error!(name, %error, "cannot load; this model stays as it was");
                    models.extend(old.iter().filter(|held| held.identity().name == *name).cloned());
                    failed.get_or_insert(error);
                }
            }
        }
        let new = models.first().map(|held| Arc::clone(&held.model));
        if !models.is_empty() {
            self.replace(models);
        }
        // Said when it is so.
        if let Some(new) = new.filter(|new| old.first().is_none_or(|held| held.identity() != new.identity())) {
            log(&new);
        }
        failed.map_or(Ok(()), Err)
    }
}

impl Loader {
    fn lock(&self) -> MutexGuard<'_, Labels> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn labels(store: &Store) -> Result<Labels, StoreError> {
    let of = |name: String| {
        let stable = store.labelled(&name, Label::Stable)?;
        let candidate = store.labelled(&name, Label::Candidate)?;
        let before = store.earlier(&name)?.into_iter().next();
        Ok((name, [stable, candidate, before]))
    };
    store.names()?.into_iter().map(of).collect()
}

/// The models that have a stable version, the default first.
fn in_order<'a>(labels: &'a Labels, default: Option<&str>) -> Result<Vec<&'a String>, ReloadError> {
    let stable = labels.iter().filter(|(_, [stable, ..])| stable.is_some());
    let mut names: Vec<&String> = stable.map(|(name, _)| name).collect();
    let default = match (default, &names[..]) {
        (Some(default), _) => default,
        (None, [only]) => only.as_str(),
        (None, _) => "default",
    };
    let Some(at) = names.iter().position(|name| *name == default) else {
        let known: Vec<&str> = names.iter().map(|n| n.as_str()).collect();
        return Err(if known.len() > 1 {
            ReloadError::WhichDefault(known.join(", "))
        } else {
            StoreError::NoLabel(default.to_owned(), Label::Stable.name()).into()
        });
    };
    names[..=at].rotate_right(1);
    Ok(names)
}

/// The versions of one model that are to be held.
fn hold(
    store: &Store,
    name: &str,
    [stable, candidate, before]: &[Option<String>; 3],
    old: &Models,
) -> Result<Vec<Held>, ReloadError> {
    let mut held: Vec<Held> = Vec::new();
    for (version, label) in [(stable, Some(Label::Stable)), (candidate, Some(Label::Candidate)), (before, None)] {
        let Some(version) = version else { continue };
        if let Some(same) = held.iter_mut().find(|h| h.identity().version == *version) {
            same.labels.extend(label);
            continue;
        }
        match open(&store.dir(name, version)?, old) {
            Ok(model) => held.push(Held { model, labels: label.into_iter().collect() }),
            Err(error) if label == Some(Label::Stable) => return Err(error),
            // Nobody depends on these: the stable version must not wait for them.
            Err(error) => tracing::warn!(name, version, %error, "not held"),
        }
    }
    Ok(held)
}

/// A model that has tested itself; the one that is here, if it is the same.
fn open(dir: &Path, old: &Models) -> Result<Arc<Classifier>, ReloadError> {
    let sealed = fs::read(dir.join(MANIFEST)).map(|bytes| hex_digest(&bytes)).unwrap_or_default();
    if let Some(same) = old.iter().find(|held| held.identity().digest == sealed) {
        return Ok(Arc::clone(&same.model));
    }
    let bundle = |source| ReloadError::Bundle { place: dir.display().to_string(), source };
    let model = Classifier::open(dir).map_err(bundle)?;
    model.self_test().map_err(bundle)?;
    Ok(Arc::new(model))
}

fn log(model: &Classifier) {
    let Identity { name, version, digest } = model.identity();
    tracing::info!(name, version, digest, "serving");
}

/// Looks at the labels on the disk now and then, for as long as it is polled.
pub async fn follow(registry: Arc<Registry>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let registry = Arc::clone(&registry);
        match tokio::task::spawn_blocking(move || registry.reload_if_changed()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::error!(%error, "the labels of the store cannot be followed"),
            Err(panic) => tracing::error!(%panic, "loading a model failed"),
        }
    }
}
