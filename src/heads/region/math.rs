//! Logarithms and exponentials of a few numbers at once, to ten digits, in loops that the compiler turns into vectors:
//! one by one they were a fifth of the time that an article's region takes. They are not inlined: the code is as cold as
//! the article, and each copy would be read from memory again.

use std::f64::consts::{LN_2, LOG2_E};
use wide::f64x4;

/// 1.5 * 2^52: the lowest bits of a small number added to it are that number, rounded.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// 2^52 as bits: or-ed with a small integer it is that integer plus 2^52.
const INTEGER: u64 = 0x4330_0000_0000_0000;
/// Bits of the square root of a half.
const ROOT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
const ONE: u64 = 0x3ff0_0000_0000_0000;
const MANTISSA: u32 = 52;
/// One by the factorials of 9 to 0.
const SERIES: [f64; 10] = {
    let mut series = [1.0; 10];
    let mut at = series.len() - 1;
    let mut factorial = 1.0;
    while at > 0 {
        factorial *= (series.len() - at) as f64;
        at -= 1;
        series[at] = 1.0 / factorial;
    }
    series
};
/// Beyond it the result is no normal number.
const MOST_EXPONENT: f64 = 700.0;

/// Odds are told of probabilities from this on, and as far from 1.
const LEAST_ODDS: f64 = 1e-3;

/// The odds of a probability.
#[inline(always)]
pub(super) fn odds(p: f64) -> f64 {
    let inner = p.clamp(LEAST_ODDS, 1.0 - LEAST_ODDS);
    inner / (1.0 - inner)
}

/// The odds of some probabilities.
#[inline(always)]
pub(super) fn odds_of(p: f64x4) -> f64x4 {
    let inner = p.fast_max(f64x4::splat(LEAST_ODDS)).fast_min(f64x4::splat(1.0 - LEAST_ODDS));
    inner / (f64x4::ONE - inner)
}

/// Replaces each number, which is to be positive and normal, by its logarithm.
#[inline(never)]
pub(super) fn ln(numbers: &mut [f64]) {
    for x in numbers {
        // x = 2^e * m, m from the root of a half to the root of two.
        let shifted = x.to_bits().wrapping_add(ONE - ROOT_HALF);
        let e = f64::from_bits(shifted >> MANTISSA | INTEGER) - f64::from_bits(INTEGER) - 1023.0;
        let m = f64::from_bits((shifted & ((1 << MANTISSA) - 1)) + ROOT_HALF);
        // ln m = 2 artanh s
        let s = (m - 1.0) / (m + 1.0);
        let t = s * s;
        let series = [1.0 / 11.0, 1.0 / 9.0, 1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0];
        let sum = series.into_iter().fold(0.0, |sum, c| (sum + c) * t);
        *x = e * LN_2 + 2.0 * s * (1.0 + sum);
    }
}

/// Replaces scores by probabilities.
#[inline(never)]
pub(super) fn softmax(scores: &mut [f64]) {
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    scores.iter_mut().for_each(|score| *score -= most);
    exp(scores);
    let sum: f64 = scores.iter().sum();
    scores.iter_mut().for_each(|p| *p /= sum);
}

/// Replaces each number by its exponential; those far from 0 are taken as nearer.
#[inline(never)]
pub(super) fn exp(numbers: &mut [f64]) {
    for x in numbers {
        let y = x.clamp(-MOST_EXPONENT, MOST_EXPONENT);
        // y = k ln 2 + r
        let rounded = y * LOG2_E + ROUND;
        let r = y - (rounded - ROUND) * LN_2;
        // Even and odd powers apart: two short chains instead of a long one.
        let square = r * r;
        let [even, odd] = SERIES
            .as_chunks::<2>()
            .0
            .iter()
            .fold([0.0; 2], |[even, odd], [o, e]| [even * square + e, odd * square + o]);
        let sum = even + odd * r;
        *x = sum * f64::from_bits((rounded.to_bits() << MANTISSA).wrapping_add(ONE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_the_library() {
        for i in 0..20_000 {
            let x = f64::from(i - 10_000) / 15.0;
            let mut y = [x, 0.0];
            exp(&mut y);
            assert!((y[0] / x.exp() - 1.0).abs() < 1e-10 && y[1] == 1.0, "exp {x}: {y:?}");
            let x = (f64::from(i - 10_000) / 500.0).exp();
            let mut y = [x, 1.0];
            ln(&mut y);
            assert!((y[0] - x.ln()).abs() < 1e-10 && y[1] == 0.0, "ln {x}: {y:?}");
        }
        let mut far = [f64::MAX, f64::MIN];
        exp(&mut far);
        assert!(far.iter().all(|x| x.is_finite() && *x > 0.0));
    }
}
