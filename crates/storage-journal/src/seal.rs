//! How segments are sealed, so that a stolen disk relates nothing: AES-256-GCM under a key of the segment's own, with
//! the page of each group as its nonce. No page is sealed twice with different content.

use cyberid_crypto::Mac;
use cyberid_crypto::aead::{self, DoesNotOpen, TAG};
use zeroize::Zeroizing;

use crate::disk::PAGE;

/// The length of a group's own length.
const LENGTH: usize = 4;

/// What every segment begins with.
const MAGIC: &[u8; 16] = b"cyberid journal\x01";
/// The length of the header without its tag: magic, number, salt.
const HEADER: usize = 16 + 8 + 32;

/// The key of one segment.
pub(crate) struct SegmentKey(Zeroizing<[u8; 32]>);

impl SegmentKey {
    /// The key of the segment of this number and salt.
    pub(crate) fn derive(journal: &dyn Mac, number: u64, salt: &[u8; 32]) -> Self {
        let parts = [
            b"cyberid/v1/journal-segment".as_slice(),
            &number.to_be_bytes(),
            salt,
        ];
        Self(Zeroizing::new(journal.mac(&parts)))
    }

    /// The pages of a sealed group that begins at `page`: its length, the ciphertext, zeros up to the end of the page.
    pub(crate) fn seal(&self, page: u64, group: &[u8]) -> Vec<u8> {
        let ciphertext = aead::encrypt(&self.0, nonce(page), &context(page), group);
        let length = u32::try_from(ciphertext.len()).unwrap_or(u32::MAX);
        let mut pages = Vec::with_capacity(pages_of(group.len()) * PAGE);
        pages.extend(length.to_be_bytes());
        pages.extend(ciphertext);
        pages.resize(pages.len().next_multiple_of(PAGE), 0);
        pages
    }

    /// The group that begins at `page` with these bytes, if one does.
    pub(crate) fn open(&self, page: u64, bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
        let (length, rest) = bytes.split_first_chunk().ok_or(DoesNotOpen)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| DoesNotOpen)?;
        let ciphertext = rest.get(..length).filter(|_| length >= TAG).ok_or(DoesNotOpen)?;
        aead::decrypt(&self.0, nonce(page), &context(page), ciphertext)
    }
}

/// How many pages a group of this length takes.
pub(crate) fn pages_of(group: usize) -> usize {
    (LENGTH + group + TAG).div_ceil(PAGE)
}

/// The first page of a segment: what it is, and a tag that only its key makes.
pub(crate) fn header(number: u64, salt: &[u8; 32], key: &SegmentKey) -> Vec<u8> {
    let mut page = [MAGIC.as_slice(), &number.to_be_bytes(), salt].concat();
    page.extend(aead::encrypt(&key.0, nonce(0), &page, &[]));
    page.resize(PAGE, 0);
    page
}

/// The key of the segment with this first page and number, if one of the journal's keys made it.
pub(crate) fn read_header<'a>(
    page: &[u8],
    number: u64,
    keys: impl IntoIterator<Item = &'a dyn Mac>,
) -> Option<SegmentKey> {
    let (header, rest) = page.split_at_checked(HEADER)?;
    let salt: &[u8; 32] = header.last_chunk()?;
    if !header.starts_with(&[MAGIC.as_slice(), &number.to_be_bytes()].concat()) {
        return None;
    }
    let mut keys = keys.into_iter().map(|key| SegmentKey::derive(key, number, salt));
    keys.find(|key| aead::decrypt(&key.0, nonce(0), header, rest.get(..TAG).unwrap_or_default()).is_ok())
}

fn nonce(page: u64) -> [u8; aead::NONCE] {
    let mut nonce = [0; aead::NONCE];
    let (_, last) = nonce.split_at_mut(aead::NONCE - 8);
    last.copy_from_slice(&page.to_be_bytes());
    nonce
}

fn context(page: u64) -> Vec<u8> {
    [b"cyberid/v1/journal-group".as_slice(), &page.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::MacKey;

    use super::*;

    fn journal(byte: u8) -> MacKey {
        MacKey::new([byte; 32].into())
    }

    #[test]
    fn a_group_opens_at_its_own_page_of_its_own_segment_only() {
        let key = SegmentKey::derive(&journal(1), 7, &[2; 32]);
        for length in [0, 1, PAGE - 20, PAGE - 19, 3 * PAGE] {
            let group = vec![9; length];
            let pages = key.seal(5, &group);
            assert_eq!(pages.len(), pages_of(length) * PAGE);
            assert_eq!(key.open(5, &pages).as_deref(), Ok(&group));
            assert!(key.open(6, &pages).is_err());
            for other in [
                SegmentKey::derive(&journal(2), 7, &[2; 32]),
                SegmentKey::derive(&journal(1), 8, &[2; 32]),
                SegmentKey::derive(&journal(1), 7, &[3; 32]),
            ] {
                assert!(other.open(5, &pages).is_err());
            }
        }
    }

    #[test]
    fn a_header_is_known_by_any_key_of_the_journal_and_by_its_own_number() {
        let (old, new, foreign) = (journal(1), journal(2), journal(3));
        let key = SegmentKey::derive(&old, 7, &[2; 32]);
        let page = header(7, &[2; 32], &key);
        let group = key.seal(1, b"group");
        let both: [&dyn Mac; 2] = [&new, &old];
        let found = read_header(&page, 7, both).unwrap();
        assert!(found.open(1, &group).is_ok());
        assert!(read_header(&page, 8, both).is_none());
        assert!(read_header(&page, 7, [&foreign as &dyn Mac]).is_none());
        assert!(read_header(&page[..HEADER], 7, both).is_none());
        for place in 0..HEADER + TAG {
            let mut altered = page.clone();
            altered[place] ^= 1;
            assert!(read_header(&altered, 7, both).is_none(), "{place}");
        }
    }
}
