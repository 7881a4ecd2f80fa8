//! Stories of an outlet's own country, which seldom name it: no name tells of the country, or one that is none, but the
//! words tell the desk, and most such stories of a desk are about one country.

use super::{Logistic, RankedCountry, desk, math, per_desk::ALL, rank::SHORT};
use crate::{places::countries::CountryId, text::Document};
use serde::{Deserialize, Serialize};

/// Names of the features, in the order of the weights. Part of the model format.
pub const HOME_FEATURES: [&str; 12] = [
    "log odds of the desk",
    "log odds of the country's share of the desk",
    "log words",
    "log odds of the desk and log words",
    "names a place",
    "names it",
    "names it: log odds",
    "log odds of the likeliest other country",
    "log odds of the likeliest other country, of its desk",
    "names a place: log odds of the desk",
    "names it: log odds of the desk",
    "names a place: log words",
];
/// Bundles made before 2026-11-29 have weights for so many features and ask only where no place is named.
const FORMER_WEIGHTS: usize = 4;
/// Fewer words than this, a sentence alone, are too few to tell a country by without a name.
pub const FEWEST_NAMELESS: usize = 20;

/// From the desk of a story to the country that is that desk's home.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HomeModel {
    /// At most one for each desk.
    pub homes: Vec<Home>,
    /// Whether the story is about the home of its desk, over [`HOME_FEATURES`].
    pub about: Logistic,
}

/// The country that most stories of a desk are about if they name none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Home {
    /// Index of the desk.
    pub desk: usize,
    /// Written as its ISO code.
    pub country: CountryId,
    /// Its share of them.
    pub share: f64,
}

/// Whether a text that names places may still be about a country that it does not name: a sentence alone is about what
/// it names.
#[must_use]
pub fn is_article(document: &Document) -> bool {
    document.title_tokens() > 0 || document.tokens().len() >= SHORT
}

/// What an article says of the home of its desk.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// How many words it has.
    pub words: usize,
    /// Its likeliest desk's probability.
    pub desk: f64,
    /// Whether it names any place.
    pub places: bool,
    /// Whether it is more than a sentence or two without a title: see [`is_article`].
    pub article: bool,
    /// The countries that it names, each with the probability that it is about it.
    pub countries: &'a [RankedCountry],
    /// See `countries`.
    pub about: &'a [f64],
}

impl HomeModel {
    pub(super) fn check(&self) -> Result<(), String> {
        let features = if self.is_former() { FORMER_WEIGHTS } else { HOME_FEATURES.len() };
        self.about.check(features, "home")?;
        for Home { desk, country, share } in &self.homes {
            if country.desk() != *desk || !(0.0..=1.0).contains(share) {
                return Err(format!("region head: {} is no home of desk {desk}", country.code()));
            }
        }
        Ok(())
    }

    fn is_former(&self) -> bool {
        self.about.weights.len() == FORMER_WEIGHTS
    }

    /// The home of the likeliest desk, and how likely a story that says so much is about it.
    pub(super) fn judge(&self, told: Told<'_>, desks: &[f64; ALL]) -> Option<(CountryId, f64)> {
        let speaks = !told.places || told.article && !self.is_former();
        if told.words < FEWEST_NAMELESS || !speaks {
            return None;
        }
        let best = desk::best(desks);
        let home = self.homes.iter().find(|home| home.desk == best)?;
        let features = home_features(Told { desk: desks.get(best).copied()?, ..told }, home.country, home.share);
        Some((home.country, self.about.probability(&features)))
    }
}

/// The features of a story for `country`, the home of its desk with that share.
#[must_use]
pub fn home_features(told: Told<'_>, country: CountryId, share: f64) -> [f64; HOME_FEATURES.len()] {
    let named = told.countries.iter().zip(told.about).find(|(c, _)| c.country == country);
    let likeliest = |of_desk: bool| {
        let others = told.countries.iter().zip(told.about).filter(|(c, _)| c.country != country);
        others.filter(|(c, _)| !of_desk || c.country.desk() == country.desk()).map(|(_, p)| *p).fold(0.0, f64::max)
    };
    let mut logs = [
        math::odds(told.desk),
        math::odds(share),
        told.words.max(1) as f64,
        math::odds(named.map_or(0.0, |(_, p)| *p)) / math::odds(0.0),
        math::odds(likeliest(false)) / math::odds(0.0),
        math::odds(likeliest(true)) / math::odds(0.0),
    ];
    math::ln(&mut logs);
    let [desk, share, words, own, other, of_desk] = logs;
    let (places, named) = (f64::from(u8::from(told.places)), f64::from(u8::from(named.is_some())));
    [desk, share, words, desk * words, places, named, own, other, of_desk, places * desk, named * desk, places * words]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(words: usize) -> Told<'static> {
        Told { words, desk: 0.0, places: false, article: true, countries: &[], about: &[] }
    }

    #[test]
    fn speaks_of_the_likeliest_desk_only() {
        let home =
            |desk: usize, country: &str| Home { desk, country: CountryId::from_code(country).unwrap(), share: 0.7 };
        let about = Logistic { weights: [[1.0].as_slice(), &[0.0; HOME_FEATURES.len() - 1]].concat(), bias: 0.0 };
        let model = HomeModel { homes: vec![home(0, "US"), home(2, "GB")], about };
        assert!(model.check().is_ok());
        let mut desks = [0.01; ALL];
        desks[2] = 0.9;
        let judged = model.judge(told(30), &desks).unwrap();
        assert_eq!(judged.0.code(), "GB");
        assert!((judged.1 - 0.9).abs() < 1e-9);
        assert_eq!(model.judge(told(FEWEST_NAMELESS - 1), &desks), None, "too short");
        let former = Logistic { weights: vec![1.0, 0.0, 0.0, 0.0], bias: 0.0 };
        let former = HomeModel { about: former, ..model.clone() };
        assert!(former.check().is_ok());
        assert_eq!(former.judge(told(30), &desks), model.judge(told(30), &desks));
        assert_eq!(former.judge(Told { places: true, ..told(30) }, &desks), None, "was asked without places only");
        let among_places = Told { places: true, ..told(30) };
        assert!(model.judge(among_places, &desks).is_some());
        assert_eq!(model.judge(Told { article: false, ..among_places }, &desks), None, "a sentence alone");
        desks[3] = 0.95;
        assert_eq!(model.judge(told(30), &desks), None, "a desk without a home");
        let wrong = HomeModel { homes: vec![home(0, "GB")], ..model };
        assert!(wrong.check().is_err());
    }

    #[test]
    fn heeds_what_is_named() {
        let country = |code| RankedCountry::unnamed(CountryId::from_code(code).unwrap());
        let countries = [country("GB"), country("FR"), country("US")];
        let features = |about: &[f64]| {
            let told = Told { desk: 0.5, places: true, countries: &countries, about, ..told(30) };
            home_features(told, countries[0].country, 0.5)
        };
        let at = |name: &str| HOME_FEATURES.iter().position(|f| *f == name).unwrap();
        let (none, some) = (features(&[]), features(&[0.2, 0.5, 0.9]));
        assert_eq!([none[at("names it")], some[at("names it")]], [0.0, 1.0]);
        for (name, p) in [
            ("names it: log odds", 0.2),
            ("log odds of the likeliest other country", 0.9),
            ("log odds of the likeliest other country, of its desk", 0.5),
        ] {
            let expected: f64 = (math::odds(p) / math::odds(0.0)).ln();
            assert!(none[at(name)].abs() < 1e-9 && (some[at(name)] - expected).abs() < 1e-9, "{name}");
        }
    }
}
