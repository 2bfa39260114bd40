//! Timestamped witness cosignatures (C2SP tlog-cosignature): `cosignature/v1` of Ed25519 keys, and `subtree/v1` of
//! ML-DSA-44 keys, always of a whole tree.

use crate::checkpoint::{Checkpoint, VerifiedCheckpoint};
use crate::note::{
    NoteError, NoteSignature, NoteSigner, SignatureType, SignedNote, SignerError, VerifierKey,
};

/// The latest time a cosignature may bear, in seconds since the Epoch (tlog-cosignature, Format).
pub const MAX_TIMESTAMP: u64 = (1 << 63) - 1;

const HEADER: &str = "cosignature/v1";
const SUBTREE_LABEL: &[u8; 12] = b"subtree/v1\n\0";
const TIMESTAMP_LEN: usize = 8;

/// A checked statement of a witness: by `timestamp`, this was the largest tree of the log it had seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    /// The witness's key.
    pub witness: VerifierKey,
    /// When it was made, in seconds since the Epoch; zero says that the tree is consistent, and nothing of its time.
    pub timestamp: u64,
}

/// Cosigns a checkpoint at `time`, in seconds since the Epoch (tlog-cosignature, Format).
///
/// The caller has checked that the checkpoint is consistent with every one it cosigned before.
pub fn cosign(
    checkpoint: &VerifiedCheckpoint,
    time: u64,
    signer: &(impl NoteSigner + ?Sized),
) -> Result<NoteSignature, SignerError> {
    let key = signer.verifier_key();
    if !key.signature_type().is_cosignature() {
        return Err(SignerError::WrongSignatureType);
    }
    if time == 0 || time > MAX_TIMESTAMP {
        return Err(SignerError::TimeOutOfRange);
    }
    let message = message(key, time, checkpoint.note().text()).ok_or(SignerError::UnsignableText)?;
    let bytes = [time.to_be_bytes().as_slice(), &signer.sign(&message)?].concat();
    Ok(NoteSignature::new(key, bytes))
}

/// The checked cosignature of `witness` on a note; `None` when it has no line there.
pub fn verify(note: &SignedNote, witness: &VerifierKey) -> Result<Option<Cosignature>, NoteError> {
    let Some(line) = note.signature_by(witness)? else {
        return Ok(None);
    };
    let timestamp = checked_timestamp(witness, note.text(), line.bytes());
    Ok(timestamp.map(|timestamp| Cosignature {
        witness: witness.clone(),
        timestamp,
    }))
}

/// The timestamp of a `timestamped_signature` by this key over this text, when it is valid.
pub(crate) fn checked_timestamp(key: &VerifierKey, text: &str, bytes: &[u8]) -> Option<u64> {
    let (timestamp, signature) = bytes.split_first_chunk::<TIMESTAMP_LEN>()?;
    let timestamp = u64::from_be_bytes(*timestamp);
    let message = message(key, timestamp, text)?;
    (timestamp <= MAX_TIMESTAMP && key.verify_bare(&message, signature)).then_some(timestamp)
}

/// What a witness with this key signs of a note with this text; `None` when there is nothing it could sign.
fn message(witness: &VerifierKey, time: u64, text: &str) -> Option<Vec<u8>> {
    match witness.signature_type() {
        SignatureType::Ed25519 => None,
        SignatureType::CosignatureV1 => Some(format!("{HEADER}\ntime {time}\n{text}").into_bytes()),
        SignatureType::SubtreeV1 => subtree_message(witness.name(), time, &text.parse().ok()?),
    }
}

/// The `cosigned_message` of the whole tree (tlog-cosignature, ML-DSA-44 signed message): no extension lines are in it.
fn subtree_message(witness: &str, time: u64, checkpoint: &Checkpoint) -> Option<Vec<u8>> {
    let witness_len = u8::try_from(witness.len()).ok()?;
    let origin_len = u8::try_from(checkpoint.origin().len()).ok()?;
    let root = checkpoint.root();
    let parts: [&[u8]; 9] = [
        SUBTREE_LABEL,
        &[witness_len],
        witness.as_bytes(),
        &time.to_be_bytes(),
        &[origin_len],
        checkpoint.origin().as_bytes(),
        &0_u64.to_be_bytes(),
        &checkpoint.size().to_be_bytes(),
        root.as_bytes(),
    ];
    Some(parts.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::hash::leaf_hash;
    use crate::note::Ed25519Signer;

    fn checkpoint() -> VerifiedCheckpoint {
        let log = Ed25519Signer::from_seed("log", &[1; 32]).ok().unwrap();
        Checkpoint::new("log", 1, leaf_hash(b""))
            .unwrap()
            .sign(&log)
            .unwrap()
    }

    fn witness() -> Ed25519Signer {
        Ed25519Signer::cosigner_from_seed("witness", &[2; 32])
            .ok()
            .unwrap()
    }

    #[test]
    fn the_message_is_that_of_the_specification() {
        let body = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let published = "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n\
                         CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let made = message(witness().verifier_key(), 1_679_315_147, body);
        assert_eq!(made, Some(published.as_bytes().to_vec()));
    }

    #[test]
    fn a_cosignature_carries_its_time() {
        let mut cosigned = checkpoint();
        cosigned
            .add_cosignature(cosign(&cosigned, 1_700_000_000, &witness()).unwrap())
            .unwrap();
        let read = SignedNote::parse(cosigned.note().to_string().as_bytes()).unwrap();
        let found = verify(&read, witness().verifier_key()).unwrap().unwrap();
        assert_eq!(
            (found.timestamp, found.witness.name()),
            (1_700_000_000, "witness")
        );
        assert_eq!(read.signatures()[1].bytes().len(), 72);
        assert_eq!(verify(checkpoint().note(), witness().verifier_key()), Ok(None));
    }

    #[test]
    fn an_altered_time_or_text_is_refused() {
        let key = witness().verifier_key().clone();
        let line = cosign(&checkpoint(), 5, &witness()).unwrap();
        let text = checkpoint().note().text().to_owned();
        assert_eq!(checked_timestamp(&key, &text, line.bytes()), Some(5));
        assert_eq!(
            checked_timestamp(&key, &text.replace("log", "lag"), line.bytes()),
            None
        );
        for i in 0..line.bytes().len() {
            let mut altered = line.bytes().to_vec();
            altered[i] ^= 1;
            assert_eq!(checked_timestamp(&key, &text, &altered), None, "{i}");
            assert_eq!(checked_timestamp(&key, &text, &line.bytes()[..i]), None, "{i}");
        }
    }

    #[test]
    fn times_past_the_limit_are_neither_made_nor_believed() {
        for time in [0, MAX_TIMESTAMP + 1] {
            let refused = cosign(&checkpoint(), time, &witness());
            assert_eq!(refused, Err(SignerError::TimeOutOfRange));
        }
        let text = checkpoint().note().text().to_owned();
        let late = MAX_TIMESTAMP + 1;
        let signature = witness()
            .sign(&message(witness().verifier_key(), late, &text).unwrap())
            .unwrap();
        let bytes = [late.to_be_bytes().as_slice(), &signature].concat();
        assert_eq!(checked_timestamp(witness().verifier_key(), &text, &bytes), None);
    }

    #[test]
    fn a_log_key_makes_no_cosignature() {
        let log = Ed25519Signer::from_seed("log", &[1; 32]).ok().unwrap();
        assert_eq!(
            cosign(&checkpoint(), 5, &log),
            Err(SignerError::WrongSignatureType)
        );
    }
}
