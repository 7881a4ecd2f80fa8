//! Fits whether a story is about the country that is its desk's home.

use super::{TrainingPriors, logistic, rows};
use crate::{
    heads::region::{
        Counted, RegionHead, desk,
        home::{FEWEST_NAMELESS, HOME_FEATURES, Home, HomeModel, Told, home_features, is_article},
    },
    learn::rows::LabelledArticle,
    places::{Gazetteer, Places, countries::CountryId},
    text::{Document, detect_language},
};
use std::collections::BTreeMap;

/// Articles without a name that a set counts as, at most, and as many with one.
const MOST_OF_A_SET: usize = 600;
/// A desk has a home when it is what so many of its articles without a name are about.
const LEAST_SHARE: f64 = 0.4;
const ALPHA: f64 = 3.0;

/// An article of [`FEWEST_NAMELESS`] words and what it is about.
struct Example<'a> {
    row: &'a LabelledArticle,
    set: &'a str,
    focus: Vec<CountryId>,
}

/// Those without a name and those with one.
type Examples<'a> = [Vec<Example<'a>>; 2];

/// Fits on rows that name no place and on others; `None` where no desk has a home.
pub(super) fn fit_homes(
    head: &RegionHead,
    rows: &[LabelledArticle],
    priors: &TrainingPriors<'_>,
    gazetteer: &Gazetteer,
) -> Result<Option<HomeModel>, String> {
    let [nameless, others] = examples(rows, gazetteer);
    let mut counts: BTreeMap<usize, (usize, BTreeMap<CountryId, usize>)> = BTreeMap::new();
    let (mut document, mut places, mut counted) = (Document::default(), Places::default(), Counted::default());
    for example in &nameless {
        rows::read_region_row(example.row, &mut document);
        for opinion in priors(&document, example.set) {
            head.count(&document, &[], opinion.as_deref(), &mut counted);
            let (total, countries) = counts.entry(desk::best(&counted.desks)).or_default();
            *total += 1;
            example.focus.iter().for_each(|country| *countries.entry(*country).or_default() += 1);
        }
    }
    let homes: Vec<Home> = counts.iter().filter_map(|(desk, counts)| home(*desk, counts)).collect();
    let mut features: Vec<([f64; HOME_FEATURES.len()], bool)> = Vec::new();
    for example in nameless.iter().chain(&others) {
        rows::read_region_row(example.row, &mut document);
        gazetteer.find_into(&document, detect_language(&document), &mut places);
        for opinion in priors(&document, example.set) {
            head.count(&document, places.hits(), opinion.as_deref(), &mut counted);
            let best = desk::best(&counted.desks);
            let Some(home) = homes.iter().find(|home| home.desk == best) else { continue };
            let told = Told {
                words: document.tokens().len(),
                desk: counted.desks.get(best).copied().unwrap_or(0.0),
                places: !places.hits().is_empty(),
                article: true,
                countries: &counted.countries,
                about: &counted.about,
            };
            features.push((home_features(told, home.country, home.share), example.focus.contains(&home.country)));
        }
    }
    let (rows, truth): (Vec<&[f64]>, Vec<bool>) = features.iter().map(|(x, y)| (&x[..], *y)).unzip();
    if !truth.contains(&true) || !truth.contains(&false) {
        return Ok(None);
    }
    Ok(Some(HomeModel { homes, about: logistic::fit(&rows, &truth, ALPHA)? }))
}

/// The country that most of a desk's articles without a name are about.
fn home(desk: usize, (total, countries): &(usize, BTreeMap<CountryId, usize>)) -> Option<Home> {
    let (country, many) = countries.iter().max_by_key(|(_, many)| **many)?;
    let share = *many as f64 / (*total).max(1) as f64;
    let is_home = share >= LEAST_SHARE && country.desk() == desk;
    is_home.then_some(Home { desk, country: *country, share })
}

fn examples<'a>(rows: &'a [LabelledArticle], gazetteer: &Gazetteer) -> Examples<'a> {
    let mut sets: BTreeMap<&str, Examples<'a>> = BTreeMap::new();
    let (mut document, mut places) = (Document::default(), Places::default());
    for row in rows {
        let Some(focus) = rows::focus(row) else { continue };
        rows::read_region_row(row, &mut document);
        gazetteer.find_into(&document, detect_language(&document), &mut places);
        let speaks = places.hits().is_empty() || is_article(&document);
        if document.tokens().len() >= FEWEST_NAMELESS && speaks {
            let set = rows::set(row);
            let [nameless, others] = sets.entry(set).or_default();
            let list = if places.hits().is_empty() { nameless } else { others };
            list.push(Example { row, set, focus });
        }
    }
    let mut all: Examples<'a> = Default::default();
    for lists in sets.into_values() {
        for (all, list) in all.iter_mut().zip(lists) {
            let step = list.len().div_ceil(MOST_OF_A_SET).max(1);
            all.extend(list.into_iter().step_by(step));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        heads::region::{DeskModel, FEATURES, Logistic, MENTION_FEATURES},
        places::{DEFAULT_GAZETTEER, countries::DESKS},
    };

    #[test]
    fn learns_what_stories_without_names_are_about() {
        let text = "the minister told members that schools would open again after the holidays, that the strike of nurses \
                    was over for now and that pay would rise in spring";
        let row = |country: &str| LabelledArticle {
            text: text.to_owned(),
            countries: Some(vec![country.to_owned()]),
            ..LabelledArticle::default()
        };
        let rows: Vec<LabelledArticle> = (0..40).map(|i| row(if i % 4 == 0 { "IE" } else { "GB" })).collect();
        let zeros = |features| Logistic { weights: vec![0.0; features], bias: 0.0 };
        let (mention, ranker) = (zeros(MENTION_FEATURES), zeros(FEATURES));
        let head = RegionHead { mention, ranker, desks: DeskModel::default(), homes: None, least_desk: 0.3 };
        let mut words = vec![0.01; DESKS.len() + 1];
        words[2] = 0.9;
        let priors = |_: &Document, _: &str| vec![Some(words.clone())];
        let gazetteer = Gazetteer::parse(DEFAULT_GAZETTEER).unwrap();
        let model = fit_homes(&head, &rows, &priors, &gazetteer).unwrap().unwrap();
        let country = CountryId::from_code("GB").unwrap();
        assert_eq!(model.homes, [Home { desk: 2, country, share: 0.75 }]);
        let told = Told { words: 29, desk: 0.9, places: false, article: true, countries: &[], about: &[] };
        let likely = model.about.probability(&home_features(told, country, 0.75));
        assert!((likely - 0.75).abs() < 0.05, "{likely}");
        assert_eq!(fit_homes(&head, &rows[..1], &priors, &gazetteer), Ok(None), "one class");
    }
}
