//! `wiredesk train`: labelled rows to a bundle.

use super::{parse_head, serve::parse_count};
use crate::{
    learn::{
        config::TrainConfig,
        job::{Checkpoints, Job},
        large::Large,
        load::{Corpus, file_name},
        search::{Tried, search},
        softmax::SoftmaxError,
        train::{TrainError, Trained, train},
        warm_start::WarmStart,
        word_vectors::WordVectors,
    },
    model::{Bundle, Classifier, Files, Identity, Lock, Manifest, Store},
    prediction::Head,
    rows::RowError,
};
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Train a model on labelled articles
///
/// Rows are JSON lines, CSV or TSV, plain, .gz or .zst: id, title, text, lang, topic, countries, desk, stances, split
/// (train or dev), group, licence. Every label is optional: each head trains on the rows that carry its label. Every
/// row that cannot be used is listed with its file and line, and nothing is written (but see --skip-bad-rows).
///
/// Here --config names the training's own settings (the config.toml that each bundle holds).
///
/// Ctrl-C stops it (exit code 130): nothing is half-written, and --resume goes on.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files of labelled articles
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    data: Vec<PathBuf>,
    /// Folder to write the model to; a model that stands there is replaced
    #[arg(long, value_name = "DIR", required_unless_present = "models", conflicts_with = "models")]
    out: Option<PathBuf>,
    /// Store to put the model in, as the candidate: ROOT/<name>/<version>
    #[arg(long, value_name = "ROOT")]
    models: Option<PathBuf>,
    /// Heads to train, of topic, region and stance, separated by commas [default: all that the rows have labels for]
    #[arg(long, value_delimiter = ',', value_name = "HEAD,...", value_parser = parse_head)]
    heads: Vec<Head>,
    /// Seed of everything random: the same rows, settings and seed give the same bytes
    #[arg(long)]
    seed: Option<u64>,
    /// Name of the model
    #[arg(long)]
    name: Option<String>,
    /// Version of the model [default: the first digits of the data's digest]
    #[arg(long)]
    model_version: Option<String>,
    /// Leave rows that cannot be read out instead of stopping; they are still listed
    #[arg(long)]
    skip_bad_rows: bool,
    /// Word vectors to learn from [default: those of the embedded model]
    #[arg(long, value_name = "FILE")]
    word_vectors: Option<PathBuf>,
    /// Begin from this model, a folder or `embedded`, not from nothing: its words, its weights for the labels that it
    /// has too; heads that are not trained stay as they are there
    #[arg(long, value_name = "MODEL", conflicts_with = "memory_limit")]
    warm_start: Option<PathBuf>,
    /// Go on where a killed or interrupted training of the same rows and settings stopped: the same bytes in the end
    #[arg(long)]
    resume: bool,
    /// Threads to train on [default: all]; the model is the same with any number
    #[arg(long, value_name = "N", value_parser = parse_count)]
    threads: Option<usize>,
    /// Train the topic head on any number of rows within this memory, such as 512M or 2G: the rows are read three times
    /// and lie encoded on the disk, beside the result. Needs --heads topic
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    memory_limit: Option<u64>,
}

/// What a search tried, in the bundle.
const SEARCH: &str = "search.json";
const WORD_VECTORS: &str = "word-vectors.safetensors";

pub(super) fn run(args: &Args, config: Option<&PathBuf>) -> anyhow::Result<ExitCode> {
    let config = settings(args, config)?;
    let start = args.warm_start.as_deref().map(Start::open).transpose()?;
    let (vectors, raw) = match &start {
        Some(Start { vectors: Some(raw), .. }) if args.word_vectors.is_none() => parse_vectors(Some(raw.clone()))?,
        _ => word_vectors(args.word_vectors.as_deref())?,
    };
    let work = Work::begin(args, &config)?;
    let (bar, stop) = (progress_bar(), stop_flag()?);
    let tell = |message: &str, done: u64, of: u64| tell(&bar, message, done, of);
    let job = Job::new(args.threads.unwrap_or_else(super::cores), &tell, &stop, None);

    let trained = train_on(args, &config, start.as_ref(), (vectors.as_ref(), raw.as_deref()), &work.dir, &job);
    bar.finish_and_clear();
    let Made { trained: Trained { manifest, mut files }, left_out, tried } = match trained {
        Ok(made) => made,
        Err(TrainError::Rows(errors)) => return Ok(list(&errors)),
        Err(TrainError::Fit(SoftmaxError::Interrupted(_))) => {
            super::complain("interrupted; nothing was written; the same command with --resume goes on");
            return Ok(ExitCode::from(INTERRUPTED));
        }
        Err(error) => return Err(error.into()),
    };
    for error in &left_out {
        super::complain(&format!("left out: {error}"));
    }
    for tried in &tried {
        super::say(&tried.to_string())?;
    }
    if !tried.is_empty() {
        files.insert(SEARCH.to_owned(), serde_json::to_vec_pretty(&tried)?.into());
    }
    if let Some(raw) = raw {
        files.insert(WORD_VECTORS.to_owned(), raw.into());
    }
    let (identity, place) = write(args, manifest, &files)?;
    work.end();
    super::say(&format!(
        "{} {} written to {}\ndigest {}",
        identity.name,
        identity.version,
        place.display(),
        identity.digest
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// The model to begin from.
struct Start {
    model: Classifier,
    /// The word vectors that it was trained with.
    vectors: Option<Vec<u8>>,
}

impl Start {
    fn open(dir: &Path) -> anyhow::Result<Self> {
        let bundle = if dir == Path::new("embedded") { Bundle::embedded()? } else { Bundle::read(dir)? };
        let vectors = bundle.files.get(WORD_VECTORS).map(|file| file.to_vec());
        Ok(Self { model: Classifier::new(bundle)?, vectors })
    }
}

/// What a training made.
struct Made {
    trained: Trained,
    /// Rows that cannot be read.
    left_out: Vec<RowError>,
    /// What a search tried, the best first.
    tried: Vec<Tried>,
}

/// Searches, where it is asked for, and trains.
fn train_on(
    args: &Args,
    config: &TrainConfig,
    start: Option<&Start>,
    (vectors, raw): (Option<&WordVectors>, Option<&[u8]>),
    work: &Path,
    job: &Job<'_>,
) -> Result<Made, TrainError> {
    let toml = toml::to_string(config).map_err(|e| TrainError::Config(e.to_string()))?;
    let memory = args.memory_limit.unwrap_or_default().to_le_bytes();
    // With the rows, all that decides the result.
    let digest = start.map_or("", |start| &start.model.identity().digest);
    let inputs =
        [toml.as_bytes(), raw.unwrap_or_default(), env!("CARGO_PKG_VERSION").as_bytes(), &memory, digest.as_bytes()];
    let command = command_line(args, config, start);
    if let Some(memory) = args.memory_limit {
        if config.heads != [Head::Topic] {
            let message = "--memory-limit: the topic head alone can be trained so: add --heads topic";
            return Err(TrainError::Config(message.to_owned()));
        }
        let (files, skip_bad_rows) = (&args.data[..], args.skip_bad_rows);
        let large = Large { files, config, vectors, command: &command, memory, work, skip_bad_rows };
        if config.search.is_some() {
            let message = "search: not with --memory-limit: search on a sample of the rows first";
            return Err(TrainError::Config(message.to_owned()));
        }
        if config.topic.n_iter_no_change > 0 {
            let message = "topic.n_iter_no_change: not with --memory-limit: all passes are made";
            return Err(TrainError::Config(message.to_owned()));
        }
        let (trained, left_out) = large.train(&inputs, job)?;
        return Ok(Made { trained, left_out, tried: Vec::new() });
    }
    if start.is_some() && config.search.is_some() {
        let message = "search: not with --warm-start: the features are those of the model";
        return Err(TrainError::Config(message.to_owned()));
    }
    job.say("reading the rows");
    let (corpus, bad) = Corpus::read(&args.data, config).map_err(|e| TrainError::Config(e.to_string()))?;
    if !bad.is_empty() && !args.skip_bad_rows {
        return Err(TrainError::Rows(bad));
    }
    let inputs: Vec<&[u8]> = [corpus.digest.as_bytes()].into_iter().chain(inputs).collect();
    let job = job.with_checkpoints(Some(Checkpoints::new(work, &inputs)));
    let (chosen, tried) = match &config.search {
        Some(wanted) => search(&corpus, config, wanted, vectors, &job)?,
        None => (config.clone(), Vec::new()),
    };
    let start = start.map(|start| WarmStart(&start.model));
    let trained = train(&corpus, &chosen, start, vectors, &command, &job)?;
    Ok(Made { trained, left_out: bad, tried })
}

/// Bytes, as in `512M` or `2G`.
fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no size such as 512M or 2G");
    let (digits, shift) = match text.as_bytes() {
        [.., b'M' | b'm'] => (&text[..text.len() - 1], 20),
        [.., b'G' | b'g'] => (&text[..text.len() - 1], 30),
        _ => return Err(wrong()),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).filter(|n| *n > 0).ok_or_else(wrong)
}

/// What a shell says of a command that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Set by the first Ctrl-C or SIGTERM; the second one ends the process at once.
fn stop_flag() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            for last in [false, true] {
                tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
                if last {
                    std::process::exit(i32::from(INTERRUPTED));
                }
                flag.store(true, Ordering::Relaxed);
            }
        });
    });
    Ok(stop)
}

/// The folder beside the result in which a training keeps what it would need to go on.
struct Work {
    dir: PathBuf,
    _lock: Lock,
}

impl Work {
    /// Without `--resume`, what an earlier training left there is forgotten.
    fn begin(args: &Args, config: &TrainConfig) -> anyhow::Result<Self> {
        let (parent, name) = match (&args.models, &args.out) {
            (Some(root), _) => (root.as_path(), config.name.clone()),
            (None, Some(out)) => (out.parent().unwrap_or(Path::new("")), file_name(out)),
            (None, None) => anyhow::bail!("--out or --models: give one of them"),
        };
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        let dir = parent.join(format!(".{name}.training"));
        if !args.resume && dir.is_dir() {
            let lock = Lock::take(&dir.join(LOCK), "train", Duration::ZERO)?;
            fs::remove_dir_all(&dir).with_context(|| dir.display().to_string())?;
            drop(lock);
        }
        fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
        let lock = Lock::take(&dir.join(LOCK), "train", Duration::ZERO)?;
        Ok(Self { dir, _lock: lock })
    }

    /// The result is written.
    fn end(self) {
        let _left_behind = fs::remove_dir_all(&self.dir);
    }
}

impl Drop for Work {
    /// A training that left no checkpoint leaves nothing.
    fn drop(&mut self) {
        let empty = fs::read_dir(&self.dir).is_ok_and(|mut entries| {
            entries.all(|entry| entry.is_ok_and(|entry| entry.file_name().to_string_lossy() == LOCK))
        });
        if empty {
            let _left_behind = fs::remove_dir_all(&self.dir);
        }
    }
}

const LOCK: &str = ".lock";

/// The settings in `file`, or the defaults.
pub(super) fn read_config(file: Option<&PathBuf>) -> anyhow::Result<TrainConfig> {
    let Some(path) = file else { return Ok(TrainConfig::default()) };
    let toml = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    TrainConfig::parse(&toml).map_err(|e| anyhow::anyhow!("{}: {e}", path.display()))
}

/// Puts the bundle in its folder or in the store.
fn write(args: &Args, manifest: Manifest, files: &Files) -> anyhow::Result<(Identity, PathBuf)> {
    let Some(root) = &args.models else {
        let out = args.out.clone().unwrap_or_default();
        return Ok((Bundle::write(manifest, files, &out)?, out));
    };
    let store = Store::at(root);
    let identity = store.install(manifest, files)?;
    let place = store.dir(&identity.name, &identity.version)?;
    Ok((identity, place))
}

fn settings(args: &Args, file: Option<&PathBuf>) -> anyhow::Result<TrainConfig> {
    let mut config = read_config(file)?;
    if !args.heads.is_empty() {
        config.heads.clone_from(&args.heads);
    }
    config.seed = args.seed.unwrap_or(config.seed);
    config.name = args.name.clone().unwrap_or(config.name);
    config.version = args.model_version.clone().unwrap_or(config.version);
    Ok(config)
}

/// The vectors, and the bytes that the new bundle will carry on.
pub(super) fn word_vectors(file: Option<&Path>) -> anyhow::Result<(Option<WordVectors>, Option<Vec<u8>>)> {
    let raw = match file {
        Some(path) => Some(fs::read(path).with_context(|| path.display().to_string())?),
        None => Bundle::embedded().ok().and_then(|b| b.files.get(WORD_VECTORS).map(|f| f.to_vec())),
    };
    parse_vectors(raw)
}

fn parse_vectors(raw: Option<Vec<u8>>) -> anyhow::Result<(Option<WordVectors>, Option<Vec<u8>>)> {
    let vectors = raw.as_deref().map(WordVectors::parse).transpose();
    Ok((vectors.map_err(|e| anyhow::anyhow!("word vectors: {e}"))?, raw))
}

/// Files by their names only: a card must not depend on where they lay.
fn command_line(args: &Args, config: &TrainConfig, start: Option<&Start>) -> String {
    let files: Vec<String> = args.data.iter().map(|f| file_name(f)).collect();
    let start = start.map_or_else(String::new, |Start { model, .. }| {
        format!(" --warm-start {}@{}", model.identity().name, model.identity().version)
    });
    format!("wiredesk train --data {} --out DIR --config config.toml --seed {}{start}", files.join(" "), config.seed)
}

/// Lists what is wrong with the rows.
fn list(errors: &[RowError]) -> ExitCode {
    for error in errors {
        super::complain(&error.to_string());
    }
    super::complain(&format!("{} rows cannot be used; nothing was written", errors.len()));
    ExitCode::FAILURE
}

/// A spinner while the end is not known, else a bar with the time that is left.
fn tell(bar: &ProgressBar, message: &str, done: u64, of: u64) {
    let template = if of == 0 {
        "{spinner} {elapsed_precise} {msg}"
    } else {
        "{spinner} {elapsed_precise} {msg} {wide_bar} {pos} of {len}, {eta} left"
    };
    if bar.message() != message {
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_message(message.to_owned());
        bar.reset_eta();
        if bar.is_hidden() {
            tracing::info!("{message}");
        }
    }
    bar.set_length(of);
    bar.set_position(done);
}

fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
