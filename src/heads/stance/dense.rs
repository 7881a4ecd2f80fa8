//! The features that have a name: what valence stands where around the target,
//! who judges whom, who speaks.

use super::{
    lexicon::{CLASSES, SAY, flag},
    mask::{Item, Kind, Masked, symbol},
    roles::{Cue, Role},
};
use std::sync::OnceLock;

/// How many there are.
pub(crate) const DENSE: usize = CHANNELS * CHANNEL + MISC + CLASSES.len() * 8 + 8;
/// Valence from the lexicon, and as inferred.
const CHANNELS: usize = 2;
const POLAR: usize = 28;
const COMPOUNDS: usize = 8;
/// Numbers of a channel: of favourable words, of unfavourable ones, of segments.
const CHANNEL: usize = (POLAR + COMPOUNDS) * 2;
const MISC: usize = 16;

/// Values of one sentence.
pub(super) type Dense = [f32; DENSE];

/// exp(-d/5) and exp(-d/10) by distance.
fn decays() -> &'static [(f32, f32); 64] {
    static DECAYS: OnceLock<[(f32, f32); 64]> = OnceLock::new();
    DECAYS.get_or_init(|| std::array::from_fn(|d| ((-(d as f32) / 5.0).exp(), (-(d as f32) / 10.0).exp())))
}

/// Where a word of known valence stands, as seen from the target.
struct Place {
    /// Items to the nearest mention.
    distance: usize,
    /// Behind it.
    right: bool,
    quoted: bool,
    in_clause: bool,
    /// Before the target's zone, in it before the target, in it behind, behind it.
    zone: usize,
    segments: [bool; COMPOUNDS],
}

/// Fills `out` for a masked sentence with its cues. `clause` and `zones`: those of the target.
pub(super) fn fill(masked: &Masked, cues: &[Cue], clause: (usize, usize), zones: (usize, usize), out: &mut Dense) {
    out.fill(0.0);
    let primary = masked.targets.first().copied().unwrap_or(0);
    let mut sums = [[0.0f32; COMPOUNDS]; CHANNELS];
    for (i, item) in masked.items.iter().enumerate().filter(|(_, i)| i.entry.has_valence()) {
        let place = Place::new(i, item, masked, clause, zones);
        for (channel, (value, sums)) in
            [item.entry.valence() / 2.0, item.entry.induced()].iter().zip(&mut sums).enumerate()
        {
            if value.abs() < 0.2 {
                continue;
            }
            let value = if item.negated { -0.7 * value } else { *value };
            let at = channel * CHANNEL + if value > 0.0 { 0 } else { POLAR };
            if let Some(out) = out.get_mut(at..).and_then(<[f32]>::first_chunk_mut) {
                place.add(value.abs(), out);
            }
            for (sum, inside) in sums.iter_mut().zip(place.segments) {
                *sum += if inside { value } else { 0.0 };
            }
        }
    }
    for (channel, sums) in sums.iter().enumerate() {
        for (segment, sum) in sums.iter().enumerate().filter(|(_, s)| **s != 0.0) {
            let at = channel * CHANNEL + POLAR * 2 + segment * 2;
            let compound = sum / (sum * sum + 4.0).sqrt();
            put(out, at, compound.max(0.0));
            put(out, at + 1, (-compound).max(0.0));
        }
    }
    let mut at = CHANNELS * CHANNEL;
    misc(masked, primary, out, at);
    at += MISC;
    for cue in cues {
        let role = usize::from(cue.role == Role::Theme);
        let slot = at + ((cue.class * 2 + role) * 2 + usize::from(cue.negated)) * 2;
        bump(out, slot + usize::from(cue.distance > 3), 1.0);
    }
    at += CLASSES.len() * 8;
    speech(masked, cues, primary, out, at);
}

/// The compound valence by the lexicon, -1 to 1: of the whole sentence, and of the eight words on either side of the
/// target.
pub(crate) fn compounds(dense: &[f32]) -> [f32; 2] {
    let value = |at: usize| dense.get(at).copied().unwrap_or(0.0);
    [0, 3].map(|segment| {
        let at = POLAR * 2 + segment * 2;
        value(at) - value(at + 1)
    })
}

/// Whether the target speaks or judges.
pub(crate) fn speaks(dense: &[f32]) -> bool {
    dense.get(DENSE - 2).is_some_and(|v| *v > 0.0)
}

fn put(out: &mut [f32], at: usize, value: f32) {
    if let Some(slot) = out.get_mut(at) {
        *slot = value;
    }
}

fn bump(out: &mut [f32], at: usize, value: f32) {
    if let Some(slot) = out.get_mut(at) {
        *slot += value;
    }
}

/// The nearest names or breaks around the first mention: beyond them others are spoken of.
pub(super) fn zones(masked: &Masked) -> (usize, usize) {
    let primary = masked.targets.first().copied().unwrap_or(0);
    let edge = |i: &Item| i.kind == Kind::Entity || i.breaks;
    let left = masked.items.iter().take(primary).rposition(edge).map_or(0, |i| i + 1);
    let right = masked.items.iter().skip(primary + 1).position(edge).map_or(masked.items.len(), |i| primary + 1 + i);
    (left, right)
}

impl Place {
    fn new(i: usize, item: &Item, masked: &Masked, clause: (usize, usize), zones: (usize, usize)) -> Self {
        let primary = masked.targets.first().copied().unwrap_or(0);
        let nearest = masked.targets.iter().copied().min_by_key(|t| t.abs_diff(i)).unwrap_or(primary);
        let in_clause = clause.0 <= i && i < clause.1;
        let zone = match i {
            _ if i < zones.0 => 0,
            _ if i < primary => 1,
            _ if i < zones.1 => 2,
            _ => 3,
        };
        Self {
            distance: nearest.abs_diff(i),
            right: i > nearest,
            quoted: item.quoted,
            in_clause,
            zone,
            segments: [
                true,
                i < primary,
                i > primary,
                i + 8 >= primary && i <= primary + 8,
                in_clause,
                zone == 1,
                zone == 2 && i > primary,
                matches!(zone, 0 | 3),
            ],
        }
    }

    /// Adds a valence of this size to the numbers of its sign.
    fn add(&self, size: f32, out: &mut [f32; POLAR]) {
        let (fast, slow) = decays().get(self.distance).copied().unwrap_or_default();
        let (exp5, right) = (size * fast, usize::from(self.right));
        out[0] += size * 0.5;
        out[1] += if self.quoted { size * 0.5 } else { 0.0 };
        out[2] += size / (1.0 + self.distance as f32) * 2.0;
        out[3] += exp5;
        out[4] += size * slow;
        out[5] += if self.in_clause { size * 0.7 } else { 0.0 };
        let bucket = match self.distance {
            0..=1 => 0,
            2..=3 => 1,
            4..=6 => 2,
            7..=10 => 3,
            _ => 4,
        };
        bump(out, 6 + right, size * 0.5);
        bump(out, 8 + right, exp5);
        bump(out, 10 + right * 5 + bucket, size);
        bump(out, 20 + self.zone, size * 0.7);
        bump(out, 24 + self.zone, 0.7);
    }
}

fn misc(masked: &Masked, primary: usize, out: &mut Dense, at: usize) {
    let items = &masked.items;
    let item = |i: Option<usize>| i.and_then(|i| items.get(i));
    let (before, after) = (item(primary.checked_sub(1)), item(Some(primary + 1)));
    let yes = |b: bool| f32::from(u8::from(b));
    let marks = |c: char| {
        let hash = symbol::MARK.wrapping_mul(u64::from(c));
        items.iter().any(|i| i.hash == hash && i.kind == Kind::Mark)
    };
    let names = items.iter().filter(|i| i.kind == Kind::Entity).count() as f32;
    let n = items.len().max(1) as f32;
    let values = [
        1.0,
        masked.targets.len() as f32 * 0.4,
        primary as f32 / n,
        n.ln() * 0.3,
        yes(marks('"')),
        yes(item(Some(primary)).is_some_and(|i| i.quoted)),
        (names * 0.3).min(2.0),
        yes(after.is_some_and(|i| i.hash == symbol::POSSESSIVE)),
        yes(primary == 0),
        yes(marks('?')),
        yes(after.is_some_and(|i| i.entry.verb as usize == SAY + 1)),
        yes(before.is_some_and(|i| i.entry.is(flag::PREPOSITION))),
        yes(before.is_some_and(|i| i.entry.is(flag::FROM))),
        yes(after.is_some_and(|i| i.entry.is(flag::BE))),
        yes(before.is_some_and(|i| i.entry.verb > 0)),
        items.iter().filter(|i| i.entry.is(flag::NEGATION)).count() as f32 * 0.5,
    ];
    for (i, value) in values.into_iter().enumerate() {
        put(out, at + i, value);
    }
}

/// What is said by the target, and what others say: valence by who speaks.
fn speech(masked: &Masked, cues: &[Cue], primary: usize, out: &mut Dense, at: usize) {
    let speaks = cues.iter().any(|c| c.role == Role::Agent && matches!(c.class, 0 | 1 | SAY | 7));
    let judged = cues.iter().any(|c| c.role == Role::Theme && c.class <= 1);
    for (i, item) in masked.items.iter().enumerate() {
        if !item.entry.is_polar() {
            continue;
        }
        let value = item.entry.valence() / 4.0 * if item.negated { -0.7 } else { 1.0 };
        let sign = usize::from(value < 0.0);
        if speaks && i > primary {
            bump(out, at + sign, value.abs());
        }
        if speaks && item.quoted {
            bump(out, at + 2 + sign, value.abs());
        }
        if judged {
            bump(out, at + 4 + sign, value.abs());
        }
    }
    put(out, at + 6, f32::from(u8::from(speaks)));
    put(out, at + 7, f32::from(u8::from(judged)));
}
