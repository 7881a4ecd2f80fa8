//! A whole training: rows in, the files of a bundle out.

use super::{
    config::TrainConfig,
    desk::{self, DeskModel},
    domain,
    figures::{figures, has_mentions},
    job::Job,
    load::Corpus,
    placeless::placeless,
    region::{desk_label, train_region, training_priors},
    rows::{LabelledArticle, RowError, Split},
    selection::feature_space,
    softmax::{Softmax, SoftmaxError},
    space::Encoder,
    stance::{StanceTraining, train_stance},
    topic::{self, TopicRows},
    warm_start::WarmStart,
    word_vectors::WordVectors,
};
use crate::{
    features::WeightTable,
    heads::topic::{Label, TopicHead},
    learn::model_card,
    model::{
        Card, Classifier, Columns, FORMAT_VERSION, Files, HeadCard, Heads, Identity, LabelCard, Manifest, Region, Space,
    },
    places::{
        DEFAULT_GAZETTEER, Gazetteer,
        countries::{DESK_NAMES, DESKS, NO_DESK},
    },
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
    Fit(#[from] SoftmaxError),
}

/// What a training made.
pub struct Trained {
    /// The manifest, not yet sealed.
    pub manifest: Manifest,
    /// The files.
    pub files: Files,
}

/// Trains every head that is asked for and has rows; begun from another model, the others stay as they are there.
///
/// # Errors
/// Lists the rows, or names the setting, that stand in the way.
pub fn train(
    corpus: &Corpus,
    config: &TrainConfig,
    start: Option<WarmStart<'_>>,
    vectors: Option<&WordVectors>,
    command: &str,
    job: &Job<'_>,
) -> Result<Trained, TrainError> {
    let config = &start.map_or_else(|| config.clone(), |start| start.settle(config));
    let progress = &|message: &str| job.say(message);
    config.check().map_err(TrainError::Config)?;
    let wants = |head| config.heads.contains(&head);
    let taxonomy = topic::taxonomy(corpus.labels(), &config.topic).map_err(TrainError::Config)?;
    let topic_rows = topic::topic_rows(corpus, &taxonomy).map_err(TrainError::Rows)?;
    let topic_rows = topic_rows.filter(|_| wants(Head::Topic));
    let parts = Parts::of(corpus);
    let regions = wants(Head::Region) && parts.train.iter().any(|r| desk_label(r).is_some());
    let stances = wants(Head::Stance) && parts.train.iter().any(has_mentions);
    if topic_rows.is_none() && !regions && !stances {
        return Err(TrainError::NoLabels);
    }

    let gazetteer = regions.then(|| Gazetteer::parse(DEFAULT_GAZETTEER)).transpose().map_err(TrainError::Config)?;
    let placeless = gazetteer.as_ref().map(|g| placeless(&parts.train, g, config.desk.placeless_rows));
    let placeless = placeless.unwrap_or_default();
    progress("choosing the features");
    let of_topic = topic_rows.iter().flat_map(TopicRows::train).map(|e| &e.article);
    let of_domain = parts.train.iter().filter(|r| r.topic.is_none() && r.domain.is_some());
    let of_region = parts.train.iter().filter(|r| regions && r.topic.is_none() && desk_label(r).is_some());
    let articles: Vec<&LabelledArticle> = of_topic.chain(of_domain).chain(of_region).collect();
    let scale = config.topic.vector_scale;
    let mut encoder = match start {
        Some(start) => Encoder::of_space(start.0.space(), vectors, scale),
        None => feature_space(&articles, config, vectors, job, |wide| {
            let mut models = Vec::new();
            if let Some(rows) = &topic_rows {
                models.push(rows.first_fit_stopping(wide, config, job)?);
                models.extend(domain::fit_weights("domain-candidates", &parts.train, wide, config, None, job)?);
            }
            if regions {
                let (rows, none) = (&parts.train, &placeless);
                models.extend(desk::fit_weights("desk-candidates", rows, none, wide, config, job)?);
            }
            Ok(models)
        })?,
    };
    job.go_on().map_err(SoftmaxError::from)?;

    let (mut heads, mut cards, mut models) = (Heads::default(), Vec::new(), Vec::new());
    let mut columns = Columns::default();
    if let Some(rows) = &topic_rows {
        progress("topic: fitting");
        let initial = start.map(|start| start.topic(&rows.labels));
        let (head, weights) = rows.fit(&encoder, config, initial, job)?;
        cards.push(topic_card(rows, &head, &taxonomy));
        heads.topic = Some(head);
        models.push(weights);
    } else if let Some((head, weights, card)) = start.and_then(|start| start.kept_topic()) {
        cards.push(card);
        heads.topic = Some(head);
        models.push(weights);
    }
    columns.topic = models.first().map_or(0, Softmax::classes);
    if let Some(gazetteer) = gazetteer {
        progress("region: fitting what the words say");
        let initial = start.and_then(|start| start.desk());
        let desk = desk::fit(&parts.train, &parts.dev, &placeless, &mut encoder, config, initial.as_ref(), job)?;
        job.go_on().map_err(SoftmaxError::from)?;
        heads.region = Some(region(&parts, desk.as_ref(), gazetteer, &mut encoder, config, progress)?);
        cards.push(region_card(&parts));
        if let Some(desk) = desk {
            columns.desk = desk::CLASSES;
            models.push(desk.weights);
        }
    } else if let Some((region, card)) = start.and_then(|start| start.kept_region()) {
        cards.push(card);
        heads.region = Some(region);
        if let Some(weights) = start.and_then(|start| start.desk()) {
            columns.desk = weights.classes();
            models.push(weights);
        }
    }
    if let Some(head) = &mut heads.topic {
        progress("news or not: fitting");
        let kept = start.and_then(|s| Some((s.domain()?, s.0.heads().topic.as_ref()?.thresholds.max_other_score)));
        let initial = kept.as_ref().map(|(weights, _)| weights.clone());
        let fitted = domain::fit(&parts.train, &parts.dev, &encoder, config, initial, job)?;
        if let Some((model, threshold)) = fitted.or(kept) {
            head.thresholds.max_other_score = threshold;
            columns.domain = domain::CLASSES;
            models.push(model);
        }
    }
    job.go_on().map_err(SoftmaxError::from)?;
    if stances {
        let trained = train_stance(&parts.train, &parts.dev, vectors, config.seed, progress);
        let trained = trained.map_err(|e| TrainError::Config(e.to_string()))?;
        cards.push(stance_card(&trained));
        heads.stance = Some(trained.head);
    } else if let Some(head) = start.and_then(|start| start.0.heads().stance.clone()) {
        cards.extend(start.map(|start| start.card(Head::Stance)));
        heads.stance = Some(head);
    }
    job.go_on().map_err(SoftmaxError::from)?;
    let space = fold(&encoder, columns, &models);
    progress("measuring on the dev rows");
    let mut card = card(corpus, config, command, &space, cards);
    if let Some(start) = start {
        start.sign(&mut card);
    }
    assemble(corpus, config, card, space, heads)
}

/// The rows of each part.
struct Parts {
    train: Vec<LabelledArticle>,
    dev: Vec<LabelledArticle>,
}

impl Parts {
    fn of(corpus: &Corpus) -> Self {
        let part = |split| corpus.part(split).map(|e| e.article.clone()).collect();
        Self { train: part(Split::Train), dev: part(Split::Dev) }
    }
}

fn region(
    parts: &Parts,
    desk: Option<&DeskModel>,
    gazetteer: Gazetteer,
    encoder: &mut Encoder<'_>,
    config: &TrainConfig,
    progress: &dyn Fn(&str),
) -> Result<Region, TrainError> {
    let encoder = std::cell::RefCell::new(encoder);
    let priors = training_priors(desk, &encoder);
    let trained =
        train_region(&parts.train, &[], &priors, &gazetteer, config.seed, progress).map_err(TrainError::Config)?;
    Ok(Region {
        head: trained.head,
        prior_temperature: desk.map(|d| d.temperature),
        gazetteer,
        gazetteer_file: DEFAULT_GAZETTEER.to_vec(),
    })
}

/// The table of all heads: sparse weights, plus the weights of the dense block
/// folded into the rows of the words that have a vector.
pub(super) fn fold(encoder: &Encoder<'_>, columns: Columns, models: &[Softmax]) -> Space {
    let bias = models.iter().flat_map(|m| m.bias().iter().copied()).collect();
    let mut table = WeightTable::new(encoder.index.slots(), bias);
    for slot in 0..encoder.index.slots() as u32 {
        let idf = encoder.idf[slot as usize];
        if idf == 0.0 {
            continue;
        }
        table.set_idf(slot, idf);
        let weights = models.iter().flat_map(|model| encoder.folded(slot, model));
        weights.enumerate().for_each(|(column, weight)| table.set_weight(slot, column, weight));
    }
    Space { params: encoder.params.clone(), columns, index: encoder.index.clone(), table }
}

pub(super) fn topic_card(rows: &TopicRows<'_>, head: &TopicHead, taxonomy: &Taxonomy) -> HeadCard {
    let label = |(label, &examples): (&Label, &u64)| {
        let definition = taxonomy.position(&label.id).and_then(|i| taxonomy.labels.get(i));
        LabelCard {
            id: label.id.to_string(),
            name: label.name.to_string(),
            definition: definition.map_or_else(String::new, |d| d.definition.clone()),
            examples,
            broader: definition.map_or_else(String::new, |d| d.broader.clone()),
            names: definition.map(|d| d.names.clone()).unwrap_or_default(),
        }
    };
    let labels = head.labels.iter().zip(&rows.examples).map(label).collect();
    HeadCard { head: Head::Topic.name().to_owned(), labels, languages: head.languages.clone(), metrics: Vec::new() }
}

fn region_card(parts: &Parts) -> HeadCard {
    let mut examples = [0u64; desk::CLASSES];
    parts.train.iter().filter_map(desk_label).for_each(|d| examples[d] += 1);
    let desks = DESKS.into_iter().zip(DESK_NAMES).chain([(NO_DESK, "no place")]);
    let label = |((id, name), examples): ((&str, &str), u64)| LabelCard {
        id: id.to_owned(),
        name: name.to_owned(),
        examples,
        ..LabelCard::default()
    };
    let labels = desks.zip(examples).map(label).collect();
    HeadCard { head: Head::Region.name().to_owned(), labels, languages: vec!["en".to_owned()], metrics: Vec::new() }
}

fn stance_card(trained: &StanceTraining) -> HeadCard {
    let names = ["supportive", "critical", "neutral"];
    let label = |(id, &examples): (&str, &usize)| LabelCard {
        id: id.to_owned(),
        name: id.to_owned(),
        examples: examples as u64,
        ..LabelCard::default()
    };
    let labels = names.into_iter().zip(&trained.labels).map(label).collect();
    HeadCard { head: Head::Stance.name().to_owned(), labels, languages: vec!["en".to_owned()], metrics: Vec::new() }
}

pub(super) fn card(corpus: &Corpus, config: &TrainConfig, command: &str, space: &Space, heads: Vec<HeadCard>) -> Card {
    Card {
        created: None,
        warm_start: None,
        command: command.to_owned(),
        data_digest: corpus.digest.clone(),
        feature_digest: space.digest(),
        seed: config.seed,
        heads,
        data: corpus.sources(config),
        markdown: String::new(),
    }
}

/// Measures the model on the dev rows by the code that serves, writes the card, lays out the files.
pub(super) fn assemble(
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
    for (head, metrics) in figures(&classifier, &corpus.dev(), config.seed) {
        if let Some(head) = card.heads.iter_mut().find(|h| h.head == head.name()) {
            head.metrics = metrics;
        }
    }
    let (name, golden) = classifier.golden().map_err(|e| TrainError::Config(e.to_string()))?;
    files.insert(name.to_owned(), golden.into());
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
