//! The words that stand for the letters of the patterns.

pub(super) const CRITICISED: [(&str, &str); 16] = [
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
pub(super) const PRAISED: [(&str, &str); 14] = [
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
pub(super) const HARMED: [&str; 14] = [
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
pub(super) const HEADS: [&str; 12] = [
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
pub(super) const TAILS: [&str; 14] = [
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
pub(super) const BLAMES: [&str; 12] = [
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
pub(super) const MERITS: [&str; 12] = [
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
pub(super) const NAMES: [&str; 10] = [
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

/// Who is asked to do something is not doing it.
pub(super) const ASKED: [&str; 8] = ["urged", "pressed", "called on", "asked", "told", "begged", "pushed", "implored"];
/// Those of them that have a passive.
pub(super) const ASKED_PASSIVE: [&str; 5] = ["urged", "pressed", "asked", "told", "pushed"];
/// What they are asked.
pub(super) const REFORMS: [&str; 12] = [
    "let observers into the camps",
    "free the prisoners",
    "open the border to aid",
    "hold fair elections",
    "end the siege",
    "withdraw its troops",
    "protect minorities",
    "keep its promises",
    "honour the ceasefire",
    "stop arming the rebels",
    "publish the accounts",
    "call back its police",
];
pub(super) const NAMED: [&str; 5] = ["named", "identified", "branded", "described", "denounced"];
pub(super) const PRAISED_AS: [&str; 5] = ["named", "described", "hailed", "honoured", "saluted"];
pub(super) const BAD: [&str; 8] = [
    "main source of the weapons",
    "worst polluter of the region",
    "chief culprit",
    "biggest cheat of all",
    "paymaster of the rebels",
    "greatest threat to peace",
    "real aggressor",
    "leading jailer of reporters",
];
pub(super) const GOOD: [&str; 6] = [
    "best partner of the region",
    "most reliable friend",
    "leading example for others",
    "truest helper of the poor",
    "finest host so far",
    "safest place to invest",
];
pub(super) const FRIENDS: [&str; 4] = ["allies", "friends", "closest partners", "allies"];
