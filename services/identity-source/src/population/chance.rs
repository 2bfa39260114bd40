//! Chance that is the same every time: HMAC of the seed over place and count.

use cyberid_crypto::digest;
use cyberid_domain::secret::Secret;

/// The draws of one person.
pub(super) struct Chance<'a> {
    seed: &'a Secret<32>,
    index: u64,
    count: u64,
}

impl<'a> Chance<'a> {
    pub(super) fn new(seed: &'a Secret<32>, index: u64) -> Self {
        Self {
            seed,
            index,
            count: 0,
        }
    }

    /// A number below `bound`, which is small: the bias of the remainder does not matter here.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        let place = [self.index, self.count].map(u64::to_be_bytes);
        self.count += 1;
        let drawn = digest::hmac_parts(self.seed.expose(), &[b"person", place.as_flattened()]);
        let [a, b, c, d, ..] = drawn;
        u32::from_be_bytes([a, b, c, d])
            .checked_rem(bound)
            .unwrap_or_default()
    }

    /// One of the items of a list that is not empty.
    pub(super) fn one_of<T: Copy + Default>(&mut self, list: &[T]) -> T {
        let length = u32::try_from(list.len()).unwrap_or(u32::MAX);
        let index = usize::try_from(self.below(length)).unwrap_or_default();
        list.get(index).copied().unwrap_or_default()
    }
}
