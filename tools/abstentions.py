"""Counts on how many texts the topic head rightly abstains, and on how many it should not have.

    python3 tools/abstentions.py --binary wiredesk --other-languages other-languages.jsonl.gz \\
        --news english.jsonl.gz data/topic/*.jsonl

Rightly: the texts of tests/data that are no news or in another language, and as many of --other-languages (rows with
`dataset` and `lang`, of each in turn, in the order of their hashes) as make them a thousand. Not: the dev rows of --news,
without those whose licence keeps their set out of the training. Needs no package; --model names another bundle than the
one in the binary.
"""

import argparse
import collections
import gzip
import hashlib
import json
import os
import pathlib
import subprocess
import tempfile

DATA = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data"
TEXTS = 1000


def read(path):
    opened = gzip.open(path, "rt", encoding="utf-8") if str(path).endswith(".gz") else open(path, encoding="utf-8")
    with opened as lines:
        yield from map(json.loads, lines)


def text(row):
    return f"{row.get('title') or ''}\n{row.get('text') or ''}"


def in_turn(rows):
    """One of each data set and language after the other."""
    sets = collections.defaultdict(list)
    for row in rows:
        sets[f"{row['dataset']} {row['lang']}"].append(row)
    for kept in sets.values():
        kept.sort(key=lambda row: hashlib.sha256(text(row).encode()).digest())
    for i in range(max(map(len, sets.values()), default=0)):
        yield from ((name, kept[i]) for name, kept in sorted(sets.items()) if i < len(kept))


def not_for_us(other_languages):
    texts = [(f"no news: {row['kind']}", row) for row in read(DATA / "out_of_domain.jsonl")]
    texts += [(f"foreign: {row['lang']}", row) for row in read(DATA / "foreign.jsonl")]
    more = in_turn(read(other_languages)) if other_languages else ()
    return (texts + list(more))[:TEXTS]


def reasons(binary, model, texts):
    """Why the topic head abstains on each text; None where it answers."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "texts.jsonl")
        with open(path, "w", encoding="utf-8") as out:
            for _, row in texts:
                out.write(json.dumps({"title": row.get("title") or "", "text": row.get("text") or ""}) + "\n")
        command = [binary, "classify", "--top-k", "1", *(["--model", model] if model else []), path]
        answers = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [json.loads(line)["topic"].get("abstained") for line in answers.splitlines()]


def report(what, names, found):
    print(f"{what}: {sum(map(bool, found))} of {len(found)} abstain; {dict(collections.Counter(filter(None, found)))}")
    total, answered = collections.Counter(names), collections.Counter(n for n, why in zip(names, found) if not why)
    for name, n in answered.most_common():
        print(f"  {name}: {n} of {total[name]} answered ({n / total[name]:.3f})")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="wiredesk")
    parser.add_argument("--model", metavar="DIR")
    parser.add_argument("--other-languages", metavar="FILE")
    parser.add_argument("--news", nargs="*", default=[], metavar="FILE")
    parser.add_argument("--exclude-licence", nargs="*", default=["non-commercial", "CC BY-NC"], metavar="PREFIX")
    options = parser.parse_args()

    texts = not_for_us(options.other_languages)
    report("no news or another language", [name for name, _ in texts], reasons(options.binary, options.model, texts))
    dev = (row for path in options.news for row in read(path) if row.get("split") == "dev" and row.get("topic"))
    kinds = {True: "news of sets that are not trained on", False: "news of sets that are trained on"}
    parts = collections.defaultdict(list)
    for row in dev:
        excluded = any((row.get("licence") or "").startswith(prefix) for prefix in options.exclude_licence)
        parts[excluded].append((row.get("dataset") or "", row))
    for excluded, rows in sorted(parts.items()):
        report(kinds[excluded], [name for name, _ in rows], reasons(options.binary, options.model, rows))


if __name__ == "__main__":
    main()
