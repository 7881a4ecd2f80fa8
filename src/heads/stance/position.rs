//! Where each word of a masked sentence stands, seen from the target, and the
//! pools of words that follow from it.

use super::{
    lexicon::flag,
    mask::{Item, Kind, Masked},
    roles::{self, Cue},
};

/// Pools of words: all, on either side, near, clause, by the names in between, by distance, where the target is judged and
/// where it speaks, negated, quoted, behind in the clause.
pub(crate) const POOLS: usize = 21;
/// Numbers of the table of words by position.
pub(super) const CELLS: usize = NOWHERE as usize + 1;
/// The cell of the target itself.
const NOWHERE: u16 = 1 << (GATES + 2);
/// First bit of the distance in a cell.
const BUCKET: u32 = 5;
/// First of the bits in a cell that all words of a sentence share.
const GATES: u32 = 8;
/// Bit of a negated word in a cell.
const NEGATED: u32 = 4;
/// Furthest distance that is told apart.
const FAR: usize = 63;
/// Items beside the first mention that are near.
const BESIDE: usize = 8;

/// Where an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Position {
    /// Its bits from the lowest: quoted, in the clause, two for the zone, negated, three for the distance in steps; whether
    /// the target speaks, whether it is judged.
    pub(super) cell: u16,
    /// Items to the nearest mention, at most [`FAR`].
    pub(super) distance: u8,
    /// Behind the nearest mention.
    pub(super) behind: bool,
    /// Few items from the first mention.
    pub(super) beside: bool,
}

impl Position {
    /// Bits of quoted, clause and zone.
    #[inline(always)]
    pub(super) fn place(self) -> usize {
        usize::from(self.cell) & 15
    }

    /// A bit for each pool.
    pub(crate) fn pools(self) -> u32 {
        pools(self.cell as usize)
    }
}

/// What the positions follow from.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Frame {
    /// Index of the mention that is asked about.
    pub(super) primary: usize,
    /// Its clause, from break to break.
    clause: (usize, usize),
    /// The nearest names or breaks: beyond them others are spoken of.
    zones: (usize, usize),
    /// Whether the target speaks, whether it is judged, as bits of a cell.
    gates: u16,
}

impl Frame {
    pub(super) fn new(masked: &Masked, cues: &[Cue]) -> Self {
        let (items, primary) = (&masked.items, masked.targets.first().copied().unwrap_or(0));
        let clause = |i: &Item| i.breaks || i.entry.is(flag::RELATIVE);
        let zone = |i: &Item| i.kind == Kind::Entity || i.breaks;
        let gates = u16::from(roles::speaks(cues)) << GATES | u16::from(roles::judged(cues)) << (GATES + 1);
        Self { primary, clause: around(items, primary, clause), zones: around(items, primary, zone), gates }
    }

    /// The positions of all items, into `out`.
    #[inline(always)]
    pub(super) fn positions(&self, masked: &Masked, out: &mut Vec<Position>) {
        out.clear();
        let items = masked.items.iter().enumerate();
        if let [only] = masked.targets.as_slice() {
            out.extend(items.map(|(i, item)| self.position(i, item, *only)));
        } else {
            let nearest = |i: usize| masked.targets.iter().copied().min_by_key(|t| (t.abs_diff(i), *t));
            out.extend(items.map(|(i, item)| self.position(i, item, nearest(i).unwrap_or(self.primary))));
        }
    }

    #[inline(always)]
    fn position(&self, i: usize, item: &Item, nearest: usize) -> Position {
        let Self { primary, clause, zones, gates } = *self;
        let (distance, behind) = (nearest.abs_diff(i).min(FAR), i > nearest);
        let zone = u16::from(i >= zones.0) + u16::from(i >= primary) + u16::from(i >= zones.1);
        let inside = u16::from(clause.0 <= i) & u16::from(i < clause.1);
        let step = u16::from(STEPS[usize::from(behind)][distance]);
        let (quoted, negated) = (u16::from(item.quoted), u16::from(item.negated));
        let cell = quoted | inside << 1 | zone << 2 | negated << NEGATED | step << BUCKET | gates;
        let cell = if item.kind == Kind::Target { NOWHERE } else { cell };
        Position { cell, distance: distance as u8, behind, beside: i.abs_diff(primary) <= BESIDE }
    }
}

/// The furthest item that is near.
const NEAR: usize = 6;

/// Distances in steps, before and behind: 1, 2, up to 6, beyond (0).
static STEPS: [[u8; FAR + 1]; 2] = {
    let mut steps = [[0; FAR + 1]; 2];
    let mut distance = 1;
    while distance <= NEAR {
        let step = [0, 1, 2, 3, 3, 3, 3][distance];
        steps[0][distance] = step;
        steps[1][distance] = step + 3;
        distance += 1;
    }
    steps
};

/// The range around `at` that no edge cuts.
fn around(items: &[Item], at: usize, edge: impl Fn(&Item) -> bool) -> (usize, usize) {
    let begin = items.iter().take(at).rposition(&edge).map_or(0, |i| i + 1);
    let end = items.iter().skip(at + 1).position(&edge).map_or(items.len(), |i| at + 1 + i);
    (begin, end)
}

/// A bit for each pool of a cell.
pub(super) const fn pools(cell: usize) -> u32 {
    if cell >= NOWHERE as usize {
        return 0;
    }
    let (quoted, clause, zone) = (cell & 1 == 1, cell >> 1 & 1 == 1, cell >> 2 & 3);
    let (negated, step) = (cell >> NEGATED & 1 == 1, cell >> BUCKET & 7);
    let right = zone >> 1;
    let mut bits = 1 | 1 << (1 + right) | 1 << [6, 5, 7, 8][zone];
    if step > 0 {
        bits |= 1 << 3 | 1 << (8 + step);
    }
    if clause {
        bits |= 1 << 4 | (right as u32) << 20;
    }
    bits |= (cell as u32 >> (GATES + 1) & 1) << 15 | (cell as u32 >> GATES & 1) << 16;
    if negated {
        bits |= 1 << 17;
        if zone == 1 || zone == 2 {
            bits |= 1 << 18;
        }
    }
    if quoted {
        bits |= 1 << 19;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Masked {
        let mut masked = Masked::default();
        for (i, letter) in text.chars().enumerate() {
            let kind = match letter {
                'T' => Kind::Target,
                'E' => Kind::Entity,
                ';' => Kind::Mark,
                _ => Kind::Word,
            };
            if letter == 'T' {
                masked.targets.push(i);
            }
            masked.items.push(Item { kind, breaks: letter == ';', negated: letter == 'n', ..Item::default() });
        }
        masked
    }

    fn pools_of(text: &str) -> Vec<Vec<u32>> {
        let masked = items(text);
        let mut out = Vec::new();
        Frame::new(&masked, &[]).positions(&masked, &mut out);
        out.iter().map(|p| (0..32).filter(|b| p.pools() >> b & 1 == 1).collect()).collect()
    }

    #[test]
    fn a_word_lies_in_the_pools_that_its_place_says() {
        let pools = pools_of("a;EnTbEc");
        assert_eq!(pools[0], [0, 1, 3, 6, 11]);
        assert_eq!(pools[3], [0, 1, 3, 4, 5, 9, 17, 18]);
        assert!(pools[4].is_empty());
        assert_eq!(pools[5], [0, 2, 3, 4, 7, 12, 20]);
        assert_eq!(pools[7], [0, 2, 3, 4, 8, 14, 20]);
    }

    #[test]
    fn the_nearest_mention_counts() {
        let masked = items("aaTaaaTaaT");
        let mut out = Vec::new();
        Frame::new(&masked, &[]).positions(&masked, &mut out);
        let plain = |i: usize| masked.targets.iter().map(|t| t.abs_diff(i)).min().unwrap();
        let distances: Vec<usize> = out.iter().map(|p| p.distance.into()).collect();
        assert_eq!(distances, (0..out.len()).map(plain).collect::<Vec<_>>());
        assert!(out[3].behind && !out[5].behind && out[7].behind && !out[8].behind);
    }
}
