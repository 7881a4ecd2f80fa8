//! News or not: two more columns of the table, learned from texts that are no news.

use super::{
    config::TrainConfig,
    job::Job,
    rows::LabelledArticle,
    softmax::{Softmax, SoftmaxError, SoftmaxParams, SparseDoc, Validation, records},
    space::Encoder,
    topic::quantile,
};
use linfa::{Dataset, ParamGuard};
use ndarray::Array1;

/// "news" and "other".
pub const CLASSES: usize = 2;

/// Whether a row is marked as no news.
#[must_use]
pub fn is_other(row: &LabelledArticle) -> bool {
    row.domain.as_deref() == Some("other")
}

/// Fits on rows marked as no news against all others, and finds the score above which only `abstain_share` of the dev
/// articles lie. `None` when no row is marked.
///
/// # Errors
/// When the configuration's numbers are out of range.
pub fn fit(
    train: &[LabelledArticle],
    dev: &[LabelledArticle],
    encoder: &Encoder<'_>,
    config: &TrainConfig,
    initial: Option<Softmax>,
    job: &Job<'_>,
) -> Result<Option<(Softmax, f32)>, SoftmaxError> {
    let Some(model) = fit_weights("news or not", train, encoder, config, initial, job)? else { return Ok(None) };
    let dev: Vec<&LabelledArticle> = dev.iter().collect();
    let threshold = threshold(&model, &dev, encoder, config, job);
    Ok(Some((model, threshold)))
}

/// The weights alone, as a work of that name.
///
/// # Errors
/// As [`fit`].
pub fn fit_weights(
    name: &str,
    train: &[LabelledArticle],
    encoder: &Encoder<'_>,
    config: &TrainConfig,
    initial: Option<Softmax>,
    job: &Job<'_>,
) -> Result<Option<Softmax>, SoftmaxError> {
    let of_domain = |r: &&LabelledArticle| r.topic.is_some() || r.domain.is_some();
    let train: Vec<&LabelledArticle> = train.iter().filter(of_domain).collect();
    let others = train.iter().filter(|r| is_other(r)).count();
    if others == 0 || others == train.len() {
        return Ok(None);
    }
    let docs = encoder.encode_all(&train, job);
    let labels = Array1::from_iter(train.iter().map(|r| usize::from(is_other(r))));
    let params = params(config, (train.len() - others) as u64, others as u64).initial_params(initial);
    params.check()?.fit_as(name, &Dataset::new(records(docs), labels), &Validation::default(), job).map(Some)
}

/// The estimator as the configuration wants it, for so many rows of news and of others.
pub(super) fn params(config: &TrainConfig, news: u64, others: u64) -> SoftmaxParams {
    let weight = config.domain.other_weight * news as f32 / others as f32;
    let params = SoftmaxParams::new(CLASSES).epochs(config.domain.epochs).learning_rate(config.domain.learning_rate);
    params.class_weights(vec![1.0, weight]).seed(config.seed)
}

/// The score above which only `abstain_share` of the dev articles lie.
pub(super) fn threshold(
    model: &Softmax,
    dev: &[&LabelledArticle],
    encoder: &Encoder<'_>,
    config: &TrainConfig,
    job: &Job<'_>,
) -> f32 {
    let news = dev.iter().copied().filter(|r| (r.topic.is_some() || r.domain.is_some()) && !is_other(r));
    let news: Vec<&LabelledArticle> = news.collect();
    let score = |doc: &SparseDoc| match model.decision_function(doc)[..] {
        [news, other] => f64::from(other - news),
        _ => 0.0,
    };
    let scores = encoder.encode_all(&news, job).iter().map(score).collect();
    quantile(scores, 1.0 - config.domain.abstain_share) as f32
}
