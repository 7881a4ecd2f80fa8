//! Articles that occur twice, to the word or nearly so.
//!
//! Nearly: by the Jaccard similarity of their word pairs, estimated by
//! min-wise hashing (Broder 1997) in bands (locality-sensitive hashing: two
//! articles are compared when one band is equal). No text is kept, and what is
//! lies on the disk: about 210 bytes an article. In memory: a bit of each.

use super::{
    buckets::{Buckets, Reader},
    place::Place,
};
use crate::text::{Document, hash_pair, hash_word};
use std::{
    fs::File,
    io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _},
};

/// Numbers of a signature, four a band: articles with a similarity of 0.8 meet in one with a probability of 0.96.
const SIGNATURE: usize = 24;
const BAND: usize = 4;
/// Equal numbers that make two articles near duplicates: an estimated similarity of 0.75.
const NEAR: usize = 18;
/// With fewer word pairs two articles are alike too easily.
const LEAST_PAIRS: usize = 8;

/// Hash of the words, number of the article, place.
const EXACT: usize = 16 + Place::BYTES;
/// Hash of a band, number of a signature.
const BANDED: usize = 16;
/// Number of the later signature, how unlike they are, number of the earlier one.
const ALIKE: usize = 17;
/// A signature, with its article's number and place.
const SIGNED: usize = 2 * SIGNATURE + 8 + Place::BYTES;

/// Two articles that are alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pair {
    pub(super) first: Place,
    pub(super) second: Place,
    /// `None`: the same words; else the estimate.
    pub(super) similarity: Option<f64>,
}

/// The articles seen so far.
pub(super) struct Duplicates {
    exact: Buckets<EXACT>,
    bands: Buckets<BANDED>,
    signatures: BufWriter<File>,
    articles: u64,
    signed: u64,
}

impl Duplicates {
    pub(super) fn new() -> io::Result<Self> {
        let signatures = BufWriter::new(tempfile::tempfile()?);
        Ok(Self { exact: Buckets::new()?, bands: Buckets::new()?, signatures, articles: 0, signed: 0 })
    }

    /// Takes an article.
    pub(super) fn add(&mut self, document: &Document, place: Place) -> io::Result<()> {
        let (tokens, place) = (document.tokens(), place.to_bytes());
        let words = tokens.iter().fold(hash_word(b"words"), |hash, token| hash_pair(hash, token.hash));
        self.exact.add(words, record([&words.to_be_bytes(), &self.articles.to_be_bytes(), &place]))?;
        if tokens.len() > LEAST_PAIRS {
            let numbers = signature(tokens.windows(2).map(|w| hash_pair(w[0].hash, w[1].hash)));
            for (i, band) in numbers.as_chunks::<BAND>().0.iter().enumerate() {
                let key = band.iter().fold(0u64, |key, n| key << 16 | u64::from(*n));
                let key = hash_pair(key, i as u64 + 1);
                self.bands.add(key, record([&key.to_be_bytes(), &self.signed.to_be_bytes()]))?;
            }
            let numbers: [u8; 2 * SIGNATURE] = record([numbers.map(u16::to_be_bytes).as_flattened()]);
            self.signatures.write_all(&numbers)?;
            self.signatures.write_all(&self.articles.to_be_bytes())?;
            self.signatures.write_all(&place)?;
            self.signed += 1;
        }
        self.articles += 1;
        Ok(())
    }

    /// Calls `each` for each copy with the first article of the same words; then for each near duplicate among the
    /// others, once, with the earlier article that it is most like.
    pub(super) fn finish(self, mut each: impl FnMut(Pair)) -> io::Result<()> {
        let mut copies = vec![0u64; self.articles.div_ceil(64) as usize];
        self.exact.each(|records| {
            for group in records.chunk_by(|a, b| a[..8] == b[..8]) {
                let place = |record: &[u8; EXACT]| Place::read(&mut Reader(&record[16..]));
                for record in group.iter().skip(1) {
                    let article = Reader(&record[8..]).number(8);
                    copies[(article / 64) as usize] |= 1 << (article % 64);
                    each(Pair { first: place(&group[0]), second: place(record), similarity: None });
                }
            }
            Ok(())
        })?;
        let mut signatures = Signatures(self.signatures.into_inner().map_err(io::IntoInnerError::into_error)?);
        let mut alike = Buckets::<ALIKE>::new()?;
        self.bands.each(|records| {
            for group in records.chunk_by(|a, b| a[..8] == b[..8]).filter(|group| group.len() > 1) {
                let mut own = Vec::new();
                for record in group {
                    let number = Reader(&record[8..]).number(8);
                    let signed = signatures.get(number)?;
                    if copies[(signed.article / 64) as usize] >> (signed.article % 64) & 1 == 0 {
                        own.push((number, signed));
                    }
                }
                // Against the first and the one before: a group of thousands is one text in many copies.
                for (at, (second, signed)) in own.iter().enumerate().skip(1) {
                    for (first, other) in [&own[0], &own[at - 1]] {
                        let equal = signed.numbers.iter().zip(&other.numbers).filter(|(x, y)| x == y).count();
                        if equal >= NEAR {
                            let unlike = [(SIGNATURE - equal) as u8];
                            let record = record([&second.to_be_bytes(), &unlike, &first.to_be_bytes()]);
                            alike.add(hash_word(&second.to_le_bytes()), record)?;
                        }
                    }
                }
            }
            Ok(())
        })?;
        alike.each(|records| {
            // Sorted: of each article the likest comes first.
            for group in records.chunk_by(|a, b| a[..8] == b[..8]) {
                let mut record = Reader(&group[0]);
                let (second, unlike, first) = (record.number(8), record.number(1), record.number(8));
                let similarity = Some(1.0 - unlike as f64 / SIGNATURE as f64);
                let [first, second] = [signatures.get(first)?.place, signatures.get(second)?.place];
                each(Pair { first, second, similarity });
            }
            Ok(())
        })
    }
}

/// A signature, and whose it is.
struct Signed {
    numbers: [u16; SIGNATURE],
    article: u64,
    place: Place,
}

/// Signatures on the disk, by number.
struct Signatures(File);

impl Signatures {
    fn get(&mut self, number: u64) -> io::Result<Signed> {
        let mut bytes = [0; SIGNED];
        self.0.seek(SeekFrom::Start(number * SIGNED as u64))?;
        self.0.read_exact(&mut bytes)?;
        let mut record = Reader(&bytes);
        let numbers = std::array::from_fn(|_| record.number(2) as u16);
        Ok(Signed { numbers, article: record.number(8), place: Place::read(&mut record) })
    }
}

/// The parts one after another; they must be `N` bytes.
fn record<const N: usize, const P: usize>(parts: [&[u8]; P]) -> [u8; N] {
    let mut record = [0; N];
    let bytes = parts.into_iter().flatten();
    record.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    record
}

/// The least of each of 24 hashes of the pairs, cut to 16 bits.
fn signature(pairs: impl Iterator<Item = u64>) -> [u16; SIGNATURE] {
    let mut least = [u64::MAX; SIGNATURE];
    for pair in pairs {
        let mut hash = pair;
        for least in &mut least {
            // Weyl sequence and the finaliser of MurmurHash3: the hashes are as good as independent.
            hash = hash.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
            *least = (*least).min(mixed ^ mixed >> 33);
        }
    }
    // The least of many is small: its high bits tell nothing, so it is mixed once more.
    least.map(|l| (l.wrapping_mul(0xc4ce_b9fe_1a85_ec53) >> 48) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Split;

    fn words(n: std::ops::Range<usize>, changed: usize) -> String {
        n.map(|i| if i < changed { format!("x{i} ") } else { format!("w{i} ") }).collect()
    }

    #[test]
    fn finds_copies_and_near_copies_only() {
        let mut seen = Duplicates::new().unwrap();
        let place = |line| Place { file: 0, line, split: Split::Train, label: 0 };
        let mut add = |line, text: &str| seen.add(&Document::new("", text), place(line)).unwrap();
        add(1, &words(0..300, 0));
        add(2, &words(0..300, 0).to_uppercase());
        add(3, &words(0..300, 15));
        add(4, &words(0..300, 200));
        add(5, &words(1_000..1_300, 0));
        add(6, "too short");
        add(7, "so short");
        // A copy of the near copy is a copy, nothing else.
        add(8, &words(0..300, 15));
        let mut pairs = Vec::new();
        seen.finish(|pair| pairs.push((pair.first.line, pair.second.line, pair.similarity.is_some()))).unwrap();
        pairs.sort_unstable();
        assert_eq!(pairs, [(1, 2, false), (1, 3, true), (3, 8, false)]);
    }

    #[test]
    fn the_estimate_is_near_the_truth() {
        let pairs = |n: std::ops::Range<u64>| n.map(|i| hash_word(&i.to_le_bytes()));
        let mut total = 0;
        for start in 0..40 {
            let (a, b) = (
                signature(pairs(start * 1_000..start * 1_000 + 100)),
                signature(pairs(start * 1_000 + 20..start * 1_000 + 120)),
            );
            total += a.iter().zip(&b).filter(|(x, y)| x == y).count();
        }
        // 80 of 120 shared: two thirds of 24 x 40.
        let share = f64::from(total as u32) / (40.0 * SIGNATURE as f64);
        assert!((share - 2.0 / 3.0).abs() < 0.06, "{share}");
    }
}
