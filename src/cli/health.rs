//! `wiredesk health`: the probe for containers and scripts.

use super::serve::parse_time;
use crate::service::probe;
use std::{
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

/// Ask a running server whether it serves: exit code 0 if so, else 1
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address and port of the server
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:50051")]
    address: String,
    /// A service such as wiredesk.v1.ClassifierService, or a head such as topic [default: the
    /// server as a whole]
    #[arg(long, value_name = "SERVICE", default_value = "", hide_default_value = true)]
    service: String,
    /// How long to wait for the answer
    #[arg(long, value_name = "TIME", value_parser = parse_time, default_value = "2s")]
    timeout: Duration,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let health = runtime.block_on(probe::check(&args.address, &args.service, args.timeout))?;
    writeln!(io::stdout(), "{}", health.state)?;
    Ok(if health.serving { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
