"""Writes data/walkthrough/*.csv: 600 short articles of an invented harbour town, for docs/TRAINING.md and its test.

All sentences were written for this file; places, people and clubs are invented. The same seed gives the same bytes.
"""

import csv
import random
from pathlib import Path

NAMES = ["Mara Oduya", "Tomas Brill", "Ines Kallas", "Pieter Voss", "Lena Achterberg", "Joao Reis", "Anika Sund", "Farid Noor"]
STREETS = ["Ropewalk", "Tanner Street", "North Quay", "Lantern Hill", "Mill Lane", "Saltmarsh Road"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

# Shared by all desks: what no label can be told from.
ANY = [
    "{name} said on {day} that there would be more to report next week.",
    "People on {street} had been waiting for the news since {day}.",
    "The announcement came on {day} and took many by surprise.",
    "{name}, who lives on {street}, called it overdue.",
    "Not everybody agrees, and a second meeting is planned for {day}.",
]

DESKS = {
    "harbour": {
        "titles": ["{ship} docks after {n} days at sea", "Dredging of the north basin begins", "Trawlers land {n} tonnes of herring",
                   "New crane lifts its first containers", "Pilot boat tows {ship} off the sandbank"],
        "sentences": [
            "The freighter {ship} moored at berth {n} with a cargo of timber and grain.",
            "Trawlers landed {n} tonnes of herring and the auction ran past noon.",
            "Dockers unloaded {n} containers before the tide turned.",
            "The harbour master closed the north basin while a dredger clears the silt.",
            "A pilot boat brought the tanker {ship} through the channel in thick fog.",
            "Ferry sailings to the islands are halved while the slipway is rebuilt.",
            "The shipyard laid the keel of a research vessel and will launch it in spring.",
        ],
    },
    "council": {
        "titles": ["Council votes {n} to {m} for the budget", "Mayor defends parking charges", "Planning committee turns down the tower",
                   "Residents petition against the bypass", "By-election called in the Lantern ward"],
        "sentences": [
            "Councillors voted {n} to {m} for a budget that freezes the property tax.",
            "The mayor defended higher parking charges before a full public gallery.",
            "The planning committee turned down the proposed tower on {street}.",
            "A petition with {n} hundred signatures asks the council to drop the bypass.",
            "The opposition wants an audit of the town hall's consultancy contracts.",
            "A by-election will fill the seat that {name} gave up.",
            "The ordinance on street stalls was sent back to the committee.",
        ],
    },
    "schools": {
        "titles": ["Pupils build a telescope", "Exam results best in {n} years", "Primary school gets a new library",
                   "Teachers ask for smaller classes", "School meals to cost less"],
        "sentences": [
            "Pupils of the grammar school built a telescope with their physics teacher.",
            "Exam results were the best in {n} years, the head teacher told parents.",
            "The primary school on {street} opened a library with {n} hundred books.",
            "Teachers ask for classes of no more than {m} children.",
            "The kindergarten will take {m} more toddlers after the holidays.",
            "Apprentices and students share the new college canteen.",
            "Lessons begin half an hour later in the winter term.",
        ],
    },
    "football": {
        "titles": ["Rovers win {m}-1 at home", "Late penalty sinks Harbour United", "Striker out for {n} weeks",
                   "Cup draw sends Rovers inland", "Goalkeeper signs until next summer"],
        "sentences": [
            "Rovers won {m}-1 with two goals in the second half.",
            "A late penalty sent Harbour United home without a point.",
            "Striker {name} will miss {n} weeks with a torn muscle.",
            "The goalkeeper saved twice from close range before the break.",
            "The coach changed the whole midfield for the cup tie.",
            "Supporters sang through the rain until the referee blew the final whistle.",
            "The club is fourth in the league with {m} matches to play.",
        ],
    },
    "weather": {
        "titles": ["Gale warning for the coast", "Frost expected on {day} night", "Hottest day for {n} years",
                   "Fog to clear by noon", "Rain and more rain until {day}"],
        "sentences": [
            "Gusts of {n} kilometres an hour are expected along the coast on {day}.",
            "Temperatures will fall below freezing and roads may be icy at dawn.",
            "Forecasters expect {m} millimetres of rain before the front moves east.",
            "Fog will lift by noon and give way to sunny spells.",
            "A thunderstorm with hail passed over the valley on {day}.",
            "The heatwave breaks on {day}, with cooler air from the north.",
            "Snow showers are possible on the hills above {m} hundred metres.",
        ],
    },
    "courts": {
        "titles": ["Man jailed for {m} years", "Jury clears former treasurer", "Police arrest two after break-in",
                   "Judge adjourns fraud trial", "Witness heard in arson case"],
        "sentences": [
            "The district court jailed a man for {m} years for robbery.",
            "The jury cleared a former treasurer of embezzlement.",
            "Police arrested two suspects after a break-in on {street}.",
            "The judge adjourned the fraud trial because a witness was ill.",
            "The prosecutor asked for a suspended sentence and a fine.",
            "Detectives are looking for the driver who fled the scene.",
            "The defence will appeal against the verdict.",
        ],
    },
}
SHIPS = ["Maren Hope", "Aster", "Cape Linnet", "Old Felicity", "Nordbris"]


def fill(text, rng):
    return text.format(name=rng.choice(NAMES), street=rng.choice(STREETS), day=rng.choice(DAYS), ship=rng.choice(SHIPS),
                       n=rng.randint(6, 95), m=rng.randint(2, 9))


def article(number, desk, rng):
    own = rng.sample(DESKS[desk]["sentences"], rng.choice([1, 1, 2, 3]))
    # Stories touch other desks' matters, as stories do.
    other = rng.choice([d for d in DESKS if d != desk])
    own += rng.sample(DESKS[other]["sentences"], rng.choice([0, 0, 1]))
    sentences = own + rng.sample(ANY, rng.randint(0, 2))
    rng.shuffle(sentences)
    return {
        "id": f"town-{number:03}",
        "title": fill(rng.choice(DESKS[desk]["titles"]), rng) if rng.random() < 0.6 else "",
        "text": " ".join(fill(s, rng) for s in sentences),
        "lang": "en",
        "published": f"2026-{3 + number // 100:02}-{1 + number % 28:02}",
        "source": rng.choice(["Harbour Gazette", "Town Radio", "Evening Post"]),
        # Nobody files without a slip: one in fifty.
        "topic": other if rng.random() < 0.02 else desk,
        "split": "dev" if number % 5 == 4 else "train",
        "licence": "Apache-2.0",
    }


def main():
    rng = random.Random(7)
    folder = Path(__file__).parent.parent / "data" / "walkthrough"
    rows, seen = [], set()
    while len(rows) < 600:
        desk = list(DESKS)[len(rows) % len(DESKS)]
        row = article(len(rows), desk, rng)
        words = (row["title"] + row["text"]).lower()
        if words not in seen:
            seen.add(words)
            rows.append(row)
    for name, part in [("spring.csv", rows[:120]), ("summer.csv", rows[120:])]:
        with open(folder / name, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(part)


main()
