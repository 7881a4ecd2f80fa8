//! The golden self-test: a bundle carries what it answered to a few fixed
//! texts when it was made, and must answer the same before it takes traffic.
//! The texts are read a few times over, which also warms the tables up.

use super::{BundleError, Classifier, Scratch};
use crate::{
    article::{Article, Target},
    prediction::{Options, Prediction},
};
use serde::{Deserialize, Serialize};

/// Name of the file in a bundle.
pub(super) const GOLDEN: &str = "golden.json";
/// Most that a probability may have moved: more than rounding, less than another model.
const TOLERANCE: f64 = 0.01;
/// Rounds of reading: the first ones fault the pages in.
const ROUNDS: usize = 3;

/// Title, text, and a target that the text names. Written for this file.
const TEXTS: [[&str; 3]; 6] = [
    [
        "Ceasefire talks resume in Damascus",
        "Envoys of Syria and Iraq met on Monday to discuss a truce along the border. The Syrian government \
         called the proposal reckless, while aid groups praised the envoys for keeping the road open.",
        "Syrian government",
    ],
    [
        "Harbour club wins the cup in extra time",
        "A late goal in Lisbon gave the visitors their first trophy in nine seasons. The coach thanked the supporters.",
        "coach",
    ],
    [
        "Central bank leaves rates where they are",
        "The Bank of Japan kept its key rate unchanged and said that wages were rising more slowly than hoped. \
         Exporters in Osaka criticised the bank.",
        "Bank of Japan",
    ],
    [
        "Heavy rain and wind from Thursday",
        "Forecasters warn of floods in the valleys. Gusts of ninety kilometres an hour are expected on the coast.",
        "forecasters",
    ],
    ["", "Preheat the oven, slice the pears thinly and stir the honey into the butter until it is smooth.", "pears"],
    ["Ok", "", "x"],
];

/// What is compared of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Golden {
    topic: Option<(String, f64)>,
    desk: Option<String>,
    countries: Vec<(String, f64)>,
    stance: Option<(String, f64)>,
}

impl Golden {
    fn of(prediction: &Prediction) -> Self {
        let topic = prediction.topic.as_ref().and_then(|t| t.labels.first());
        let region = prediction.region.as_ref();
        let stance = prediction.stances.first();
        Self {
            topic: topic.map(|l| (l.id.to_string(), l.probability)),
            desk: region.map(|r| r.primary_desk.to_owned()),
            countries: region
                .map_or_else(Vec::new, |r| r.countries.iter().map(|c| (c.code.to_owned(), c.probability)).collect()),
            stance: stance.map(|s| (format!("{:?}", s.label), s.probability)),
        }
    }

    fn agrees(&self, other: &Self) -> bool {
        let near = |a: &(String, f64), b: &(String, f64)| a.0 == b.0 && (a.1 - b.1).abs() <= TOLERANCE;
        let both = |a: &Option<(String, f64)>, b: &Option<(String, f64)>| match (a, b) {
            (Some(a), Some(b)) => near(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        let countries = self.countries.len() == other.countries.len()
            && self.countries.iter().zip(&other.countries).all(|(a, b)| near(a, b));
        both(&self.topic, &other.topic) && self.desk == other.desk && countries && both(&self.stance, &other.stance)
    }
}

fn answers(model: &Classifier) -> Vec<Golden> {
    let mut scratch = Scratch::default();
    let mut golden = Vec::new();
    for _ in 0..ROUNDS {
        golden.clear();
        for [title, text, target] in TEXTS {
            let article = Article { title: title.to_owned(), text: text.to_owned(), ..Article::default() };
            let target = Target { name: target.to_owned(), ..Target::default() };
            golden.push(Golden::of(&model.classify(&article, &[target], &Options::default(), &mut scratch)));
        }
    }
    golden
}

impl Classifier {
    /// What this model answers to the texts of the self-test, as a file of its bundle: its name and bytes.
    ///
    /// # Errors
    /// Never in practice: when it cannot be written as JSON.
    pub fn golden(&self) -> Result<(&'static str, Vec<u8>), BundleError> {
        let json = serde_json::to_vec_pretty(&answers(self)).map_err(|e| bad(e.to_string()))?;
        Ok((GOLDEN, json))
    }

    /// Warms the model up and compares what it answers with what its bundle says that it should. A bundle of before
    /// there were golden answers is warmed up only.
    ///
    /// # Errors
    /// Names the text that is answered differently.
    pub fn self_test(&self) -> Result<(), BundleError> {
        let now = answers(self);
        let Some(golden) = &self.golden else { return Ok(()) };
        let golden: Vec<Golden> = serde_json::from_slice(golden).map_err(|e| bad(e.to_string()))?;
        let differs = golden.iter().zip(&now).position(|(then, now)| !then.agrees(now));
        let differs = differs.or((golden.len() != now.len()).then_some(golden.len().min(now.len())));
        match differs {
            None => Ok(()),
            Some(i) => Err(bad(format!(
                "this wiredesk answers text {i} of the self-test differently from the one that made the model: use that \
                 version, or train the model anew"
            ))),
        }
    }
}

fn bad(message: String) -> BundleError {
    BundleError::Content { file: GOLDEN.to_owned(), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_answer_is_found() {
        let mut model = Classifier::embedded().unwrap();
        let (_, golden) = model.golden().unwrap();
        model.golden = Some(golden.clone());
        model.self_test().unwrap();
        let text = String::from_utf8(golden).unwrap();
        for (from, to) in [("\"MENA\"", "\"EUR\""), ("medtop:15000000", "medtop:01000000"), ("[\n", "[ null,\n")] {
            assert!(text.contains(from), "{from} is not in {text}");
            model.golden = Some(text.replacen(from, to, 1).into_bytes());
            assert!(model.self_test().is_err(), "{from} -> {to}");
        }
        model.golden = Some(b"[]".to_vec());
        assert!(model.self_test().is_err());
        model.golden = None;
        model.self_test().unwrap();
    }
}
