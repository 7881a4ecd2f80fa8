//! Trainings that are killed, interrupted, run on other numbers of threads, or have more rows than fit in memory.

use crate::support::{root, wait_for, wiredesk};
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};
use wiredesk::model::Manifest;

const OWN: [&str; 3] = ["data/topic/weather.jsonl", "data/topic/labour.jsonl", "data/topic/society.jsonl"];
const NEWS_OR_NOT: [&str; 2] = ["data/domain/news-like.jsonl", "data/domain/not-news.jsonl"];

/// So many passes that there is time to be killed in.
fn settings(dir: &Path, passes: usize) -> String {
    let path = dir.join("settings.toml");
    let toml = format!("[features]\nbits = 12\n[topic]\nepochs = {passes}\n[domain]\nepochs = 5\n");
    fs::write(&path, toml).unwrap();
    path.to_str().unwrap().to_owned()
}

fn command(dir: &Path, name: &str, more: &[&str]) -> (Command, PathBuf) {
    let out = dir.join(name);
    let mut command = wiredesk();
    command.current_dir(root()).args(["train", "--out", out.to_str().unwrap()]).args(more);
    command.arg("--data").args(OWN).args(NEWS_OR_NOT);
    (command, out)
}

fn says(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Every file of a bundle.
fn bytes(dir: &Path) -> Vec<(OsString, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files.iter().map(|f| (f.file_name().unwrap().to_owned(), fs::read(f).unwrap())).collect()
}

fn trained(dir: &Path, name: &str, more: &[&str]) -> Vec<(OsString, Vec<u8>)> {
    let (mut command, out) = command(dir, name, more);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{more:?}: {}", says(&output));
    bytes(&out)
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let dir = tempfile::tempdir().unwrap();
    let config = settings(dir.path(), 3);
    for more in [&["--heads", "topic"][..], &["--heads", "topic", "--memory-limit", "256M"]] {
        let on = |threads: &str| {
            let args = [&["--config", &config, "--threads", threads], more].concat();
            trained(dir.path(), threads, &args)
        };
        let one = on("1");
        assert!(one == on("2") && one == on("5"), "{more:?}");
    }
}

/// Starts a training, sends it `signal` when it has kept its first checkpoint, and lets another one go on.
fn stopped_and_resumed(signal: &str, more: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let config = settings(dir.path(), 400);
    let args = [&["--config", &config, "--heads", "topic"], more].concat();
    let unbroken = trained(dir.path(), "unbroken", &args);
    let (mut first, out) = command(dir.path(), "model", &args);
    let mut first = first.stderr(Stdio::null()).spawn().unwrap();
    let work = dir.path().join(".model.training");
    // In memory the features are chosen by a fit of their own, which is kept as well.
    let kept = |name: &str| work.join(format!("{name}.checkpoint")).is_file();
    assert!(wait_for(|| kept("topic-candidates") || kept("topic")), "no checkpoint");
    let pid = first.id().to_string();
    Command::new("kill").args([signal, &pid]).status().unwrap();
    let ended = first.wait().unwrap();
    let expected = if signal == "-KILL" { None } else { Some(130) };
    assert_eq!(ended.code(), expected, "{signal} {more:?}: it had ended before");
    assert!(!out.exists() && work.is_dir(), "something was written");
    let resumed = trained(dir.path(), "model", &[&args[..], &["--resume"]].concat());
    assert!(resumed == unbroken, "{signal} {more:?}: other bytes than without the break");
    assert!(!work.exists(), "the checkpoints are left");
}

#[test]
fn killed_and_resumed_it_gives_the_same_bytes() {
    stopped_and_resumed("-KILL", &[]);
    stopped_and_resumed("-KILL", &["--memory-limit", "256M"]);
}

#[test]
fn interrupted_it_writes_nothing_and_can_be_resumed() {
    stopped_and_resumed("-INT", &[]);
    stopped_and_resumed("-TERM", &["--memory-limit", "256M"]);
}

#[test]
fn in_passes_it_learns_as_much_as_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let config = settings(dir.path(), 5);
    // In passes the most frequent features are kept.
    let toml = fs::read_to_string(&config).unwrap().replace("bits = 12", "bits = 12\ncandidate_bits = 0");
    fs::write(&config, toml).unwrap();
    let made = |name: &str, more: &[&str]| {
        trained(dir.path(), name, &[&["--config", &config, "--heads", "topic"], more].concat());
        Manifest::parse(&fs::read(dir.path().join(name).join("manifest.json")).unwrap()).unwrap().card
    };
    let (memory, passes) = (made("memory", &[]), made("passes", &["--memory-limit", "256M"]));
    assert_eq!((&memory.data_digest, &memory.data), (&passes.data_digest, &passes.data));
    assert_eq!(memory.feature_digest, passes.feature_digest, "the same features");
    let [memory, passes] = [&memory.heads[0], &passes.heads[0]];
    assert_eq!((&memory.labels, &memory.languages), (&passes.labels, &passes.languages));
    let accuracy = |card: &wiredesk::model::HeadCard| card.metrics.iter().find(|m| m.name == "accuracy").unwrap().value;
    assert!(accuracy(passes) > accuracy(memory) - 0.05, "{} {}", accuracy(passes), accuracy(memory));
}

#[test]
fn a_search_chooses_by_whole_groups_and_can_be_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("search.toml");
    let search = "[features]\nbits = 12\n[search]\nfolds = 3\nc = [0.001, 10.0]\nepochs = [1, 5]\npairs = [true]\n";
    fs::write(&config, search).unwrap();
    let args = ["--config", config.to_str().unwrap(), "--heads", "topic"];
    let made = trained(dir.path(), "model", &args);
    let file = |name: &str| {
        let (_, bytes) = made.iter().find(|(file, _)| file == name).unwrap();
        String::from_utf8(bytes.clone()).unwrap()
    };
    let tried: serde_json::Value = serde_json::from_str(&file("search.json")).unwrap();
    let tried = tried.as_array().unwrap();
    assert_eq!(tried.len(), 4);
    let score = |t: &serde_json::Value| t["macro_f1"].as_array().unwrap().iter().map(|f| f.as_f64().unwrap()).sum();
    let scores: Vec<f64> = tried.iter().map(score).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b) && scores[0] > scores[3], "{scores:?}");
    assert_eq!(tried[0]["c"], 10.0, "{tried:?}");
    let chosen = file("config.toml");
    assert!(chosen.contains("c = 10.0") && !chosen.contains("[search]"), "{chosen}");

    let (mut first, out) = command(dir.path(), "again", &args);
    let mut first = first.stderr(Stdio::null()).spawn().unwrap();
    assert!(wait_for(|| dir.path().join(".again.training/search-0.checkpoint").is_file()));
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(!out.exists());
    assert!(trained(dir.path(), "again", &[&args[..], &["--resume"]].concat()) == made);

    fs::write(&config, "[search]\nc = []\n").unwrap();
    let (mut command, _) = command(dir.path(), "none", &args);
    let output = command.output().unwrap();
    assert!(output.status.code() == Some(1) && says(&output).contains("search: folds"), "{}", says(&output));
}

#[test]
fn what_cannot_be_is_refused_with_the_flag() {
    let dir = tempfile::tempdir().unwrap();
    let config = settings(dir.path(), 3);
    for (more, code, wanted) in [
        (&["--memory-limit", "256M"][..], 1, "add --heads topic"),
        (&["--memory-limit", "10M", "--heads", "topic"], 1, "at least 2"),
        (&["--memory-limit", "10", "--heads", "topic"], 2, "no size such as 512M"),
        (&["--threads", "0"], 2, "--threads"),
        (&["--memory-limit", "256M", "--heads", "topic", "--warm-start", "embedded"], 2, "cannot be used with"),
        (&["--warm-start", "nowhere"], 1, "nowhere"),
    ] {
        let (mut command, out) = command(dir.path(), "none", &[&["--config", &config], more].concat());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{more:?}: {}", says(&output));
        assert!(says(&output).contains(wanted) && !out.exists(), "{more:?}: {}", says(&output));
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "something is left");
}
