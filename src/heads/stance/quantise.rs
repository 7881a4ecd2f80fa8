//! Weights rounded to a byte.

use super::model::CLASSES;

/// How numbers are rounded: to multiples of a step, at most 127 of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quantised {
    /// The step.
    pub(super) step: f32,
}

impl Quantised {
    /// For numbers of which the largest is among these.
    pub(super) fn over(numbers: impl Iterator<Item = f32>) -> Self {
        let most = numbers.fold(0.0f32, |most, n| most.max(n.abs()));
        Self { step: if most > 0.0 { most / 127.0 } else { 1.0 } }
    }

    /// One for each pool of rows.
    pub(super) fn by_pool<const POOLS: usize>(rows: &[[[f32; CLASSES]; POOLS]]) -> [Self; POOLS] {
        std::array::from_fn(|pool| Self::over(rows.iter().filter_map(|row| row.get(pool)).flatten().copied()))
    }

    /// How many steps a number is.
    pub(super) fn round(&self, number: f32) -> i8 {
        // A cast from a float saturates.
        (number / self.step).round().clamp(-127.0, 127.0) as i8
    }
}

/// 1 / sqrt(n) by n; 1 for none.
#[inline(always)]
pub(crate) fn inverse_root(n: u8) -> f32 {
    ROOTS[usize::from(n)]
}

static ROOTS: [f32; 256] = {
    let mut roots = [1.0; 256];
    let mut n = 1;
    while n < roots.len() {
        // Newton's way: a constant cannot call `sqrt`.
        let (mut root, mut round) = (1.0f64 + n as f64 / 16.0, 0);
        while round < 12 {
            root = (root + n as f64 / root) / 2.0;
            round += 1;
        }
        roots[n] = (1.0 / root) as f32;
        n += 1;
    }
    roots
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_exact() {
        for n in 1..=255u8 {
            assert!((inverse_root(n) - 1.0 / f32::from(n).sqrt()).abs() < 1e-6, "{n}");
        }
    }

    #[test]
    fn rounds_to_half_a_step() {
        let q = Quantised::over([0.5, -2.0].into_iter());
        assert_eq!((q.round(-2.0), q.round(9.0), q.round(0.0)), (-127, 127, 0));
        assert!((f32::from(q.round(0.5)) * q.step - 0.5).abs() <= q.step / 2.0);
    }
}
