use super::*;
use crate::model::{Card, FORMAT_VERSION};

fn install(store: &Store, version: &str, content: &str) -> Result<Identity, StoreError> {
    let manifest = Manifest {
        format_version: FORMAT_VERSION,
        name: "m".into(),
        version: version.into(),
        card: Card::default(),
        files: Default::default(),
    };
    let files = Files::from([("a.txt".to_owned(), content.as_bytes().to_vec().into())]);
    store.install(manifest, &files)
}

fn stable(store: &Store) -> String {
    store.labelled("m", Label::Stable).unwrap().unwrap_or_default()
}

#[test]
fn labels_move_and_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(dir.path());
    for version in ["1", "2", "3"] {
        install(&store, version, version).unwrap();
        assert_eq!(store.resolve("m@candidate").unwrap().1, version);
        let reason = Some(format!("reason {version}"));
        store.promote("m", version, Event { reason, ..Event::now("promote", version) }).unwrap();
        assert_eq!((stable(&store).as_str(), store.labelled("m", Label::Candidate).unwrap()), (version, None));
    }
    assert_eq!(store.rollback("m", None).unwrap(), "2");
    assert_eq!(store.rollback("m", Some("worse")).unwrap(), "1");
    assert!(matches!(store.rollback("m", None), Err(StoreError::NoEarlier(_))));
    assert_eq!(stable(&store), "1");
    let history = store.history("m").unwrap();
    assert_eq!(history.len(), 5);
    assert_eq!((history[1].from.as_deref(), history[1].reason.as_deref()), (Some("1"), Some("reason 2")));
    assert_eq!((history[4].action.as_str(), history[4].reason.as_deref()), ("rollback", Some("worse")));
    assert_eq!(store.collect("m", 0).unwrap(), ["2", "3"]);
    assert_eq!(store.versions("m").unwrap(), ["1"]);
}

#[test]
fn a_damaged_version_is_not_gone_back_to() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(dir.path());
    for version in ["1", "2"] {
        install(&store, version, version).unwrap();
        store.promote("m", version, Event::now("promote", version)).unwrap();
    }
    fs::write(dir.path().join("m/1/a.txt"), "x").unwrap();
    assert!(matches!(store.rollback("m", None), Err(StoreError::Bundle(_))));
    assert_eq!(stable(&store), "2");
}

#[test]
fn a_version_is_written_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(dir.path());
    let first = install(&store, "1", "a").unwrap();
    assert_eq!(install(&store, "1", "a").unwrap(), first);
    assert!(matches!(install(&store, "1", "b"), Err(StoreError::Taken(..))));
    assert!(matches!(install(&store, "../x", "b"), Err(StoreError::BadName(_))));
}

#[test]
fn what_a_killed_process_left_is_not_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(dir.path());
    install(&store, "1", "a").unwrap();
    store.promote("m", "1", Event::now("promote", "1")).unwrap();
    let model = dir.path().join("m");
    fs::create_dir(model.join(".2.77.tmp")).unwrap();
    fs::write(model.join(".stable.77.tmp"), "2").unwrap();
    fs::create_dir(model.join("half")).unwrap();
    fs::write(model.join("history.jsonl"), "{\"time\":1,\"act").unwrap();
    assert_eq!((store.versions("m").unwrap(), stable(&store)), (vec!["1".to_owned()], "1".to_owned()));
    install(&store, "2", "b").unwrap();
    store.promote("m", "2", Event::now("promote", "2")).unwrap();
    assert_eq!(store.history("m").unwrap().len(), 1);
    store.collect("m", 1).unwrap();
    let names = fs::read_dir(&model).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|n| n.starts_with('.')).collect::<Vec<_>>(), [LOCK]);
    assert_eq!(store.versions("m").unwrap(), ["1", "2"]);
}

#[test]
fn labels_of_any_bytes_give_an_error_or_a_plain_name() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(dir.path());
    install(&store, "1", "a").unwrap();
    for bytes in [&b"../../etc\n"[..], b"\xff\xfe", b"a/b", b".hidden"] {
        fs::write(dir.path().join("m/stable"), bytes).unwrap();
        assert!(store.resolve("m").is_err());
    }
    fs::write(dir.path().join("m/stable"), "").unwrap();
    assert!(matches!(store.resolve("m"), Err(StoreError::NoLabel(..))));
    fs::write(dir.path().join("m/stable"), "9").unwrap();
    assert_eq!(store.resolve("m").unwrap().1, "9", "a label may name a version that is gone; opening it fails");
    for selector in ["nobody", "m@7", "", "@", "m@"] {
        assert!(store.resolve(selector).is_err(), "{selector}");
    }
}
