//! Where an article mentions a target: by its name, surname, alias or acronym,
//! as a state's government under any of its words, by a pronoun where no other
//! person can be meant.

use super::{
    lexicon::{flag, lexicon},
    nations::{self, Form},
    words::{Gap, Words, key},
};
use crate::{
    article::Target,
    text::{Document, Sentence},
};
use std::{collections::HashSet, sync::OnceLock};

/// A mention: a range of words and the bytes that they cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mention {
    /// First byte in the document's text.
    pub(super) begin: usize,
    /// One past the last byte.
    pub(super) end: usize,
}

struct Lists {
    government: HashSet<u64>,
    /// Bodies that may stand for the government without the state's name beside them.
    bare: HashSet<u64>,
    forces: HashSet<u64>,
    group: HashSet<u64>,
    organisation: HashSet<u64>,
    particles: HashSet<u64>,
    suffixes: HashSet<u64>,
    resolved: HashSet<u64>,
    country: HashSet<u64>,
}

fn set(words: &str) -> HashSet<u64> {
    words.split_whitespace().map(key).collect()
}

fn lists() -> &'static Lists {
    static LISTS: OnceLock<Lists> = OnceLock::new();
    LISTS.get_or_init(|| Lists {
        government: set("government governments authorities regime administration state leadership leaders rulers cabinet officials"),
        bare: set("government authorities regime"),
        forces: set("forces troops army military police soldiers"),
        group: set("community communities minority people population civilians brothers residents families villages refugees group groups sect"),
        organisation: set(
            "of and the party ministry department council committee bank university company corp inc ltd group union court agency \
             association organization organisation nations states house senate congress times post news league army front movement \
             police commission fund institute community minority government authorities regime foundation center centre church team \
             club force forces guard service office board society network airlines motors international national federal brothers \
             administration campaign people observatory watch rights human press street journal tower city river county",
        ),
        particles: set("al el bin ibn van von de der den la le da di du dos abu ben ter ten bint"),
        suffixes: set("jr sr ii iii iv"),
        resolved: set("the its their this that"),
        country: set("country nation"),
    })
}

/// Every mention of `target`, in the order of the text, none within another.
pub(super) fn find(document: &Document, sentences: &[Sentence], words: &Words, target: &Target) -> Vec<Mention> {
    let mut mentions: Vec<Mention> = Vec::new();
    if target.mentions.is_empty() {
        let mut search = Search { words, sentences, found: Vec::new(), person: false };
        for name in std::iter::once(&target.name).chain(&target.aliases) {
            search.name(name);
        }
        search.pronouns();
        let byte = |at: usize, end: bool| words.get(at).map_or(0, |w| if end { w.end } else { w.begin }) as usize;
        mentions.extend(search.found.iter().map(|&(b, e)| Mention { begin: byte(b, false), end: byte(e - 1, true) }));
    } else {
        mentions.extend(target.mentions.iter().filter_map(|span| {
            let (begin, end) = document.normalized(*span);
            (begin < end).then_some(Mention { begin, end })
        }));
    }
    mentions.sort_by_key(|m| (m.begin, std::cmp::Reverse(m.end)));
    mentions.dedup_by(|next, kept| next.begin < kept.end);
    mentions
}

struct Search<'a> {
    words: &'a Words,
    sentences: &'a [Sentence],
    /// Ranges of words.
    found: Vec<(usize, usize)>,
    /// Some name looks like a person's.
    person: bool,
}

impl Search<'_> {
    fn name(&mut self, name: &str) {
        let own = Words::of_name(name);
        let (begin, end) = core(&own);
        if begin >= end {
            return;
        }
        // A name that is given in lower case is looked for in any case.
        let cased = own.iter().any(|w| w.capital);
        let single_upper = end - begin == 1 && own.get(begin).is_some_and(|w| w.upper && w.len > 1);
        let whole = own.keys(begin, end);
        // A state by itself is found through its table, where "South Sudan" is not Sudan.
        if nations::at(&own, begin).is_none_or(|(_, _, n)| begin + n < end) {
            self.phrase(&whole, cased, single_upper && own.get(begin).is_some_and(|w| w.len <= 4));
        }
        let untitled = (begin..end).find(|&i| !is_title(&own, i)).unwrap_or(begin);
        if untitled > begin && untitled < end && own.get(untitled).is_some_and(|w| w.capital) {
            let rest = own.keys(untitled, end);
            self.phrase(&rest, cased, false);
        }
        let untitled = if own.get(untitled).is_some_and(|w| w.capital) { untitled } else { begin };
        self.acronym(name, &own, begin, end);
        match nations::at(&own, begin) {
            Some((nation, form, n)) => self.nation(&own, (begin + n, end), nation, form),
            None if cased => {
                self.group(&own, begin, end);
                self.surname(&own, untitled, end);
            }
            None => {}
        }
    }

    fn phrase(&mut self, keys: &[u64], cased: bool, upper: bool) {
        let Some(first) = keys.first() else { return };
        for at in 0..self.words.len() {
            let Some(word) = self.words.get(at).filter(|w| w.key == *first) else { continue };
            if !self.words.matches(at, keys) || (upper && !word.upper) {
                continue;
            }
            let last = self.words.get(at + keys.len() - 1);
            if !cased || word.capital || (keys.len() > 1 && last.is_some_and(|w| w.capital)) {
                self.found.push((at, at + keys.len()));
            }
        }
    }

    /// "World Health Organization (WHO)", and the way back.
    fn acronym(&mut self, name: &str, own: &Words, begin: usize, end: usize) {
        if end - begin >= 2 {
            let full: Vec<(usize, usize)> = self.found.clone();
            let initials = initials(own, begin, end);
            let mut short = None;
            for (_, stop) in full {
                if let Some(word) = self.words.get(stop).filter(|w| w.upper && w.len >= 2)
                    && self.words.gap(stop - 1) == Gap::Apart
                    && initials.contains(&word.key)
                {
                    short = Some(word.key);
                }
            }
            if let Some(short) = short {
                self.phrase(&[short], true, true);
            }
        } else if let Some(word) = own.get(begin).filter(|w| w.upper && (2..=6).contains(&w.len)) {
            if let Some(long) = self.spelled_out(word.key, word.len as usize) {
                self.phrase(&long, true, false);
            }
            // U.N. for UN
            let letters: Vec<u64> = name.chars().filter(char::is_ascii_uppercase).map(letter_key).collect();
            for at in 0..self.words.len() {
                let n = letters.len();
                if n > 1 && self.words.matches(at, &letters) && (at..at + n - 1).all(|i| self.words.dotted(i)) {
                    self.found.push((at, at + n));
                }
            }
        }
    }

    /// The capitalised words before "(ABC)" whose initials are A, B and C.
    fn spelled_out(&self, short: u64, len: usize) -> Option<Vec<u64>> {
        for at in 1..self.words.len() {
            let word = self.words.get(at)?;
            if word.key != short || !word.upper || self.words.gap(at - 1) != Gap::Apart {
                continue;
            }
            for n in len..=len + 3 {
                let Some(from) = at.checked_sub(n) else { break };
                let joined = (from..at - 1).all(|i| self.words.gap(i) == Gap::Joined);
                let capital = self.words.get(from).is_some_and(|w| w.capital);
                if joined && capital && initials(self.words, from, at).contains(&short) {
                    return Some(self.words.keys(from, at));
                }
            }
        }
        None
    }

    /// "Alawite community" and "Alawites" are one.
    fn group(&mut self, own: &Words, begin: usize, end: usize) {
        let Some(first) = own.get(begin).filter(|w| w.capital && !w.upper) else { return };
        let is_group = end - begin == 2 && own.get(begin + 1).is_some_and(|w| lists().group.contains(&w.key));
        let plural = end - begin == 1 && first.len > 4;
        for at in 0..self.words.len() {
            let Some(word) = self.words.get(at).filter(|w| w.capital) else { continue };
            let followed = self.words.gap(at) == Gap::Joined
                && self.words.get(at + 1).is_some_and(|w| lists().group.contains(&w.key));
            let same = is_group && word.key == first.key;
            let stem = plural && own.singular(begin).is_some_and(|s| s == word.key);
            if followed && (same || stem) {
                self.found.push((at, at + 2));
            } else if is_group && self.words.singular(at) == Some(first.key) {
                self.found.push((at, at + 1));
            }
        }
    }

    /// A person's surname, unless the text has given it to somebody else.
    fn surname(&mut self, own: &Words, begin: usize, end: usize) {
        let end = if own.get(end - 1).is_some_and(|w| lists().suffixes.contains(&w.key)) { end - 1 } else { end };
        let org = (begin..end).any(|i| own.get(i).is_some_and(|w| lists().organisation.contains(&w.key)));
        let shaped = (begin..end).all(|i| {
            own.get(i).is_some_and(|w| w.capital && !(w.upper && w.len > 1) || lists().particles.contains(&w.key))
        });
        if org || !shaped || end <= begin || end - begin > 5 {
            return;
        }
        let mut from = end - 1;
        while from > begin && own.get(from - 1).is_some_and(|w| lists().particles.contains(&w.key)) {
            from -= 1;
        }
        self.person = true;
        if from == begin {
            return;
        }
        let surname = own.keys(from, end);
        let Some(last) = surname.last().copied() else { return };
        let forenames = own.keys(begin, from);
        let full: HashSet<usize> = self.found.iter().map(|f| f.1 - 1).collect();
        let mut ours = true;
        for at in 0..self.words.len() {
            let Some(word) = self.words.get(at).filter(|w| w.key == last && w.capital) else { continue };
            if full.contains(&at) {
                ours = true;
                continue;
            }
            let start = (at + 1).checked_sub(surname.len()).filter(|&s| self.words.matches(s, &surname)).unwrap_or(at);
            // "the Clinton Foundation" is not Clinton.
            let part_of_other = self.words.gap(at) == Gap::Joined
                && self
                    .words
                    .get(at + 1)
                    .is_some_and(|w| w.capital && w.begin == word.end + 1 && lists().organisation.contains(&w.key));
            if part_of_other {
                continue;
            }
            let before = start.checked_sub(1).filter(|&b| self.words.gap(b) == Gap::Joined);
            let forename = before.and_then(|b| self.words.get(b)).filter(|w| w.capital && w.sentence == word.sentence);
            match forename {
                Some(name) if forenames.contains(&name.key) => ours = true,
                Some(_) if before.is_some_and(|b| is_title(self.words, b) || is_common(self.words, b)) => {}
                Some(_) => {
                    ours = false;
                    continue;
                }
                None => {}
            }
            if ours {
                self.found.push((start, at + 1));
            }
        }
    }

    /// A state, one of its bodies, or its people.
    fn nation(&mut self, own: &Words, rest: (usize, usize), nation: usize, form: Form) {
        let mut rest = rest;
        // "Syria's government"
        if own.get(rest.0).is_some_and(|w| w.len == 1 && w.letter == 's') {
            rest.0 += 1;
        }
        let last = (rest.0 < rest.1).then(|| own.get(rest.1 - 1)).flatten().map(|w| w.key);
        let body = last.map(|last| (lists().government.contains(&last), lists().forces.contains(&last), last));
        for at in 0..self.words.len() {
            match body {
                None => self.state(at, nation, form),
                Some((true, _, _)) => self.body(at, nation, true),
                Some((_, true, _)) => self.body(at, nation, false),
                Some((_, _, last)) if lists().group.contains(&last) => self.people(at, nation),
                Some(_) => {
                    let keys = own.keys(rest.0, rest.1);
                    self.part(at, nation, &keys);
                }
            }
        }
    }

    /// "Syria", "Syrian government"; or "Syrians", "the Syrian people".
    fn state(&mut self, at: usize, nation: usize, asked: Form) {
        let Some((which, form, n)) = nations::at(self.words, at) else { return };
        // "South Sudan" is not Sudan.
        let inside = at > 0 && nations::at(self.words, at - 1).is_some_and(|(_, _, m)| m > 1);
        if which != nation || inside {
            return;
        }
        match (asked, form) {
            (Form::People, _) => self.people(at, nation),
            (Form::Name, Form::Name) => self.found.push((at, at + n)),
            (Form::Name, Form::Adjective) => {
                let noun = self.words.get(at + n).filter(|_| self.words.gap(at + n - 1) == Gap::Joined);
                if noun.is_some_and(|w| lists().government.contains(&w.key)) {
                    self.found.push((at, at + n + 1));
                }
            }
            (Form::Adjective, Form::Adjective) => self.found.push((at, at + n)),
            _ => {}
        }
    }

    fn people(&mut self, at: usize, nation: usize) {
        let Some((which, form, n)) = nations::at(self.words, at) else { return };
        if which != nation {
            return;
        }
        let noun = self.words.get(at + n).filter(|_| self.words.gap(at + n - 1) == Gap::Joined);
        if form == Form::People {
            self.found.push((at, at + n));
        } else if form == Form::Adjective && noun.is_some_and(|w| lists().group.contains(&w.key)) {
            self.found.push((at, at + n + 1));
        }
    }

    /// "Iraqi foreign ministry", "Iraq's foreign ministry".
    fn part(&mut self, at: usize, nation: usize, rest: &[u64]) {
        let Some((which, form, n)) = nations::at(self.words, at) else { return };
        if which != nation || form == Form::People {
            return;
        }
        let clitic = self.words.get(at + n).is_some_and(|w| w.len == 1 && w.letter == 's');
        let from = at + n + usize::from(clitic);
        if self.words.matches(from, rest) {
            self.found.push((at, from + rest.len()));
        }
    }

    /// A word for a government (or for its forces), with the state named beside it or certain from before.
    fn body(&mut self, at: usize, nation: usize, government: bool) {
        let Some(head) = self.words.get(at) else { return };
        let lists = lists();
        let is_government = lists.government.contains(&head.key);
        let is_force = lists.forces.contains(&head.key);
        if !(is_force || (government && is_government)) {
            return;
        }
        let mut begin = at;
        let mut steps = 0;
        while let Some(before) = begin.checked_sub(1) {
            let (Some(word), gap) = (self.words.get(before), self.words.gap(before)) else { break };
            if gap == Gap::Apart || word.sentence != head.sentence || steps > 4 {
                break;
            }
            if word.len == 1 && word.letter == 's' && gap != Gap::Apart {
                self.owned(before, begin, at, nation);
                return;
            }
            if let Some((which, form, n)) = nations::at(self.words, before) {
                let n_begin = before;
                if which == nation && form != Form::People && n == 1 {
                    self.found.push((n_begin, at + 1));
                }
                return;
            }
            // The second word of "Saudi Arabian", "South Korean".
            if before > 0
                && let Some((which, _, 2)) = nations::at(self.words, before - 1)
            {
                if which == nation {
                    self.found.push((before - 1, at + 1));
                }
                return;
            }
            if lists.resolved.contains(&word.key) {
                break;
            }
            let entry = lexicon().get(word.key);
            // Another's: "Obama administration"; or no modifier at all.
            if word.capital {
                return;
            }
            if entry.is(flag::STOP) || entry.verb > 0 {
                break;
            }
            begin = before;
            steps += 1;
        }
        // "government of Syria"
        if self.words.get(at + 1).is_some_and(|w| w.key == key("of"))
            && let Some((which, _, n)) = self.named_after(at + 2)
        {
            if which == nation {
                self.found.push((begin, at + 2 + n));
            }
            return;
        }
        let security = begin < at && self.words.get(at - 1).is_some_and(|w| w.key == key("security"));
        if (lists.bare.contains(&head.key) || security && is_force) && self.certain(at, nation) {
            self.found.push((if security { at - 1 } else { begin.max(at.saturating_sub(2)) }, at + 1));
        }
    }

    fn named_after(&self, at: usize) -> Option<(usize, Form, usize)> {
        let at = if self.words.get(at).is_some_and(|w| w.key == key("the")) { at + 1 } else { at };
        nations::at(self.words, at)
    }

    /// "Syria's new government", "the country's government".
    fn owned(&mut self, clitic: usize, begin: usize, at: usize, nation: usize) {
        let Some(owner) = clitic.checked_sub(1) else { return };
        let named = (1..=3usize).find_map(|n| {
            let from = (owner + 1).checked_sub(n)?;
            nations::at(self.words, from).filter(|found| found.2 == n).map(|(which, _, _)| (which, from))
        });
        match named {
            Some((which, from)) if which == nation => self.found.push((from, at + 1)),
            Some(_) => {}
            None => {
                let country = self.words.get(owner).is_some_and(|w| lists().country.contains(&w.key));
                if country && self.certain(at, nation) {
                    self.found.push((begin, at + 1));
                }
            }
        }
    }

    /// Whether `nation` is the only state named in this sentence up to `at`, or else in the one before.
    fn certain(&self, at: usize, nation: usize) -> bool {
        let Some(here) = self.words.get(at).map(|w| w.sentence) else { return false };
        let mut seen = false;
        let mut last = here;
        for i in (0..at).rev() {
            let Some(word) = self.words.get(i) else { break };
            if word.sentence + 2 < here || (seen && word.sentence < last) {
                break;
            }
            if let Some((which, _, _)) = nations::at(self.words, i) {
                if which != nation {
                    return false;
                }
                seen = true;
                last = word.sentence;
            }
        }
        seen
    }

    /// "He" at the head of a sentence whose predecessor speaks of one person only, the target, as its subject.
    fn pronouns(&mut self) {
        if !self.person {
            return;
        }
        let pronouns = [key("he"), key("she")];
        let mut subject = false;
        for sentence in self.sentences {
            let from = sentence.first_token;
            let pronoun = subject && self.words.get(from).is_some_and(|w| pronouns.contains(&w.key));
            if pronoun {
                self.found.push((from, from + 1));
            }
            subject = self.is_subject(sentence, pronoun);
        }
    }

    fn is_subject(&self, sentence: &Sentence, pronoun: bool) -> bool {
        let inside = |f: &&(usize, usize)| f.0 >= sentence.first_token && f.1 <= sentence.last_token;
        let first = self.found.iter().filter(inside).min();
        let others = persons(self.words, sentence.first_token, sentence.last_token)
            .into_iter()
            .any(|(b, e)| !self.found.iter().any(|f| f.0 < e && b < f.1));
        if others {
            return false;
        }
        if pronoun {
            return true;
        }
        let Some(&(begin, end)) = first else { return false };
        let entry = |i: usize| self.words.get(i).map(|w| lexicon().get(w.key)).unwrap_or_default();
        let governed = begin > sentence.first_token && entry(begin - 1).is(flag::PREPOSITION);
        let verb = self.words.get(end).is_some_and(|w| !w.capital) && self.words.gap(end - 1) == Gap::Joined;
        verb && !governed && !entry(end).is(flag::PREPOSITION)
    }
}

/// Runs of two or more capitalised words that may be a person's name.
fn persons(words: &Words, from: usize, to: usize) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut i = from;
    while i < to {
        let start = i;
        while i < to && words.get(i).is_some_and(|w| w.capital || i > start && lists().particles.contains(&w.key)) {
            i += 1;
            if words.gap(i - 1) != Gap::Joined {
                break;
            }
        }
        if i == start {
            i += 1;
            continue;
        }
        let org = (start..i).any(|k| words.get(k).is_some_and(|w| lists().organisation.contains(&w.key)));
        if i - start >= 2 && !org && (start..i).all(|k| nations::at(words, k).is_none()) {
            runs.push((start, i));
        }
    }
    runs
}

/// Without "the" in front and a possessive ending behind.
fn core(own: &Words) -> (usize, usize) {
    let begin = usize::from(own.len() > 1 && own.get(0).is_some_and(|w| w.key == key("the")));
    let mut end = own.len();
    if end > begin + 1 && own.get(end - 1).is_some_and(|w| w.len == 1 && w.letter == 's' && !w.capital) {
        end -= 1;
    }
    (begin, end)
}

fn is_title(words: &Words, at: usize) -> bool {
    words.get(at).is_some_and(|w| lexicon().get(w.key).is(flag::TITLE))
}

/// A capitalised word that is no forename: "But Assad", "Syrian Assad".
fn is_common(words: &Words, at: usize) -> bool {
    words.get(at).is_some_and(|w| w.initial && lexicon().get(w.key).flags != 0) || nations::at(words, at).is_some()
}

/// Keys of the acronyms that a phrase may have.
fn initials(words: &Words, begin: usize, end: usize) -> Vec<u64> {
    let mut all = String::new();
    let mut capitals = String::new();
    for i in begin..end {
        if let Some(word) = words.get(i) {
            all.push(word.letter);
            if word.capital {
                capitals.push(word.letter);
            }
        }
    }
    vec![key(&all), key(&capitals)]
}

/// Key of a letter that stands alone.
fn letter_key(letter: char) -> u64 {
    key(letter.encode_utf8(&mut [0; 4]))
}
