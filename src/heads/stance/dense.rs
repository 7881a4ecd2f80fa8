//! The features that have a name: what valence stands where around the target,
//! who judges whom, who speaks.

use super::{
    lexicon::{CLASSES, SAY, flag},
    mask::{Kind, Masked, symbol},
    roles::{Cue, Role},
};
use std::sync::OnceLock;

/// How many there are.
pub(crate) const DENSE: usize = CHANNELS * (POLAR * 2 + COMPOUNDS * 2) + MISC + CLASSES.len() * 8 + 8;
/// Valence from the lexicon, and as inferred.
const CHANNELS: usize = 2;
const POLAR: usize = 28;
const COMPOUNDS: usize = 8;
const MISC: usize = 16;

/// Values of one sentence.
pub(super) type Dense = [f32; DENSE];

/// exp(-d/5) and exp(-d/10) by distance.
fn decays() -> &'static [(f32, f32); 64] {
    static DECAYS: OnceLock<[(f32, f32); 64]> = OnceLock::new();
    DECAYS.get_or_init(|| std::array::from_fn(|d| ((-(d as f32) / 5.0).exp(), (-(d as f32) / 10.0).exp())))
}

/// A word of known valence and where it stands.
struct Polar {
    at: usize,
    value: f32,
    quoted: bool,
}

/// Fills `out` for a masked sentence with its cues.
pub(super) fn fill(masked: &Masked, cues: &[Cue], clause: (usize, usize), out: &mut Dense) {
    out.fill(0.0);
    let primary = masked.targets.first().copied().unwrap_or(0);
    let zones = zones(masked);
    let mut at = 0;
    for channel in 0..CHANNELS {
        let mut sums = [0.0f32; COMPOUNDS];
        for (i, item) in masked.items.iter().enumerate() {
            let value = if channel == 0 { item.entry.valence() / 2.0 } else { item.entry.induced() };
            if value.abs() < 0.2 {
                continue;
            }
            let polar = Polar { at: i, value: if item.negated { -0.7 * value } else { value }, quoted: item.quoted };
            add_polar(&polar, masked, clause, zones, at, out);
            for (sum, inside) in sums.iter_mut().zip(segments(i, primary, clause, zones)) {
                *sum += if inside { polar.value } else { 0.0 };
            }
        }
        at += POLAR * 2;
        for sum in sums {
            let compound = sum / (sum * sum + 4.0).sqrt();
            put(out, at, compound.max(0.0));
            put(out, at + 1, (-compound).max(0.0));
            at += 2;
        }
    }
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

fn put(out: &mut Dense, at: usize, value: f32) {
    if let Some(slot) = out.get_mut(at) {
        *slot = value;
    }
}

fn bump(out: &mut Dense, at: usize, value: f32) {
    if let Some(slot) = out.get_mut(at) {
        *slot += value;
    }
}

/// The nearest names or breaks around the first mention: beyond them others are spoken of.
pub(super) fn zones(masked: &Masked) -> (usize, usize) {
    let primary = masked.targets.first().copied().unwrap_or(0);
    let edge = |i: &super::mask::Item| i.kind == Kind::Entity || i.breaks;
    let left = masked.items.iter().take(primary).rposition(edge).map_or(0, |i| i + 1);
    let right = masked.items.iter().skip(primary + 1).position(edge).map_or(masked.items.len(), |i| primary + 1 + i);
    (left, right)
}

fn segments(i: usize, primary: usize, clause: (usize, usize), zones: (usize, usize)) -> [bool; COMPOUNDS] {
    [
        true,
        i < primary,
        i > primary,
        i + 8 >= primary && i <= primary + 8,
        clause.0 <= i && i < clause.1,
        zones.0 <= i && i < primary,
        primary < i && i < zones.1,
        i < zones.0 || i >= zones.1,
    ]
}

fn add_polar(
    polar: &Polar,
    masked: &Masked,
    clause: (usize, usize),
    zones: (usize, usize),
    at: usize,
    out: &mut Dense,
) {
    let primary = masked.targets.first().copied().unwrap_or(0);
    let nearest = masked.targets.iter().copied().min_by_key(|t| t.abs_diff(polar.at)).unwrap_or(primary);
    let distance = nearest.abs_diff(polar.at);
    let right = usize::from(polar.at > nearest);
    let base = at + if polar.value > 0.0 { 0 } else { POLAR };
    let size = polar.value.abs();
    let near = distance as f32;
    let (fast, slow) = decays().get(distance).copied().unwrap_or_default();
    let exp5 = size * fast;
    bump(out, base, size * 0.5);
    bump(out, base + 1, if polar.quoted { size * 0.5 } else { 0.0 });
    bump(out, base + 2, size / (1.0 + near) * 2.0);
    bump(out, base + 3, exp5);
    bump(out, base + 4, size * slow);
    bump(out, base + 5, if clause.0 <= polar.at && polar.at < clause.1 { size * 0.7 } else { 0.0 });
    bump(out, base + 6 + right, size * 0.5);
    bump(out, base + 8 + right, exp5);
    let bucket = match distance {
        0..=1 => 0,
        2..=3 => 1,
        4..=6 => 2,
        7..=10 => 3,
        _ => 4,
    };
    bump(out, base + 10 + right * 5 + bucket, size);
    let zone = if polar.at < zones.0 {
        0
    } else if polar.at < primary {
        1
    } else if polar.at < zones.1 {
        2
    } else {
        3
    };
    bump(out, base + 20 + zone, size * 0.7);
    bump(out, base + 24 + zone, 0.7);
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
