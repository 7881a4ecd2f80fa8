//! A bundle ready to answer: text, features, places and heads in one call.

use super::{Bundle, BundleError, Card, Heads, Identity, Space};
use crate::{
    article::{Article, Target},
    features::{Counter, Sums},
    heads::{
        explain,
        topic::{TopicHead, TopicInput},
    },
    prediction::{Head, Language, Options, Prediction, TopicResult},
    text::{Document, detect_language},
};
use std::path::Path;

/// Terms of evidence a reply holds at most.
const MAX_TERMS: usize = 10;

/// Answers articles. Immutable: share one among threads.
#[derive(Debug, Clone)]
pub struct Classifier {
    identity: Identity,
    card: Card,
    space: Space,
    heads: Heads,
}

/// Buffers of one thread, reused from article to article.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    document: Document,
    counter: Counter,
    sums: Sums,
}

impl Classifier {
    /// The model in the binary.
    ///
    /// # Errors
    /// When the binary was built without one.
    pub fn embedded() -> Result<Self, BundleError> {
        Self::new(Bundle::embedded()?)
    }

    /// A model from its folder; every file is verified first.
    ///
    /// # Errors
    /// Says which file is wrong and how.
    pub fn open(dir: &Path) -> Result<Self, BundleError> {
        Self::new(Bundle::read(dir)?)
    }

    /// A model from a verified bundle.
    ///
    /// # Errors
    /// When a file does not hold what it should.
    pub fn new(bundle: Bundle) -> Result<Self, BundleError> {
        let identity = bundle.identity();
        let content = |(file, message): (&str, String)| BundleError::Content { file: file.to_owned(), message };
        let space = Space::load(&|name| bundle.files.get(name).map(|b| b.to_vec())).map_err(content)?;
        let heads = Heads::load(&bundle.files, &space).map_err(content)?;
        let mut card = bundle.manifest.card;
        card.markdown =
            bundle.files.get("MODEL_CARD.md").map_or_else(String::new, |b| String::from_utf8_lossy(b).into_owned());
        Ok(Self { identity, card, space, heads })
    }

    /// A model fresh from training, before it is written anywhere.
    #[must_use]
    pub fn from_parts(identity: Identity, card: Card, space: Space, heads: Heads) -> Self {
        Self { identity, card, space, heads }
    }

    /// Which model it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Its card.
    #[must_use]
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// Its feature space.
    #[must_use]
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// Its heads.
    #[must_use]
    pub fn heads(&self) -> &Heads {
        &self.heads
    }

    /// Whether it has a head.
    #[must_use]
    pub fn has(&self, head: Head) -> bool {
        match head {
            Head::Topic => self.heads.topic.is_some(),
            Head::Region | Head::Stance => false,
        }
    }

    /// Answers one article. The same article, targets and options give the
    /// same answer, whatever stood in `scratch` before.
    #[must_use]
    pub fn classify(
        &self,
        article: &Article,
        targets: &[Target],
        options: &Options,
        scratch: &mut Scratch,
    ) -> Prediction {
        let Scratch { document, counter, sums } = scratch;
        document.read(&article.title, &article.text);
        let language = language(article, document);
        let space = &self.space;
        counter.count(document, &space.params, &space.index, |slot| space.table.prefetch(slot));
        space.table.score(counter, sums);
        let topic = self.heads.topic.as_ref().filter(|_| options.wants(Head::Topic));
        let topic = topic.map(|head| self.topic(head, &language.code, options, document, counter, sums));
        let _ = targets;
        Prediction { topic, region: None, stances: Vec::new(), language }
    }

    fn topic(
        &self,
        head: &TopicHead,
        language: &str,
        options: &Options,
        document: &Document,
        counter: &Counter,
        sums: &Sums,
    ) -> TopicResult {
        let Space { params, columns, index, table } = &self.space;
        let scores = sums.scores.get(columns.topic()).unwrap_or(&[]);
        let input = TopicInput { scores, words: counter.words(), known_share: counter.known_share(), language };
        let mut result = head.predict(input, options.top_k);
        if options.explain
            && let Some(first) = result.labels.first()
            && let Some(column) = head.column(&first.id)
        {
            let column = columns.topic().start + column;
            let terms = explain::contributions(document, params, index, counter, table, sums.norm, column);
            result.evidence = TopicHead::evidence(explain::strongest(terms, MAX_TERMS), &first.id);
        }
        result
    }
}

fn language(article: &Article, document: &Document) -> Language {
    if article.language.is_empty() {
        Language { code: detect_language(document).to_owned(), detected: true }
    } else {
        Language { code: article.language.clone(), detected: false }
    }
}
