//! A keyed permutation of `0..size`: a Feistel network over the next larger square, walked until it is within. By it a
//! document's number leads back to its person without a list of all people.

use cyberid_crypto::digest;
use cyberid_domain::secret::Secret;

/// Rounds; four make a permutation look random (Luby and Rackoff).
const ROUNDS: u8 = 4;

/// One permutation.
pub(super) struct Shuffle<'a> {
    seed: &'a Secret<32>,
    label: &'a [u8],
    size: u64,
    /// Bits of a half.
    half: u32,
}

impl<'a> Shuffle<'a> {
    /// The permutation of `0..size` under this label; `size` is at least 1.
    pub(super) fn new(seed: &'a Secret<32>, label: &'a [u8], size: u64) -> Self {
        let bits = u64::BITS - size.saturating_sub(1).leading_zeros();
        let half = bits.div_ceil(2).max(1);
        Self {
            seed,
            label,
            size,
            half,
        }
    }

    /// Where `place` goes; it is below `size`.
    pub(super) fn there(&self, place: u64) -> u64 {
        self.walk(place, |place| {
            (0..ROUNDS).fold(place, |place, round| self.round(place, round))
        })
    }

    /// What went to `place`.
    pub(super) fn back(&self, place: u64) -> u64 {
        self.walk(place, |place| {
            (0..ROUNDS)
                .rev()
                .fold(place, |place, round| self.unround(place, round))
        })
    }

    fn walk(&self, mut place: u64, step: impl Fn(u64) -> u64) -> u64 {
        loop {
            place = step(place);
            if place < self.size {
                return place;
            }
        }
    }

    fn round(&self, place: u64, round: u8) -> u64 {
        let (left, right) = self.halves(place);
        self.join(right, left ^ self.drawn(right, round))
    }

    fn unround(&self, place: u64, round: u8) -> u64 {
        let (left, right) = self.halves(place);
        self.join(right ^ self.drawn(left, round), left)
    }

    fn halves(&self, place: u64) -> (u64, u64) {
        (place >> self.half, place & self.mask())
    }

    fn join(&self, left: u64, right: u64) -> u64 {
        (left << self.half) | right
    }

    fn mask(&self) -> u64 {
        (1 << self.half) - 1
    }

    fn drawn(&self, half: u64, round: u8) -> u64 {
        let parts: [&[u8]; 4] = [b"shuffle", self.label, &[round], &half.to_be_bytes()];
        let drawn = digest::hmac_parts(self.seed.expose(), &parts);
        let first = drawn.first_chunk().copied().unwrap_or_default();
        u64::from_be_bytes(first) & self.mask()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_place_goes_somewhere_else_and_leads_back() {
        let seed = Secret::from([3; 32]);
        for size in [1, 2, 3, 10, 64, 1_000, 4_097] {
            let shuffle = Shuffle::new(&seed, b"a", size);
            let there: HashSet<u64> = (0..size).map(|place| shuffle.there(place)).collect();
            assert_eq!(there.len() as u64, size);
            assert!(there.iter().all(|place| *place < size));
            assert!((0..size).all(|place| shuffle.back(shuffle.there(place)) == place));
        }
        let large = Shuffle::new(&seed, b"a", 525_600_000);
        let other = Shuffle::new(&seed, b"b", 525_600_000);
        assert_eq!(large.back(large.there(524_999_999)), 524_999_999);
        assert!((0..50).any(|place| large.there(place) != other.there(place)));
    }
}
