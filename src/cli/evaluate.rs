//! `wiredesk evaluate`: how good a model is on labelled articles.

use crate::{
    learn::figures::figures,
    model::Metric,
    prediction::Head,
    rows::{LabelledArticle, Split, read_rows},
};
use anyhow::Context as _;
use clap::ValueEnum;
use serde_json::json;
use std::{fmt::Write as _, fs, path::PathBuf, process::ExitCode};

/// Measure a model on labelled articles
///
/// Prints each head's figures with their 95 % bootstrap interval, beside always giving the most frequent label.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files of labelled articles
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    data: Vec<PathBuf>,
    /// Folder of the model [default: the one in this binary]
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Which rows to measure on
    #[arg(long, value_enum, value_name = "PART", default_value = "dev")]
    split: Part,
    /// Seed of the resampling
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Also write the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
pub(super) enum Part {
    Train,
    Dev,
    Test,
    All,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let classifier = super::load_model(args.model.as_deref())?;
    let rows = labelled(&args.data, args.split)?;
    let figures = figures(&classifier, &rows, args.seed);
    if figures.is_empty() {
        anyhow::bail!("no {} row carries a label of this model's heads; --split chooses other rows", name(args.split));
    }
    super::say(&table(&figures))?;
    if let Some(path) = &args.json {
        let heads: serde_json::Map<_, _> = figures.iter().map(|(h, m)| (h.name().to_owned(), json!(m))).collect();
        let report = json!({ "model": classifier.identity(), "split": name(args.split), "heads": heads });
        fs::write(path, format!("{report:#}\n")).with_context(|| path.display().to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The rows of one part. Those that cannot be read are listed and left out.
pub(super) fn labelled(files: &[PathBuf], part: Part) -> anyhow::Result<Vec<LabelledArticle>> {
    let (mut rows, mut bad) = (Vec::new(), 0u64);
    for file in files {
        read_rows(file, |row| match row {
            Ok(row) if wanted(part, row.article.split) => rows.push(row.article),
            Ok(_) => {}
            Err(error) => {
                bad += 1;
                super::complain(&error.to_string());
            }
        })
        .with_context(|| file.display().to_string())?;
    }
    if bad > 0 {
        super::complain(&format!("{bad} rows could not be read and were left out"));
    }
    Ok(rows)
}

fn wanted(part: Part, split: Split) -> bool {
    match part {
        Part::All => true,
        Part::Train => split == Split::Train,
        Part::Dev => split == Split::Dev,
        Part::Test => split == Split::Test,
    }
}

pub(super) fn name(part: Part) -> String {
    part.to_possible_value().map_or_else(String::new, |v| v.get_name().to_owned())
}

fn table(figures: &[(Head, Vec<Metric>)]) -> String {
    let mut text = String::new();
    for (head, metrics) in figures {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:<8}{:<24}{:<34}{:>9}{:>8}  {:<18}{:>8}",
            head.name(),
            "data set",
            "figure",
            "articles",
            "value",
            "interval",
            "majority"
        );
        for metric in metrics {
            let Metric { name, dataset, value, low, high, majority, articles } = metric;
            let interval = format!("{low:.3} to {high:.3}");
            let _ = writeln!(
                text,
                "{:<8}{dataset:<24}{name:<34}{articles:>9}{value:>8.3}  {interval:<18}{majority:>8.3}",
                ""
            );
        }
    }
    text.trim_end().to_owned()
}
