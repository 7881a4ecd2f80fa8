//! Calls a second of the server against an empty handler on the same
//! transport, for an article of 3 kB: `cargo bench --bench serve`.
//!
//! Both run in this process, with the same runtime and the same client, turn
//! by turn; what counts are the ratios, not the rates. Where other programs
//! share the cores, the ratio of the processor time for a call (client
//! included) is the steadier one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    future::pending,
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, runtime::Builder};
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Endpoint, Server, server::TcpIncoming},
};
use wiredesk::{
    article::Limits,
    model::Classifier,
    service::{
        Config, Registry,
        pb::{
            self,
            classifier_service_client::ClassifierServiceClient,
            classifier_service_server::{ClassifierService, ClassifierServiceServer},
        },
    },
};

const ARTICLE: &str = include_str!("../tests/data/article.txt");
const ARTICLE_BYTES: usize = 3_000;
const STREAMS: usize = 64;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(2);

/// Reads the request and says nothing.
struct Empty;

#[tonic::async_trait]
impl ClassifierService for Empty {
    async fn classify(&self, _: Request<pb::ClassifyRequest>) -> Result<Response<pb::ClassifyResponse>, Status> {
        Ok(Response::new(pb::ClassifyResponse::default()))
    }

    async fn classify_batch(
        &self,
        _: Request<pb::ClassifyBatchRequest>,
    ) -> Result<Response<pb::ClassifyBatchResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    type ClassifyStreamStream = tokio_stream::Empty<Result<pb::ClassifyStreamResponse, Status>>;

    async fn classify_stream(
        &self,
        _: Request<Streaming<pb::ClassifyStreamRequest>>,
    ) -> Result<Response<Self::ClassifyStreamStream>, Status> {
        Err(Status::unimplemented(""))
    }
}

fn main() {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // As `wiredesk serve` does; the client has a runtime of its own.
    let server = Builder::new_multi_thread().worker_threads(cores.div_ceil(3)).enable_all().build().unwrap();
    let client = Builder::new_multi_thread().worker_threads(cores.div_ceil(3)).enable_all().build().unwrap();

    let real = server.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let registry = Arc::new(Registry::default());
        registry.install(Classifier::embedded().unwrap());
        let config = Config {
            threads: cores,
            max_in_flight: 1024,
            max_batch: 1,
            max_message_bytes: 16 << 20,
            max_streams: 256,
            max_connection_age: Duration::from_secs(3_600),
            limits: Limits::default(),
            notice: Duration::ZERO,
            drain: Duration::ZERO,
        };
        tokio::spawn(wiredesk::service::run(listener, registry, config, pending()));
        format!("http://{address}")
    });
    let empty = server.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Server::builder().add_service(ClassifierServiceServer::new(Empty));
        tokio::spawn(router.serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true))));
        format!("http://{address}")
    });

    let mut out = std::io::stdout();
    let (mut rates, mut costs) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let [empty, real] = [&empty, &real].map(|address| client.block_on(measure(address)));
        let (rate, cost) = (real.rate / empty.rate, empty.cost / real.cost);
        writeln!(
            out,
            "round {round}: empty {:.0}/s at {:.1} us, wiredesk {:.0}/s at {:.1} us, ratios {rate:.3} and {cost:.3}",
            empty.rate, empty.cost, real.rate, real.cost
        )
        .unwrap();
        rates.push(rate);
        costs.push(cost);
    }
    let median = |mut ratios: Vec<f64>| {
        ratios.sort_by(f64::total_cmp);
        ratios[ROUNDS / 2]
    };
    writeln!(
        out,
        "median of {ROUNDS} rounds, {STREAMS} streams, {cores} cores: {:.3} of the calls a second, {:.3} by processor time",
        median(rates),
        median(costs)
    )
    .unwrap();
    server.shutdown_background();
}

fn request() -> pb::ClassifyRequest {
    let text: String = ARTICLE.chars().cycle().take(ARTICLE_BYTES).collect();
    let article = pb::Article { id: "1".into(), text, ..Default::default() };
    pb::ClassifyRequest { article: Some(article), ..Default::default() }
}

/// What one round showed.
struct Measured {
    /// Calls a second.
    rate: f64,
    /// Microseconds of processor time for each, client and server together.
    cost: f64,
}

/// Calls with `STREAMS` at a time on one connection.
async fn measure(address: &str) -> Measured {
    let channel = Endpoint::from_shared(address.to_owned()).unwrap().connect().await.unwrap();
    let calls = Arc::new(AtomicU64::new(0));
    let (begun, ticks) = (Instant::now(), processor_ticks());
    let workers: Vec<_> = (0..STREAMS)
        .map(|_| {
            let (mut client, calls) = (ClassifierServiceClient::new(channel.clone()), Arc::clone(&calls));
            let request = request();
            tokio::spawn(async move {
                while begun.elapsed() < ROUND {
                    client.classify(request.clone()).await.unwrap();
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    let calls = calls.load(Ordering::Relaxed) as f64;
    let cost = (processor_ticks() - ticks) * MICROSECONDS_A_TICK / calls;
    Measured { rate: calls / begun.elapsed().as_secs_f64(), cost }
}

/// Linux counts in hundredths of a second.
const MICROSECONDS_A_TICK: f64 = 10_000.0;

/// Processor time of this process; not a number where there is no `/proc`.
fn processor_ticks() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in parentheses: state is field 0, utime 11, stime 12.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: Vec<f64> = fields.skip(11).take(2).filter_map(|f| f.parse().ok()).collect();
    if ticks.len() == 2 { ticks[0] + ticks[1] } else { f64::NAN }
}
