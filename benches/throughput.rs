//! Articles a second of the in-process classifier on one core.
//!
//! `cargo bench --bench throughput -- [FILE.jsonl] [--heads topic,region,stance] [--seconds N]` prints one line of JSON.
//! Without a file: the sample articles of the repository, joined to about 500 words each.
//! `tools/bench_topic.py` runs it in turn with fastText and scikit-learn.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod articles;

use articles::processor_seconds;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};
use wiredesk::{
    model::{Classifier, Scratch},
    prediction::{Head, Options},
};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut args = std::env::args().skip(1).filter(|a| a != "--bench");
    let (mut file, mut heads, mut seconds, mut model) = (None, vec![Head::Topic], 2.0, None);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--heads" => {
                let names = args.next().unwrap();
                heads = Head::ALL.into_iter().filter(|h| names.split(',').any(|n| n == h.name())).collect();
            }
            "--seconds" => seconds = args.next().unwrap().parse().unwrap(),
            "--model" => model = Some(PathBuf::from(args.next().unwrap())),
            _ => file = Some(PathBuf::from(arg)),
        }
    }
    let articles = articles::articles(file.as_deref());
    let classifier = model.map_or_else(Classifier::embedded, |m| Classifier::open(&m)).unwrap();
    let options = Options { heads: heads.clone(), ..Options::default() };
    let mut scratch = Scratch::default();
    let mut pass = || {
        let start = Instant::now();
        for article in &articles {
            std::hint::black_box(classifier.classify(article, &[], &options, &mut scratch));
        }
        start.elapsed().as_secs_f64() / articles.len() as f64
    };
    pass();
    let cpu = processor_seconds();
    let start = Instant::now();
    let mut passes = Vec::new();
    while start.elapsed() < Duration::from_secs_f64(seconds) {
        passes.push(pass());
    }
    let cpu = processor_seconds() - cpu;
    let cpu_microseconds = cpu.max(0.0) / (passes.len() * articles.len()) as f64 * 1e6;
    passes.sort_by(f64::total_cmp);
    let micros = |at: usize| passes[at] * 1e6;
    let names: Vec<&str> = heads.iter().map(|h| h.name()).collect();
    println!(
        "{}",
        serde_json::json!({
            "heads": names,
            "articles": articles.len(),
            "mean_words": articles::mean_words(&articles),
            "passes": passes.len(),
            "microseconds": { "min": micros(0), "median": micros(passes.len() / 2), "max": micros(passes.len() - 1) },
            "cpu_microseconds": cpu_microseconds,
            "articles_per_second": 1e6 / micros(passes.len() / 2),
        })
    );
}
