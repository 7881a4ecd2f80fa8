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
    vocabulary::Vocabulary,
    word_vectors::WordVectors,
};

/// The feature space for `articles`, in the table's size. `first_fit` fits the heads that shall have a say with more
/// features; where it fits none, or no more candidates are asked for than are kept, it is the features in the most
/// documents.
///
/// # Errors
/// Those of `first_fit`.
pub fn feature_space<'a>(
    articles: &[&LabelledArticle],
    config: &TrainConfig,
    vectors: Option<&'a WordVectors>,
    job: &Job<'_>,
    first_fit: impl FnOnce(&mut Encoder<'a>) -> Result<Vec<Softmax>, SoftmaxError>,
) -> Result<Encoder<'a>, SoftmaxError> {
    let (features, scale) = (&config.features, config.topic.vector_scale);
    let mut vocabulary = Vocabulary::of(articles, &features.params(), job);
    vocabulary.prune(features.min_frequency);
    let mut all = candidates(&vocabulary, vectors);
    if features.candidate_bits > features.bits && all.len() > 1 << features.bits {
        let wide = FeatureConfig { bits: features.candidate_bits, ..features.clone() };
        let mut encoder = Encoder::of_features(all.clone(), &vocabulary, &wide, vectors, scale);
        let models = first_fit(&mut encoder)?;
        all = by_worth(all, &vocabulary, &encoder, &models);
    }
    Ok(Encoder::of_features(all, &vocabulary, features, vectors, scale))
}

/// The most valuable first; of equals the one that stood first. Each model has the same say.
fn by_worth(features: Vec<u64>, vocabulary: &Vocabulary, encoder: &Encoder<'_>, models: &[Softmax]) -> Vec<u64> {
    let mut shares = vec![0.0; features.len()];
    for model in models {
        let worth: Vec<f64> = features.iter().map(|&hash| worth(hash, vocabulary, encoder, model)).collect();
        let sum: f64 = worth.iter().sum();
        shares.iter_mut().zip(worth).for_each(|(share, worth)| *share += worth / sum.max(f64::MIN_POSITIVE));
    }
    let mut ranked: Vec<(f64, u64)> = shares.into_iter().zip(features).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    ranked.into_iter().map(|(_, hash)| hash).collect()
}

/// The variance of the labels' scores that a feature causes where it occurs, times the documents where it does (one more,
/// for words that only the vectors know).
fn worth(hash: u64, vocabulary: &Vocabulary, encoder: &Encoder<'_>, model: &Softmax) -> f64 {
    let Some(slot) = encoder.index.slot(hash) else { return 0.0 };
    let idf = encoder.idf.get(slot as usize).copied().unwrap_or(0.0);
    let weights = encoder.folded(slot, model);
    let mean = weights.iter().sum::<f32>() / weights.len().max(1) as f32;
    let spread: f32 = weights.iter().map(|w| (w - mean) * (w - mean)).sum();
    f64::from(vocabulary.frequency(hash) + 1) * f64::from(idf * idf * spread)
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
            let (topic, word) = if i.is_multiple_of(2) { ("sport", "goal") } else { ("health", "virus") };
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
            let encoder = feature_space(&articles, config, None, &Job::quiet(), |wide| {
                let docs = wide.encode_all(&articles, &Job::quiet());
                Ok(vec![rows.fit_weights("topic", docs, config, None, &Job::quiet())?])
            });
            let encoder = encoder.unwrap();
            (0..10).filter(|i| encoder.index.slot(hash_word(format!("goal{}", 2 * i).as_bytes())).is_some()).count()
        };
        // A word of one article in twenty tells more than one of each article.
        assert!(known(&config) >= 9, "{}", known(&config));
        config.features.candidate_bits = 0;
        assert_eq!(known(&config), 0);
    }
}
