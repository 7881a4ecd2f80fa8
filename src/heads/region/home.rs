//! Stories that name no place at all, as those that an outlet files at home: no
//! name tells of a country, but the words tell the desk, and most such stories
//! of a desk are about one country.

use super::{Logistic, desk, evidence::ALL, math};
use crate::places::countries::{CountryId, DESKS};
use serde::{Deserialize, Serialize};

/// Names of the features, in the order of the weights. Part of the model format.
pub const HOME_FEATURES: [&str; 4] = [
    "log odds of the desk",
    "log odds of the country's share of the desk",
    "log words",
    "log odds of the desk and log words",
];
/// Fewer words than this, a sentence alone, are too few to tell a country by without a name.
pub const FEWEST_NAMELESS: usize = 20;

/// From the desk of a story without names to its country.
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
    /// ISO code.
    pub country: String,
    /// Its share of them.
    pub share: f64,
}

impl HomeModel {
    pub(super) fn check(&self) -> Result<(), String> {
        self.about.check(HOME_FEATURES.len(), "home")?;
        for Home { desk, country, share } in &self.homes {
            let known = CountryId::from_code(country).is_some_and(|c| c.desk() == *desk);
            if *desk >= DESKS.len() || !known || !(0.0..=1.0).contains(share) {
                return Err(format!("region head: {country:?} is no home of desk {desk}"));
            }
        }
        Ok(())
    }

    /// The home of the likeliest desk, and how likely a story of so many words that names no place is about it.
    pub(super) fn judge(&self, words: usize, desks: &[f64; ALL]) -> Option<(CountryId, f64)> {
        let best = desk::best(desks);
        let home = self.homes.iter().find(|home| home.desk == best && words >= FEWEST_NAMELESS)?;
        let features = home_features(words, desks.get(best).copied()?, home.share);
        Some((CountryId::from_code(&home.country)?, self.about.probability(&features)))
    }
}

/// The features of a story of so many words whose desk is told with a probability, and whose home has a share.
#[must_use]
pub fn home_features(words: usize, desk: f64, share: f64) -> [f64; HOME_FEATURES.len()] {
    let log_odds = |p: f64| math::odds(p).ln();
    let (desk, words) = (log_odds(desk), (words.max(1) as f64).ln());
    [desk, log_odds(share), words, desk * words]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speaks_of_the_likeliest_desk_only() {
        let home = |desk: usize, country: &str| Home { desk, country: country.to_owned(), share: 0.7 };
        let about = Logistic { weights: vec![1.0, 0.0, 0.0, 0.0], bias: 0.0 };
        let model = HomeModel { homes: vec![home(0, "US"), home(2, "GB")], about };
        assert!(model.check().is_ok());
        let mut desks = [0.01; ALL];
        desks[2] = 0.9;
        let told = model.judge(30, &desks).unwrap();
        assert_eq!(told.0.code(), "GB");
        assert!((told.1 - 0.9).abs() < 1e-9);
        assert_eq!(model.judge(FEWEST_NAMELESS - 1, &desks), None, "too short");
        desks[3] = 0.95;
        assert_eq!(model.judge(30, &desks), None, "a desk without a home");
        let wrong = HomeModel { homes: vec![home(0, "GB")], ..model };
        assert!(wrong.check().is_err());
    }
}
