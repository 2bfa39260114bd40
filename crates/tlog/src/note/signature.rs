//! One signature line of a note.

use std::fmt::Write as _;

use super::{KeyId, MAX_SIGNATURES, NoteError, VerifierKey, is_key_name};
use crate::text;

const LINE_PREFIX: &str = "\u{2014} ";
const KEY_ID_LEN: usize = 4;

/// A signature line: the name and id of a key, and the bytes it is claimed to have made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    name: String,
    key_id: KeyId,
    bytes: Vec<u8>,
}

impl NoteSignature {
    /// Puts the bytes that `key` made into a line.
    pub(crate) fn new(key: &VerifierKey, bytes: Vec<u8>) -> Self {
        Self {
            name: key.name().to_owned(),
            key_id: key.key_id(),
            bytes,
        }
    }

    /// Reads signature lines, each with its newline (signed-note, Format), as a witness answers them.
    pub fn parse_lines(lines: &str) -> Result<Vec<Self>, NoteError> {
        let lines = text::terminated_lines(lines).ok_or(NoteError::MalformedSignature)?;
        if lines.len() > MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        lines
            .into_iter()
            .map(|line| Self::parse_line(line).ok_or(NoteError::MalformedSignature))
            .collect()
    }

    /// Writes signature lines, each with its newline.
    pub fn format_lines(signatures: &[Self]) -> String {
        signatures.iter().fold(String::new(), |mut lines, signature| {
            let bytes = [&signature.key_id.0, signature.bytes.as_slice()].concat();
            // Writing to a String does not fail.
            let _ = writeln!(
                lines,
                "{LINE_PREFIX}{} {}",
                signature.name,
                text::encode_base64(&bytes)
            );
            lines
        })
    }

    /// The name of the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id of the key.
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The signature without the key id.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Says whether name and id are those of `key`; only both together name a key (signed-note, Signatures).
    pub(super) fn is_by(&self, key: &VerifierKey) -> bool {
        self.name == key.name() && self.key_id == key.key_id()
    }

    pub(super) fn same_key(&self, other: &Self) -> bool {
        self.name == other.name && self.key_id == other.key_id
    }

    fn parse_line(line: &str) -> Option<Self> {
        let (name, base64) = line.strip_prefix(LINE_PREFIX)?.split_once(' ')?;
        let bytes = text::decode_base64(base64)?;
        let (key_id, signature) = bytes.split_first_chunk::<KEY_ID_LEN>()?;
        if !is_key_name(name) || signature.is_empty() {
            return None;
        }
        Some(Self {
            name: name.to_owned(),
            key_id: KeyId(*key_id),
            bytes: signature.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_written() {
        let lines = "— a.example/w1 AAAAAAE=\n— b AAAAAQI=\n";
        let signatures = NoteSignature::parse_lines(lines).unwrap();
        assert_eq!(NoteSignature::format_lines(&signatures), lines);
        assert_eq!(signatures[1].name(), "b");
        assert_eq!(signatures[1].key_id(), KeyId([0, 0, 0, 1]));
        assert_eq!(signatures[1].bytes(), [2]);
    }

    #[test]
    fn malformed_lines_are_refused() {
        for line in [
            "— a AAAAAAE",
            "— a AAAAAAF=",
            "— a AAAAAA==",
            "— a AAAA",
            "— a ",
            "— a",
            "—  AAAAAAE=",
            "— a+b AAAAAAE=",
            "— a\u{a0}b AAAAAAE=",
            "— a AAAAAAE= ",
            "— a AAAAAAE= x",
            "-- a AAAAAAE=",
            "",
        ] {
            assert_eq!(
                NoteSignature::parse_lines(&format!("{line}\n")),
                Err(NoteError::MalformedSignature),
                "{line}"
            );
        }
    }
}
