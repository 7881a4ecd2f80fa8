//! A bundle ready to answer: text, features, places and heads in one call.

use super::{Bundle, BundleError, Card, Heads, Identity, Region, Space, selftest};
use crate::{
    article::{Article, Target},
    features::{Counter, Sums},
    heads::{
        explain,
        region::{Counted, desk_prior},
        stance::{StanceHead, StanceScratch},
        topic::{TopicHead, TopicInput, speaks},
    },
    places::{Places, countries::DESKS},
    prediction::{AbstentionReason, Head, Language, Options, Prediction, StanceLabel, StanceResult, TopicResult},
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
    /// What it should answer to the self-test; see `selftest`.
    pub(super) golden: Option<Vec<u8>>,
}

/// Buffers of one thread, reused from article to article.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    document: Document,
    counter: Counter,
    sums: Sums,
    places: Places,
    counted: Counted,
    stance: StanceScratch,
}

impl Scratch {
    /// How many words and pairs of words of the last article were looked up for its topic or region, and how many of
    /// them its model does not know.
    #[must_use]
    pub fn features(&self) -> (u64, u64) {
        self.counter.features()
    }
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
        let space = Space::load(&|name| bundle.files.get(name).map(AsRef::as_ref)).map_err(content)?;
        let heads = Heads::load(&bundle.files, &space).map_err(content)?;
        let mut card = bundle.manifest.card;
        card.markdown =
            bundle.files.get("MODEL_CARD.md").map_or_else(String::new, |b| String::from_utf8_lossy(b).into_owned());
        let golden = bundle.files.get(selftest::GOLDEN).map(|b| b.to_vec());
        Ok(Self { identity, card, space, heads, golden })
    }

    /// A model fresh from training, before it is written anywhere.
    #[must_use]
    pub fn from_parts(identity: Identity, card: Card, space: Space, heads: Heads) -> Self {
        Self { identity, card, space, heads, golden: None }
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
            Head::Region => self.heads.region.is_some(),
            Head::Stance => self.heads.stance.is_some(),
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
        scratch.document.read(&article.title, &article.text);
        let scored = options.wants(Head::Topic) || options.wants(Head::Region);
        if scored {
            self.count(scratch);
        }
        // While the rows of the words are on their way from memory.
        let language = language(article, &scratch.document);
        let region = self.heads.region.as_ref().filter(|_| options.wants(Head::Region));
        if let Some(region) = region {
            region.gazetteer.find_into(&scratch.document, &language.code, &mut scratch.places);
        }
        if scored {
            self.space.table.score(&scratch.counter, &mut scratch.sums);
        }
        let Scratch { document, counter, sums, places, counted, stance: buffers } = scratch;
        let topic = self.heads.topic.as_ref().filter(|_| options.wants(Head::Topic));
        let topic = topic.map(|head| self.topic(head, &language, options, document, counter, sums));
        let region = region.map(|region| {
            let prior = self.desk_prior(region, sums);
            region.head.predict(
                document,
                places.hits(),
                prior.as_ref().map(<[f32; _]>::as_slice),
                options.explain,
                counted,
            )
        });
        let stance = self.heads.stance.as_ref().filter(|_| options.wants(Head::Stance));
        let stances = stance.map_or_else(Vec::new, |head| stances(head, document, targets, &language.code, buffers));
        Prediction { topic, region, stances, language }
    }

    /// Counts the document's features and has their rows fetched.
    fn count(&self, Scratch { document, counter, .. }: &mut Scratch) {
        let Space { params, index, table, .. } = &self.space;
        counter.count(document, params, index, table.fetcher());
    }

    /// What the words of a document that is not an article's (a row of training data) say about its desk.
    #[must_use]
    pub fn desk_prior_of(&self, document: &Document) -> Option<Vec<f32>> {
        let mut scratch = Scratch { document: document.clone(), ..Scratch::default() };
        self.count(&mut scratch);
        self.space.table.score(&scratch.counter, &mut scratch.sums);
        self.desk_prior(self.heads.region.as_ref()?, &scratch.sums).map(|p| p.to_vec())
    }

    fn desk_prior(&self, region: &Region, sums: &Sums) -> Option<[f32; DESKS.len() + 1]> {
        let temperature = region.prior_temperature?;
        let scores = sums.scores.get(self.space.columns.desk())?;
        Some(desk_prior(scores, temperature))
    }

    fn topic(
        &self,
        head: &TopicHead,
        language: &Language,
        options: &Options,
        document: &Document,
        counter: &Counter,
        sums: &Sums,
    ) -> TopicResult {
        let Space { params, columns, index, table } = &self.space;
        let scores = sums.scores.get(columns.topic()).unwrap_or(&[]);
        let other_score = match sums.scores.get(columns.domain()) {
            Some([news, other]) => Some(other - news),
            _ => None,
        };
        let (words, unknown) = (counter.words(), counter.unknown());
        let Language { code, detected } = language;
        let input = TopicInput { scores, words, other_score, unknown, language: code, detected: *detected };
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

/// Languages that the stance head was trained on.
const STANCE_LANGUAGES: [&str; 1] = ["en"];

/// In another language targets are still found, but which way the text points is not told.
fn stances(
    head: &StanceHead,
    document: &Document,
    targets: &[Target],
    language: &str,
    scratch: &mut StanceScratch,
) -> Vec<StanceResult> {
    let mut results = head.predict(document, targets, scratch);
    if !speaks(&STANCE_LANGUAGES.map(str::to_owned), language) {
        for result in results.iter_mut().filter(|r| r.label != StanceLabel::TargetNotFound) {
            result.label = StanceLabel::Undetermined;
            result.abstained = Some(AbstentionReason::UnsupportedLanguage);
        }
    }
    results
}
