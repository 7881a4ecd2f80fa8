use super::{StancePlan, compare::compare, evaluate_stance, templates, train_stance, train_stance_with};
use crate::{
    article::{Span, Target},
    heads::stance::StanceScratch,
    learn::rows::{LabelledArticle, LabelledStance, LooseTarget},
    prediction::{StanceLabel, StanceResult},
    text::Document,
};

fn small() -> StancePlan {
    StancePlan { bits: 14, epochs: 6, fits: 2, template_count: 1, ..StancePlan::default() }
}

fn ask(head: &crate::heads::stance::StanceHead, title: &str, text: &str, targets: &[&str]) -> Vec<StanceResult> {
    let document = Document::new(title, text);
    let targets: Vec<Target> = targets.iter().map(|n| Target { name: (*n).into(), ..Target::default() }).collect();
    head.predict(&document, &targets, &mut StanceScratch::default())
}

#[test]
fn learns_who_judges_whom_and_repeats() {
    let (rows, dev) = (templates::sentences(3_000, 7), templates::sentences(400, 8));
    let train = || train_stance_with(&small(), &rows, &dev, None, 1, &|_| {}).unwrap();
    let trained = train();
    assert_eq!(trained.head.to_files(), train().head.to_files());
    let figures = evaluate_stance(&trained.head, &dev);
    assert!(figures.macro_f1 > 0.9, "{figures:?}");
    let text = "The Tarn Council criticised Harlan Pike. Pike was condemned by the Osmian envoy. \
                Harlan Pike has failed the people, the council said.";
    let results = ask(&trained.head, "", text, &["Harlan Pike", "Tarn Council", "Nobody"]);
    let labels: Vec<StanceLabel> = results.iter().map(|r| r.label).collect();
    assert_eq!(labels[0], StanceLabel::Critical);
    assert_ne!(labels[1], StanceLabel::Critical);
    assert_eq!(labels[2], StanceLabel::TargetNotFound);
    assert_eq!(results[0].mentions, 3);
    assert_eq!(results[0].evidence.len(), 3);
}

/// In the manner of the first real article, in our own words.
#[test]
fn a_story_of_one_government_accused_by_another() {
    let (rows, dev) = (templates::sentences(3_000, 7), templates::sentences(400, 8));
    let head = train_stance_with(&small(), &rows, &dev, None, 1, &|_| {}).unwrap().head;
    let text = "Jordan voiced concern over the violence in Kenya. The cleric Omar al-Hadi condemned Kenyan authorities in a \
                statement on Friday. He accused Kenya's new government of killing civilians. A monitor spoke of genocide against \
                Ruvians, and blamed the Kenyan security forces for the bloodshed.";
    let results = ask(&head, "", text, &["Kenyan government", "Ruvian community", "Omar al-Hadi"]);
    assert_eq!(results[0].label, StanceLabel::Critical, "{:?}", results[0]);
    assert_eq!(results[0].mentions, 3);
    assert_ne!(results[1].label, StanceLabel::Critical, "{:?}", results[1]);
    assert_ne!(results[2].label, StanceLabel::Critical, "{:?}", results[2]);
}

#[test]
fn the_head_knows_more_than_the_words_of_the_sentence() {
    let (rows, dev) = (templates::sentences(2_000, 7), templates::sentences(400, 8));
    let table = compare(&small(), &rows, &dev, None, 1, &|_| {}).unwrap().rows;
    let f1 = |set: &str, by| table.iter().find(|r| r.set == set && r.by == by).unwrap().macro_f1.value;
    for set in ["", "train, five parts"] {
        assert!(f1(set, "majority") < 0.3 && f1(set, "majority") < f1(set, "valence"), "{table:?}");
        // "E criticised T" and "T criticised E" have the same words.
        assert!(f1(set, "words") + 0.1 < f1(set, "head"), "{table:?}");
    }
    let n: Vec<usize> = table.iter().map(|r| r.n).collect();
    assert_eq!(n, [[400; 5], [2_000; 5]].concat());
}

#[test]
fn another_models_labels_count_by_their_shares() {
    let (rows, dev) = (templates::sentences(1_000, 7), templates::sentences(400, 8));
    let text = "Nobody in this town doubts how Osmia has zibbled.";
    let begin = text.find("Osmia").unwrap() as u32;
    let span = Span { begin, end: begin + 5, ..Span::default() };
    let target = LooseTarget { name: "Osmia".into(), mentions: vec![span] };
    let taught = |percent| {
        let stance = LabelledStance {
            target: target.clone(),
            label: "neutral".into(),
            source_entity: None,
            percent: Some(percent),
        };
        let row = LabelledArticle {
            text: text.to_owned(),
            quality: Some("machine".to_owned()),
            stances: Some(vec![stance]),
            ..LabelledArticle::default()
        };
        let rows = [rows.clone(), vec![row; 40]].concat();
        let head = train_stance_with(&small(), &rows, &dev, None, 1, &|_| {}).unwrap().head;
        head.mention_probabilities(&Document::new("", text), &target.clone().into())[0]
    };
    let (praise, blame) = (taught([90, 5, 5]), taught([5, 90, 5]));
    assert!(praise[0] > blame[0] + 0.2 && blame[1] > praise[1] + 0.2, "{praise:?} {blame:?}");
}

#[test]
fn says_what_is_missing() {
    let rows = templates::sentences(200, 7);
    let quiet = |_: &str| {};
    assert!(
        train_stance(&[], &rows, None, 1, &quiet)
            .unwrap_err()
            .to_string()
            .contains("no labelled mention is supportive")
    );
    assert!(train_stance(&rows, &[], None, 1, &quiet).unwrap_err().to_string().contains("no dev row"));
}
