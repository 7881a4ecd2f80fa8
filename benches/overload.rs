//! What is left of a server that is asked for ten times what it can do.
//!
//! `cargo bench --bench overload -- [--times N] [--seconds S] [--copies N] [--server ADDRESS] [SERVE FLAG...]`, the last as
//! in `--max-in-flight 64`. The last line is the figures in JSON.
//!
//! The server is the real binary with one classifying thread, or one that runs already (`--server 127.0.0.1:50051`), the
//! clients are in this process. The requests are dear (many targets), so that two cores can also send ten times as many as
//! one thread answers.
//! Three phases: one caller at a time (unloaded), as many callers as give the most answers (peak), and calls that
//! come at ten times the peak's rate whatever becomes of them (overload; its first second by itself).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod encoded;

use bytes::Bytes;
use encoded::{Encoded, METHOD};
use prost::Message as _;
use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write as _},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{runtime::Builder, task::JoinSet, time::MissedTickBehavior};
use tonic::{
    Code, Request,
    client::Grpc,
    transport::{Channel, Endpoint},
};
use wiredesk::service::pb;

const ARTICLE: &str = include_str!("../tests/data/article.txt");
/// Enough that no connection reaches its limit of calls at a time: what is too many must come to the server.
const CONNECTIONS: usize = 32;
/// As many as a request may have.
const TARGETS: usize = 100;
/// Of the article in a request: so many that a call takes longer than a millisecond. With cheaper ones it is the clients,
/// on the same cores, that cannot keep up with ten times the peak.
const COPIES: usize = 8;
/// In which the queue fills up and is cut: told apart.
const FIRST: Duration = Duration::from_secs(1);
/// Calls are sent in bunches, as often.
const TICK: Duration = Duration::from_millis(2);

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

fn serve(flags: &[String]) -> (Server, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_wiredesk"))
        .args(["serve", "--listen", "127.0.0.1:0", "--threads", "1"])
        .args(flags)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut line = || log.next().expect("the server ended").unwrap();
    let address = loop {
        if let Some((_, address)) = line().split_once("listening address=") {
            break address.to_owned();
        }
    };
    while !line().contains("serving name=") {}
    std::thread::spawn(move || log.for_each(drop));
    (Server(child), address)
}

fn request(copies: usize) -> pb::ClassifyRequest {
    let names: BTreeSet<&str> = ARTICLE
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| word.len() > 3 && word.starts_with(char::is_uppercase))
        .collect();
    let target = |name: &&str| pb::Target { name: (*name).to_owned(), ..Default::default() };
    pb::ClassifyRequest {
        article: Some(pb::Article { text: [ARTICLE].repeat(copies).join("\n\n"), ..Default::default() }),
        targets: names.iter().cycle().take(TARGETS).map(target).collect(),
        options: Some(pb::ClassifyOptions { heads: vec![pb::Head::Stance.into()], ..Default::default() }),
        ..Default::default()
    }
}

/// What became of the calls of a phase.
#[derive(Default)]
struct Outcome {
    answered: Vec<Duration>,
    refused: Vec<Duration>,
    other: Vec<Code>,
}

impl Outcome {
    fn add(&mut self, took: Duration, result: Result<(), Code>) {
        match result {
            Ok(()) => self.answered.push(took),
            Err(Code::ResourceExhausted) => self.refused.push(took),
            Err(code) => self.other.push(code),
        }
    }
}

fn quantile(times: &mut [Duration], q: f64) -> f64 {
    times.sort_unstable();
    let at = ((times.len() as f64 * q) as usize).min(times.len().saturating_sub(1));
    times.get(at).map_or(f64::NAN, |t| t.as_secs_f64() * 1e3)
}

#[derive(Clone)]
struct Clients {
    channels: Vec<Channel>,
    request: Bytes,
}

impl Clients {
    async fn call(&self, i: usize) -> (Duration, Result<(), Code>) {
        let (mut client, request) =
            (Grpc::new(self.channels[i % CONNECTIONS].clone()), Request::new(self.request.clone()));
        let begun = Instant::now();
        client.ready().await.unwrap();
        let result = client.unary(request, METHOD.parse().unwrap(), Encoded).await;
        (begun.elapsed(), result.map(drop).map_err(|status| status.code()))
    }

    /// `callers` that each call again when they have been answered.
    async fn closed(&self, callers: usize, time: Duration) -> Outcome {
        let outcome = Arc::new(Mutex::new(Outcome::default()));
        let mut tasks = JoinSet::new();
        let end = Instant::now() + time;
        for i in 0..callers {
            let (clients, outcome) = (self.clone(), Arc::clone(&outcome));
            tasks.spawn(async move {
                while Instant::now() < end {
                    let (took, result) = clients.call(i).await;
                    outcome.lock().unwrap().add(took, result);
                }
            });
        }
        tasks.join_all().await;
        std::mem::take(&mut *outcome.lock().unwrap())
    }

    /// `rate` calls a second, whatever becomes of them: those of the first second, the others, and the rate that was
    /// reached.
    async fn open(&self, rate: f64, time: Duration) -> (Outcome, Outcome, f64) {
        let mut tasks = JoinSet::new();
        let (mut first, mut later) = (Outcome::default(), Outcome::default());
        let mut add = |(early, took, result)| if early { first.add(took, result) } else { later.add(took, result) };
        let begun = Instant::now();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut sent = 0;
        while begun.elapsed() < FIRST + time {
            tick.tick().await;
            let due = (begun.elapsed().as_secs_f64() * rate) as usize;
            while sent < due {
                let (clients, early) = (self.clone(), begun.elapsed() < FIRST);
                tasks.spawn(async move {
                    let (took, result) = clients.call(sent).await;
                    (early, took, result)
                });
                sent += 1;
            }
            while let Some(done) = tasks.try_join_next() {
                add(done.unwrap());
            }
        }
        let reached = sent as f64 / begun.elapsed().as_secs_f64();
        while let Some(done) = tasks.join_next().await {
            add(done.unwrap());
        }
        (first, later, reached)
    }
}

fn main() {
    let (mut times, mut seconds, mut copies, mut running, mut flags) = (10.0, 5.0, COPIES, None, Vec::new());
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|n| n.parse::<f64>().ok()).expect("a number after the flag");
        match arg.as_str() {
            "--times" => times = number(),
            "--seconds" => seconds = number(),
            "--copies" => copies = number() as usize,
            "--server" => running = args.next(),
            _ => flags.push(arg),
        }
    }
    let (_server, address) = match running {
        Some(address) => (None, address),
        None => {
            let (server, address) = serve(&flags);
            (Some(server), address)
        }
    };
    let time = Duration::from_secs_f64(seconds);
    let mut out = std::io::stdout();
    // One thread for the clients: the server has two more.
    Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let mut channels = Vec::new();
        for _ in 0..CONNECTIONS {
            let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
            channels.push(channel);
        }
        let clients = Clients { channels, request: request(copies).encode_to_vec().into() };
        clients.closed(1, Duration::from_secs(1)).await;

        let mut alone = clients.closed(1, time).await;
        let unloaded = quantile(&mut alone.answered, 0.99);
        let p50 = quantile(&mut alone.answered, 0.5);
        writeln!(out, "unloaded   1 caller     p50 {p50:.2} ms  p99 {unloaded:.2} ms").unwrap();

        let mut peak = 0.0_f64;
        for callers in [2, 8, 32] {
            let mut outcome = clients.closed(callers, time).await;
            let rate = outcome.answered.len() as f64 / seconds;
            let (p99, refused) = (quantile(&mut outcome.answered, 0.99), outcome.refused.len());
            writeln!(out, "closed     {callers} callers    {rate:.0} answers/s  p99 {p99:.2} ms  refused {refused}")
                .unwrap();
            peak = peak.max(rate);
        }

        let (mut first, mut outcome, reached) = clients.open(peak * times, time).await;
        let (rate, p99) = (first.answered.len() as f64 / FIRST.as_secs_f64(), quantile(&mut first.answered, 0.99));
        writeln!(out, "overload   first second  {rate:.0} answers/s  p99 {p99:.2} ms").unwrap();
        let rate = outcome.answered.len() as f64 / seconds;
        let (p50, p99) = (quantile(&mut outcome.answered, 0.5), quantile(&mut outcome.answered, 0.99));
        let refusal = quantile(&mut outcome.refused, 0.99);
        writeln!(
            out,
            "overload   {:.1}x ({reached:.0} calls/s)  {rate:.0} answers/s  p50 {p50:.2} ms  p99 {p99:.2} ms  \
             refused {} (p99 {refusal:.2} ms)  other {:?}",
            reached / peak,
            outcome.refused.len(),
            outcome.other,
        )
        .unwrap();
        writeln!(out, "goodput    {:.3} of the peak", rate / peak).unwrap();
        writeln!(out, "p99        {:.2} times the unloaded", p99 / unloaded).unwrap();
        let other: Vec<String> = outcome.other.iter().chain(&first.other).map(|code| format!("{code:?}")).collect();
        let figures = serde_json::json!({
            "unloaded_p99_ms": unloaded, "peak": peak, "offered": reached, "goodput": rate, "p99_ms": p99,
            "answered": outcome.answered.len(), "refused": outcome.refused.len(), "refusal_p99_ms": refusal, "other": other,
        });
        writeln!(out, "{figures}").unwrap();
    });
}
