use super::{
    GramTable, PAIR_POOLS, PairTable, Row, SYMBOLS, StanceHead, StanceScratch, WordRows,
    aggregate::LABELS,
    dense::DENSE,
    grams::{self, GROUPS},
    model::{CLASSES, Parts, SentenceModel, Settings},
    pairs,
    targets::Finder,
    words::{Marks, Words},
};
use crate::{
    article::{Span, Target},
    prediction::StanceLabel,
    text::{Document, hash_pair, hash_word, sentences},
};
use proptest::prelude::*;

/// A head in which every feature has a weight of its own: nothing that reaches the features goes unnoticed.
fn random_head() -> StanceHead {
    let number = |i: usize, k: u64| (hash_pair(i as u64 + 1, k) % 2_001) as f32 / 1_000.0 - 1.0;
    let bytes = |n: usize, k: u64| (0..n).map(|i| hash_pair(i as u64 + 1, k) as u8).collect::<Vec<u8>>();
    // Names have rows too: they must not come out.
    let texts = SUBJECTS.iter().chain(&ENDINGS).chain(&NAMES).flat_map(|t| t.split(|c: char| !c.is_alphanumeric()));
    let mut hashes: Vec<u64> = texts.map(|w| hash_word(w.to_lowercase().as_bytes())).collect();
    hashes.sort_unstable();
    hashes.dedup();
    let row = |i: usize| std::array::from_fn(|p| std::array::from_fn(|c| number(i, 7 + (p * CLASSES + c) as u64)));
    let words: Vec<Row> = (0..hashes.len() + SYMBOLS.len() + 1).map(row).collect();
    // Marks by chance: some pairs are known.
    let parts = Parts {
        words: WordRows::new(&words),
        hashes,
        pairs: PairTable::from_bytes(12, &bytes(pairs::WIDTH << 12, 1), [0.01; PAIR_POOLS]),
        grams: GramTable::from_bytes(12, &bytes(grams::WIDTH << 12, 2), [0.01; GROUPS]),
        dense: (0..DENSE).map(|i| [number(i, 4), number(i, 5), number(i, 6)]).collect(),
        vocabulary: Vec::new(),
    };
    StanceHead { model: SentenceModel::new(Settings::new(12), parts) }
}

fn named(name: &str) -> Target {
    Target { name: name.to_owned(), ..Target::default() }
}

#[track_caller]
fn check(text: &str, name: &str, expect: &[&str]) {
    let document = Document::new("", text);
    let parts = sentences(&document);
    let (mut marks, mut finder) = (Marks::default(), Finder::default());
    let found = finder.find(Words::new(&document, &parts, &mut marks), &named(name));
    let got: Vec<&str> = found.iter().map(|m| &document.text()[m.0..m.1]).collect();
    assert_eq!(got, expect, "{name} in {text}");
}

#[test]
fn finds_names_in_all_their_forms() {
    check("Turkey roasted a turkey.", "Turkey", &["Turkey"]);
    check("Give us US aid. The U.S. said so.", "US", &["US", "U.S"]);
    check("José Ortega left. Ortega's wife stayed.", "Jose Ortega", &["José Ortega", "Ortega"]);
    check("Bill Clinton spoke. Clinton smiled.", "Hillary Clinton", &[]);
    check("Hillary Clinton won. Bill Clinton spoke.", "Hillary Clinton", &["Hillary Clinton"]);
    check("The Clinton Foundation paid. Clinton spoke.", "Hillary Clinton", &["Clinton"]);
    check("President Anna Tovey said so. Mrs Tovey left.", "President Anna Tovey", &["President Anna Tovey", "Tovey"]);
    check("The Teachers' League met.", "Teachers' League", &["Teachers' League"]);
    check("the new president", "New President", &[]);
    check("Nothing here.", "Syria", &[]);
}

#[test]
fn no_name_runs_from_the_title_into_the_text() {
    let find = |title, text| {
        random_head().predict(&Document::new(title, text), &[named("New York")], &mut StanceScratch::default())
    };
    let label = |title, text| find(title, text).first().map(|s| s.label);
    assert_eq!(label("What is New", "York won."), Some(StanceLabel::TargetNotFound));
    assert_ne!(label("What New York is", "York won."), Some(StanceLabel::TargetNotFound));
}

#[test]
fn finds_acronyms_spelled_out_in_the_text() {
    let text = "The World Health Organization (WHO) met. WHO said so. Who knows?";
    check(text, "World Health Organization", &["World Health Organization", "WHO", "WHO"]);
    check(text, "WHO", &["World Health Organization", "WHO", "WHO"]);
}

#[test]
fn finds_governments_and_groups() {
    check(
        "Kenyan authorities and Kenya's new government spoke.",
        "Kenyan government",
        &["Kenyan authorities", "Kenya's new government"],
    );
    check("The government of Kenya fell.", "Kenyan government", &["government of Kenya"]);
    check("Kenya is dry. The government fell.", "Kenyan government", &["government"]);
    check("Kenya and Peru are dry. The government fell.", "Kenyan government", &[]);
    check("The Peruvian government fell in Kenya.", "Kenyan government", &[]);
    check("South Sudan burns.", "Sudan", &[]);
    check("Ruvians fled; the Ruvian community wept.", "Ruvian community", &["Ruvians", "Ruvian community"]);
    check(
        "Peru's foreign ministry and the Peruvian foreign ministry.",
        "Peruvian foreign ministry",
        &["Peru's foreign ministry", "Peruvian foreign ministry"],
    );
}

#[test]
fn finds_pronouns_only_where_they_are_certain() {
    check("Anna Tovey resigned. She left.", "Anna Tovey", &["Anna Tovey", "She"]);
    check("Anna Tovey thanked Mary Pike. She left.", "Anna Tovey", &["Anna Tovey"]);
    check("A letter to Anna Tovey came. She left.", "Anna Tovey", &["Anna Tovey"]);
}

#[test]
fn takes_given_mentions_as_they_are() {
    let document = Document::new("", "They met him there.");
    let span = Span { begin: 9, end: 12, ..Span::default() };
    let target = Target { name: "Jon Adley".into(), mentions: vec![span], ..Target::default() };
    let results = random_head().predict(&document, &[target, named("Nobody Here")], &mut StanceScratch::default());
    assert_eq!(results[0].mentions, 1);
    assert_eq!(results[0].evidence[0].mention, span);
    assert_eq!(results[1].label, StanceLabel::TargetNotFound);
}

#[test]
fn finds_the_main_parties() {
    let text = "On Monday Veltria accused Osmia of theft. Veltria's envoy left. Osmia denied it. Jon Adley watched.";
    let document = Document::new("Veltria warns Osmia", text);
    let results = random_head().predict(&document, &[], &mut StanceScratch::default());
    let names: Vec<String> = results.into_iter().map(|r| r.target).collect();
    assert_eq!(names, ["Veltria", "Osmia"]);
}

#[test]
fn a_dateline_names_no_party() {
    let parties = |text: &str| -> Vec<String> {
        let results = random_head().predict(&Document::new("", text), &[], &mut StanceScratch::default());
        results.into_iter().map(|r| r.target).collect()
    };
    let story = "Veltria accused Osmia of theft near Tarn. Osmia denied it. Veltria sent troops to Tarn.";
    assert_eq!(parties(story), ["Veltria", "Osmia", "Tarn"]);
    let beside = "Veltria accused Osmia of theft. Osmia denied it. Veltria sent troops to Tarn.";
    for dateline in ["TARN (Reuters) - ", "TARN, Ruvia, Nov. 24 \u{2014} ", "TARN/RUVIA (AP) \u{2013} "] {
        assert_eq!(parties(&format!("{dateline}{beside}")), ["Veltria", "Osmia"], "{dateline}");
    }
    // No dateline: a dash inside a word, a sentence before the dash.
    for opening in ["TARN-born smugglers left. ", "TARN was quiet - for once. "] {
        assert_eq!(parties(&format!("{opening}{beside}")), ["TARN", "Veltria", "Osmia"], "{opening}");
    }
}

const NAMES: [&str; 20] = [
    "Donald Trump",
    "Barack Obama",
    "Muqtada al-Sadr",
    "Angela Merkel",
    "Xi Jinping",
    "Hope Grace",
    "Justice",
    "Syria",
    "Israel",
    "Russia",
    "North Korea",
    "Saudi Arabia",
    "Syrian government",
    "Iranian regime",
    "Hamas",
    "Alawites",
    "Palestinians",
    "Muslims",
    "World Health Organization",
    "Killer Hero Party",
];
const SUBJECTS: [&str; 17] = [
    "{} said the attack was a crime",
    "officials criticised {}",
    "{} was praised by the mayor of Leeds",
    "critics of {} left",
    "{}'s plan failed",
    "the report did not blame {}",
    "\"{} is a disgrace,\" the senator said",
    "nobody trusts {}",
    "{} won the vote",
    "France warned {}",
    "the court cleared {}",
    "{} killed dozens",
    "aid for {} came late",
    "{} and Peru signed",
    "voters love {}",
    "it was {} that lost",
    "{}, a liar, left",
];
const ENDINGS: [&str; 12] = [
    "",
    " on Monday",
    " but Smith objected",
    " because the war went badly",
    ", saying it was wrong",
    " in a great speech",
    " again",
    " while Berlin watched in horror",
    "; a triumph",
    " - the worst crime",
    " who never won",
    ", and {} knew it",
];

/// Invariant 4: the target's name cannot change its stance.
#[test]
fn names_change_nothing() {
    let head = random_head();
    let mut sentences_checked = 0;
    for subject in SUBJECTS {
        for ending in ENDINGS {
            let pattern = format!("It is known that {subject}{ending}.");
            let answers: Vec<_> = NAMES
                .iter()
                .map(|name| {
                    let text = pattern.replace("{}", name);
                    let begin = text.find(name).unwrap() as u32;
                    let span = Span { begin, end: begin + name.len() as u32, ..Span::default() };
                    let target = Target { name: (*name).into(), mentions: vec![span], ..Target::default() };
                    let document = Document::new("", &text);
                    head.mention_probabilities(&document, &target)
                })
                .collect();
            for (name, answer) in NAMES.iter().zip(&answers) {
                assert_eq!(answer, &answers[0], "{name} in {pattern}");
            }
            sentences_checked += 1;
        }
    }
    assert!(sentences_checked >= 200);
}

#[test]
fn files_hold_the_head() {
    let head = random_head();
    let files = head.to_files();
    let read = |files: &[(String, Vec<u8>)]| {
        let get = |name: &str| files.iter().find(|f| f.0 == name).map(|f| f.1.as_slice());
        StanceHead::from_files(&get)
    };
    let back = read(&files).unwrap();
    assert_eq!(back.model, head.model);
    assert_eq!(back.to_files(), files);
    assert!(read(&[]).unwrap_err().contains("missing"));
    for (i, cut) in [(0, 7), (0, 100), (1, 10)] {
        let mut broken = files.clone();
        broken[i].1.truncate(cut);
        assert!(read(&broken).is_err());
    }
    let mut other = files.clone();
    other[1].1 = String::from_utf8(files[1].1.clone()).unwrap().replace("\"bits\": 12", "\"bits\": 13").into_bytes();
    assert!(read(&other).unwrap_err().contains("pairs"));
    other[1].1 = br#"{ "features": 1, "hash": 1, "bits": 18, "view_scale": 1.2 }"#.to_vec();
    assert!(read(&other).unwrap_err().contains("train it again"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn total(
        title in "(?s).{0,40}",
        text in "(?s)(Syria|Syrian|'s|government|\\(WHO\\)|[Hh]e|\\. |al-|\"|, |[A-Z][a-z]{1,4} |.|said|not ){0,60}",
        name in "(?s)(Syria|Syrian|the|government|WHO|He|'s| |.){0,5}",
        begin in 0u32..90, len in 0u32..40,
    ) {
        let document = Document::new(&title, &text);
        let mut scratch = StanceScratch::default();
        let span = Span { begin, end: begin + len, ..Span::default() };
        let given = Target { name: name.clone(), mentions: vec![span], ..Target::default() };
        let head = random_head();
        for r in head.predict(&document, &[named(&name), given], &mut scratch) {
            prop_assert!(r.probability.is_finite() && (0.0..=1.0).contains(&r.probability));
            prop_assert!(r.supportive + r.critical + r.neutral <= r.mentions);
        }
        for r in head.predict(&document, &[], &mut scratch) {
            prop_assert!(LABELS.contains(&r.label) || r.label == StanceLabel::Undetermined || r.label == StanceLabel::TargetNotFound);
        }
    }
}
