//! Checkpoints: the signed size and root of a log (C2SP tlog-checkpoint).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::hash::{EMPTY_ROOT, Hash};
use crate::note::{NoteError, NoteSigner, SignatureType, SignedNote, SignerError, VerifierKey};
use crate::text;

/// What a checkpoint says; a claim until its signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

/// Why something is not a checkpoint, or not one of this log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// The text is not at least three non-empty lines, or a line has a control character.
    #[error("the checkpoint is malformed")]
    Malformed,
    /// The size is not a canonical decimal.
    #[error("the tree size is malformed")]
    MalformedSize,
    /// The root is not 32 bytes in canonical base64.
    #[error("the root hash is malformed")]
    MalformedRoot,
    /// The tree is empty and the root is not the one of the empty tree.
    #[error("the root is not that of the empty tree")]
    WrongEmptyRoot,
    /// The origin is not the name of the log's key.
    #[error("the checkpoint is of another log")]
    WrongOrigin,
    /// The key given for the log is a witness key.
    #[error("the key is not a log key")]
    NotALogKey,
    /// The note around the checkpoint is malformed or not signed by the log.
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl Checkpoint {
    /// States the size and root of the log named `origin`.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        if !is_line(origin) {
            return Err(CheckpointError::Malformed);
        }
        if size == 0 && root != EMPTY_ROOT {
            return Err(CheckpointError::WrongEmptyRoot);
        }
        Ok(Self {
            origin: origin.to_owned(),
            size,
            root,
            extensions: Vec::new(),
        })
    }

    /// The unique name of the log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree of that size.
    pub fn root(&self) -> Hash {
        self.root
    }

    /// Further lines, opaque to everyone but the log's own application.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// Signs the checkpoint with the key named as its origin.
    pub fn sign(self, signer: &(impl NoteSigner + ?Sized)) -> Result<VerifiedCheckpoint, SignerError> {
        if signer.name() != self.origin {
            return Err(SignerError::WrongOrigin);
        }
        let note = SignedNote::sign(&self.to_string(), signer)?;
        // A keystore that answers with the wrong key must not publish a checkpoint nobody can check.
        match note.signature_by(signer.verifier_key()) {
            Ok(Some(_)) => Ok(VerifiedCheckpoint {
                checkpoint: self,
                log: signer.verifier_key().clone(),
                note,
            }),
            _ => Err(SignerError::Unavailable),
        }
    }
}

impl fmt::Display for Checkpoint {
    /// Writes the note text, with its final newline (tlog-checkpoint, Note text).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.size, self.root.to_base64())?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    /// Reads the note text, with its final newline (tlog-checkpoint, Note text).
    fn from_str(body: &str) -> Result<Self, CheckpointError> {
        let lines = text::terminated_lines(body).ok_or(CheckpointError::Malformed)?;
        let [origin, size, root, extensions @ ..] = lines.as_slice() else {
            return Err(CheckpointError::Malformed);
        };
        if !extensions.iter().all(|line| is_line(line)) {
            return Err(CheckpointError::Malformed);
        }
        let size = text::parse_decimal(size).ok_or(CheckpointError::MalformedSize)?;
        let root = Hash::from_base64(root).ok_or(CheckpointError::MalformedRoot)?;
        let checkpoint = Self::new(origin, size, root)?;
        Ok(Self {
            extensions: extensions.iter().map(|&line| line.to_owned()).collect(),
            ..checkpoint
        })
    }
}

/// A checkpoint that its log has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCheckpoint {
    checkpoint: Checkpoint,
    log: VerifierKey,
    note: SignedNote,
}

impl VerifiedCheckpoint {
    /// Reads a signed note and checks that it is a checkpoint signed by `log`, whose name is the origin.
    pub fn open(note: &[u8], log: &VerifierKey) -> Result<Self, CheckpointError> {
        Self::from_note(SignedNote::parse(note)?, log)
    }

    /// Checks that a note is a checkpoint signed by `log`, whose name is the origin.
    pub fn from_note(note: SignedNote, log: &VerifierKey) -> Result<Self, CheckpointError> {
        if log.signature_type() != SignatureType::Ed25519 {
            return Err(CheckpointError::NotALogKey);
        }
        note.signature_by(log)?.ok_or(NoteError::UnknownSigners)?;
        let checkpoint: Checkpoint = note.text().parse()?;
        if checkpoint.origin != log.name() {
            return Err(CheckpointError::WrongOrigin);
        }
        Ok(Self {
            checkpoint,
            log: log.clone(),
            note,
        })
    }

    /// What the log signed.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The key the signature was checked with.
    pub fn log_key(&self) -> &VerifierKey {
        &self.log
    }

    /// The note with all its signatures; those of others are not checked by this type.
    pub fn note(&self) -> &SignedNote {
        &self.note
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.checkpoint.size
    }

    /// The root of the tree of that size.
    pub fn root(&self) -> Hash {
        self.checkpoint.root
    }

    /// Adds a witness's line, in the place of an earlier one by the same key; the log's own line stays.
    pub fn add_cosignature(&mut self, signature: crate::note::NoteSignature) -> Result<(), NoteError> {
        if signature.name() == self.log.name() && signature.key_id() == self.log.key_id() {
            return Err(NoteError::DuplicateSignature {
                name: self.log.name().to_owned(),
            });
        }
        self.note.add_signature(signature)
    }
}

/// Says whether text can stand as one line of a checkpoint.
fn is_line(line: &str) -> bool {
    !line.is_empty() && !line.contains('\n') && text::is_note_text(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;
    use crate::note::Ed25519Signer;

    fn log(name: &str) -> Ed25519Signer {
        Ed25519Signer::from_seed(name, &[3; 32]).ok().unwrap()
    }

    #[test]
    fn a_published_checkpoint_opens() {
        // From the tests of transparency-dev/witness.
        let key = "monkeys+db4d9f7e+AULaJMvTtDLHPUcUrjdDad9vDlh/PTfC2VV60JUtCfWT"
            .parse()
            .unwrap();
        let note = "monkeys\n5\n41smjBUiAU70EtKlT6lIOIYtRTYxYXsDB+XHfcvu/BE=\n\n\
            — monkeys 202fftzGl3LVoqjXfwCFZZXs8I+5G22+Ek2K0AOyBuSJ/8/CZawNF+6fNlTKOCd622pbzJNkkJFWuw9DbicZCkEx9AY=\n";
        let opened = VerifiedCheckpoint::open(note.as_bytes(), &key).unwrap();
        assert_eq!((opened.checkpoint().origin(), opened.size()), ("monkeys", 5));
        assert_eq!(opened.note().to_string(), note);

        let altered = note.replace("\n5\n", "\n6\n");
        let refusal = CheckpointError::Note(NoteError::InvalidSignature {
            name: "monkeys".into(),
        });
        assert_eq!(VerifiedCheckpoint::open(altered.as_bytes(), &key), Err(refusal));
    }

    #[test]
    fn the_empty_log_has_the_empty_root() {
        let empty = Checkpoint::new("log", 0, EMPTY_ROOT).unwrap();
        assert_eq!(empty.to_string().parse(), Ok(empty));
        assert_eq!(
            Checkpoint::new("log", 0, leaf_hash(b"")),
            Err(CheckpointError::WrongEmptyRoot)
        );
    }

    #[test]
    fn extension_lines_are_kept() {
        let body = format!("log\n1\n{}\nfirst\nsecond line\n", leaf_hash(b"").to_base64());
        let checkpoint: Checkpoint = body.parse().unwrap();
        assert_eq!(checkpoint.extensions(), ["first", "second line"]);
        assert_eq!(checkpoint.to_string(), body);
    }

    #[test]
    fn malformed_bodies_are_refused() {
        let root = leaf_hash(b"").to_base64();
        let parse = |body: String| body.parse::<Checkpoint>().unwrap_err();
        assert_eq!(parse(String::new()), CheckpointError::Malformed);
        assert_eq!(parse("log\n1\n".into()), CheckpointError::Malformed);
        assert_eq!(parse(format!("log\n1\n{root}")), CheckpointError::Malformed);
        assert_eq!(parse(format!("\n1\n{root}\n")), CheckpointError::Malformed);
        assert_eq!(parse(format!("log\n1\n{root}\n\n")), CheckpointError::Malformed);
        assert_eq!(parse(format!("log\r\n1\n{root}\n")), CheckpointError::Malformed);
        for size in ["", "01", "+1", "1 ", "-1", "18446744073709551616"] {
            assert_eq!(
                parse(format!("log\n{size}\n{root}\n")),
                CheckpointError::MalformedSize,
                "{size}"
            );
        }
        for bad in [
            &root[..43],
            "",
            "AAAA",
            &format!("{root} "),
            &root.replace('=', "=="),
        ] {
            assert_eq!(
                parse(format!("log\n1\n{bad}\n")),
                CheckpointError::MalformedRoot,
                "{bad}"
            );
        }
    }

    #[test]
    fn only_the_log_itself_signs() {
        let checkpoint = Checkpoint::new("log", 1, leaf_hash(b"")).unwrap();
        assert_eq!(
            checkpoint.clone().sign(&log("other")),
            Err(SignerError::WrongOrigin)
        );
        let note = SignedNote::sign(&checkpoint.to_string(), &log("other")).unwrap();
        let refusal = VerifiedCheckpoint::from_note(note, log("other").verifier_key());
        assert_eq!(refusal, Err(CheckpointError::WrongOrigin));

        let signed = checkpoint.sign(&log("log")).unwrap();
        let reopened =
            VerifiedCheckpoint::open(signed.note().to_string().as_bytes(), log("log").verifier_key());
        assert_eq!(reopened, Ok(signed.clone()));
        let stranger = VerifiedCheckpoint::from_note(signed.note().clone(), log("stranger").verifier_key());
        assert_eq!(stranger, Err(CheckpointError::Note(NoteError::UnknownSigners)));
    }

    #[test]
    fn a_witness_key_opens_no_checkpoint() {
        let mut cosigned = Checkpoint::new("log", 1, leaf_hash(b""))
            .unwrap()
            .sign(&log("log"))
            .unwrap();
        let witness = Ed25519Signer::cosigner_from_seed("log", &[4; 32]).ok().unwrap();
        cosigned
            .add_cosignature(crate::cosignature::cosign(&cosigned, 5, &witness).unwrap())
            .unwrap();
        let opened = VerifiedCheckpoint::from_note(cosigned.note().clone(), witness.verifier_key());
        assert_eq!(opened, Err(CheckpointError::NotALogKey));
    }

    #[test]
    fn the_log_line_is_not_replaced() {
        let mut held = Checkpoint::new("log", 1, leaf_hash(b""))
            .unwrap()
            .sign(&log("log"))
            .unwrap();
        let other = Checkpoint::new("log", 2, leaf_hash(b""))
            .unwrap()
            .sign(&log("log"))
            .unwrap();
        let line = other.note().signatures()[0].clone();
        assert_eq!(
            held.add_cosignature(line),
            Err(NoteError::DuplicateSignature { name: "log".into() })
        );
        assert!(VerifiedCheckpoint::from_note(held.note().clone(), log("log").verifier_key()).is_ok());
    }

    #[test]
    fn a_keystore_that_signs_with_another_key_publishes_nothing() {
        struct Confused(Ed25519Signer, Ed25519Signer);
        impl NoteSigner for Confused {
            fn verifier_key(&self) -> &VerifierKey {
                self.0.verifier_key()
            }
            fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
                self.1.sign(message)
            }
        }
        let checkpoint = Checkpoint::new("log", 1, leaf_hash(b"")).unwrap();
        let other = Ed25519Signer::from_seed("log", &[9; 32]).ok().unwrap();
        assert_eq!(
            checkpoint.sign(&Confused(log("log"), other)),
            Err(SignerError::Unavailable)
        );
    }
}
