//! Where an article mentions a target: by its name, surname, alias or acronym,
//! as a state's government under any of its words, by a pronoun where no other
//! person can be meant.

mod lists;
mod names;
mod persons;
mod states;

use super::{
    lexicon::{flag, lexicon},
    words::{Marks, Words},
};
use crate::{
    article::Target,
    text::{Document, hash_word},
};

/// A mention: a range of the document's bytes.
pub(super) type Mention = (usize, usize);

/// Reused buffers of [`find`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Finder {
    name: Document,
    marks: Marks,
    found: Vec<(usize, usize)>,
    mentions: Vec<Mention>,
}

impl Finder {
    /// Every mention of `target`, in the order of the text, none within another.
    pub(super) fn find(&mut self, words: Words<'_>, target: &Target) -> &[Mention] {
        self.mentions.clear();
        if target.mentions.is_empty() {
            let mut found = std::mem::take(&mut self.found);
            found.clear();
            let mut search = Search { words, found, person: false };
            for name in std::iter::once(&target.name).chain(&target.aliases) {
                self.name.read("", name);
                search.name(name, Words::new(&self.name, &[], &mut self.marks));
            }
            search.found.sort_unstable();
            search.pronouns();
            self.found = search.found;
            let word = |at: usize| words.get(at).map_or((0, 0), |w| (w.begin as usize, w.end as usize));
            let title_len = words.document().title_len();
            let found = self.found.iter().map(|&(b, e)| (word(b).0, word(e - 1).1));
            // The last words of the title and the first of the text are no name together.
            self.mentions.extend(found.filter(|&(begin, end)| begin >= title_len || end <= title_len));
        } else {
            let given = target.mentions.iter().map(|span| words.document().normalized(*span));
            self.mentions.extend(given.filter(|(begin, end)| begin < end));
        }
        self.mentions.sort_by_key(|m| (m.0, std::cmp::Reverse(m.1)));
        self.mentions.dedup_by(|next, kept| next.0 < kept.1);
        &self.mentions
    }
}

struct Search<'a> {
    words: Words<'a>,
    /// Ranges of words.
    found: Vec<(usize, usize)>,
    /// Some name looks like a person's.
    person: bool,
}

impl Search<'_> {
    fn name(&mut self, name: &str, own: Words<'_>) {
        let (begin, end) = core(own);
        if begin >= end {
            return;
        }
        // A name that is given in lower case is looked for in any case.
        let cased = !own.capitals().is_empty();
        let short = end - begin == 1 && own.is_upper(begin) && (2..=4).contains(&own.chars(begin));
        // A state by itself is found through its table, where "South Sudan" is not Sudan.
        let nation = own.nation(begin);
        if nation.is_none_or(|found| begin + found.n < end) {
            self.phrase(own.keys(begin, end), cased, short);
        }
        let untitled = (begin..end).find(|&i| !is_title(own, i)).unwrap_or(begin);
        let untitled = if own.is_capital(untitled) { untitled } else { begin };
        if untitled > begin {
            self.phrase(own.keys(untitled, end), cased, false);
        }
        self.acronym(name, own, begin, end);
        match nation {
            Some(nation) => self.nation(own, (begin + nation.n, end), nation),
            None if cased => {
                self.group(own, begin, end);
                self.surname(own, untitled, end);
            }
            None => {}
        }
    }
}

/// Without "the" in front and a possessive ending behind.
fn core(own: Words<'_>) -> (usize, usize) {
    let begin = usize::from(own.len() > 1 && word_is(own, 0, "the"));
    let clitic = own.len() > begin + 1 && own.is_clitic(own.len() - 1);
    (begin, own.len() - usize::from(clitic))
}

fn is_title(words: Words<'_>, at: usize) -> bool {
    words.key(at).is_some_and(|k| lexicon().get(k).is(flag::TITLE))
}

fn word_is(words: Words<'_>, at: usize, word: &str) -> bool {
    words.key(at).is_some_and(|k| k == hash_word(word.as_bytes()))
}
