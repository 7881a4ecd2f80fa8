//! `wiredesk compare`: how good a training is on outlets that it never saw.

use super::parse_head;
use crate::{
    eval::metrics::Estimate,
    learn::{
        compare::{Comparison, Limits, Pool, TOGETHER, Taught, leave_one_source_out},
        config::TrainConfig,
        load::Corpus,
        region::{RegionComparison, SetReport, UNSEEN, compare_region},
        stance::{StanceComparison, compare_stance},
        topic,
        word_vectors::WordVectors,
    },
    prediction::Head,
};
use anyhow::Context as _;
use serde_json::json;
use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Compare trainings on sources that they never saw
///
/// Holds each data set out in turn, trains on all others, and prints accuracy, macro-F1 and calibration error on the
/// one held out, with 95 % bootstrap intervals, beside simpler classifiers fitted on the same rows. For region also the
/// dev rows, and ten countries held out of training; by counting names, by words alone, and by both. For stance the dev
/// sets, and the training rows in five parts that are held out in turn; by the most frequent label, by word valences in
/// the sentence and near the target, by the sentence's words alone, and by the head. No licence is excluded. A
/// held-out set's topic probabilities are calibrated on the others, each as it looks when it is held out.
///
/// Here --config names the training's own settings, as for train.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files of labelled articles
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    data: Vec<PathBuf>,
    /// Heads to compare, of topic, region and stance, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "HEAD,...", default_value = "topic", value_parser = parse_head)]
    heads: Vec<Head>,
    /// Data sets to hold out, separated by commas [default: each]
    #[arg(long, value_delimiter = ',', value_name = "NAME,...")]
    sources: Vec<String>,
    /// Train on this many rows of each data set and label at most; 0: all
    #[arg(long, default_value_t = 0, value_name = "N")]
    max_rows: usize,
    /// Measure on this many rows of each data set at most; 0: all
    #[arg(long, default_value_t = 0, value_name = "N")]
    max_test_rows: usize,
    /// Word vectors to learn from [default: those of the embedded model]
    #[arg(long, value_name = "FILE")]
    word_vectors: Option<PathBuf>,
    /// Folder of more rows to train the topic head on: NAME.jsonl.gz for the turn in which the set NAME is held out
    #[arg(long, value_name = "DIR")]
    taught: Option<PathBuf>,
    /// Write the topic rows that the comparison takes as JSON lines, with their text, and end
    #[arg(long, value_name = "FILE")]
    write_rows: Option<PathBuf>,
    /// Leave the baselines out
    #[arg(long)]
    no_baselines: bool,
    /// Also write the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

pub(super) fn run(args: &Args, config: Option<&PathBuf>) -> anyhow::Result<ExitCode> {
    let mut config = super::train::read_config(config)?;
    config.exclude_licences.clear();
    let (vectors, _) = super::train::word_vectors(args.word_vectors.as_deref())?;
    let (corpus, bad) = Corpus::read(&args.data, &config)?;
    for error in &bad {
        super::complain(&format!("left out: {error}"));
    }
    let mut table = Vec::new();
    if args.heads.contains(&Head::Topic) {
        table = topic(args, &config, &corpus, vectors.as_ref())?;
    }
    let region = if args.heads.contains(&Head::Region) {
        let progress = |message: &str| tracing::info!("region: {message}");
        let tables = compare_region(&corpus, &args.sources, &config, vectors.as_ref(), &progress);
        Some(tables.map_err(anyhow::Error::msg)?)
    } else {
        None
    };
    let stance = if args.heads.contains(&Head::Stance) {
        let progress = |message: &str| tracing::info!("stance: {message}");
        Some(compare_stance(&corpus, vectors.as_ref(), config.seed, &progress)?)
    } else {
        None
    };
    if !table.is_empty() {
        super::say(&text(&table))?;
    }
    if let Some(region) = &region {
        super::say(&region_text(region))?;
    }
    if let Some(stance) = &stance {
        super::say(&stance_text(stance))?;
    }
    if let Some(path) = &args.json {
        let report = json!({ "topic": table, "region": region, "stance": stance });
        fs::write(path, format!("{report:#}\n")).with_context(|| path.display().to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn topic(
    args: &Args,
    config: &TrainConfig,
    corpus: &Corpus,
    vectors: Option<&WordVectors>,
) -> anyhow::Result<Vec<Comparison>> {
    let taxonomy = topic::taxonomy(corpus.labels(), &config.topic).map_err(anyhow::Error::msg)?;
    let rows = topic::topic_rows(corpus, &taxonomy)
        .map_err(|errors| anyhow::anyhow!(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))?
        .context("no row carries a topic")?;
    let pool = Pool::new(&rows, Limits { train: args.max_rows, test: args.max_test_rows });
    let all = pool.sources();
    if let Some(unknown) = args.sources.iter().find(|s| !all.contains(s)) {
        anyhow::bail!("--sources: no data set {unknown:?}; there are: {}", all.join(", "));
    }
    if all.len() < 2 {
        anyhow::bail!("at least two data sets (key \"dataset\") are needed to hold one out");
    }
    if let Some(path) = &args.write_rows {
        let file = fs::File::create(path).with_context(|| path.display().to_string())?;
        let mut out = io::BufWriter::new(file);
        pool.write(&mut out).and_then(|()| out.flush()).with_context(|| path.display().to_string())?;
        return Ok(Vec::new());
    }
    let taught = args.taught.as_deref().map(|dir| taught(dir, &all, config)).transpose()?.unwrap_or_default();
    let sources = if args.sources.is_empty() { &all } else { &args.sources };
    let progress = |message: &str| tracing::info!("{message}");
    Ok(leave_one_source_out(&pool, sources, &taught, config, vectors, !args.no_baselines, &progress)?)
}

/// The rows of a teacher for each source's turn.
fn taught(dir: &Path, sources: &[String], config: &TrainConfig) -> anyhow::Result<Taught> {
    let mut taught = Taught::new();
    for source in sources {
        let (corpus, bad) = Corpus::read(&[dir.join(format!("{source}.jsonl.gz"))], config)?;
        if let Some(error) = bad.first() {
            anyhow::bail!("--taught: {error}");
        }
        taught.insert(source.clone(), corpus.examples);
    }
    Ok(taught)
}

/// A table for each way to divide the rows.
fn region_text(tables: &RegionComparison) -> String {
    let mut text = String::new();
    let unseen = format!("dev rows about {}, which training never saw", UNSEEN.join(" "));
    for (title, report) in [
        ("dev rows, of the same sets as the training rows", &tables.dev),
        ("each set, by a head trained on all others", &tables.held_out),
        (unseen.as_str(), &tables.unseen),
        ("the same rows, by a head trained on all", &tables.seen),
    ] {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "{title}\n{:<20}{:<11}{:>7} {:<22}{:>6} {:>6}{:>7} {:<22}{:<22}\n",
            "set", "by", "n", "country micro-F1", "top 1", "ECE", "n", "desk accuracy", "desk macro-F1"
        );
        for set in &report.sets {
            text += &region_lines(set);
        }
        text.push('\n');
    }
    text.trim_end().to_owned()
}

fn region_lines(set: &SetReport) -> String {
    let estimate = |n: usize, e: &crate::eval::metrics::Estimate| match n {
        0 => "-".to_owned(),
        _ => format!("{:.3} ({:.3} to {:.3})", e.value, e.low, e.high),
    };
    let answers = [
        ("count", &set.baselines.count, set.countries_n),
        ("words", &set.baselines.words, 0),
        ("both", &set.head, set.countries_n),
    ];
    let mut text = String::new();
    for (by, of, n) in answers {
        let top = if n == 0 { "-".to_owned() } else { format!("{:.3}", of.top1) };
        let error = if by == "both" && n > 0 { format!("{:.3}", set.calibration_error) } else { "-".to_owned() };
        let (country, desk) = (estimate(n, &of.country_f1), estimate(set.desk_n, &of.desk_accuracy));
        let (name, desk_f1, desks) = (&set.set, estimate(set.desk_n, &of.desk_macro_f1), set.desk_n);
        let _ = writeln!(
            text,
            "{name:<20}{by:<11}{n:>7} {country:<22}{top:>6} {error:>6}{desks:>7} {desk:<22}{desk_f1:<22}"
        );
    }
    text
}

/// A line a set and way, then the figures of directed rows.
fn stance_text(tables: &StanceComparison) -> String {
    let cell = |e: &Estimate| format!("{:.3} ({:.3} to {:.3})", e.value, e.low, e.high);
    let mut text = format!(
        "{:<20}{:<14}{:>6} {:<24}{:<24}{:<24}{:<24}{}",
        "set", "by", "n", "accuracy", "macro-F1", "ECE", "polar precision", "polar coverage"
    );
    for row in &tables.rows {
        let sure = row.sure.as_ref().map(|s| s.each_ref().map(cell)).unwrap_or_default();
        let [error, precision, coverage] = sure;
        let (set, by, n) = (&row.set, row.by, row.n);
        let (accuracy, f1) = (cell(&row.accuracy), cell(&row.macro_f1));
        // Writing to a string cannot fail.
        let _ = write!(text, "\n{set:<20}{by:<14}{n:>6} {accuracy:<24}{f1:<24}{error:<24}{precision:<24}{coverage}");
    }
    let dev = &tables.dev;
    for (figure, n, value) in [
        ("dev sets, ECE", 0, &dev.calibration_error),
        ("dev sets, polar precision", 0, &dev.polar_precision),
        ("dev sets, polar coverage", 0, &dev.polar_coverage),
        ("directed, foreign states", dev.directed_states_n, &dev.directed_states),
        ("directed, all", dev.directed_n, &dev.directed),
        ("target above speaker", dev.speaker_n, &dev.speaker_test),
    ] {
        let n = if n == 0 { String::new() } else { n.to_string() };
        let _ = write!(text, "\n{figure:<34}{n:>6} {}", cell(value));
    }
    text
}

/// One line a source and classifier, then the means over the sources.
fn text(table: &[Comparison]) -> String {
    let mut text = format!(
        "{:<24}{:<16}{:>9}{:>9}  {:<24}{:<24}{}",
        "held out", "model", "train", "articles", "accuracy", "macro-F1", "ECE"
    );
    for row in table {
        let estimate = |e: &crate::eval::metrics::Estimate| format!("{:.3} ({:.3} to {:.3})", e.value, e.low, e.high);
        let error = row.calibration_error.as_ref().map(estimate).unwrap_or_default();
        let (accuracy, f1) = (estimate(&row.accuracy), estimate(&row.macro_f1));
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n{:<24}{:<16}{:>9}{:>9}  {accuracy:<24}{f1:<24}{error}",
            row.source, row.model, row.train, row.articles
        );
    }
    let mut models: Vec<&str> = Vec::new();
    table.iter().for_each(|r| models.extend((!models.contains(&r.model)).then_some(r.model)));
    for model in models {
        let of_model = |r: &&Comparison| r.model == model && r.source != TOGETHER;
        let rows: Vec<&Comparison> = table.iter().filter(of_model).collect();
        let mean = |of: &dyn Fn(&Comparison) -> f64| rows.iter().map(|r| of(r)).sum::<f64>() / rows.len() as f64;
        let articles: usize = rows.iter().map(|r| r.articles).sum();
        let (accuracy, f1) = (mean(&|r| r.accuracy.value), mean(&|r| r.macro_f1.value));
        let error = mean(&|r| r.calibration_error.map_or(f64::NAN, |e| e.value));
        let error = if error.is_nan() { String::new() } else { format!("{error:.3}") };
        let _ = write!(text, "\n{:<24}{model:<16}{:>9}{articles:>9}  {accuracy:<24.3}{f1:<24.3}{error}", "mean", "");
    }
    text
}
