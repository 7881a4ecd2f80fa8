//! Messages to articles and predictions to messages.

use super::{pb, status::Refusal};
use crate::{
    article::{Article, Field, Limits, Span, Target, Violation, validate},
    model::{Card, HeadCard, Identity},
    prediction::{
        AbstentionReason, Evidence, Head, Language, Options, PlaceKind, Prediction, RegionResult, StanceEvidence,
        StanceLabel, StanceResult, TopicResult,
    },
};
use std::time::Duration;

/// A request that passed every check.
pub(super) struct Checked {
    pub(super) article: Article,
    pub(super) targets: Vec<Target>,
    pub(super) options: Options,
    /// Which model is asked for; empty: the default.
    pub(super) model: String,
    pub(super) request_id: String,
}

/// Checks a request: all its violations at once, or what it asks for.
pub(super) fn request(request: pb::ClassifyRequest, limits: &Limits) -> Result<Checked, Refusal> {
    let mut violations = Vec::new();
    if request.article.is_none() {
        violations.push(Violation::new("article", "missing: give an article with a title or a text"));
    }
    let sent = request.article.unwrap_or_default();
    let article = Article { id: sent.id, title: sent.title, text: sent.text, language: sent.language };
    // Beyond the limit nothing is looked at; `validate` says what is wrong.
    let targets: Vec<Target> = if request.targets.len() > limits.max_targets {
        vec![Target::default(); request.targets.len()]
    } else {
        request.targets.into_iter().enumerate().map(|(i, t)| target(i, t, &mut violations)).collect()
    };
    let sent = request.options.unwrap_or_default();
    let options =
        Options { heads: heads(&sent.heads, &mut violations), explain: sent.explain, top_k: sent.top_k as usize };
    for (field, value) in [("request_id", &request.request_id), ("options.model", &sent.model)] {
        let (got, most) = (value.len(), limits.max_name_bytes);
        if got > most {
            violations.push(Violation::new(field, format!("{got} bytes; the most is {most}")));
        }
    }
    violations.extend(validate(&article, &targets, limits));
    if violations.is_empty() {
        Ok(Checked { article, targets, options, model: sent.model, request_id: request.request_id })
    } else {
        Err(Refusal::Invalid(violations))
    }
}

fn target(i: usize, target: pb::Target, violations: &mut Vec<Violation>) -> Target {
    let span = |(j, span): (usize, pb::Span)| Span {
        begin: span.begin,
        end: span.end,
        field: match pb::Field::try_from(span.field) {
            Ok(pb::Field::Title) => Field::Title,
            Ok(pb::Field::Text | pb::Field::Unspecified) => Field::Text,
            Err(_) => {
                let path = format!("targets[{i}].mentions[{j}].field");
                violations.push(Violation::new(path, format!("{} is no value of wiredesk.v1.Field", span.field)));
                Field::Text
            }
        },
    };
    let mentions = target.mentions.into_iter().enumerate().map(span).collect();
    Target { name: target.name, aliases: target.aliases, mentions }
}

fn heads(sent: &[i32], violations: &mut Vec<Violation>) -> Vec<Head> {
    let mut heads = Vec::new();
    for (i, &number) in sent.iter().enumerate() {
        let head = match pb::Head::try_from(number) {
            Ok(pb::Head::Topic) => Head::Topic,
            Ok(pb::Head::Region) => Head::Region,
            Ok(pb::Head::Stance) => Head::Stance,
            Ok(pb::Head::Unspecified) | Err(_) => {
                let known = "HEAD_TOPIC (1), HEAD_REGION (2), HEAD_STANCE (3)";
                violations.push(Violation::new(
                    format!("options.heads[{i}]"),
                    format!("{number} is no head; heads are {known}; none at all asks for all"),
                ));
                break;
            }
        };
        if !heads.contains(&head) {
            heads.push(head);
        }
    }
    heads
}

/// What a reply says beside the prediction.
pub(super) struct Frame<'a> {
    pub(super) request_id: String,
    pub(super) article_id: String,
    pub(super) model: &'a Identity,
    pub(super) queue: Duration,
    pub(super) compute: Duration,
}

/// A prediction as the reply to its request.
pub(super) fn response(prediction: Prediction, frame: Frame<'_>) -> pb::ClassifyResponse {
    pb::ClassifyResponse {
        request_id: frame.request_id,
        article_id: frame.article_id,
        topic: prediction.topic.map(topic),
        region: prediction.region.map(region),
        stances: prediction.stances.into_iter().map(stance).collect(),
        language: Some(language(prediction.language)),
        model: Some(identity(frame.model)),
        timing: Some(pb::Timing { queue: duration(frame.queue), compute: duration(frame.compute) }),
    }
}

fn language(language: Language) -> pb::Language {
    pb::Language { code: language.code, detected: language.detected }
}

fn topic(topic: TopicResult) -> pb::TopicResult {
    let label = |l: crate::prediction::TopicLabel| pb::TopicLabel {
        id: l.id.as_str().into(),
        name: l.name.as_str().into(),
        probability: l.probability,
    };
    pb::TopicResult {
        labels: topic.labels.into_iter().map(label).collect(),
        abstained: abstention(topic.abstained),
        evidence: topic.evidence.into_iter().map(evidence).collect(),
    }
}

fn region(region: RegionResult) -> pb::RegionResult {
    let desk = |d: crate::prediction::Desk| pb::Desk {
        code: d.code.to_owned(),
        name: d.name.to_owned(),
        probability: d.probability,
    };
    let country = |c: crate::prediction::Country| pb::Country {
        code: c.code.to_owned(),
        name: c.name.to_owned(),
        probability: c.probability,
        subregion: c.subregion.to_owned(),
        desk: c.desk.to_owned(),
    };
    let mention = |m: crate::prediction::PlaceMention<'_>| pb::PlaceMention {
        surface: m.surface.to_owned(),
        span: Some(span(m.span)),
        country: m.country.to_owned(),
        kind: place_kind(m.kind).into(),
    };
    pb::RegionResult {
        primary_desk: region.primary_desk.to_owned(),
        desks: region.desks.into_iter().map(desk).collect(),
        countries: region.countries.into_iter().map(country).collect(),
        mentions: region.mentions.iter().map(mention).collect(),
        abstained: abstention(region.abstained),
        evidence: region.evidence.into_iter().map(evidence).collect(),
    }
}

fn stance(stance: StanceResult) -> pb::StanceResult {
    let sentence = |e: StanceEvidence| pb::StanceEvidence {
        sentence: Some(span(e.sentence)),
        mention: Some(span(e.mention)),
        label: stance_label(e.label).into(),
        probability: e.probability,
        quoted: e.quoted,
    };
    pb::StanceResult {
        target: stance.target,
        label: stance_label(stance.label).into(),
        probability: stance.probability,
        mentions: stance.mentions,
        supportive: stance.supportive,
        critical: stance.critical,
        neutral: stance.neutral,
        evidence: stance.evidence.into_iter().map(sentence).collect(),
        abstained: abstention(stance.abstained),
    }
}

fn evidence(evidence: Evidence) -> pb::Evidence {
    pb::Evidence {
        term: evidence.term,
        span: Some(span(evidence.span)),
        contribution: evidence.contribution,
        label: evidence.label,
    }
}

fn span(span: Span) -> pb::Span {
    let field = match span.field {
        Field::Title => pb::Field::Title,
        Field::Text => pb::Field::Text,
    };
    pb::Span { begin: span.begin, end: span.end, field: field.into() }
}

fn abstention(reason: Option<AbstentionReason>) -> i32 {
    let reason = match reason {
        None => pb::AbstentionReason::Unspecified,
        Some(AbstentionReason::TooShort) => pb::AbstentionReason::TooShort,
        Some(AbstentionReason::UnsupportedLanguage) => pb::AbstentionReason::UnsupportedLanguage,
        Some(AbstentionReason::OutOfDomain) => pb::AbstentionReason::OutOfDomain,
        Some(AbstentionReason::LowConfidence) => pb::AbstentionReason::LowConfidence,
        Some(AbstentionReason::NoPlace) => pb::AbstentionReason::NoPlace,
    };
    reason.into()
}

fn place_kind(kind: PlaceKind) -> pb::PlaceKind {
    match kind {
        PlaceKind::Country => pb::PlaceKind::Country,
        PlaceKind::Demonym => pb::PlaceKind::Demonym,
        PlaceKind::Capital => pb::PlaceKind::Capital,
        PlaceKind::City => pb::PlaceKind::City,
        PlaceKind::Subdivision => pb::PlaceKind::Subdivision,
        PlaceKind::Body => pb::PlaceKind::Body,
        PlaceKind::Region => pb::PlaceKind::Region,
    }
}

fn stance_label(label: StanceLabel) -> pb::StanceLabel {
    match label {
        StanceLabel::Supportive => pb::StanceLabel::Supportive,
        StanceLabel::Critical => pb::StanceLabel::Critical,
        StanceLabel::Neutral => pb::StanceLabel::Neutral,
        StanceLabel::Undetermined => pb::StanceLabel::Undetermined,
        StanceLabel::TargetNotFound => pb::StanceLabel::TargetNotFound,
    }
}

fn duration(duration: Duration) -> Option<prost_types::Duration> {
    prost_types::Duration::try_from(duration).ok()
}

/// Which model, exactly.
pub(super) fn identity(identity: &Identity) -> pb::ModelIdentity {
    let Identity { name, version, digest } = identity.clone();
    pb::ModelIdentity { name, version, digest }
}

/// A model's card.
pub(super) fn card(identity: &Identity, card: &Card) -> pb::ModelCard {
    let source = |s: &crate::model::DataSource| pb::DataSource {
        name: s.name.clone(),
        licence: s.licence.clone(),
        rows: s.rows,
    };
    pb::ModelCard {
        identity: Some(self::identity(identity)),
        created: card.created.map(|seconds| prost_types::Timestamp { seconds, nanos: 0 }),
        heads: card.heads.iter().map(head).collect(),
        data: card.data.iter().map(source).collect(),
        data_digest: card.data_digest.clone(),
        feature_digest: card.feature_digest.clone(),
        seed: card.seed,
        markdown: card.markdown.clone(),
    }
}

fn head(head: &HeadCard) -> pb::HeadCard {
    let label = |l: &crate::model::LabelCard| pb::LabelCard {
        id: l.id.clone(),
        name: l.name.clone(),
        definition: l.definition.clone(),
        examples: l.examples,
        broader: l.broader.clone(),
        names: l.names.clone().into_iter().collect(),
    };
    let metric = |m: &crate::model::Metric| pb::Metric {
        name: m.name.clone(),
        dataset: m.dataset.clone(),
        value: m.value,
        low: m.low,
        high: m.high,
        majority: m.majority,
        articles: m.articles,
    };
    pb::HeadCard {
        head: head.head.clone(),
        labels: head.labels.iter().map(label).collect(),
        languages: head.languages.clone(),
        metrics: head.metrics.iter().map(metric).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(sent: pb::ClassifyRequest) -> Vec<String> {
        match request(sent, &Limits::default()) {
            Err(Refusal::Invalid(violations)) => violations.into_iter().map(|v| v.field).collect(),
            Err(other) => panic!("{other:?}"),
            Ok(_) => Vec::new(),
        }
    }

    #[test]
    fn names_every_faulty_field_at_once() {
        let mention = pb::Span { begin: 0, end: 1, field: 77 };
        let sent = pb::ClassifyRequest {
            article: Some(pb::Article { text: "x".into(), language: "?".into(), ..Default::default() }),
            targets: vec![pb::Target { name: "x".into(), mentions: vec![mention], ..Default::default() }],
            options: Some(pb::ClassifyOptions { heads: vec![1, 99, 98], ..Default::default() }),
            request_id: "x".repeat(257),
        };
        let expect = ["targets[0].mentions[0].field", "options.heads[1]", "request_id", "article.language"];
        assert_eq!(violations(sent), expect);
        assert_eq!(violations(pb::ClassifyRequest::default()), ["article"]);
    }

    #[test]
    fn repeats_of_a_head_count_once() {
        let options = Some(pb::ClassifyOptions { heads: vec![3; 1_000], top_k: 2, ..Default::default() });
        let sent = pb::ClassifyRequest { article: Some(pb::Article::default()), options, ..Default::default() };
        let checked = request(sent, &Limits::default()).ok().unwrap();
        assert_eq!((checked.options.heads, checked.options.top_k), (vec![Head::Stance], 2));
    }
}
