//! `MODEL_CARD.md`: what a model is for, what it is made of, how good it is
//! (after Mitchell et al. 2019, "Model Cards for Model Reporting").

use crate::model::{Card, HeadCard, Metric};
use std::fmt::Write as _;

const PURPOSE: &str = "\
Sorts news articles: by topic (what a story is about), by region (the countries it is about) and by stance (which way
the text points toward a named party). Made for media monitoring, newsrooms and research on many articles, where a
person can look at the evidence that comes with each answer.
";

const MISUSE: &str = "\
- No decision about a person may rest on it: not moderation, not credit, not security, not employment.
- Stance is what the TEXT expresses toward a party, in the reporter's voice or in reported speech. It is not the
  author's or the outlet's opinion or bias, not anybody's political leaning or ideology, not truth, no fact-check. Do
  not rank outlets by it.
- Bad news about a victim can read as critical. Sarcasm, irony, implicature, negation, quotations, passives and who
  speaks about whom are weak points: show the sentences, not the label alone.
- Stance cannot see the target's name, so no name, nationality or group can tip it; what a text says of them does. It
  reads English only, and the default model learned it from US political news of 2012 to 2019 for the most part.
- A text unlike the training data (another language, another genre) gets an abstention at best and a wrong label at
  worst. Accuracy on an outlet that is not in the training data is lower than the figures below: measure on your own.
";

/// The card as Markdown.
#[must_use]
pub fn markdown(name: &str, version: &str, card: &Card) -> String {
    let mut md = String::new();
    let heads: Vec<&str> = card.heads.iter().map(|h| h.head.as_str()).collect();
    // Writing to a string cannot fail.
    let _ = write!(
        md,
        "# Model card: {name} {version}\n\nHeads: {}.\n\n## What it is for\n\n{PURPOSE}\n## What it must not be used for\n\n{MISUSE}",
        heads.join(", ")
    );
    for head in &card.heads {
        head_section(&mut md, head);
    }
    let _ = write!(md, "\n## Training data\n\n| set | licence, as stated | rows |\n| --- | --- | --- |\n");
    for source in &card.data {
        let _ = writeln!(md, "| {} | {} | {} |", source.name, source.licence, source.rows);
    }
    if let Some(crate::model::Identity { name, version, digest }) = &card.warm_start {
        let from = format!("{name}@{version}");
        let _ = write!(
            md,
            "\nThe training began from the model {from} (digest `{digest}`): sets named \"{from}: ...\" are those that it \
             was trained on, and heads without rows of their own are its heads, unchanged.\n"
        );
    }
    let _ = write!(
        md,
        "\nThe texts belong to their publishers and are not in this bundle: it holds weights and counts only.\n\n\
         ## How to make it again\n\n```\n{}\n```\n\nData digest (SHA-256 over the rows): `{}`\n\nFeature digest: `{}`\n\nSeed: {}\n\n\
         The same rows, configuration (`config.toml`) and seed give the same bytes. `wiredesk evaluate` on the same dev rows\n\
         prints the figures above.\n",
        card.command, card.data_digest, card.feature_digest, card.seed
    );
    md
}

fn head_section(md: &mut String, head: &HeadCard) {
    let languages = if head.languages.is_empty() { "any".to_owned() } else { head.languages.join(", ") };
    let _ = write!(md, "\n## {}\n\nLanguages: {languages}.\n\n", title(&head.head));
    if !head.labels.is_empty() && head.labels.len() <= 64 {
        let _ = write!(md, "| label | name | training rows |\n| --- | --- | --- |\n");
        for label in &head.labels {
            let _ = writeln!(md, "| {} | {} | {} |", label.id, label.name, label.examples);
        }
        md.push('\n');
    }
    if head.metrics.is_empty() {
        md.push_str("No dev rows: not measured.\n");
        return;
    }
    md.push_str("On dev rows, none of which was trained on; those of excluded licences are outlets that the model never saw (95 % bootstrap interval; \"majority\" always gives the most frequent label):\n\n");
    md.push_str(
        "| data set | articles | figure | value | interval | majority |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for metric in &head.metrics {
        let Metric { name, dataset, value, low, high, majority, articles } = metric;
        let _ =
            writeln!(md, "| {dataset} | {articles} | {name} | {value:.3} | {low:.3} to {high:.3} | {majority:.3} |");
    }
}

fn title(head: &str) -> String {
    let mut letters = head.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
