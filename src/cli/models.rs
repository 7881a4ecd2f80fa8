//! `wiredesk models`: what is in a bundle and whether it is whole.

use super::load_model;
use crate::model::{self, Classifier};
use anyhow::Context as _;
use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

/// Look at model bundles
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Print a model's identity, figures and card
    Show {
        /// Directory of the bundle [default: the model in the binary]
        dir: Option<PathBuf>,
    },
    /// Check every file of a bundle: exit code 0 if it is whole, else 1
    Verify {
        /// Directory of the bundle
        dir: PathBuf,
    },
}

pub(super) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    match command {
        Command::Show { dir } => show(&load_model(dir.as_deref())?, &mut out)?,
        Command::Verify { dir } => {
            let identity = model::verify(dir).with_context(|| dir.display().to_string())?;
            writeln!(out, "{}@{} sha256:{}", identity.name, identity.version, identity.digest)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(model: &Classifier, out: &mut impl Write) -> io::Result<()> {
    let (identity, card) = (model.identity(), model.card());
    writeln!(out, "{}@{} sha256:{}", identity.name, identity.version, identity.digest)?;
    for head in &card.heads {
        let (labels, languages) = (head.labels.len(), head.languages.join(", "));
        writeln!(out, "\n{}: {labels} labels; languages: {languages}", head.head)?;
        for m in &head.metrics {
            writeln!(
                out,
                "  {:<28} {:.4} [{:.4}, {:.4}]  majority {:.4}  {} articles of {}",
                m.name, m.value, m.low, m.high, m.majority, m.articles, m.dataset
            )?;
        }
    }
    writeln!(out, "\n{}", card.markdown.trim_end())
}
