//! What valence stands where around the target: the features by name, which
//! training learns from, and the same as serving adds them up. Both are linear in
//! a word's valence, so all that a place says of it is one row of a table.

use super::{
    dense::{CHANNEL, CHANNELS, COMPOUNDS, POLAR},
    mask::Item,
    model::{CLASSES, Scores},
    position::Position,
};
use std::sync::OnceLock;

/// Valences below this say nothing.
const LEAST: f32 = 0.2;
/// Valence that a negation leaves.
const NEGATED: f32 = -0.7;
/// Favourable and unfavourable, of each channel.
const SIGNS: usize = 2 * CHANNELS;
/// Distances, before and behind.
const DISTANCES: usize = 128;

/// exp(-d/5) and exp(-d/10) by distance.
fn decays() -> &'static [(f32, f32); 64] {
    static DECAYS: OnceLock<[(f32, f32); 64]> = OnceLock::new();
    DECAYS.get_or_init(|| std::array::from_fn(|d| ((-(d as f32) / 5.0).exp(), (-(d as f32) / 10.0).exp())))
}

/// A word's valence of each channel: from the lexicon, and as inferred.
#[inline(always)]
fn channels(item: &Item) -> [f32; CHANNELS] {
    let sign = if item.negated { NEGATED } else { 1.0 };
    [item.entry.valence() / 2.0, item.entry.induced()].map(|v| if v.abs() < LEAST { 0.0 } else { v * sign })
}

/// The segments in which a word lies: all, before, behind, beside, the clause, zone before, zone behind, beyond both.
#[inline(always)]
fn segments(position: Position) -> [bool; COMPOUNDS] {
    let (place, zone) = (position.place(), position.place() >> 2);
    [true, zone < 2, zone >= 2, position.beside, place & 2 != 0, zone == 1, zone == 2, zone == 0 || zone == 3]
}

/// What a feature of a sign counts for each valence at a distance, by its index.
fn at_distance(distance: usize, behind: bool) -> [(usize, f32); 7] {
    let ((fast, slow), side) = (decays()[distance.min(63)], usize::from(behind));
    let bucket = match distance {
        0..=1 => 0,
        2..=3 => 1,
        4..=6 => 2,
        7..=10 => 3,
        _ => 4,
    };
    let near = 2.0 / (1.0 + distance as f32);
    [(0, 0.5), (2, near), (3, fast), (4, slow), (6 + side, 0.5), (8 + side, fast), (10 + side * 5 + bucket, 1.0)]
}

/// The same by the bits of the place.
fn at_place(place: usize) -> [(usize, f32); 3] {
    let bit = |at: usize| (place >> at & 1) as f32;
    [(1, 0.5 * bit(0)), (5, 0.7 * bit(1)), (20 + (place >> 2), 0.7)]
}

/// What the zone says however large the valence is.
fn at_zone(zone: usize) -> (usize, f32) {
    (24 + zone, 0.7)
}

/// The features by name, added to `out`.
pub(super) fn fill(items: &[Item], positions: &[Position], out: &mut [f32]) {
    let mut sums = [[0.0f32; COMPOUNDS]; CHANNELS];
    for (item, position) in items.iter().zip(positions).filter(|(i, _)| i.entry.has_valence()) {
        for (channel, value) in channels(item).into_iter().enumerate().filter(|c| c.1 != 0.0) {
            let at = channel * CHANNEL + if value > 0.0 { 0 } else { POLAR };
            let mut bump = |index: usize, by: f32| out[at + index] += by;
            let near = at_distance(position.distance.into(), position.behind);
            near.into_iter().chain(at_place(position.place())).for_each(|(i, by)| bump(i, by * value.abs()));
            let (index, by) = at_zone(position.place() >> 2);
            bump(index, by);
            for (sum, inside) in sums[channel].iter_mut().zip(segments(*position)) {
                *sum += if inside { value } else { 0.0 };
            }
        }
    }
    for (channel, sums) in sums.iter().enumerate() {
        for (segment, sum) in sums.iter().enumerate() {
            let (at, compound) = (channel * CHANNEL + POLAR * 2 + segment * 2, compound(*sum));
            out[at] = compound.max(0.0);
            out[at + 1] = (-compound).max(0.0);
        }
    }
}

fn compound(sum: f32) -> f32 {
    sum / (sum * sum + 4.0).sqrt()
}

/// For each label and sign a number.
type Says = [[f32; SIGNS]; CLASSES];

/// The weights of the features, put together by place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Valences {
    by_distance: Vec<Says>,
    by_place: [Says; 16],
    by_zone: [Says; 4],
    /// Of favourable and unfavourable compounds, channel after channel.
    compounds: [[[f32; CHANNELS * COMPOUNDS]; 2]; CLASSES],
}

impl Valences {
    /// From the weights of the dense features, label by label.
    pub(super) fn new(dense: &[Vec<f32>; CLASSES]) -> Self {
        let weight = |class: usize, at: usize| dense.get(class).and_then(|d| d.get(at)).copied().unwrap_or(0.0);
        let says = |features: &[(usize, f32)]| -> Says {
            std::array::from_fn(|class| {
                std::array::from_fn(|sign| {
                    let at = sign / 2 * CHANNEL + sign % 2 * POLAR;
                    features.iter().map(|(i, by)| by * weight(class, at + i)).sum()
                })
            })
        };
        let compounds = |class: usize, sign: usize, at: usize| {
            weight(class, at / COMPOUNDS * CHANNEL + POLAR * 2 + at % COMPOUNDS * 2 + sign)
        };
        Self {
            by_distance: (0..DISTANCES).map(|at| says(&at_distance(at & 63, at > 63))).collect(),
            by_place: std::array::from_fn(|place| says(&at_place(place))),
            by_zone: std::array::from_fn(|zone| says(&[at_zone(zone)])),
            compounds: std::array::from_fn(|class| {
                std::array::from_fn(|sign| std::array::from_fn(|at| compounds(class, sign, at)))
            }),
        }
    }

    /// Adds to `scores` what the features that [`fill`] names say.
    #[inline(always)]
    pub(super) fn add(&self, items: &[Item], positions: &[Position], scores: &mut Scores) {
        let mut sums = [[0.0f32; COMPOUNDS]; CHANNELS];
        let mut says = [[0.0f32; SIGNS]; CLASSES];
        for (item, position) in items.iter().zip(positions).filter(|(i, _)| i.entry.has_valence()) {
            let [own, inferred] = channels(item);
            let sizes = [own.max(0.0), (-own).max(0.0), inferred.max(0.0), (-inferred).max(0.0)];
            let some = sizes.map(|s| if s > 0.0 { 1.0f32 } else { 0.0 });
            let at = usize::from(position.distance & 63) + if position.behind { 64 } else { 0 };
            let (Some(near), place) = (self.by_distance.get(at), position.place()) else { continue };
            let (place, zone) = (&self.by_place[place & 15], &self.by_zone[place >> 2 & 3]);
            for (((says, near), place), zone) in says.iter_mut().zip(near).zip(place).zip(zone) {
                for sign in 0..SIGNS {
                    says[sign] += sizes[sign] * (near[sign] + place[sign]) + some[sign] * zone[sign];
                }
            }
            let inside = segments(*position).map(|s| if s { 1.0f32 } else { 0.0 });
            for (sums, value) in sums.iter_mut().zip([own, inferred]) {
                for (sum, inside) in sums.iter_mut().zip(inside) {
                    *sum += value * inside;
                }
            }
        }
        let mut compounds = [0.0; CHANNELS * COMPOUNDS];
        compounds.iter_mut().zip(sums.as_flattened()).for_each(|(to, sum)| *to = compound(*sum));
        for ((score, says), weights) in scores.iter_mut().zip(says).zip(&self.compounds) {
            *score += says.iter().sum::<f32>();
            let mut parts = [0.0f32; CHANNELS * COMPOUNDS];
            for (at, part) in parts.iter_mut().enumerate() {
                *part = compounds[at].max(0.0) * weights[0][at] + (-compounds[at]).max(0.0) * weights[1][at];
            }
            *score += parts.iter().sum::<f32>();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::dense::DENSE, super::lexicon::lexicon, super::position::CELLS, *};
    use crate::text::hash_word;
    use proptest::prelude::*;

    const WORDS: [&str; 8] = ["murder", "praise", "good", "table", "crisis", "honest", "lied", "of"];

    proptest! {
        #[test]
        fn equals_the_features_by_name(
            words in prop::collection::vec((0usize..8, any::<bool>(), 0u16..CELLS as u16 - 1, 0u8..64, any::<[bool; 2]>()), 0..40),
        ) {
            let dense: [Vec<f32>; CLASSES] =
                std::array::from_fn(|c| (0..DENSE).map(|i| ((i * 31 + c * 17) % 41) as f32 / 20.0 - 1.0).collect());
            let item = |w: usize, negated| {
                let entry = lexicon().get(hash_word(WORDS[w].as_bytes()));
                Item { entry, negated, ..Item::default() }
            };
            let items: Vec<Item> = words.iter().map(|w| item(w.0, w.1)).collect();
            let positions: Vec<Position> = words
                .iter()
                .map(|w| Position { cell: w.2, distance: w.3, behind: w.4[0], beside: w.4[1] })
                .collect();
            let mut features = [0.0; DENSE];
            fill(&items, &positions, &mut features);
            let mut scores = Scores::default();
            Valences::new(&dense).add(&items, &positions, &mut scores);
            for (score, weights) in scores.iter().zip(&dense) {
                let plain: f32 = features.iter().zip(weights).map(|(f, w)| f * w).sum();
                prop_assert!((plain - score).abs() < 1e-3 * (1.0 + plain.abs()), "{plain} {score}");
            }
        }
    }
}
