//! The bytes of a head's file: a page that says which segment it is, then groups, each on pages of its own.
//!
//! A group is written in two parts. The first names the segment by its salt, the group before by its link, the size of the
//! log and the leaves; the second is the head and the group's own link, the SHA-256 digest of everything before it. A
//! group counts if its link is right. Bytes that an earlier use of the file left behind, or a group that was never
//! finished, have another salt or no link; leaves cannot imitate one, since nobody outside knows the salt.

use std::ops::Range;
use std::str::from_utf8;

use cyberid_crypto::digest::sha256;
use cyberid_storage::head::Head;
use cyberid_storage::ledger::NewLeaf;

use crate::disk::PAGE;

/// What a segment begins with, and the version of the format.
const SEGMENT: &[u8; 8] = b"cyid-hd1";
/// What a group begins with.
const GROUP: &[u8; 8] = b"cyid-gr1";

/// The longest note in bytes, so that a group's room is known before it is signed.
pub(crate) const LONGEST_NOTE: usize = PAGE;

/// The room in bytes that is kept for a head and its link.
pub(crate) const SEAL_ROOM: usize = LONGEST_NOTE + 68;

/// A random value that only one use of one file has.
pub(crate) type Salt = [u8; 32];

/// What ties a group to everything before it.
pub(crate) type Link = [u8; 32];

/// The first link of a log.
pub(crate) const FIRST: Link = [0; 32];

/// The first page of a segment.
pub(crate) fn segment_page(number: u64, salt: &Salt) -> Vec<u8> {
    let mut page = Vec::with_capacity(PAGE);
    page.extend(SEGMENT);
    page.extend(number.to_be_bytes());
    page.extend(salt);
    page.extend(sha256(&page));
    page.resize(PAGE, 0);
    page
}

/// The salt of the segment of this number; nothing if the page is not its first.
pub(crate) fn read_segment_page(page: &[u8], number: u64) -> Option<Salt> {
    let mut rest = In(page);
    let is_ours = rest.array()? == *SEGMENT && rest.array()? == number.to_be_bytes();
    let salt = rest.array()?;
    let said = page.get(..page.len() - rest.0.len())?;
    (is_ours && rest.array()? == sha256(said)).then_some(salt)
}

/// Writes the first part of a group.
pub(crate) fn put_leaves(out: &mut Vec<u8>, salt: &Salt, before: &Link, size: u64, leaves: &[NewLeaf]) {
    out.extend(GROUP);
    out.extend(salt);
    out.extend(before);
    out.extend(size.to_be_bytes());
    out.extend(length_of(leaves.len()));
    for leaf in leaves {
        for text in [leaf.id.as_str(), &leaf.body] {
            out.extend(length_of(text.len()));
            out.extend(text.as_bytes());
        }
    }
}

/// Where the leaves' bytes are in the first part of a group.
pub(crate) fn bodies(first: &[u8]) -> Option<Vec<Range<usize>>> {
    let mut rest = In(first);
    let group = rest.first_part(first.len())?;
    (rest.0.is_empty()).then_some(group.bodies)
}

/// Writes the second part of a group behind its first; returns the group's link.
pub(crate) fn put_seal(group: &mut Vec<u8>, head: &Head) -> Link {
    group.extend(head.size.to_be_bytes());
    group.extend(head.root);
    group.extend(length_of(head.note.len()));
    group.extend(head.note.as_bytes());
    let link = sha256(group);
    group.extend(link);
    link
}

/// A group that was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) before: Link,
    pub(crate) link: Link,
    pub(crate) size: u64,
    pub(crate) leaves: Vec<NewLeaf>,
    pub(crate) head: Head,
    /// How many bytes it takes.
    pub(crate) length: usize,
}

/// The group that begins here, if one does, whole, in the segment of this salt.
pub(crate) fn read_group(bytes: &[u8], salt: &Salt) -> Option<Group> {
    let mut rest = In(bytes);
    let first = rest.first_part(bytes.len())?;
    let head = Head {
        size: u64::from_be_bytes(rest.array()?),
        root: rest.array()?,
        note: rest.text()?.into(),
    };
    let said = bytes.get(..bytes.len() - rest.0.len())?;
    let link = rest.array()?;
    if first.salt != *salt || link != sha256(said) {
        return None;
    }
    let leaf = |(id, body): (&Range<usize>, &Range<usize>)| {
        Some(NewLeaf {
            id: from_utf8(bytes.get(id.clone())?).ok()?.parse().ok()?,
            body: from_utf8(bytes.get(body.clone())?).ok()?.into(),
        })
    };
    Some(Group {
        before: first.before,
        link,
        size: first.size,
        leaves: first
            .ids
            .iter()
            .zip(&first.bodies)
            .map(leaf)
            .collect::<Option<_>>()?,
        head,
        length: bytes.len() - rest.0.len(),
    })
}

/// How many pages so many bytes take.
pub(crate) fn pages_of(length: usize) -> u64 {
    length.div_ceil(PAGE) as u64
}

/// Nothing that is written comes near 4 GiB; a longer one would not read back.
fn length_of(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

struct FirstPart {
    salt: Salt,
    before: Link,
    size: u64,
    ids: Vec<Range<usize>>,
    bodies: Vec<Range<usize>>,
}

struct In<'a>(&'a [u8]);

impl<'a> In<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(u32::from_be_bytes(self.array()?)).ok()
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.length()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        from_utf8(self.bytes()?).ok()
    }

    /// The first part of a group in a slice of this length.
    fn first_part(&mut self, whole: usize) -> Option<FirstPart> {
        if self.array()? != *GROUP {
            return None;
        }
        let (salt, before) = (self.array()?, self.array()?);
        let size = u64::from_be_bytes(self.array()?);
        let count = self.length()?;
        // A leaf takes eight bytes at least: a wrong count allocates no more than there is.
        let mut ids = Vec::with_capacity(count.min(self.0.len() / 8));
        let mut bodies = Vec::with_capacity(ids.capacity());
        for _ in 0..count {
            for ranges in [&mut ids, &mut bodies] {
                let length = self.bytes()?.len();
                let end = whole - self.0.len();
                ranges.push(end - length..end);
            }
        }
        Some(FirstPart {
            salt,
            before,
            size,
            ids,
            bodies,
        })
    }
}

#[cfg(test)]
mod tests {
    use cyberid_domain::id::LeafId;
    use cyberid_domain::rng::SystemRng;

    use super::*;

    const SALT: Salt = [7; 32];

    fn leaves() -> Vec<NewLeaf> {
        let leaf = |body: &str| NewLeaf {
            id: LeafId::random(&SystemRng),
            body: body.into(),
        };
        vec![leaf("one"), leaf(""), leaf("登录 \0")]
    }

    fn group(leaves: &[NewLeaf]) -> (Vec<u8>, Head) {
        let head = Head {
            size: 4 + leaves.len() as u64,
            root: [9; 32],
            note: "a note\n".into(),
        };
        let mut bytes = Vec::new();
        put_leaves(&mut bytes, &SALT, &[5; 32], 4, leaves);
        put_seal(&mut bytes, &head);
        (bytes, head)
    }

    #[test]
    fn a_group_reads_back_and_no_part_of_one_does() {
        let leaves = leaves();
        let (bytes, head) = group(&leaves);
        let read = read_group(&bytes, &SALT).unwrap();
        assert_eq!((read.leaves, read.head, read.size), (leaves, head, 4));
        assert_eq!((read.before, read.length), ([5; 32], bytes.len()));
        for length in 0..bytes.len() {
            assert_eq!(read_group(&bytes[..length], &SALT), None, "{length}");
        }
        assert_eq!(read_group(&bytes, &[8; 32]), None, "another use of the file");
    }

    #[test]
    fn a_group_with_a_changed_byte_is_none() {
        let (bytes, _) = group(&leaves());
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            assert_eq!(read_group(&changed, &SALT), None, "{place}");
        }
    }

    #[test]
    fn a_segments_page_is_that_of_its_number_and_whole() {
        let page = segment_page(3, &SALT);
        assert_eq!(read_segment_page(&page, 3), Some(SALT));
        assert_eq!(read_segment_page(&page, 4), None);
        for place in 0..80 {
            let mut changed = page.clone();
            changed[place] ^= 1;
            assert_eq!(read_segment_page(&changed, 3), None, "{place}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(mut bytes: Vec<u8>) {
            let _ = read_group(&bytes, &SALT);
            let _ = read_segment_page(&bytes, 1);
            bytes.splice(0..0, [&GROUP[..], &SALT, &FIRST, &[0; 8]].concat());
            proptest::prop_assert_eq!(read_group(&bytes, &SALT), None);
        }
    }
}
