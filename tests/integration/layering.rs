//! Who may import whom: section 3 of the design, as a test.

use crate::support::root;
use std::{collections::BTreeSet, fs, path::Path};

const PURE: &[&str] = &["article", "taxonomy", "prediction"];

/// The rooms that each room may use, beside itself.
fn allowed(room: &str) -> Option<Vec<&'static str>> {
    let heads = [PURE, &["text", "features", "places"]].concat();
    let model = [&heads[..], &["heads"]].concat();
    let eval = [&model[..], &["model"]].concat();
    Some(match room {
        "article" | "taxonomy" => vec![],
        "prediction" => vec!["article", "taxonomy"],
        "text" => PURE.to_vec(),
        "rows" => vec!["article"],
        "features" | "places" => [PURE, &["text"]].concat(),
        "heads" => heads,
        "model" => model,
        "service" | "stream" | "feedback" => eval,
        "eval" => [&eval[..], &["rows"]].concat(),
        "learn" => [&eval[..], &["rows", "eval"]].concat(),
        "cli" => [&eval[..], &["rows", "eval", "learn", "service", "stream", "feedback"]].concat(),
        _ => return None,
    })
}

/// Crates that only some rooms may name.
const CRATES: [(&str, &[&str]); 4] = [
    ("prost", &["service"]),
    ("tonic", &["service"]),
    ("linfa", &["learn"]),
    ("tokio", &["service", "stream", "feedback", "cli"]),
];

#[test]
fn rooms_keep_to_their_neighbours() {
    let src = root().join("src");
    let mut wrong = Vec::new();
    let mut files = 0;
    visit(&src, &mut |path| {
        files += 1;
        let name = path.strip_prefix(&src).unwrap();
        let first = name.components().next().unwrap().as_os_str().to_string_lossy();
        let room = first.trim_end_matches(".rs").to_owned();
        if matches!(room.as_str(), "lib" | "main") {
            return;
        }
        let Some(allowed) = allowed(&room) else {
            wrong.push(format!("{}: no such room in the design", name.display()));
            return;
        };
        let code = without_comments(&fs::read_to_string(path).unwrap());
        for used in rooms_used(&code) {
            if used != room && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{}: {room} uses {used}", name.display()));
            }
        }
        for (family, rooms) in CRATES {
            if names_crate(&code, family) && !rooms.contains(&room.as_str()) {
                wrong.push(format!("{}: {family} outside {rooms:?}", name.display()));
            }
        }
    });
    assert!(files > 10, "looked at {files} files only");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn visit(dir: &Path, each: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, each);
        } else if path.extension().is_some_and(|e| e == "rs") {
            each(&path);
        }
    }
}

fn without_comments(code: &str) -> String {
    code.lines()
        .map(|line| line.split_once("//").map_or(line, |(code, _)| code))
        .fold(String::new(), |all, line| all + line + "\n")
}

/// The first names after `crate::`, also in `crate::{a::b, c::{d, e}}`.
fn rooms_used(code: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for (at, path) in code.match_indices("crate::") {
        // `$crate::`, `other_crate::`
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + path.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            rooms.insert(identifier(rest));
            continue;
        };
        let mut depth = 0;
        let mut start = true;
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if start && depth == 0 && (c.is_alphabetic() || c == '_') => {
                    rooms.insert(identifier(&group[i..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    rooms
}

fn identifier(code: &str) -> String {
    code.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Whether a path begins with the crate or one of its family: `tokio::`, `tokio_util::`.
fn names_crate(code: &str, family: &str) -> bool {
    code.match_indices(family).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let word = identifier(&code[at..]);
        let starts = !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '"' | '-'));
        let ours = word == family || word.starts_with(&format!("{family}_"));
        starts && ours && code[at + word.len()..].trim_start().starts_with("::")
    })
}

#[test]
fn the_scan_sees_what_it_should() {
    let code = "use crate::{\n    text::{Document, Token}, heads, model::Classifier,\n};\nlet x = crate::learn::go(); $crate::no; my_crate::neither;";
    assert_eq!(rooms_used(code).into_iter().collect::<Vec<_>>(), ["heads", "learn", "model", "no", "text"]);
    assert!(names_crate("use tokio_util::x;", "tokio") && names_crate("async { tokio::spawn(f) }", "tokio"));
    assert!(!names_crate("let tokio = 1; mytokio::x; tokiox::y", "tokio"));
    assert_eq!(without_comments("a // crate::b\n"), "a \n");
}
