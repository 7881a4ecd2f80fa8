//! The contract against that of the last release: `tests/golden/contract.binpb`, which `buf build proto
//! --exclude-source-info -o tests/golden/contract.binpb` writes anew at each release, and at no other time.

use crate::support::{root, tool};
use std::{fs, path::Path, process::Command};

/// What buf says of `proto` as the next version of the contract; `None` without buf.
fn broken(proto: &Path) -> Option<(bool, String)> {
    let buf = tool("buf")?;
    let golden = root().join("tests/golden/contract.binpb");
    let output = Command::new(buf).arg("breaking").arg(proto).arg("--against").arg(golden).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Some((!output.status.success(), said))
}

/// The protos, with `from` written as `to` in the classifier's.
fn changed(dir: &Path, from: &str, to: &str) {
    let v1 = dir.join("wiredesk/v1");
    fs::create_dir_all(&v1).unwrap();
    fs::create_dir_all(dir.join("google/rpc")).unwrap();
    for file in ["buf.yaml", "google/rpc/status.proto"] {
        fs::copy(root().join("proto").join(file), dir.join(file)).unwrap();
    }
    for entry in fs::read_dir(root().join("proto/wiredesk/v1")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, v1.join(path.file_name().unwrap())).unwrap();
    }
    let path = v1.join("classifier.proto");
    let before = fs::read_to_string(&path).unwrap();
    assert!(before.contains(from), "{from:?} is no longer in the proto: choose another change");
    fs::write(path, before.replacen(from, to, 1)).unwrap();
}

#[test]
fn old_clients_go_on_working() {
    let Some((broken, said)) = broken(&root().join("proto")) else { return };
    assert!(!broken, "clients of the last release would break:\n{said}");
}

#[test]
fn a_removed_renamed_or_retyped_field_is_found() {
    for (from, to, says) in [
        (
            "string source = 5;",
            "",
            "Previously present field \"5\" with name \"source\" on message \"Article\" was deleted",
        ),
        ("double probability = 3;", "float probability = 3;", "changed type from \"double\" to \"float\""),
        ("uint32 top_k = 3;", "uint32 top = 3;", "changed name from \"top_k\" to \"top\""),
        ("rpc ClassifyBatch(", "rpc ClassifyMany(", "Previously present RPC \"ClassifyBatch\""),
    ] {
        let dir = tempfile::tempdir().unwrap();
        changed(dir.path(), from, to);
        let Some((broken, said)) = broken(dir.path()) else { return };
        assert!(broken && said.contains(says), "{from} -> {to}: {said}");
    }
}
