//! `wiredesk classify`: files of articles, on all cores, answers in their order.

use super::{
    complain, cores,
    input::{Parsed, Source},
    load_model,
    output::{Answer, Encoded, Output, OutputFormat},
    parse_head,
    serve::parse_count,
};
use crate::{
    article::{Limits, Target, validate},
    model::{Classifier, Scratch},
    prediction::{Head, Options},
    rows::{RawRow as Row, Rows},
};
use anyhow::Context as _;
use std::{
    collections::BTreeMap,
    io::{self, BufWriter, IsTerminal},
    path::PathBuf,
    process::ExitCode,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

/// Classify the articles of a file
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    source: Source,
    /// How to write the answers [default: a table for a text, else as the input]
    #[arg(long, value_enum, value_name = "FORMAT")]
    output_format: Option<OutputFormat>,
    /// A party whose stance is asked for; may be given several times. Rows that name their own
    /// targets keep them
    #[arg(long, value_name = "NAME")]
    target: Vec<String>,
    /// Heads that answer, of topic, region and stance, separated by commas [default: all of the model's]. Without the
    /// stance head a run takes a fraction of the time
    #[arg(long, value_delimiter = ',', value_name = "HEAD,...", value_parser = parse_head)]
    heads: Vec<Head>,
    /// Write the evidence too: terms and places with their spans
    #[arg(long)]
    explain: bool,
    /// How many topics to write, best first [default: all]
    #[arg(long, value_name = "N", value_parser = parse_count)]
    top_k: Option<usize>,
    /// Use the model bundle in this directory instead of the one in the binary
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Threads that classify [default: one for each core]
    #[arg(long, value_name = "N", value_parser = parse_count)]
    threads: Option<usize>,
}

/// Rows that one thread takes at a time ...
const PIECE_ROWS: usize = 64;
/// ... or this many bytes of them.
const PIECE_BYTES: usize = 256 << 10;
/// How many pieces a thread may be ahead of the output, for each thread.
const PIECES_AHEAD: u64 = 4;

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let format = args.source.format();
    let output = args.output_format.unwrap_or_else(|| OutputFormat::suiting(format));
    let file = args.source.file.display();
    if output == OutputFormat::Parquet && io::stdout().is_terminal() {
        anyhow::bail!(
            "Parquet is nothing for a terminal: send the output to a file, or choose another --output-format"
        );
    }
    let rows = Rows::open(&args.source.file, format.into()).with_context(|| format!("{file}"))?;
    let threads = args.threads.unwrap_or_else(cores);
    let model = load_model(args.model.as_deref())?;
    if let Some(head) = args.heads.iter().find(|head| !model.has(**head)) {
        anyhow::bail!("--heads: the model {} has no {} head", model.identity().name, head.name());
    }
    let options = Options { heads: args.heads.clone(), explain: args.explain, top_k: args.top_k.unwrap_or(0) };
    if !args.target.is_empty() && !options.wants(Head::Stance) {
        anyhow::bail!("--target: targets are judged by the stance head, which --heads leaves out");
    }
    let work = Work {
        model,
        name: rows.name().to_owned(),
        targets: args.target.iter().map(|name| Target { name: name.clone(), ..Target::default() }).collect(),
        options,
        limits: Limits::default(),
        format: output,
    };
    let out = Output::begin(output, format, BufWriter::with_capacity(1 << 16, io::stdout()))?;
    let input = Mutex::new(Input { rows, pieces: 0, end: false });
    let sink = Sink {
        state: Mutex::new(Written { out, next: 0, bad_rows: 0, waiting: BTreeMap::new(), error: None }),
        moved: Condvar::new(),
        ahead: PIECES_AHEAD * threads as u64,
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| work.run(&input, &sink));
        }
    });
    let written = sink.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    let answers = written.out.answers();
    // What was done so far is written all the same.
    let ended = written.out.end(written.error.is_none());
    if let Some(error) = written.error {
        return Err(error);
    }
    ended?;
    if written.bad_rows > 0 {
        complain(&format!("{} of {} rows could not be classified", written.bad_rows, written.bad_rows + answers));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// What all threads share and none changes.
struct Work {
    model: Classifier,
    /// The input, as it is shown in messages.
    name: String,
    targets: Vec<Target>,
    options: Options,
    limits: Limits,
    format: OutputFormat,
}

struct Input {
    rows: Rows,
    /// Pieces handed out.
    pieces: u64,
    end: bool,
}

/// The next rows and their place in the output.
fn next_piece(input: &Mutex<Input>) -> Option<(u64, Vec<Row>, Option<io::Error>)> {
    let mut input = lock(input);
    if input.end {
        return None;
    }
    let (mut rows, mut bytes, mut error) = (Vec::new(), 0, None);
    while rows.len() < PIECE_ROWS && bytes < PIECE_BYTES {
        match input.rows.next() {
            Some(Ok(row)) => {
                bytes += row.weight();
                rows.push(row);
            }
            None => input.end = true,
            Some(Err(e)) => {
                input.end = true;
                error = Some(e);
            }
        }
        if input.end {
            break;
        }
    }
    let n = input.pieces;
    input.pieces += 1;
    Some((n, rows, error))
}

/// One row's answer as it will be written, or what is wrong with the row.
type Outcome = Result<Encoded, String>;

impl Work {
    fn run(&self, input: &Mutex<Input>, sink: &Sink) {
        let mut scratch = Scratch::default();
        while let Some((n, rows, error)) = next_piece(input) {
            let outcomes = rows.into_iter().map(|row| self.answer(row, &mut scratch)).collect();
            if !sink.put(n, outcomes, error, self) {
                return;
            }
        }
    }

    fn answer(&self, row: Row, scratch: &mut Scratch) -> Outcome {
        let line = row.line;
        let complaint = |what: &dyn std::fmt::Display| format!("{}:{line}: {what}", self.name);
        let Parsed { article, targets } = Parsed::of(row).map_err(|e| complaint(&e))?;
        let targets = targets.as_deref().unwrap_or(&self.targets);
        if let Some(violation) = validate(&article, targets, &self.limits).first() {
            return Err(complaint(violation));
        }
        let prediction = self.model.classify(&article, targets, &self.options, scratch);
        let answer = Answer { article: &article, prediction: &prediction, model: self.model.identity() };
        self.format.encode(&answer).map_err(|e| complaint(&e))
    }
}

/// Puts the pieces back in order.
struct Sink {
    state: Mutex<Written>,
    /// Rung when `next` moves or writing fails.
    moved: Condvar,
    /// How far a piece may be ahead of the one that is written next.
    ahead: u64,
}

struct Written {
    out: Output<BufWriter<io::Stdout>>,
    /// The piece to write next.
    next: u64,
    bad_rows: u64,
    waiting: BTreeMap<u64, (Vec<Outcome>, Option<io::Error>)>,
    /// Why there is no point in going on.
    error: Option<anyhow::Error>,
}

impl Sink {
    /// Takes piece `n`; waits while it is too far ahead. `false`: stop working.
    fn put(&self, n: u64, outcomes: Vec<Outcome>, error: Option<io::Error>, work: &Work) -> bool {
        let mut state = lock(&self.state);
        while state.error.is_none() && n > state.next + self.ahead {
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting.insert(n, (outcomes, error));
        if let Err(error) = state.write_ready(work) {
            state.error.get_or_insert(error);
        }
        self.moved.notify_all();
        state.error.is_none()
    }
}

impl Written {
    fn write_ready(&mut self, work: &Work) -> anyhow::Result<()> {
        if self.error.is_some() {
            return Ok(());
        }
        while let Some((outcomes, error)) = self.waiting.remove(&self.next) {
            self.next += 1;
            for outcome in outcomes {
                match outcome {
                    Ok(answer) => self.out.push(answer)?,
                    Err(complaint) => {
                        self.bad_rows += 1;
                        complain(&complaint);
                    }
                }
            }
            if let Some(error) = error {
                return Err(error).with_context(|| format!("{}: cannot read on", work.name));
            }
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Panics do not happen under these locks; if one does, the scope reports it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
