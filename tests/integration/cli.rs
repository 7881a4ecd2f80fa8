//! The command line as a user meets it: formats, exit codes, settings.

use crate::support::{ARTICLE, Summary, TARGET, root, wiredesk};
use serde_json::Value;
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};
use tempfile::TempDir;

struct Dir(TempDir);

impl Dir {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

fn classify(args: &[&str], file: &Path) -> Output {
    wiredesk().arg("classify").args(args).arg(file).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn row(id: &str) -> String {
    serde_json::json!({"id": id, "text": ARTICLE}).to_string()
}

#[test]
fn a_text_gives_one_object() {
    let file = Dir::new();
    let path = file.file("story.txt", ARTICLE);
    let output =
        classify(&["--target", TARGET, "--target", "Nobody Inc", "--output-format", "json", "--explain"], &path);
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    let keys: Vec<_> = object.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expect = vec!["id", "topic", "region", "stances", "language", "model"];
    expect.sort_unstable();
    assert_eq!(
        {
            let mut keys = keys;
            keys.sort_unstable();
            keys
        },
        expect
    );
    assert_eq!(object["topic"]["labels"].as_array().unwrap().len(), 17);
    assert!(object["topic"]["abstained"].is_null());
    assert_eq!(object["stances"][0]["target"], TARGET);
    assert_eq!(object["stances"][1]["label"], "target_not_found");
    assert!(object["region"]["primaryDesk"].is_string());
    assert_eq!(object["model"].as_object().unwrap().len(), 3);

    let table = text(&classify(&["--target", TARGET], &path).stdout);
    for part in ["topic", "region", "stance", TARGET] {
        assert!(table.contains(part), "{table}");
    }
}

#[test]
fn only_the_heads_that_are_named_answer() {
    let file = Dir::new();
    let path = file.file("story.txt", ARTICLE);
    let object = |flags: &[&str]| -> Value {
        let output = classify(&[flags, &["--output-format", "json"]].concat(), &path);
        assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let all = object(&[]);
    for (flag, heads) in [("topic,region", vec!["topic", "region"]), ("stance", vec!["stances"])] {
        let some = object(&["--heads", flag]);
        for head in ["topic", "region", "stances"] {
            let unasked = if head == "stances" { serde_json::json!([]) } else { Value::Null };
            assert_eq!(some[head], if heads.contains(&head) { all[head].clone() } else { unasked }, "{flag}: {head}");
        }
    }
    assert_ne!(all["stances"], serde_json::json!([]));

    // A model that has one head only.
    let small = file.file("small.toml", "[features]\nbits = 12\n");
    let own = file.0.path().join("own");
    let rows = ["labour", "society"].map(|name| root().join(format!("data/topic/{name}.jsonl")));
    let mut train = wiredesk();
    train
        .arg("train")
        .args(["--heads", "topic", "--config"])
        .arg(small)
        .arg("--out")
        .arg(&own)
        .arg("--data")
        .args(rows);
    assert!(train.output().unwrap().status.success());
    let asked = classify(&["--model", own.to_str().unwrap(), "--heads", "topic,region"], &path);
    assert_eq!(asked.status.code(), Some(1));
    assert!(text(&asked.stderr).contains("has no region head"), "{}", text(&asked.stderr));
}

#[test]
fn rows_keep_their_order_and_bad_ones_are_named() {
    let dir = Dir::new();
    let mut rows: Vec<_> = (0..500).map(|i| row(&i.to_string())).collect();
    rows[9] = "{not json".to_owned();
    rows[99] = r#"{"text":"x","targets":[7]}"#.to_owned();
    rows[199] = r#"{"text":"x","targets":[{"name":"A"},""]}"#.to_owned();
    rows[299] = r#"{"id":"no text at all"}"#.to_owned();
    let path = dir.file("rows.jsonl", rows.join("\n"));
    let output = classify(&["--threads", "4"], &path);
    assert_eq!(output.status.code(), Some(1));
    let ids: Vec<usize> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().parse().unwrap())
        .collect();
    let expect: Vec<_> = (0..500).filter(|i| ![9, 99, 199, 299].contains(i)).collect();
    assert_eq!(ids, expect);
    let complaints = text(&output.stderr);
    let complaints: Vec<_> = complaints.lines().collect();
    let at = |line: u32| format!("error: {}:{line}: ", path.display());
    for (i, (line, says)) in [
        (10, "not an article as one JSON object"),
        (100, "targets[0]: neither a name nor an object"),
        (200, "targets[1].name: empty"),
        (300, "neither \"title\" nor \"text\""),
    ]
    .into_iter()
    .enumerate()
    {
        assert!(complaints[i].starts_with(&at(line)) && complaints[i].contains(says), "{}", complaints[i]);
    }
    assert_eq!(complaints[4], "error: 4 of 500 rows could not be classified");
}

#[test]
fn every_format_in_and_out() {
    let dir = Dir::new();
    let jsonl = format!("{}\n{}\n", row("1"), row("2"));
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["id", "title", "text", "targets"]).unwrap();
    csv.write_record(["1", "", ARTICLE, TARGET]).unwrap();
    csv.write_record(["2", "", ARTICLE, ""]).unwrap();
    let csv = csv.into_inner().unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(jsonl.as_bytes()).unwrap();
    let inputs = [
        dir.file("a.jsonl", &jsonl),
        dir.file("a.csv", &csv),
        dir.file("a.jsonl.gz", gz.finish().unwrap()),
        dir.file("a.jsonl.zst", zstd::encode_all(jsonl.as_bytes(), 1).unwrap()),
        dir.file("a.csv.zst", zstd::encode_all(&csv[..], 1).unwrap()),
    ];
    for input in &inputs {
        let array: Value = serde_json::from_slice(&classify(&["--output-format", "json"], input).stdout).unwrap();
        assert_eq!(array.as_array().unwrap().len(), 2, "{}", input.display());
        let lines = text(&classify(&["--output-format", "jsonl"], input).stdout);
        let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!(Summary::from(&array[0]), Summary::from(&first));
        let output = classify(&["--output-format", "csv"], input).stdout;
        let mut csv = csv::Reader::from_reader(&output[..]);
        let records: Vec<_> = csv.records().map(Result::unwrap).collect();
        assert_eq!((records.len(), &records[1][0]), (2, "2"));
        assert_eq!(&records[0][1], array[0]["topic"]["labels"][0]["id"].as_str().unwrap());
    }
    let empty = dir.file("none.jsonl", "");
    assert_eq!(text(&classify(&["--output-format", "json"], &empty).stdout), "[\n]\n");
    assert_eq!(parquet(&["--output-format", "parquet"], &empty), [] as [Value; 0]);
}

/// The rows of an answer in Parquet.
fn parquet(args: &[&str], file: &Path) -> Vec<Value> {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let output = classify(args, file);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let reader = SerializedFileReader::new(bytes::Bytes::from(output.stdout)).unwrap();
    reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_json_value()).collect()
}

#[test]
fn parquet_holds_what_json_says() {
    let dir = Dir::new();
    // Many countries and stances, one of each, and none: more rows than one group has.
    let mut lines = fs::read_to_string(root().join("data/sample.jsonl")).unwrap();
    lines.push_str(&serde_json::json!({"id": "short", "text": "No."}).to_string());
    let rows = lines.lines().count();
    let path = dir.file("rows.jsonl", format!("{lines}\n").repeat(9_000 / rows));
    let json = text(&classify(&["--output-format", "jsonl"], &path).stdout);
    let found = parquet(&["--output-format", "parquet"], &path);
    assert_eq!(found.len(), json.lines().count());
    for (row, line) in found.iter().zip(json.lines()) {
        let line: Value = serde_json::from_str(line).unwrap();
        let (topic, model) = (&line["topic"]["labels"][0], &line["model"]);
        let pick = |from: &Value, names: &[&str]| -> Value { names.iter().map(|n| (*n, from[n].clone())).collect() };
        let each = |list: &Value, names: &[&str], least: f64| -> Vec<Value> {
            let kept = list.as_array().unwrap().iter().filter(|e| e["probability"].as_f64().unwrap() >= least);
            kept.map(|e| pick(e, names)).collect()
        };
        let expect = serde_json::json!({
            "id": line["id"],
            "topic": topic["id"],
            "topic_name": topic["name"],
            "topic_probability": topic["probability"],
            "topic_abstained": line["topic"]["abstained"],
            "desk": line["region"]["primaryDesk"],
            "countries": each(&line["region"]["countries"], &["code", "probability"], 0.5),
            "stances": each(&line["stances"], &["target", "label", "probability"], 0.0),
            "language": line["language"]["code"],
            "model": format!("{}@{}", model["name"].as_str().unwrap(), model["version"].as_str().unwrap()),
        });
        assert_eq!(*row, expect);
    }
    let topics = parquet(&["--output-format", "parquet", "--heads", "topic"], &path);
    assert_eq!(
        (&topics[0]["topic"], &topics[0]["desk"], &topics[0]["countries"]),
        (&found[0]["topic"], &Value::Null, &Value::Null)
    );
}

#[test]
fn standard_input_is_a_file_too() {
    let mut child = wiredesk()
        .args(["classify", "-", "--input-format", "jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(format!("{}\n\n?\n", row("7")).as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).starts_with(r#"{"id":"7","#));
    assert!(text(&output.stderr).starts_with("error: <stdin>:3: "));
}

#[test]
fn exit_codes_tell_what_happened() {
    let dir = Dir::new();
    let good = dir.file("a.txt", ARTICLE);
    let good = good.to_str().unwrap();
    let no_column = dir.file("a.csv", "a,b\n1,2\n");
    let cut_gz = dir.file("cut.jsonl.gz", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b]);
    for (args, code, says) in [
        (vec!["classify", good], 0, ""),
        (vec!["classify", "no/such/file"], 1, "no/such/file: No such file"),
        (vec!["classify", no_column.to_str().unwrap()], 1, "no column \"text\""),
        (vec!["classify", cut_gz.to_str().unwrap()], 1, "cut.jsonl.gz"),
        (vec!["classify", good, "--model", "no/such/dir"], 1, "cannot use the model in no/such/dir"),
        (vec!["classify", good, "--target", " "], 1, "targets[0].name: empty"),
        (vec!["classify", good, "--heads", "topic", "--target", "X"], 1, "--heads leaves out"),
        (vec!["classify", good, "--heads", "topic,area"], 2, "no such head; there are: topic, region, stance"),
        (vec!["classify"], 2, "<FILE>"),
        (vec!["classify", good, "--output-format", "xml"], 2, "possible values"),
        (vec!["classify", good, "--top-k", "0"], 2, "at least 1"),
        (vec!["serve", "--drain-timeout", "soon"], 2, "not a time"),
        (vec!["serve", "--max-wait", "0s"], 2, "must be more than 0"),
        (vec!["nothing"], 2, "unrecognized subcommand"),
        (vec![], 2, "Usage"),
        (vec!["--version"], 0, ""),
        (vec!["models", "verify", "no/such/dir"], 1, "no/such/dir"),
        (vec!["models", "show"], 0, ""),
        (vec!["health", "--address", "not an address"], 2, "not an address"),
        (vec!["--config", "no/such.toml", "models", "show"], 2, "no/such.toml"),
    ] {
        let output = wiredesk().args(&args).output().unwrap();
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {error}");
        assert!(error.contains(says) && (says.is_empty() == error.is_empty()), "{args:?}: {error}");
        assert_eq!(output.stdout.is_empty(), code != 0, "{args:?}: data on stdout, all else on stderr");
    }
}

#[test]
fn settings_come_from_flag_then_environment_then_file() {
    let dir = Dir::new();
    let story = dir.file("a.txt", ARTICLE);
    let config = dir.file("wiredesk.toml", "[classify]\noutput_format = 'jsonl'\ntop-k = 2\ntarget = ['A', 'B']\n");
    let labels = |vars: &[(&str, &str)], args: &[&str]| {
        let mut command = wiredesk();
        command.args(["classify", "--output-format", "jsonl"]).args(args).arg(&story).envs(vars.iter().copied());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        answer["topic"]["labels"].as_array().unwrap().len()
    };
    let config = config.to_str().unwrap();
    assert_eq!(labels(&[], &[]), 17);
    assert_eq!(labels(&[("WIREDESK_CONFIG", config)], &[]), 2);
    assert_eq!(labels(&[("WIREDESK_CONFIG", config), ("WIREDESK_TOP_K", "3")], &[]), 3);
    assert_eq!(labels(&[("WIREDESK_TOP_K", "3")], &["--config", config, "--top-k", "4"]), 4);

    for (content, says) in [
        ("[classify]\ntopk = 1\n", "[classify] no setting \"topk\"; there are: "),
        ("[clasify]\n", "[clasify] is no command"),
        ("[classify]\ntop_k = 'x'\n", "invalid"),
        ("x = ", "expected"),
    ] {
        let bad = dir.file("bad.toml", content);
        let output = wiredesk().args(["classify", "--config"]).arg(bad).arg(&story).output().unwrap();
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(says), "{content}: {error}");
    }
}

/// `wiredesk classify ... | head -1`
#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let dir = Dir::new();
    let path = dir.file("a.jsonl", vec![row("1"); 2_000].join("\n"));
    let mut child = wiredesk().arg("classify").arg(path).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
}
