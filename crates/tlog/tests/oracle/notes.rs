//! Notes, keys and checkpoints.

use cyberid_tlog::checkpoint::{Checkpoint, VerifiedCheckpoint};
use cyberid_tlog::cosignature::cosign;
use cyberid_tlog::hash::{EMPTY_ROOT, leaf_hash};
use cyberid_tlog::note::{Ed25519Signer, MlDsa44Signer, NoteSigner, SignedNote, VerifierKey};
use signed_note::{Note, Signer as _, StandardSigner, StandardVerifier, Verifier as _, VerifierList};

use crate::store::theirs;

/// A published key pair, from the tests of golang.org/x/mod/sumdb/note.
const SKEY: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

const TEXTS: [&str; 5] = ["text\n", "one\n\ntwo\n", "一\n", "\n", "— a b\n"];

fn signer(name: &str) -> Ed25519Signer {
    Ed25519Signer::from_seed(name, &[7; 32]).ok().unwrap()
}

fn known(vkey: &str) -> VerifierList {
    VerifierList::new(vec![Box::new(StandardVerifier::new(vkey).unwrap())])
}

fn checkpoint() -> VerifiedCheckpoint {
    let checkpoint = Checkpoint::new("log.example/a", 1, leaf_hash(b"")).unwrap();
    checkpoint.sign(&signer("log.example/a")).unwrap()
}

#[test]
fn keys_and_their_ids_agree() {
    for name in [
        "log.example/a",
        "日志.example",
        "n",
        "a-name/with.all?sorts=of&signs#",
    ] {
        let key = signer(name).verifier_key().clone();
        let read = StandardVerifier::new(&key.to_string()).unwrap();
        assert_eq!(read.name(), name);
        assert_eq!(read.key_id().to_be_bytes(), key.key_id().0);
        let dalek = ed25519_dalek::SigningKey::from_bytes(&[7; 32]).verifying_key();
        assert_eq!(
            signed_note::new_ed25519_verifier_key(name, &dalek),
            key.to_string()
        );
    }
    let key: VerifierKey = VKEY.parse().unwrap();
    assert_eq!(key.to_string(), VKEY);
    assert_eq!(
        StandardSigner::new(SKEY).unwrap().key_id().to_be_bytes(),
        key.key_id().0
    );
}

#[test]
fn one_key_makes_the_same_note_here_and_there() {
    let seed = ed25519_dalek::SigningKey::from_bytes(&[7; 32]).to_bytes();
    let ours = signer("log.example/a");
    let material = [&[1], seed.as_slice()].concat();
    let id = ours.verifier_key().key_id();
    let skey = format!("PRIVATE+KEY+log.example/a+{id}+{}", base64(&material));
    let their = StandardSigner::new(&skey).unwrap();
    for text in TEXTS {
        let mut note = Note::new(text.as_bytes(), &[]).unwrap();
        note.add_sigs(&[&their]).unwrap();
        let made = SignedNote::sign(text, &ours).unwrap().to_string();
        assert_eq!(note.to_bytes(), made.as_bytes());
    }
}

#[test]
fn their_notes_open_here_and_are_written_back_as_they_were() {
    let (signer, key) = (StandardSigner::new(SKEY).unwrap(), VKEY.parse().unwrap());
    for text in TEXTS {
        let mut note = Note::new(text.as_bytes(), &[]).unwrap();
        note.add_sigs(&[&signer]).unwrap();
        let read = SignedNote::parse(&note.to_bytes()).unwrap();
        assert_eq!(
            (read.text(), read.to_string().into_bytes()),
            (text, note.to_bytes())
        );
        assert!(read.verify(std::slice::from_ref(&key)).is_ok());
    }
}

#[test]
fn our_notes_open_there_and_altered_ones_do_not() {
    let known = known(&signer("log.example/a").verifier_key().to_string());
    let note = checkpoint().note().to_string();
    let read = Note::from_bytes(note.as_bytes()).unwrap();
    assert_eq!(read.to_bytes(), note.as_bytes());
    assert!(read.verify(&known).is_ok());
    let altered = note.replace("\n1\n", "\n2\n");
    let altered = Note::from_bytes(altered.as_bytes()).unwrap();
    assert!(altered.verify(&known).is_err());
}

#[test]
fn our_cosigned_checkpoints_open_there_with_the_log_s_key_alone() {
    let mut checkpoint = checkpoint();
    let ed25519 = Ed25519Signer::cosigner_from_seed("w/a", &[2; 32]).ok().unwrap();
    let ml_dsa = MlDsa44Signer::cosigner_from_seed("w/b", &[3; 32]).ok().unwrap();
    for witness in [&ed25519 as &dyn NoteSigner, &ml_dsa] {
        let line = cosign(&checkpoint, 1_700_000_000, witness).unwrap();
        checkpoint.add_cosignature(line).unwrap();
    }
    let known = known(&checkpoint.log_key().to_string());
    let note = checkpoint.note().to_string();
    let read = Note::from_bytes(note.as_bytes()).unwrap();
    assert_eq!(read.to_bytes(), note.as_bytes());
    let (verified, others) = read.verify(&known).unwrap();
    let names = |signatures: &[signed_note::Signature]| {
        let names = signatures.iter().map(|signature| signature.name().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(
        (names(&verified), names(&others)),
        (vec!["log.example/a".into()], vec!["w/a".into(), "w/b".into()])
    );
}

#[test]
fn checkpoints_agree() {
    for (origin, size, root, extensions) in [
        ("log.example/a", 1, leaf_hash(b""), ""),
        ("a log with spaces + a plus", u64::MAX, leaf_hash(b"x"), ""),
        ("日志", 0, EMPTY_ROOT, ""),
        ("log.example/a", 7, leaf_hash(b"y"), "an extension\nand another\n"),
    ] {
        let their = tlog_tiles::Checkpoint::new(origin, size, theirs(root), extensions).unwrap();
        let text = String::from_utf8(their.to_bytes()).unwrap();
        let our: Checkpoint = text.parse().unwrap();
        assert_eq!((our.origin(), our.size(), our.root()), (origin, size, root));
        assert_eq!(our.to_string(), text);
        let back = tlog_tiles::Checkpoint::from_bytes(our.to_string().as_bytes()).unwrap();
        assert_eq!(
            (back.origin(), back.size(), back.extension()),
            (origin, size, extensions)
        );
    }
}

#[test]
fn what_is_no_checkpoint_there_is_none_here() {
    let good = checkpoint().note().text().to_owned();
    for bad in [
        good.replace("\n1\n", "\n01\n"),
        good.replace("\n1\n", "\n+1\n"),
        good.replace("\n1\n", "\n\n1\n"),
        good.replace("log.example/a", ""),
        good.replace("=\n", "\n"),
        good.trim_end().to_owned(),
        format!("{good}\n"),
    ] {
        assert_ne!(bad, good);
        assert!(
            tlog_tiles::Checkpoint::from_bytes(bad.as_bytes()).is_err(),
            "{bad:?}"
        );
        assert!(bad.parse::<Checkpoint>().is_err(), "{bad:?}");
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64ct::Encoding as _;
    base64ct::Base64::encode_string(bytes)
}
