//! The inner loop: sum of half-precision rows, each times `1 + ln count`.
//!
//! One portable way and one for processors with AVX2 and F16C, chosen at run
//! time. Both convert exactly, multiply and add lane by lane in the same order
//! and never fuse the two, so their answers are the same to the last bit (a
//! property test compares them). The only unsafe code of the crate is here.
#![allow(unsafe_code)]

use super::table::{BLOCK_LANES, Block};
use std::sync::LazyLock;

/// Sums of the lanes, and the squared length of the tf-idf row (meaningful for the block that holds the idf).
type Lanes = ([f32; BLOCK_LANES], f32);

const TABLE_SIZE: usize = 4096;

/// `1 + ln count`, tabulated: the logarithm's cost is not paid for each feature.
static LOG_TF: LazyLock<Vec<f32>> = LazyLock::new(|| (0..TABLE_SIZE).map(|c| exact_log_tf(c as u16)).collect());

fn exact_log_tf(count: u16) -> f32 {
    if count == 0 { 0.0 } else { 1.0 + f32::from(count).ln() }
}

/// Sublinear term frequency, `1 + ln count`; 0 for 0.
#[must_use]
pub fn log_tf(count: u16) -> f32 {
    LOG_TF.get(usize::from(count)).copied().unwrap_or_else(|| exact_log_tf(count))
}

/// Sums block `offset` of each row in `slots`, weighted by its count: that in `repeated`, else 1.
pub(super) fn accumulate(
    blocks: &[Block],
    width: usize,
    offset: usize,
    slots: &[u32],
    repeated: impl Iterator<Item = (u32, u16)>,
) -> Lanes {
    let rows = Rows { blocks, width, offset };
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("f16c") {
        // SAFETY: the processor has the features that the function is compiled for.
        return unsafe { x86::accumulate(rows, slots, repeated) };
    }
    portable(rows, slots, repeated)
}

fn portable(rows: Rows<'_>, slots: &[u32], repeated: impl Iterator<Item = (u32, u16)>) -> Lanes {
    let mut lanes = [0.0; BLOCK_LANES];
    let mut norm2 = 0.0;
    for block in rows.once(slots) {
        let row = block.0.map(widen);
        for (sum, value) in lanes.iter_mut().zip(row) {
            *sum += value;
        }
        let idf = row[BLOCK_LANES - 1];
        norm2 += idf * idf;
    }
    for (beyond, block) in rows.beyond(repeated) {
        let row = block.0.map(widen);
        for (sum, value) in lanes.iter_mut().zip(row) {
            *sum += beyond.tf * value;
        }
        let idf = row[BLOCK_LANES - 1];
        norm2 += beyond.tf2 * (idf * idf);
    }
    (lanes, norm2)
}

/// One block of each row of a table.
#[derive(Clone, Copy)]
struct Rows<'a> {
    blocks: &'a [Block],
    width: usize,
    offset: usize,
}

/// What a count above 1 adds to a term frequency of 1, and to its square.
struct Beyond {
    tf: f32,
    tf2: f32,
}

impl<'a> Rows<'a> {
    #[inline(always)]
    fn block(self, slot: u32) -> Option<&'a Block> {
        self.blocks.get(slot as usize * self.width + self.offset)
    }

    #[inline(always)]
    fn once(self, slots: &'a [u32]) -> impl Iterator<Item = &'a Block> {
        slots.iter().filter_map(move |&slot| self.block(slot))
    }

    #[inline(always)]
    fn beyond(self, repeated: impl Iterator<Item = (u32, u16)>) -> impl Iterator<Item = (Beyond, &'a Block)> {
        repeated.filter_map(move |(slot, count)| {
            let tf = log_tf(count);
            Some((Beyond { tf: tf - 1.0, tf2: tf * tf - 1.0 }, self.block(slot)?))
        })
    }
}

/// IEEE 754 half to single precision, exact for every finite number, without
/// branches: the bits in place, the exponent's bias mended by a multiplication.
#[inline(always)]
fn widen(half: u16) -> f32 {
    const REBIAS: f32 = f32::from_bits((127 + 127 - 15) << 23);
    let magnitude = f32::from_bits(u32::from(half & 0x7fff) << 13) * REBIAS;
    f32::from_bits(magnitude.to_bits() | u32::from(half & 0x8000) << 16)
}

/// Fetches an item into the cache; does nothing where the processor offers no way.
#[inline(always)]
pub(crate) fn prefetch<T>(items: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(item) = items.get(at) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing, and the address is that of a live item.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(item).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (items, at);
}

/// The first of the eight 16-bit lanes (lowest bits first) that holds `value`; 8 or more when none does.
#[inline(always)]
pub(super) fn first_lane(words: [u64; 2], value: u16) -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_mm_cmpeq_epi16, _mm_movemask_epi8, _mm_set_epi64x, _mm_set1_epi16};
        let [low, high] = words.map(u64::cast_signed);
        // SAFETY: every x86-64 processor has SSE2.
        let equal = unsafe {
            _mm_movemask_epi8(_mm_cmpeq_epi16(_mm_set_epi64x(high, low), _mm_set1_epi16(value.cast_signed())))
        };
        equal.trailing_zeros() as usize / 2
    }
    #[cfg(not(target_arch = "x86_64"))]
    portable_first_lane(words, value)
}

#[cfg(any(test, not(target_arch = "x86_64")))]
fn portable_first_lane([low, high]: [u64; 2], value: u16) -> usize {
    const ONES: u64 = 0x0001_0001_0001_0001;
    let first = |word: u64| {
        let differ = word ^ (u64::from(value) * ONES);
        // High bit of each lane that is zero; lanes above the lowest such lane may be wrong. 4 when there is none.
        let zero = differ.wrapping_sub(ONES) & !differ & (ONES << 15);
        (zero.trailing_zeros() / 16) as usize
    };
    let (low, high) = (first(low), first(high));
    if low < 4 { low } else { 4 + high }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{BLOCK_LANES, Block, Lanes, Rows};
    use std::arch::x86_64::{
        __m128i, __m256, _mm_load_si128, _mm256_add_ps, _mm256_cvtph_ps, _mm256_mul_ps, _mm256_set1_ps,
        _mm256_setzero_ps, _mm256_storeu_ps,
    };

    #[target_feature(enable = "avx2,f16c")]
    pub(super) fn accumulate(rows: Rows<'_>, slots: &[u32], repeated: impl Iterator<Item = (u32, u16)>) -> Lanes {
        // One by one: an array of them would lie in memory.
        let [mut a, mut b, mut c, mut d] = [_mm256_setzero_ps(); 4];
        let mut norm2 = 0.0;
        for block in rows.once(slots) {
            let [e, f, g, h] = quarters(block);
            (a, b, c, d) = (_mm256_add_ps(a, e), _mm256_add_ps(b, f), _mm256_add_ps(c, g), _mm256_add_ps(d, h));
            let idf = top_lane(h);
            norm2 += idf * idf;
        }
        for (beyond, block) in rows.beyond(repeated) {
            let factor = _mm256_set1_ps(beyond.tf);
            let [e, f, g, h] = quarters(block);
            a = _mm256_add_ps(a, _mm256_mul_ps(factor, e));
            b = _mm256_add_ps(b, _mm256_mul_ps(factor, f));
            c = _mm256_add_ps(c, _mm256_mul_ps(factor, g));
            d = _mm256_add_ps(d, _mm256_mul_ps(factor, h));
            let idf = top_lane(h);
            norm2 += beyond.tf2 * (idf * idf);
        }
        let sums = [a, b, c, d];
        let mut lanes = [0.0; BLOCK_LANES];
        for (part, sum) in lanes.chunks_exact_mut(8).zip(sums) {
            // SAFETY: the part is eight floats long.
            unsafe { _mm256_storeu_ps(part.as_mut_ptr(), sum) };
        }
        (lanes, norm2)
    }

    #[target_feature(enable = "avx2,f16c")]
    fn quarters(block: &Block) -> [__m256; 4] {
        let quarter = |i: usize| {
            // SAFETY: a block is 64 bytes, aligned to 64; i < 4 quarters of 16 bytes lie inside it.
            _mm256_cvtph_ps(unsafe { _mm_load_si128(block.0.as_ptr().cast::<__m128i>().add(i)) })
        };
        [quarter(0), quarter(1), quarter(2), quarter(3)]
    }

    #[target_feature(enable = "avx2")]
    fn top_lane(v: std::arch::x86_64::__m256) -> f32 {
        use std::arch::x86_64::{_mm256_castps_si256, _mm256_extract_epi32};
        f32::from_bits(_mm256_extract_epi32::<7>(_mm256_castps_si256(v)).cast_unsigned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::f16;
    use proptest::prelude::*;

    #[test]
    fn widening_is_exact() {
        for bits in 0..=u16::MAX {
            let expect = f16::from_bits(bits);
            if expect.is_finite() {
                assert_eq!(widen(bits).to_bits(), expect.to_f32().to_bits(), "{bits:#x}");
            }
        }
    }

    proptest! {
        #[test]
        fn both_ways_find_the_same_lane(lanes in proptest::array::uniform8(0u16..6), value in 0u16..6) {
            let word = |four: &[u16]| four.iter().rev().fold(0u64, |word, &lane| word << 16 | u64::from(lane));
            let words = [word(&lanes[..4]), word(&lanes[4..])];
            let expect = lanes.iter().position(|&l| l == value).unwrap_or(8);
            prop_assert_eq!(first_lane(words, value).min(8), expect);
            prop_assert_eq!(portable_first_lane(words, value).min(8), expect);
        }

        #[test]
        fn both_ways_agree_to_the_last_bit(
            rows in proptest::collection::vec((proptest::array::uniform32(-4.0f32..4.0), 0u16..5000), 1..40),
            picks in proptest::collection::vec(0u32..48, 0..80),
        ) {
            let blocks: Vec<Block> = rows.iter().map(|(r, _)| Block(r.map(|v| f16::from_f32(v).to_bits()))).collect();
            let counts = picks.iter().map(|&p| (p, rows.get(p as usize).map_or(2, |r| r.1)));
            let all = Rows { blocks: &blocks, width: 1, offset: 0 };
            let (a, b) = (portable(all, &picks, counts.clone()), accumulate(&blocks, 1, 0, &picks, counts));
            prop_assert_eq!(a.0.map(f32::to_bits), b.0.map(f32::to_bits));
            prop_assert_eq!(a.1.to_bits(), b.1.to_bits());
        }
    }
}
