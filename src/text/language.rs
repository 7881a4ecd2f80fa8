//! Which language a text is in.

use super::{Document, hash_word};
use std::sync::OnceLock;

/// Function words that hardly any other language written in Latin letters shares.
const ENGLISH: [&str; 40] = [
    "the", "and", "of", "to", "that", "with", "from", "this", "have", "has", "been", "were", "would", "which", "their",
    "they", "about", "after", "who", "will", "said", "it", "he", "she", "not", "by", "his", "her", "its", "at", "are",
    "but", "more", "than", "what", "when", "there", "could", "how", "you",
];

/// Frequent words of Nigerian Pidgin that hardly any other language has: the general detector takes it for English.
const PIDGIN: [&str; 12] =
    ["dey", "wey", "wetin", "pesin", "pipo", "tok", "comot", "sabi", "sey", "oga", "waka", "gofment"];
/// So many of them, and such a share (one of this many words), make a text Pidgin.
const PIDGIN_WORDS: usize = 3;
const PIDGIN_SHARE: usize = 80;

/// Words looked at for the quick answer, and after how many it is asked for.
const SAMPLE_WORDS: usize = 200;
const CHUNK_WORDS: usize = 16;
/// Bytes handed to the slower, general detector.
const SAMPLE_BYTES: usize = 2_000;

/// BCP 47 tag of the document's language; `"und"` when it cannot be told.
///
/// English prose and Nigerian Pidgin are recognised by the share of their function words, which costs
/// next to nothing; everything else goes to whatlang (trigrams, 70 languages).
#[must_use]
pub fn detect_language(document: &Document) -> &'static str {
    let words = document.tokens().get(..SAMPLE_WORDS).unwrap_or(document.tokens());
    let looked_at = words.len();
    let is_english = |english: usize| looked_at >= 12 && english * 8 >= looked_at;
    let (mut english, mut pidgin) = (0, 0);
    let table = function_words();
    for some in words.chunks(CHUNK_WORDS) {
        let tally = some.iter().fold(0, |tally, word| tally + table.tally(word.hash));
        english += tally as usize & 0xffff;
        pidgin += tally as usize >> 16;
        if pidgin == 0 && is_english(english) {
            return "en";
        }
    }
    if pidgin >= PIDGIN_WORDS && pidgin * PIDGIN_SHARE >= looked_at {
        return "pcm";
    }
    if is_english(english) {
        return "en";
    }
    let text = document.text();
    let mut end = text.len().min(SAMPLE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let Some(info) = text.get(..end).and_then(whatlang::detect) else { return "und" };
    // Short headlines carry few function words and trigrams mislead: any sign of
    // English in Latin script wins over an unsure detector.
    if info.script() == whatlang::Script::Latin && !info.is_reliable() && (english > 0 || looked_at < 12) {
        return if english > 0 || info.lang() == whatlang::Lang::Eng { "en" } else { "und" };
    }
    tag(info.lang())
}

/// The words of [`ENGLISH`] and [`PIDGIN`], each at its [`place`].
struct WordTable([(u64, u64); PLACES]);

const PLACES: usize = 512;
/// What a word adds to the numbers of English words (bits 0 to 15) and of Pidgin ones.
const ENGLISH_WORD: u64 = 1;
const PIDGIN_WORD: u64 = 1 << 16;

/// Bits of the hash in which all the words differ.
fn place(hash: u64) -> usize {
    (hash >> 30) as usize % PLACES
}

impl WordTable {
    #[inline(always)]
    fn tally(&self, hash: u64) -> u64 {
        let (held, number) = self.0[place(hash)];
        // A branch would be foreseen wrongly for one word of three.
        std::hint::select_unpredictable(held == hash, number, 0)
    }
}

fn function_words() -> &'static WordTable {
    static TABLE: OnceLock<WordTable> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = [(0, 0); PLACES];
        for (words, number) in [(&ENGLISH[..], ENGLISH_WORD), (&PIDGIN[..], PIDGIN_WORD)] {
            for hash in words.iter().map(|w| hash_word(w.as_bytes())) {
                table[place(hash)] = (hash, number);
            }
        }
        WordTable(table)
    })
}

/// ISO 639-1 where there is one, else ISO 639-3, as BCP 47 asks.
fn tag(lang: whatlang::Lang) -> &'static str {
    use whatlang::Lang;
    match lang {
        Lang::Eng => "en",
        Lang::Rus => "ru",
        Lang::Cmn => "zh",
        Lang::Spa => "es",
        Lang::Por => "pt",
        Lang::Ita => "it",
        Lang::Ben => "bn",
        Lang::Fra => "fr",
        Lang::Deu => "de",
        Lang::Ukr => "uk",
        Lang::Kat => "ka",
        Lang::Ara => "ar",
        Lang::Hin => "hi",
        Lang::Jpn => "ja",
        Lang::Heb => "he",
        Lang::Yid => "yi",
        Lang::Pol => "pl",
        Lang::Amh => "am",
        Lang::Jav => "jv",
        Lang::Kor => "ko",
        Lang::Nob => "nb",
        Lang::Dan => "da",
        Lang::Swe => "sv",
        Lang::Fin => "fi",
        Lang::Tur => "tr",
        Lang::Nld => "nl",
        Lang::Hun => "hu",
        Lang::Ces => "cs",
        Lang::Ell => "el",
        Lang::Bul => "bg",
        Lang::Bel => "be",
        Lang::Mar => "mr",
        Lang::Kan => "kn",
        Lang::Ron => "ro",
        Lang::Slv => "sl",
        Lang::Hrv => "hr",
        Lang::Srp => "sr",
        Lang::Mkd => "mk",
        Lang::Lit => "lt",
        Lang::Lav => "lv",
        Lang::Est => "et",
        Lang::Tam => "ta",
        Lang::Vie => "vi",
        Lang::Urd => "ur",
        Lang::Tha => "th",
        Lang::Guj => "gu",
        Lang::Uzb => "uz",
        Lang::Pan => "pa",
        Lang::Aze => "az",
        Lang::Ind => "id",
        Lang::Tel => "te",
        Lang::Pes => "fa",
        Lang::Mal => "ml",
        Lang::Ori => "or",
        Lang::Mya => "my",
        Lang::Nep => "ne",
        Lang::Sin => "si",
        Lang::Khm => "km",
        Lang::Tuk => "tk",
        Lang::Aka => "ak",
        Lang::Zul => "zu",
        Lang::Sna => "sn",
        Lang::Afr => "af",
        Lang::Lat => "la",
        Lang::Slk => "sk",
        Lang::Cat => "ca",
        Lang::Tgl => "tl",
        Lang::Hye => "hy",
        other => other.code(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_a_place_of_its_own() {
        let told = |word: &str| function_words().tally(hash_word(word.as_bytes()));
        assert!(ENGLISH.iter().all(|w| told(w) == ENGLISH_WORD));
        assert!(PIDGIN.iter().all(|w| told(w) == PIDGIN_WORD));
        assert_eq!(told("ministre"), 0);
    }

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(detect_language(&Document::new("", text)), expect, "{text}");
    }

    #[test]
    fn tells_languages() {
        check("The minister said on Friday that talks with the rebels would go on for at least another week.", "en");
        check(
            "Der Minister sagte am Freitag, dass die Gespr\u{e4}che mit den Aufst\u{e4}ndischen noch mindestens eine Woche dauern w\u{fc}rden.",
            "de",
        );
        check(
            "Le ministre a d\u{e9}clar\u{e9} vendredi que les pourparlers avec les rebelles se poursuivraient pendant une semaine encore.",
            "fr",
        );
        check(
            "\u{41c}\u{438}\u{43d}\u{438}\u{441}\u{442}\u{440} \u{437}\u{430}\u{44f}\u{432}\u{438}\u{43b} \u{432} \u{43f}\u{44f}\u{442}\u{43d}\u{438}\u{446}\u{443}, \u{447}\u{442}\u{43e} \u{43f}\u{435}\u{440}\u{435}\u{433}\u{43e}\u{432}\u{43e}\u{440}\u{44b} \u{43f}\u{440}\u{43e}\u{434}\u{43e}\u{43b}\u{436}\u{430}\u{442}\u{441}\u{44f}.",
            "ru",
        );
        check(
            "Di oga of di market tok say dem don close di road wey dey near im shop, and pipo no fit waka pass.",
            "pcm",
        );
        check(
            "Di Canio and Di Matteo said on Friday that they would not be at the club when it plays at Cardiff.",
            "en",
        );
        check("", "und");
        check("12345 67890", "und");
    }
}
