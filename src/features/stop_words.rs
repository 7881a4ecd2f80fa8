//! Words that are no features: function words, nearly half of a text, which
//! say next to nothing of what it is about.

use crate::text::{Document, Token};
use serde::{Deserialize, Serialize};

/// English function words, and the two that attribute speech in news; the parts of contractions stand alone.
const ENGLISH: &str = "a an the this that these those \
    i you he she it we they me him her us them my your his its our their mine yours hers ours theirs \
    myself yourself himself herself itself ourselves themselves who whom whose which what \
    am is are was were be been being have has had having do does did doing will would shall should can could may might \
    must and or but nor if because as until while although though unless than so yet whether \
    of at by for with about against between into through during before after above below to from up down in out on \
    off over under within without upon across toward towards among amid despite since via \
    again further then once here there when where why how all any both each few more most other some such no not only \
    own same too very just also even still ever never always often already now \
    s t re ve ll d m don doesn didn isn aren wasn weren hasn haven hadn wouldn couldn shouldn won said says";

/// A set of words, as `features.json` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct StopWords {
    words: Vec<String>,
    hashes: Cuckoo,
}

impl StopWords {
    /// Of English.
    #[must_use]
    pub fn english() -> Self {
        ENGLISH.split_whitespace().map(str::to_owned).collect::<Vec<_>>().into()
    }

    /// As they were given.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether it is one of them.
    #[inline(always)]
    #[must_use]
    pub fn contains(&self, token: &Token) -> bool {
        self.hashes.contains(token.hash)
    }
}

impl From<Vec<String>> for StopWords {
    fn from(words: Vec<String>) -> Self {
        let mut hashes = Vec::new();
        for word in &words {
            hashes.extend(Document::new("", word).tokens().iter().map(|t| t.hash));
        }
        hashes.sort_unstable();
        hashes.dedup();
        Self { words, hashes: Cuckoo::new(&hashes) }
    }
}

impl From<StopWords> for Vec<String> {
    fn from(stop: StopWords) -> Self {
        stop.words
    }
}

/// A set of hashes, each in one of two places (Pagh and Rodler 2001): asked without a branch that depends on the word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Cuckoo(Vec<u64>);

impl Cuckoo {
    fn new(hashes: &[u64]) -> Self {
        let mut size = (4 * hashes.len()).next_power_of_two().max(2);
        loop {
            if let Some(set) = Self::filled(hashes, size) {
                return set;
            }
            size *= 2;
        }
    }

    fn filled(hashes: &[u64], size: usize) -> Option<Self> {
        let mut places = vec![0; size];
        for &hash in hashes {
            let (mut homeless, mut at) = (hash, first_place(hash, size));
            for _ in 0..=size {
                homeless = std::mem::replace(places.get_mut(at)?, homeless);
                if homeless == 0 {
                    break;
                }
                let (first, second) = (first_place(homeless, size), second_place(homeless, size));
                at = if at == first { second } else { first };
            }
            if homeless != 0 {
                return None;
            }
        }
        Some(Self(places))
    }

    #[inline(always)]
    fn contains(&self, hash: u64) -> bool {
        let size = self.0.len();
        let holds = |at: usize| self.0.get(at).is_some_and(|&held| held == hash);
        holds(first_place(hash, size)) | holds(second_place(hash, size))
    }
}

#[inline(always)]
fn first_place(hash: u64, size: usize) -> usize {
    (hash >> 20) as usize & size.wrapping_sub(1)
}

#[inline(always)]
fn second_place(hash: u64, size: usize) -> usize {
    (hash >> 42) as usize & size.wrapping_sub(1)
}

/// How a configuration names stop words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "stop_words is \"english\", \"none\" or a list of words")]
pub enum StopWordChoice {
    /// A list that is known by name.
    Named(NamedStopWords),
    /// These.
    Words(Vec<String>),
}

/// Lists of stop words that are known by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NamedStopWords {
    /// English function words.
    English,
    /// No words.
    None,
}

impl StopWordChoice {
    /// The words.
    #[must_use]
    pub fn stop_words(&self) -> StopWords {
        match self {
            Self::Named(NamedStopWords::English) => StopWords::english(),
            Self::Named(NamedStopWords::None) => StopWords::default(),
            Self::Words(words) => words.clone().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stops(stop: &StopWords, word: &str) -> bool {
        Document::new("", word).tokens().iter().all(|t| stop.contains(t))
    }

    #[test]
    fn holds_its_words_and_no_others() {
        let stop = StopWords::english();
        assert!(stop.words().iter().all(|w| stops(&stop, w)));
        assert!(stops(&stop, "The") && stops(&stop, "don't"));
        for word in ["war", "syria", "new", "year", "first", "government"] {
            assert!(!stops(&stop, word), "{word}");
        }
        let none = StopWords::default();
        assert!(!stops(&none, "the") && none.words().is_empty());
    }

    #[test]
    fn any_number_of_words() {
        for n in [0, 1, 2, 3, 50, 5_000] {
            let words: Vec<String> = (0..n).map(|i| format!("w{i}")).collect();
            let stop = StopWords::from(words.clone());
            assert!(words.iter().all(|w| stops(&stop, w)));
            assert!(!(n..n + 1_000).any(|i| stops(&stop, &format!("w{i}"))));
            let json = serde_json::to_string(&stop).unwrap();
            assert_eq!(
                (serde_json::from_str::<StopWords>(&json).unwrap(), json),
                (stop, serde_json::to_string(&words).unwrap())
            );
        }
    }

    #[test]
    fn a_configuration_names_or_lists_them() {
        let read = |toml: &str| toml::from_str::<std::collections::BTreeMap<String, StopWordChoice>>(toml);
        let words = |toml: &str| read(toml).unwrap()["stop_words"].stop_words();
        assert_eq!(words("stop_words = \"english\""), StopWords::english());
        assert_eq!(words("stop_words = \"none\""), StopWords::default());
        assert_eq!(words("stop_words = [\"und\"]").words(), ["und"]);
        assert!(read("stop_words = \"french\"").unwrap_err().to_string().contains("\"english\", \"none\" or a list"));
    }
}
