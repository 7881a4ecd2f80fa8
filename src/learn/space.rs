//! From training articles to a feature space, and articles to rows in it.

use super::{
    config::FeatureConfig,
    job::Job,
    softmax::{Softmax, SparseDoc},
    vocabulary::Vocabulary,
    word_vectors::WordVectors,
};
use crate::{
    features::{Counter, FeatureIndex, FeatureParams, TfIdf},
    learn::rows::LabelledArticle,
    model::Space,
    text::Document,
};

/// Turns articles into the rows that estimators train on.
///
/// The features and their weights are computed by the code that serves; only
/// the dense block is the trainer's own.
pub struct Encoder<'a> {
    /// How text becomes features.
    pub params: FeatureParams,
    /// Feature to slot.
    pub index: FeatureIndex,
    /// Inverse document frequency of each slot.
    pub idf: Vec<f32>,
    vectors: Option<&'a WordVectors>,
    /// Hash of the word that a slot stands for, 0 for pairs and empty slots.
    slot_words: Vec<u64>,
    vector_scale: f32,
    document: Document,
    counter: Counter,
}

impl<'a> Encoder<'a> {
    /// Chooses the features of `articles`: those in the most documents first,
    /// then words that only the vectors know.
    pub fn fit<'r>(
        articles: impl Iterator<Item = &'r LabelledArticle>,
        config: &FeatureConfig,
        vectors: Option<&'a WordVectors>,
        vector_scale: f32,
    ) -> Self {
        let articles: Vec<&LabelledArticle> = articles.collect();
        let mut vocabulary = Vocabulary::of(&articles, &config.params(), &Job::quiet());
        vocabulary.prune(config.min_frequency);
        Self::of(&vocabulary, config, vectors, vector_scale)
    }

    /// Chooses among the features that were counted.
    pub fn of(
        vocabulary: &Vocabulary,
        config: &FeatureConfig,
        vectors: Option<&'a WordVectors>,
        vector_scale: f32,
    ) -> Self {
        let candidates = candidates(vocabulary, vectors);
        Self::of_features(candidates, vocabulary, config, vectors, vector_scale)
    }

    /// Takes as many of `features`, the most useful first, as there is room for.
    pub(super) fn of_features(
        features: Vec<u64>,
        vocabulary: &Vocabulary,
        config: &FeatureConfig,
        vectors: Option<&'a WordVectors>,
        vector_scale: f32,
    ) -> Self {
        let index = FeatureIndex::build(features, config.bits);
        let mut idf = vocabulary.slot_idf(&index);
        let mut slot_words = vec![0; index.slots()];
        for word in vectors.map(WordVectors::words).unwrap_or_default() {
            if let Some(slot) = index.slot(word) {
                let slot = slot as usize;
                if idf[slot] == 0.0 {
                    idf[slot] = vocabulary.idf(0);
                }
                slot_words[slot] = word;
            }
        }
        let (document, counter) = (Document::default(), Counter::default());
        Self { params: config.params(), index, idf, vectors, slot_words, vector_scale, document, counter }
    }

    /// In the feature space of a model that is there already.
    #[must_use]
    pub fn of_space(space: &Space, vectors: Option<&'a WordVectors>, vector_scale: f32) -> Self {
        let index = space.index.clone();
        let idf = (0..index.slots() as u32).map(|slot| space.table.idf(slot)).collect();
        let mut slot_words = vec![0; index.slots()];
        for word in vectors.map(WordVectors::words).unwrap_or_default() {
            if let Some(slot) = index.slot(word) {
                slot_words[slot as usize] = word;
            }
        }
        let (document, counter) = (Document::default(), Counter::default());
        Self { params: space.params.clone(), index, idf, vectors, slot_words, vector_scale, document, counter }
    }

    /// An article as a row: tf-idf values, and the sum of its words' vectors weighted by them.
    pub fn encode(&mut self, article: &LabelledArticle) -> SparseDoc {
        let mut document = std::mem::take(&mut self.document);
        document.read(&article.title, &article.text);
        let row = self.encode_document(&document);
        self.document = document;
        row
    }

    /// Many articles as rows, on all threads.
    #[must_use]
    pub fn encode_all(&self, articles: &[&LabelledArticle], job: &Job<'_>) -> Vec<SparseDoc> {
        self.encode_counted(articles, job).into_iter().map(|(doc, ..)| doc).collect()
    }

    /// The same with the number of words of each, and the share of its features that have no slot.
    #[must_use]
    pub fn encode_counted(&self, articles: &[&LabelledArticle], job: &Job<'_>) -> Vec<(SparseDoc, usize, f64)> {
        job.map(articles.to_vec(), Default::default, |(document, counter): &mut (Document, Counter), article| {
            document.read(&article.title, &article.text);
            (self.with_vector(self.tf_idf(document, counter)), counter.words(), counter.unknown())
        })
    }

    /// A document as a row.
    pub fn encode_document(&mut self, document: &Document) -> SparseDoc {
        let mut counter = std::mem::take(&mut self.counter);
        let row = self.with_vector(self.tf_idf(document, &mut counter));
        self.counter = counter;
        row
    }

    /// The sparse part of a document's row.
    pub fn tf_idf(&self, document: &Document, counter: &mut Counter) -> TfIdf {
        counter.count(document, &self.params, &self.index, |_| {});
        counter.tf_idf(&self.idf)
    }

    /// The row with its dense block.
    #[must_use]
    pub fn with_vector(&self, row: TfIdf) -> SparseDoc {
        let mut dense = Vec::new();
        if let Some(vectors) = self.vectors {
            dense = vec![0.0; vectors.dimensions()];
            for (&slot, &value) in row.slots.iter().zip(&row.values) {
                self.add_vector(slot, value, &mut dense);
            }
        }
        SparseDoc::new(row.slots, row.values, dense)
    }

    /// Words of the document that was encoded last.
    #[must_use]
    pub fn words(&self) -> usize {
        self.counter.words()
    }

    fn add_vector(&self, slot: u32, value: f32, dense: &mut [f32]) {
        let word = self.slot_words[slot as usize];
        if word != 0
            && let Some(vector) = self.vectors.and_then(|v| v.get(word))
        {
            for (d, v) in dense.iter_mut().zip(vector) {
                *d += value * self.vector_scale * v;
            }
        }
    }

    /// A feature's weights for each class, those of the dense block included: what serving multiplies its value by.
    #[must_use]
    pub fn folded(&self, slot: u32, model: &Softmax) -> Vec<f32> {
        let vector = self.slot_vector(slot).unwrap_or_default();
        let own = model.weights(slot as usize);
        let semantic = |class: usize| {
            let each = vector.iter().enumerate();
            each.map(|(d, v)| v * model.dense_weights(d).get(class).copied().unwrap_or(0.0)).sum::<f32>()
        };
        (0..model.classes()).map(|class| own.get(class).copied().unwrap_or(0.0) + semantic(class)).collect()
    }

    /// The vector of a slot's word as the dense block sees it, if it has one.
    #[must_use]
    pub fn slot_vector(&self, slot: u32) -> Option<Vec<f32>> {
        let mut dense = vec![0.0; self.vectors?.dimensions()];
        self.add_vector(slot, 1.0, &mut dense);
        (self.slot_words[slot as usize] != 0).then_some(dense)
    }
}

/// All features that were counted, those in the most documents first; among them, before the rare ones, words that
/// only the vectors know: a word's vector speaks for it even where no article does.
pub(super) fn candidates(vocabulary: &Vocabulary, vectors: Option<&WordVectors>) -> Vec<u64> {
    let words = vectors.map(WordVectors::words).unwrap_or_default();
    let unseen = words.into_iter().filter(|&word| vocabulary.frequency(word) == 0);
    let ranked = vocabulary.ranked().into_iter().map(|(hash, _)| hash);
    let (common, rare): (Vec<u64>, Vec<u64>) = ranked.partition(|&hash| vocabulary.frequency(hash) >= 5);
    common.into_iter().chain(unseen).chain(rare).collect()
}
