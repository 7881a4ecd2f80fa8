//! `wiredesk train`: labelled rows to a bundle.

use crate::{
    learn::{
        config::TrainConfig,
        load::{Corpus, file_name},
        train::{TrainError, Trained, train},
        word_vectors::WordVectors,
    },
    model::Bundle,
    prediction::Head,
    rows::RowError,
};
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

/// Train a model on labelled articles
///
/// Rows are JSON lines, CSV or TSV, plain, .gz or .zst: id, title, text, lang, topic, countries, desk, stances, split
/// (train or dev), group, licence. Every label is optional: each head trains on the rows that carry its label. Every
/// row that cannot be used is listed with its file and line, and nothing is written (but see --skip-bad-rows).
///
/// Here --config names the training's own settings (the config.toml that each bundle holds).
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files of labelled articles
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    data: Vec<PathBuf>,
    /// Folder to write the model to; a model that stands there is replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Heads to train, separated by commas [default: all that the rows have labels for]
    #[arg(long, value_delimiter = ',', value_name = "HEAD,...")]
    heads: Vec<String>,
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
}

const WORD_VECTORS: &str = "word-vectors.safetensors";

pub(super) fn run(args: &Args, config: Option<&PathBuf>) -> anyhow::Result<ExitCode> {
    let config = settings(args, config)?;
    let bar = progress_bar();
    let say = |message: &str| {
        bar.set_message(message.to_owned());
        tracing::info!("{message}");
    };
    say("reading the rows");
    let (corpus, bad) = Corpus::read(&args.data, &config)?;
    if !bad.is_empty() && !args.skip_bad_rows {
        return Ok(list(&bad));
    }
    for error in &bad {
        super::complain(&format!("left out: {error}"));
    }
    say(&format!("{} rows", corpus.examples.len()));
    let (vectors, raw) = word_vectors(args.word_vectors.as_deref())?;
    let trained = train(&corpus, &config, vectors.as_ref(), &command_line(args, &config), &say);
    let Trained { manifest, mut files } = match trained {
        Ok(trained) => trained,
        Err(TrainError::Rows(errors)) => return Ok(list(&errors)),
        Err(error) => return Err(error.into()),
    };
    if let Some(raw) = raw {
        files.insert(WORD_VECTORS.to_owned(), raw.into());
    }
    say("writing the bundle");
    let identity = Bundle::write(manifest, &files, &args.out)?;
    bar.finish_and_clear();
    super::say(&format!(
        "{} {} written to {}\ndigest {}",
        identity.name,
        identity.version,
        args.out.display(),
        identity.digest
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// The settings in `file`, or the defaults.
pub(super) fn read_config(file: Option<&PathBuf>) -> anyhow::Result<TrainConfig> {
    let Some(path) = file else { return Ok(TrainConfig::default()) };
    let toml = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    TrainConfig::parse(&toml).map_err(|e| anyhow::anyhow!("{}: {e}", path.display()))
}

fn settings(args: &Args, file: Option<&PathBuf>) -> anyhow::Result<TrainConfig> {
    let mut config = read_config(file)?;
    if !args.heads.is_empty() {
        let head = |name: &String| Head::ALL.into_iter().find(|h| h.name() == name);
        let unknown = args.heads.iter().find(|name| head(name).is_none());
        if let Some(name) = unknown {
            anyhow::bail!("--heads: no head {name:?}; there are: topic, region, stance");
        }
        config.heads = args.heads.iter().filter_map(head).collect();
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
    let vectors = raw.as_deref().map(WordVectors::parse).transpose();
    Ok((vectors.map_err(|e| anyhow::anyhow!("word vectors: {e}"))?, raw))
}

/// Files by their names only: a card must not depend on where they lay.
fn command_line(args: &Args, config: &TrainConfig) -> String {
    let files: Vec<String> = args.data.iter().map(|f| file_name(f)).collect();
    format!("wiredesk train --data {} --out DIR --config config.toml --seed {}", files.join(" "), config.seed)
}

/// Lists what is wrong with the rows.
fn list(errors: &[RowError]) -> ExitCode {
    for error in errors {
        super::complain(&error.to_string());
    }
    super::complain(&format!("{} rows cannot be used; nothing was written", errors.len()));
    ExitCode::FAILURE
}

fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {elapsed_precise} {msg}");
    let bar = ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
