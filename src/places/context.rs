//! What stands around a name: the cues from which the region head learns
//! whether it is a place there, or a person, a paper, a club.

use super::{buckets::Buckets, entry::flag, gazetteer::Gazetteer};
use crate::text::{Document, Token, hash_word};
use std::collections::HashMap;

/// One thing that may be said of a mention. The order is part of the model format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Cue {
    /// Stands in the title.
    Title,
    /// After a capitalised word that is neither a place nor the start of a sentence.
    AfterCapital,
    /// After a given name.
    AfterGiven,
    /// After "Mr", "Senator", "Miss".
    AfterPersonTitle,
    /// After "in", "at", "near".
    AfterIn,
    /// After "from", "to", "of", "across".
    AfterOf,
    /// Before a capitalised word.
    BeforeCapital,
    /// Before "Times", "Post", "Herald".
    BeforeOutlet,
    /// Before "Airlines", "Bank", "University".
    BeforeOrganisation,
    /// Before "United", "City", "Rovers".
    BeforeClub,
    /// Before "Street", "Avenue", "Bridge".
    BeforeStreet,
    /// Before "Agreement", "Convention", "Accords".
    BeforeTreaty,
    /// Before a verb of speech.
    BeforeSaid,
    /// Before "'s".
    Possessive,
    /// Before or after a comma and another place.
    CommaPlace,
    /// Begins the text, before a dash or an agency's name.
    Dateline,
    /// Written in capitals.
    Capitals,
    /// First word of a sentence.
    SentenceStart,
    /// The name is also a common word.
    Word,
    /// The name is also that of persons.
    Person,
    /// The name is also a given name.
    Given,
    /// The same name follows a given name elsewhere in the article.
    PersonElsewhere,
    /// The name has several candidates.
    Ambiguous,
    /// Of several words.
    LongName,
    /// Touches another place without a comma: "Paris Hilton".
    TouchesPlace,
    /// In quotation marks by itself, or after a hyphen.
    Odd,
    /// After a capitalised word that begins the sentence and is no known given name.
    AfterStart,
    /// Before a family name.
    BeforeSurname,
    /// Before a thing that bears the name of a place: "cheese", "terrier".
    BeforeThing,
    /// Joined to another place by "and", or in a list of places.
    AndPlace,
}

/// The cues of one mention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Context(u32);

impl Context {
    /// How many cues there are.
    pub const CUES: usize = Cue::AndPlace as usize + 1;

    /// Whether the cue holds.
    #[inline]
    #[must_use]
    pub fn has(self, cue: Cue) -> bool {
        self.0 >> cue as u32 & 1 != 0
    }

    /// Whether the word behind makes it a name of something else: a paper, a club, a street.
    #[must_use]
    pub fn names_something(self) -> bool {
        const CUES: u32 = 1 << Cue::BeforeOutlet as u32
            | 1 << Cue::BeforeOrganisation as u32
            | 1 << Cue::BeforeClub as u32
            | 1 << Cue::BeforeStreet as u32
            | 1 << Cue::BeforeTreaty as u32
            | 1 << Cue::BeforeThing as u32
            | 1 << Cue::AfterPersonTitle as u32;
        self.0 & CUES != 0
    }

    /// Adds a cue.
    #[inline]
    pub(super) fn set(&mut self, cue: Cue, holds: bool) {
        self.0 |= u32::from(holds) << cue as u32;
    }

    /// A bit for each cue that holds.
    #[inline]
    pub(crate) fn bits(self) -> u32 {
        self.0
    }
}

/// The bit of a cue in [`Context`].
#[inline(always)]
pub(super) const fn bit(cue: Cue) -> u32 {
    1 << cue as u32
}

/// Words that tell what the name beside them is. One class a line.
const BEFORE: [(Cue, &str); 4] = [
    (
        Cue::AfterPersonTitle,
        "mr mrs ms miss dr sir lord lady dame prof professor judge justice sheriff officer sen senator rep gov governor \
         mayor capt captain sgt coach detective deputy pastor rev reverend actor actress singer coach striker midfielder \
         defender goalkeeper quarterback author comedian prince princess king queen",
    ),
    (Cue::AfterIn, "in at near inside outside around throughout within into"),
    (Cue::AfterOf, "from to of across against between over with via through toward towards leaving visiting"),
    (
        Cue::Word,
        "the a an and or for by as is was has on but that new north south east west northern southern eastern \
                 western central president minister premier prime former late old greater downtown mainland",
    ),
];

const BEHIND: [(Cue, &str); 7] = [
    (
        Cue::BeforeOutlet,
        "times post herald tribune journal gazette chronicle mirror star telegraph observer globe daily news mail express \
         standard examiner inquirer register courier guardian sun review magazine television tv radio dispatch press \
         bulletin monitor independent",
    ),
    (
        Cue::BeforeOrganisation,
        "airlines airways air bank university college institute school hospital motors group company corp inc ltd plc \
         foundation museum orchestra philharmonic symphony ballet opera library studios records holdings capital",
    ),
    (
        Cue::BeforeClub,
        "united city fc cf rovers athletic wanderers albion villa hotspur rangers celtic town county dynamo lions giants \
         bulls eagles bears blue red white maple sox yankees mets dodgers lakers celtics patriots cowboys chiefs packers raiders broncos \
         knicks nets cubs braves phillies marlins heat spurs warriors rockets thunder jazz kings suns open marathon",
    ),
    (
        Cue::BeforeStreet,
        "street st avenue ave road rd lane boulevard blvd drive square bridge hotel park hill plaza way",
    ),
    (
        Cue::BeforeTreaty,
        "agreement accord accords convention conventions protocol treaty pact declaration summit conference syndrome \
         variant principles rules consensus memorandum",
    ),
    (
        Cue::BeforeThing,
        "cheese sauce mustard horn horns hat hats cigar cigars pastry pastries nut nuts sprouts fries toast muffin \
         muffins pancake pancakes dressing sausage sausages mule mules bread butter coffee tea whisky whiskey terrier \
         terriers shepherd shepherds spaniel bulldog poodle hound cat cats rabbit pony lace rug rugs carpet porcelain \
         tweed roulette doll dolls waltz tango wool linen leather vase marble candle candles dinner dinners sandwich \
         sandwiches meat breast farms prices pigs pig fowl ham salami pepper peppers delight bath baths",
    ),
    (Cue::BeforeSaid, "said says told added tweeted scored joked laughed smiled plays played starred sang replied"),
];

/// What words tell of a name beside them: a bit for each cue that they are before it or behind it, if they are written as
/// it takes. A person's given name and family name are [`Cue::AfterGiven`] and [`Cue::BeforeSurname`].
pub(super) fn neighbours(persons: HashMap<u64, u32>) -> Buckets {
    let mut marks = persons;
    for (cue, words) in BEFORE.iter().chain(&BEHIND) {
        for word in words.split_whitespace() {
            let old = marks.entry(hash_word(word.as_bytes())).or_insert(0);
            // Of two classes on one side the first counts.
            let side = if CLASS_BEFORE & bit(*cue) != 0 { CLASS_BEFORE } else { CLASS_BEHIND };
            *old |= if *old & side == 0 { bit(*cue) } else { 0 };
        }
    }
    let mut table = Buckets::with_room(marks.len());
    marks.into_iter().for_each(|(hash, marks)| table.change(hash, |_| marks));
    table
}

/// The bits of the cues of [`BEFORE`] and of [`BEHIND`].
const CLASS_BEFORE: u32 = cues(&BEFORE);
const CLASS_BEHIND: u32 = cues(&BEHIND);

const fn cues(lines: &[(Cue, &str)]) -> u32 {
    let (mut bits, mut i) = (0, 0);
    while i < lines.len() {
        bits |= bit(lines[i].0);
        i += 1;
    }
    bits
}

/// Looks at the words around the tokens `first..last`, which are an entry with `flags`. What is likely, a blank between
/// two words, is told with few branches: none of them can be foreseen.
pub(super) fn look(gazetteer: &Gazetteer, document: &Document, first: usize, last: usize, flags: u16) -> Context {
    let tokens = document.tokens();
    let mut context = Context::default();
    context.set(Cue::Title, first < document.title_tokens());
    context.set(Cue::Word, flags & flag::WORD != 0);
    context.set(Cue::Person, flags & flag::PERSON != 0);
    context.set(Cue::Given, flags & flag::GIVEN != 0);
    context.set(Cue::LongName, last - first > 1);
    let Some((head, tail)) = tokens.get(first).zip(tokens.get(last.wrapping_sub(1))) else { return context };
    let surface = document.text().as_bytes().get(head.begin as usize..tail.end as usize).unwrap_or(&[]);
    context.set(Cue::Capitals, surface.len() > 3 && !surface.iter().any(u8::is_ascii_lowercase));
    let before = first.checked_sub(1).and_then(|i| tokens.get(i));
    match before {
        Some(before) if is_spaced(document, before, head) => {
            look_before(gazetteer, document, &mut context, first, before);
        }
        _ => look_before_marks(gazetteer, document, &mut context, first, before, head),
    }
    if let Some(behind) = tokens.get(last) {
        look_behind(gazetteer, document, &mut context, tail, behind);
    }
    context
}

/// The word before a name, nothing but a blank between them.
#[inline(always)]
fn look_before(gazetteer: &Gazetteer, document: &Document, context: &mut Context, first: usize, before: &Token) {
    let marks = gazetteer.neighbour(before.hash);
    let class = marks & CLASS_BEFORE;
    let upper = begins_upper(document, before);
    let given = upper & (marks & bit(Cue::AfterGiven) != 0);
    let other = upper & (class == 0) & !given;
    let earlier = first.checked_sub(2).and_then(|i| document.tokens().get(i));
    let spaced = earlier.is_some_and(|earlier| is_spaced(document, earlier, before));
    let starts = other & !spaced && (earlier.is_none() || holds_end(gap(document, earlier, Some(before))));
    context.0 |= class & !bit(Cue::Word);
    context.set(Cue::AfterGiven, given);
    context.set(Cue::AfterCapital, other & !starts);
    context.set(Cue::AfterStart, other & starts);
}

/// What stands before a name that begins the text or a sentence, or is not parted from the word before by a blank.
#[inline(never)]
fn look_before_marks(
    gazetteer: &Gazetteer,
    document: &Document,
    context: &mut Context,
    first: usize,
    before: Option<&Token>,
    head: &Token,
) {
    let gap = gap(document, before, Some(head));
    context.set(Cue::SentenceStart, before.is_none() || holds_end(gap));
    context.set(Cue::Odd, matches!(gap, b"-" | RIGHT_QUOTE | b"'" | b"@" | b" @" | b" #"));
    match before {
        Some(before) if gap == b". " => context.0 |= gazetteer.neighbour(before.hash) & CLASS_BEFORE & !bit(Cue::Word),
        Some(before) if gap == NO_BREAK_BLANK => look_before(gazetteer, document, context, first, before),
        _ => {}
    }
}

/// The word behind a name. Most of it counts only if nothing but a blank stands between them.
#[inline(always)]
fn look_behind(gazetteer: &Gazetteer, document: &Document, context: &mut Context, tail: &Token, behind: &Token) {
    let mark = document.text().as_bytes().get(tail.end as usize).copied().unwrap_or(0);
    let next = behind.begin == tail.end + 1;
    let (mut spaced, mut apostrophe) = (next & (mark == b' '), next & (mark == b'\''));
    if !mark.is_ascii() {
        let gap = gap(document, Some(tail), Some(behind));
        (spaced, apostrophe) = (gap == NO_BREAK_BLANK, gap == RIGHT_QUOTE);
    }
    let upper = begins_upper(document, behind);
    let all = |holds: bool| 0_u32.wrapping_sub(u32::from(holds));
    let marks = gazetteer.neighbour(behind.hash) & all(spaced);
    let class = marks & CLASS_BEHIND & (all(upper) | bit(Cue::BeforeSaid) | bit(Cue::BeforeThing));
    let other = spaced & upper & (class == 0);
    let surname = other & (marks & bit(Cue::BeforeSurname) != 0);
    context.0 |= class;
    context.set(Cue::BeforeSurname, surname);
    context.set(Cue::BeforeCapital, other & !surname);
    let s = (document.initial(behind) == b's') & (behind.end - behind.begin == 1);
    context.set(Cue::Possessive, apostrophe & s);
}

/// The right single quotation mark, which is also the apostrophe.
pub(super) const RIGHT_QUOTE: &[u8] = "\u{2019}".as_bytes();
/// The blank at which no line breaks.
pub(super) const NO_BREAK_BLANK: &[u8] = "\u{a0}".as_bytes();

/// The bytes between two tokens.
#[inline(always)]
pub(super) fn gap<'a>(document: &'a Document, left: Option<&Token>, right: Option<&Token>) -> &'a [u8] {
    let bytes = document.text().as_bytes();
    left.zip(right).and_then(|(l, r)| bytes.get(l.end as usize..r.begin as usize)).unwrap_or(&[])
}

/// Whether nothing but one blank stands between two words.
#[inline(always)]
pub(super) fn is_spaced(document: &Document, left: &Token, right: &Token) -> bool {
    let behind = document.text().as_bytes().get(left.end as usize).copied().unwrap_or(0);
    (right.begin == left.end + 1) & (behind == b' ')
}

#[inline(never)]
fn holds_end(gap: &[u8]) -> bool {
    let quote = |mark: &[u8]| gap.windows(mark.len()).any(|part| part == mark);
    gap.iter().any(|byte| b".!?\n:\"".contains(byte))
        || !gap.is_ascii() && (quote("\u{201c}".as_bytes()) || quote("\u{2018}".as_bytes()))
}

#[inline(always)]
fn begins_upper(document: &Document, word: &Token) -> bool {
    let initial = document.initial(word);
    // In this order, for almost all are letters of ASCII.
    if initial.is_ascii() { initial.is_ascii_uppercase() } else { starts_upper(document.surface(word)) }
}

pub(super) fn starts_upper(word: &str) -> bool {
    word.chars().next().is_some_and(char::is_uppercase)
}
