//! What callers send: an article, the targets of stance, and the list of what
//! is wrong with them.

use serde::{Deserialize, Serialize};

/// The fields of an article that a span can point into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The headline.
    Title,
    /// The body.
    #[default]
    Text,
}

/// A range of UTF-8 bytes, end exclusive, in a field as it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// First byte.
    pub begin: u32,
    /// One past the last byte.
    pub end: u32,
    /// The field that is counted in.
    #[serde(default)]
    pub field: Field,
}

/// A party toward which stance is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The name, as the article would write it.
    pub name: String,
    /// Other names and spellings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Where it is mentioned, when the caller knows; no search is made then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Span>,
}

/// One article as it came in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Article {
    /// The caller's id.
    pub id: String,
    /// The headline.
    pub title: String,
    /// The body.
    pub text: String,
    /// BCP 47 tag; empty: detect.
    pub language: String,
}

/// What may be sent. Each limit has its own clear error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of title and text together.
    pub max_text_bytes: usize,
    /// Targets of one article.
    pub max_targets: usize,
    /// Bytes of a target's name or alias, of an id or a tag.
    pub max_name_bytes: usize,
    /// Aliases of one target.
    pub max_aliases: usize,
    /// Given mentions of one target.
    pub max_mentions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_text_bytes: 1 << 20, max_targets: 100, max_name_bytes: 256, max_aliases: 32, max_mentions: 1_000 }
    }
}

/// A field that cannot be accepted, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Path of the field, as in `targets[2].name`.
    pub field: String,
    /// What is wrong and what would be right.
    pub description: String,
}

impl Violation {
    /// A violation of `field`.
    pub fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { field: field.into(), description: description.into() }
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.description)
    }
}

/// Everything that is wrong with an article and its targets; empty: nothing.
///
/// An empty text is no violation: it gets an answer, which is "too short".
#[must_use]
pub fn validate(article: &Article, targets: &[Target], limits: &Limits) -> Vec<Violation> {
    let mut violations = Vec::new();
    let bytes = article.title.len() + article.text.len();
    if bytes > limits.max_text_bytes {
        let most = limits.max_text_bytes;
        violations.push(Violation::new(
            "article.text",
            format!("title and text have {bytes} bytes; the most is {most}: cut the text or send it in parts"),
        ));
    }
    for (field, value) in [("article.id", &article.id), ("article.language", &article.language)] {
        check_name(&mut violations, field.to_owned(), value, limits);
    }
    if !article.language.is_empty() && !is_language_tag(&article.language) {
        violations.push(Violation::new(
            "article.language",
            "not a BCP 47 tag such as \"en\" or \"pt-BR\"; leave it empty to have the language detected",
        ));
    }
    if targets.len() > limits.max_targets {
        let (got, most) = (targets.len(), limits.max_targets);
        violations.push(Violation::new(
            "targets",
            format!("{got} targets; the most is {most}: send the rest in another request"),
        ));
        return violations;
    }
    for (i, target) in targets.iter().enumerate() {
        check_target(&mut violations, i, target, article, limits);
    }
    violations
}

fn check_target(violations: &mut Vec<Violation>, i: usize, target: &Target, article: &Article, limits: &Limits) {
    if !target.name.chars().any(char::is_alphanumeric) {
        violations.push(Violation::new(
            format!("targets[{i}].name"),
            "empty: give the name of the party as the article would write it",
        ));
    }
    check_name(violations, format!("targets[{i}].name"), &target.name, limits);
    for (what, got, most) in [
        ("aliases", target.aliases.len(), limits.max_aliases),
        ("mentions", target.mentions.len(), limits.max_mentions),
    ] {
        if got > most {
            violations
                .push(Violation::new(format!("targets[{i}].{what}"), format!("{got} {what}; the most is {most}")));
            return;
        }
    }
    for (j, alias) in target.aliases.iter().enumerate() {
        check_name(violations, format!("targets[{i}].aliases[{j}]"), alias, limits);
    }
    for (j, span) in target.mentions.iter().enumerate() {
        let (name, field) = match span.field {
            Field::Title => ("title", &article.title),
            Field::Text => ("text", &article.text),
        };
        let (begin, end) = (span.begin as usize, span.end as usize);
        if begin >= end || field.get(begin..end).is_none() {
            let len = field.len();
            violations.push(Violation::new(
                format!("targets[{i}].mentions[{j}]"),
                format!("bytes {begin}..{end} are not a non-empty range of whole UTF-8 characters within the {len} bytes of the {name}"),
            ));
        }
    }
}

fn check_name(violations: &mut Vec<Violation>, field: String, value: &str, limits: &Limits) {
    if value.len() > limits.max_name_bytes {
        let (got, most) = (value.len(), limits.max_name_bytes);
        violations.push(Violation::new(field, format!("{got} bytes; the most is {most}")));
    }
}

/// The shape of a BCP 47 tag (RFC 5646): subtags of 1 to 8 letters and digits.
fn is_language_tag(tag: &str) -> bool {
    let subtag = |s: &str| (1..=8).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric());
    tag.split('-').all(subtag)
        && tag.split('-').next().is_some_and(|s| s.len() >= 2 && s.bytes().all(|b| b.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(article: &Article, targets: &[Target]) -> Vec<String> {
        validate(article, targets, &Limits::default()).into_iter().map(|v| v.field).collect()
    }

    #[test]
    fn names_each_faulty_field() {
        let article = Article { text: "h\u{e9}llo".into(), language: "e!".into(), ..Article::default() };
        let span = |begin, end| Span { begin, end, field: Field::Text };
        let target = Target {
            name: " ".into(),
            aliases: vec!["x".repeat(300)],
            mentions: vec![span(0, 1), span(1, 2), span(3, 99), span(2, 2)],
        };
        let expect = [
            "article.language",
            "targets[0].name",
            "targets[0].aliases[0]",
            "targets[0].mentions[1]",
            "targets[0].mentions[2]",
            "targets[0].mentions[3]",
        ];
        assert_eq!(fields(&article, &[target]), expect);
    }

    #[test]
    fn accepts_what_is_right() {
        let article = Article { text: "Paris".into(), language: "zh-Hans".into(), ..Article::default() };
        let target = Target {
            name: "Paris".into(),
            mentions: vec![Span { begin: 0, end: 5, field: Field::Text }],
            ..Target::default()
        };
        assert!(fields(&article, &[target]).is_empty());
        assert!(fields(&Article::default(), &[]).is_empty());
    }

    #[test]
    fn bounds_sizes() {
        let article = Article { text: "x".repeat((1 << 20) + 1), ..Article::default() };
        assert_eq!(fields(&article, &[]), ["article.text"]);
        assert_eq!(
            fields(&Article::default(), &vec![Target { name: "a".into(), ..Target::default() }; 101]),
            ["targets"]
        );
    }
}
