//! `wiredesk evaluate`: how good a model is on labelled articles.

use crate::{
    article::Article,
    eval::{
        compare::compare,
        report::{self, Worst},
    },
    learn::{answers::answers, figures::figures, load::file_name},
    model::{Classifier, Metric, Scratch},
    prediction::{Head, Options},
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
    /// Folder of another model to compare with: this one is the new one
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    /// Also write a report as one HTML file: figures of each label, confusions, calibration,
    /// slices, the worst errors. It quotes the articles
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
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
    let against = args.against.as_deref().map(|dir| super::load_model(Some(dir))).transpose()?;
    let models: Vec<&Classifier> = [&classifier].into_iter().chain(&against).collect();
    let both = if args.report.is_some() || against.is_some() { answers(&models, &rows) } else { Vec::new() };
    let differences = match &both[..] {
        [new, base] => compare(base, new, args.seed),
        _ => Vec::new(),
    };
    if !differences.is_empty() {
        super::say("")?;
    }
    for difference in &differences {
        super::say(&difference.to_string())?;
    }
    if let (Some(path), Some(own)) = (&args.report, both.first()) {
        let files: Vec<String> = args.data.iter().map(|f| file_name(f)).collect();
        let input = report::Input {
            model: classifier.identity(),
            answers: own,
            against: against.as_ref().zip(both.get(1)).map(|(m, a)| (m.identity(), a, &differences[..])),
            rows: &rows,
            data: &format!("{} ({})", files.join(", "), name(args.split)),
            worst: &worst(&classifier, own, &rows),
            seed: args.seed,
        };
        fs::write(path, report::html(&input)).with_context(|| path.display().to_string())?;
    }
    if let Some(path) = &args.json {
        let heads: serde_json::Map<_, _> = figures.iter().map(|(h, m)| (h.name().to_owned(), json!(m))).collect();
        let mut report = json!({ "model": classifier.identity(), "split": name(args.split), "heads": heads });
        if let (Some(base), Some(object)) = (&against, report.as_object_mut()) {
            object.insert("against".to_owned(), json!({ "model": base.identity(), "differences": differences }));
        }
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

/// Errors of each question that the report shows.
const WORST: usize = 10;

/// The worst errors with their evidence.
fn worst(classifier: &Classifier, answers: &crate::eval::answers::Answers, rows: &[LabelledArticle]) -> Vec<Worst> {
    let mut scratch = Scratch::default();
    let mut worst = Vec::new();
    for task in &answers.tasks {
        for answer in report::surest_errors(task, WORST) {
            let Some(row) = rows.get(answer.row) else { continue };
            let head = match task.name {
                "topic" => Head::Topic,
                "desk" => Head::Region,
                _ => Head::Stance,
            };
            let article = Article { title: row.title.clone(), text: row.text.clone(), ..Article::default() };
            let options = Options { heads: vec![head], explain: true, ..Options::default() };
            let told = classifier.classify(&article, &[], &options, &mut scratch);
            let evidence = told.topic.map(|t| t.evidence).or(told.region.map(|r| r.evidence)).unwrap_or_default();
            let label = |at: usize| task.labels.get(at).cloned().unwrap_or_else(|| "no answer".to_owned());
            worst.push(Worst {
                task: task.name,
                row: answer.row,
                truth: label(answer.truth),
                predicted: label(answer.predicted),
                probability: answer.probability,
                terms: evidence.into_iter().take(8).map(|e| (e.term, e.contribution)).collect(),
            });
        }
    }
    worst
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
