"""Training time and peak memory of the topic head beside scikit-learn's LogisticRegression, on the same rows.

Runs `wiredesk train --heads topic` and TfidfVectorizer (words and pairs) +
LogisticRegression in turn, each in a process of its own with one thread, and
prints processor seconds and peak memory. Rows without a topic, dev rows and
rows that a model labelled are left out on both sides.

    python3 -m venv .venv
    .venv/bin/pip install scikit-learn
    .venv/bin/python tools/bench_training.py --binary target/release/wiredesk --train FILE.jsonl.gz [--rows N]
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile

SKLEARN = """
import json, sys
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
rows = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
texts = [row.get("title", "") + " " + row.get("text", "") for row in rows]
features = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2).fit_transform(texts)
model = LogisticRegression(C=10, max_iter=100).fit(features, [row["topic"] for row in rows])
print(features.shape, "iterations:", model.n_iter_.max(), file=sys.stderr)
"""


def train_rows(paths, most):
    kept = 0
    for path in paths:
        opened = gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8")
        with opened as lines:
            for line in lines:
                row = json.loads(line)
                if row.get("topic") and row.get("split") != "dev" and row.get("quality") != "machine":
                    yield line if line.endswith("\n") else line + "\n"
                    kept += 1
                    if kept == most:
                        return


def measured(command):
    """Processor seconds and peak memory in MB of a process."""
    single = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    process = subprocess.Popen(command, env=os.environ | single, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{command[0]} failed")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/wiredesk")
    parser.add_argument("--train", required=True, nargs="+", help="labelled rows, JSON lines")
    parser.add_argument("--rows", type=int, help="at most so many of them")
    parser.add_argument("--config", help="settings of the training")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "rows.jsonl")
        with open(file, "w", encoding="utf-8") as out:
            out.writelines(train_rows(options.train, options.rows))
        with open(file, encoding="utf-8") as lines:
            print(f"{sum(1 for _ in lines)} rows, {os.path.getsize(file) / 1e6:.0f} MB, one thread each")
        command = [options.binary, "train", "--heads", "topic", "--threads", "1", "--skip-bad-rows", "--data", file]
        command += ["--out", os.path.join(folder, "model")] + (["--config", options.config] if options.config else [])
        own, memory = measured(command)
        print(f"wiredesk train          {own:8.1f} s of processor time  {memory:8.0f} MB at most")
        other, memory = measured([sys.executable, "-c", SKLEARN, file])
        print(f"LogisticRegression      {other:8.1f} s of processor time  {memory:8.0f} MB at most")
        print(f"wiredesk is {other / own:.1f} times as fast")


if __name__ == "__main__":
    sys.exit(main())
