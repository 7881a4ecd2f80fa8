//! The features that have a name: what valence stands where around the target,
//! who judges whom, who speaks.

use super::{
    lexicon::{CLASSES, SAY, flag},
    mask::{Kind, Masked, symbol},
    position::Position,
    roles::{self, Cue, Role},
    valence,
};

/// How many there are.
pub(crate) const DENSE: usize = CHANNELS * CHANNEL + MISC + CLASSES.len() * 8 + 8;
/// Valence from the lexicon, and as inferred.
pub(super) const CHANNELS: usize = 2;
/// Numbers of a channel and sign, by place.
pub(super) const POLAR: usize = 28;
/// Segments whose valence is summed up.
pub(super) const COMPOUNDS: usize = 8;
/// Numbers of a channel: of favourable words, of unfavourable ones, of segments.
pub(super) const CHANNEL: usize = (POLAR + COMPOUNDS) * 2;
const MISC: usize = 16;

/// Values of one sentence.
pub(super) type Dense = [f32; DENSE];

/// Fills `out` for a masked sentence with its cues.
pub(super) fn fill(masked: &Masked, positions: &[Position], cues: &[Cue], out: &mut Dense) {
    out.fill(0.0);
    valence::fill(&masked.items, positions, out);
    rest(masked, cues, |at, value| {
        if let Some(slot) = out.get_mut(at) {
            *slot += value;
        }
    });
}

/// All features but those of valence: gives `see` the index of each that is not zero, with a value to add to it.
#[inline(always)]
pub(super) fn rest(masked: &Masked, cues: &[Cue], mut see: impl FnMut(usize, f32)) {
    let primary = masked.targets.first().copied().unwrap_or(0);
    let mut at = CHANNELS * CHANNEL;
    for (i, value) in misc(masked, primary).into_iter().enumerate() {
        see(at + i, value);
    }
    at += MISC;
    for cue in cues {
        let role = usize::from(cue.role == Role::Theme);
        let slot = at + ((cue.class * 2 + role) * 2 + usize::from(cue.negated)) * 2;
        see(slot + usize::from(cue.distance > 3), 1.0);
    }
    speech(masked, cues, primary, |i, value| see(at + CLASSES.len() * 8 + i, value));
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

fn misc(masked: &Masked, primary: usize) -> [f32; MISC] {
    let items = &masked.items;
    let item = |i: Option<usize>| i.and_then(|i| items.get(i));
    let (before, after) = (item(primary.checked_sub(1)), item(Some(primary + 1)));
    let yes = |b: bool| f32::from(u8::from(b));
    let (mut names, mut negations, mut quote, mut question) = (0u16, 0u16, false, false);
    for item in items {
        names += u16::from(item.kind == Kind::Entity);
        negations += u16::from(item.entry.is(flag::NEGATION));
        quote |= item.hash == symbol::MARK.wrapping_mul(u64::from('"'));
        question |= item.hash == symbol::MARK.wrapping_mul(u64::from('?'));
    }
    let n = items.len().max(1) as f32;
    [
        1.0,
        masked.targets.len() as f32 * 0.4,
        primary as f32 / n,
        n.ln() * 0.3,
        yes(quote),
        yes(item(Some(primary)).is_some_and(|i| i.quoted)),
        (f32::from(names) * 0.3).min(2.0),
        yes(after.is_some_and(|i| i.hash == symbol::POSSESSIVE)),
        yes(primary == 0),
        yes(question),
        yes(after.is_some_and(|i| i.entry.verb as usize == SAY + 1)),
        yes(before.is_some_and(|i| i.entry.is(flag::PREPOSITION))),
        yes(before.is_some_and(|i| i.entry.is(flag::FROM))),
        yes(after.is_some_and(|i| i.entry.is(flag::BE))),
        yes(before.is_some_and(|i| i.entry.verb > 0)),
        f32::from(negations) * 0.5,
    ]
}

/// What is said by the target, and what others say: valence by who speaks.
#[inline(always)]
fn speech(masked: &Masked, cues: &[Cue], primary: usize, mut see: impl FnMut(usize, f32)) {
    let (speaks, judged) = (roles::speaks(cues), roles::judged(cues));
    if !speaks && !judged {
        return;
    }
    for (i, item) in masked.items.iter().enumerate().filter(|(_, i)| i.entry.is_polar()) {
        let value = item.entry.valence() / 4.0 * if item.negated { -0.7 } else { 1.0 };
        let (sign, size) = (usize::from(value < 0.0), value.abs());
        if speaks && i > primary {
            see(sign, size);
        }
        if speaks && item.quoted {
            see(2 + sign, size);
        }
        if judged {
            see(4 + sign, size);
        }
    }
    see(6, f32::from(u8::from(speaks)));
    see(7, f32::from(u8::from(judged)));
}
