//! An answer for people.

use super::{Answer, word};
use crate::{
    article::{Article, Field, Span},
    prediction::AbstentionReason,
};
use std::io::{self, Write};

const TOPICS_SHOWN: usize = 3;
const COUNTRIES_SHOWN: usize = 5;
const SENTENCES_SHOWN: usize = 3;

pub(super) fn table(answer: &Answer<'_>, out: &mut impl Write) -> io::Result<()> {
    let Answer { article, prediction, model } = answer;
    let id = if article.id.is_empty() { "(no id)" } else { &article.id };
    let language = &prediction.language.code;
    writeln!(out, "{id}  [{language}]  {}@{}", model.name, model.version)?;
    if let Some(topic) = &prediction.topic {
        for (i, label) in topic.labels.iter().take(TOPICS_SHOWN).enumerate() {
            let head = if i == 0 { "topic" } else { "" };
            writeln!(out, "  {head:<8}{:.3}  {}  {}", label.probability, label.id, label.name)?;
        }
        abstained(topic.abstained, out)?;
        for e in &topic.evidence {
            writeln!(out, "          {:+.3}  {:?}", e.contribution, e.term)?;
        }
    }
    if let Some(region) = &prediction.region {
        writeln!(out, "  region  {}", region.primary_desk)?;
        for c in region.countries.iter().take(COUNTRIES_SHOWN) {
            writeln!(out, "          {:.3}  {}  {}", c.probability, c.code, c.name)?;
        }
        abstained(region.abstained, out)?;
    }
    for stance in &prediction.stances {
        let (label, mentions) = (word(stance.label), stance.mentions);
        writeln!(out, "  stance  {:.3}  {label} toward {} ({mentions} mentions)", stance.probability, stance.target)?;
        abstained(stance.abstained, out)?;
        for e in stance.evidence.iter().take(SENTENCES_SHOWN) {
            let sentence = excerpt(article, e.sentence);
            writeln!(out, "          {:.3}  {}: {sentence}", e.probability, word(e.label))?;
        }
    }
    Ok(())
}

fn abstained(reason: Option<AbstentionReason>, out: &mut impl Write) -> io::Result<()> {
    match reason {
        Some(reason) => writeln!(out, "          rather not: {}", word(reason)),
        None => Ok(()),
    }
}

/// The words of a span on one line.
fn excerpt(article: &Article, span: Span) -> String {
    let field = match span.field {
        Field::Title => &article.title,
        Field::Text => &article.text,
    };
    let words = field.get(span.begin as usize..span.end as usize).unwrap_or_default();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}
