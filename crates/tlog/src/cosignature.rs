//! Timestamped Ed25519 witness cosignatures (C2SP tlog-cosignature, `cosignature/v1`).

use crate::checkpoint::VerifiedCheckpoint;
use crate::note::{
    NoteError, NoteSignature, NoteSigner, SignatureType, SignedNote, SignerError, VerifierKey,
};

/// The latest time a cosignature may bear, in seconds since the Epoch (tlog-cosignature, Format).
pub const MAX_TIMESTAMP: u64 = (1 << 63) - 1;

const HEADER: &str = "cosignature/v1";
const TIMESTAMP_LEN: usize = 8;

/// A checked statement of a witness: by `timestamp`, this was the largest tree of the log it had seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    /// The witness's key.
    pub witness: VerifierKey,
    /// When it was made, in seconds since the Epoch.
    pub timestamp: u64,
}

/// Cosigns a checkpoint at `time`, in seconds since the Epoch (tlog-cosignature, Ed25519 signed message).
///
/// The caller has checked that the checkpoint is consistent with every one it cosigned before.
pub fn cosign(
    checkpoint: &VerifiedCheckpoint,
    time: u64,
    signer: &(impl NoteSigner + ?Sized),
) -> Result<NoteSignature, SignerError> {
    let key = signer.verifier_key();
    if key.signature_type() != SignatureType::CosignatureV1 {
        return Err(SignerError::WrongSignatureType);
    }
    if time > MAX_TIMESTAMP {
        return Err(SignerError::TimeOutOfRange);
    }
    let signature = signer.sign(message(time, checkpoint.note().text()).as_bytes())?;
    let bytes = [time.to_be_bytes().as_slice(), &signature].concat();
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
    let valid =
        timestamp <= MAX_TIMESTAMP && key.verify_ed25519(message(timestamp, text).as_bytes(), signature);
    valid.then_some(timestamp)
}

fn message(time: u64, text: &str) -> String {
    format!("{HEADER}\ntime {time}\n{text}")
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
        assert_eq!(message(1_679_315_147, body), published);
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
        assert_eq!(
            cosign(&checkpoint(), MAX_TIMESTAMP + 1, &witness()),
            Err(SignerError::TimeOutOfRange)
        );
        let text = checkpoint().note().text().to_owned();
        let late = MAX_TIMESTAMP + 1;
        let signature = witness().sign(message(late, &text).as_bytes()).unwrap();
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
