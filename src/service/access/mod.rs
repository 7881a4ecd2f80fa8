//! Who may call what: certificates, tokens, roles.

mod tls;
mod tokens;
mod watched;

pub use tls::TlsFiles;
pub(super) use tls::{certificates, provider};
pub(super) use tokens::Role;

use super::{incoming::Peer, pb::model_service_server::SERVICE_NAME as MODELS, status::Refusal};
use http::HeaderMap;
use std::{fmt, path::PathBuf, sync::Arc, time::Duration};
use tokens::Tokens;
use tokio_rustls::rustls::ServerConfig;
use tokio_util::sync::CancellationToken;
use watched::Watched;

/// How soon a changed file takes effect.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);

/// Why certificates or tokens cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// A certificate, key or authority.
    #[error("{}: {problem}", file.display())]
    Tls {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The file of tokens.
    #[error("{place}: {problem}")]
    Tokens {
        /// File and line.
        place: String,
        /// What is wrong with it; no secret.
        problem: String,
    },
}

/// Who may call what. The default: everyone everything, without TLS.
#[derive(Default)]
pub struct Access {
    tls: Option<Watched<ServerConfig>>,
    /// Calls need a client's certificate.
    certified: bool,
    tokens: Option<Watched<Tokens>>,
}

/// What a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Nothing: probes must work wherever they stand.
    Nothing,
    /// A bearer of this role.
    Role(Role),
}

impl Access {
    /// Reads the files.
    ///
    /// # Errors
    /// When one of them cannot be used: says which, and why.
    pub fn open(tls: Option<TlsFiles>, tokens: Option<PathBuf>) -> Result<Self, AccessError> {
        Ok(Self {
            certified: tls.as_ref().is_some_and(|files| files.client_ca.is_some()),
            tls: tls.map(|files| Watched::open(files.list(), tls::read)).transpose()?,
            tokens: tokens.map(|file| Watched::open(vec![file], Tokens::read)).transpose()?,
        })
    }

    /// Whether connections are encrypted.
    pub fn encrypts(&self) -> bool {
        self.tls.is_some()
    }

    /// Whether a caller must show who it is.
    pub fn asks_who(&self) -> bool {
        self.certified || self.tokens.is_some()
    }

    /// The TLS configuration for the next connection.
    pub(super) fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.tls.as_ref().map(Watched::get)
    }

    /// Reads all files again; what is wrong is logged, and what was good stays.
    pub fn reload(&self) {
        let told = |what: &str, done: Result<(), AccessError>| match done {
            Ok(()) => tracing::info!("{what} read again"),
            Err(error) => tracing::error!(%error, "{what} not reloaded: the old ones stay"),
        };
        if let Some(tls) = &self.tls {
            told("certificates", tls.reload());
        }
        if let Some(tokens) = &self.tokens {
            told("tokens", tokens.reload());
        }
    }

    /// Looks at the files now and then until `stop`.
    pub(super) async fn follow(self: Arc<Self>, stop: CancellationToken) {
        let told = |what: &str, done: Result<bool, AccessError>| match done {
            Ok(true) => tracing::info!("{what} changed"),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "{what} not reloaded: the old ones stay"),
        };
        while stop.run_until_cancelled(tokio::time::sleep(FOLLOW_EVERY)).await.is_some() {
            let this = Arc::clone(&self);
            let look = move || {
                if let Some(tls) = &this.tls {
                    told("certificates", tls.reload_if_changed());
                }
                if let Some(tokens) = &this.tokens {
                    told("tokens", tokens.reload_if_changed());
                }
            };
            let _looked = tokio::task::spawn_blocking(look).await;
        }
    }

    /// Whether the call of `path` (`/package.Service/Method`) may go on.
    pub(super) fn check(&self, path: &str, headers: &HeaderMap, peer: Option<&Peer>) -> Result<(), Refusal> {
        if !self.asks_who() {
            return Ok(());
        }
        let Need::Role(role) = need(path) else { return Ok(()) };
        if self.certified && !peer.is_some_and(|peer| peer.certified) {
            return Err(Refusal::Unauthenticated("show a client certificate of an authority in --client-ca"));
        }
        let Some(tokens) = &self.tokens else { return Ok(()) };
        let token = bearer_token(headers).ok_or(Refusal::Unauthenticated("send authorization: Bearer TOKEN"))?;
        let tokens = tokens.get();
        let bearer = tokens.bearer(token).ok_or(Refusal::Unauthenticated("the bearer token is not known here"))?;
        if role == Role::Admin {
            tracing::info!(name = bearer.name, path, allowed = bearer.roles.contains(&role), "an admin call");
        }
        if bearer.roles.contains(&role) { Ok(()) } else { Err(Refusal::Forbidden(role)) }
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tls, tokens) = (self.tls.is_some(), self.tokens.is_some());
        f.debug_struct("Access")
            .field("tls", &tls)
            .field("certified", &self.certified)
            .field("tokens", &tokens)
            .finish()
    }
}

fn need(path: &str) -> Need {
    let (service, method) = path.strip_prefix('/').and_then(|p| p.split_once('/')).unwrap_or((path, ""));
    match (service, method) {
        (
            "grpc.health.v1.Health"
            | "grpc.reflection.v1.ServerReflection"
            | "grpc.reflection.v1alpha.ServerReflection",
            _,
        ) => Need::Nothing,
        ("inference.GRPCInferenceService", "ServerLive" | "ServerReady" | "ModelReady") => Need::Nothing,
        (MODELS, "ReloadModel" | "RollbackModel") => Need::Role(Role::Admin),
        ("wiredesk.v1.FeedbackService", _) => Need::Role(Role::Feedback),
        // Also what does not exist: a stranger need not know what does.
        _ => Need::Role(Role::Classify),
    }
}

/// The token of `authorization: Bearer TOKEN`.
fn bearer_token(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(http::header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(7)?;
    (scheme.eq_ignore_ascii_case(b"bearer ")).then(|| token.trim_ascii())
}
