//! The walk-through of docs/TRAINING.md, command by command.

use crate::support::{Process, root, version, wait_for, wiredesk};
use std::{fs, path::Path, process::Command};

/// The blocks of commands of the section.
fn blocks() -> Vec<String> {
    let text = fs::read_to_string(root().join("docs/TRAINING.md")).unwrap();
    let (_, section) = text.split_once("## Walk-through").unwrap();
    section.split("```sh\n").skip(1).map(|b| b.split_once("```").unwrap().0.to_owned()).collect()
}

/// Runs a block in `dir` with the real binary in the path.
fn run(dir: &Path, block: &str) -> String {
    let bin = Path::new(env!("CARGO_BIN_EXE_wiredesk")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash").args(["-ec", block]).current_dir(dir).env("PATH", path).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{block}\n{said}");
    said
}

#[test]
fn from_a_csv_to_a_promoted_model_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::os::unix::fs::symlink(root().join("data"), dir.join("data")).unwrap();
    let blocks = blocks();
    let [check, first, serve, second, back] = &blocks[..] else { panic!("{} blocks", blocks.len()) };
    assert!(run(dir, check).contains("0 errors"));
    let report: serde_json::Value = serde_json::from_slice(&fs::read(dir.join("check.json")).unwrap()).unwrap();
    assert_eq!(report["rows"], 120);

    assert!(run(dir, first).contains("town@1 is stable"));
    assert_eq!(serve.trim(), "wiredesk serve --models models");
    let server = Process::start(&["--models", dir.join("models").to_str().unwrap()]);
    assert_eq!(version(&server.address), "1");

    let said = run(dir, second);
    assert!(said.contains("topic accuracy: ") && said.contains("town@2 is stable"), "{said}");
    assert!(wait_for(|| version(&server.address) == "2"), "the server follows");
    let report = fs::read_to_string(dir.join("report.html")).unwrap();
    for part in ["Against town 1", "Harbour Gazette", "2026-05", "Confusion matrix", "Worst errors"] {
        assert!(report.contains(part), "{part}");
    }

    let said = run(dir, back);
    assert!(said.contains("town@1 is stable") && said.contains("files the ferry under weather"), "{said}");
    assert!(wait_for(|| version(&server.address) == "1"), "the server follows back");
    let health = wiredesk().args(["health", "--address", &server.address]).output().unwrap();
    assert_eq!(health.status.code(), Some(0));
}
