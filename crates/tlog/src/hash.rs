//! Merkle tree hashes (RFC 6962 section 2.1), with SHA-256.

use std::fmt;

use aws_lc_rs::digest;

use crate::text;

/// The length of a hash, in bytes.
pub const HASH_LEN: usize = 32;

/// The root of the empty tree, `MTH({}) = SHA-256()` (RFC 6962 section 2.1).
pub const EMPTY_ROOT: Hash = Hash([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

const LEAF_PREFIX: u8 = 0x00;
const NODE_PREFIX: u8 = 0x01;

/// A SHA-256 hash of a leaf, of an inner node or of a whole tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; HASH_LEN]);

impl Hash {
    /// Reads a hash from exactly 32 bytes; `None` for any other length.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Reads a hash from its canonical, padded base64 (RFC 4648 section 4); `None` for anything else.
    pub fn from_base64(text: &str) -> Option<Self> {
        Self::from_slice(&text::decode_base64(text)?)
    }

    /// Writes the hash in padded base64 (RFC 4648 section 4).
    pub fn to_base64(self) -> String {
        text::encode_base64(&self.0)
    }

    /// The 32 bytes of the hash.
    pub fn as_bytes(&self) -> &[u8; HASH_LEN] {
        &self.0
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Hashes an entry as a leaf, `SHA-256(0x00 || entry)` (RFC 6962 section 2.1).
pub fn leaf_hash(entry: &[u8]) -> Hash {
    sha256(&[&[LEAF_PREFIX], entry])
}

/// Hashes two children into their parent, `SHA-256(0x01 || left || right)` (RFC 6962 section 2.1).
pub fn node_hash(left: Hash, right: Hash) -> Hash {
    sha256(&[&[NODE_PREFIX], &left.0, &right.0])
}

/// SHA-256 over the concatenation of `parts`.
pub(crate) fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut out = [0; HASH_LEN];
    out.copy_from_slice(context.finish().as_ref());
    Hash(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_root_is_the_hash_of_nothing() {
        assert_eq!(sha256(&[]), EMPTY_ROOT);
    }

    #[test]
    fn leaf_and_node_are_separate_domains() {
        let (l, r) = (leaf_hash(b"l"), leaf_hash(b"r"));
        let joined = [l.0, r.0].concat();
        assert_ne!(leaf_hash(&joined), node_hash(l, r));
        assert_ne!(node_hash(l, r), node_hash(r, l));
        assert_ne!(sha256(&[b"l"]), l);
    }

    #[test]
    fn base64_and_debug_show_the_bytes() {
        let hash = leaf_hash(b"");
        assert_eq!(
            format!("{hash:?}"),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
        assert_eq!(Hash::from_base64(&hash.to_base64()), Some(hash));
        assert_eq!(Hash::from_base64("AAAA"), None);
    }
}
