//! Which features are worth a row of the table: those that move the scores most.
//!
//! More features are fitted than the table has room for, and those are kept whose weights matter (embedded selection, as
//! scikit-learn's `SelectFromModel`): how much the scores of the labels differ by a feature, times how often it occurs.

use super::{
    config::{FeatureConfig, TrainConfig},
    job::Job,
    rows::LabelledArticle,
    softmax::{Softmax, SoftmaxError},
    space::{Encoder, candidates},
    topic::TopicRows,
    vocabulary::Vocabulary,
    word_vectors::WordVectors,
};

/// The feature space for `articles`, in the table's size: by a first fit of the topic head to `rows`, or, where there are
/// none or the configuration asks for no more candidates than are kept, the features in the most documents.
///
/// # Errors
/// When the configuration's numbers are out of range, or the work is to stop.
pub fn feature_space<'a>(
    articles: &[&LabelledArticle],
    rows: Option<&TopicRows<'_>>,
    config: &TrainConfig,
    vectors: Option<&'a WordVectors>,
    job: &Job<'_>,
) -> Result<Encoder<'a>, SoftmaxError> {
    let (features, scale) = (&config.features, config.topic.vector_scale);
    let mut vocabulary = Vocabulary::of(articles, &features.params(), job);
    vocabulary.prune(features.min_frequency);
    let all = candidates(&vocabulary, vectors);
    // With fewer there is nothing to choose.
    let few = all.len() <= 1 << features.bits;
    let Some(rows) = rows.filter(|_| features.candidate_bits > features.bits && !few) else {
        return Ok(Encoder::of_features(all, &vocabulary, features, vectors, scale));
    };
    let wide = FeatureConfig { bits: features.candidate_bits, ..features.clone() };
    let encoder = Encoder::of_features(all.clone(), &vocabulary, &wide, vectors, scale);
    let train: Vec<&LabelledArticle> = rows.train().map(|e| &e.article).collect();
    let model = rows.fit_weights("selection", encoder.encode_all(&train, job), config, None, job)?;
    let worth = |hash| (worth(hash, &vocabulary, &encoder, &model), hash);
    let mut ranked: Vec<(f32, u64)> = all.into_iter().map(worth).collect();
    // Stable: of equals the more frequent stays first.
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let ranked = ranked.into_iter().map(|(_, hash)| hash).collect();
    Ok(Encoder::of_features(ranked, &vocabulary, features, vectors, scale))
}

/// The variance of the labels' scores that a feature causes where it occurs, times the documents where it does (one more,
/// for words that only the vectors know).
fn worth(hash: u64, vocabulary: &Vocabulary, encoder: &Encoder<'_>, model: &Softmax) -> f32 {
    let Some(slot) = encoder.index.slot(hash) else { return 0.0 };
    let idf = encoder.idf.get(slot as usize).copied().unwrap_or(0.0);
    let weights = encoder.folded(slot, model);
    let mean = weights.iter().sum::<f32>() / weights.len().max(1) as f32;
    let spread: f32 = weights.iter().map(|w| (w - mean) * (w - mean)).sum();
    (vocabulary.frequency(hash) + 1) as f32 * idf * idf * spread
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        learn::{load::Corpus, topic::topic_rows},
        taxonomy::Taxonomy,
        text::hash_word,
    };

    #[test]
    fn keeps_what_tells_the_labels_apart() {
        let row = |i: usize| {
            let (topic, word) = if i % 2 == 0 { ("sport", "goal") } else { ("health", "virus") };
            let common: Vec<String> = (0..300).map(|c| format!("filler{c}")).collect();
            let text = format!("{} {word}{}", common.join(" "), i % 20);
            serde_json::json!({"text": text, "topic": topic, "split": "train"}).to_string()
        };
        let mut config = TrainConfig::default();
        (config.features.bits, config.features.pairs) = (6, false);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rows.jsonl");
        std::fs::write(&path, (0..200).map(row).collect::<Vec<_>>().join("\n")).unwrap();
        let (corpus, _) = Corpus::read(&[path], &config).unwrap();
        let rows = topic_rows(&corpus, &Taxonomy::iptc().unwrap()).unwrap().unwrap();
        let articles: Vec<&LabelledArticle> = rows.train().map(|e| &e.article).collect();
        let known = |config: &TrainConfig| {
            let encoder = feature_space(&articles, Some(&rows), config, None, &Job::quiet()).unwrap();
            (0..10).filter(|i| encoder.index.slot(hash_word(format!("goal{}", 2 * i).as_bytes())).is_some()).count()
        };
        // A word of one article in twenty tells more than one of each article.
        assert!(known(&config) >= 9, "{}", known(&config));
        config.features.candidate_bits = 0;
        assert_eq!(known(&config), 0);
    }
}
