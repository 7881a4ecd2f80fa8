//! The `wiredesk` binary: parse, telemetry, dispatch, exit code.

use std::process::ExitCode;
use wiredesk::cli;

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    cli.start_log();
    cli::exit_code(cli.run())
}
