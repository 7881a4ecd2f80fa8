//! The command line: one file a command.
//!
//! Data goes to standard output, everything else to standard error. Exit
//! codes: 0 done, 1 the work failed, 2 wrong use. `settings` gives every flag
//! its `WIREDESK_*` variable and its key in the configuration file.

mod access;
mod classify;
mod compare;
mod data;
mod evaluate;
mod health;
mod input;
mod log;
mod models;
mod output;
mod serve;
mod settings;
#[cfg(feature = "otel")]
mod traces;
mod train;

pub use log::Telemetry;

use crate::prediction::Head;
use clap::{FromArgMatches, Parser, Subcommand, ValueEnum};
use std::{
    ffi::OsString,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

const AFTER_HELP: &str = "\
Every flag can also be given as an environment variable, and in the file that --config names: a key for each flag, in a \
table for each command ([serve], [models.show]). A flag beats its variable, the variable beats the file.

Exit codes: 0 done, 1 the work failed, 2 wrong use.";

/// Classifies news articles by topic, region and stance.
#[derive(Debug, Parser)]
#[command(name = "wiredesk", version, term_width = 100, after_help = AFTER_HELP, disable_help_subcommand = true)]
pub struct Cli {
    /// Read settings from this TOML file; a key that is not known is an error
    #[arg(long, global = true, value_name = "FILE", help_heading = "Everywhere")]
    config: Option<PathBuf>,
    /// What to log on standard error: error, warn, info, debug, trace, or a filter such as
    /// wiredesk=debug
    #[arg(long, global = true, value_name = "FILTER", default_value = "info", help_heading = "Everywhere")]
    log: String,
    /// How to write the log
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value = "text", help_heading = "Everywhere")]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(Box<serve::Args>),
    Classify(classify::Args),
    #[command(subcommand)]
    Data(data::Command),
    Train(train::Args),
    Evaluate(evaluate::Args),
    Compare(compare::Args),
    #[command(subcommand)]
    Models(models::Command),
    Health(health::Args),
}

/// Reads the command line, the environment and the configuration file.
///
/// # Errors
/// The code to exit with, when all has been said: after `--help`, or wrong use.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, ExitCode> {
    let args: Vec<OsString> = args.into_iter().collect();
    let command = settings::command::<Cli>(&args).map_err(|message| {
        complain(&message);
        ExitCode::from(2)
    })?;
    command.try_get_matches_from(args).and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches)).map_err(|e| {
        let _closed = e.print();
        if e.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
    })
}

impl Cli {
    /// Starts the log on standard error, and what else tells of the work.
    pub fn start_log(&self) -> Telemetry {
        log::start(&self.log, self.log_format)
    }

    /// Does what was asked for.
    ///
    /// # Errors
    /// When the work failed.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Serve(args) => serve::run(&args),
            Command::Classify(args) => classify::run(&args),
            Command::Data(command) => data::run(&command),
            Command::Train(args) => train::run(&args, self.config.as_ref()),
            Command::Evaluate(args) => evaluate::run(&args),
            Command::Compare(args) => compare::run(&args, self.config.as_ref()),
            Command::Models(command) => models::run(&command),
            Command::Health(args) => health::run(&args),
        }
    }
}

/// Says what went wrong, if anything, and gives the code to exit with.
pub fn exit_code(result: anyhow::Result<ExitCode>) -> ExitCode {
    result.unwrap_or_else(|error| {
        // `wiredesk classify ... | head` is no failure: the reader has enough.
        let closed = |e: &io::Error| e.kind() == io::ErrorKind::BrokenPipe;
        if error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(closed) {
            return ExitCode::SUCCESS;
        }
        complain(&format!("{error:#}"));
        ExitCode::FAILURE
    })
}

/// Lines on standard output.
fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// One line on standard error; if that is closed, there is nobody to tell.
fn complain(message: &str) {
    let _closed = writeln!(io::stderr(), "error: {message}");
}

/// The model in `dir`, or the one in the binary.
fn load_model(dir: Option<&std::path::Path>) -> anyhow::Result<crate::model::Classifier> {
    use anyhow::Context as _;
    match dir {
        Some(dir) => {
            crate::model::Classifier::open(dir).with_context(|| format!("cannot use the model in {}", dir.display()))
        }
        None => crate::model::Classifier::embedded().context("cannot use the model in this binary"),
    }
}

/// A head by its name.
fn parse_head(name: &str) -> Result<Head, String> {
    let known = || format!("no such head; there are: {}", Head::ALL.map(Head::name).join(", "));
    Head::ALL.into_iter().find(|head| head.name() == name).ok_or_else(known)
}

/// How many threads this machine can run at a time.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
