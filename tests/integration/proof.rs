//! The scripts that drive real servers for minutes, run for seconds: soak and chaos, and two replicas behind a real
//! Envoy. `docs/BENCHMARKS.md` has what the long runs found.

use crate::support::{root, tool};
use std::{
    path::PathBuf,
    process::{Command, Output},
};

/// A Python that has grpcio.
fn python() -> Option<PathBuf> {
    let python = tool("python")?;
    let has = Command::new(&python).args(["-c", "import grpc, grpc_tools"]).output().unwrap();
    if has.status.success() { Some(python) } else { tool("python-with-grpcio") }
}

fn script(python: PathBuf, name: &str, args: &[&str]) -> (Output, String) {
    let output = Command::new(python)
        .arg(root().join("tools").join(name))
        .args(["--binary", env!("CARGO_BIN_EXE_wiredesk")])
        .args(args)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output, said)
}

/// Mixed load, swaps, restarts, clients that die or hang, ten times too many calls: no wrong answer, no lost call.
#[test]
fn half_a_minute_of_chaos_changes_no_answer() {
    let Some(python) = python() else { return };
    let (output, said) = script(python, "soak.py", &["--seconds", "30", "--profile", "dev", "--max-in-flight", "16"]);
    assert!(output.status.success() && said.contains("soak: ok"), "{said}");
    for happened in ["swaps", "SIGTERM", "half-open", "left alone", "out of time", "unloaded_p99_ms"] {
        assert!(said.contains(happened), "no {happened}: {said}");
    }
}

/// One of two replicas is killed under load, then the other is told to end: Envoy spreads evenly and loses nothing.
#[test]
fn a_replica_that_dies_costs_no_call() {
    let (Some(python), Some(envoy)) = (python(), tool("envoy")) else { return };
    let (output, said) = script(python, "replicas.py", &["--seconds", "18", "--envoy", envoy.to_str().unwrap()]);
    assert!(output.status.success() && said.contains("replicas: ok"), "{said}");
}
