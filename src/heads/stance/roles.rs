//! Who does what to whom, read off the surface: whether the target is the
//! agent ("T criticised", "criticism by T") or the theme ("criticised T",
//! "T was criticised", "criticism of T") of a judging verb or noun.

use super::{
    lexicon::{SAY, flag},
    mask::{Item, Kind, Masked, symbol},
};

/// The target's part in what a cue word says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It does it.
    Agent,
    /// It is done to it.
    Theme,
}

/// A cue word with the target's part in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cue {
    /// Index in [`super::lexicon::CLASSES`].
    pub(super) class: usize,
    /// The target's part.
    pub(super) role: Role,
    /// "did not", "no".
    pub(super) negated: bool,
    /// Items between the two.
    pub(super) distance: usize,
    /// Index of the cue word.
    pub(super) at: usize,
}

/// Whether the target speaks or judges.
pub(super) fn speaks(cues: &[Cue]) -> bool {
    cues.iter().any(|c| c.role == Role::Agent && matches!(c.class, 0 | 1 | SAY | 7))
}

/// Whether it is criticised or praised.
pub(super) fn judged(cues: &[Cue]) -> bool {
    cues.iter().any(|c| c.role == Role::Theme && c.class <= 1)
}

/// Furthest cue that is looked at.
const REACH: usize = 12;

/// The cues of every mention, appended to `cues`.
pub(super) fn find(masked: &Masked, cues: &mut Vec<Cue>) {
    cues.clear();
    for &target in &masked.targets {
        rightward(&masked.items, target, cues);
        leftward(&masked.items, target, cues);
    }
}

fn is_possessive(item: Option<&Item>) -> bool {
    item.is_some_and(|i| i.hash == symbol::POSSESSIVE)
}

fn add(cues: &mut Vec<Cue>, class: u8, role: Role, negated: bool, distance: usize, at: usize) {
    if class > 0 {
        cues.push(Cue { class: class as usize - 1, role, negated, distance, at });
    }
}

/// Cues after the target: it is their subject, unless a passive turns that around.
fn rightward(items: &[Item], target: usize, cues: &mut Vec<Cue>) {
    let possessive = is_possessive(items.get(target + 1));
    // "critics of T said", "a plan by T failed": T is no subject.
    let governed = target.checked_sub(1).and_then(|i| items.get(i)).is_some_and(|i| i.entry.is(flag::PREPOSITION));
    let mut passive = false;
    let mut comma = 0;
    let mut infinitive = false;
    for (i, item) in items.iter().enumerate().skip(target + 1).take(REACH) {
        let distance = i - target - 1;
        match item.kind {
            Kind::Mark => {
                if item.breaks {
                    break;
                }
                comma += 1;
                continue;
            }
            Kind::Target => break,
            // "T, X said": another subject.
            Kind::Entity => {
                let after_comma = items.get(i - 1).is_some_and(|p| p.kind == Kind::Mark);
                if after_comma && comma == 1 || items.get(i - 1).is_some_and(|p| p.entry.is(flag::RELATIVE)) {
                    break;
                }
                continue;
            }
            Kind::Word => {}
        }
        if item.breaks || (item.entry.is(flag::SUBJECT) && !item.entry.is(flag::RELATIVE)) {
            break;
        }
        passive |= item.entry.is(flag::BE);
        if item.entry.noun > 0 && possessive && distance <= 5 {
            add(cues, item.entry.noun, Role::Agent, item.negated, distance, i);
            break;
        }
        if item.entry.verb > 0 && !governed {
            let nominal = possessive && !passive;
            let turned = item.entry.is(flag::PARTICIPLE) && (passive || reduced(items, i));
            let role = if turned { Role::Theme } else { Role::Agent };
            if !nominal || distance > 2 {
                add(cues, item.entry.verb, role, item.negated, distance, i);
                if infinitive || !matches!(item.entry.verb as usize, 5) {
                    break;
                }
                infinitive = true;
            }
            passive = false;
        }
    }
}

/// "T, criticised by": a participle with its agent right behind it.
fn reduced(items: &[Item], verb: usize) -> bool {
    let by = items.get(verb + 1).is_some_and(|i| i.entry.is(flag::FROM));
    let after_comma = verb.checked_sub(1).and_then(|i| items.get(i)).is_some_and(|i| i.kind == Kind::Mark);
    by || (after_comma && items.get(verb + 1).is_some_and(|i| i.entry.is(flag::PREPOSITION)))
}

/// Cues before the target: it is their object, unless "by" makes it the agent.
fn leftward(items: &[Item], target: usize, cues: &mut Vec<Cue>) {
    let mut by = false;
    let mut at = false;
    let mut crossed = 0;
    for distance in 0..REACH {
        let Some(i) = target.checked_sub(distance + 1) else { break };
        let Some(item) = items.get(i) else { break };
        match item.kind {
            Kind::Mark => {
                if item.breaks {
                    break;
                }
                crossed += 1;
                continue;
            }
            Kind::Target => break,
            Kind::Entity => {
                crossed += 1;
                continue;
            }
            Kind::Word => {}
        }
        if item.breaks || crossed > 2 {
            break;
        }
        if crossed == 0 && item.entry.is(flag::PREPOSITION | flag::AT | flag::FROM) && !(by || at) {
            by = item.entry.is(flag::FROM);
            at = !by;
        }
        // "attack" is a noun where it stands like one: "the attack on T".
        let noun = item.entry.noun > 0 && (item.entry.verb == 0 || (by || at) && noun_place(items, i));
        let class = if noun { item.entry.noun } else { item.entry.verb };
        if class > 0 {
            let role = if by { Role::Agent } else { Role::Theme };
            add(cues, class, role, item.negated, distance + 4 * crossed, i);
            break;
        }
    }
}

/// Whether the word at `i` stands like a noun: after an article, adjective mark or possessive.
fn noun_place(items: &[Item], i: usize) -> bool {
    let Some(before) = i.checked_sub(1).and_then(|b| items.get(b)) else { return true };
    before.kind == Kind::Mark
        || is_possessive(Some(before))
        || before.entry.is(flag::STOP) && !before.entry.is(flag::BE | flag::SUBJECT)
}
