//! `wiredesk models`: bundles, and the store that keeps their versions.

use super::{
    evaluate::{self, Part},
    load_model,
};
use crate::{
    eval::compare::{Difference, compare},
    learn::answers::answers,
    model::{self, Bundle, Classifier, Event, Label, Store},
};
use anyhow::Context as _;
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Look at model bundles, and keep their versions in a store
///
/// A store is a folder: ROOT/<name>/<version>/ is a bundle; the files ROOT/<name>/stable and candidate say which version
/// bears which label. A model of a store is named NAME (its stable version), NAME@VERSION, NAME@stable or
/// NAME@candidate.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the models of a store with their versions and labels
    List {
        #[command(flatten)]
        root: Root,
    },
    /// Print a model's identity, figures and card; of a store, also what was done to it
    Show {
        /// Directory of the bundle, or, with --models, NAME[@VERSION] [default: the model in the binary]
        model: Option<String>,
        /// Store to look in
        #[arg(long, value_name = "ROOT")]
        models: Option<PathBuf>,
    },
    /// Check every file of a bundle and let it test itself: exit code 0 if it is whole, else 1
    Verify {
        /// Directory of the bundle, or, with --models, NAME[@VERSION] [default with --models: every version]
        #[arg(required_unless_present = "models")]
        model: Option<String>,
        /// Store to look in
        #[arg(long, value_name = "ROOT")]
        models: Option<PathBuf>,
    },
    /// Put a bundle in a store, as the candidate
    Add {
        /// Directory of the bundle
        dir: PathBuf,
        #[command(flatten)]
        root: Root,
    },
    /// Make a version stable, if it is not worse than the one that is
    ///
    /// Both answer the same labelled articles. A figure whose 95 % interval of the difference (paired bootstrap) lies
    /// wholly below zero is worse, and the promotion is refused: exit code 1.
    Promote {
        /// NAME (its candidate) or NAME@VERSION
        model: String,
        #[command(flatten)]
        root: Root,
        /// Labelled articles to compare the two on; needed when there is a stable version
        #[arg(long, num_args = 1.., value_name = "FILE")]
        data: Vec<PathBuf>,
        /// Which rows of them
        #[arg(long, value_enum, value_name = "PART", default_value = "dev")]
        split: Part,
        /// Seed of the resampling
        #[arg(long, default_value_t = 42)]
        seed: u64,
        /// Promote in any case
        #[arg(long, requires = "reason")]
        force: bool,
        /// Why; kept in the history
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Make the version stable again that was before
    Rollback {
        /// The model
        name: String,
        #[command(flatten)]
        root: Root,
        /// Why; kept in the history
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Delete versions without a label, and what killed processes left behind
    Gc {
        /// The model [default: all]
        name: Option<String>,
        #[command(flatten)]
        root: Root,
        /// How many earlier stable versions to keep
        #[arg(long, value_name = "N", default_value_t = 3)]
        keep: usize,
    },
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Root {
    /// The store
    #[arg(long, value_name = "ROOT")]
    models: PathBuf,
}

impl Root {
    fn store(&self) -> anyhow::Result<Store> {
        Ok(Store::open(&self.models)?)
    }
}

pub(super) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    match command {
        Command::List { root } => list(&root.store()?, &mut out)?,
        Command::Show { model, models } => match (model, models) {
            (Some(model), Some(root)) => show_in(&Store::open(root)?, model, &mut out)?,
            (None, Some(_)) => {
                anyhow::bail!("which model? give NAME or NAME@VERSION; `wiredesk models list` tells them")
            }
            (dir, None) => show(&load_model(dir.as_deref().map(Path::new))?, &mut out)?,
        },
        Command::Verify { model, models } => {
            for dir in to_verify(model.as_deref(), models.as_deref())? {
                let identity = model::verify(&dir).with_context(|| dir.display().to_string())?;
                writeln!(out, "{}@{} sha256:{}", identity.name, identity.version, identity.digest)?;
            }
        }
        Command::Add { dir, root } => {
            let bundle = Bundle::read(dir).with_context(|| dir.display().to_string())?;
            Classifier::new(bundle.clone())?.self_test()?;
            let identity = Store::at(&root.models).install(bundle.manifest, &bundle.files)?;
            writeln!(out, "{}@{} is the candidate", identity.name, identity.version)?;
        }
        Command::Promote { model, root, data, split, seed, force, reason } => {
            let store = root.store()?;
            let selector = if model.contains('@') { model.clone() } else { format!("{model}@candidate") };
            let (name, version) = store.resolve(&selector)?;
            let gate = Gate { store: &store, name: &name, version: &version, data, split: *split, seed: *seed };
            let (said, worse, from) = gate.judge(*force)?;
            for line in &said {
                writeln!(out, "{line}")?;
            }
            if worse && !force {
                super::complain(&format!(
                    "{name}@{version} is worse than the stable version and was not promoted; --force --reason TEXT overrules this"
                ));
                return Ok(ExitCode::FAILURE);
            }
            let event = Event { from, reason: reason.clone(), gate: said, ..Event::now("promote", &version) };
            store.promote(&name, &version, event)?;
            writeln!(out, "{name}@{version} is stable")?;
        }
        Command::Rollback { name, root, reason } => {
            let version = root.store()?.rollback(name, reason.as_deref())?;
            writeln!(out, "{name}@{version} is stable")?;
        }
        Command::Gc { name, root, keep } => {
            let store = root.store()?;
            let names = name.as_ref().map_or_else(|| store.names(), |name| Ok(vec![name.clone()]))?;
            for name in names {
                for version in store.collect(&name, *keep)? {
                    writeln!(out, "{name}@{version} deleted")?;
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A promotion that is asked for.
struct Gate<'a> {
    store: &'a Store,
    name: &'a str,
    version: &'a str,
    data: &'a [PathBuf],
    split: Part,
    seed: u64,
}

impl Gate<'_> {
    /// What the comparison with the stable version says, a line a figure, whether one is worse, and the stable version.
    fn judge(&self, force: bool) -> anyhow::Result<(Vec<String>, bool, Option<String>)> {
        let new = self.open(self.version)?;
        let Some(stable) = self.store.labelled(self.name, Label::Stable)?.filter(|s| s != self.version) else {
            return Ok((Vec::new(), false, None));
        };
        if self.data.is_empty() {
            if force {
                return Ok((Vec::new(), true, Some(stable)));
            }
            anyhow::bail!(
                "{}@{stable} is stable: give --data FILE to compare the two, or --force --reason TEXT",
                self.name
            );
        }
        let base = match self.open(&stable) {
            Ok(base) => base,
            Err(_) if force => return Ok((Vec::new(), true, Some(stable))),
            Err(error) => return Err(error),
        };
        let rows = evaluate::labelled(self.data, self.split)?;
        let both = answers(&[&base, &new], &rows);
        let [base, new] = &both[..] else { anyhow::bail!("two models, not two answers") };
        if base.is_empty() {
            anyhow::bail!(
                "no {} row carries a label of these models' heads; --split chooses other rows",
                evaluate::name(self.split)
            );
        }
        let differences = compare(base, new, self.seed);
        let worse = differences.iter().any(Difference::worse);
        Ok((differences.iter().map(ToString::to_string).collect(), worse, Some(stable)))
    }

    fn open(&self, version: &str) -> anyhow::Result<Classifier> {
        let dir = self.store.dir(self.name, version)?;
        let model = Classifier::open(&dir).with_context(|| dir.display().to_string())?;
        model.self_test().with_context(|| dir.display().to_string())?;
        Ok(model)
    }
}

fn to_verify(model: Option<&str>, root: Option<&Path>) -> anyhow::Result<Vec<PathBuf>> {
    let Some(root) = root else { return Ok(model.map(PathBuf::from).into_iter().collect()) };
    let store = Store::open(root)?;
    if let Some(model) = model {
        let (name, version) = store.resolve(model)?;
        return Ok(vec![store.dir(&name, &version)?]);
    }
    let mut dirs = Vec::new();
    for name in store.names()? {
        for version in store.versions(&name)? {
            dirs.push(store.dir(&name, &version)?);
        }
    }
    Ok(dirs)
}

fn list(store: &Store, out: &mut impl Write) -> anyhow::Result<()> {
    for name in store.names()? {
        let labels: Vec<(Label, Option<String>)> =
            Label::ALL.into_iter().map(|l| Ok((l, store.labelled(&name, l)?))).collect::<anyhow::Result<_>>()?;
        for version in store.versions(&name)? {
            let borne = labels.iter().filter(|(_, v)| v.as_ref() == Some(&version));
            let borne: Vec<&str> = borne.map(|(label, _)| label.name()).collect();
            writeln!(out, "{}", format!("{name}@{version}  {}", borne.join(", ")).trim_end())?;
        }
    }
    Ok(())
}

fn show_in(store: &Store, model: &str, out: &mut impl Write) -> anyhow::Result<()> {
    let (name, version) = store.resolve(model)?;
    show(&load_model(Some(&store.dir(&name, &version)?))?, out)?;
    let history = store.history(&name)?;
    if !history.is_empty() {
        writeln!(out, "\n## What was done to {name}\n")?;
    }
    for Event { time, action, to, from, reason, gate } in history {
        let from = from.map_or_else(String::new, |from| format!(" (before: {from})"));
        let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
        writeln!(out, "- {}: {action} {to}{from}{reason}", utc(time))?;
        for line in gate {
            writeln!(out, "  - {line}")?;
        }
    }
    Ok(())
}

/// Seconds since 1970 as `2026-11-24 12:30:00 UTC` (civil from days: Hinnant 2013).
fn utc(time: u64) -> String {
    let (days, second) = ((time / 86_400) as i64, time % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
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

#[cfg(test)]
mod tests {
    use super::utc;

    #[test]
    fn tells_the_time() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(951_782_399), "2000-02-28 23:59:59 UTC");
        assert_eq!(utc(951_827_696), "2000-02-29 12:34:56 UTC");
        assert_eq!(utc(4_102_444_800), "2100-01-01 00:00:00 UTC");
    }
}
