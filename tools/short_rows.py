"""Many short labelled rows, for training in passes: python3 tools/short_rows.py ROWS > rows.jsonl

Each row has 12 to 24 words: of its topic's 400 words, of 20,000 common ones, and now and then a new one, drawn by
frequency as words are (Zipf). The same number of rows is always the same file.
"""

import json
import random
import sys

TOPICS = [f"medtop:{n:02}000000" for n in range(1, 18)]


def main() -> None:
    draw = random.Random(7)
    rows = int(sys.argv[1])
    out = []
    for i in range(rows):
        topic = draw.randrange(len(TOPICS))
        words = []
        for _ in range(draw.randint(12, 24)):
            lot = draw.random()
            if lot < 0.25:
                words.append(f"t{topic}x{int(400 * draw.random() ** 3)}")
            elif lot < 0.98:
                words.append(f"w{int(20_000 * draw.random() ** 4)}")
            else:
                words.append(f"n{draw.randrange(10**9)}")
        out.append(json.dumps({"id": str(i), "text": " ".join(words), "topic": TOPICS[topic]}))
        if len(out) == 10_000:
            print("\n".join(out))
            out.clear()
    if out:
        print("\n".join(out))


if __name__ == "__main__":
    main()
