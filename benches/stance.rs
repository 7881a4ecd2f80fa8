//! What a named target costs a mention sentence beyond the shared pass, on one core.
//!
//! `cargo bench --bench stance -- [FILE.jsonl] [--seconds N] [--model DIR]` prints one line of JSON. All articles are
//! asked for their topic alone, for topic and one target (the main party that the head finds in each), for topic, that
//! target and two more, and for topic and main parties: in turn, in one run. Processor time, which other work on the
//! machine changes less than it changes the clock; medians over the rounds.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod arguments;
mod articles;

use arguments::{Arguments, arguments};
use articles::processor_seconds;
use std::time::{Duration, Instant};
use wiredesk::{
    article::{Article, Target},
    model::Scratch,
    prediction::{Head, Options, Prediction},
};

const TOPIC: Options = Options { heads: Vec::new(), explain: false, top_k: 0 };

fn main() {
    let Arguments { file, seconds, classifier } = arguments();
    let topic = Options { heads: vec![Head::Topic], ..TOPIC };
    let both = Options { heads: vec![Head::Topic, Head::Stance], ..TOPIC };
    let mut scratch = Scratch::default();
    // An article in which no party is found has no target to ask about.
    let mut asked: Vec<(Article, Vec<Target>)> = Vec::new();
    for article in articles::articles(file.as_deref()) {
        let found = classifier.classify(&article, &[], &both, &mut scratch).stances;
        let targets = found.into_iter().map(|s| Target { name: s.target, ..Target::default() }).collect::<Vec<_>>();
        if !targets.is_empty() {
            asked.push((article, targets));
        }
    }
    let sentences = |prediction: &Prediction| prediction.stances.iter().map(|s| s.evidence.len()).sum::<usize>();
    // Processor time of a pass over all articles, and how many sentences that mention a target are judged in it.
    let mut block = |options: &Options, most: usize| {
        let (cpu, start) = (processor_seconds(), Instant::now());
        let (mut judged, mut passes) = (0, 0);
        // The system counts processor time in steps of some milliseconds.
        while start.elapsed() < Duration::from_millis(100) {
            (judged, passes) = (0, passes + 1);
            for (article, targets) in &asked {
                let targets = &targets[..most.min(targets.len())];
                let answer = classifier.classify(article, targets, options, &mut scratch);
                judged += sentences(&std::hint::black_box(answer));
            }
        }
        ((processor_seconds() - cpu) * 1e6 / f64::from(passes), judged)
    };
    let ways = [(&topic, 0), (&both, 1), (&both, 3), (&both, 0)];
    let mut times: [Vec<f64>; 4] = Default::default();
    let mut judged = [0; 4];
    let start = Instant::now();
    while times[0].len() < 3 || start.elapsed() < Duration::from_secs_f64(seconds) {
        for (i, (options, most)) in ways.into_iter().enumerate() {
            let (time, sentences) = block(options, most);
            times[i].push(time);
            judged[i] = sentences;
        }
    }
    times.iter_mut().for_each(|t| t.sort_by(f64::total_cmp));
    let median = times.each_ref().map(|t| t[t.len() / 2]);
    let n = asked.len() as f64;
    let beyond = |way: usize, base: usize| (median[way] - median[base]) / (judged[way] - judged[base]) as f64;
    let all: Vec<Article> = asked.iter().map(|a| a.0.clone()).collect();
    println!(
        "{}",
        serde_json::json!({
            "articles": asked.len(),
            "mean_words": articles::mean_words(&all),
            "rounds": times[0].len(),
            "mention_sentences": { "one_target": judged[1], "three_targets": judged[2], "main_parties": judged[3] },
            "microseconds_an_article": {
                "topic": median[0] / n,
                "topic_and_one_target": median[1] / n,
                "topic_and_three_targets": median[2] / n,
                "topic_and_main_parties": median[3] / n,
            },
            "microseconds_a_mention_sentence": {
                "one_target_beyond_topic": beyond(1, 0),
                "further_targets": beyond(2, 1),
                "main_parties_beyond_topic": beyond(3, 0),
            },
            "ratio_to_topic": {
                "one_target": median[1] / median[0],
                "three_targets": median[2] / median[0],
                "main_parties": median[3] / median[0],
            },
        })
    );
}
