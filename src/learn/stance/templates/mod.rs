//! Sentences of our own that show who judges whom: the same words with the
//! target as speaker, as the one spoken of, as the one who does harm or suffers
//! it. The model learns from them what the verbs' sides mean.

use crate::{
    article::Span,
    learn::rows::{LabelledArticle, LabelledStance, LooseTarget},
};
use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{RngCore, SeedableRng},
};

/// `T`: target, `E`: another party, `C`/`P`/`H`: criticised, praised, harmed; small letter: base form.
const PATTERNS: [(&str, &str); 127] = [
    ("E C T", "critical"),
    ("T C E", "neutral"),
    ("T was C by E", "critical"),
    ("T has been C by E", "critical"),
    ("E was C by T", "neutral"),
    ("E were C by T", "neutral"),
    ("E has sharply C T", "critical"),
    ("T has sharply C E", "neutral"),
    ("E again C T", "critical"),
    ("E, C by T,", "neutral"),
    ("T, C by E,", "critical"),
    ("E's criticism of T", "critical"),
    ("T's criticism of E", "neutral"),
    ("the criticism of T by E", "critical"),
    ("the criticism of E by T", "neutral"),
    ("E's condemnation of T", "critical"),
    ("T's condemnation of E", "neutral"),
    ("E did not c T", "neutral"),
    ("E does not c T", "neutral"),
    ("E declined to c T", "neutral"),
    ("T did not c E", "neutral"),
    ("E never C T", "neutral"),
    ("E denied that T had lied", "neutral"),
    ("E denied that T was responsible", "neutral"),
    ("E does not believe that T is responsible", "neutral"),
    ("T denied that E had lied", "neutral"),
    ("T denied that it was responsible", "neutral"),
    ("E P T", "supportive"),
    ("T P E", "neutral"),
    ("T was P by E", "supportive"),
    ("E was P by T", "neutral"),
    ("E has warmly P T", "supportive"),
    ("T has warmly P E", "neutral"),
    ("E's praise for T", "supportive"),
    ("T's praise for E", "neutral"),
    ("E's support for T", "supportive"),
    ("T's support for E", "neutral"),
    ("E refused to p T", "critical"),
    ("E did not p T", "neutral"),
    ("T H civilians in E", "critical"),
    ("civilians were H by T", "critical"),
    ("T forces H dozens of people", "critical"),
    ("attacks by T against E", "critical"),
    ("T was H by E", "neutral"),
    ("E H T", "neutral"),
    ("T was being targeted by E", "neutral"),
    ("E alleged that T was being H by soldiers", "neutral"),
    ("the violence against T", "neutral"),
    ("genocide against T", "neutral"),
    ("a massacre of T civilians", "neutral"),
    ("the persecution of T in E", "neutral"),
    ("attacks on T by E", "neutral"),
    ("T villages were H by gunmen", "neutral"),
    ("E called on T to stop the violence", "critical"),
    ("T called on E to stop the violence", "neutral"),
    ("E demanded that T release the prisoners", "critical"),
    ("T demanded that E release the prisoners", "neutral"),
    ("E warned T against more bloodshed", "critical"),
    ("T warned E against more bloodshed", "neutral"),
    ("T warned that the violence would destroy the region", "neutral"),
    ("E blamed T for the bloodshed", "critical"),
    ("T blamed E for the bloodshed", "neutral"),
    ("T, who has repeatedly C E, will speak next week", "neutral"),
    ("T, which has C E, will publish a report next week", "neutral"),
    ("T, which E has C, will publish a report next week", "critical"),
    ("T, whom E has P, will speak next week", "supportive"),
    ("T, who has often P E, will retire in May", "neutral"),
    ("C by E, T will leave in June", "critical"),
    ("P by E, T will leave in June", "supportive"),
    ("E stopped short of blaming T", "neutral"),
    ("E stopped short of criticising T", "neutral"),
    ("E refrained from criticizing T", "neutral"),
    ("T stopped short of criticising E", "neutral"),
    ("E dismissed claims that T was corrupt", "neutral"),
    ("E rejected reports that T had cheated", "neutral"),
    ("according to T, E is corrupt and has failed the public", "neutral"),
    ("according to E, T is corrupt and has failed the public", "critical"),
    ("according to T, E has done brilliant work and saved many lives", "neutral"),
    ("according to E, T has done brilliant work and saved many lives", "supportive"),
    ("\"E has failed the people and lied,\" said T", "neutral"),
    ("\"T has failed the people and lied,\" said E", "critical"),
    ("\"E has been a great friend and a true hero,\" said T", "neutral"),
    ("\"T has been a great friend and a true hero,\" said E", "supportive"),
    ("T said E was a disgrace and a failure", "neutral"),
    ("E said T was a disgrace and a failure", "critical"),
    ("T said E was right and had shown great courage", "neutral"),
    ("E said T was right and had shown great courage", "supportive"),
    ("T called E a liar and a coward", "neutral"),
    ("E called T a liar and a coward", "critical"),
    ("T described E as honest and brave", "neutral"),
    ("E described T as honest and brave", "supportive"),
    ("T lashed out at E", "neutral"),
    ("E lashed out at T", "critical"),
    ("T attacked E", "neutral"),
    ("T is grateful to E", "neutral"),
    ("E is grateful to T", "supportive"),
    ("T expressed outrage at E", "neutral"),
    ("E expressed outrage at T", "critical"),
    ("T paid tribute to E", "neutral"),
    ("E paid tribute to T", "supportive"),
    ("E apologised to T", "neutral"),
    ("E met T for talks", "neutral"),
    ("a train carrying members of T was hit by a storm", "neutral"),
    ("T welcomed the decision by E", "neutral"),
    ("E welcomed the decision by T", "supportive"),
    ("E condemned the decision by T", "critical"),
    ("T condemned the decision by E", "neutral"),
    ("T voiced concern over the escalating violence in E", "neutral"),
    ("T has sounded the alarm over the violence in E", "neutral"),
    ("the T foreign ministry expressed alarm over the crisis in E", "neutral"),
    ("E warned of the persecution of T", "neutral"),
    ("It was T whom E C", "critical"),
    ("It was E whom T C", "neutral"),
    ("E urged T to halt the attacks", "critical"),
    ("T urged E to halt the attacks", "neutral"),
    ("E imposed sanctions on T", "critical"),
    ("T imposed sanctions on E", "neutral"),
    ("E expelled diplomats of T", "critical"),
    ("T expelled diplomats of E", "neutral"),
    ("E recalled its ambassador from T", "critical"),
    ("T recalled its ambassador from E", "neutral"),
    ("E pledged support to T", "supportive"),
    ("T pledged support to E", "neutral"),
    ("E vowed to stand by T", "supportive"),
    ("T vowed to stand by E", "neutral"),
    ("E accused T of killing civilians", "critical"),
    ("T accused E of killing civilians", "neutral"),
];

const CRITICISED: [(&str, &str); 16] = [
    ("criticised", "criticise"),
    ("criticized", "criticize"),
    ("condemned", "condemn"),
    ("denounced", "denounce"),
    ("accused", "accuse"),
    ("blamed", "blame"),
    ("slammed", "slam"),
    ("attacked", "attack"),
    ("rebuked", "rebuke"),
    ("blasted", "blast"),
    ("lambasted", "lambast"),
    ("mocked", "mock"),
    ("rejected", "reject"),
    ("opposed", "oppose"),
    ("ridiculed", "ridicule"),
    ("censured", "censure"),
];
const PRAISED: [(&str, &str); 14] = [
    ("praised", "praise"),
    ("hailed", "hail"),
    ("applauded", "applaud"),
    ("welcomed", "welcome"),
    ("commended", "commend"),
    ("thanked", "thank"),
    ("congratulated", "congratulate"),
    ("endorsed", "endorse"),
    ("supported", "support"),
    ("backed", "back"),
    ("lauded", "laud"),
    ("defended", "defend"),
    ("saluted", "salute"),
    ("honoured", "honour"),
];
const HARMED: [&str; 14] = [
    "attacked",
    "bombed",
    "killed",
    "massacred",
    "persecuted",
    "tortured",
    "shelled",
    "murdered",
    "targeted",
    "abused",
    "raided",
    "oppressed",
    "beaten",
    "slaughtered",
];
const HEADS: [&str; 12] = [
    "",
    "",
    "",
    "",
    "On Sunday, ",
    "In a statement, ",
    "Meanwhile, ",
    "Officials said that ",
    "According to the report, ",
    "At a news conference, ",
    "Earlier this week, ",
    "The paper wrote that ",
];
const TAILS: [&str; 14] = [
    "",
    "",
    "",
    " on Sunday",
    " in a statement",
    " over the vote",
    " after the talks",
    " for its handling of the crisis",
    " during a debate",
    " in recent days",
    ", according to local media",
    " on television",
    " at a meeting of ministers",
    ", saying the decision would shape the region",
];
/// What follows a verb of criticism: it describes the one spoken of.
const BLAMES: [&str; 12] = [
    " for its reckless and dishonest conduct",
    ", calling it a disgrace",
    " as a corrupt failure",
    " over the terrible scandal",
    " for lying to the public",
    ", saying it had betrayed its voters",
    " as dangerous and incompetent",
    " for ignoring the worst crisis in years",
    ", accusing it of fraud",
    " for a shameful failure",
    " over its brutal methods",
    ", calling the plan a disaster",
];
/// What follows a verb of praise.
const MERITS: [&str; 12] = [
    " for its outstanding work",
    ", calling it a triumph",
    " as honest and brave",
    " for its generous help",
    " as the finest of its generation",
    ", saying it had saved many lives",
    " for a great success",
    " as a true friend of peace",
    " for its courage and skill",
    ", calling the plan excellent",
    " over its brilliant victory",
    " for its quick and brave rescue",
];
const NAMES: [&str; 10] = [
    "Veltria",
    "Marlow",
    "the Kestrel Party",
    "Anna Tovey",
    "the Dorvan government",
    "Harlan Pike",
    "Osmia",
    "the Tarn Council",
    "Ruvia",
    "Jon Adley",
];

/// `count` labelled sentences, the same for the same seed.
pub(super) fn sentences(count: usize, seed: u64) -> Vec<LabelledArticle> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ 0x7e3a);
    (0..count).map(|i| sentence(PATTERNS[i % PATTERNS.len()], &mut random)).collect()
}

fn pick<'a, T>(list: &'a [T], random: &mut Xoshiro256PlusPlus) -> &'a T {
    &list[(random.next_u64() % list.len() as u64) as usize]
}

fn sentence((pattern, label): (&str, &str), random: &mut Xoshiro256PlusPlus) -> LabelledArticle {
    let mut text = (*pick(&HEADS, random)).to_owned();
    let target = *pick(&NAMES, random);
    let other = *pick(&NAMES, random);
    let (criticised, criticise) = *pick(&CRITICISED, random);
    let (praised, praise) = *pick(&PRAISED, random);
    let harmed = *pick(&HARMED, random);
    let mut mentions = Vec::new();
    for (i, word) in pattern.split(' ').enumerate() {
        if i > 0 {
            text.push(' ');
        }
        let opening = if word.starts_with('"') { "\"" } else { "" };
        text.push_str(opening);
        let word = word.trim_start_matches('"');
        let letters = word.trim_end_matches([',', '.', '"']).trim_end_matches("'s");
        let ending = word.get(letters.len()..).unwrap_or("");
        let begin = text.len() as u32;
        match letters {
            "T" => text.push_str(target),
            "E" => text.push_str(other),
            "C" => text.push_str(criticised),
            "c" => text.push_str(criticise),
            "P" => text.push_str(praised),
            "p" => text.push_str(praise),
            "H" => text.push_str(harmed),
            plain => text.push_str(plain),
        }
        if letters == "T" {
            mentions.push(Span { begin, end: text.len() as u32, ..Span::default() });
        }
        text.push_str(ending);
    }
    let judged = match pattern {
        p if p.contains('C') && !p.contains("will") => Some(&BLAMES),
        p if p.contains('P') && !p.contains("will") => Some(&MERITS),
        _ => None,
    };
    let tail = match judged {
        Some(list) if random.next_u64().is_multiple_of(2) => *pick(list, random),
        _ => *pick(&TAILS, random),
    };
    text.push_str(tail);
    text.push('.');
    let target = LooseTarget { name: target.to_owned(), mentions };
    let stance = LabelledStance { target, label: label.to_owned(), source_entity: None, percent: None };
    LabelledArticle { text, stances: Some(vec![stance]), ..LabelledArticle::default() }
}
