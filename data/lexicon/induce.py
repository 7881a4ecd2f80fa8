#!/usr/bin/env python3
"""Makes induced.tsv: induce.py VADER.tsv OUT.tsv ARTICLES.jsonl.gz...

Needs fasttext-wheel, numpy and scikit-learn. Training rows only; rows whose
licence is non-commercial are left out. Names become one mask, so that no name
gets a valence.
"""

import gzip
import json
import re
import sys
import tempfile

import fasttext
import numpy as np
from sklearn.cluster import MiniBatchKMeans
from sklearn.svm import SVR

TOKEN = re.compile(r"[A-Za-z]+")
CLUSTERS = 800


def sentences(text):
    for part in re.split(r"(?<=[.!?])\s+|\n+", text):
        words = []
        for i, word in enumerate(TOKEN.findall(part)):
            if word[0].isupper() and i > 0 and word != "I":
                if not words or words[-1] != "ENT":
                    words.append("ENT")
            else:
                words.append(word.lower())
        if len(words) > 3:
            yield " ".join(words)


def main():
    vader_path, out_path, *articles = sys.argv[1:]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as corpus:
        for path in articles:
            for line in gzip.open(path):
                row = json.loads(line)
                if row.get("split", "train") != "train" or "non-commercial" in (row.get("licence") or ""):
                    continue
                for sentence in sentences((row.get("text") or "")[:2500]):
                    corpus.write(sentence + "\n")
        corpus.flush()
        model = fasttext.train_unsupervised(
            corpus.name, model="skipgram", dim=100, epoch=3, minCount=20, minn=0, maxn=0, ws=4, thread=1, neg=5
        )
    words = [w for w in model.get_words() if re.fullmatch("[a-z]{3,}", w)]
    vectors = np.array([model.get_word_vector(w) for w in words])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vader = dict(line.rstrip("\n").split("\t") for line in open(vader_path))
    known = [i for i, w in enumerate(words) if w in vader]
    common = np.random.RandomState(0).permutation(min(8000, len(words)))
    plain = [i for i in common if words[i] not in vader][:2500]
    valence = np.r_[[float(vader[words[i]]) for i in known], np.zeros(len(plain))]
    weight = np.r_[np.ones(len(known)), np.full(len(plain), 0.5)]
    regression = SVR(C=3, gamma=1.0, epsilon=0.2).fit(vectors[known + plain], valence, sample_weight=weight)
    inferred = regression.predict(vectors)
    cluster = MiniBatchKMeans(CLUSTERS, random_state=0, n_init=3, batch_size=4096).fit(vectors).labels_
    with open(out_path, "w") as out:
        for i in sorted(range(len(words)), key=words.__getitem__):
            out.write(f"{words[i]}\t{round(inferred[i] * 10)}\t{cluster[i]}\n")


main()
