//! Training, measuring and verifying through the real binary.

use crate::support::{root, wiredesk};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

fn run(args: &[&str]) -> Output {
    wiredesk().current_dir(root()).args(args).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Trains on `data`; the folder that was to be written.
fn train(dir: &Path, name: &str, data: &[&str], more: &[&str]) -> (Output, PathBuf) {
    let out = dir.join(name);
    let mut args = vec!["train", "--out", out.to_str().unwrap(), "--data"];
    args.extend(data);
    args.extend(more);
    (run(&args), out)
}

const OWN: [&str; 3] = ["data/topic/weather.jsonl", "data/topic/labour.jsonl", "data/topic/society.jsonl"];

/// Few features: quick to write and to read.
fn small(dir: &Path) -> String {
    let path = dir.join("small.toml");
    fs::write(&path, "[features]\nbits = 12\n").unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_new_model_is_verified_measured_and_used() {
    let dir = tempfile::tempdir().unwrap();
    let config = small(dir.path());
    let (output, model) = train(dir.path(), "model", &OWN, &["--config", &config, "--name", "desk-3"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let model = model.to_str().unwrap();
    let verified = run(&["models", "verify", model]);
    assert!(verified.status.success(), "{}", stderr(&verified));

    let figures = dir.path().join("figures.json");
    let mut args = vec!["evaluate", "--model", model, "--json", figures.to_str().unwrap(), "--data"];
    args.extend(OWN);
    let measured = run(&args);
    assert!(measured.status.success(), "{}", stderr(&measured));
    let figures: Value = serde_json::from_slice(&fs::read(figures).unwrap()).unwrap();
    let manifest: Value = serde_json::from_slice(&fs::read(Path::new(model).join("manifest.json")).unwrap()).unwrap();
    assert_eq!(
        figures["heads"]["topic"], manifest["card"]["heads"][0]["metrics"],
        "the card has the command's figures"
    );
    let accuracy = &figures["heads"]["topic"][0];
    assert_eq!(accuracy["name"], "accuracy");
    assert!(accuracy["value"].as_f64() > accuracy["majority"].as_f64(), "{accuracy}");

    let answer = run(&["classify", "--model", model, "--output-format", "jsonl", "data/topic/weather.jsonl"]);
    let first: Value = serde_json::from_slice(answer.stdout.split(|b| *b == b'\n').next().unwrap()).unwrap();
    assert_eq!(first["topic"]["labels"][0]["id"], "medtop:17000000");
    assert_eq!(first["model"]["name"], "desk-3");
}

/// Newsrooms label as deep as they know: each row counts for the next broader label of the taxonomy that is asked for.
#[test]
fn media_topics_of_any_level_are_learned_at_the_level_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let rows = dir.path().join("rows.jsonl");
    // Ballet and opera are kinds of arts and entertainment; tennis and rowing are competition disciplines.
    let labels = [
        ("medtop:20000008", "ballet"),
        ("medtop:20000028", "opera"),
        ("medtop:20001085", "tennis serve"),
        ("medtop:20001026", "rowing oars"),
    ];
    let line = |(id, words): &(&str, &str), n: usize, split: &str| {
        format!("{{\"text\":\"A story of {words} number {n}\",\"topic\":\"{id}\",\"split\":\"{split}\"}}\n")
    };
    let split = |n: usize| if n == 5 { "dev" } else { "train" };
    let text: String = labels.iter().flat_map(|label| (0..6).map(move |n| line(label, n, split(n)))).collect();
    fs::write(&rows, text).unwrap();
    for (taxonomy, due) in [
        ("iptc-2", [("medtop:20000002", "medtop:01000000"), ("medtop:20000822", "medtop:15000000")]),
        ("iptc", [("medtop:01000000", ""), ("medtop:15000000", "")]),
    ] {
        let config = dir.path().join(format!("{taxonomy}.toml"));
        fs::write(&config, format!("[topic]\ntaxonomy = \"{taxonomy}\"\n[features]\nbits = 10\n")).unwrap();
        let data = [rows.to_str().unwrap()];
        let (output, model) = train(dir.path(), taxonomy, &data, &["--config", config.to_str().unwrap()]);
        assert!(output.status.success(), "{}", stderr(&output));
        let manifest: Value = serde_json::from_slice(&fs::read(model.join("manifest.json")).unwrap()).unwrap();
        let learned = &manifest["card"]["heads"][0]["labels"];
        let text = |label: &Value, key: &str| label[key].as_str().unwrap_or("").to_owned();
        let label = |l: &Value| (text(l, "id"), text(l, "broader"));
        let got: Vec<_> = learned.as_array().unwrap().iter().map(label).collect();
        assert_eq!(got, due.map(|(id, broader)| (id.to_owned(), broader.to_owned())), "{learned}");
        assert!(learned[0]["names"]["ar"].is_string() && learned[0]["examples"] == 10, "{learned}");
        // What is measured is rolled up as well.
        let accuracy = &manifest["card"]["heads"][0]["metrics"][0];
        assert_eq!((&accuracy["name"], &accuracy["articles"]), (&"accuracy".into(), &4.into()), "{accuracy}");
        let checked = run(&["data", "check", "--taxonomy", taxonomy, rows.to_str().unwrap()]);
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    }
}

#[test]
fn the_same_rows_and_seed_give_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let config = small(dir.path());
    let made = |name: &str, seed: &str| {
        let (output, model) = train(dir.path(), name, &OWN, &["--config", &config, "--seed", seed]);
        assert!(output.status.success(), "{}", stderr(&output));
        let mut files: Vec<_> = fs::read_dir(model).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        files.iter().map(|f| (f.file_name().unwrap().to_owned(), fs::read(f).unwrap())).collect::<Vec<_>>()
    };
    let first = made("a", "1");
    assert!(first == made("b", "1"), "two trainings differ");
    assert!(first != made("c", "2"), "the seed changes nothing");
}

#[test]
fn bad_rows_are_listed_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let good = "{\"text\":\"rain and wind\",\"topic\":\"weather\"}\n{\"text\":\"more rain\",\"topic\":\"weather\"}\n\
                {\"text\":\"a goal\",\"topic\":\"sport\"}\n{\"text\":\"two goals\",\"topic\":\"sport\"}\n";
    for (name, bad, says) in [
        ("missing text", "{\"topic\":\"sport\"}", "title and text are missing"),
        ("unknown label", "{\"text\":\"x\",\"topic\":\"gossip\"}", "unknown label \"gossip\""),
        ("malformed line", "{\"text\":\"x\"", "not a labelled article"),
        ("empty class", "{\"text\":\"x\",\"topic\":\" \"}", "topic: empty"),
        ("one example", "{\"text\":\"x\",\"topic\":\"health\"}", "\"health\" has 1 training rows"),
        ("unknown country", "{\"text\":\"x\",\"countries\":[\"XX\"]}", "\"XX\" is no ISO 3166-1"),
        ("unknown desk", "{\"text\":\"x\",\"desk\":\"MOON\"}", "unknown label \"MOON\""),
        ("unknown stance", "{\"text\":\"x\",\"stances\":[{\"target\":\"Y\",\"label\":\"happy\"}]}", "\"happy\""),
        ("only in dev", "{\"text\":\"x\",\"topic\":\"health\",\"split\":\"dev\"}", "\"health\" has 0 training rows"),
    ] {
        let rows = dir.path().join("rows.jsonl");
        fs::write(&rows, format!("{good}{bad}\n")).unwrap();
        let (output, out) = train(dir.path(), "none", &[rows.to_str().unwrap()], &[]);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{name}: {text}");
        assert!(text.contains("rows.jsonl:5: ") && text.contains(says), "{name}: {text}");
        assert!(!out.exists() && fs::read_dir(dir.path()).unwrap().count() == 1, "{name}: something was written");
    }
}

#[test]
fn bad_settings_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("bad.toml");
    for (toml, says) in
        [("[topic]\nepoch = 3\n", "epoch"), ("[features]\nbits = 40\n", "features.bits"), ("seed = \"x\"", "seed")]
    {
        fs::write(&config, toml).unwrap();
        let (output, out) = train(dir.path(), "none", &OWN, &["--config", config.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(says) && !out.exists(), "{}", stderr(&output));
    }
    let (output, _) = train(dir.path(), "none", &OWN, &["--heads", "topics"]);
    let says = stderr(&output);
    assert!(output.status.code() == Some(2) && says.contains("'topics'") && says.contains("no such head"), "{says}");
}

#[test]
fn a_folder_with_other_things_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let config = small(dir.path());
    let out = dir.path().join("mine");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("notes.txt"), "keep").unwrap();
    let (output, _) = train(dir.path(), "mine", &OWN, &["--config", &config]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("not empty and no bundle"), "{}", stderr(&output));
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
}

#[test]
fn a_flipped_bit_in_any_file_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let config = small(dir.path());
    let (output, model) = train(dir.path(), "model", &OWN, &["--config", &config, "--heads", "topic"]);
    assert!(output.status.success(), "{}", stderr(&output));
    for entry in fs::read_dir(&model).unwrap() {
        let path = entry.unwrap().path();
        let whole = fs::read(&path).unwrap();
        let mut damaged = whole.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        for (what, bytes) in [("flipped", &damaged[..]), ("cut", &whole[..middle]), ("empty", &[])] {
            fs::write(&path, bytes).unwrap();
            let output = run(&["models", "verify", model.to_str().unwrap()]);
            // A bit of the manifest's own text may be harmless; then it is another model by its digest.
            let harmless = path.ends_with("manifest.json") && output.status.success();
            assert!(output.status.code() == Some(1) || harmless, "{what} {}", path.display());
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(run(&["models", "verify", model.to_str().unwrap()]).status.code(), Some(1));
        fs::write(&path, whole).unwrap();
    }
    assert!(run(&["models", "verify", model.to_str().unwrap()]).status.success());
}

#[test]
fn begun_from_another_model_the_heads_without_rows_stay() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("settings.toml");
    fs::write(&config, "[topic]\nepochs = 1\nlearning_rate = 0.01\n").unwrap();
    let config = config.to_str().unwrap();
    let more = ["--config", config, "--warm-start", "embedded", "--heads", "topic", "--name", "town"];
    let (output, model) = train(dir.path(), "model", &OWN, &more);
    assert!(output.status.success(), "{}", stderr(&output));
    let model = model.to_str().unwrap();

    let answer = |more: &[&str]| -> Value {
        let target = ["--target", "Syrian government", "--output-format", "json"];
        let output = run(&[&["classify", "tests/data/article.txt"][..], &target, more].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let (new, old) = (answer(&["--model", model]), answer(&[]));
    assert_eq!((&new["region"], &new["stances"]), (&old["region"], &old["stances"]), "to the last digit");
    assert_ne!(new["topic"], old["topic"]);

    let manifest: Value = serde_json::from_slice(&fs::read(Path::new(model).join("manifest.json")).unwrap()).unwrap();
    let card = &manifest["card"];
    let embedded = wiredesk::model::Classifier::embedded().unwrap();
    assert_eq!(card["feature_digest"], embedded.card().feature_digest);
    assert_eq!(card["warm_start"]["digest"], embedded.identity().digest);
    assert!(card["command"].as_str().unwrap().ends_with("--warm-start default@1.0.0"));
    let sets = card["data"].as_array().unwrap();
    assert!(sets.iter().any(|s| s["name"].as_str().unwrap().starts_with("default@1.0.0: ")), "{sets:?}");
    assert!(run(&["models", "verify", model]).status.success());
}

#[test]
fn begun_from_another_model_it_knows_more_than_its_rows_say() {
    let dir = tempfile::tempdir().unwrap();
    let config = small(dir.path());
    let (output, parent) = train(dir.path(), "parent", &OWN, &["--config", &config]);
    assert!(output.status.success(), "{}", stderr(&output));
    // Four rows: too few to learn anything of the rest from.
    let few = dir.path().join("few.jsonl");
    let rows: Vec<String> = OWN[..2].iter().flat_map(|f| lines(f, 2)).collect();
    fs::write(&few, rows.join("\n")).unwrap();
    let few = few.to_str().unwrap();
    let accuracy = |name: &str, more: &[&str]| {
        let (output, model) = train(dir.path(), name, &[few], &[&["--config", config.as_str()], more].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        let figures = dir.path().join("figures.json");
        let mut args = vec!["evaluate", "--model", model.to_str().unwrap(), "--json", figures.to_str().unwrap()];
        args.extend(["--split", "all", "--data"]);
        args.extend(&OWN[..2]);
        assert!(run(&args).status.success());
        let figures: Value = serde_json::from_slice(&fs::read(figures).unwrap()).unwrap();
        figures["heads"]["topic"][0]["value"].as_f64().unwrap()
    };
    let (warm, cold) = (accuracy("warm", &["--warm-start", parent.to_str().unwrap()]), accuracy("cold", &[]));
    assert!(warm > 0.95 && warm > cold + 0.03, "{warm} against {cold}");
}

fn lines(file: &str, n: usize) -> Vec<String> {
    fs::read_to_string(root().join(file)).unwrap().lines().take(n).map(str::to_owned).collect()
}
