//! Sentences of our own that show who judges whom: the same words with the
//! target as speaker, as the one spoken of, as the one who does harm or suffers
//! it. The model learns from them what the verbs' sides mean.

mod patterns;
mod words;

use crate::{
    article::Span,
    learn::rows::{LabelledArticle, LabelledStance, LooseTarget},
};
use patterns::PATTERNS;
use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{RngCore, SeedableRng},
};
use words::*;

/// `count` labelled sentences, the same for the same seed.
pub(super) fn sentences(count: usize, seed: u64) -> Vec<LabelledArticle> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ 0x7e3a);
    (0..count).map(|i| sentence(PATTERNS[i % PATTERNS.len()], &mut random)).collect()
}

fn pick<'a, T>(list: &'a [T], random: &mut Xoshiro256PlusPlus) -> &'a T {
    &list[(random.next_u64() % list.len() as u64) as usize]
}

fn word_of(list: &[&'static str], random: &mut Xoshiro256PlusPlus) -> &'static str {
    let word: &&str = pick(list, random);
    word
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
            "D" if pattern.contains(" by ") => text.push_str(word_of(&ASKED_PASSIVE, random)),
            "D" => text.push_str(word_of(&ASKED, random)),
            "R" => text.push_str(word_of(&REFORMS, random)),
            "N" if pattern.ends_with('B') => text.push_str(word_of(&PRAISED_AS, random)),
            "N" => text.push_str(word_of(&NAMED, random)),
            "W" => text.push_str(word_of(&BAD, random)),
            "B" => text.push_str(word_of(&GOOD, random)),
            "F" => text.push_str(word_of(&FRIENDS, random)),
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
