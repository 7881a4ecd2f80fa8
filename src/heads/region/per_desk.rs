//! A number for each desk and for none, in lanes: what is done with all of them is a few instructions, where a loop that
//! the compiler unrolls is fetched from memory for each article anew.

use crate::places::countries::DESKS;
use wide::{CmpGe, f64x4};

/// The desks and none.
pub(super) const ALL: usize = DESKS.len() + 1;
/// Desks are read so many at once.
pub(super) const LANES: usize = 4;
/// A number for each desk, one for none, and what fills up the last lanes.
pub(super) type PerDesk = [f64; ALL.next_multiple_of(LANES)];
/// How many such groups there are.
pub(super) const GROUPS: usize = size_of::<PerDesk>() / size_of::<f64x4>();

/// The lanes of a number for each desk.
pub(super) fn groups(values: &PerDesk) -> [f64x4; GROUPS] {
    let chunks = values.as_chunks::<LANES>().0;
    std::array::from_fn(|group| f64x4::new(chunks[group]))
}

/// A number for each desk from its groups.
pub(super) fn of_groups(of: impl Fn(usize) -> f64x4) -> PerDesk {
    let mut all = PerDesk::default();
    for (group, lanes) in all.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        *lanes = of(group).to_array();
    }
    all
}

/// Filled up with zeros.
pub(super) fn padded(values: &[f64; ALL]) -> PerDesk {
    let mut all = PerDesk::default();
    all[..ALL].copy_from_slice(values);
    all
}

/// A bit for each desk whose number is at least as large.
#[inline(never)]
pub(super) fn at_least(values: &PerDesk, least: f64) -> u32 {
    let masks = groups(values).map(|group| group.cmp_ge(f64x4::splat(least)).move_mask());
    masks.into_iter().rev().fold(0, |all, mask| all << LANES | mask as u32)
}

/// The largest of a number for each desk. Not inlined, as the next: the code is as cold as the article.
#[inline(never)]
pub(super) fn most(values: &PerDesk) -> f64 {
    let [a, b, c] = groups(values);
    let [a, b, c, d] = a.fast_max(b).fast_max(c).to_array();
    let larger = |a: f64, b: f64| if a > b { a } else { b };
    larger(larger(a, b), larger(c, d))
}

/// The sum of a number for each desk.
#[inline(never)]
pub(super) fn sum(values: &PerDesk) -> f64 {
    let [a, b, c] = groups(values);
    let [a, b, c, d] = (a + b + c).to_array();
    (a + b) + (c + d)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equal_the_plain_way(values in proptest::array::uniform11(0.0..2.0_f64), least in 0.0..2.0_f64) {
            let all = padded(&values);
            prop_assert_eq!(most(&all), values.into_iter().fold(0.0, f64::max));
            prop_assert!((sum(&all) - values.iter().sum::<f64>()).abs() < 1e-12);
            for (desk, value) in values.into_iter().enumerate() {
                prop_assert_eq!(at_least(&all, least) >> desk & 1 != 0, value >= least);
                prop_assert_ne!(at_least(&all, value) >> desk & 1, 0);
            }
            prop_assert_eq!(of_groups(|group| groups(&all)[group]), all);
        }
    }
}
