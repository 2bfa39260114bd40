//! A bundle of entries, held against the hashes that the log committed to.

use cyberid_tlog::hash::{Hash, leaf_hash};
use cyberid_tlog::tile::{FULL_WIDTH, Tile, TileKind, TilePath, decode_bundle};

use crate::finding::Finding;

/// The entries of a bundle, each the one that its hash stands for.
pub(crate) struct Bundle {
    bytes: Vec<u8>,
    found: TilePath,
    width: usize,
}

impl Bundle {
    /// Takes `bytes`, found at `found`, for the entries of `tile`, whose hashes are believed.
    pub(crate) fn check(found: TilePath, bytes: Vec<u8>, tile: &Tile) -> Result<Self, Finding> {
        let first = found.index() * u64::from(FULL_WIDTH);
        if let Some(index) = first_altered(&bytes, first, tile.hashes()) {
            return Err(Finding::LeafAltered { index });
        }
        // All leaves are there: what is wrong comes after the last of them.
        decode_bundle(&bytes, found.width()).map_err(|_| Finding::Bundle {
            path: found.to_string(),
            first_index: first,
        })?;
        Ok(Self {
            bytes,
            found,
            width: tile.hashes().len(),
        })
    }

    /// The entries with their places, from the first of the bundle.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let first = self.found.index() * u64::from(FULL_WIDTH);
        let entries = decode_bundle(&self.bytes, self.found.width()).unwrap_or_default();
        (first..).zip(entries).take(self.width)
    }
}

/// The path of a bundle of `width` entries; nothing for a width that no bundle has.
pub(crate) fn entries_path(index: u64, width: usize) -> Option<TilePath> {
    TilePath::new(TileKind::Entries, index, u16::try_from(width).ok()?)
}

/// The first entry that is not the one its hash stands for, where `bytes` end early included.
fn first_altered(bytes: &[u8], first: u64, hashes: &[Hash]) -> Option<u64> {
    let mut rest = bytes;
    for (index, hash) in (first..).zip(hashes) {
        let entry = rest.split_first_chunk::<2>().and_then(|(len, after)| {
            let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
            rest = after;
            Some(entry)
        });
        if entry.is_none_or(|entry| leaf_hash(entry) != *hash) {
            return Some(index);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::leaves;
    use crate::memory::in_memory;

    /// Every byte of every leaf of a ledger of a thousand, and of its length. Leaves are held against their hashes one
    /// after the other, so that whatever stands before an altered one needs not be read again for each of its bytes.
    #[test]
    fn every_flipped_byte_of_every_leaf_is_noticed_and_the_leaf_is_named() {
        let ledger = in_memory(leaves().take(1000));
        let mut flips = 0;
        for number in 0..4 {
            let width = if number == 3 { 232 } else { 256 };
            let path = entries_path(number, width).unwrap();
            let mut bytes = ledger.0[&path.to_string()].clone();
            let entries: Vec<Vec<u8>> = decode_bundle(&bytes, path.width())
                .unwrap()
                .iter()
                .map(|entry| entry.to_vec())
                .collect();
            let hashes: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
            let mut start = 0;
            for (place, entry) in entries.iter().enumerate() {
                let index = number * 256 + place as u64;
                for at in start..start + 2 + entry.len() {
                    bytes[at] ^= 1 << (at % 8);
                    assert_eq!(
                        first_altered(&bytes[start..], index, &hashes[place..]),
                        Some(index),
                        "{at}"
                    );
                    bytes[at] ^= 1 << (at % 8);
                    flips += 1;
                }
                start += 2 + entry.len();
            }
            assert_eq!(start, bytes.len());
            assert_eq!(first_altered(&bytes, number * 256, &hashes), None);
        }
        assert!(flips > 400_000, "{flips}");
    }
}
