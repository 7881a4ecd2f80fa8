//! A whole training: rows in, the files of a bundle out.

use super::{
    config::TrainConfig,
    load::{Corpus, Example},
    rows::{LabelledArticle, RowError, Split},
    softmax::Softmax,
    space::Encoder,
    topic::{self, TopicRows},
    word_vectors::WordVectors,
};
use crate::{
    eval,
    features::WeightTable,
    heads::topic::TopicHead,
    learn::model_card,
    model::{Card, Classifier, Columns, FORMAT_VERSION, Files, HeadCard, Heads, Identity, LabelCard, Manifest, Space},
    prediction::Head,
    taxonomy::Taxonomy,
};

/// Why nothing was trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Rows that cannot be used.
    #[error("{} of the rows cannot be used", .0.len())]
    Rows(Vec<RowError>),
    /// Configuration, taxonomy or word vectors that cannot be used.
    #[error("{0}")]
    Config(String),
    /// No row carries a label of a head that was asked for.
    #[error("no row carries a label of the heads that were asked for")]
    NoLabels,
    /// From an estimator.
    #[error(transparent)]
    Fit(#[from] super::softmax::SoftmaxError),
}

/// What a training made.
pub struct Trained {
    /// The manifest, not yet sealed.
    pub manifest: Manifest,
    /// The files.
    pub files: Files,
}

/// Trains every head that is asked for and has rows.
///
/// # Errors
/// Lists the rows, or names the setting, that stand in the way.
pub fn train(
    corpus: &Corpus,
    config: &TrainConfig,
    vectors: Option<&WordVectors>,
    command: &str,
    progress: &dyn Fn(&str),
) -> Result<Trained, TrainError> {
    config.check().map_err(TrainError::Config)?;
    let taxonomy = topic::taxonomy(corpus, &config.topic).map_err(TrainError::Config)?;
    let wants = |head| config.heads.contains(&head);
    let topic_rows =
        if wants(Head::Topic) { topic::topic_rows(corpus, &taxonomy).map_err(TrainError::Rows)? } else { None };
    let Some(rows) = topic_rows else { return Err(TrainError::NoLabels) };
    progress("choosing the features");
    let articles = rows.train().map(|e| &e.article);
    let mut encoder = Encoder::fit(articles, &config.features, vectors, config.topic.vector_scale);
    progress("topic: fitting");
    let (head, weights) = rows.fit(&mut encoder, config)?;
    let columns = Columns { topic: head.labels.len(), desk: 0 };
    let space = fold(&encoder, columns, &[&weights]);
    let heads = Heads { topic: Some(head) };
    progress("measuring on the dev rows");
    let card = card(corpus, config, command, &space, topic_card(&rows, &heads, &taxonomy));
    assemble(corpus, config, card, space, heads)
}

/// The table of all heads: sparse weights, plus the weights of the dense block
/// folded into the rows of the words that have a vector.
fn fold(encoder: &Encoder<'_>, columns: Columns, models: &[&Softmax]) -> Space {
    let bias = models.iter().flat_map(|m| m.bias().iter().copied()).collect();
    let mut table = WeightTable::new(encoder.index.slots(), bias);
    for slot in 0..encoder.index.slots() as u32 {
        let idf = encoder.idf[slot as usize];
        if idf == 0.0 {
            continue;
        }
        table.set_idf(slot, idf);
        let vector = encoder.slot_vector(slot).unwrap_or_default();
        let mut column = 0;
        for model in models {
            for class in 0..model.classes() {
                let own = model.weights(slot as usize).get(class).copied().unwrap_or(0.0);
                let semantic = |(d, v): (usize, &f32)| v * model.dense_weights(d).get(class).copied().unwrap_or(0.0);
                table.set_weight(slot, column, own + vector.iter().enumerate().map(semantic).sum::<f32>());
                column += 1;
            }
        }
    }
    Space { params: encoder.params.clone(), columns, index: encoder.index.clone(), table }
}

fn topic_card(rows: &TopicRows<'_>, heads: &Heads, taxonomy: &Taxonomy) -> Vec<HeadCard> {
    let card = |head: &TopicHead| {
        let label = |(label, &examples): (&crate::heads::topic::Label, &u64)| {
            let definition = taxonomy.position(&label.id).and_then(|i| taxonomy.labels.get(i));
            LabelCard {
                id: label.id.clone(),
                name: label.name.clone(),
                definition: definition.map_or_else(String::new, |d| d.definition.clone()),
                examples,
                names: definition.map(|d| d.names.clone()).unwrap_or_default(),
            }
        };
        let labels = head.labels.iter().zip(&rows.examples).map(label).collect();
        HeadCard { head: Head::Topic.name().to_owned(), labels, languages: head.languages.clone(), metrics: Vec::new() }
    };
    heads.topic.iter().map(card).collect()
}

fn card(corpus: &Corpus, config: &TrainConfig, command: &str, space: &Space, heads: Vec<HeadCard>) -> Card {
    Card {
        created: None,
        command: command.to_owned(),
        data_digest: corpus.digest.clone(),
        feature_digest: space.digest(),
        seed: config.seed,
        heads,
        data: corpus.sources(),
        markdown: String::new(),
    }
}

/// Measures the model on the dev rows by the code that serves, writes the card, lays out the files.
fn assemble(
    corpus: &Corpus,
    config: &TrainConfig,
    mut card: Card,
    space: Space,
    heads: Heads,
) -> Result<Trained, TrainError> {
    let config_error = |e: String| TrainError::Config(e);
    let mut files = Files::new();
    space.save(&mut files).map_err(config_error)?;
    heads.save(&mut files).map_err(config_error)?;
    let version =
        if config.version.is_empty() { corpus.digest.chars().take(12).collect() } else { config.version.clone() };
    let identity = Identity { name: config.name.clone(), version: version.clone(), digest: String::new() };
    let classifier = Classifier::from_parts(identity, card.clone(), space, heads);
    let dev: Vec<&LabelledArticle> = corpus.part(Split::Dev).map(|e: &Example| &e.article).collect();
    for (head, metrics) in eval::evaluate(&classifier, &dev, config.seed) {
        if let Some(head) = card.heads.iter_mut().find(|h| h.head == head.name()) {
            head.metrics = metrics;
        }
    }
    let toml = toml::to_string(config).map_err(|e| TrainError::Config(e.to_string()))?;
    files.insert("config.toml".to_owned(), toml.into_bytes().into());
    let markdown = model_card::markdown(&config.name, &version, &card);
    files.insert("MODEL_CARD.md".to_owned(), markdown.into_bytes().into());
    let manifest = Manifest {
        format_version: FORMAT_VERSION,
        name: config.name.clone(),
        version,
        card,
        files: Default::default(),
    };
    Ok(Trained { manifest, files })
}
