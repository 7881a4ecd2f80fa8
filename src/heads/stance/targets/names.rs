//! Names as they are, their acronyms, and the members of a group.

use super::{Search, lists};
use crate::heads::stance::words::{Gap, Words, key};
use lists::kind::GROUP;

impl Search<'_> {
    /// `cased`: one of the words has a capital; `upper`: it has no other letters.
    pub(super) fn phrase(&mut self, keys: &[u64], cased: bool, upper: bool) {
        let (words, n) = (self.words, keys.len());
        let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return };
        let before = self.found.len();
        let matches = |at: &usize| words.matches(*at, keys) && (!upper || words.is_upper(*at));
        let range = |at: usize| (at, at + n);
        if !cased {
            self.found.extend(words.places(*first).filter(matches).map(range));
            return;
        }
        self.found.extend(words.capital_places(*first).filter(matches).map(range));
        if n > 1 {
            // "al-Sadr"
            let ends = words.capital_places(*last).filter_map(|end| (end + 1).checked_sub(n));
            self.found.extend(ends.filter(|at| !words.is_capital(*at)).filter(matches).map(range));
            if let Some(found) = self.found.get_mut(before..) {
                found.sort_unstable();
            }
        }
    }

    /// "World Health Organization (WHO)", and the way back.
    pub(super) fn acronym(&mut self, name: &str, own: Words<'_>, begin: usize, end: usize) {
        let words = self.words;
        if end - begin >= 2 {
            let candidate = |&(_, stop): &(usize, usize)| {
                let upper = stop < words.len() && words.is_upper(stop) && words.chars(stop) >= 2;
                let key = words.key(stop).filter(|_| upper && words.gap(stop - 1) == Gap::Apart)?;
                initials(own, begin, end).contains(&key).then_some(key)
            };
            if let Some(short) = self.found.iter().filter_map(candidate).next_back() {
                self.phrase(&[short], true, true);
            }
        } else if let Some(short) = own.key(begin).filter(|_| own.is_upper(begin)) {
            let len = own.chars(begin);
            if !(2..=6).contains(&len) {
                return;
            }
            if let Some((from, to)) = self.spelled_out(short, len) {
                self.phrase(words.keys(from, to), true, false);
            }
            // U.N. for UN
            let letters: Vec<u64> = name.chars().filter(char::is_ascii_uppercase).map(letter_key).collect();
            let n = letters.len();
            for at in letters.first().filter(|_| n > 1).into_iter().flat_map(|first| words.places(*first)) {
                if (at..at + n - 1).all(|i| words.is_dotted(i)) && words.matches(at, &letters) {
                    self.found.push((at, at + n));
                }
            }
        }
    }

    /// The capitalised words before "(ABC)" whose initials are A, B and C.
    fn spelled_out(&self, short: u64, len: usize) -> Option<(usize, usize)> {
        let words = self.words;
        for at in words.capital_places(short) {
            if at == 0 || !words.is_upper(at) || words.gap(at - 1) != Gap::Apart {
                continue;
            }
            for n in len..=len + 3 {
                let Some(from) = at.checked_sub(n) else { break };
                let joined = (from..at - 1).all(|i| words.gap(i) == Gap::Joined);
                if joined && words.is_capital(from) && initials(words, from, at).contains(&short) {
                    return Some((from, at));
                }
            }
        }
        None
    }

    /// "Alawite community" and "Alawites" are one.
    pub(super) fn group(&mut self, own: Words<'_>, begin: usize, end: usize) {
        let words = self.words;
        let Some(first) = own.key(begin).filter(|_| own.is_capital(begin) && !own.is_upper(begin)) else { return };
        let is_group = end - begin == 2 && own.key(begin + 1).is_some_and(|k| lists::kinds(k) & GROUP != 0);
        let singular = own.singular(begin).filter(|_| end - begin == 1 && own.chars(begin) > 4);
        let Some(stem) = is_group.then_some(first).or(singular) else { return };
        for at in words.capitals().iter().map(|at| *at as usize) {
            let followed = || {
                let next = words.key(at + 1).is_some_and(|k| lists::kinds(k) & GROUP != 0);
                next && words.gap(at) == Gap::Joined
            };
            if words.key(at) == Some(stem) && followed() {
                self.found.push((at, at + 2));
            } else if is_group && words.singular(at) == Some(first) {
                self.found.push((at, at + 1));
            }
        }
    }
}

/// Keys of the acronyms that a phrase may have.
fn initials(words: Words<'_>, begin: usize, end: usize) -> [u64; 2] {
    let all: String = (begin..end).map(|i| words.letter(i)).collect();
    let capitals: String = (begin..end).filter(|&i| words.is_capital(i)).map(|i| words.letter(i)).collect();
    [key(&all), key(&capitals)]
}

/// Key of a letter that stands alone.
fn letter_key(letter: char) -> u64 {
    key(letter.encode_utf8(&mut [0; 4]))
}
