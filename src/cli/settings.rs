//! Every flag from the environment and from one TOML file.
//!
//! Both are given to clap: the environment as the flag's variable, the file's
//! values as the flag's defaults. So a flag beats its variable, the variable
//! beats the file, and all are checked alike.

use clap::{
    Arg, ArgAction, Command, CommandFactory,
    builder::{BoolishValueParser, OsStr},
};
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};
use toml::{Table, Value};

/// The command line of `C` with its variables and the defaults of the
/// configuration file that `args` or the environment name.
pub(super) fn command<C: CommandFactory>(args: &[OsString]) -> Result<Command, String> {
    let command = with_variables(C::command());
    match config_path(command.clone(), args) {
        None => Ok(command),
        Some(path) => with_file(command, &path),
    }
}

/// Gives each flag of `command`, and of all commands below it, its variable.
fn with_variables(command: Command) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    let command = command.mut_args(|arg| {
        let Some(long) = arg.get_long() else { return arg };
        let variable = format!("WIREDESK_{}", long.to_uppercase().replace('-', "_"));
        let arg = arg.env(OsStr::from(variable));
        // Else the variable would have to be "true" or "false" to the letter.
        if matches!(arg.get_action(), ArgAction::SetTrue) {
            return arg.value_parser(BoolishValueParser::new());
        }
        arg
    });
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, with_variables))
}

/// The value of `--config`, whatever else is wrong with the command line.
fn config_path(command: Command, args: &[OsString]) -> Option<PathBuf> {
    let matches = command.ignore_errors(true).try_get_matches_from(args).ok()?;
    let mut innermost = &matches;
    while let Some((name, matches)) = innermost.subcommand() {
        // Its file holds the settings of the training, not the flags.
        if name == "train" || name == "compare" {
            return None;
        }
        innermost = matches;
    }
    innermost.try_get_one::<PathBuf>("config").ok().flatten().cloned()
}

fn with_file(command: Command, path: &Path) -> Result<Command, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let table: Table = text.parse().map_err(|e| format!("{}: {e}", path.display()))?;
    with_table(command, table).map_err(|e| format!("{}: {e}", path.display()))
}

/// Takes the values of `table` as defaults. A key that is not known is an error.
fn with_table(mut command: Command, table: Table) -> Result<Command, String> {
    for (key, value) in table {
        let flag = key.replace('_', "-");
        if let Value::Table(table) = value {
            if command.find_subcommand(&flag).is_none() {
                return Err(format!("[{key}] is no command; there are: {}", list(subcommands(&command))));
            }
            let mut inner = Ok(());
            command = command.mut_subcommand(flag, |below| {
                with_table(below.clone(), table).unwrap_or_else(|e| {
                    inner = Err(format!("[{key}] {e}"));
                    below
                })
            });
            inner?;
            continue;
        }
        let known = command.get_arguments().find(|arg| arg.get_long() == Some(&flag) && flag != "config");
        let Some(id) = known.map(|arg| arg.get_id().clone()) else {
            return Err(format!("no setting {key:?}; there are: {}", list(settings(&command))));
        };
        let values = scalars(&value).ok_or_else(|| format!("{key}: neither a value nor a list of values"))?;
        command = command.mut_arg(id, |arg| arg.required(false).default_values(values));
    }
    Ok(command)
}

fn subcommands(command: &Command) -> impl Iterator<Item = &str> {
    command.get_subcommands().map(Command::get_name)
}

fn settings(command: &Command) -> impl Iterator<Item = &str> {
    command.get_arguments().filter_map(Arg::get_long).filter(|&long| !matches!(long, "config" | "help" | "version"))
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// The value, or each value of a list, as it would stand on the command line.
fn scalars(value: &Value) -> Option<Vec<OsStr>> {
    match value {
        Value::Array(values) => values.iter().map(scalar).collect(),
        value => scalar(value).map(|v| vec![v]),
    }
}

fn scalar(value: &Value) -> Option<OsStr> {
    match value {
        Value::String(s) => Some(OsStr::from(s.clone())),
        Value::Integer(n) => Some(OsStr::from(n.to_string())),
        Value::Float(x) => Some(OsStr::from(x.to_string())),
        Value::Boolean(b) => Some(OsStr::from(b.to_string())),
        Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::{ArgMatches, parser::ValueSource};

    fn matches(file: &str, args: &[&str]) -> Result<ArgMatches, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("wiredesk.toml");
        fs::write(&path, file).unwrap();
        let mut line: Vec<OsString> = vec!["wiredesk".into()];
        line.extend(args.iter().map(OsString::from));
        line.extend(["--config".into(), path.into_os_string()]);
        let command = command::<Cli>(&line)?;
        command.try_get_matches_from(line).map_err(|e| e.to_string())
    }

    #[test]
    fn the_command_line_is_sound() {
        with_variables(Cli::command()).debug_assert();
    }

    #[test]
    fn a_flag_beats_the_file_which_beats_the_default() {
        let file = "log = 'warn'\n[serve]\nmax_batch = 7\nlisten = '127.0.0.1:1'\n";
        let matches = matches(file, &["serve", "--listen", "127.0.0.1:2"]).unwrap();
        let serve = matches.subcommand_matches("serve").unwrap();
        assert!(serve.get_raw("listen").unwrap().eq(["127.0.0.1:2"]));
        assert_eq!(serve.get_one::<usize>("max_batch"), Some(&7));
        assert_eq!(serve.value_source("listen"), Some(ValueSource::CommandLine));
        assert_eq!(matches.get_one::<String>("log").unwrap(), "warn");
    }

    #[test]
    fn flags_and_lists_come_from_the_file() {
        let matches = matches("[classify]\ntarget = ['A', 'B']\nexplain = true\n", &["classify", "-"]).unwrap();
        let classify = matches.subcommand_matches("classify").unwrap();
        assert_eq!(classify.get_many::<String>("target").unwrap().collect::<Vec<_>>(), ["A", "B"]);
        assert!(classify.get_flag("explain"));
    }

    #[test]
    fn what_is_not_known_is_an_error() {
        for (file, says) in [
            ("lisen = 'x'\n", "no setting \"lisen\"; there are: log"),
            ("[serv]\n", "[serv] is no command; there are: serve"),
            ("[serve]\nlisten_on = 'x'\n", "[serve] no setting \"listen_on\""),
            ("[models.show]\nx = 1\n", "[models] [show] no setting \"x\""),
            ("config = 'x'\n", "no setting \"config\""),
            ("[serve]\nthreads = 'many'\n", "invalid value 'many' for '--threads"),
            ("[serve]\nthreads = {}\n", "[threads] is no command"),
            ("[serve\n", "TOML parse error"),
        ] {
            let error = matches(file, &["serve"]).unwrap_err();
            assert!(error.contains(says), "{file}: {error}");
        }
    }
}
