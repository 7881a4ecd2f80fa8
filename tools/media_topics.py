"""Makes the files of IPTC Media Topics in `data/`, from the vocabulary as the IPTC publishes it (CC BY 4.0).

    python3 tools/media_topics.py --concepts iptc-mediatopics.tsv --names iptc-names-multilingual.json --out data

CONCEPTS: tab-separated, a header line, with the columns code, parent, level, name_en, definition_en and retired. NAMES: a JSON
object {code: {language: name}}. Written: `iptc-mediatopics.json` (level 1), `iptc-mediatopics-2.json` (level 2), and
`iptc-mediatopics-tree.tsv`, which topic is broader than which, at all levels and of retired ones too.
"""

import argparse
import csv
import json
import pathlib

VERSION = "version 2023-10-24"
# The IPTC's tags, where they are no BCP 47 tags or say more than is needed; English is the name itself.
TAGS = {"dk": "da", "se": "sv", "no-NB": "nb", "no-NN": "nn", "en-GB": None, "en-US": None}


def label(row, names):
    other = {TAGS.get(tag, tag): name for tag, name in names.get(row["code"], {}).items()}
    other.pop(None, None)
    found = {"id": row["code"], "name": row["name_en"], "definition": row["definition_en"], "names": dict(sorted(other.items()))}
    return found | ({"broader": row["parent"]} if row["parent"] else {})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--concepts", required=True)
    parser.add_argument("--names", required=True)
    parser.add_argument("--out", default="data")
    options = parser.parse_args()
    with open(options.concepts, encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    names = json.loads(pathlib.Path(options.names).read_text(encoding="utf-8"))
    out = pathlib.Path(options.out)
    for level, suffix, what in (("1", "", "top level"), ("2", "-2", "second level")):
        labels = sorted((label(row, names) for row in rows if row["level"] == level and not row["retired"]), key=lambda l: l["id"])
        source = f"IPTC Media Topics NewsCodes, {VERSION}, {what}; (c) IPTC, CC BY 4.0"
        text = json.dumps({"source": source, "labels": labels}, ensure_ascii=False, indent=1)
        (out / f"iptc-mediatopics{suffix}.json").write_text(text + "\n", encoding="utf-8")
    tree = sorted((row["code"], row["parent"]) for row in rows if row["parent"])
    (out / "iptc-mediatopics-tree.tsv").write_text("".join(f"{code}\t{parent}\n" for code, parent in tree), encoding="utf-8")


if __name__ == "__main__":
    main()
