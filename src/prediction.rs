//! What the heads answer: the shapes of `ClassifyResponse`, without prost.
//!
//! Serialised, they are the JSON of the command line: the proto's canonical
//! JSON, with short lower-case names for the values of enums.

use crate::{article::Span, taxonomy::Name};
use serde::{Serialize, Serializer};

/// One question that a model answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Head {
    /// What the story is about.
    Topic,
    /// Which countries it is about.
    Region,
    /// Which way it points toward a named party.
    Stance,
}

impl Head {
    /// All heads, in the order of the response.
    pub const ALL: [Self; 3] = [Self::Topic, Self::Region, Self::Stance];

    /// Lower-case name, as in a bundle's manifest.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Region => "region",
            Self::Stance => "stance",
        }
    }
}

/// Why a head would rather not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AbstentionReason {
    /// Too few words to judge by.
    TooShort,
    /// In a language that the head was not trained on.
    UnsupportedLanguage,
    /// Does not read like the news that the head was trained on.
    OutOfDomain,
    /// The best labels are too close to call, or none is likely.
    LowConfidence,
    /// The text names no place and does not read like any desk's.
    NoPlace,
}

/// A language and whether it was detected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Language {
    /// BCP 47 tag; "und" when it could not be told.
    pub code: String,
    /// Found by the detector, not given.
    pub detected: bool,
}

/// A piece of the article and what it added to a score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    /// The term as it is written.
    pub term: String,
    /// Its first occurrence.
    pub span: Span,
    /// Added to the label's score by all its occurrences, before calibration.
    pub contribution: f64,
    /// The label or country that it speaks for.
    pub label: String,
}

/// One topic with its probability.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TopicLabel {
    /// Stable id.
    pub id: Name,
    /// Name in English.
    pub name: Name,
    /// Calibrated; all labels add up to 1.
    pub probability: f64,
}

/// What the story is about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TopicResult {
    /// Ranked, most probable first.
    pub labels: Vec<TopicLabel>,
    /// Set when the head abstains.
    pub abstained: Option<AbstentionReason>,
    /// The terms that decided for the first label.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// A desk with its probability.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Desk {
    /// Short code.
    pub code: &'static str,
    /// Name in English.
    pub name: &'static str,
    /// Calibrated.
    pub probability: f64,
}

/// A country that the story may be about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Country {
    /// ISO 3166-1 alpha-2.
    pub code: &'static str,
    /// Name in English.
    pub name: &'static str,
    /// Calibrated; several countries may be likely at once.
    pub probability: f64,
    /// UN M49 sub-region.
    pub subregion: &'static str,
    /// Code of its desk.
    pub desk: &'static str,
}

/// What kind of name a place mention is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceKind {
    /// A country's name.
    Country,
    /// A people or language.
    Demonym,
    /// A capital city.
    Capital,
    /// Another city.
    City,
    /// A first-level division.
    Subdivision,
    /// A body that stands for its country.
    Body,
    /// A region of several countries.
    Region,
}

/// A place named in the article.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PlaceMention<'a> {
    /// As it is written.
    pub surface: &'a str,
    /// Where it stands.
    pub span: Span,
    /// ISO 3166-1 alpha-2; empty for a region of several countries.
    pub country: &'static str,
    /// What kind of name it is.
    pub kind: PlaceKind,
}

/// The places named in an article, in the order of the text. Their surfaces share one buffer, which spares an
/// allocation for each.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlaceMentions {
    surfaces: String,
    /// Each without its surface, and where that ends.
    list: Vec<(PlaceMention<'static>, usize)>,
}

impl PlaceMentions {
    /// Room for so many names of usual length.
    #[must_use]
    pub fn with_capacity(mentions: usize) -> Self {
        const BYTES: usize = 12;
        Self { surfaces: String::with_capacity(BYTES * mentions), list: Vec::with_capacity(mentions) }
    }

    /// Adds one behind the others.
    pub fn push(&mut self, mention: PlaceMention<'_>) {
        self.surfaces.push_str(mention.surface);
        self.list.push((PlaceMention { surface: "", ..mention }, self.surfaces.len()));
    }

    /// In the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = PlaceMention<'_>> {
        let mut begin = 0;
        self.list.iter().map(move |(mention, end)| {
            let surface = self.surfaces.get(begin..*end).unwrap_or("");
            begin = *end;
            PlaceMention { surface, ..*mention }
        })
    }
}

impl Serialize for PlaceMentions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// Which part of the world the story is about.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionResult {
    /// Code of the main desk, or "none".
    pub primary_desk: &'static str,
    /// Every desk with a fair share, most probable first.
    pub desks: Vec<Desk>,
    /// The countries that it is about, most probable first.
    pub countries: Vec<Country>,
    /// The places mentioned, in the order of the text.
    pub mentions: PlaceMentions,
    /// Set when the head abstains.
    pub abstained: Option<AbstentionReason>,
    /// What the ranker counted for each country.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// The answers of the stance head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StanceLabel {
    /// Favourable.
    Supportive,
    /// Unfavourable.
    Critical,
    /// No polarity.
    Neutral,
    /// Mentioned, but the text does not settle it.
    Undetermined,
    /// The article does not mention the target.
    TargetNotFound,
}

/// A sentence that mentions the target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StanceEvidence {
    /// The sentence.
    pub sentence: Span,
    /// The mention inside it.
    pub mention: Span,
    /// What this sentence says by itself.
    pub label: StanceLabel,
    /// Calibrated probability of that label.
    pub probability: f64,
    /// The mention stands inside quotation marks.
    pub quoted: bool,
}

/// Which way the article's text points toward one party.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StanceResult {
    /// The name that was asked for, or the party that was found.
    pub target: String,
    /// The answer.
    pub label: StanceLabel,
    /// Calibrated probability of the label.
    pub probability: f64,
    /// How many times the target is mentioned.
    pub mentions: u32,
    /// Mentions that read as supportive.
    pub supportive: u32,
    /// Mentions that read as critical.
    pub critical: u32,
    /// Mentions that read as neutral.
    pub neutral: u32,
    /// The sentences behind the answer, the weightiest first.
    pub evidence: Vec<StanceEvidence>,
    /// Set when the label is undetermined.
    pub abstained: Option<AbstentionReason>,
}

/// What a caller wants computed and returned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// The heads to run; empty: all that the model has.
    pub heads: Vec<Head>,
    /// Return topic and region evidence.
    pub explain: bool,
    /// Topic labels to return; 0: all.
    pub top_k: usize,
}

impl Options {
    /// Whether `head` was asked for.
    #[must_use]
    pub fn wants(&self, head: Head) -> bool {
        self.heads.is_empty() || self.heads.contains(&head)
    }
}

/// The answer to one article.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prediction {
    /// `None`: not asked for, or the model has no such head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<TopicResult>,
    /// `None`: not asked for, or the model has no such head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionResult>,
    /// One a target, in the order asked for.
    pub stances: Vec<StanceResult>,
    /// Given or detected.
    pub language: Language,
}
