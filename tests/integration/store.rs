//! The store of models: promotion, its gate, going back; what survives kill -9, a full disk and a flipped bit; and how
//! a running server follows it.

use crate::support::{Process, Server, article, config, root, version, wait_for, wiredesk};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tempfile::TempDir;
use wiredesk::{
    model::{Event, Label, Lock, Store},
    service::{
        Source,
        pb::{self, model_service_client::ModelServiceClient},
    },
};

const OWN: [&str; 3] = ["data/topic/weather.jsonl", "data/topic/labour.jsonl", "data/topic/society.jsonl"];

fn run(args: &[&str]) -> Output {
    wiredesk().current_dir(root()).args(args).output().unwrap()
}

fn says(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Small bundles, trained once: 1 and 2 are good and differ by their seed, 3 was taught wrong labels.
fn bundles() -> &'static Path {
    static DIR: OnceLock<TempDir> = OnceLock::new();
    let dir = DIR.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("small.toml");
        fs::write(&config, "name = \"news\"\n[features]\nbits = 12\n").unwrap();
        let wrong = dir.path().join("wrong.jsonl");
        let all: String = OWN.iter().map(|f| fs::read_to_string(root().join(f)).unwrap()).collect();
        let (weather, labour) = ("\"topic\": \"medtop:17000000\"", "\"topic\": \"medtop:09000000\"");
        assert!(all.contains(weather) && all.contains(labour), "the labels are written otherwise");
        fs::write(&wrong, all.replace(weather, "@").replace(labour, weather).replace('@', labour)).unwrap();
        let wrong = wrong.to_str().unwrap();
        for (version, seed, data) in [("1", "1", &OWN[..]), ("2", "2", &OWN), ("3", "3", &[wrong])] {
            let out = dir.path().join(version);
            let (out, config) = (out.to_str().unwrap(), config.to_str().unwrap());
            let mut args = vec!["train", "--out", out, "--config", config, "--seed", seed];
            args.extend(["--model-version", version, "--data"]);
            args.extend(data);
            let output = run(&args);
            assert!(output.status.success(), "{}", says(&output));
        }
        dir
    });
    dir.path()
}

fn bundle(version: &str) -> String {
    bundles().join(version).to_str().unwrap().to_owned()
}

struct Scene {
    dir: TempDir,
}

impl Scene {
    /// A store in which version 1 is stable.
    fn new() -> Self {
        let scene = Self { dir: tempfile::tempdir().unwrap() };
        scene.add("1");
        scene.done(&["promote", "news"]);
        scene
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("models")
    }

    fn models(&self, args: &[&str]) -> Output {
        run(&[&["models"], args, &["--models", self.root().to_str().unwrap()]].concat())
    }

    fn done(&self, args: &[&str]) -> String {
        let output = self.models(args);
        assert!(output.status.success(), "{args:?}: {}", says(&output));
        says(&output)
    }

    fn add(&self, version: &str) {
        self.done(&["add", &bundle(version)]);
    }

    fn force(&self, version: &str) {
        self.done(&["promote", &format!("news@{version}"), "--force", "--reason", "a test"]);
    }

    fn store(&self) -> Store {
        Store::open(&self.root()).unwrap()
    }

    fn stable(&self) -> String {
        self.store().labelled("news", Label::Stable).unwrap().unwrap()
    }
}

#[test]
fn a_worse_model_is_not_promoted_unless_forced_and_the_reason_is_kept() {
    let scene = Scene::new();
    scene.add("2");
    let output = scene.models(&["promote", "news"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(says(&output).contains("give --data FILE"), "{}", says(&output));
    let promote = [&["promote", "news", "--split", "all", "--data"], &OWN[..]].concat();
    let good = scene.done(&promote);
    assert!(good.contains("topic accuracy: ") && good.contains("news@2 is stable"), "{good}");

    scene.add("3");
    let output = scene.models(&promote);
    assert_eq!(output.status.code(), Some(1), "{}", says(&output));
    assert!(says(&output).contains(": worse") && says(&output).contains("was not promoted"), "{}", says(&output));
    assert_eq!(scene.stable(), "2");
    assert_eq!(scene.models(&["promote", "news", "--force"]).status.code(), Some(2), "no reason");
    scene.done(&[&promote[..], &["--force", "--reason", "the labels were wrong before"]].concat());
    assert_eq!(scene.stable(), "3");
    let shown = scene.done(&["show", "news"]);
    assert!(shown.contains("promote 3 (before: 2): the labels were wrong before") && shown.contains(": worse"));

    assert!(scene.done(&["rollback", "news", "--reason", "as expected"]).contains("news@2 is stable"));
    let list = scene.done(&["list"]);
    assert_eq!(list, "news@1\nnews@2  stable\nnews@3\n");
    assert_eq!(scene.done(&["gc", "--keep", "0"]), "news@1 deleted\nnews@3 deleted\n");
    let nothing = scene.models(&["rollback", "news"]);
    assert!(nothing.status.code() == Some(1), "the earlier version is gone: {}", says(&nothing));
    assert_eq!(scene.stable(), "2");
}

#[test]
fn a_new_model_goes_into_the_store_as_the_candidate() {
    let scene = Scene::new();
    let config = bundles().join("small.toml");
    let (config, models) = (config.to_str().unwrap(), scene.root());
    let train = |seed: &str| {
        let mut args = vec!["train", "--models", models.to_str().unwrap(), "--config", config, "--seed", seed];
        args.extend(["--model-version", "4", "--data"]);
        args.extend(OWN);
        run(&args)
    };
    assert!(train("4").status.success());
    assert_eq!(scene.store().labelled("news", Label::Candidate).unwrap().as_deref(), Some("4"));
    assert!(train("4").status.success(), "the same bytes again");
    let other = train("5");
    assert!(other.status.code() == Some(1) && says(&other).contains("already there"), "{}", says(&other));
    assert!(says(&run(&["train", "--data", OWN[0]])).contains("--out"), "one of the two is needed");
}

/// Whatever was killed: the store opens, and its stable version is whole.
#[test]
fn killed_at_any_moment_the_store_still_opens() {
    let scene = Scene::new();
    for version in ["2", "3"] {
        scene.add(version);
    }
    let models = scene.root();
    let models = models.to_str().unwrap();
    let force = ["--force", "--reason", "a test"];
    let begun = Instant::now();
    scene.force("2");
    scene.force("1");
    let usual = begun.elapsed() / 2;
    let (mut killed, mut finished) = (0, 0);
    for i in 0..60u64 {
        let next = ["news@2", "news@3", "news@1"][i as usize % 3];
        let bundle = bundle("2");
        let args = match i % 4 {
            0 | 1 => [&["models", "promote", next, "--models", models], &force[..]].concat(),
            2 => vec!["models", "rollback", "news", "--models", models],
            _ => {
                let _gone = fs::remove_dir_all(scene.root().join("news/2"));
                vec!["models", "add", &bundle, "--models", models]
            }
        };
        let mut child = wiredesk().args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(usual * i as u32 / 35);
        child.kill().unwrap();
        if child.wait().unwrap().code().is_some() {
            finished += 1
        } else {
            killed += 1
        }
        let stable = scene.stable();
        wiredesk::model::verify(&scene.store().dir("news", &stable).unwrap()).unwrap();
        assert!(scene.store().history("news").is_ok());
        if scene.stable() == "2" {
            scene.force("1");
        }
    }
    assert!(killed > 5 && finished > 5, "{killed} killed, {finished} finished: the test looks at one side only");
    scene.done(&["gc", "--keep", "9"]);
    let left = fs::read_dir(scene.root().join("news")).unwrap().map(|e| e.unwrap().file_name());
    let hidden: Vec<_> = left.into_iter().filter(|name| name.to_string_lossy().starts_with('.')).collect();
    assert_eq!(hidden, [".lock"], "gc cleans up");
}

/// Runs a shell with a limit on what a file may hold: writing fails as on a disk that is full.
fn with_little_room(kilobytes: u32, args: &[&str]) -> Output {
    let script = format!("trap '' XFSZ; ulimit -f {kilobytes}; exec \"$0\" \"$@\"");
    let mut command = Command::new("bash");
    command.arg("-c").arg(script).arg(env!("CARGO_BIN_EXE_wiredesk")).args(args).current_dir(root());
    command.output().unwrap()
}

#[test]
fn a_write_that_fails_changes_nothing() {
    let scene = Scene::new();
    scene.add("2");
    let models = scene.root();
    let models = models.to_str().unwrap();
    let listed = scene.done(&["list"]);
    let bundle = bundle("3");
    let full = with_little_room(8, &["models", "add", &bundle, "--models", models]);
    assert_eq!(full.status.code(), Some(1), "{}", says(&full));
    assert!(says(&full).contains("File too large"), "{}", says(&full));
    let promote = ["models", "promote", "news", "--force", "--reason", "full", "--models", models];
    let full = with_little_room(0, &promote);
    assert_eq!(full.status.code(), Some(1), "{}", says(&full));
    assert_eq!(scene.done(&["list"]), listed);
    scene.done(&["verify"]);
    scene.done(&["gc"]);
    assert!(fs::read_dir(scene.root().join("news")).unwrap().count() <= 6);
    // With room again it works.
    assert!(run(&promote).status.success());
    assert_eq!(scene.stable(), "2");
}

#[test]
fn a_second_writer_is_told_who_the_first_is() {
    let scene = Scene::new();
    scene.add("2");
    let lock = Lock::take(&scene.root().join("news/.lock"), "a test", Duration::ZERO).unwrap();
    let held = format!("held by process {} (a test)", std::process::id());
    let promote = ["promote", "news", "--force", "--reason", "a test"];
    for args in [&promote[..], &["rollback", "news"], &["gc", "news"], &["add", &bundle("3")]] {
        let refused = scene.models(args);
        assert!(refused.status.code() == Some(1) && says(&refused).contains(&held), "{args:?}: {}", says(&refused));
    }
    assert_eq!(scene.stable(), "1");
    drop(lock);
    scene.done(&promote);
    assert_eq!(scene.stable(), "2");
    // What was compared with must still be stable.
    let event = Event { from: Some("1".to_owned()), ..Event::now("promote", "1") };
    let stale = scene.store().promote("news", "1", event).unwrap_err().to_string();
    assert!(stale.contains("news@2 has become stable"), "{stale}");
}

/// The same on a real file system that is full, where the test may mount one.
#[test]
fn a_full_disk_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let script = "set -e; mount -t tmpfs -o size=$4 none \"$1\"; \"$0\" models add \"$2\" --models \"$1/m\"; \
        \"$0\" models promote news --models \"$1/m\"; \
        if \"$0\" models add \"$3\" --models \"$1/m\"; then echo THERE WAS ROOM; fi; \
        head -c 100000000 /dev/zero > \"$1/filler\" || true; \
        if \"$0\" models promote news@1 --models \"$1/m\"; then echo ALREADY STABLE; fi; \
        \"$0\" models list --models \"$1/m\"; \"$0\" models verify --models \"$1/m\"";
    let (first, second) = (bundle("1"), bundle("2"));
    let bytes: u64 = fs::read_dir(&first).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
    let mut command = Command::new("unshare");
    command.args(["-rm", "bash", "-c", script, env!("CARGO_BIN_EXE_wiredesk")]);
    command.args([dir.path().to_str().unwrap(), &first, &second, &(bytes * 3 / 2).to_string()]);
    let Ok(output) = command.output() else { return };
    if says(&output).contains("unshare failed") || says(&output).contains("permission denied") {
        return;
    }
    let said = says(&output);
    assert!(output.status.success() && said.contains("No space left on device"), "{said}");
    assert!(!said.contains("THERE WAS ROOM") && said.contains("news@1  stable\n"), "{said}");
}

#[test]
fn a_flipped_bit_in_any_file_is_found_and_the_old_version_serves() {
    let scene = Scene::new();
    scene.add("2");
    let dir = scene.root().join("news/2");
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        let whole = fs::read(&path).unwrap();
        let mut damaged = whole.clone();
        // In the manifest: a digit of the first checksum, so that it is still a manifest.
        let manifest = path.ends_with("manifest.json");
        let at = if manifest { find(&whole, b"sha256\": \"") + 10 } else { whole.len() / 2 };
        damaged[at] ^= 1;
        fs::write(&path, damaged).unwrap();
        let output = scene.models(&["promote", "news@2", "--force", "--reason", "a test"]);
        assert_eq!(output.status.code(), Some(1), "{}: {}", path.display(), says(&output));
        assert_eq!(scene.models(&["verify", "news@2"]).status.code(), Some(1), "{}", path.display());
        fs::write(&path, whole).unwrap();
    }
    assert_eq!(scene.stable(), "1");
    scene.force("2");
    // A damaged version is made stable by hand: a running server keeps the one that it has.
    let server = Process::start(&["--models", scene.root().to_str().unwrap()]);
    let damaged = scene.root().join("news/3");
    fs::create_dir(&damaged).unwrap();
    for entry in fs::read_dir(bundles().join("3")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        if path.ends_with("features.safetensors") {
            bytes[100] ^= 1;
        }
        fs::write(damaged.join(path.file_name().unwrap()), bytes).unwrap();
    }
    fs::write(scene.root().join("news/stable"), "3\n2\n1\n").unwrap();
    std::thread::sleep(Duration::from_millis(1_500));
    server.signal("HUP");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(version(&server.address), "2");
    let refused = run(&["serve", "--listen", "127.0.0.1:0", "--models", scene.root().to_str().unwrap()]);
    assert!(refused.status.code() == Some(1) && says(&refused).contains("features.safetensors"), "{}", says(&refused));
}

fn find(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes.windows(wanted.len()).position(|w| w == wanted).unwrap()
}

#[test]
fn a_running_server_follows_labels_signals_and_calls() {
    let scene = Scene::new();
    let root = scene.root();
    let server = Process::start(&["--models", root.to_str().unwrap()]);
    assert_eq!(version(&server.address), "1");
    scene.add("2");
    scene.force("2");
    assert!(wait_for(|| version(&server.address) == "2"), "by the label on the disk");
    scene.done(&["rollback", "news"]);
    server.signal("HUP");
    assert!(wait_for(|| version(&server.address) == "1"), "by SIGHUP");
}

fn request(model: &str) -> pb::ClassifyRequest {
    let options = pb::ClassifyOptions { model: model.into(), ..Default::default() };
    pb::ClassifyRequest {
        article: Some(article("Heavy rain and strong wind are expected on the coast from Thursday.")),
        options: Some(options),
        ..Default::default()
    }
}

async fn serving(scene: &Scene) -> Server {
    let server = Server::start_empty(config()).await;
    server.registry.load_from(Source::Store { root: scene.root(), default: None });
    server.registry.reload().unwrap();
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_names_a_version_or_a_label_and_rollback_is_a_call() {
    let scene = Scene::new();
    scene.add("2");
    scene.force("2");
    scene.add("3");
    let server = serving(&scene).await;
    let mut client = server.client().await;
    for (model, version) in [
        ("", "2"),
        ("news", "2"),
        ("stable", "2"),
        ("candidate", "3"),
        ("news@stable", "2"),
        ("news@candidate", "3"),
        ("news@1", "1"),
        ("news@3", "3"),
    ] {
        let answer = client.classify(request(model)).await.unwrap().into_inner();
        assert_eq!(answer.model.unwrap().version, version, "{model:?}");
    }
    for model in ["news@9", "nobody", "nobody@stable"] {
        assert_eq!(client.classify(request(model)).await.unwrap_err().code(), tonic::Code::NotFound, "{model}");
    }
    let mut models = ModelServiceClient::new(server.channel().await);
    let listed = models.list_models(pb::ListModelsRequest {}).await.unwrap().into_inner();
    let labels: Vec<_> = listed.labels.iter().map(|l| (l.label.as_str(), l.version.as_str())).collect();
    assert_eq!(labels, [("stable", "2"), ("candidate", "3")]);
    let reason = "worse on the night shift".to_owned();
    let back = models.rollback_model(pb::RollbackModelRequest { name: String::new(), reason }).await.unwrap();
    assert_eq!(back.into_inner().model.unwrap().version, "1");
    assert_eq!(client.classify(request("")).await.unwrap().into_inner().model.unwrap().version, "1");
    assert_eq!(
        scene.store().history("news").unwrap().last().unwrap().reason.as_deref(),
        Some("worse on the night shift")
    );
    let none = models.rollback_model(pb::RollbackModelRequest::default()).await.unwrap_err();
    assert_eq!(none.code(), tonic::Code::FailedPrecondition);

    let embedded = Server::start(config()).await;
    let mut models = ModelServiceClient::new(embedded.channel().await);
    for status in [
        models.reload_model(pb::ReloadModelRequest {}).await.unwrap_err(),
        models.rollback_model(pb::RollbackModelRequest::default()).await.unwrap_err(),
    ] {
        assert_eq!(status.code(), tonic::Code::FailedPrecondition, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_candidate_answers_unseen_and_is_counted() {
    let scene = Scene::new();
    scene.add("3");
    let server = serving(&scene).await;
    server.registry.set_shadow_share(0.5);
    let mut client = server.client().await;
    for _ in 0..40 {
        let answer = client.classify(request("")).await.unwrap().into_inner();
        assert_eq!(answer.model.unwrap().version, "1", "never the candidate's answer");
    }
    let mut models = ModelServiceClient::new(server.channel().await);
    let begun = Instant::now();
    let counted = loop {
        let listed = models.list_models(pb::ListModelsRequest {}).await.unwrap().into_inner();
        let counted = listed.shadow.first().cloned().unwrap_or_default();
        if counted.compared + counted.left_out >= 18 || begun.elapsed() > Duration::from_secs(10) {
            break counted;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!((15..=25).contains(&(counted.compared + counted.left_out)), "{counted:?}");
    assert_eq!(counted.topic_differs, counted.compared, "version 3 calls the weather labour: {counted:?}");
    assert_eq!((counted.stable.unwrap().version, counted.candidate.unwrap().version), ("1".into(), "3".into()));
}

/// 100 swaps, each of which loads a bundle, while four clients call without a pause.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_hundred_swaps_fail_no_call() {
    let scene = Scene::new();
    for version in ["2", "3"] {
        scene.add(version);
    }
    let server = serving(&scene).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut callers = Vec::new();
    for _ in 0..4 {
        let (mut client, stop) = (server.client().await, Arc::clone(&stop));
        callers.push(tokio::spawn(async move {
            let (mut times, mut versions) = (Vec::new(), BTreeSet::new());
            while !stop.load(Ordering::Relaxed) {
                let begun = Instant::now();
                let answer = client.classify(request("")).await.expect("a call failed during a swap").into_inner();
                times.push((begun, begun.elapsed()));
                versions.insert(answer.model.unwrap().version);
            }
            (times, versions)
        }));
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let swaps = Instant::now();
    let (store, registry) = (scene.store(), Arc::clone(&server.registry));
    tokio::task::spawn_blocking(move || {
        for i in 0..100 {
            // Of three versions two are held: each swap has to load one.
            let version = ["2", "3", "1"][i % 3];
            store.promote("news", version, Event::now("promote", version)).unwrap();
            assert!(registry.reload_if_changed().unwrap(), "the change was not seen");
        }
    })
    .await
    .unwrap();
    stop.store(true, Ordering::Relaxed);
    let (mut calm, mut swapping) = (Vec::new(), Vec::new());
    for caller in callers {
        let (times, versions) = caller.await.unwrap();
        assert_eq!(versions.into_iter().collect::<Vec<_>>(), ["1", "2", "3"], "all answered");
        for (begun, time) in times {
            if begun < swaps { calm.push(time) } else { swapping.push(time) }
        }
    }
    let slow = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() * 99 / 100]
    };
    assert!(swapping.len() > 500, "{} calls", swapping.len());
    let (before, during) = (slow(&mut calm), slow(&mut swapping));
    // A cliff would be calls that wait for a bundle to load. The load takes a core of this machine, so some slower it is.
    let most = before * 5 + Duration::from_millis(50);
    assert!(during < most, "one call in a hundred takes {before:?} before and {during:?} during the swaps");
}
