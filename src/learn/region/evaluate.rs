//! Figures of the region head on labelled rows, set by set, beside the baselines.

use super::{DeskPrior, rows};
use crate::{
    eval::metrics::{self, Estimate},
    heads::region::{ABOUT, Counted, RegionHead, desk},
    learn::rows::LabelledArticle,
    places::{
        Gazetteer, HitKind, PlaceHit,
        countries::{CountryId, DESKS},
    },
    text::{Document, detect_language},
};
use serde::Serialize;
use std::collections::BTreeMap;

const RESAMPLES: usize = 1_000;
const SEED: u64 = 1;
/// The count heuristic keeps countries with this share of the most named.
const HEURISTIC_SHARE: f64 = 0.3;

/// How well countries and desks were told on one set.
#[derive(Debug, Clone, Serialize)]
pub struct SetReport {
    /// The set; "all" for all of them.
    pub set: String,
    /// Rows with countries.
    pub countries_n: usize,
    /// The trained head.
    pub head: Estimates,
    /// What is simpler.
    pub baselines: Baselines,
    /// Gap between the probability "is about" and how often it is, over all countries named.
    pub calibration_error: f64,
    /// Rows of one desk.
    pub desk_n: usize,
}

/// Figures of one way to answer.
#[derive(Debug, Clone, Serialize)]
pub struct Estimates {
    /// Micro-averaged over countries.
    pub country_precision: f64,
    /// Micro-averaged over countries.
    pub country_recall: f64,
    /// Micro-averaged over countries.
    pub country_f1: Estimate,
    /// Share of rows whose most likely country is right.
    pub top1: f64,
    /// On rows of one desk.
    pub desk_accuracy: Estimate,
    /// On rows of one desk.
    pub desk_macro_f1: Estimate,
}

/// Simpler answers.
#[derive(Debug, Clone, Serialize)]
pub struct Baselines {
    /// TF-IDF and logistic regression over words: desks only.
    pub words: Estimates,
    /// Names counted, those of the title three times; countries with 30 % of the most named.
    pub count: Estimates,
    /// The most frequent country and desk of the rows themselves.
    pub majority: Estimates,
}

/// Figures of all sets.
#[derive(Debug, Clone, Serialize)]
pub struct RegionReport {
    /// By name of the set, "all" last.
    pub sets: Vec<SetReport>,
}

/// What one way to answer says: the countries kept, the likeliest, the desk.
type Told = (Vec<CountryId>, Option<CountryId>, usize);

/// One row's truth and the answers to it.
#[derive(Debug, Clone, Default)]
struct Answer {
    focus: Option<Vec<CountryId>>,
    desk: Option<usize>,
    head: Told,
    count: Told,
    words: Told,
    /// Probability and truth of each country named.
    about: Vec<(f64, bool)>,
}

/// Measures `head` on `rows`, set by set and on all.
#[must_use]
pub fn evaluate_region(
    head: &RegionHead,
    gazetteer: &Gazetteer,
    rows: &[LabelledArticle],
    desk_prior: &DeskPrior<'_>,
) -> RegionReport {
    let mut sets: BTreeMap<&str, Vec<Answer>> = BTreeMap::new();
    let mut document = Document::default();
    for row in rows {
        if let Some(answer) = answer(head, gazetteer, row, desk_prior, &mut document) {
            sets.entry(rows::set(row)).or_default().push(answer);
        }
    }
    let all: Vec<Answer> = sets.values().flatten().cloned().collect();
    let mut reports: Vec<SetReport> = sets.iter().map(|(set, answers)| report(set, answers)).collect();
    reports.push(report("all", &all));
    RegionReport { sets: reports }
}

fn answer(
    head: &RegionHead,
    gazetteer: &Gazetteer,
    row: &LabelledArticle,
    desk_prior: &DeskPrior<'_>,
    document: &mut Document,
) -> Option<Answer> {
    let (focus, desk) = (rows::focus(row), rows::desk_label(row));
    if focus.is_none() && desk.is_none() {
        return None;
    }
    rows::read_region_row(row, document);
    let places = gazetteer.find(document, detect_language(document));
    let hits = places.hits();
    let mut counted = Counted::default();
    let prior = desk_prior(document);
    head.count(document, hits, prior.as_deref(), &mut counted);
    let mut ranked: Vec<(f64, CountryId)> =
        counted.about.iter().zip(&counted.countries).map(|(p, c)| (*p, c.country)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let kept = ranked.iter().filter(|(p, _)| *p >= ABOUT).map(|(_, c)| *c).collect();
    let about = focus.iter().flat_map(|f| ranked.iter().map(|(p, c)| (*p, f.contains(c)))).collect();
    let top = ranked.first().map(|(_, c)| *c);
    let count = heuristic(document, hits);
    let likeliest = prior.iter().flatten().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    let words = (Vec::new(), None, likeliest.map_or(DESKS.len(), |(i, _)| i));
    Some(Answer { focus, desk, head: (kept, top, desk::best(&counted.desks)), count, words, about })
}

/// Counts names, without any training.
fn heuristic(document: &Document, hits: &[PlaceHit]) -> Told {
    let mut counts: Vec<(f64, CountryId)> = Vec::new();
    let mut desks = [0.0; DESKS.len()];
    for hit in hits {
        let title = (hit.first_token as usize) < document.title_tokens();
        let local = matches!(hit.kind, HitKind::City | HitKind::Subdivision);
        let weight = if title { 3.0 } else { 1.0 } * if local { 0.8 } else { 1.0 };
        for country in hit.countries.iter().flatten() {
            match counts.iter_mut().find(|(_, c)| c == country) {
                Some((count, _)) => *count += weight,
                None => counts.push((weight, *country)),
            }
            if let Some(desk) = desks.get_mut(country.desk()) {
                *desk += weight;
            }
        }
        if let Some(desk) = hit.desk.and_then(|d| desks.get_mut(usize::from(d))) {
            *desk += weight;
        }
    }
    counts.sort_by(|a, b| b.0.total_cmp(&a.0));
    let most = counts.first().map_or(0.0, |(n, _)| *n);
    let kept = counts.iter().filter(|(n, _)| *n >= HEURISTIC_SHARE * most).map(|(_, c)| *c).collect();
    let best = desks.iter().enumerate().filter(|(_, n)| **n > 0.0).max_by(|a, b| a.1.total_cmp(b.1));
    (kept, counts.first().map(|(_, c)| *c), best.map_or(DESKS.len(), |(i, _)| i))
}

fn report(set: &str, answers: &[Answer]) -> SetReport {
    let focused: Vec<&Answer> = answers.iter().filter(|a| a.focus.is_some()).collect();
    let about: Vec<(f64, bool)> = answers.iter().flat_map(|a| a.about.iter().copied()).collect();
    let (p, right): (Vec<f64>, Vec<bool>) = about.into_iter().unzip();
    let most_country = most(focused.iter().flat_map(|a| a.focus.iter().flatten().copied()));
    let most_desk = most(answers.iter().filter_map(|a| a.desk)).unwrap_or(0);
    let majority = (most_country.into_iter().collect::<Vec<_>>(), most_country, most_desk);
    SetReport {
        set: set.to_owned(),
        countries_n: focused.len(),
        head: estimates(answers, |a| &a.head),
        baselines: Baselines {
            words: estimates(answers, |a| &a.words),
            count: estimates(answers, |a| &a.count),
            majority: estimates(answers, |_| &majority),
        },
        calibration_error: metrics::expected_calibration_error(&p, &right),
        desk_n: answers.iter().filter(|a| a.desk.is_some()).count(),
    }
}

fn most<T: Ord + Copy>(items: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    for item in items {
        *counts.entry(item).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(_, n)| *n).map(|(item, _)| item)
}

fn estimates<'a>(answers: &'a [Answer], get: impl Fn(&'a Answer) -> &'a Told) -> Estimates {
    let pairs: Vec<(&Vec<CountryId>, &Told)> =
        answers.iter().filter_map(|a| Some((a.focus.as_ref()?, get(a)))).collect();
    let counts: Vec<[u64; 3]> = pairs
        .iter()
        .map(|(focus, (kept, _, _))| {
            let hit = kept.iter().filter(|c| focus.contains(c)).count() as u64;
            [hit, kept.len() as u64 - hit, focus.len() as u64 - hit]
        })
        .collect();
    let sum = |sample: &[usize]| {
        sample.iter().fold([0; 3], |t: [u64; 3], &i| {
            let c = counts.get(i).copied().unwrap_or_default();
            [t[0] + c[0], t[1] + c[1], t[2] + c[2]]
        })
    };
    let all: Vec<usize> = (0..counts.len()).collect();
    let [tp, fp, fn_] = sum(&all).map(|c| c as f64);
    let top = pairs.iter().filter(|(focus, (_, top, _))| top.is_some_and(|t| focus.contains(&t))).count();
    let (truth, told): (Vec<usize>, Vec<usize>) = answers.iter().filter_map(|a| Some((a.desk?, get(a).2))).unzip();
    let pick = |sample: &[usize]| -> (Vec<usize>, Vec<usize>) {
        sample.iter().filter_map(|&i| Some((*truth.get(i)?, *told.get(i)?))).unzip()
    };
    let on_desks = |figure: &dyn Fn(&[usize], &[usize]) -> f64| {
        metrics::bootstrap(truth.len(), RESAMPLES, SEED, |sample| {
            let (truth, told) = pick(sample);
            figure(&truth, &told)
        })
    };
    Estimates {
        country_precision: tp / (tp + fp).max(1.0),
        country_recall: tp / (tp + fn_).max(1.0),
        country_f1: metrics::bootstrap(counts.len(), RESAMPLES, SEED, |sample| metrics::f1(sum(sample))),
        top1: top as f64 / pairs.len().max(1) as f64,
        desk_accuracy: on_desks(&metrics::accuracy),
        desk_macro_f1: on_desks(&|t, p| metrics::macro_f1(t, p, DESKS.len() + 1)),
    }
}
