//! The `wiredesk` binary: parse, telemetry, dispatch, exit code.

use std::process::ExitCode;
use wiredesk::cli;

/// Replies are built on one thread and freed on another, which the C library's allocator pays for with locks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let _telemetry = cli.start_log();
    cli::exit_code(cli.run())
}
