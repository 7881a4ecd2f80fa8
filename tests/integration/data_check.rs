//! `wiredesk data check`: each kind of finding, where it stands, and the exit code.

use crate::support::{root, wiredesk};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Output};

/// Checks rows; the report and what the command said.
fn check(dir: &Path, rows: &[Value], more: &[&str]) -> (Value, Output) {
    let (data, report) = (dir.join("rows.jsonl"), dir.join("report.json"));
    let lines: Vec<String> =
        rows.iter().map(|row| row.as_str().map_or_else(|| row.to_string(), str::to_owned)).collect();
    fs::write(&data, lines.join("\n")).unwrap();
    let mut command = wiredesk();
    command.args(["data", "check"]).arg(&data).arg("--json").arg(&report).args(["--taxonomy", "labels"]).args(more);
    let output = command.output().unwrap();
    (serde_json::from_slice(&fs::read(&report).unwrap()).unwrap(), output)
}

/// The lines of one kind of finding.
fn lines(report: &Value, kind: &str) -> Vec<u64> {
    let first = report["findings"][kind]["first"].as_array();
    first.into_iter().flatten().map(|f| f["line"].as_u64().unwrap()).collect()
}

fn words(seed: u64, n: u64) -> String {
    (0..n)
        .map(|i| format!("{}{} ", ["harbour", "council", "match", "river"][(i % 4) as usize], seed * 1_000 + i))
        .collect()
}

fn row(text: &str, topic: &str, more: Value) -> Value {
    let mut row = json!({"text": text, "topic": topic});
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row
}

#[test]
fn every_kind_is_found_where_it_stands() {
    let dir = tempfile::tempdir().unwrap();
    let near = words(1, 60).replacen("harbour1000", "pier", 1);
    let rows = [
        row(&words(1, 60), "town", json!({})),
        row(&words(1, 60), "town", json!({})),
        row(&near, "sport", json!({"split": "dev"})),
        row(&words(2, 60), "sport", json!({"group": "derby", "split": "train"})),
        row(&words(3, 60), "sport", json!({"group": "derby", "split": "dev"})),
        row(&words(2, 60), "sport", json!({"split": "test"})),
        json!("no JSON at all"),
        row("three little words", "town", json!({})),
        json!({"title": "A title and nothing below it, of seven words and more", "topic": "weather"}),
        row(
            "Der Gemeinderat hat gestern Abend nach einer langen Aussprache beschlossen, den alten Hafen im kommenden Jahr \
             zu sanieren und dafür auch die Brücke zu sperren.",
            "town",
            json!({"lang": "en"}),
        ),
    ];
    let (report, output) = check(dir.path(), &rows, &[]);
    assert_eq!(output.status.code(), Some(1), "{report:#}");
    assert_eq!(report["rows"], 9);
    for (kind, severity, at) in [
        ("duplicate", "warning", &[2][..]),
        ("near_duplicate_across_parts", "warning", &[3]),
        ("duplicate_with_other_label", "warning", &[3]),
        ("group_in_several_parts", "error", &[5]),
        ("duplicate_across_parts", "error", &[6]),
        ("unreadable", "error", &[7]),
        ("too_short", "warning", &[8]),
        ("no_text", "warning", &[9]),
        ("other_language", "warning", &[10]),
        // One training row each of "sport" and "weather".
        ("too_few_rows", "error", &[1, 1]),
    ] {
        assert_eq!(lines(&report, kind), at, "{kind}: {report:#}");
        assert_eq!(report["findings"][kind]["severity"], severity, "{kind}");
    }
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("\"derby\" is in several parts: rows.jsonl:4 and here, train and dev"), "{said}");
    assert!(said.contains(" % like rows.jsonl:1: train and dev"), "{said}");
}

#[test]
fn clean_rows_pass_and_a_wrong_label_among_many_is_suspicious() {
    let dir = tempfile::tempdir().unwrap();
    let story = |i: u64| {
        let (topic, own) =
            [("sport", "goal striker keeper pitch"), ("weather", "rain wind frost clouds")][(i % 2) as usize];
        row(&format!("{own} {}", words(i + 10, 12)), topic, json!({}))
    };
    let mut rows: Vec<Value> = (0..120).map(story).collect();
    let (report, output) = check(dir.path(), &rows, &[]);
    assert!(output.status.success() && report["findings"].as_object().unwrap().is_empty(), "{report:#}");
    rows[20]["topic"] = json!("weather");
    let (report, output) = check(dir.path(), &rows, &[]);
    assert!(output.status.success(), "a warning is no error");
    assert_eq!(lines(&report, "suspicious_label"), [21], "{report:#}");
}

#[test]
fn it_reads_what_training_reads_and_says_what_it_cannot() {
    for file in ["data/walkthrough/spring.csv", "data/sample.jsonl"] {
        let mut command = wiredesk();
        let output =
            command.current_dir(root()).args(["data", "check", file, "--taxonomy", "labels"]).output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains(" rows in "), "{file}: {output:?}");
    }
    let output = wiredesk().args(["data", "check", "nowhere.jsonl"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nowhere.jsonl"));
}
