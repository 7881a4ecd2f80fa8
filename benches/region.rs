//! What the region head costs an article beyond its topic, on one core, and which part of it.
//!
//! `cargo bench --bench region -- [FILE.jsonl] [--seconds N] [--model DIR]` prints one line of JSON. All articles are
//! asked for their topic alone and for topic and region; and for their topic, after which their places are found, and
//! found and weighed, in a document of their own, whose reading alone is taken off. All in turn, in one run. Processor
//! time, which other work on the machine changes less than it changes the clock; medians over the rounds, and of the
//! ratios the quartiles.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod arguments;
mod articles;

use arguments::{Arguments, arguments};
use articles::processor_seconds;
use std::time::{Duration, Instant};
use wiredesk::{
    article::Article,
    heads::region::Counted,
    model::{Classifier, Scratch},
    places::{Places, countries::DESKS},
    prediction::{Head, Options},
    text::{Document, detect_language},
};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What is done with each article after its topic was asked for.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Work {
    Nothing,
    Read,
    Match,
    Rank,
    /// The region head instead, with the topic in one call.
    All,
}

const WORK: [Work; 5] = [Work::Nothing, Work::Read, Work::Match, Work::Rank, Work::All];

fn main() {
    let Arguments { file, seconds, classifier } = arguments();
    let articles = articles::articles(file.as_deref());
    let mut bench = Bench::new(&classifier);
    let mut times: [Vec<f64>; WORK.len()] = Default::default();
    let start = Instant::now();
    while times[0].len() < 3 || start.elapsed() < Duration::from_secs_f64(seconds) {
        for (times, work) in times.iter_mut().zip(WORK) {
            times.push(bench.block(&articles, work));
        }
    }
    let [topic, read, matched, ranked, all] = &times;
    let micros = |times: &[f64]| quartiles(times.to_vec())[1];
    let between = |before: &[f64], after: &[f64]| after.iter().zip(before).map(|(a, b)| a - b).collect::<Vec<_>>();
    let to_topic = |cost: &[f64]| quartiles(cost.iter().zip(topic).map(|(cost, topic)| cost / topic).collect());
    let (matching, both, whole) = (between(read, matched), between(read, ranked), between(topic, all));
    println!(
        "{}",
        serde_json::json!({
            "articles": articles.len(),
            "mean_words": articles::mean_words(&articles),
            "rounds": topic.len(),
            "microseconds_an_article": {
                "topic": micros(topic),
                "topic_and_region": micros(all),
                "matching": micros(&matching),
                "matching_and_ranking": micros(&both),
            },
            "quartiles_of_the_ratio_to_topic": {
                "matching": to_topic(&matching),
                "matching_and_ranking": to_topic(&both),
                "region": to_topic(&whole),
            },
        })
    );
}

struct Bench<'a> {
    classifier: &'a Classifier,
    topic: Options,
    both: Options,
    scratch: Scratch,
    document: Document,
    places: Places,
    counted: Counted,
}

impl<'a> Bench<'a> {
    fn new(classifier: &'a Classifier) -> Self {
        let heads = |heads: &[Head]| Options { heads: heads.to_vec(), ..Options::default() };
        Self {
            classifier,
            topic: heads(&[Head::Topic]),
            both: heads(&[Head::Topic, Head::Region]),
            scratch: Scratch::default(),
            document: Document::default(),
            places: Places::default(),
            counted: Counted::default(),
        }
    }

    /// Microseconds of processor time an article.
    fn block(&mut self, articles: &[Article], work: Work) -> f64 {
        let (cpu, start) = (processor_seconds(), Instant::now());
        let mut passes = 0;
        // The system counts processor time in steps of some milliseconds.
        while start.elapsed() < Duration::from_millis(100) {
            passes += 1;
            articles.iter().for_each(|article| self.answer(article, work));
        }
        (processor_seconds() - cpu) * 1e6 / (passes * articles.len()) as f64
    }

    fn answer(&mut self, article: &Article, work: Work) {
        const PRIOR: [f32; DESKS.len() + 1] = [1.0 / 11.0; DESKS.len() + 1];
        let options = if work == Work::All { &self.both } else { &self.topic };
        std::hint::black_box(self.classifier.classify(article, &[], options, &mut self.scratch));
        if matches!(work, Work::Nothing | Work::All) {
            return;
        }
        let Self { document, places, counted, .. } = self;
        document.read(&article.title, &article.text);
        let language = detect_language(document);
        let region = self.classifier.heads().region.as_ref().unwrap();
        if work >= Work::Match {
            region.gazetteer.find_into(document, language, places);
        }
        if work >= Work::Rank {
            region.head.count(document, places.hits(), Some(&PRIOR), counted);
        }
        std::hint::black_box((&*document, &*places, &*counted));
    }
}

/// First quartile, median and third quartile.
fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4])
}
