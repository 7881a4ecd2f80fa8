//! `wiredesk serve`: the gRPC server, from flags to signals.

use super::{access::Access, cores, load_model};
use crate::{
    article::Limits,
    service::{
        self, Config, Handed, Listener, Listeners, Place, Registry, ReloadError, Source, follow, run as serve,
        serve_admin,
    },
};
use anyhow::Context as _;
use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};
use tokio::net::TcpListener;

/// Answer gRPC calls: classify articles, describe the model, report health
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to answer gRPC: an address and port (port 0 takes a free one and logs it), unix:PATH,
    /// or systemd for a socket that systemd opened
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:50051")]
    listen: Place,
    /// Where to answer JSON over HTTP, written likewise; with the same certificate and tokens
    #[arg(long, value_name = "ADDRESS")]
    http: Option<Place>,
    /// Answer /metrics, /livez and /readyz over HTTP on this address; not for strangers
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,
    /// Serve the model bundle in this directory instead of the one in the binary
    #[arg(long, value_name = "DIR", conflicts_with = "models")]
    model: Option<PathBuf>,
    /// Serve the stable and candidate versions of this store, and follow its labels: a promotion or
    /// a rollback takes effect within a second
    #[arg(long, value_name = "ROOT")]
    models: Option<PathBuf>,
    /// The store's model that answers when a call names none [default: the only one, or the one
    /// named default]
    #[arg(long, value_name = "NAME", requires = "models")]
    default_model: Option<String>,
    /// Share of the calls that the candidate answers too, unseen, to be compared in ListModels
    #[arg(long, value_name = "SHARE", value_parser = parse_share, default_value = "0")]
    shadow_share: f64,
    /// Threads that classify [default: one for each core]
    #[arg(long, value_name = "N", value_parser = parse_count)]
    threads: Option<usize>,
    /// Threads for the network [default: one for every three cores]
    #[arg(long, value_name = "N", value_parser = parse_count)]
    io_threads: Option<usize>,
    /// Single calls that may wait for a thread; beyond, RESOURCE_EXHAUSTED at once
    #[arg(long, value_name = "N", value_parser = parse_count, default_value = "1024")]
    max_in_flight: usize,
    /// Longest that a single call may wait for a thread; beyond, RESOURCE_EXHAUSTED
    #[arg(long, value_name = "TIME", value_parser = parse_some_time, default_value = "2s")]
    max_wait: Duration,
    /// Most articles in one ClassifyBatch
    #[arg(long, value_name = "N", value_parser = parse_count, default_value = "10000")]
    max_batch: usize,
    /// Most bytes in the title and text of one article
    #[arg(long, value_name = "BYTES", value_parser = parse_count, default_value = "1048576")]
    max_text_bytes: usize,
    /// Most targets of one article
    #[arg(long, value_name = "N", value_parser = parse_count, default_value = "100")]
    max_targets: usize,
    /// Most bytes in one message, decompressed
    #[arg(long, value_name = "BYTES", value_parser = parse_count, default_value = "16777216")]
    max_message_bytes: usize,
    /// Most calls at a time on one connection
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), default_value = "256")]
    max_streams: u32,
    /// Most connections at a time; more are closed at once
    #[arg(long, value_name = "N", value_parser = parse_count, default_value = "4096")]
    max_connections: usize,
    /// Most bytes in all headers of one call
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1024..), default_value = "16384")]
    max_header_bytes: u32,
    /// Calls that a client may open and take back before they are looked at; beyond, its connection is
    /// closed
    #[arg(long, value_name = "N", value_parser = parse_count, default_value = "20")]
    max_resets: usize,
    /// Pings, and other frames without a call, that a client may send in a row; beyond, its connection
    /// is closed
    #[arg(long, value_name = "N", value_parser = parse_count, default_value = "1000")]
    max_pings: usize,
    /// How long a new connection may take for its TLS handshake, and again until its first request
    #[arg(long, value_name = "TIME", value_parser = parse_some_time, default_value = "10s")]
    handshake_timeout: Duration,
    /// How long a call may take until it is answered, or a stream opened, whatever deadline its
    /// caller sets
    #[arg(long, value_name = "TIME", value_parser = parse_some_time, default_value = "5m")]
    max_call_time: Duration,
    /// End a stream on which nothing is sent for this long
    #[arg(long, value_name = "TIME", value_parser = parse_some_time, default_value = "1h")]
    stream_idle_timeout: Duration,
    /// Ask clients to connect anew after this time, so that they spread over replicas
    #[arg(long, value_name = "TIME", value_parser = parse_some_time, default_value = "30m")]
    max_connection_age: Duration,
    /// After that, what still goes on on a connection has this long until it is cut
    #[arg(long, value_name = "TIME", value_parser = parse_time, default_value = "1h")]
    connection_grace: Duration,
    /// On SIGTERM, go on serving for this long while health says NOT_SERVING
    #[arg(long, value_name = "TIME", value_parser = parse_time, default_value = "0s")]
    shutdown_notice: Duration,
    /// After that, give calls in flight this long to finish
    #[arg(long, value_name = "TIME", value_parser = parse_time, default_value = "10s")]
    drain_timeout: Duration,
    // Last: its heading would else stand above what follows.
    #[command(flatten)]
    access: Access,
}

/// A number from 1.
pub(super) fn parse_count(value: &str) -> Result<usize, String> {
    match value.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(n) => Ok(n),
        Err(e) => Err(format!("{e}")),
    }
}

/// A number from 0 to 1.
fn parse_share(value: &str) -> Result<f64, String> {
    value.parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| "from 0 to 1".to_owned())
}

/// A time such as `500ms`, `10s`, `30m` or `2h`.
pub(super) fn parse_time(value: &str) -> Result<Duration, String> {
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = value.split_at(digits);
    let wrong = || format!("{value:?} is not a time such as 500ms, 10s, 30m or 2h");
    let number: u64 = number.parse().map_err(|_| wrong())?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(60 * 60).map(Duration::from_secs),
        _ => None,
    }
    .filter(|time| *time <= Duration::from_secs(366 * 24 * 60 * 60))
    .ok_or_else(wrong)
}

/// A time that is not 0: without any no call could be answered.
fn parse_some_time(value: &str) -> Result<Duration, String> {
    parse_time(value).and_then(|time| if time.is_zero() { Err("must be more than 0".to_owned()) } else { Ok(time) })
}

impl Args {
    /// Where the models come from; `None`: from the binary.
    fn source(&self) -> Option<Source> {
        let store = self.models.clone().map(|root| Source::Store { root, default: self.default_model.clone() });
        store.or_else(|| self.model.clone().map(Source::Folder))
    }

    fn config(&self, access: Arc<service::Access>) -> Config {
        Config {
            access,
            cors_origins: self.access.cors_origin.clone(),
            connection_grace: self.connection_grace,
            max_connections: self.max_connections,
            max_header_bytes: self.max_header_bytes,
            max_resets: self.max_resets,
            max_pings: self.max_pings,
            handshake_timeout: self.handshake_timeout,
            max_call_time: self.max_call_time,
            stream_idle_timeout: self.stream_idle_timeout,
            threads: self.threads.unwrap_or_else(cores),
            max_in_flight: self.max_in_flight,
            max_wait: self.max_wait,
            max_batch: self.max_batch,
            max_message_bytes: self.max_message_bytes,
            max_streams: self.max_streams,
            max_connection_age: self.max_connection_age,
            limits: Limits { max_text_bytes: self.max_text_bytes, max_targets: self.max_targets, ..Limits::default() },
            notice: self.shutdown_notice,
            drain: self.drain_timeout,
        }
    }
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(args.io_threads.unwrap_or_else(|| cores().div_ceil(3)))
        .enable_all()
        .build()
        .context("cannot start the network threads")?;
    let result = runtime.block_on(listen(args));
    // What the drain did not end is not waited for.
    runtime.shutdown_background();
    result
}

async fn listen(args: &Args) -> anyhow::Result<ExitCode> {
    // Signals first: one that comes while the model loads is not lost.
    let stop = signals()?;
    let (access, listeners) = open(args).await?;
    tracing::info!(address = %listeners.grpc.address(), "listening");
    if let Some(http) = &listeners.http {
        tracing::info!(http = %http.address(), "listening");
    }

    let registry = Arc::new(Registry::default());
    registry.set_shadow_share(args.shadow_share);
    if let Some(address) = &args.admin {
        let listener =
            TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address} (--admin)"))?;
        let bound = listener.local_addr()?;
        anyhow::ensure!(
            bound.ip().is_loopback() || args.access.insecure_public,
            "--admin {bound} can be reached from other machines and is never encrypted: listen on 127.0.0.1, or say \
             --insecure-public if that is meant"
        );
        tracing::info!(admin = %bound, "listening");
        // Ends with the runtime, so that it tells of the drain too.
        tokio::spawn(serve_admin(listener, Arc::clone(&registry)));
    }
    let loading = tokio::task::spawn_blocking({
        let (registry, source) = (Arc::clone(&registry), args.source());
        move || load(&registry, source)
    });
    // Both end with the runtime.
    tokio::spawn(follow(Arc::clone(&registry), FOLLOW_EVERY));
    #[cfg(unix)]
    tokio::spawn(reload_on_hangup(Arc::clone(&registry), Arc::clone(&access))?);
    let mut failure = None;
    let shutdown = async {
        let failed = async {
            match loading.await {
                Ok(Ok(())) => std::future::pending().await,
                Ok(Err(error)) => error,
                Err(panic) => anyhow::Error::from(panic).context("loading the model failed"),
            }
        };
        tokio::select! {
            () = stop => {}
            error = failed => failure = Some(error),
        }
    };
    serve(listeners, registry, args.config(access), shutdown).await?;
    match failure {
        Some(error) => Err(error),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Certificates, tokens and sockets; refuses to stand open to strangers.
async fn open(args: &Args) -> anyhow::Result<(Arc<service::Access>, Listeners)> {
    let access = Arc::new(args.access.open()?);
    let mut handed = Handed::default();
    let mut bind = async |place: &Place, flag: &str| {
        let bound = Listener::bind(place, &mut handed).await;
        let listener = bound.with_context(|| format!("cannot listen on {place} ({flag})"))?;
        args.access.may_listen(&listener, &access, flag)?;
        anyhow::Ok(listener)
    };
    let grpc = bind(&args.listen, "--listen").await?;
    let http = match &args.http {
        Some(place) => Some(bind(place, "--http").await?),
        None => None,
    };
    Ok((access, Listeners { grpc, http }))
}

/// How soon a changed label takes effect.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);

fn load(registry: &Registry, source: Option<Source>) -> anyhow::Result<()> {
    let Some(source) = source else {
        let model = load_model(None)?;
        // As any other: ready when it answers as it did when it was made.
        model.self_test().context("cannot use the model in this binary")?;
        let identity = model.identity().clone();
        registry.install(model);
        tracing::info!(name = identity.name, version = identity.version, digest = identity.digest, "serving");
        return Ok(());
    };
    let place = match &source {
        Source::Store { root, .. } => format!("cannot use the models in {}", root.display()),
        Source::Folder(dir) => format!("cannot use the model in {}", dir.display()),
    };
    registry.load_from(source);
    registry.reload().context(place)?;
    Ok(())
}

/// SIGHUP reads certificates, tokens and models anew; what is wrong with them is in the log.
#[cfg(unix)]
fn reload_on_hangup(registry: Arc<Registry>, access: Arc<service::Access>) -> anyhow::Result<impl Future<Output = ()>> {
    let mut hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?;
    Ok(async move {
        while hangup.recv().await.is_some() {
            let registry = Arc::clone(&registry);
            let access = Arc::clone(&access);
            let reload = move || {
                access.reload();
                registry.reload()
            };
            match tokio::task::spawn_blocking(reload).await {
                // The model of the binary cannot change.
                Ok(Err(ReloadError::NoSource)) => {}
                Ok(Ok(models)) => tracing::info!(models = models.len(), "reloaded"),
                Ok(Err(error)) => tracing::error!(%error, "not reloaded"),
                Err(panic) => tracing::error!(%panic, "not reloaded"),
            }
        }
    })
}

/// Ends at the first SIGTERM or interrupt from the keyboard.
fn signals() -> anyhow::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    #[cfg(unix)]
    let terminated = async move { terminate.recv().await };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<Option<()>>();
    #[cfg(unix)]
    let mut interrupt = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
    #[cfg(unix)]
    let interrupted = async move { interrupt.recv().await };
    #[cfg(not(unix))]
    let interrupted = tokio::signal::ctrl_c();
    Ok(async {
        tokio::select! {
            _ = terminated => {}
            _ = interrupted => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each limit has its flag, and each flag is its limit.
    #[test]
    fn each_flag_is_its_own_limit() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            args: Args,
        }
        let line = "serve --threads 1 --max-in-flight 2 --max-batch 3 --max-text-bytes 4 --max-targets 5 \
                    --max-message-bytes 6 --max-streams 7 --max-connections 8 --max-header-bytes 1024 --max-resets 9 \
                    --max-pings 10 --handshake-timeout 11s --max-call-time 12s --stream-idle-timeout 13s \
                    --max-wait 18s --max-connection-age 14s --connection-grace 15s --shutdown-notice 16s --drain-timeout 17s \
                    --cors-origin https://news.example";
        let args = <Line as clap::Parser>::parse_from(line.split_whitespace()).args;
        let access: Arc<service::Access> = Arc::default();
        // All fields by name: a limit that is added needs its flag here.
        let expect = Config {
            threads: 1,
            max_in_flight: 2,
            max_wait: Duration::from_secs(18),
            max_batch: 3,
            limits: Limits { max_text_bytes: 4, max_targets: 5, ..Limits::default() },
            max_message_bytes: 6,
            max_streams: 7,
            max_connections: 8,
            max_header_bytes: 1024,
            max_resets: 9,
            max_pings: 10,
            handshake_timeout: Duration::from_secs(11),
            max_call_time: Duration::from_secs(12),
            stream_idle_timeout: Duration::from_secs(13),
            max_connection_age: Duration::from_secs(14),
            connection_grace: Duration::from_secs(15),
            notice: Duration::from_secs(16),
            drain: Duration::from_secs(17),
            cors_origins: vec![http::HeaderValue::from_static("https://news.example")],
            access: Arc::clone(&access),
        };
        assert_eq!(format!("{:#?}", args.config(access)), format!("{expect:#?}"));
    }

    #[test]
    fn reads_times_and_counts() {
        assert_eq!(parse_time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_time("2h"), Ok(Duration::from_secs(7_200)));
        for bad in ["", "5", "s", "-1s", "1.5s", "1d", "99999999999999999999s", "9999999999h"] {
            assert!(parse_time(bad).is_err(), "{bad}");
        }
        assert!(parse_some_time("0s").is_err() && parse_some_time("soon").is_err());
        assert_eq!((parse_some_time("1ms"), parse_time("0s")), (Ok(Duration::from_millis(1)), Ok(Duration::ZERO)));
        assert_eq!(parse_count("3"), Ok(3));
        assert!(parse_count("0").is_err() && parse_count("-1").is_err());
    }
}
