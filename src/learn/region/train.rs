//! Fits the two logistic models of the region head: is this name a place here,
//! and is the story about this country.

use super::{DeskPrior, logistic, rows};
use crate::{
    heads::region::{Counted, DeskMix, FEATURES, Logistic, MENTION_FEATURES, RegionHead, mention_features},
    learn::rows::LabelledArticle,
    places::{Gazetteer, HitKind, countries::CountryId},
    text::{Document, detect_language},
};
use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{RngCore, SeedableRng},
};
use std::collections::BTreeMap;

/// Articles that a set counts as, at most and at least: large sets are sampled, small ones repeated.
const MOST_OF_A_SET: usize = 800;
const MOST_OF_A_SECTION: usize = 600;
const LEAST_OF_A_SET: usize = 400;
const MOST_REPEATS: usize = 4;
/// Words of a brief.
const BRIEF_WORDS: usize = 45;
/// Penalty of both models.
const ALPHA: f64 = 3.0;
const LEAST_DESK: f64 = 0.35;

/// A trained region head and what it was trained on.
#[derive(Debug, Clone)]
pub struct RegionTraining {
    /// The parameters.
    pub head: RegionHead,
    /// Articles used of each set, repeats not counted.
    pub articles: BTreeMap<String, usize>,
    /// Examples of the mention model.
    pub mentions: usize,
    /// Examples of the ranker.
    pub candidates: usize,
}

/// Trains on the rows given, which are to be of the training part only. The same rows and seed give the same bytes.
///
/// `desk_prior` should be made without the row it is asked about (out of fold), or the ranker learns to trust it too much.
///
/// # Errors
/// When too few rows carry countries.
pub fn train_region(
    rows: &[LabelledArticle],
    desk_prior: &DeskPrior<'_>,
    gazetteer: &Gazetteer,
    seed: u64,
    progress: &dyn Fn(&str),
) -> Result<RegionTraining, String> {
    let sample = sample(rows, seed);
    let articles = sample.iter().map(|(set, rows)| ((*set).to_owned(), rows.len())).collect();
    progress("region: mentions");
    let (mention, mentions) = fit_mentions(rows, gazetteer)?;
    progress("region: countries");
    let mut head = RegionHead {
        mention,
        ranker: Logistic { weights: vec![0.0; FEATURES], bias: 0.0 },
        desks: DeskMix::default(),
        least_desk: LEAST_DESK,
    };
    let mut examples: Vec<([f64; FEATURES], bool)> = Vec::new();
    let mut document = Document::default();
    for set in sample.values() {
        let repeats = (LEAST_OF_A_SET / set.len().max(1)).clamp(1, MOST_REPEATS);
        for row in set {
            let Some(focus) = rows::focus(row) else { continue };
            rows::read_region_row(row, &mut document);
            add_candidates(&head, gazetteer, &document, desk_prior, &focus, repeats, &mut examples);
            // The same story as a headline with its first lines.
            if document.tokens().len() > 2 * BRIEF_WORDS {
                let lead: Vec<&str> = row.text.split_inclusive(char::is_whitespace).take(BRIEF_WORDS).collect();
                document.read(&row.title, &lead.concat());
                add_candidates(&head, gazetteer, &document, desk_prior, &focus, repeats, &mut examples);
            }
        }
    }
    progress(&format!("region: {} candidate countries", examples.len()));
    let features: Vec<&[f64]> = examples.iter().map(|(x, _)| &x[..]).collect();
    let truth: Vec<bool> = examples.iter().map(|(_, y)| *y).collect();
    head.ranker = logistic::fit(&features, &truth, ALPHA)?;
    head.check()?;
    Ok(RegionTraining { head, articles, mentions, candidates: examples.len() })
}

fn add_candidates(
    head: &RegionHead,
    gazetteer: &Gazetteer,
    document: &Document,
    desk_prior: &DeskPrior<'_>,
    focus: &[CountryId],
    repeats: usize,
    examples: &mut Vec<([f64; FEATURES], bool)>,
) {
    let places = gazetteer.find(document, detect_language(document));
    let mut counted = Counted::default();
    head.count(document, places.hits(), desk_prior(document).as_deref(), &mut counted);
    for country in counted.countries {
        let example = (country.features, focus.contains(&country.country));
        examples.extend(std::iter::repeat_n(example, repeats));
    }
}

/// At most [`MOST_OF_A_SET`] rows with countries of each set, drawn by `seed`.
fn sample(rows: &[LabelledArticle], seed: u64) -> BTreeMap<&str, Vec<&LabelledArticle>> {
    let mut sets: BTreeMap<&str, Vec<&LabelledArticle>> = BTreeMap::new();
    for row in rows.iter().filter(|r| rows::focus(r).is_some()) {
        sets.entry(rows::set(row)).or_default().push(row);
    }
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    for set in sets.values_mut() {
        for i in (1..set.len()).rev() {
            set.swap(i, (random.next_u64() % (i as u64 + 1)) as usize);
        }
        // A newsroom's section says where a story was filed rather than all that it is about.
        let filed = set.first().is_some_and(|r| r.section.is_some());
        set.truncate(if filed { MOST_OF_A_SECTION } else { MOST_OF_A_SET });
    }
    sets
}

/// Fits on rows whose named countries are annotated; names of peoples, bodies and leaders are not annotated there.
fn fit_mentions(rows: &[LabelledArticle], gazetteer: &Gazetteer) -> Result<(Logistic, usize), String> {
    let mut examples: Vec<([f64; MENTION_FEATURES], bool)> = Vec::new();
    let mut document = Document::default();
    for row in rows {
        let Some(mentioned) = rows::mentioned(row) else { continue };
        // The whole article, and its parts as if they were briefs.
        rows::read_region_row(row, &mut document);
        add_mentions(&document, gazetteer, &mentioned, &mut examples);
        let words: Vec<&str> = row.text.split_inclusive(char::is_whitespace).collect();
        for (i, brief) in words.chunks(BRIEF_WORDS).enumerate() {
            document.read(if i == 0 { &row.title } else { "" }, &brief.concat());
            add_mentions(&document, gazetteer, &mentioned, &mut examples);
        }
    }
    if examples.is_empty() {
        return Ok((certain(), 0));
    }
    let features: Vec<&[f64]> = examples.iter().map(|(x, _)| &x[..]).collect();
    let truth: Vec<bool> = examples.iter().map(|(_, y)| *y).collect();
    Ok((logistic::fit(&features, &truth, ALPHA)?, examples.len()))
}

fn add_mentions(
    document: &Document,
    gazetteer: &Gazetteer,
    mentioned: &[CountryId],
    examples: &mut Vec<([f64; MENTION_FEATURES], bool)>,
) {
    let places = gazetteer.find(document, detect_language(document));
    let hits = places.hits();
    for (i, hit) in hits.iter().enumerate() {
        let annotated = hit.kind.is_local() || hit.kind == HitKind::Country;
        if let Some(country) = hit.countries[0].filter(|_| annotated) {
            examples.push((mention_features(hits, i), mentioned.contains(&country)));
        }
    }
}

/// Every name is a place: where no row says otherwise.
fn certain() -> Logistic {
    Logistic { weights: vec![0.0; MENTION_FEATURES], bias: 6.0 }
}
