//! What the benches of the in-process classifier share: the articles that they read, and the time that they take.

use std::path::Path;
use wiredesk::{article::Article, rows::read_rows};

/// Those of a file; without one the sample articles of the repository, joined to about 500 words each.
pub(crate) fn articles(file: Option<&Path>) -> Vec<Article> {
    file.map_or_else(|| joined(&read(Path::new("data/sample.jsonl"))), read)
}

fn read(file: &Path) -> Vec<Article> {
    let mut articles = Vec::new();
    read_rows(file, |row| {
        let row = row.unwrap().article;
        articles.push(Article { id: row.id, title: row.title, text: row.text, language: row.lang });
    })
    .unwrap();
    articles
}

/// Texts of consecutive articles joined until each has about 500 words.
fn joined(articles: &[Article]) -> Vec<Article> {
    let join = |start: usize| {
        let mut article = articles[start].clone();
        let mut next = start + 1;
        while article.text.split_whitespace().count() < 450 {
            article.text.push('\n');
            article.text.push_str(&articles[next % articles.len()].text);
            next += 1;
        }
        article
    };
    (0..articles.len()).map(join).collect()
}

/// Mean number of words.
pub(crate) fn mean_words(articles: &[Article]) -> usize {
    let words = |a: &Article| a.title.split_whitespace().count() + a.text.split_whitespace().count();
    articles.iter().map(words).sum::<usize>() / articles.len()
}

/// Processor time of this process so far, which other work on the machine hardly changes; Linux only, else 0.
pub(crate) fn processor_seconds() -> f64 {
    let nanoseconds = std::fs::read_to_string("/proc/self/schedstat").ok();
    nanoseconds.and_then(|s| s.split(' ').next()?.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}
