//! Which rows a comparison takes: the same ones on every machine, written out for classifiers in other languages.

use crate::learn::{load::Example, topic::TopicRows};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashSet},
    io,
};

/// How many rows a comparison takes, 0 for all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Training rows of each source and label.
    pub train: usize,
    /// Measured rows of each source.
    pub test: usize,
}

/// The rows of a comparison.
pub struct Pool<'a> {
    rows: &'a TopicRows<'a>,
    train: HashSet<Place>,
    test: HashSet<Place>,
}

type Place = (usize, u64);

impl<'a> Pool<'a> {
    /// Takes rows in the order of the hash of their text until a limit is reached.
    #[must_use]
    pub fn new(rows: &'a TopicRows<'a>, limits: Limits) -> Self {
        let [train, dev] = rows.columns();
        let of_train = rows.train().zip(train).map(|(e, c)| (e, c, true));
        let of_dev = rows.dev().zip(dev).map(|(e, c)| (e, c, false));
        let mut all: Vec<_> = of_train.chain(of_dev).map(|(e, c, t)| (key(e), place(e), source(e), c, t)).collect();
        all.sort_unstable();
        let mut pool = Self { rows, train: HashSet::new(), test: HashSet::new() };
        let (mut of_label, mut of_source) = (BTreeMap::new(), BTreeMap::new());
        for (_, place, source, column, train) in all {
            let (n, most): (&mut usize, _) = (of_source.entry(source).or_default(), limits.test);
            if most == 0 || *n < most {
                pool.test.insert(place);
            }
            *n += 1;
            if train {
                let (n, most): (&mut usize, _) = (of_label.entry((source, column)).or_default(), limits.train);
                if most == 0 || *n < most {
                    pool.train.insert(place);
                }
                *n += 1;
            }
        }
        pool
    }

    /// The names of all sources.
    #[must_use]
    pub fn sources(&self) -> Vec<String> {
        let mut names: Vec<String> = self.rows.train().map(|e| source(e).to_owned()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Training rows of all sources but `held`, and all rows of those as dev rows.
    #[must_use]
    pub fn without(&self, held: &[&str]) -> TopicRows<'a> {
        self.rows.select(
            |e, _| self.train.contains(&place(e)) && !held.contains(&source(e)),
            |e, _| self.test.contains(&place(e)) && held.contains(&source(e)),
        )
    }
}

impl Pool<'_> {
    /// Writes the rows as JSON lines; `train` and `test` say what each is taken for when its source is not held out and
    /// when it is.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let [train, dev] = self.rows.columns();
        for (example, column) in self.rows.train().zip(train).chain(self.rows.dev().zip(dev)) {
            let [train, test] = [&self.train, &self.test].map(|taken| taken.contains(&place(example)));
            if train || test {
                let (article, topic) = (&example.article, &self.rows.labels[column].id);
                let (title, text) = (&article.title, &article.text);
                let dataset = source(example);
                let row = json!({"dataset": dataset, "topic": topic, "title": title, "text": text, "train": train, "test": test});
                writeln!(out, "{row}")?;
            }
        }
        Ok(())
    }
}

fn place(example: &Example) -> Place {
    (example.file, example.line)
}

fn source(example: &Example) -> &str {
    example.article.dataset.as_deref().unwrap_or("unnamed")
}

/// The first bytes of the SHA-256 of title, line feed and text.
fn key(example: &Example) -> [u8; 8] {
    let article = &example.article;
    let digest = Sha256::new().chain_update(&article.title).chain_update("\n").chain_update(&article.text).finalize();
    let mut key = [0; 8];
    key.iter_mut().zip(digest).for_each(|(k, d)| *k = d);
    key
}
