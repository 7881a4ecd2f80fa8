//! Fits which country a story is about that names no place.

use super::{TrainingPriors, logistic, rows};
use crate::{
    heads::region::{
        Counted, RegionHead, desk,
        home::{FEWEST_NAMELESS, HOME_FEATURES, Home, HomeModel, home_features},
    },
    learn::rows::LabelledArticle,
    places::{Gazetteer, Places, countries::CountryId},
    text::{Document, detect_language},
};
use std::collections::BTreeMap;

/// Articles without a name that a set counts as, at most.
const MOST_OF_A_SET: usize = 600;
/// A desk has a home when it is what so many of its articles without a name are about.
const LEAST_SHARE: f64 = 0.4;
const ALPHA: f64 = 3.0;

/// An article without a name: its words, its desk as told with a probability, and what it is about.
struct Nameless {
    words: usize,
    desk: usize,
    certain: f64,
    focus: Vec<CountryId>,
}

/// Fits on rows that name no place; `None` where no desk has a home.
pub(super) fn fit_homes(
    head: &RegionHead,
    rows: &[LabelledArticle],
    priors: &TrainingPriors<'_>,
    gazetteer: &Gazetteer,
) -> Result<Option<HomeModel>, String> {
    let nameless = nameless(head, rows, priors, gazetteer);
    let mut desks: BTreeMap<usize, BTreeMap<CountryId, usize>> = BTreeMap::new();
    let mut totals: BTreeMap<usize, usize> = BTreeMap::new();
    for row in &nameless {
        *totals.entry(row.desk).or_default() += 1;
        for country in &row.focus {
            *desks.entry(row.desk).or_default().entry(*country).or_default() += 1;
        }
    }
    let mut homes = Vec::new();
    for (desk, countries) in desks {
        let Some((country, many)) = countries.into_iter().max_by_key(|(_, many)| *many) else { continue };
        let share = many as f64 / totals.get(&desk).copied().unwrap_or(1).max(1) as f64;
        if share >= LEAST_SHARE && country.desk() == desk {
            homes.push(Home { desk, country: country.code().to_owned(), share });
        }
    }
    let mut examples: Vec<([f64; HOME_FEATURES.len()], bool)> = Vec::new();
    for row in &nameless {
        let Some(home) = homes.iter().find(|home| home.desk == row.desk) else { continue };
        let about = row.focus.iter().any(|country| country.code() == home.country);
        examples.push((home_features(row.words, row.certain, home.share), about));
    }
    let features: Vec<&[f64]> = examples.iter().map(|(x, _)| &x[..]).collect();
    let truth: Vec<bool> = examples.iter().map(|(_, y)| *y).collect();
    if !truth.contains(&true) || !truth.contains(&false) {
        return Ok(None);
    }
    Ok(Some(HomeModel { homes, about: logistic::fit(&features, &truth, ALPHA)? }))
}

fn nameless(
    head: &RegionHead,
    rows: &[LabelledArticle],
    priors: &TrainingPriors<'_>,
    gazetteer: &Gazetteer,
) -> Vec<Nameless> {
    let mut sets: BTreeMap<&str, Vec<(&LabelledArticle, Vec<CountryId>)>> = BTreeMap::new();
    let (mut document, mut places, mut counted) = (Document::default(), Places::default(), Counted::default());
    for row in rows {
        let Some(focus) = rows::focus(row) else { continue };
        rows::read_region_row(row, &mut document);
        gazetteer.find_into(&document, detect_language(&document), &mut places);
        if places.hits().is_empty() && document.tokens().len() >= FEWEST_NAMELESS {
            sets.entry(rows::set(row)).or_default().push((row, focus));
        }
    }
    let mut nameless = Vec::new();
    for (set, rows) in sets {
        let step = rows.len().div_ceil(MOST_OF_A_SET).max(1);
        for (row, focus) in rows.into_iter().step_by(step) {
            rows::read_region_row(row, &mut document);
            for opinion in priors(&document, set) {
                head.count(&document, &[], opinion.as_deref(), &mut counted);
                let desk = desk::best(&counted.desks);
                let certain = counted.desks.get(desk).copied().unwrap_or(0.0);
                nameless.push(Nameless { words: document.tokens().len(), desk, certain, focus: focus.clone() });
            }
        }
    }
    nameless
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        heads::region::{DeskModel, FEATURES, Logistic, Lookup, MENTION_FEATURES},
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
        let head = RegionHead {
            mention,
            ranker,
            desks: DeskModel::default(),
            homes: None,
            least_desk: 0.3,
            lookup: Lookup::default(),
        };
        let mut words = vec![0.01; DESKS.len() + 1];
        words[2] = 0.9;
        let priors = |_: &Document, _: &str| vec![Some(words.clone())];
        let gazetteer = Gazetteer::parse(DEFAULT_GAZETTEER).unwrap();
        let model = fit_homes(&head, &rows, &priors, &gazetteer).unwrap().unwrap();
        assert_eq!(model.homes, [Home { desk: 2, country: "GB".to_owned(), share: 0.75 }]);
        let likely = model.about.probability(&home_features(29, 0.9, 0.75));
        assert!((likely - 0.75).abs() < 0.05, "{likely}");
        assert_eq!(fit_homes(&head, &rows[..1], &priors, &gazetteer), Ok(None), "one class");
    }
}
