//! Surnames, and pronouns whose person is certain.

use super::{
    Search, is_title,
    lists::{self, kind},
};
use crate::{
    heads::stance::{
        lexicon::{flag, lexicon},
        words::{Gap, Words},
    },
    text::Sentence,
};

impl Search<'_> {
    /// A person's surname, unless the text has given it to somebody else.
    pub(super) fn surname(&mut self, own: Words<'_>, begin: usize, end: usize) {
        let words = self.words;
        let is = |words: Words<'_>, at: usize, kind: u16| words.key(at).is_some_and(|k| lists::kinds(k) & kind != 0);
        let end = if is(own, end - 1, kind::SUFFIX) { end - 1 } else { end };
        let organisation = (begin..end).any(|i| is(own, i, kind::ORGANISATION));
        let named = |i: usize| own.is_capital(i) && !(own.chars(i) > 1 && own.is_upper(i));
        let shaped = (begin..end).all(|i| named(i) || is(own, i, kind::PARTICLE));
        if organisation || !shaped || end <= begin || end - begin > 5 {
            return;
        }
        let mut from = end - 1;
        while from > begin && is(own, from - 1, kind::PARTICLE) {
            from -= 1;
        }
        self.person = true;
        if from == begin {
            return;
        }
        let (forenames, surname) = (own.keys(begin, from), own.keys(from, end));
        let Some(last) = surname.last().copied() else { return };
        let mut full: Vec<usize> = self.found.iter().map(|f| f.1 - 1).collect();
        full.sort_unstable();
        let mut ours = true;
        for at in words.capital_places(last) {
            if full.binary_search(&at).is_ok() {
                ours = true;
                continue;
            }
            let start = (at + 1).checked_sub(surname.len()).filter(|&s| words.matches(s, surname)).unwrap_or(at);
            // "the Clinton Foundation" is not Clinton.
            let adjoins = words.get(at).zip(words.get(at + 1)).is_some_and(|(w, n)| n.begin == w.end + 1);
            if adjoins
                && words.is_capital(at + 1)
                && is(words, at + 1, kind::ORGANISATION)
                && words.gap(at) == Gap::Joined
            {
                continue;
            }
            let before = start.checked_sub(1).filter(|&b| {
                words.is_capital(b) && words.gap(b) == Gap::Joined && words.sentence(b) == words.sentence(at)
            });
            match before {
                Some(b) if words.key(b).is_some_and(|k| forenames.contains(&k)) => ours = true,
                Some(b) if is_title(words, b) || is_common(words, b) => {}
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

    /// "He" at the head of a sentence whose predecessor speaks of one person only, the target, as its subject.
    /// Needs `found` sorted.
    pub(super) fn pronouns(&mut self) {
        if !self.person || self.found.is_empty() {
            return;
        }
        let is_pronoun =
            |s: &Sentence| self.words.key(s.first_token).is_some_and(|k| lists::kinds(k) & kind::PRONOUN != 0);
        let mut certain = Vec::new();
        // Whether the sentence before was opened by a pronoun that means the target.
        let mut carried = false;
        for pair in self.words.sentences().windows(2) {
            let [before, sentence] = pair else { continue };
            carried = is_pronoun(sentence) && self.is_subject(before, carried);
            if carried {
                certain.push((sentence.first_token, sentence.first_token + 1));
            }
        }
        self.found.extend(certain);
    }

    fn is_subject(&self, sentence: &Sentence, pronoun: bool) -> bool {
        let from = self.found.partition_point(|f| f.0 < sentence.first_token);
        let to = self.found.partition_point(|f| f.0 < sentence.last_token);
        let inside = self.found.get(from..to).unwrap_or(&[]);
        if persons(self.words, sentence).any(|(b, e)| !inside.iter().any(|f| f.0 < e && b < f.1)) {
            return false;
        }
        if pronoun {
            return true;
        }
        let Some(&(begin, end)) = inside.iter().find(|f| f.1 <= sentence.last_token) else { return false };
        let entry = |i: usize| self.words.key(i).map(|k| lexicon().get(k)).unwrap_or_default();
        let governed = begin > sentence.first_token && entry(begin - 1).is(flag::PREPOSITION);
        let verb = end < self.words.len() && !self.words.is_capital(end) && self.words.gap(end - 1) == Gap::Joined;
        verb && !governed && !entry(end).is(flag::PREPOSITION)
    }
}

/// Runs of two or more capitalised words that may be a person's name.
fn persons<'a>(words: Words<'a>, sentence: &'a Sentence) -> impl Iterator<Item = (usize, usize)> + 'a {
    let kinds = move |i: usize| words.key(i).map_or(0, lists::kinds);
    let mut i = sentence.first_token;
    std::iter::from_fn(move || {
        while i < sentence.last_token {
            let start = i;
            while i < sentence.last_token && (words.is_capital(i) || i > start && kinds(i) & kind::PARTICLE != 0) {
                i += 1;
                if words.gap(i - 1) != Gap::Joined {
                    break;
                }
            }
            if i == start {
                i += 1;
            }
            let person =
                i - start >= 2 && (start..i).all(|k| kinds(k) & kind::ORGANISATION == 0 && words.nation(k).is_none());
            if person {
                return Some((start, i));
            }
        }
        None
    })
}

/// A capitalised word that is no forename: "But Assad", "Syrian Assad".
fn is_common(words: Words<'_>, at: usize) -> bool {
    let initial = words.is_initial(at) && words.key(at).is_some_and(|k| lexicon().get(k).flags != 0);
    initial || words.nation(at).is_some()
}
