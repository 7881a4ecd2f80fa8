//! The region head beside what is simpler, on dev rows, on sets that it never saw, and on countries that it never saw.

use super::{DeskPrior, RegionReport, evaluate_region, rows, train_region, training_priors};
use crate::{
    heads::region::RegionHead,
    learn::{
        config::TrainConfig,
        desk::{self, DeskModel},
        job::Job,
        load::Corpus,
        placeless::placeless,
        rows::{LabelledArticle, Split},
        selection::feature_space,
        space::Encoder,
        word_vectors::WordVectors,
    },
    places::{DEFAULT_GAZETTEER, Gazetteer, countries::CountryId},
    text::Document,
};
use serde::Serialize;
use std::cell::RefCell;

/// The countries that are held out together: of every desk but North America, much and little reported.
pub const UNSEEN: [&str; 10] = ["SY", "IQ", "VE", "NG", "PK", "VN", "TH", "KE", "GR", "MM"];
/// Rows of a held-out set that are measured on, evenly drawn.
const MOST_ROWS: usize = 1_500;

/// All tables.
#[derive(Debug, Clone, Serialize)]
pub struct RegionComparison {
    /// Dev rows, trained on the training rows.
    pub dev: RegionReport,
    /// Each set, trained on all others.
    pub held_out: RegionReport,
    /// Dev rows about [`UNSEEN`], trained without any row about them.
    pub unseen: RegionReport,
    /// The same rows, trained on all training rows.
    pub seen: RegionReport,
}

/// A head with the words' opinion, in a feature space of its own.
struct Fitted<'v> {
    head: RegionHead,
    words: Option<DeskModel>,
    encoder: RefCell<Encoder<'v>>,
}

struct Comparer<'a> {
    gazetteer: Gazetteer,
    config: &'a TrainConfig,
    vectors: Option<&'a WordVectors>,
    /// Examples of no place, of no set that is held out.
    placeless: Vec<LabelledArticle>,
    job: &'a Job<'a>,
}

/// Fits and measures all. `sources`: the sets to hold out; empty: each that says countries or desks.
///
/// # Errors
/// When a training fails.
pub fn compare_region(
    corpus: &Corpus,
    sources: &[String],
    config: &TrainConfig,
    vectors: Option<&WordVectors>,
    progress: &dyn Fn(&str),
) -> Result<RegionComparison, String> {
    let part = |split| -> Vec<LabelledArticle> {
        let labelled = |r: &LabelledArticle| rows::focus(r).is_some() || rows::desk_label(r).is_some();
        corpus.part(split).map(|e| e.article.clone()).filter(labelled).collect()
    };
    let (train, dev) = (part(Split::Train), part(Split::Dev));
    let gazetteer = Gazetteer::parse(DEFAULT_GAZETTEER)?;
    let all: Vec<LabelledArticle> = corpus.part(Split::Train).map(|e| e.article.clone()).collect();
    let placeless = placeless(&all, &gazetteer, config.desk.placeless_rows);
    let comparer = Comparer { gazetteer, config, vectors, placeless, job: &Job::quiet() };
    progress("all training rows");
    let full = comparer.fit(&train, &dev, &[])?;
    let report = comparer.measure(&full, &dev);

    progress("without ten countries");
    let about = |row: &&LabelledArticle| row.countries.iter().flatten().any(|c| UNSEEN.contains(&c.as_str()));
    let without =
        |rows: &[LabelledArticle]| -> Vec<LabelledArticle> { rows.iter().filter(|r| !about(r)).cloned().collect() };
    let countries: Vec<CountryId> = UNSEEN.iter().filter_map(|c| CountryId::from_code(c)).collect();
    let blind = comparer.fit(&without(&train), &without(&dev), &countries)?;
    let theirs: Vec<LabelledArticle> = dev.iter().filter(about).cloned().collect();
    let (unseen, seen) = (comparer.measure(&blind, &theirs), comparer.measure(&full, &theirs));

    let mut sets: Vec<String> = train.iter().map(|r| rows::set(r).to_owned()).collect();
    sets.sort_unstable();
    sets.dedup();
    sets.retain(|s| sources.is_empty() || sources.contains(s));
    let mut held_out = Vec::new();
    for set in &sets {
        progress(&format!("without {set}"));
        let rest = |rows: &[LabelledArticle]| -> Vec<LabelledArticle> {
            rows.iter().filter(|r| rows::set(r) != set).cloned().collect()
        };
        let fitted = comparer.fit(&rest(&train), &rest(&dev), &[])?;
        let own: Vec<&LabelledArticle> = train.iter().chain(&dev).filter(|r| rows::set(r) == set).collect();
        let own: Vec<LabelledArticle> =
            own.iter().step_by(own.len().div_ceil(MOST_ROWS)).map(|r| (*r).clone()).collect();
        held_out.extend(comparer.measure(&fitted, &own).sets.into_iter().filter(|r| r.set == *set));
    }
    Ok(RegionComparison { dev: report, held_out: RegionReport { sets: held_out }, unseen, seen })
}

impl<'a> Comparer<'a> {
    /// As a training fits it: the features, too, are chosen by `train` alone.
    fn fit(
        &self,
        train: &[LabelledArticle],
        dev: &[LabelledArticle],
        without: &[CountryId],
    ) -> Result<Fitted<'a>, String> {
        let articles: Vec<&LabelledArticle> = train.iter().filter(|r| rows::desk_label(r).is_some()).collect();
        let encoder = feature_space(&articles, self.config, self.vectors, self.job, |wide| {
            let models = desk::fit_weights("desk-candidates", train, &self.placeless, wide, self.config, self.job)?;
            Ok(models.into_iter().collect())
        });
        let mut encoder = encoder.map_err(|e| e.to_string())?;
        let words = desk::fit(train, dev, &self.placeless, &mut encoder, self.config, None, self.job);
        let words = words.map_err(|e| e.to_string())?;
        let head = {
            let encoder = RefCell::new(&mut encoder);
            let priors = training_priors(words.as_ref(), &encoder);
            train_region(train, without, &priors, &self.gazetteer, self.config.seed, &|_| ())?.head
        };
        Ok(Fitted { head, words, encoder: RefCell::new(encoder) })
    }

    fn measure(&self, fitted: &Fitted<'_>, rows: &[LabelledArticle]) -> RegionReport {
        let prior: &DeskPrior<'_> = &|document: &Document| {
            let row = fitted.encoder.borrow_mut().encode_document(document);
            fitted.words.as_ref().map(|w| w.probabilities(&row))
        };
        evaluate_region(&fitted.head, &self.gazetteer, rows, prior)
    }
}
