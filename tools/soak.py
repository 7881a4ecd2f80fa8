"""Soak and chaos: real servers under mixed load while things go wrong, every reply checked.

    python3 -m venv .venv && .venv/bin/pip install grpcio grpcio-tools
    .venv/bin/python tools/soak.py [--seconds 600] [--binary target/release/wiredesk] [--json FILE] [SERVE FLAG...]

Two servers. The steady one runs to the end: its model is swapped again and again, clients die on it, hang half-open,
never read, give no time, and once a minute it is asked for ten times what it can do (by `cargo bench --bench overload`,
which is built first); its memory is watched. The other is restarted again and again, by SIGTERM and by SIGKILL, and
its clients try again. All calls are single, in batches or in streams. Each reply must be, to the last digit, what
`wiredesk classify` says of the same article with the model that the reply names. SERVE FLAGs go to the steady server.

Exit code 0: no wrong answer, no call failed for good, no server died, memory flat, and under overload some calls were
refused and none of the others waited for longer than PATIENCE.
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter

import driving
from soak_clients import Worker, break_connections

# In milliseconds: `serve --max-wait` and time for a dear call on a machine that is busy with all else.
PATIENCE = 3_000


class Flood:
    """The overload bench against a server that runs already."""

    # Of the article in a call, so that it takes some ten milliseconds.
    COPIES = 64

    def __init__(self, profile, seconds):
        """Builds it. `seconds`: of each of its five phases."""
        self.seconds, self.process = seconds, None
        build = [os.environ.get("CARGO", "cargo"), "bench", "--no-run", "--profile", profile, "--bench", "overload"]
        build += ["--message-format", "json"]
        built = subprocess.run(build, check=True, cwd=driving.ROOT, stdout=subprocess.PIPE, text=True).stdout
        made = [json.loads(line) for line in built.splitlines()]
        [self.bench] = [one["executable"] for one in made if one.get("target", {}).get("name") == "overload"]

    @property
    def lasts(self):
        return 5 * self.seconds + 3

    def start(self, address):
        flags = ["--server", address, "--seconds", str(self.seconds), "--copies", str(self.COPIES)]
        self.process = subprocess.Popen([self.bench, *flags], stdout=subprocess.PIPE, text=True)

    def figures(self, wait=False):
        """What the one that was started found, when it has ended."""
        if self.process is None or not wait and self.process.poll() is None:
            return []
        said, _ = self.process.communicate()
        code, self.process = self.process.returncode, None
        return [json.loads(said.splitlines()[-1]) if code == 0 else {"failed": code}]


def promote(binary, root, version):
    driving.run(binary, "models", "promote", "--models", root, "--force", "--reason", "soak", f"soak@{version}")


def store(binary, folder):
    """Two versions of a model whose topics are learned from few rows: (root, {digest: answers}, rows)."""
    rows, answers = driving.articles(), {}
    # The other heads are the embedded model's: without that of stance no call is dear enough to overload a server.
    begin = ("--heads", "topic", "--warm-start", "embedded")
    root, own = os.path.join(folder, "models"), pathlib.Path(folder, "own.jsonl")
    # Each topic needs two rows.
    sample = [json.loads(line) for line in (driving.ROOT / "data/sample.jsonl").read_text().splitlines()]
    twice = [{**row, "id": f"{row['id']}-{n}", "group": f"{row['id']}-{n}"} for row in sample for n in (1, 2)]
    own.write_text("".join(json.dumps(row) + "\n" for row in twice))
    data = [str(own), *(str(driving.ROOT / f"data/topic/{name}.jsonl") for name in ("labour", "society"))]
    for version, seed in (("1", "1"), ("2", "2")):
        out = os.path.join(folder, version)
        driving.run(binary, "train", *begin, "--seed", seed, "--name", "soak", "--model-version", version, "--out", out, "--data", *data)
        driving.run(binary, "models", "add", "--models", root, out)
        promote(binary, root, version)
        digest, said = driving.offline(binary, rows, "--model", out)
        answers[digest] = said
    assert len(answers) == 2, "two versions that differ"
    return root, answers, rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--binary", default=str(driving.ROOT / "target/release/wiredesk"))
    parser.add_argument("--profile", default="bench", help="cargo profile of the overload bench")
    parser.add_argument("--json", help="write the figures to this file, too")
    args, flags = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="wiredesk-soak-") as folder:
        figures, faults = soak(args.binary, args.seconds, args.profile, flags, folder)
    print(json.dumps(figures, indent=1))
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(figures, indent=1) + "\n")
    for fault in faults:
        print(f"FAULT: {fault}")
    print("soak:", "FAILED" if faults else "ok")
    return 1 if faults else 0


def soak(binary, seconds, profile, flags, folder):
    flood = Flood(profile, min(4.0, seconds / 15))
    root, swapped, rows = store(binary, folder)
    digest, said = driving.offline(binary, rows)
    steady = driving.Server(binary, "--models", root, *flags)
    restarted = driving.Server(binary)
    workers = [Worker(kind, steady.address, rows, swapped, n) for n, kind in enumerate(("single", "batch", "stream", "rude"))]
    workers += [Worker(kind, restarted.address, rows, {digest: said}, n) for n, kind in enumerate(("single", "batch", "stream"))]
    stop, broken = threading.Event(), Counter()
    breaker = threading.Thread(target=break_connections, args=(steady.address, stop, broken))
    breaker.start()

    chaos, memory, floods, faults = Counter(), [], [], []
    begun, turn, version = time.monotonic(), 0, 2
    every = min(5.0, seconds / 6)
    next_chaos, next_flood = every, min(60.0, seconds / 3)
    while (passed := time.monotonic() - begun) < seconds:
        if not steady.alive():
            faults.append(f"the steady server died: {steady.process.poll()}")
            break
        memory.append((passed, steady.megabytes()))
        floods += flood.figures()
        if passed >= next_flood and passed + flood.lasts < seconds:
            flood.start(steady.address)
            next_flood += 60
        if passed >= next_chaos:
            next_chaos = passed + every
            turn += 1
            version = 3 - version
            promote(binary, root, version)
            chaos["swaps"] += 1
            how = (None, signal.SIGTERM, None, signal.SIGKILL)[turn % 4]
            if how:
                code = restarted.end(how)
                if how is signal.SIGTERM and code != 0:
                    faults.append(f"exit code {code} after SIGTERM")
                chaos[how.name] += 1
                restarted.start()
        time.sleep(0.5)

    floods += flood.figures(wait=True)
    stop.set()
    breaker.join()
    counts, per_worker = Counter(), []
    for worker in workers:
        found, examples = worker.end()
        counts.update(found)
        per_worker.append(dict(found))
        faults += examples
        if not found["answers"] and "out of time" not in found:
            faults.append(f"a client got no answer: {found}")
    for server in (steady, restarted):
        if (code := server.end()) != 0:
            faults.append(f"exit code {code} at the end")
    return judge(counts, per_worker, chaos + broken, memory, floods, faults)


def judge(counts, per_worker, chaos, memory, floods, faults):
    last = memory[-1][0] if memory else 0
    part = lambda a, b: [mb for at, mb in memory if a * last <= at <= b * last]
    middle, end = (driving.quantile(part(*span), 0.5) for span in ((0.25, 0.5), (0.75, 1)))
    if last > 120 and end > middle * 1.1 + 8:
        faults.append(f"memory grew from {middle:.0f} to {end:.0f} MB")
    for name in ("wrong", "failed"):
        if counts[name]:
            faults.append(f"{counts[name]} {name}")
    for found in floods:
        if "failed" in found or found["other"]:
            faults.append(f"under overload: {found}")
        elif not found["refused"]:
            faults.append(f"no call was refused, so it was no overload: {found}")
        elif found["p99_ms"] > PATIENCE:
            faults.append(f"calls waited under overload: {found}")
    figures = {
        "seconds": round(last), "counts": dict(counts), "clients": per_worker, "chaos": dict(chaos), "floods": floods,
        "memory_mb": {"second quarter": middle, "last quarter": end, "most": max((mb for _, mb in memory), default=0)},
    }
    return figures, faults


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    sys.exit(main())
