//! Chance that can be repeated: a seeded generator for identities and for jitter.
//!
//! SplitMix64 twice over (G. Steele et al., "Fast splittable pseudorandom number generators",
//! 2014). Not for secrets.

/// Equal seeds give equal sequences.
#[derive(Clone, Debug)]
pub(crate) struct Rng {
    high: u64,
    low: u64,
}

impl Rng {
    pub fn new(seed: u128) -> Self {
        Rng { high: (seed >> 64) as u64, low: seed as u64 }
    }

    /// A version 4 UUID in lower-case text.
    pub fn uuid(&mut self) -> String {
        let bits = u128::from(self.next_high()) << 64 | u128::from(self.next_low());
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string()
    }

    /// Evenly distributed in 0.0 .. 1.0.
    pub fn fraction(&mut self) -> f64 {
        (self.next_low() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn next_high(&mut self) -> u64 {
        split_mix(&mut self.high)
    }

    fn next_low(&mut self) -> u64 {
        split_mix(&mut self.low)
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::Rng;

    #[test]
    fn the_numbers_are_those_of_split_mix_64() {
        // The reference implementation's, for this seed.
        let expected = [6457827717110365317, 3203168211198807973, 9817491932198370423];
        let mut state = 1234567;
        assert_eq!([(); 3].map(|()| super::split_mix(&mut state)), expected);
    }

    #[test]
    fn identities_differ_in_both_halves() {
        let mut rng = Rng::new(7 << 64 | 8);
        let (first, second) = (rng.uuid(), rng.uuid());
        assert_eq!(first.as_bytes()[14], b'4', "{first} is of version 4");
        assert_ne!(first[..8], second[..8]);
        assert_ne!(first[24..], second[24..]);
        let other = [Rng::new(9 << 64 | 8), Rng::new(7 << 64 | 9)].map(|mut rng| rng.uuid());
        assert_ne!(other[0][..8], first[..8], "the upper half of the seed decides");
        assert_ne!(other[1][24..], first[24..], "the lower half of the seed decides");
    }
}
