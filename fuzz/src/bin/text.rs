//! The text path: any title and text, any language tag and target, all heads. The answer must come, be the same from
//! used and from fresh buffers, hold probabilities only, and point only at whole characters of what was sent.
#![no_main]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use libfuzzer_sys::fuzz_target;
use std::{cell::RefCell, sync::LazyLock};
use wiredesk::{
    article::{Article, Field, Limits, Span, Target, validate},
    model::{Classifier, Scratch},
    prediction::Options,
};
use wiredesk_fuzz::parts;

static MODEL: LazyLock<Classifier> = LazyLock::new(|| Classifier::embedded().unwrap());

thread_local!(static USED: RefCell<Scratch> = RefCell::default());

fuzz_target!(|data: &[u8]| {
    let [flags, language, target, title, text] = parts(data).map(|part: &[u8]| String::from_utf8_lossy(part));
    let flags = flags.bytes().next().unwrap_or_default();
    let article = Article { id: String::new(), title: title.into(), text: text.into(), language: language.into() };
    let targets = match flags & 3 {
        0 => vec![],
        1 => vec![Target { name: target.into(), ..Target::default() }],
        2 => vec![Target { name: "x".into(), aliases: vec![target.into()], ..Target::default() }],
        _ => {
            let n = |i: usize| target.as_bytes().get(i).copied().unwrap_or_default().into();
            let mentions = vec![Span { begin: n(0), end: n(1), field: Field::Text }];
            vec![Target { name: "x".into(), aliases: vec![], mentions }]
        }
    };
    if !validate(&article, &targets, &Limits::default()).is_empty() {
        return;
    }
    let options = Options { explain: flags & 4 != 0, ..Options::default() };
    let answer = USED.with_borrow_mut(|used| MODEL.classify(&article, &targets, &options, used));
    assert_eq!(answer, MODEL.classify(&article, &targets, &options, &mut Scratch::default()));

    let whole = |span: &Span| {
        let field = if span.field == Field::Title { &article.title } else { &article.text };
        assert!(field.get(span.begin as usize..span.end as usize).is_some(), "{span:?}");
    };
    let probability = |p: f64| assert!((0.0..=1.0).contains(&p), "{p}");
    if let Some(topic) = &answer.topic {
        topic.labels.iter().for_each(|label| probability(label.probability));
        topic.evidence.iter().for_each(|evidence| whole(&evidence.span));
    }
    if let Some(region) = &answer.region {
        region.countries.iter().for_each(|country| probability(country.probability));
        region.mentions.iter().for_each(|mention| whole(&mention.span));
    }
    for stance in &answer.stances {
        probability(stance.probability);
        for evidence in &stance.evidence {
            whole(&evidence.sentence);
            whole(&evidence.mention);
        }
    }
});
