//! Each country that an article names, as a dense vector: how often, where, by
//! which kinds of name, beside which others. One model for all countries, so it
//! also judges those that training never saw.

use super::{
    math,
    per_desk::{PerDesk, sum},
    tally::{PARTS, Tallies, Tally},
};
use crate::{
    places::{HitKind, countries::CountryId},
    text::Document,
};

/// Names of the features, in the order of the weights. Part of the model format.
pub const RANKER_FEATURES: [&str; 66] = [
    "share",
    "share of the most named",
    "log mentions in text",
    "log mentions in title",
    "share of title",
    "in title",
    "earliness",
    "in the lead",
    "log mentions in lead",
    "log distinct names",
    "by country name",
    "by people",
    "by capital",
    "by town or division",
    "by body",
    "by leader",
    "reciprocal rank",
    "most named",
    "reciprocal candidates",
    "only candidate",
    "single mention",
    "dateline",
    "only dateline",
    "only by capital",
    "log odds of a true mention",
    "log odds to the next",
    "spread",
    "is US",
    "is GB",
    "log candidates",
    "short text",
    "short text and share",
    "after in",
    "after of",
    "possessive",
    "share squared",
    "most named squared",
    "share of its desk",
    "log prior of its desk",
    "no prior",
    "share and candidates",
    "in title and most named",
    "only by body or leader",
    "first named",
    "beside another place",
    "begins a sentence",
    "before said",
    "only dateline beside others",
    "beside a dateline",
    "subject of the lead",
    "dateline and short",
    "short: relative",
    "short: in title",
    "short: earliness",
    "short: by country name",
    "short: by people",
    "short: by capital",
    "short: by town or division",
    "short: most named",
    "short: only candidate",
    "short: log candidates",
    "short: log odds of a true mention",
    "short: after in",
    "short: after of",
    "short: beside another place",
    "short: log prior of its desk",
];
/// How many there are.
pub const FEATURES: usize = RANKER_FEATURES.len();
/// Texts of fewer words are short.
pub(super) const SHORT: usize = 60;

/// A country that may be what the story is about.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedCountry {
    /// The country.
    pub country: CountryId,
    /// See [`RANKER_FEATURES`].
    pub features: [f64; FEATURES],
    /// Weighted mentions.
    pub weight: f64,
    /// Probability that one of its mentions is one: a story is not about a place that it does not name.
    pub named: f64,
    /// Index of its first hit.
    pub first_hit: usize,
    /// Whether it is named by its name, its people, a body or a leader.
    pub by_more_than_towns: bool,
}

impl RankedCountry {
    /// A country that the story does not name.
    pub(super) fn unnamed(country: CountryId) -> Self {
        Self {
            country,
            features: [0.0; FEATURES],
            weight: 0.0,
            named: 0.0,
            first_hit: usize::MAX,
            by_more_than_towns: false,
        }
    }

    /// Whether a short text names it as the place that it was filed from only, and names others.
    #[must_use]
    pub fn only_filed_from(&self) -> bool {
        let at = RANKER_FEATURES.iter().position(|f| *f == "dateline and short");
        at.and_then(|at| self.features.get(at)).is_some_and(|x| *x > 0.0)
    }
}

/// Numbers of a country whose logarithms are features.
pub(super) type Logs = [f64; 12];

/// The vector of each tally. `logs` is a buffer.
pub(super) fn vectors(
    document: &Document,
    tallies: &Tallies,
    desks: &PerDesk,
    log_priors: Option<&PerDesk>,
    logs: &mut Vec<Logs>,
    countries: &mut Vec<RankedCountry>,
) {
    let mut all = All {
        words: document.tokens().len() as f64,
        count: tallies.len() as f64,
        log_count: (tallies.len() as f64).ln(),
        all_desks: sum(desks),
        ..All::default()
    };
    let mut first = f64::INFINITY;
    for (rank, tally) in tallies.ranked().enumerate() {
        let weight = tally.weight();
        all.total += weight;
        all.titles += tally.title;
        all.dateline |= tally.dateline > 0.0;
        match rank {
            0 => all.most = weight,
            1 => all.second = weight,
            _ => {}
        }
        if tally.first < first {
            (first, all.first) = (tally.first, Some(tally.country));
        }
    }
    let ranked = || tallies.ranked().enumerate();
    logs.clear();
    logs.extend(ranked().map(|(rank, tally)| logs_of(tally, rank, &all)));
    // Of all countries at once, so that none waits for the one before.
    math::ln(logs.as_flattened_mut());
    countries.clear();
    let vector = |((rank, tally), logs)| vector(tally, logs, rank, &all, desks, log_priors);
    countries.extend(ranked().zip(logs.iter()).map(vector));
}

/// What all countries of an article share.
#[derive(Default)]
struct All {
    words: f64,
    count: f64,
    log_count: f64,
    total: f64,
    titles: f64,
    most: f64,
    second: f64,
    first: Option<CountryId>,
    all_desks: f64,
    dateline: bool,
}

/// See [`Logs`].
fn logs_of(t: &Tally, rank: usize, all: &All) -> Logs {
    let rival = if rank == 0 { all.second } else { all.most };
    [
        // Bounded, so that one sure mention is not outdone by its certainty.
        ((1.0 - t.untrue) / t.untrue.max(1e-6)).max(1e-2),
        (t.weight() + 0.5) / (rival + 0.5),
        1.0 + t.text,
        1.0 + t.title,
        1.0 + t.lead,
        1.0 + f64::from(t.names),
        1.0 + t.after_in,
        1.0 + t.after_of,
        1.0 + t.possessive,
        1.0 + t.beside,
        1.0 + t.begins,
        1.0 + t.said,
    ]
}

fn vector(
    t: &Tally,
    logs: &Logs,
    rank: usize,
    all: &All,
    desks: &PerDesk,
    log_priors: Option<&PerDesk>,
) -> RankedCountry {
    let is = |condition: bool| f64::from(u8::from(condition));
    let weight = t.weight();
    let share = weight / all.total.max(1e-9);
    let relative = weight / all.most.max(1e-9);
    let mentions = t.title + t.text;
    let short = is(all.words < SHORT as f64);
    let own_desk = desks.get(t.country.desk()).copied().unwrap_or(0.0);
    let named = |kind| is(t.kind(kind) > 0.0);
    let log_prior = log_priors.and_then(|p| p.get(t.country.desk()).copied());
    let only = |kinds: &[HitKind]| is(kinds.iter().map(|k| t.kind(*k)).sum::<f64>() >= mentions - 1e-9);
    let [true_odds, to_the_next, text, title, lead, names, after_in, after_of, possessive, beside, begins, said] =
        *logs;
    let true_odds = true_odds.min(4.0);
    let only_dateline = t.dateline > 0.0 && mentions <= 1.0;
    let filed_from = is(only_dateline && all.count > 1.0);
    let by_town = is(t.kind(HitKind::City) + t.kind(HitKind::Subdivision) > 0.0);
    let log_prior_or_0 = log_prior.unwrap_or(0.0);
    let (in_title, earliness) = (is(t.title > 0.0), 1.0 - t.first);
    let [by_name, by_people, by_capital] = [HitKind::Country, HitKind::Demonym, HitKind::Capital].map(named);
    let (most_named, only_candidate) = (is(rank == 0), is(all.count == 1.0));
    let features = [
        share,
        relative,
        text,
        title,
        t.title / all.titles.max(1e-9),
        in_title,
        earliness,
        is(t.lead > 0.0 || t.title > 0.0),
        lead,
        names,
        by_name,
        by_people,
        by_capital,
        by_town,
        named(HitKind::Body),
        named(HitKind::Leader),
        1.0 / (1.0 + rank as f64),
        most_named,
        1.0 / all.count,
        only_candidate,
        is(mentions <= 1.0),
        is(t.dateline > 0.0),
        is(only_dateline),
        only(&[HitKind::Capital]),
        true_odds,
        to_the_next,
        f64::from(t.parts.count_ones()) / PARTS as f64,
        is(t.country.code() == "US"),
        is(t.country.code() == "GB"),
        all.log_count,
        short,
        short * share,
        after_in,
        after_of,
        possessive,
        share * share,
        relative * relative,
        own_desk / all.all_desks.max(1e-9),
        log_prior_or_0,
        is(log_prior.is_none()),
        share / all.count,
        in_title * most_named,
        only(&[HitKind::Body, HitKind::Leader]),
        is(all.first == Some(t.country)),
        beside,
        begins,
        said,
        filed_from,
        is(t.dateline == 0.0 && all.dateline),
        is(t.subject),
        short * filed_from,
        short * relative,
        short * in_title,
        short * earliness,
        short * by_name,
        short * by_people,
        short * by_capital,
        short * by_town,
        short * most_named,
        short * only_candidate,
        short * all.log_count,
        short * true_odds,
        short * after_in,
        short * after_of,
        short * beside,
        short * log_prior_or_0,
    ];
    let firm = [HitKind::Country, HitKind::Demonym, HitKind::Body, HitKind::Leader];
    RankedCountry {
        country: t.country,
        features,
        weight,
        named: 1.0 - t.untrue,
        first_hit: t.first_hit,
        by_more_than_towns: firm.iter().any(|k| t.kind(*k) > 0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tally::tally, *};
    use crate::places::{DEFAULT_GAZETTEER, Gazetteer};

    #[test]
    fn short_features_are_the_others_again() {
        let gazetteer = Gazetteer::parse(DEFAULT_GAZETTEER).unwrap();
        let features = |text: &str| {
            let document = Document::new("", text);
            let places = gazetteer.find(&document, "en");
            let (mut tallies, mut logs, mut countries) = (Tallies::default(), Vec::new(), Vec::new());
            let (mut desks, mut regions) = (PerDesk::default(), PerDesk::default());
            tally(&document, places.hits(), &[0.9; 2], &mut tallies, &mut desks, &mut regions);
            vectors(&document, &tallies, &desks, Some(&[-1.0; 12]), &mut logs, &mut countries);
            countries[0].features
        };
        let brief = "France and its president in Paris, said Reuters.";
        let (short_text, long_text) = (features(brief), features(&format!("{brief}{}", " more words".repeat(SHORT))));
        let of =
            |features: &[f64; FEATURES], name: &str| features[RANKER_FEATURES.iter().position(|f| *f == name).unwrap()];
        let at = |name: &str| of(&short_text, name);
        assert_eq!((at("short text"), of(&long_text, "short text")), (1.0, 0.0));
        let mut again =
            vec![("dateline and short", "only dateline beside others"), ("short: relative", "share of the most named")];
        let named = RANKER_FEATURES.iter().filter(|name| **name != "short: relative");
        again.extend(named.filter_map(|name| Some((*name, name.strip_prefix("short: ")?))));
        assert_eq!(again.len(), 16);
        assert!(again.iter().filter(|(short, _)| at(short) != 0.0).count() > 6);
        for (short, full) in again {
            assert_eq!(at(short), at(full), "{short}");
            assert_eq!(of(&long_text, short), 0.0, "{short} of a long text");
        }
    }
}
