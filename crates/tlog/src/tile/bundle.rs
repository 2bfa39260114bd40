//! Entry bundles: up to 256 entries, each after its length (tlog-tiles, Log entries).

use thiserror::Error;

use super::FULL_WIDTH;

/// The longest entry a bundle can hold, in bytes: its length is a big-endian uint16.
pub const MAX_ENTRY_LEN: usize = 65_535;

/// Why entries do not make a bundle, or bytes are not the bundle they were fetched as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BundleError {
    /// An entry has more than [`MAX_ENTRY_LEN`] bytes.
    #[error("entry {place} of the bundle has {len} bytes")]
    EntryTooLong {
        /// The entry's place in the bundle, from 0.
        place: usize,
        /// The length of the entry, in bytes.
        len: usize,
    },
    /// The bundle has another number of entries than asked for, or none, or more than 256.
    #[error("the bundle does not have {width} entries")]
    WrongWidth {
        /// The number of entries asked for.
        width: usize,
    },
    /// The bytes end within an entry.
    #[error("the bundle ends within an entry")]
    Truncated,
}

/// Writes 1 to 256 entries as a bundle.
pub fn encode_bundle<E: AsRef<[u8]>>(entries: &[E]) -> Result<Vec<u8>, BundleError> {
    if entries.is_empty() || entries.len() > usize::from(FULL_WIDTH) {
        return Err(BundleError::WrongWidth { width: entries.len() });
    }
    let mut bundle = Vec::new();
    for (place, entry) in entries.iter().enumerate() {
        let entry = entry.as_ref();
        let len = u16::try_from(entry.len()).map_err(|_| BundleError::EntryTooLong {
            place,
            len: entry.len(),
        })?;
        bundle.extend_from_slice(&len.to_be_bytes());
        bundle.extend_from_slice(entry);
    }
    Ok(bundle)
}

/// Reads a bundle of exactly `width` entries, 1 to 256.
pub fn decode_bundle(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, BundleError> {
    let wrong_width = BundleError::WrongWidth {
        width: usize::from(width),
    };
    if width == 0 || width > FULL_WIDTH {
        return Err(wrong_width);
    }
    let mut rest = bytes;
    let mut entries = Vec::with_capacity(usize::from(width));
    while let Some((len, after)) = rest.split_first_chunk::<2>() {
        let len = usize::from(u16::from_be_bytes(*len));
        let (entry, after) = after.split_at_checked(len).ok_or(BundleError::Truncated)?;
        entries.push(entry);
        if entries.len() > usize::from(width) {
            return Err(wrong_width);
        }
        rest = after;
    }
    if !rest.is_empty() {
        return Err(BundleError::Truncated);
    }
    if entries.len() == usize::from(width) {
        Ok(entries)
    } else {
        Err(wrong_width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_its_entries_after_their_lengths() {
        let bundle = encode_bundle(&["ab", "", "c"]).unwrap();
        assert_eq!(bundle, b"\x00\x02ab\x00\x00\x00\x01c");
        assert_eq!(decode_bundle(&bundle, 3).unwrap(), [b"ab".as_slice(), b"", b"c"]);
    }

    #[test]
    fn the_width_is_exact() {
        let bundle = encode_bundle(&["ab", "", "c"]).unwrap();
        for width in [0, 1, 2, 4, 256, 257] {
            let refusal = BundleError::WrongWidth {
                width: usize::from(width),
            };
            assert_eq!(decode_bundle(&bundle, width), Err(refusal));
        }
        assert_eq!(
            encode_bundle::<&[u8]>(&[]),
            Err(BundleError::WrongWidth { width: 0 })
        );
        assert_eq!(
            encode_bundle(&[b""; 257]),
            Err(BundleError::WrongWidth { width: 257 })
        );
        assert_eq!(
            decode_bundle(&encode_bundle(&[b""; 256]).unwrap(), 256)
                .unwrap()
                .len(),
            256
        );
    }

    #[test]
    fn cut_bundles_are_refused() {
        let bundle = encode_bundle(&["ab", "cd"]).unwrap();
        for end in [1, 2, 3, 5, 6, 7] {
            assert_eq!(
                decode_bundle(&bundle[..end], 2),
                Err(BundleError::Truncated),
                "{end}"
            );
        }
        assert_eq!(
            decode_bundle(&bundle[..4], 2),
            Err(BundleError::WrongWidth { width: 2 })
        );
    }

    #[test]
    fn entries_fit_their_length() {
        let longest = vec![7; MAX_ENTRY_LEN];
        assert_eq!(
            decode_bundle(&encode_bundle(&[&longest]).unwrap(), 1).unwrap(),
            [longest.as_slice()]
        );
        let refusal = BundleError::EntryTooLong {
            place: 1,
            len: MAX_ENTRY_LEN + 1,
        };
        assert_eq!(encode_bundle(&[vec![], vec![7; MAX_ENTRY_LEN + 1]]), Err(refusal));
    }
}
