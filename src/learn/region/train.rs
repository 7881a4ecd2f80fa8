//! Fits the logistic models of the region head: is this name a place here, is
//! the story about this country, and which desk is it for.

use super::{TrainingPriors, homes::fit_homes, logistic, rows, templates};
use crate::{
    heads::region::{
        Counted, DESK_WEIGHTS, DeskModel, FEATURES, Logistic, MENTION_FEATURES, RegionHead, mention_features,
    },
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
const LEAST_OF_A_SET: usize = 1_000;
const MOST_REPEATS: usize = 6;
/// How many times a mention of a sentence from a template counts: of articles only the countries that are named anywhere
/// are known, of sentences each name.
const SENTENCE_REPEATS: usize = 2;
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

/// Trains on the rows given, which are to be of the training part only, and on sentences made from templates, none of
/// them with a country of `without`. The same rows and seed give the same bytes.
///
/// `priors` should be made without the row they are asked about, or the ranker learns to trust them too much: see
/// [`training_priors`](super::training_priors).
///
/// # Errors
/// When too few rows carry countries.
pub fn train_region(
    rows: &[LabelledArticle],
    without: &[CountryId],
    priors: &TrainingPriors<'_>,
    gazetteer: &Gazetteer,
    seed: u64,
    progress: &dyn Fn(&str),
) -> Result<RegionTraining, String> {
    let sample = sample(rows, seed, |r| rows::focus(r).is_some());
    let sentences = templates::sentences(without, seed);
    let articles = sample.iter().map(|(set, rows)| ((*set).to_owned(), rows.len())).collect();
    progress("region: mentions");
    let (mention, mentions) = fit_mentions(rows, &sentences, gazetteer)?;
    progress("region: countries");
    let mut head = RegionHead {
        mention,
        ranker: Logistic { weights: vec![0.0; FEATURES], bias: 0.0 },
        desks: DeskModel::default(),
        homes: None,
        least_desk: LEAST_DESK,
    };
    let mut examples: Vec<([f64; FEATURES], bool)> = Vec::new();
    let mut document = Document::default();
    for set in sample.values() {
        let repeats = (LEAST_OF_A_SET / set.len().max(1)).clamp(1, MOST_REPEATS);
        for row in set {
            let Some(focus) = rows::focus(row) else { continue };
            rows::read_region_row(row, &mut document);
            let opinions = priors(&document, rows::set(row));
            add_candidates(&head, gazetteer, &document, &opinions, &focus, repeats, &mut examples);
            // The same story as a headline with its first lines.
            if document.tokens().len() > 2 * BRIEF_WORDS {
                let lead: Vec<&str> = row.text.split_inclusive(char::is_whitespace).take(BRIEF_WORDS).collect();
                document.read(&row.title, &lead.concat());
                let opinions = priors(&document, rows::set(row));
                add_candidates(&head, gazetteer, &document, &opinions, &focus, repeats, &mut examples);
            }
        }
    }
    for sentence in &sentences {
        document.read("", &sentence.text);
        add_candidates(&head, gazetteer, &document, &priors(&document, ""), &sentence.about, 1, &mut examples);
    }
    progress(&format!("region: {} candidate countries", examples.len()));
    let features: Vec<&[f64]> = examples.iter().map(|(x, _)| &x[..]).collect();
    let truth: Vec<bool> = examples.iter().map(|(_, y)| *y).collect();
    head.ranker = logistic::fit(&features, &truth, ALPHA)?;
    progress("region: desks");
    head.desks = fit_desks(&head, rows, priors, gazetteer, seed)?;
    head.homes = fit_homes(&head, rows, priors, gazetteer)?;
    head.check()?;
    Ok(RegionTraining { head, articles, mentions, candidates: examples.len() })
}

fn add_candidates(
    head: &RegionHead,
    gazetteer: &Gazetteer,
    document: &Document,
    opinions: &[Option<Vec<f32>>],
    focus: &[CountryId],
    repeats: usize,
    examples: &mut Vec<([f64; FEATURES], bool)>,
) {
    let places = gazetteer.find(document, detect_language(document));
    let mut counted = Counted::default();
    for opinion in opinions {
        head.count(document, places.hits(), opinion.as_deref(), &mut counted);
        for country in &counted.countries {
            let about = focus.contains(&country.country);
            // Agencies of old labelled each story with the place that it was filed from; in a text of a few lines that
            // is not learned.
            if about && country.only_filed_from() {
                continue;
            }
            // Two opinions, or one that counts twice.
            let times = repeats * 2 / opinions.len().max(1);
            examples.extend(std::iter::repeat_n((country.features, about), times));
        }
    }
}

/// The weights of the desks' features: each pair of the right desk and another is an example of "this one rather than
/// that", from the difference of their vectors, which estimates the weights of the softmax over all.
fn fit_desks(
    head: &RegionHead,
    rows: &[LabelledArticle],
    priors: &TrainingPriors<'_>,
    gazetteer: &Gazetteer,
    seed: u64,
) -> Result<DeskModel, String> {
    let mut examples: Vec<([f64; DESK_WEIGHTS], bool)> = Vec::new();
    let (mut document, mut counted) = (Document::default(), Counted::default());
    for set in sample(rows, seed, |r| rows::desk_label(r).is_some()).values() {
        for row in set {
            let Some(desk) = rows::desk_label(row) else { continue };
            rows::read_region_row(row, &mut document);
            let places = gazetteer.find(&document, detect_language(&document));
            // The opinion of words that know the set counts twice: most articles come from outlets that were seen.
            let opinions = priors(&document, rows::set(row));
            for prior in opinions.iter().take(1).chain(&opinions) {
                head.count(&document, places.hits(), prior.as_deref(), &mut counted);
                let vectors = head.desk_vectors(&counted, prior.as_deref());
                let Some(right) = vectors.get(desk) else { continue };
                for (other, vector) in vectors.iter().enumerate().filter(|(i, _)| *i != desk) {
                    let sign = if other % 2 == 0 { 1.0 } else { -1.0 };
                    let mut difference = [0.0; DESK_WEIGHTS];
                    for ((to, a), b) in difference.iter_mut().zip(right).zip(vector) {
                        *to = sign * (a - b);
                    }
                    examples.push((difference, sign > 0.0));
                }
            }
        }
    }
    if examples.is_empty() {
        return Ok(DeskModel::default());
    }
    let features: Vec<&[f64]> = examples.iter().map(|(x, _)| &x[..]).collect();
    let truth: Vec<bool> = examples.iter().map(|(_, y)| *y).collect();
    Ok(DeskModel { weights: logistic::fit(&features, &truth, ALPHA)?.weights })
}

/// At most [`MOST_OF_A_SET`] rows of each set that are `wanted`, drawn by `seed`.
fn sample(
    rows: &[LabelledArticle],
    seed: u64,
    wanted: impl Fn(&LabelledArticle) -> bool,
) -> BTreeMap<&str, Vec<&LabelledArticle>> {
    let mut sets: BTreeMap<&str, Vec<&LabelledArticle>> = BTreeMap::new();
    for row in rows.iter().filter(|r| wanted(r)) {
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
fn fit_mentions(
    rows: &[LabelledArticle],
    sentences: &[templates::Sentence],
    gazetteer: &Gazetteer,
) -> Result<(Logistic, usize), String> {
    let mut examples: Vec<([f64; MENTION_FEATURES], bool)> = Vec::new();
    let mut document = Document::default();
    for row in rows {
        let Some(mentioned) = rows::mentioned(row) else { continue };
        // The whole article, and its parts as if they were briefs.
        rows::read_region_row(row, &mut document);
        add_mentions(&document, gazetteer, &mentioned, false, &mut examples);
        let words: Vec<&str> = row.text.split_inclusive(char::is_whitespace).collect();
        for (i, brief) in words.chunks(BRIEF_WORDS).enumerate() {
            document.read(if i == 0 { &row.title } else { "" }, &brief.concat());
            add_mentions(&document, gazetteer, &mentioned, false, &mut examples);
        }
    }
    for sentence in sentences {
        document.read("", &sentence.text);
        for _ in 0..SENTENCE_REPEATS {
            add_mentions(&document, gazetteer, &sentence.named, true, &mut examples);
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
    all_kinds: bool,
    examples: &mut Vec<([f64; MENTION_FEATURES], bool)>,
) {
    let places = gazetteer.find(document, detect_language(document));
    let hits = places.hits();
    for (i, hit) in hits.iter().enumerate() {
        let annotated = all_kinds || hit.kind.is_local() || hit.kind == HitKind::Country;
        if let Some(country) = hit.countries[0].filter(|_| annotated) {
            examples.push((mention_features(hits, i), mentioned.contains(&country)));
        }
    }
}

/// Every name is a place: where no row says otherwise.
fn certain() -> Logistic {
    Logistic { weights: vec![0.0; MENTION_FEATURES], bias: 6.0 }
}
