//! The hash of words and word pairs: part of the model format.
//!
//! A folded 64 x 64 -> 128 bit multiply over 16-byte little-endian words (the
//! family of wyhash and rapidhash), chosen because a word of up to 16 bytes
//! costs two loads and one multiply. Bundles record [`HASH_VERSION`]; the
//! golden test below pins the values.

/// Written into each bundle; a change of any hash value must change it.
pub const HASH_VERSION: u32 = 1;

const M0: u64 = 0xa076_1d64_78bd_642f;
const M1: u64 = 0xe703_7ed1_a0b4_28db;
const M2: u64 = 0x8ebc_6af0_9c88_c6e3;

#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Hash of at most 16 bytes, given zero-padded as a little-endian number.
#[inline(always)]
pub(crate) fn hash_short(bytes: u128, len: usize) -> u64 {
    fold((bytes as u64) ^ M0 ^ (len as u64).wrapping_mul(M2), ((bytes >> 64) as u64) ^ M1)
}

/// Hash of a word's folded (lower-cased) bytes, of any length.
#[must_use]
pub fn hash_word(bytes: &[u8]) -> u64 {
    if bytes.len() <= 16 {
        return hash_short(load(bytes), bytes.len());
    }
    bytes.chunks(16).fold(0, |hash, chunk| fold(hash ^ M2, 1 | hash_short(load(chunk), chunk.len())))
}

/// Hash of two words in a row.
#[inline(always)]
#[must_use]
pub fn hash_pair(first: u64, second: u64) -> u64 {
    fold(first ^ M1, second ^ M2) ^ first.rotate_left(17)
}

fn load(bytes: &[u8]) -> u128 {
    let mut padded = [0; 16];
    for (to, from) in padded.iter_mut().zip(bytes) {
        *to = *from;
    }
    u128::from_le_bytes(padded)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// These numbers are in every bundle ever written: never edit them without
    /// a new `HASH_VERSION`.
    #[test]
    fn values_are_pinned() {
        let words: [&str; 5] = ["", "a", "syria", "sixteen bytes ok", "antidisestablishmentarianism"];
        let got: Vec<u64> = words.iter().map(|w| hash_word(w.as_bytes())).collect();
        assert_eq!(got, GOLDEN_WORDS);
        assert_eq!(hash_pair(got[1], got[2]), GOLDEN_PAIR);
    }

    const GOLDEN_WORDS: [u64; 5] = [
        2_302_960_717_771_869_484,
        12_407_089_128_431_174_179,
        16_825_301_227_770_183_446,
        11_321_742_898_412_242_162,
        3_933_474_925_940_276_322,
    ];
    const GOLDEN_PAIR: u64 = 12_747_912_199_075_506_445;
}
