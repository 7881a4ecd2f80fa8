//! `wiredesk data check`: look at labelled rows before training.

use crate::{
    learn::check::{CheckConfig, Counts, Report, Severity, check},
    taxonomy::Taxonomy,
};
use anyhow::Context as _;
use std::{fmt::Write as _, fs, path::PathBuf, process::ExitCode};

/// Look at labelled articles
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Check(Args),
}

/// Find what is wrong with labelled articles before training on them
///
/// Errors (exit code 1): rows that cannot be read, labels that do not exist or are too rare, the same words in two
/// parts, a group in two parts. Warnings: duplicates and near duplicates, short texts, another language than stated,
/// labels that a model trained on the other rows would not give.
///
/// Memory does not grow with the rows: what is compared lies in temporary files, about 300 bytes of each row, and only a
/// sample is held.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files of labelled articles: .jsonl, .csv, .tsv, .parquet; .gz and .zst are read as they are
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Also write the report as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The topic labels: iptc, iptc-2 (second level), labels (any), or the path of a taxonomy file
    #[arg(long, value_name = "NAME", default_value = "iptc")]
    taxonomy: String,
    /// Articles with fewer words are too short
    #[arg(long, value_name = "N", default_value_t = 5)]
    least_words: usize,
    /// Rows that are sampled to find suspicious labels; 0: do not look
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    sample_rows: usize,
    /// Findings of each kind that are written out
    #[arg(long, value_name = "N", default_value_t = 20)]
    show: usize,
    /// Seed of the sample
    #[arg(long, default_value_t = 42)]
    seed: u64,
}

pub(super) fn run(Command::Check(args): &Command) -> anyhow::Result<ExitCode> {
    let taxonomy = match args.taxonomy.as_str() {
        "labels" => None,
        name => Some(match Taxonomy::named(name) {
            Some(known) => known,
            None => Taxonomy::parse(&fs::read_to_string(name).with_context(|| name.to_owned())?),
        }),
    };
    let taxonomy = taxonomy.transpose().map_err(|e| anyhow::anyhow!("{}: {e}", args.taxonomy))?;
    let config = CheckConfig {
        taxonomy,
        least_words: args.least_words,
        sample_rows: args.sample_rows,
        most_findings: args.show.max(if args.json.is_some() { 1_000 } else { 0 }),
        seed: args.seed,
    };
    let report = check(&args.files, &config)?;
    super::say(&text(&report, args.show))?;
    if let Some(path) = &args.json {
        fs::write(path, format!("{:#}\n", serde_json::to_value(&report)?))
            .with_context(|| path.display().to_string())?;
    }
    Ok(if report.errors() > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The report for people.
fn text(report: &Report, show: usize) -> String {
    let mut out = String::new();
    let [train, dev, test] = report.parts;
    let [least, median, most] = report.words;
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{} rows in {}: {train} train, {dev} dev, {test} test", report.rows, report.files.join(", "));
    let _ = writeln!(out, "words an article: least {least}, half have {median} or more, most {most}");
    let mut languages: Vec<(&String, &u64)> = report.languages.iter().collect();
    languages.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    let languages: Vec<String> = languages.iter().take(12).map(|(l, n)| format!("{l} {n}")).collect();
    let _ = writeln!(out, "languages, detected: {}", languages.join(", "));
    for (what, counts) in [("topic", &report.topics), ("desk", &report.desks), ("stance", &report.stances)] {
        table(&mut out, what, counts);
    }
    if let Some(agreement) = report.agreement {
        let _ = writeln!(
            out,
            "\na model that has not seen a row gives it its own topic in {:.1} % of the cases",
            agreement * 100.0
        );
    }
    for (kind, findings) in &report.findings {
        let severity = if findings.severity == Severity::Error { "ERROR" } else { "warning" };
        let _ = writeln!(out, "\n{severity} {}: {}", kind.replace('_', " "), findings.count);
        for finding in findings.first.iter().take(show) {
            let _ = writeln!(out, "  {}:{}: {}", finding.file, finding.line, finding.message);
        }
        let more = findings.count - (findings.first.len().min(show) as u64).min(findings.count);
        if more > 0 {
            let _ = writeln!(out, "  ... and {more} more");
        }
    }
    let _ = write!(out, "\n{} errors, {} warnings", report.errors(), report.warnings());
    out
}

fn table(out: &mut String, what: &str, counts: &Counts) {
    if counts.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{what:<44}{:>9}{:>9}{:>9}", "train", "dev", "test");
    for (label, [train, dev, test]) in counts {
        let _ = writeln!(out, "  {label:<42}{train:>9}{dev:>9}{test:>9}");
    }
}
