//! One pass over the words of a document: longest names first, with the rules
//! of case and of what may stand between the words of a name.

use super::{
    context::{self, Context},
    countries::CountryId,
    entry::{Entry, HitKind, flag, language_bit},
    gazetteer::{Gazetteer, MAX_WORDS, extend},
    inflect, resolve,
    table::Node,
};
use crate::text::{Document, Token};

/// A name that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceHit {
    /// Index of its first token.
    pub first_token: u32,
    /// One past the index of its last token.
    pub last_token: u32,
    /// What it is taken for.
    pub kind: HitKind,
    /// 0 (a small town) to 9 (a country).
    pub known: u8,
    /// The countries it stands for; two when nothing tells them apart (Kashmir).
    pub countries: [Option<CountryId>; 2],
    /// The desk of a region of several countries.
    pub desk: Option<u8>,
    /// What stands around it.
    pub context: Context,
    /// Which line of the gazetteer it is; many names share one.
    pub(super) entry: u32,
    /// Tells one name from another.
    pub(super) name: u32,
    /// Index of the first hit with the same name for the same country.
    pub(super) first_same: u32,
    /// How many hits there are with the same name for the same country.
    pub(super) same: u32,
}

/// The places of a document, in buffers that are reused: keep one a thread.
#[derive(Debug, Clone, Default)]
pub struct Places {
    hits: Vec<PlaceHit>,
    /// A bit for each token, set where the case allows a name to begin.
    marks: Vec<u64>,
    /// Tokens that a name may begin with, and where the names of their words begin.
    starts: Vec<(u32, Node)>,
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

impl PlaceHit {
    /// How many mentions of the article have the same name for the same country; this one is among them.
    #[must_use]
    pub fn same(&self) -> u32 {
        self.same
    }

    /// Whether it is the first of its name for its country, given that it is hit `i`.
    #[must_use]
    pub fn is_first(&self, i: usize) -> bool {
        self.first_same as usize == i
    }

    /// Its bytes in [`Document::text`].
    #[must_use]
    pub fn range(&self, document: &Document) -> (usize, usize) {
        let tokens = document.tokens();
        let first = tokens.get(self.first_token as usize);
        let last = (self.last_token as usize).checked_sub(1).and_then(|i| tokens.get(i));
        let Some((begin, end)) = first.zip(last).map(|(f, l)| (f.begin as usize, l.end as usize)) else {
            return (0, 0);
        };
        // The last full stop of "U.S." belongs to it.
        let text = document.text().as_bytes();
        let dotted = end - begin > 1 && text.get(end - 2) == Some(&b'.') && text.get(end) == Some(&b'.');
        (begin, end + usize::from(dotted))
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
        let Places { hits, marks, starts, names } = places;
        hits.clear();
        let language = language_bit(language);
        self.starts(document, language != 0, marks, starts);
        let mut next = 0;
        for &(at, node) in starts.iter() {
            let at = at as usize;
            if at < next {
                continue;
            }
            let found = self.longest(document, at, node, language);
            let Some(Match { end, index, entry, name }) = found else { continue };
            next = end;
            let first = self.candidates(entry).first();
            if let Some(best) = first.filter(|c| c.kind != HitKind::Given) {
                hits.push(PlaceHit {
                    first_token: at as u32,
                    last_token: end as u32,
                    kind: best.kind,
                    known: best.known,
                    countries: [None, None],
                    desk: None,
                    context: context::look(self, document, at, end, entry.flags),
                    entry: index as u32,
                    name,
                    first_same: 0,
                    same: 1,
                });
            }
        }
        resolve::resolve(self, document, hits, names);
    }

    /// The tokens that a name may begin with. `small`: also in small letters, as other languages write the names of
    /// peoples.
    fn starts(&self, document: &Document, small: bool, marks: &mut Vec<u64>, starts: &mut Vec<(u32, Node)>) {
        let bytes = document.text().as_bytes();
        let byte = |at: u32| bytes.get(at as usize).copied().unwrap_or(0);
        let tokens = document.tokens();
        // Almost no token is one, so the loop over all of them has no branch to foresee: a bit a token.
        marks.clear();
        marks.extend(tokens.chunks(u64::BITS as usize).map(|chunk| {
            let lower = |token: &Token| u64::from(byte(token.begin).is_ascii_lowercase());
            // The first token is the highest of the bits, so that one instruction adds the next.
            let bits = if small { 0 } else { chunk.iter().fold(0, |bits, token| 2 * bits + lower(token)) };
            (!bits << (u64::BITS as usize - chunk.len())).reverse_bits()
        }));
        mark_particles(bytes, tokens, marks);
        starts.clear();
        for (word, &bits) in marks.iter().enumerate() {
            let mut bits = bits;
            while bits != 0 {
                let at = word as u32 * u64::BITS + bits.trailing_zeros();
                bits &= bits - 1;
                let Some(token) = tokens.get(at as usize) else { break };
                if self.prefixes.may_begin(token.hash) || inflect::inflects(byte(token.begin)) {
                    starts.push((at, Node::default()));
                }
            }
        }
        // All the table's lines are asked for before the first is needed.
        for (at, node) in starts.iter_mut() {
            let hash = tokens.get(*at as usize).map_or(0, |t| t.hash);
            *node = self.prefixes.get(hash).unwrap_or_default();
        }
    }

    /// The longest name that begins at token `at`, whose word is `node`.
    fn longest(&self, document: &Document, at: usize, node: Node, language: u8) -> Option<Match<'_>> {
        let token = document.tokens().get(at)?;
        let exact = self.walk(document, at, node, token.hash, false, language);
        let folded = document.folded(token);
        if exact.is_some() || !folded.first().is_some_and(|b| inflect::inflects(*b)) {
            return exact;
        }
        inflect::readings(folded).find_map(|r| {
            let node = self.prefixes.get(r.hash)?;
            self.walk(document, at, node, r.hash, r.stem, language)
        })
    }

    fn walk(
        &self,
        document: &Document,
        at: usize,
        mut node: Node,
        hash: u64,
        stem: bool,
        language: u8,
    ) -> Option<Match<'_>> {
        let tokens = document.tokens();
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
            let longer = |hash| self.prefixes.get_longer(extend(prefix, words, hash)).map(|node| (node, hash, false));
            let folded = document.folded(next);
            let step = longer(next.hash).or_else(|| {
                let inflected = folded.first().is_some_and(|b| inflect::inflects(*b));
                let mut readings = inflected.then(|| inflect::readings(folded)).into_iter().flatten();
                readings.find_map(|r| longer(r.hash).map(|(node, hash, _)| (node, hash, r.stem)))
            });
            // Last, for almost no word goes on with a name.
            let Some((next_node, hash, stem)) = step.filter(|_| joins(document, last, next)) else { break };
            prefix = extend(prefix, words, hash);
            node = next_node;
            reading.stem |= stem;
        }
        best
    }
}

/// Marks short words before a hyphen, whatever their case: "al-Shabab", "sub-Saharan".
fn mark_particles(bytes: &[u8], tokens: &[Token], marks: &mut [u64]) {
    const LONGEST: usize = 3;
    for hyphen in memchr::memchr_iter(b'-', bytes) {
        let before = bytes.get(hyphen.saturating_sub(LONGEST + 1)..hyphen).unwrap_or(&[]);
        // Most words before a hyphen are longer: no need to look for their token.
        if before.len() > LONGEST && before.iter().all(u8::is_ascii_alphanumeric) {
            continue;
        }
        let at = tokens.partition_point(|t| (t.end as usize) < hyphen);
        let particle = |t: &&Token| t.end as usize == hyphen && (t.end - t.begin) as usize <= LONGEST;
        if let Some(mark) = marks.get_mut(at / 64).filter(|_| tokens.get(at).as_ref().is_some_and(particle)) {
            *mark |= 1 << (at % 64);
        }
    }
}

/// Whether two words may belong to one name, by what stands between them.
#[inline]
fn joins(document: &Document, left: &Token, right: &Token) -> bool {
    match context::gap(document, Some(left), Some(right)) {
        " " | "" | "-" | "." | "'" | "\u{2019}" | "\u{a0}" | "\u{2010}" | "\u{2011}" | "\u{b7}" | " & " => true,
        // "St. Louis", "U. S.", but no end of a sentence.
        ". " => left.end - left.begin <= 2,
        _ => false,
    }
}

/// Language and case.
fn allowed(document: &Document, at: usize, end: usize, entry: &Entry, language: u8) -> bool {
    if entry.languages != 0 && entry.languages & language == 0 {
        return false;
    }
    let tokens = document.tokens();
    let Some((first, last)) = tokens.get(at).zip(tokens.get(end - 1)) else { return false };
    let surface = document.text().get(first.begin as usize..last.end as usize).unwrap_or("");
    // Almost all names.
    if surface.as_bytes().first().is_some_and(u8::is_ascii_uppercase)
        && first.end - first.begin > 1
        && entry.flags & (flag::UPPER | flag::ABBREVIATION) == 0
    {
        return true;
    }
    if surface.chars().next().is_some_and(char::is_lowercase) && !entry.has(flag::LOWER) {
        return false;
    }
    let before = at.checked_sub(1).and_then(|i| tokens.get(i));
    if entry.has(flag::ABBREVIATION) {
        let comma = context::gap(document, before, Some(first)).starts_with(',');
        let stop = entry.has(flag::UPPER) || document.text().as_bytes().get(last.end as usize) == Some(&b'.');
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
        let small = surface.bytes().any(|b| b.is_ascii_lowercase());
        return !(small || shouted(before) && shouted(tokens.get(end)));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::places::DEFAULT_GAZETTEER;
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
