//! The flags of `serve` about who may call, and what is refused without them.

use crate::service::{self, Listener, TlsFiles, parse_origin};
use anyhow::Context as _;
use std::path::PathBuf;

/// Who may call
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Who may call")]
pub(super) struct Access {
    /// Encrypt connections, with this certificate (PEM, followed by those between it and its root);
    /// read again when it changes, and on SIGHUP
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(super) tls_cert: Option<PathBuf>,
    /// The private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(super) tls_key: Option<PathBuf>,
    /// Ask clients for a certificate of one of these authorities (PEM). Without one, only health and
    /// reflection answer
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(super) client_ca: Option<PathBuf>,
    /// Ask calls for a bearer token of this file, but for health and reflection: a line a token, NAME
    /// ROLES TOKEN; roles are classify, feedback, admin, joined by commas; for TOKEN also sha256:HEX.
    /// Read again when it changes, and on SIGHUP
    #[arg(long, value_name = "FILE")]
    pub(super) tokens: Option<PathBuf>,
    /// Let pages of this site call, as in https://news.example; may be given several times; *: all
    #[arg(long, value_name = "ORIGIN", value_parser = parse_origin)]
    pub(super) cors_origin: Vec<http::HeaderValue>,
    /// Listen on an address that other machines reach although nothing is encrypted, as behind a proxy
    /// that encrypts
    #[arg(long)]
    pub(super) insecure_public: bool,
}

impl Access {
    /// Reads certificates and tokens.
    pub(super) fn open(&self) -> anyhow::Result<service::Access> {
        let tls = self.tls_cert.clone().zip(self.tls_key.clone());
        let tls = tls.map(|(cert, key)| TlsFiles { cert, key, client_ca: self.client_ca.clone() });
        service::Access::open(tls, self.tokens.clone()).context("cannot use the certificates or tokens")
    }

    /// Refuses to stand open to strangers without having been told so.
    pub(super) fn may_listen(&self, listener: &Listener, access: &service::Access, flag: &str) -> anyhow::Result<()> {
        if !listener.is_public() {
            return Ok(());
        }
        let address = listener.address();
        if !access.encrypts() {
            anyhow::ensure!(
                self.insecure_public,
                "{flag} {address} can be reached from other machines and nothing is encrypted: give --tls-cert and \
                 --tls-key, listen on 127.0.0.1, or say --insecure-public if that is meant"
            );
            let tokens = if access.asks_who() { " Tokens travel readable." } else { "" };
            tracing::warn!(address, "open to other machines without encryption (--insecure-public).{tokens}");
        } else if !access.asks_who() {
            tracing::warn!(address, "whoever reaches this address may call: neither --tokens nor --client-ca");
        }
        Ok(())
    }
}
