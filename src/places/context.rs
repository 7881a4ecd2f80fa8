//! What stands around a name: the cues from which the region head learns
//! whether it is a place there, or a person, a paper, a club.

use super::{entry::flag, gazetteer::Gazetteer};
use crate::text::{Document, Token, hash_word};
use std::sync::OnceLock;

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

/// Words with their classes: open addressing by hash, so that a look costs one load. Small, to stay in the nearest
/// cache; the key is other bits of the hash than the place.
struct Classes([Option<(u32, Cue)>; Self::PLACES]);

impl Classes {
    const PLACES: usize = 512;

    fn of(lines: &[(Cue, &str)]) -> Self {
        let mut table = [None; Self::PLACES];
        for (cue, words) in lines {
            for hash in words.split_whitespace().map(|w| hash_word(w.as_bytes())) {
                let free = (0..Self::PLACES).map(|step| (hash as usize + step) % Self::PLACES);
                if let Some(place) = free.into_iter().find(|at| table[*at].is_none()) {
                    table[place] = Some(((hash >> 32) as u32, *cue));
                }
            }
        }
        Self(table)
    }

    #[inline]
    fn get(&self, hash: u64) -> Option<Cue> {
        let mut at = hash as usize % Self::PLACES;
        while let Some((key, cue)) = self.0[at] {
            if key == (hash >> 32) as u32 {
                return Some(cue);
            }
            at = (at + 1) % Self::PLACES;
        }
        None
    }
}

fn class_before(hash: u64) -> Option<Cue> {
    static TABLE: OnceLock<Classes> = OnceLock::new();
    TABLE.get_or_init(|| Classes::of(&BEFORE)).get(hash)
}

fn class_behind(hash: u64) -> Option<Cue> {
    static TABLE: OnceLock<Classes> = OnceLock::new();
    TABLE.get_or_init(|| Classes::of(&BEHIND)).get(hash)
}

/// Looks at the words around the tokens `first..last`, which are an entry with `flags`.
pub(super) fn look(gazetteer: &Gazetteer, document: &Document, first: usize, last: usize, flags: u16) -> Context {
    let tokens = document.tokens();
    let mut context = Context::default();
    context.set(Cue::Title, first < document.title_tokens());
    context.set(Cue::Word, flags & flag::WORD != 0);
    context.set(Cue::Person, flags & flag::PERSON != 0);
    context.set(Cue::Given, flags & flag::GIVEN != 0);
    context.set(Cue::LongName, last - first > 1);
    let Some((head, tail)) = tokens.get(first).zip(tokens.get(last.wrapping_sub(1))) else { return context };
    let surface = document.text().get(head.begin as usize..tail.end as usize).unwrap_or("");
    context.set(Cue::Capitals, surface.len() > 3 && !surface.bytes().any(|b| b.is_ascii_lowercase()));
    let before = first.checked_sub(1).and_then(|i| tokens.get(i));
    look_before(gazetteer, document, &mut context, first, before, head);
    let behind = tokens.get(last);
    look_behind(gazetteer, document, &mut context, tail, behind);
    context
}

fn look_before(
    gazetteer: &Gazetteer,
    document: &Document,
    context: &mut Context,
    first: usize,
    before: Option<&Token>,
    head: &Token,
) {
    let gap = gap(document, before, Some(head));
    context.set(Cue::SentenceStart, before.is_none() || ends_sentence(gap));
    context.set(Cue::Odd, matches!(gap, b"-" | RIGHT_QUOTE | b"'" | b"@" | b" @" | b" #"));
    let Some(before) = before.filter(|_| is_blank(gap) || gap == b". ") else { return };
    let class = class_before(before.hash);
    if let Some(cue) = class.filter(|c| *c != Cue::Word) {
        context.set(cue, true);
    }
    if gap == b". " || !starts_upper(document.surface(before)) {
        return;
    }
    let given = gazetteer.is_given_name(before.hash);
    context.set(Cue::AfterGiven, given);
    let earlier = first.checked_sub(2).and_then(|i| document.tokens().get(i));
    let starts = earlier.is_none() || ends_sentence(self::gap(document, earlier, Some(before)));
    context.set(Cue::AfterCapital, class.is_none() && !starts && !given);
    context.set(Cue::AfterStart, class.is_none() && starts && !given);
}

fn look_behind(
    gazetteer: &Gazetteer,
    document: &Document,
    context: &mut Context,
    tail: &Token,
    behind: Option<&Token>,
) {
    let gap = gap(document, Some(tail), behind);
    let Some(behind) = behind else { return };
    let word = document.surface(behind);
    context.set(Cue::Possessive, word == "s" && matches!(gap, b"'" | RIGHT_QUOTE));
    if !is_blank(gap) {
        return;
    }
    let upper = starts_upper(word);
    let class = class_behind(behind.hash).filter(|c| upper || matches!(c, Cue::BeforeSaid | Cue::BeforeThing));
    if let Some(cue) = class {
        context.set(cue, true);
    }
    let surname = upper && class.is_none() && gazetteer.is_surname(behind.hash);
    context.set(Cue::BeforeSurname, surname);
    context.set(Cue::BeforeCapital, upper && class.is_none() && !surname);
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

#[inline(always)]
pub(super) fn is_blank(gap: &[u8]) -> bool {
    matches!(gap, b" " | NO_BREAK_BLANK)
}

#[inline(always)]
fn ends_sentence(gap: &[u8]) -> bool {
    // Almost all gaps are one blank.
    gap != b" " && holds_end(gap)
}

fn holds_end(gap: &[u8]) -> bool {
    let quote = |mark: &[u8]| gap.windows(mark.len()).any(|part| part == mark);
    gap.iter().any(|byte| b".!?\n:\"".contains(byte))
        || !gap.is_ascii() && (quote("\u{201c}".as_bytes()) || quote("\u{2018}".as_bytes()))
}

pub(super) fn starts_upper(word: &str) -> bool {
    word.chars().next().is_some_and(char::is_uppercase)
}
