//! One pass over the words of a document: longest names first, with the rules
//! of case and of what may stand between the words of a name.

use super::{
    context,
    entry::{Entry, flag, language_bit},
    gazetteer::{Gazetteer, MAX_WORDS, extend},
    hit::PlaceHit,
    inflect, resolve,
    starts::{Start, Starts},
    table::Node,
};
use crate::text::{Document, Token};

/// The places of a document, in buffers that are reused: keep one a thread.
#[derive(Debug, Clone, Default)]
pub struct Places {
    hits: Vec<PlaceHit>,
    starts: Starts,
    /// Hash table of names while hits are compared.
    names: Vec<u32>,
}

impl Places {
    /// In the order of the text.
    #[must_use]
    pub fn hits(&self) -> &[PlaceHit] {
        &self.hits
    }
}

/// A name that ends before token `end`.
#[derive(Debug, Clone, Copy)]
struct Match<'a> {
    end: usize,
    index: usize,
    entry: &'a Entry,
    name: u32,
}

impl Gazetteer {
    /// The places of a document. `language` is a BCP 47 tag or "und".
    #[must_use]
    pub fn find(&self, document: &Document, language: &str) -> Places {
        let mut places = Places::default();
        self.find_into(document, language, &mut places);
        places
    }

    /// As [`find`](Self::find), into buffers that are emptied first.
    pub fn find_into(&self, document: &Document, language: &str, places: &mut Places) {
        let Places { hits, starts, names } = places;
        hits.clear();
        let language = language_bit(language);
        starts.find(self, document, language != 0);
        let mut next = 0;
        for start in starts.iter() {
            let at = start.at;
            if at < next {
                continue;
            }
            let Some(Match { end, index, entry, name }) = self.longest(document, start, language) else { continue };
            next = end;
            if entry.is_only_given() {
                continue;
            }
            let context = context::look(self, document, at, end, entry.flags);
            hits.push(PlaceHit {
                first_token: at as u32,
                last_token: end as u32,
                kind: entry.kind,
                known: entry.known,
                countries: [entry.country, None],
                desk: entry.desk,
                context,
                entry: index as u32,
                flags: entry.flags,
                many: entry.many,
                name,
                first_same: 0,
                same: 1,
            });
        }
        resolve::resolve(self, document, hits, names);
    }

    /// The longest name that begins there.
    #[inline]
    fn longest(&self, document: &Document, start: Start, language: u8) -> Option<Match<'_>> {
        let Start { at, node, pair } = start;
        let (token, next) = (document.tokens().get(at)?, document.tokens().get(at + 1));
        let upper = document.initial(token).is_ascii_uppercase() & (token.end - token.begin > 1);
        let found = |words, node: Node, hash: u64| {
            let index = node.entry()?;
            Some(Match { end: at + words, index, entry: self.entries.get(index)?, name: hash as u32 })
        };
        // Most names are of one word.
        let inflected = next.is_some_and(|next| inflect::inflects(document.initial(next)));
        if node.is_simple() & pair.is_nothing() & !inflected & upper {
            return found(1, node, token.hash);
        }
        // Most others are of two, with a blank between them.
        let spaced = next.filter(|next| context::is_spaced(document, token, next));
        if pair.is_simple() & !pair.goes_on() & upper
            && let Some(next) = spaced
        {
            return found(2, pair, extend(token.hash, 1, next.hash));
        }
        self.longest_of_several(document, start, token, language)
    }

    /// The longest name that begins there: of several words, seldom capitalised, or inflected.
    fn longest_of_several(&self, document: &Document, start: Start, token: &Token, language: u8) -> Option<Match<'_>> {
        let exact = self.walk(document, start, token.hash, false, language);
        let folded = document.folded(token);
        if exact.is_some() || !folded.first().is_some_and(|b| inflect::inflects(*b)) {
            return exact;
        }
        self.longest_inflected(document, start.at, folded, language)
    }

    #[cold]
    fn longest_inflected(&self, document: &Document, at: usize, folded: &[u8], language: u8) -> Option<Match<'_>> {
        inflect::readings(folded).find_map(|r| {
            let node = self.get(r.hash)?;
            let next = document.tokens().get(at + 1);
            let pair = next.and_then(|next| self.get(extend(r.hash, 1, next.hash))).unwrap_or_default();
            self.walk(document, Start { at, node, pair }, r.hash, r.stem, language)
        })
    }

    fn walk(&self, document: &Document, start: Start, hash: u64, stem: bool, language: u8) -> Option<Match<'_>> {
        let tokens = document.tokens();
        let Start { at, mut node, pair } = start;
        let table = self.prefixes(tokens.get(at).map_or(0, |first| document.initial(first)));
        let mut reading = inflect::Reading { hash, stem };
        let mut prefix = hash;
        let mut best = None;
        for words in 1..=MAX_WORDS {
            let end = at + words;
            if let Some((index, entry)) = node.entry().and_then(|i| Some((i, self.entries.get(i)?)))
                && reading.fits(entry)
                && allowed(document, at, end, entry, language)
            {
                best = Some(Match { end, index, entry, name: prefix as u32 });
            }
            let Some((last, next)) = tokens.get(end - 1).zip(tokens.get(end)).filter(|_| node.goes_on()) else { break };
            let longer = |word| table.node(extend(prefix, words, word));
            let exact = if words == 1 { pair } else { longer(next.hash) };
            let step_on = if exact.is_nothing() {
                let folded = document.folded(next);
                let inflected = folded.first().is_some_and(|b| inflect::inflects(*b));
                if inflected { step_inflected(folded, longer) } else { None }
            } else {
                Some((exact, next.hash, false))
            };
            // Last, for almost no word goes on with a name.
            let Some((next_node, word, stem)) = step_on.filter(|_| joins(document, last, next)) else { break };
            prefix = extend(prefix, words, word);
            node = next_node;
            reading.stem |= stem;
        }
        best
    }
}

/// The first reading of a word with which a name goes on.
#[cold]
fn step_inflected(folded: &[u8], longer: impl Fn(u64) -> Node) -> Option<(Node, u64, bool)> {
    inflect::readings(folded).map(|r| (longer(r.hash), r.hash, r.stem)).find(|(node, ..)| !node.is_nothing())
}

/// Whether two words may belong to one name, by what stands between them.
#[inline]
fn joins(document: &Document, left: &Token, right: &Token) -> bool {
    match context::gap(document, Some(left), Some(right)) {
        b" " | b"" | b"-" | b"." | b"'" | b" & " => true,
        // "St. Louis", "U. S.", but no end of a sentence.
        b". " => left.end - left.begin <= 2,
        gap => {
            let joints = ["\u{2019}", "\u{a0}", "\u{2010}", "\u{2011}", "\u{b7}"];
            !gap.is_ascii() && joints.iter().any(|joint| joint.as_bytes() == gap)
        }
    }
}

/// Language and case.
fn allowed(document: &Document, at: usize, end: usize, entry: &Entry, language: u8) -> bool {
    if entry.languages != 0 && entry.languages & language == 0 {
        return false;
    }
    let tokens = document.tokens();
    let Some((first, last)) = tokens.get(at).zip(tokens.get(end - 1)) else { return false };
    let bytes = document.text().as_bytes();
    // Almost all names.
    if entry.is_plain()
        && first.end - first.begin > 1
        && bytes.get(first.begin as usize).is_some_and(u8::is_ascii_uppercase)
    {
        return true;
    }
    allowed_seldom(document, at, end, entry, first, last)
}

/// The rules for names in small letters, abbreviations, and names of capitals only.
#[inline(never)]
fn allowed_seldom(document: &Document, at: usize, end: usize, entry: &Entry, first: &Token, last: &Token) -> bool {
    let (tokens, bytes) = (document.tokens(), document.text().as_bytes());
    let surface = document.text().get(first.begin as usize..last.end as usize).unwrap_or("");
    // The likeliest first: "In" is no Indiana.
    let small = surface.bytes().any(|b| b.is_ascii_lowercase());
    if small && entry.has(flag::UPPER) || surface.starts_with(char::is_lowercase) && !entry.has(flag::LOWER) {
        return false;
    }
    let before = at.checked_sub(1).and_then(|i| tokens.get(i));
    if entry.has(flag::ABBREVIATION) {
        let comma = context::gap(document, before, Some(first)).starts_with(b",");
        let stop = entry.has(flag::UPPER) || bytes.get(last.end as usize) == Some(&b'.');
        if !comma || !stop || !before.is_some_and(|b| context::starts_upper(document.surface(b))) {
            return false;
        }
    }
    // Names of single letters ("U.S.") and of capitals only ("US").
    let letters = (at..end).all(|i| tokens.get(i).is_some_and(|t| t.end - t.begin == 1));
    if entry.has(flag::UPPER) || letters && surface.is_ascii() {
        let shouted = |t: Option<&Token>| {
            t.map(|t| document.surface(t)).is_some_and(|w| w.len() > 3 && w.bytes().all(|b| b.is_ascii_uppercase()))
        };
        return !(small || shouted(before) && shouted(tokens.get(end)));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::places::{DEFAULT_GAZETTEER, countries::CountryId};
    use proptest::prelude::*;
    use std::sync::OnceLock;

    fn gazetteer() -> &'static Gazetteer {
        static GAZETTEER: OnceLock<Gazetteer> = OnceLock::new();
        GAZETTEER.get_or_init(|| Gazetteer::parse(DEFAULT_GAZETTEER).unwrap())
    }

    #[track_caller]
    fn check(language: &str, text: &str, expect: &[&str]) {
        let document = Document::new("", text);
        let places = gazetteer().find(&document, language);
        let got: Vec<String> = places
            .hits()
            .iter()
            .map(|h| {
                let (begin, end) = h.range(&document);
                let code = h.countries[0].map_or("-", CountryId::code);
                format!("{}={code}", &document.text()[begin..end])
            })
            .collect();
        assert_eq!(got, expect, "{text}");
    }

    #[test]
    fn longest_names_and_case() {
        check("en", "Syria's army left Papua New Guinea.", &["Syria=SY", "Papua New Guinea=PG"]);
        check("en", "The US told us that the U.S. and the UK agree.", &["US=US", "U.S.=US", "UK=GB"]);
        check("en", "The turkey was nice; the New York Times was not.", &[]);
        check(
            "en",
            "S\u{e3}o Paulo and Sao Paulo; C\u{f4}te d\u{2019}Ivoire",
            &["S\u{e3}o Paulo=BR", "Sao Paulo=BR", "C\u{f4}te d\u{2019}Ivoire=CI"],
        );
        check("en", "In sub-Saharan Africa and al-Shabab", &["sub-Saharan Africa=-", "al-Shabab=SO"]);
        check("en", "A man from Texarkana, Ark. was held.", &["Texarkana=US", "Ark=US"]);
    }

    #[test]
    fn resolves_by_context() {
        check("en", "Paris, Texas", &["Paris=US", "Texas=US"]);
        check("en", "Tbilisi in Georgia", &["Tbilisi=GE", "Georgia=GE"]);
        check("en", "Atlanta, Georgia", &["Atlanta=US", "Georgia=US"]);
        check("en", "Birmingham, Alabama", &["Birmingham=US", "Alabama=US"]);
        check("en", "Birmingham and Leeds", &["Birmingham=GB", "Leeds=GB"]);
    }

    #[test]
    fn other_languages() {
        check("fr", "L'arm\u{e9}e syrienne entre en Irak", &["syrienne=SY", "Irak=IQ"]);
        check("de", "Die syrische Regierung in Damaskus", &["syrische=SY", "Damaskus=SY"]);
        check("es", "El ej\u{e9}rcito de Siria", &["Siria=SY"]);
        check(
            "zh",
            "\u{53d9}\u{5229}\u{4e9a}\u{548c}\u{4f0a}\u{62c9}\u{514b}",
            &["\u{53d9}\u{5229}\u{4e9a}=SY", "\u{4f0a}\u{62c9}\u{514b}=IQ"],
        );
        check("ar", "الجيش السوري والعراق", &["السوري=SY", "والعراق=IQ"]);
        check("ru", "Войска Сирии и сирийского правительства в Москве", &["Сирии=SY", "сирийского=SY", "Москве=RU"]);
    }

    #[test]
    fn a_blank_at_which_no_line_breaks_is_a_blank() {
        let contexts = |text: &str| {
            let document = Document::new("", text);
            gazetteer().find(&document, "en").hits().iter().map(|hit| hit.context.bits()).collect::<Vec<_>>()
        };
        for text in ["He went to Paris University.", "Then Marie London said so.", "In Old Jordan Smith was born."] {
            let plain = contexts(text);
            assert!(plain.iter().any(|bits| *bits != 0), "{text}");
            assert_eq!(contexts(&text.replace(' ', "\u{a0}")), plain, "{text}");
        }
    }

    /// Sentences written for this test: inflected, with particles before the name, in two scripts of Chinese.
    #[test]
    fn sentences_of_seven_languages() {
        check(
            "ar",
            "وصل وزير الخارجية المصري إلى بيروت للقاء نظيره اللبناني",
            &["المصري=EG", "بيروت=LB", "اللبناني=LB"],
        );
        check("ar", "أعلنت السعودية وقف الرحلات إلى صنعاء", &["السعودية=SA", "صنعاء=YE"]);
        check(
            "fr",
            "Le président sénégalais a reçu à Dakar une délégation allemande.",
            &["sénégalais=SN", "Dakar=SN", "allemande=DE"],
        );
        check(
            "fr",
            "La Côte d'Ivoire ferme sa frontière avec le Burkina Faso.",
            &["Côte d'Ivoire=CI", "Burkina Faso=BF"],
        );
        check(
            "es",
            "La policía colombiana detuvo en Bogotá a dos ciudadanos alemanes.",
            &["colombiana=CO", "Bogotá=CO", "alemanes=DE"],
        );
        check("es", "Estados Unidos y México firmaron un acuerdo sobre el agua.", &["Estados Unidos=US", "México=MX"]);
        check(
            "de",
            "Das Erdbeben in der Türkei war bis nach Griechenland zu spüren.",
            &["Türkei=TR", "Griechenland=GR"],
        );
        check("de", "Der polnische Ministerpräsident reist nach Kiew.", &["polnische=PL", "Kiew=UA"]);
        check("ru", "Президент Франции прилетел в Пекин.", &["Франции=FR", "Пекин=CN"]);
        check("ru", "В Украине и в Польше закрыли границу.", &["Украине=UA", "Польше=PL"]);
        check("pt", "O governo angolano fechou a embaixada em Lisboa.", &["angolano=AO", "Lisboa=PT"]);
        check("pt", "A Alemanha vende comboios ao Brasil.", &["Alemanha=DE", "Brasil=BR"]);
        check("zh", "法国总统访问北京", &["法国=FR", "北京=CN"]);
        check("zh", "美國與韓國簽署協議", &["美國=US", "韓國=KR"]);
    }

    proptest! {
        #[test]
        fn any_text_gives_valid_spans(title in "(?s).{0,40}", text in "(?s)(.|Paris|, |US|Georgia |St. ){0,120}") {
            let document = Document::new(&title, &text);
            for language in ["en", "fr", "und"] {
                let mut last = 0;
                for hit in gazetteer().find(&document, language).hits() {
                    let (begin, end) = hit.range(&document);
                    prop_assert!(begin >= last && begin < end && document.text().get(begin..end).is_some());
                    last = end;
                }
            }
        }
    }
}
