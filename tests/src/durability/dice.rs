//! Chance that a seed reproduces.

/// `SplitMix64`: small, and good enough to choose operations and moments. Nothing secret comes of it.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    /// The same throws for the same seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice of their own for the one of this number.
    pub(super) fn split(&self, number: usize) -> Self {
        let mut dice = Self(self.0 ^ (number as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93));
        dice.throw();
        dice
    }

    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 if that is 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let thrown = self.throw() % (end as u64).max(1);
        usize::try_from(thrown).unwrap_or_default()
    }

    /// Whether it happens, in so many of a hundred.
    pub(super) fn percent(&mut self, of_hundred: usize) -> bool {
        self.below(100) < of_hundred
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_reproduces_and_numbers_differ() {
        let throws = |mut dice: Dice| -> Vec<usize> { (0..20).map(|_| dice.below(1000)).collect() };
        assert_eq!(throws(Dice::new(7)), throws(Dice::new(7)));
        assert_ne!(throws(Dice::new(7)), throws(Dice::new(8)));
        assert_ne!(throws(Dice::new(7).split(0)), throws(Dice::new(7).split(1)));
    }
}
