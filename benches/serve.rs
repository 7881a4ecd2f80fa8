//! Calls a second of the server for an article of 3 kB, against two handlers
//! on the same transport that compute nothing: one answers an empty message,
//! one always the same real answer.
//!
//! `cargo bench --bench serve -- [--heads topic,region,stance] [--bytes N] [--fasttext-serving ADDRESS]`
//!
//! Without `--heads` all, as a request that names none; `--bytes` is the length of the article. With the address of a
//! running [fasttext-serving](https://github.com/messense/fasttext-serving) (`http://127.0.0.1:8000`, started with
//! `--grpc`) that is called in turn as well, with the same text.
//!
//! All run in this process, with the same runtime and the same client, turn
//! by turn; what counts are the ratios, not the rates. Where other programs
//! share the cores, the ratio of the processor time for a call (client
//! included) is the steadier one. So that it is the server that is measured,
//! the client does what load generators do: it sends the same bytes again and
//! again and does not decode the replies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod encoded;

use bytes::Bytes;
use encoded::{Encoded, METHOD};
use prost::Message as _;
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

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ARTICLE: &str = include_str!("../tests/data/article.txt");
const ARTICLE_BYTES: usize = 3_000;
const STREAMS: usize = 64;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(2);

/// Reads the request and always answers the same.
struct Canned(pb::ClassifyResponse);

#[tonic::async_trait]
impl ClassifierService for Canned {
    async fn classify(&self, _: Request<pb::ClassifyRequest>) -> Result<Response<pb::ClassifyResponse>, Status> {
        Ok(Response::new(self.0.clone()))
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
    let server =
        Builder::new_multi_thread().thread_name("io").worker_threads(cores.div_ceil(3)).enable_all().build().unwrap();
    let client = Builder::new_multi_thread()
        .thread_name("client")
        .worker_threads(cores.div_ceil(3))
        .enable_all()
        .build()
        .unwrap();

    let real = server.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let registry = Arc::new(Registry::default());
        registry.install(Classifier::embedded().unwrap());
        let config = Config {
            threads: cores,
            max_batch: 1,
            max_connection_age: Duration::from_secs(3_600),
            drain: Duration::ZERO,
            ..Config::default()
        };
        tokio::spawn(wiredesk::service::run(listener, registry, config, pending()));
        format!("http://{address}")
    });
    let answer = client.block_on(async {
        let mut client = ClassifierServiceClient::connect(real.clone()).await.unwrap();
        client.classify(request()).await.unwrap().into_inner()
    });
    let canned = |reply: pb::ClassifyResponse| {
        server.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let router = Server::builder().add_service(ClassifierServiceServer::new(Canned(reply)));
            tokio::spawn(router.serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true))));
            format!("http://{address}")
        })
    };
    let own = |address: &str| Called { address: address.to_owned(), path: METHOD, request: request().encode_to_vec() };
    let mut baselines = vec![
        ("an empty reply", own(&canned(pb::ClassifyResponse::default()))),
        ("a canned reply", own(&canned(answer))),
    ];
    if let Some(address) = option("--fasttext-serving") {
        let path = "/fasttext_serving.FasttextServing/predict";
        baselines.push((
            "fasttext-serving",
            Called { address, path, request: PredictRequest { text: one_line() }.encode_to_vec() },
        ));
    }
    let real = own(&real);

    let mut out = std::io::stdout();
    for (what, baseline) in baselines {
        let (mut rates, mut costs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let [base, real] = [&baseline, &real].map(|called| client.block_on(measure(called)));
            writeln!(
                out,
                "{what} {:.0}/s at {:.1} us, wiredesk {:.0}/s at {:.1} us",
                base.rate, base.cost, real.rate, real.cost
            )
            .unwrap();
            rates.push(real.rate / base.rate);
            costs.push(base.cost / real.cost);
        }
        let [rate, cost] = [rates, costs].map(|mut ratios| {
            ratios.sort_by(f64::total_cmp);
            ratios[ROUNDS / 2]
        });
        writeln!(
            out,
            "against {what}: {rate:.3} times the calls a second, {cost:.3} by processor time of this process \
             (medians of {ROUNDS} rounds; {STREAMS} streams, {cores} cores)"
        )
        .unwrap();
    }
    server.shutdown_background();
}

/// What follows a flag.
fn option(flag: &str) -> Option<String> {
    std::env::args().skip_while(|a| a != flag).nth(1)
}

/// The heads named after `--heads`; none: all.
fn heads() -> Vec<i32> {
    let named = option("--heads").unwrap_or_default();
    let heads = [pb::Head::Topic, pb::Head::Region, pb::Head::Stance].into_iter();
    heads
        .filter(|h| named.split(',').any(|n| h.as_str_name().ends_with(&n.to_uppercase()) && !n.is_empty()))
        .map(i32::from)
        .collect()
}

fn text() -> String {
    let bytes = option("--bytes").map_or(ARTICLE_BYTES, |bytes| bytes.parse().unwrap());
    ARTICLE.chars().cycle().take(bytes).collect()
}

/// fastText reads up to the end of a line.
fn one_line() -> String {
    text().replace('\n', " ")
}

/// What fasttext-serving is asked.
#[derive(Clone, PartialEq, prost::Message)]
struct PredictRequest {
    #[prost(string, tag = "1")]
    text: String,
}

fn request() -> pb::ClassifyRequest {
    let article = pb::Article { id: "1".into(), text: text(), ..Default::default() };
    let options = Some(pb::ClassifyOptions { heads: heads(), ..Default::default() });
    pb::ClassifyRequest { article: Some(article), options, ..Default::default() }
}

/// A handler, and what it is asked.
struct Called {
    address: String,
    path: &'static str,
    request: Vec<u8>,
}

/// What one round showed.
struct Measured {
    /// Calls a second.
    rate: f64,
    /// Microseconds of processor time for each, client and server together.
    cost: f64,
}

/// Calls with `STREAMS` at a time on one connection.
async fn measure(called: &Called) -> Measured {
    let channel = Endpoint::from_shared(called.address.clone()).unwrap().connect().await.unwrap();
    let calls = Arc::new(AtomicU64::new(0));
    let (begun, ticks) = (Instant::now(), processor_ticks());
    let workers: Vec<_> = (0..STREAMS)
        .map(|_| {
            let (mut client, calls) = (tonic::client::Grpc::new(channel.clone()), Arc::clone(&calls));
            let (request, path) = (Bytes::from(called.request.clone()), called.path);
            tokio::spawn(async move {
                while begun.elapsed() < ROUND {
                    client.ready().await.unwrap();
                    client.unary(Request::new(request.clone()), path.parse().unwrap(), Encoded).await.unwrap();
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
