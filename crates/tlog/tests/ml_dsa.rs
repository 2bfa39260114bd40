//! Cosignatures of ML-DSA-44 keys: against a published one, and with everything that must not pass for one.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use cyberid_tlog::checkpoint::{Checkpoint, VerifiedCheckpoint};
use cyberid_tlog::cosignature::{Cosignature, cosign, verify};
use cyberid_tlog::hash::leaf_hash;
use cyberid_tlog::note::{
    Ed25519Signer, MlDsa44Signer, NoteError, NoteSignature, NoteSigner as _, SignatureType, SignedNote,
    SignerError, VerifierKey, VerifierKeyError,
};
use cyberid_tlog::policy::{Policy, Unsatisfied};
use cyberid_tlog::witness::accept_response;

/// The key of a log and its checkpoint, from the tests of torchwood v0.10.0 (`cmd/litewitness/testdata/mldsa.txt`).
const KEY: &str = include_str!("vectors/torchwood-mldsa-44.vkey");
const NOTE: &str = include_str!("vectors/torchwood-mldsa-44.note");

fn checkpoint(origin: &str) -> VerifiedCheckpoint {
    let log = Ed25519Signer::from_seed(origin, &[1; 32]).ok().unwrap();
    let checkpoint = Checkpoint::new(origin, 1, leaf_hash(b"")).unwrap();
    checkpoint.sign(&log).unwrap()
}

fn witness() -> MlDsa44Signer {
    MlDsa44Signer::cosigner_from_seed("witness.example", &[2; 32])
        .ok()
        .unwrap()
}

fn cosigned(time: u64) -> VerifiedCheckpoint {
    let mut checkpoint = checkpoint("log.example");
    let line = cosign(&checkpoint, time, &witness()).unwrap();
    checkpoint.add_cosignature(line).unwrap();
    checkpoint
}

#[test]
fn a_published_cosignature_is_read_as_written_and_verifies() {
    let key: VerifierKey = KEY.trim_end().parse().unwrap();
    assert_eq!(key.signature_type(), SignatureType::SubtreeV1);
    assert_eq!(
        (key.public_key().len(), key.to_string()),
        (1312, KEY.trim_end().into())
    );
    let note = SignedNote::parse(NOTE.as_bytes()).unwrap();
    assert_eq!(note.to_string(), NOTE);
    let found = verify(&note, &key);
    assert_eq!(
        found,
        Ok(Some(Cosignature {
            witness: key,
            timestamp: 0
        }))
    );
}

#[test]
fn a_published_cosignature_is_of_its_tree_alone() {
    let key: VerifierKey = KEY.trim_end().parse().unwrap();
    let refusal = NoteError::InvalidSignature {
        name: key.name().into(),
    };
    let line = NOTE.split_once("\n\n").unwrap().1;
    for (altered, verified) in [
        (NOTE.replace("mldsa-log\n1\n", "mldsa-log\n2\n"), false),
        (NOTE.replace("+zoErtsZ", "+zoErtsY"), false),
        (
            NOTE.replace("example.com/mldsa-log\n1", "example.org/mldsa-log\n1"),
            false,
        ),
        (NOTE.replace("D38=\n", "D38=\nan extension\n"), true),
        (format!("not a checkpoint\n\n{line}"), false),
    ] {
        assert_ne!(altered, NOTE);
        let found = verify(&SignedNote::parse(altered.as_bytes()).unwrap(), &key);
        let expected = if verified { Ok(true) } else { Err(refusal.clone()) };
        assert_eq!(found.map(|found| found.is_some()), expected, "{altered}");
    }
}

/// The key id was computed with another library (pyca/cryptography 50) from the same seed.
#[test]
fn a_seed_makes_the_key_that_others_make_of_it() {
    assert_eq!(witness().verifier_key().key_id().to_string(), "52721fb4");
}

#[test]
fn a_cosignature_carries_its_time_and_no_byte_of_it_can_be_another() {
    let checkpoint = cosigned(1_700_000_000);
    let read = SignedNote::parse(checkpoint.note().to_string().as_bytes()).unwrap();
    let found = verify(&read, witness().verifier_key()).unwrap().unwrap();
    assert_eq!(
        (found.timestamp, found.witness.name()),
        (1_700_000_000, "witness.example")
    );
    let bytes = read.signatures().last().unwrap().bytes();
    assert_eq!(bytes.len(), 8 + 2420);
    for at in (0..bytes.len()).step_by(61).chain([7, 8, 2427]) {
        let mut altered = bytes.to_vec();
        if let Some(byte) = altered.get_mut(at) {
            *byte ^= 1;
        }
        assert!(!witness().verifier_key().verify(read.text(), &altered), "{at}");
        let cut = bytes.get(..at).unwrap_or_default();
        assert!(!witness().verifier_key().verify(read.text(), cut), "{at}");
    }
}

#[test]
fn the_same_key_under_another_name_is_another_witness() {
    let other = MlDsa44Signer::cosigner_from_seed("other.example", &[2; 32])
        .ok()
        .unwrap();
    let bytes = cosign(&checkpoint("log.example"), 5, &witness()).unwrap();
    let text = checkpoint("log.example").note().text().to_owned();
    assert!(witness().verifier_key().verify(&text, bytes.bytes()));
    assert!(!other.verifier_key().verify(&text, bytes.bytes()));
}

#[test]
fn a_policy_counts_witnesses_of_both_kinds() {
    let ed25519 = Ed25519Signer::cosigner_from_seed("ed25519.example", &[3; 32])
        .ok()
        .unwrap();
    let keys = [witness().verifier_key().clone(), ed25519.verifier_key().clone()];
    let policy = Policy::parse(&Policy::k_of_n(None, &keys, 2).unwrap().to_bytes()).unwrap();
    let mut checkpoint = cosigned(5);
    let refused = policy.satisfied_by(&checkpoint).unwrap_err();
    assert_eq!(refused, Unsatisfied::NoQuorum { cosigned: 1 });
    let line = cosign(&checkpoint, 6, &ed25519).unwrap();
    checkpoint.add_cosignature(line).unwrap();
    let times: Vec<u64> = policy
        .satisfied_by(&checkpoint)
        .unwrap()
        .iter()
        .map(|cosignature| cosignature.timestamp)
        .collect();
    assert_eq!(times, [5, 6]);
}

#[test]
fn such_a_key_signs_no_checkpoint_for_a_log() {
    let refused = SignedNote::sign("text\n", &witness());
    assert_eq!(refused, Err(SignerError::WrongSignatureType));
    assert!(VerifiedCheckpoint::open(NOTE.as_bytes(), &KEY.trim_end().parse().unwrap()).is_err());
    assert!(Policy::without_witnesses(witness().verifier_key().clone()).is_err());
}

#[test]
fn a_witness_that_answers_without_a_time_has_not_answered() {
    let key: VerifierKey = KEY.trim_end().parse().unwrap();
    let line = NOTE.split_once("\n\n").unwrap().1;
    let log = Ed25519Signer::from_seed("example.com/mldsa-log", &[1; 32])
        .ok()
        .unwrap();
    let claimed: Checkpoint = SignedNote::parse(NOTE.as_bytes())
        .unwrap()
        .text()
        .parse()
        .unwrap();
    let mut asked = claimed.sign(&log).unwrap();
    let refusal = NoteError::InvalidSignature {
        name: key.name().into(),
    };
    assert_eq!(accept_response(&mut asked, line, &key), Err(refusal));

    let mut asked = checkpoint("log.example");
    let timed = NoteSignature::format_lines(&[cosign(&asked, 5, &witness()).unwrap()]);
    assert_eq!(
        accept_response(&mut asked, &timed, witness().verifier_key()),
        Ok(true)
    );
}

#[test]
fn names_too_long_for_the_message_are_refused() {
    let long = "n".repeat(256);
    let named = |name: &str| MlDsa44Signer::cosigner_from_seed(name, &[2; 32]).err();
    assert_eq!(
        (named(&long), named(&long[1..])),
        (Some(VerifierKeyError::InvalidName), None)
    );
    let refused = cosign(&checkpoint(&long), 5, &witness());
    assert_eq!(refused, Err(SignerError::UnsignableText));
}

#[test]
fn a_key_of_another_length_is_no_key() {
    for (signature_type, len) in [
        (SignatureType::SubtreeV1, 32),
        (SignatureType::SubtreeV1, 1311),
        (SignatureType::Ed25519, 1312),
        (SignatureType::CosignatureV1, 31),
    ] {
        let made = VerifierKey::new("witness.example", signature_type, &vec![7; len]);
        assert_eq!(made, Err(VerifierKeyError::Malformed));
    }
}

/// signed-note, Signatures: "Verifiers MUST ignore signatures from unknown keys, even if they share a name or ID".
#[test]
fn lines_of_types_that_nobody_here_knows_are_ignored() {
    let known = cosigned(5);
    let note = known.note().to_string();
    let line = note.lines().last().unwrap().to_owned();
    let bytes = known.note().signatures().last().unwrap().key_id().0;
    // Another id, as the same name has with a type not assigned yet; and the same id under another name.
    let other_id = format!(
        "\u{2014} witness.example {}\n",
        base64(&[[0xff].as_slice(), &bytes[1..], b"?"].concat())
    );
    let other_name = format!("{}\n", line.replace("witness.example", "witness.example/2"));
    let longer = format!("{note}{other_id}{other_name}");
    let read = VerifiedCheckpoint::open(longer.as_bytes(), known.log_key()).unwrap();
    assert_eq!(read.note().to_string(), longer);
    assert!(verify(read.note(), witness().verifier_key()).unwrap().is_some());
    let policy = Policy::k_of_n(None, &[witness().verifier_key().clone()], 1).unwrap();
    assert_eq!(policy.satisfied_by(&read).unwrap().len(), 1);
    let unknown = format!("{}{other_id}", checkpoint("log.example").note());
    let read = VerifiedCheckpoint::open(unknown.as_bytes(), known.log_key()).unwrap();
    assert_eq!(
        policy.satisfied_by(&read),
        Err(Unsatisfied::NoQuorum { cosigned: 0 })
    );
}

fn base64(bytes: &[u8]) -> String {
    use base64ct::Encoding as _;
    base64ct::Base64::encode_string(bytes)
}
