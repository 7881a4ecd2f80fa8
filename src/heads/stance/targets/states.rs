//! A state, its government and forces under any of their words, its people.

use super::{
    Search,
    lists::{self, kind},
    word_is,
};
use crate::heads::stance::{
    lexicon::{flag, lexicon},
    nations::{Form, Nation},
    words::{Gap, Words},
};

/// States named before a word that are looked at for the one it means.
const LOOK_BACK: usize = 64;

impl Search<'_> {
    fn is(&self, at: usize, kind: u16) -> bool {
        self.words.key(at).is_some_and(|k| lists::kinds(k) & kind != 0)
    }

    /// `rest`: the words of the name behind the state's.
    pub(super) fn nation(&mut self, own: Words<'_>, rest: (usize, usize), nation: Nation) {
        let words = self.words;
        // "Syria's government"
        let begin = rest.0 + usize::from(own.is_clitic(rest.0));
        let rest = own.keys(begin, rest.1);
        let bodies = match rest.last().map(|k| lists::kinds(*k)) {
            Some(kinds) if kinds & kind::GOVERNMENT != 0 => kind::GOVERNMENT | kind::FORCES,
            Some(kinds) if kinds & kind::FORCES != 0 => kind::FORCES,
            kinds => {
                let group = kinds.is_some_and(|k| k & kind::GROUP != 0);
                for (i, found) in words.nations().iter().enumerate() {
                    if found.state != nation.state {
                        continue;
                    }
                    match kinds {
                        None => self.state(i, *found, nation.form),
                        Some(_) if group => self.people(*found),
                        Some(_) => self.part(*found, rest),
                    }
                }
                return;
            }
        };
        for at in 0..words.len() {
            if self.is(at, bodies) {
                self.body(at, nation.state);
            }
        }
    }

    /// "Syria", "Syrian government"; or "Syrians", "the Syrian people". `index`: of `found` among the states named.
    fn state(&mut self, index: usize, found: Nation, asked: Form) {
        // "South Sudan" is not Sudan.
        let before = index.checked_sub(1).and_then(|i| self.words.nations().get(i));
        if before.is_some_and(|b| b.at + 1 == found.at && b.n > 1) {
            return;
        }
        let end = found.at + found.n;
        match (asked, found.form) {
            (Form::People, _) => self.people(found),
            (Form::Name, Form::Name) | (Form::Adjective, Form::Adjective) => self.found.push((found.at, end)),
            (Form::Name, Form::Adjective)
                if self.is(end, kind::GOVERNMENT) && self.words.gap(end - 1) == Gap::Joined =>
            {
                self.found.push((found.at, end + 1));
            }
            _ => {}
        }
    }

    fn people(&mut self, Nation { at, n, form, .. }: Nation) {
        let noun = self.is(at + n, kind::GROUP) && self.words.gap(at + n - 1) == Gap::Joined;
        match form {
            Form::People => self.found.push((at, at + n)),
            Form::Adjective if noun => self.found.push((at, at + n + 1)),
            _ => {}
        }
    }

    /// "Iraqi foreign ministry", "Iraq's foreign ministry".
    fn part(&mut self, Nation { at, n, form, .. }: Nation, rest: &[u64]) {
        let clitic = self.words.is_clitic(at + n);
        let from = at + n + usize::from(clitic);
        if form != Form::People && self.words.matches(from, rest) {
            self.found.push((at, from + rest.len()));
        }
    }

    /// A word for a government or its forces at `at`, with the state named beside it or certain from before.
    fn body(&mut self, at: usize, state: usize) {
        let words = self.words;
        let mut begin = at;
        let first = words.sentences().get(words.sentence(at)).map_or(0, |s| s.first_token);
        for _ in 0..5 {
            let Some(before) = begin.checked_sub(1).filter(|b| *b >= first) else { break };
            let gap = words.gap(before);
            if gap == Gap::Apart {
                break;
            }
            if words.is_clitic(before) {
                self.owned(before, begin, at, state);
                return;
            }
            if let Some(found) = words.nation(before) {
                if found.state == state && found.form != Form::People && found.n == 1 {
                    self.found.push((before, at + 1));
                }
                return;
            }
            // The second word of "Saudi Arabian", "South Korean".
            if let Some(found) = before.checked_sub(1).and_then(|b| words.nation(b)).filter(|f| f.n == 2) {
                if found.state == state {
                    self.found.push((found.at, at + 1));
                }
                return;
            }
            if self.is(before, kind::RESOLVED) {
                break;
            }
            // Another's: "Obama administration"; or no modifier at all.
            if words.is_capital(before) {
                return;
            }
            let entry = words.key(before).map(|k| lexicon().get(k)).unwrap_or_default();
            if entry.is(flag::STOP) || entry.verb > 0 {
                break;
            }
            begin = before;
        }
        // "government of Syria"
        if let Some(found) = self.named_after(at + 1) {
            if found.state == state {
                self.found.push((begin, found.at + found.n));
            }
            return;
        }
        let security = begin < at && word_is(words, at - 1, "security") && self.is(at, kind::FORCES);
        if (self.is(at, kind::BARE) || security) && self.is_certain(at, state) {
            self.found.push((if security { at - 1 } else { begin.max(at.saturating_sub(2)) }, at + 1));
        }
    }

    /// The state in "of Syria", "of the Syrian ..." at `at`.
    fn named_after(&self, at: usize) -> Option<Nation> {
        if !word_is(self.words, at, "of") {
            return None;
        }
        let article = usize::from(word_is(self.words, at + 1, "the"));
        self.words.nation(at + 1 + article)
    }

    /// "Syria's new government", "the country's government".
    fn owned(&mut self, clitic: usize, begin: usize, at: usize, state: usize) {
        let Some(owner) = clitic.checked_sub(1) else { return };
        let named = (1..=3usize).find_map(|n| {
            let from = clitic.checked_sub(n)?;
            self.words.nation(from).filter(|found| found.n == n)
        });
        match named {
            Some(found) if found.state == state => self.found.push((found.at, at + 1)),
            Some(_) => {}
            None if self.is(owner, kind::COUNTRY) && self.is_certain(at, state) => self.found.push((begin, at + 1)),
            None => {}
        }
    }

    /// Whether `state` is the only one named in this sentence up to `at`, or else in the one or two before.
    fn is_certain(&self, at: usize, state: usize) -> bool {
        let words = self.words;
        let here = words.sentence(at);
        let nations = words.nations();
        let end = nations.partition_point(|n| n.at < at);
        let mut last = None;
        for found in nations.get(end.saturating_sub(LOOK_BACK)..end).unwrap_or(&[]).iter().rev() {
            let sentence = words.sentence(found.at);
            if sentence + 2 < here || last.is_some_and(|last| sentence < last) {
                break;
            }
            if found.state != state {
                return false;
            }
            last = Some(sentence);
        }
        last.is_some()
    }
}
