//! A table by the hash of a word.

/// Values by the hashes of words. Open addressing: the hash itself says the place, so a look-up is one probe mostly.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeyTable<V> {
    /// A power of two of them, at least half of them empty (key 0).
    slots: Vec<(u64, V)>,
    len: usize,
}

impl<V: Copy + Default> Default for KeyTable<V> {
    fn default() -> Self {
        Self { slots: vec![(0, V::default()); 16], len: 0 }
    }
}

impl<V: Copy + Default> KeyTable<V> {
    /// The value of `key`.
    #[inline(always)]
    pub(crate) fn get(&self, key: u64) -> Option<V> {
        let mask = self.slots.len() - 1;
        let mut at = key as usize & mask;
        while let Some((here, value)) = self.slots.get(at) {
            if *here == key {
                return (key != 0).then_some(*value);
            }
            if *here == 0 {
                return None;
            }
            at = (at + 1) & mask;
        }
        None
    }

    /// All keys with their values, in no order that means anything.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, V)> {
        self.slots.iter().filter(|s| s.0 != 0).copied()
    }

    /// The value of `key`, put in first where there is none.
    pub(crate) fn entry(&mut self, key: u64) -> &mut V {
        // No word hashes to 0, which marks an empty place.
        let key = key.max(1);
        if self.len * 2 >= self.slots.len() {
            let double = vec![(0, V::default()); self.slots.len() * 2];
            let old = std::mem::replace(&mut self.slots, double);
            for (key, value) in old.into_iter().filter(|s| s.0 != 0) {
                let at = self.place(key);
                self.slots[at] = (key, value);
            }
        }
        let at = self.place(key);
        self.len += usize::from(self.slots[at].0 == 0);
        self.slots[at].0 = key;
        &mut self.slots[at].1
    }

    fn place(&self, key: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = key as usize & mask;
        while self.slots[at].0 != 0 && self.slots[at].0 != key {
            at = (at + 1) & mask;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_put_in() {
        let keys: Vec<u64> = (1..2_000u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let mut table = KeyTable::default();
        for (i, key) in keys.iter().enumerate() {
            *table.entry(*key) += i;
            *table.entry(*key) += 1;
        }
        assert!(keys.iter().enumerate().all(|(i, key)| table.get(*key) == Some(i + 1)));
        assert_eq!((table.get(0), table.get(7)), (None, None));
    }
}
