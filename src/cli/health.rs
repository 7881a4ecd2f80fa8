//! `wiredesk health`: the probe for containers and scripts.

use super::serve::parse_time;
use crate::service::{
    Place,
    probe::{self, Trust},
};
use anyhow::Context as _;
use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

/// Ask a running server whether it serves: exit code 0 if so, else 1
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address and port of the server, or unix:PATH [default: where --listen says]
    #[arg(long, value_name = "ADDRESS")]
    address: Option<Place>,
    /// The server's own --listen, as a container has it in WIREDESK_LISTEN: asked from inside
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:50051")]
    listen: Place,
    /// Over TLS, to a server that shows a certificate of one of these authorities (PEM)
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Over TLS, to a server that shows this very certificate (PEM), whatever name is in it: its own
    /// --tls-cert, as a container has it in WIREDESK_TLS_CERT
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// A service such as wiredesk.v1.ClassifierService, or a head such as topic [default: the
    /// server as a whole]
    #[arg(long, value_name = "SERVICE", default_value = "", hide_default_value = true)]
    service: String,
    /// How long to wait for the answer
    #[arg(long, value_name = "TIME", value_parser = parse_time, default_value = "2s")]
    timeout: Duration,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let trust = match (&args.tls_ca, &args.tls_cert) {
        (Some(ca), _) => Trust::authorities(ca).context("--tls-ca")?,
        (None, Some(cert)) => Trust::only(cert).context("--tls-cert")?,
        (None, None) => Trust::Plain,
    };
    let place = args.address.clone().unwrap_or_else(|| inside(&args.listen));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let health = runtime.block_on(probe::check(&place, trust, &args.service, args.timeout))?;
    writeln!(io::stdout(), "{}", health.state)?;
    Ok(if health.serving { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Who listens on all addresses is asked on the loopback one.
fn inside(listen: &Place) -> Place {
    match listen {
        Place::Tcp(address) => match address.rsplit_once(':') {
            Some(("0.0.0.0", port)) => Place::Tcp(format!("127.0.0.1:{port}")),
            Some(("[::]", port)) => Place::Tcp(format!("[::1]:{port}")),
            _ => listen.clone(),
        },
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_from_inside() {
        for (listen, ask) in [
            ("0.0.0.0:50051", "127.0.0.1:50051"),
            ("[::]:1", "[::1]:1"),
            ("10.0.0.1:1", "10.0.0.1:1"),
            ("unix:/x", "unix:/x"),
        ] {
            assert_eq!(inside(&listen.parse().unwrap()).to_string(), ask);
        }
    }
}
