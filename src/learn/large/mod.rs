//! Training on more rows than fit in memory: the topic head, in passes over
//! the files, with features that are hashes.
//!
//! 1. what rows there are: digest, parts, labels;
//! 2. which features occur how often, rare ones being forgotten when there are too many;
//! 3. rows to the disk, encoded, in buckets by lot (`spill`);
//! 4. the epochs, bucket by bucket.
//!
//! Of the dev rows a sample is held. Memory does not grow with the rows.

mod count;
mod read;
mod spill;

use super::{
    config::TrainConfig,
    domain,
    job::{Checkpoints, Job},
    load::{Corpus, Example},
    rows::{RowError, Split},
    softmax::{AdaGrad, Softmax, SoftmaxError, SoftmaxValidParams, shuffle},
    space::Encoder,
    topic::{self, TopicRows},
    train::{TrainError, Trained, assemble, card, fold, topic_card},
    word_vectors::WordVectors,
};
use crate::{
    features::Counter,
    heads::topic::Label,
    model::{Columns, Heads},
    taxonomy::Taxonomy,
    text::{Document, hash_word},
};
use count::{Counted, Scan, count, scan};
use linfa::ParamGuard;
use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{RngCore, SeedableRng},
};
use read::Reader;
use spill::{Buckets, Encoded, MOST_BUCKETS, Spill};
use std::path::{Path, PathBuf};

/// Program, word vectors and buffers.
const BASE: u64 = 160 << 20;
/// With less to work in it would do little but read.
const LEAST_ROOM: u64 = 64 << 20;
/// Dev rows that the head is calibrated and measured on; of more, a sample is drawn.
const MOST_DEV_ROWS: u64 = 20_000;

/// What a training in passes is about.
pub struct Large<'a> {
    /// The files, in order.
    pub files: &'a [PathBuf],
    /// The settings.
    pub config: &'a TrainConfig,
    /// Word vectors.
    pub vectors: Option<&'a WordVectors>,
    /// The command, for the card.
    pub command: &'a str,
    /// Bytes of memory that may be used.
    pub memory: u64,
    /// Folder for the encoded rows and the checkpoints.
    pub work: &'a Path,
    /// Leave rows that cannot be read out.
    pub skip_bad_rows: bool,
}

/// How the memory is shared out.
struct Room {
    /// Features that are counted at a time.
    features: usize,
    /// Bytes of a bucket in memory.
    bucket: u64,
    /// Dev rows that are held.
    dev: usize,
    /// Bytes of rows that are read at a time.
    hold: usize,
}

impl Room {
    fn of(memory: u64, config: &TrainConfig) -> Result<Self, TrainError> {
        // A feature's weights for up to 24 topics and for news or not, their sums of squares, its row of the table.
        let fixed = BASE + (1u64 << config.features.bits) * 260;
        let Some(room) = memory.checked_sub(fixed).filter(|room| *room >= LEAST_ROOM) else {
            let least = (fixed + LEAST_ROOM).div_ceil(1 << 20);
            return Err(TrainError::Config(format!(
                "--memory-limit: {} MiB are too few; at least {least} MiB are needed with features.bits = {}",
                memory >> 20,
                config.features.bits
            )));
        };
        Ok(Self {
            features: (room / 100) as usize,
            bucket: room / 3,
            dev: (room / 6 / 8_192).clamp(500, MOST_DEV_ROWS) as usize,
            hold: (room / 12) as usize,
        })
    }
}

impl Large<'_> {
    /// Trains; also gives the rows that were left out (the first thousand). `inputs` are what else decides the bytes.
    ///
    /// # Errors
    /// As [`train`](super::train::train).
    pub fn train(&self, inputs: &[&[u8]], job: &Job<'_>) -> Result<(Trained, Vec<RowError>), TrainError> {
        self.config.check().map_err(TrainError::Config)?;
        let room = Room::of(self.memory, self.config)?;
        let reader = Reader { files: self.files, config: self.config, job, hold: room.hold };
        let scan = scan(&reader)?;
        if !scan.bad.is_empty() && !self.skip_bad_rows {
            return Err(TrainError::Rows(scan.bad));
        }
        let taxonomy = topic::taxonomy(scan.labels.iter().map(String::as_str), &self.config.topic);
        let taxonomy = taxonomy.map_err(TrainError::Config)?;
        let mut counted = count(&reader, &scan, &taxonomy, room.features)?;
        let mut vocabulary = std::mem::take(&mut counted.vocabulary);
        vocabulary.prune(self.config.features.min_frequency);
        let encoder = Encoder::of(&vocabulary, &self.config.features, self.vectors, self.config.topic.vector_scale);
        drop(vocabulary);
        let work = |e: std::io::Error| TrainError::Config(format!("{}: {e}", self.work.display()));
        let dense = self.vectors.map_or(0, |v| v.dimensions() as u64 * 4);
        let buckets = counted.bytes(dense).div_ceil(room.bucket).max(1);
        if buckets > MOST_BUCKETS {
            let least = (self.memory + 3 * (counted.bytes(dense) / MOST_BUCKETS)) >> 20;
            return Err(TrainError::Config(format!("--memory-limit: so many rows need about {least} MiB")));
        }
        let mut spill = Spill::create(self.work, buckets, self.config.seed).map_err(work)?;
        let (sample, mean) = self.encode(&reader, &scan, &counted, &encoder, &mut spill, room.dev)?;
        let buckets = spill.close().map_err(work)?;

        let inputs: Vec<&[u8]> = [scan.digest.as_bytes()].into_iter().chain(inputs.iter().copied()).collect();
        let job = &job.with_checkpoints(Some(Checkpoints::new(self.work, &inputs)));
        let models = self.fit(&counted, &encoder, &buckets, mean, job)?;
        drop(buckets);
        let trained = self.bundle(scan.digest, counted, &taxonomy, &encoder, models, sample, job)?;
        Ok((trained, scan.bad))
    }

    /// The third pass: training rows to the disk, a sample of the dev rows, and the mean weight.
    fn encode(
        &self,
        reader: &Reader<'_>,
        scan: &Scan,
        counted: &Counted,
        encoder: &Encoder<'_>,
        spill: &mut Spill,
        most: usize,
    ) -> Result<(Vec<Example>, f32), TrainError> {
        let config = self.config;
        let (mut sample, mut seen, mut row) = (Vec::new(), 0u64, 0usize);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(config.seed);
        let (mut sum, mut rows) = (0.0f64, 0u64);
        let prepare = |(document, counter): &mut (Document, Counter), given: read::Given| {
            document.read(&given.article.title, &given.article.text);
            let features = encoder.tf_idf(document, counter);
            (given, features)
        };
        reader.pass("writing the rows", scan.rows, Default::default, prepare, |prepared| {
            let Ok((given, features)) = prepared else { return Ok(()) };
            let split = scan.split(&given, row, config);
            row += 1;
            let article = given.article;
            let topic = article.topic.as_deref().filter(|_| !given.measured_only);
            let topic = topic.and_then(|t| counted.column(t)).map(|c| c as u16);
            match split {
                Split::Train if article.topic.is_some() || article.domain.is_some() => {
                    let weight = topic.map_or(0.0, |t| counted.weight(&article, usize::from(t), &config.topic));
                    sum += f64::from(weight);
                    rows += u64::from(topic.is_some());
                    let other = Some(domain::is_other(&article));
                    let io = |e: std::io::Error| TrainError::Config(format!("{}: {e}", self.work.display()));
                    spill.add(&Encoded { topic, other, weight, features }).map_err(io)?;
                }
                Split::Dev => {
                    seen += 1;
                    let article = crate::rows::LabelledArticle { split: Split::Dev, ..article };
                    let (file, line, measured_only) = (given.file, given.line, given.measured_only);
                    let example = Example { article, file, line, measured_only };
                    if sample.len() < most {
                        sample.push(example);
                    } else if let Some(place) = sample.get_mut((random.next_u64() % seen) as usize) {
                        *place = example;
                    }
                }
                _ => {}
            }
            Ok(())
        })?;
        sample.sort_by_key(|e| (e.file, e.line));
        Ok((sample, if rows > 0 { (sum / rows as f64) as f32 } else { 1.0 }))
    }

    /// The fourth: the epochs. Topic and news-or-not learn from the same reading of a bucket.
    fn fit(
        &self,
        counted: &Counted,
        encoder: &Encoder<'_>,
        buckets: &Buckets,
        mean: f32,
        job: &Job<'_>,
    ) -> Result<Vec<Softmax>, TrainError> {
        let config = self.config;
        let topic = topic::params(counted.labels.len(), config).check()?;
        let [news, other] = counted.domain;
        let domain = if news * other == 0 { None } else { Some(domain::params(config, news, other).check()?) };
        let dimensions = self.vectors.map_or(0, WordVectors::dimensions);
        let start = |params, rows: u64| AdaGrad::new(params, encoder.index.slots(), dimensions, rows as usize);
        let mut parts: Vec<(&str, &SoftmaxValidParams, usize, AdaGrad<'_>, usize)> = Vec::new();
        parts.push(("topic", &topic, config.topic.epochs, start(&topic, counted.topic_rows), 0));
        if let Some(domain) = &domain {
            parts.push(("news or not", domain, config.domain.epochs, start(domain, news + other), 0));
        }
        for (name, _, _, model, done) in &mut parts {
            *done = model.go_back(job, name);
        }
        let passes = parts.iter().map(|p| p.2).max().unwrap_or(0);
        let steps = (passes * buckets.len()) as u64;
        for pass in 0..passes {
            let begins = hash_word(format!("{}/{pass}", config.seed).as_bytes());
            let mut random = Xoshiro256PlusPlus::seed_from_u64(begins);
            let mut order: Vec<usize> = (0..buckets.len()).collect();
            shuffle(&mut order, &mut random);
            // Every pass draws its own lots: one that is behind already is skipped without drawing them.
            if parts.iter().all(|p| pass < p.4 || pass >= p.2) {
                continue;
            }
            for (i, &bucket) in order.iter().enumerate() {
                job.step("fitting", (pass * buckets.len() + i) as u64, steps).map_err(SoftmaxError::from)?;
                let rows = buckets.read(bucket);
                let rows = rows.map_err(|e| TrainError::Config(format!("{}: {e}", self.work.display())))?;
                let mut rows = job.map(
                    rows,
                    || (),
                    |(), row| (row.topic, row.other, row.weight, encoder.with_vector(row.features)),
                );
                shuffle(&mut rows, &mut random);
                for (name, params, epochs, model, done) in &mut parts {
                    if pass < *done || pass >= *epochs {
                        continue;
                    }
                    let mut gradient = vec![0.0; model.stride()];
                    let is_topic = *name == "topic";
                    for (label, other, weight, doc) in &rows {
                        let (label, weight) = if is_topic {
                            (label.map(usize::from), weight / mean)
                        } else {
                            (other.map(usize::from), other.map_or(0.0, |o| params.class_weight(usize::from(o))))
                        };
                        if let Some(label) = label.filter(|_| weight > 0.0) {
                            model.step(doc, label, weight, &mut gradient);
                        }
                    }
                }
            }
            for (name, _, epochs, model, done) in &parts {
                if (*done..*epochs).contains(&pass) {
                    model.keep(job, name, pass + 1);
                }
            }
        }
        Ok(parts.into_iter().map(|(_, _, _, model, _)| model.model).collect())
    }

    #[expect(clippy::too_many_arguments, reason = "everything that was made comes together here")]
    fn bundle(
        &self,
        digest: String,
        counted: Counted,
        taxonomy: &Taxonomy,
        encoder: &Encoder<'_>,
        models: Vec<Softmax>,
        sample: Vec<Example>,
        job: &Job<'_>,
    ) -> Result<Trained, TrainError> {
        let definition = |label: &usize| {
            let label = &taxonomy.labels[*label];
            Label { id: label.id.as_str().into(), name: label.name.as_str().into() }
        };
        let labels: Vec<Label> = counted.labels.iter().map(definition).collect();
        let usable = || sample.iter().filter(|e| !e.measured_only);
        let rows = TopicRows {
            labels,
            examples: counted.examples.clone(),
            languages: counted.languages.clone(),
            train: Vec::new(),
            dev: usable().filter_map(|e| Some((e, counted.column(e.article.topic.as_deref()?)?))).collect(),
        };
        let mut columns = Columns { topic: rows.labels.len(), ..Columns::default() };
        let Some(model) = models.first() else { return Err(TrainError::NoLabels) };
        let mut head = rows.head(model, encoder, self.config, job);
        if let Some(model) = models.get(1) {
            columns.domain = domain::CLASSES;
            let dev: Vec<_> = usable().map(|e| &e.article).collect();
            head.thresholds.max_other_score = domain::threshold(model, &dev, encoder, self.config, job);
        }
        let space = fold(encoder, columns, &models);
        let heads = vec![topic_card(&rows, &head, taxonomy)];
        drop(rows);
        job.say("measuring on the dev rows");
        let corpus = Corpus { files: self.files.to_vec(), examples: sample, digest };
        let mut card = card(&corpus, self.config, self.command, &space, heads);
        card.data = counted.sources.counted();
        assemble(&corpus, self.config, card, space, Heads { topic: Some(head), ..Heads::default() })
    }
}
