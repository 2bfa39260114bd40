//! Signed notes (C2SP signed-note): text, a blank line, and signature lines.

mod key;
mod signature;
mod signer;

use std::fmt;

pub use key::{KeyId, SignatureType, VerifierKey, VerifierKeyError, is_key_name};
pub use signature::NoteSignature;
pub use signer::{Ed25519Signer, MlDsa44Signer, NoteSigner, SignerError};
use thiserror::Error;

use crate::text;

/// The largest note accepted, in bytes (signed-note, Format: "SHOULD apply a maximum limit"; the Go package's limit).
pub const MAX_NOTE_LEN: usize = 1_000_000;

/// The most signatures accepted on one note (signed-note, Format: at least 16; the Go package's limit).
pub const MAX_SIGNATURES: usize = 100;

/// A note as it was read: nothing about its signatures has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// Why bytes are not a note, or a note is not to be trusted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoteError {
    /// The note has more than [`MAX_NOTE_LEN`] bytes.
    #[error("the note is too large")]
    TooLarge,
    /// The note is not UTF-8.
    #[error("the note is not UTF-8")]
    NotUtf8,
    /// The note has an ASCII control character other than newline.
    #[error("the note has a control character")]
    ControlCharacter,
    /// The text does not end in a newline.
    #[error("the text does not end in a newline")]
    UnterminatedText,
    /// No blank line followed by signature lines.
    #[error("the note has no signatures")]
    NoSignatures,
    /// A line after the last blank line is not a signature line.
    #[error("a signature line is malformed")]
    MalformedSignature,
    /// The note has more than [`MAX_SIGNATURES`] signatures.
    #[error("the note has too many signatures")]
    TooManySignatures,
    /// No signature is by a known key.
    #[error("no signature is by a known key")]
    UnknownSigners,
    /// A known key has two signature lines.
    #[error("{name} signed twice")]
    DuplicateSignature {
        /// The name of the key.
        name: String,
    },
    /// A signature line of a known key is not that key's signature.
    #[error("the signature of {name} is wrong")]
    InvalidSignature {
        /// The name of the key.
        name: String,
    },
}

impl SignedNote {
    /// Reads a note (signed-note, Format); the text is whatever stands before the last blank line.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_LEN {
            return Err(NoteError::TooLarge);
        }
        let note = str::from_utf8(bytes).map_err(|_| NoteError::NotUtf8)?;
        if !text::is_note_text(note) {
            return Err(NoteError::ControlCharacter);
        }
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteError::NoSignatures)?;
        let signatures = NoteSignature::parse_lines(lines)?;
        if signatures.is_empty() {
            return Err(NoteError::NoSignatures);
        }
        Ok(Self {
            text: format!("{text}\n"),
            signatures,
        })
    }

    /// Signs `text`, which must end in a newline, with a key of type [`SignatureType::Ed25519`].
    pub fn sign(text: &str, signer: &(impl NoteSigner + ?Sized)) -> Result<Self, SignerError> {
        if !text.ends_with('\n') || !text::is_note_text(text) || text.len() > MAX_NOTE_LEN / 2 {
            return Err(SignerError::UnsignableText);
        }
        let key = signer.verifier_key();
        if key.signature_type() != SignatureType::Ed25519 {
            return Err(SignerError::WrongSignatureType);
        }
        let signature = NoteSignature::new(key, signer.sign(text.as_bytes())?);
        Ok(Self {
            text: text.to_owned(),
            signatures: vec![signature],
        })
    }

    /// The text with its final newline, exactly as signed. It means nothing before a signature was checked.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, in order.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Adds a signature, in the place of an earlier one by the same key.
    pub fn add_signature(&mut self, signature: NoteSignature) -> Result<(), NoteError> {
        self.signatures.retain(|held| !held.same_key(&signature));
        if self.signatures.len() >= MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// Checks the note against the known keys and returns those that signed it (signed-note, Signatures).
    ///
    /// Signatures by other keys are ignored. At least one known key must have signed; one wrong, or second, signature
    /// by a known key refuses the whole note.
    pub fn verify<'k>(&self, known: &'k [VerifierKey]) -> Result<Vec<&'k VerifierKey>, NoteError> {
        let mut signers = Vec::new();
        for key in known {
            if self.signature_by(key)?.is_some() {
                signers.push(key);
            }
        }
        if signers.is_empty() {
            Err(NoteError::UnknownSigners)
        } else {
            Ok(signers)
        }
    }

    /// The checked signature of `key`; `None` when the key has no signature line.
    pub fn signature_by(&self, key: &VerifierKey) -> Result<Option<&NoteSignature>, NoteError> {
        let mut lines = self.signatures.iter().filter(|line| line.is_by(key));
        let Some(signature) = lines.next() else {
            return Ok(None);
        };
        if lines.next().is_some() {
            return Err(NoteError::DuplicateSignature {
                name: key.name().to_owned(),
            });
        }
        if key.verify(&self.text, signature.bytes()) {
            Ok(Some(signature))
        } else {
            Err(NoteError::InvalidSignature {
                name: key.name().to_owned(),
            })
        }
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}\n{}",
            self.text,
            NoteSignature::format_lines(&self.signatures)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(name: &str, seed: u8) -> Ed25519Signer {
        Ed25519Signer::from_seed(name, &[seed; 32]).ok().unwrap()
    }

    #[test]
    fn text_goes_up_to_the_last_blank_line() {
        let alice = signer("alice", 1);
        let note = SignedNote::sign("one\n\ntwo\n\n", &alice).unwrap().to_string();
        let read = SignedNote::parse(note.as_bytes()).unwrap();
        assert_eq!(read.text(), "one\n\ntwo\n\n");
        assert_eq!(read.to_string(), note);
        assert_eq!(
            read.verify(&[alice.verifier_key().clone()]).unwrap(),
            [alice.verifier_key()]
        );
    }

    #[test]
    fn unknown_signatures_are_ignored_but_do_not_suffice() {
        let (alice, bob) = (signer("alice", 1), signer("bob", 2));
        let mut note = SignedNote::sign("text\n", &alice).unwrap();
        assert_eq!(
            note.verify(&[bob.verifier_key().clone()]),
            Err(NoteError::UnknownSigners)
        );
        let signed_by_bob = SignedNote::sign("text\n", &bob).unwrap().signatures()[0].clone();
        note.add_signature(signed_by_bob).unwrap();
        assert_eq!(
            note.verify(&[bob.verifier_key().clone()]).unwrap(),
            [bob.verifier_key()]
        );
    }

    #[test]
    fn one_wrong_known_signature_refuses_the_note() {
        let (alice, bob) = (signer("alice", 1), signer("bob", 2));
        let mut note = SignedNote::sign("text\n", &alice).unwrap();
        note.add_signature(SignedNote::sign("other\n", &bob).unwrap().signatures()[0].clone())
            .unwrap();
        let keys = [alice.verifier_key().clone(), bob.verifier_key().clone()];
        assert_eq!(
            note.verify(&keys),
            Err(NoteError::InvalidSignature { name: "bob".into() })
        );
    }

    #[test]
    fn a_known_key_signs_once() {
        let alice = signer("alice", 1);
        let once = SignedNote::sign("text\n", &alice).unwrap().to_string();
        let line = once.lines().last().unwrap();
        let twice = SignedNote::parse(format!("{once}{line}\n").as_bytes()).unwrap();
        let refusal = NoteError::DuplicateSignature { name: "alice".into() };
        assert_eq!(twice.verify(&[alice.verifier_key().clone()]), Err(refusal));

        let mut note = SignedNote::parse(once.as_bytes()).unwrap();
        note.add_signature(note.signatures()[0].clone()).unwrap();
        assert_eq!(note.signatures().len(), 1);
    }

    #[test]
    fn malformed_notes_are_refused() {
        let note = SignedNote::sign("text\n", &signer("alice", 1))
            .unwrap()
            .to_string();
        let parse = |note: &str| SignedNote::parse(note.as_bytes()).map(|_| ());
        assert_eq!(parse(&note), Ok(()));
        assert_eq!(parse(""), Err(NoteError::NoSignatures));
        assert_eq!(parse("text\n\n"), Err(NoteError::NoSignatures));
        assert_eq!(parse(&note.replace("\n\n", "\n")), Err(NoteError::NoSignatures));
        assert_eq!(
            parse(&note.replace('\n', "\r\n")),
            Err(NoteError::ControlCharacter)
        );
        assert_eq!(
            parse(&note.replace("text", "te\txt")),
            Err(NoteError::ControlCharacter)
        );
        assert_eq!(parse(note.trim_end()), Err(NoteError::MalformedSignature));
        assert_eq!(
            parse(&note.replace("— ", "- ")),
            Err(NoteError::MalformedSignature)
        );
        assert_eq!(
            parse(&note.replace("— ", "—  ")),
            Err(NoteError::MalformedSignature)
        );
        assert_eq!(
            parse(&note.replace("=\n", "\n")),
            Err(NoteError::MalformedSignature)
        );
        assert_eq!(
            parse(&note.replace("=\n", "= \n")),
            Err(NoteError::MalformedSignature)
        );
        assert_eq!(parse(&format!("{note}\n")), Err(NoteError::NoSignatures));
        assert_eq!(SignedNote::parse(b"\xff\n\n\xe2"), Err(NoteError::NotUtf8));
        assert_eq!(parse(&"x".repeat(MAX_NOTE_LEN + 1)), Err(NoteError::TooLarge));
    }

    #[test]
    fn signatures_are_counted() {
        let line = |i: usize| format!("— k{i} AAAAAAA=\n");
        let note = |n| format!("text\n\n{}", (0..n).map(line).collect::<String>());
        assert!(SignedNote::parse(note(MAX_SIGNATURES).as_bytes()).is_ok());
        let refusal = SignedNote::parse(note(MAX_SIGNATURES + 1).as_bytes());
        assert_eq!(refusal, Err(NoteError::TooManySignatures));
        let mut full = SignedNote::parse(note(MAX_SIGNATURES).as_bytes()).unwrap();
        let extra = SignedNote::sign("text\n", &signer("alice", 1))
            .unwrap()
            .signatures()[0]
            .clone();
        assert_eq!(full.add_signature(extra), Err(NoteError::TooManySignatures));
    }

    #[test]
    fn unsignable_text_is_refused() {
        for text in ["", "text", "te\rxt\n"] {
            assert_eq!(
                SignedNote::sign(text, &signer("alice", 1)),
                Err(SignerError::UnsignableText)
            );
        }
        let witness = Ed25519Signer::cosigner_from_seed("w", &[1; 32]).ok().unwrap();
        assert_eq!(
            SignedNote::sign("text\n", &witness),
            Err(SignerError::WrongSignatureType)
        );
    }
}
