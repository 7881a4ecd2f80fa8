//! Training that begins where another model ended.
//!
//! The feature space is that model's as it is, so that its weights mean the
//! same: its words and their idf. A head that is trained begins from its
//! weights; a head without rows stays, to the last bit. The ranker of
//! countries and the stance model are small and convex: they are fitted anew.

use super::{config::TrainConfig, softmax::Softmax};
use crate::{
    features::StopWordChoice,
    heads::topic::{Label, TopicHead},
    model::{Card, Classifier, DataSource, HeadCard, Region},
    prediction::Head,
};
use std::ops::Range;

/// The model to begin from.
#[derive(Debug, Clone, Copy)]
pub struct WarmStart<'a>(pub &'a Classifier);

impl<'a> WarmStart<'a> {
    /// The settings with the features as they will be.
    #[must_use]
    pub fn settle(&self, config: &TrainConfig) -> TrainConfig {
        let (mut config, space) = (config.clone(), self.0.space());
        config.features.bits = space.index.slots().trailing_zeros();
        config.features.pairs = space.params.pairs;
        config.features.title_weight = space.params.title_weight;
        config.features.stop_words = StopWordChoice::Words(space.params.stop_words.words().to_vec());
        config
    }

    /// The weights of these labels; zeros for labels that the model does not have.
    pub(super) fn topic(&self, labels: &[Label]) -> Softmax {
        let own: &[Label] = self.0.heads().topic.as_ref().map_or(&[], |head| &head.labels);
        let first = self.0.space().columns.topic().start;
        let column = |label: &Label| own.iter().position(|l| l.id == label.id).map(|at| first + at);
        self.softmax(&labels.iter().map(column).collect::<Vec<_>>())
    }

    /// The weights of the desks, where the model has them.
    pub(super) fn desk(&self) -> Option<Softmax> {
        self.columns(self.0.space().columns.desk())
    }

    /// The weights of news or not, where the model has them.
    pub(super) fn domain(&self) -> Option<Softmax> {
        self.columns(self.0.space().columns.domain())
    }

    /// The topic head as it is.
    pub(super) fn kept_topic(&self) -> Option<(TopicHead, Softmax, HeadCard)> {
        let head = self.0.heads().topic.clone()?;
        Some((head, self.columns(self.0.space().columns.topic())?, self.card(Head::Topic)))
    }

    /// The region head as it is.
    pub(super) fn kept_region(&self) -> Option<(Region, HeadCard)> {
        Some((self.0.heads().region.clone()?, self.card(Head::Region)))
    }

    /// The card of a head.
    pub(super) fn card(&self, head: Head) -> HeadCard {
        let found = self.0.card().heads.iter().find(|card| card.head == head.name());
        found.cloned().unwrap_or_else(|| HeadCard { head: head.name().to_owned(), ..HeadCard::default() })
    }

    /// Says in the new card what it was begun from, and what that was trained on.
    pub(super) fn sign(&self, card: &mut Card) {
        let (identity, old) = (self.0.identity(), self.0.card());
        card.warm_start = Some(identity.clone());
        let from = format!("{}@{}", identity.name, identity.version);
        let source = |source: &DataSource| DataSource { name: format!("{from}: {}", source.name), ..source.clone() };
        card.data.extend(old.data.iter().map(source));
    }

    fn columns(&self, columns: Range<usize>) -> Option<Softmax> {
        (columns.len() > 1).then(|| self.softmax(&columns.map(Some).collect::<Vec<_>>()))
    }

    /// The weights of these columns of the table, as they are before they are multiplied by the idf.
    fn softmax(&self, columns: &[Option<usize>]) -> Softmax {
        let table = &self.0.space().table;
        let mut weights = Softmax::zeros(columns.len(), table.slots(), 0);
        for (class, column) in columns.iter().enumerate() {
            let Some(column) = *column else { continue };
            weights.set_bias(class, table.bias().get(column).copied().unwrap_or(0.0));
            for slot in 0..table.slots() as u32 {
                let idf = table.idf(slot);
                if idf != 0.0 {
                    weights.set_weight(slot as usize, class, table.scaled_weight(slot, column) / idf);
                }
            }
        }
        weights
    }
}
