//! Seeded random numbers: which peers to pick, and when to begin.
//!
//! SplitMix64 (G. Steele et al., "Fast splittable pseudorandom number generators", 2014).
//! Not for secrets.

use std::time::Duration;

use super::time::nanos;

/// Equal seeds give equal sequences.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Rng(seed)
    }

    /// Below `end`, or 0 if that is 0. The bias is far below anything that could be noticed.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    pub fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    pub fn delay_below(&mut self, end: Duration) -> Duration {
        Duration::from_nanos(self.below(nanos(end)))
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.index(end + 1));
        }
    }

    /// Any `count` of the items, or all if there are fewer.
    pub fn pick<T>(&mut self, mut items: Vec<T>, count: usize) -> Vec<T> {
        for at in 0..count.min(items.len()) {
            let other = at + self.index(items.len() - at);
            items.swap(at, other);
        }
        items.truncate(count);
        items
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Rng;

    #[test]
    fn the_numbers_are_those_of_split_mix_64() {
        // The reference implementation's, for this seed.
        let expected = [6457827717110365317, 3203168211198807973, 9817491932198370423];
        let mut rng = Rng::new(1234567);
        assert_eq!([(); 3].map(|()| rng.next()), expected);
    }

    #[test]
    fn a_shuffle_may_give_every_order() {
        let shuffled = |seed| {
            let mut items = [1, 2, 3];
            Rng::new(seed).shuffle(&mut items);
            items
        };
        assert_eq!((0..100).map(shuffled).collect::<BTreeSet<_>>().len(), 6);
    }
}
