//! The SM suite beside two other implementations of it: the `openssl` command line, and the crate `sm2`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::path::Path;
use std::process::Command;

use cyberid_crypto::key::random_scalar_of;
use cyberid_crypto::{Agree as _, AgreementKey, PublicKey, Sign as _, SigningKey, Suite, jws};
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::ecdsa::EcdsaSig;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use sm2::dsa::signature::{Signer as _, Verifier as _};
use sm2::elliptic_curve::point::AffineCoordinates as _;

const ID: &str = "1234567812345678";
const MESSAGES: [&[u8]; 3] = [b"", b"message digest", &[0xa5; 300]];

fn scalar(byte: u8) -> [u8; 32] {
    *random_scalar_of(Suite::Sm, |out| out.fill(byte)).unwrap()
}

fn key(byte: u8) -> SigningKey {
    SigningKey::of(Suite::Sm, &scalar(byte)).unwrap()
}

fn accepts(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    jws::verify_signature(key, message, signature).is_ok()
}

/// Writes the key where the command line reads it.
fn save(folder: &Path, scalar: &[u8; 32], public: &PublicKey) {
    let group = EcGroup::from_curve_name(Nid::SM2).unwrap();
    let point = EcPoint::from_bytes(&group, public.as_sec1(), &mut BigNumContext::new().unwrap()).unwrap();
    let number = BigNum::from_slice(scalar).unwrap();
    let key = PKey::from_ec_key(EcKey::from_private_components(&group, &number, &point).unwrap()).unwrap();
    std::fs::write(folder.join("private"), key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    std::fs::write(folder.join("public"), key.public_key_to_pem().unwrap()).unwrap();
}

/// Whether `openssl` does it, in this folder.
fn openssl(folder: &Path, line: &str) -> bool {
    let mut command = Command::new("openssl");
    let ran = command
        .current_dir(folder)
        .args(line.split(' '))
        .output()
        .unwrap();
    ran.status.success()
}

#[test]
fn the_command_line_takes_our_signatures_and_we_take_its() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (key, id) = (key(7), format!("-rawin -digest sm3 -pkeyopt distid:{ID}"));
    save(folder, &scalar(7), &key.public_key());
    for message in MESSAGES.into_iter().skip(1) {
        std::fs::write(folder.join("message"), message).unwrap();
        let ours = key.sign(message).unwrap();
        let [r, s] = [&ours[..32], &ours[32..]].map(|half| BigNum::from_slice(half).unwrap());
        let der = EcdsaSig::from_private_components(r, s).unwrap().to_der().unwrap();
        std::fs::write(folder.join("signature"), der).unwrap();
        let verify = format!("pkeyutl -verify -pubin -inkey public -in message -sigfile signature {id}");
        assert!(openssl(folder, &verify));
        assert!(
            !openssl(folder, &verify.replace(ID, "1234567812345679")),
            "another ID"
        );
        let sign = format!("pkeyutl -sign -inkey private -in message -out theirs {id}");
        assert!(openssl(folder, &sign));
        let theirs = EcdsaSig::from_der(&std::fs::read(folder.join("theirs")).unwrap()).unwrap();
        let halves = [theirs.r(), theirs.s()].map(|half| half.to_vec_padded(32).unwrap());
        assert!(accepts(&key.public_key(), message, &halves.concat()));
    }
}

#[test]
fn the_command_line_hashes_and_authenticates_as_we_do() {
    let folder = tempfile::tempdir().unwrap();
    let long_key = [b'k'; 80];
    for message in MESSAGES {
        std::fs::write(folder.path().join("message"), message).unwrap();
        assert!(openssl(folder.path(), "dgst -sm3 -binary -out digest message"));
        let digest = std::fs::read(folder.path().join("digest")).unwrap();
        assert_eq!(digest, Suite::Sm.hash(message));
        for key in [b"key".as_slice(), &long_key] {
            let key_text = String::from_utf8(key.to_vec()).unwrap();
            let line = format!("dgst -sm3 -hmac {key_text} -binary -out tag message");
            assert!(openssl(folder.path(), &line));
            let tag = std::fs::read(folder.path().join("tag")).unwrap();
            assert_eq!(tag, Suite::Sm.hmac(key, &[message]));
        }
    }
}

#[test]
fn another_implementation_takes_our_signatures_and_we_take_its() {
    for byte in [1, 7, 0x42, 0xfe] {
        let ours = key(byte);
        let secret = sm2::SecretKey::from_slice(&scalar(byte)).unwrap();
        let theirs = sm2::dsa::SigningKey::new(ID, &secret).unwrap();
        assert_eq!(*secret.public_key().to_sec1_bytes(), *ours.public_key().as_sec1());
        for message in MESSAGES {
            let signature = sm2::dsa::Signature::from_slice(&ours.sign(message).unwrap()).unwrap();
            assert!(theirs.verifying_key().verify(message, &signature).is_ok());
            let signature = theirs.sign(message).to_bytes();
            assert!(accepts(&ours.public_key(), message, &signature));
            assert!(!accepts(&ours.public_key(), b"another", &signature));
            assert!(!accepts(&key(9).public_key(), message, &signature));
        }
    }
}

#[test]
fn another_implementation_agrees_on_the_same_secret() {
    for (one, two) in [(1, 7), (0x42, 0xfe)] {
        let ours = AgreementKey::of(Suite::Sm, &scalar(one)).unwrap();
        let secret = sm2::SecretKey::from_slice(&scalar(one)).unwrap();
        let peer = AgreementKey::of(Suite::Sm, &scalar(two)).unwrap().public_key();
        let theirs = sm2::PublicKey::from_sec1_bytes(peer.as_sec1()).unwrap();
        let shared = theirs.to_projective() * *secret.to_nonzero_scalar();
        assert_eq!(*ours.agree(&peer).unwrap(), *shared.to_affine().x());
    }
}

/// The same 64 bytes under the same 32 secret bytes, in the two suites.
#[test]
fn a_signature_of_one_suite_is_none_of_the_other() {
    let [nist, sm] = Suite::ALL.map(|suite| SigningKey::of(suite, &scalar(7)).unwrap());
    for message in MESSAGES {
        let (by_nist, by_sm) = (nist.sign(message).unwrap(), sm.sign(message).unwrap());
        assert!(accepts(&nist.public_key(), message, &by_nist) && accepts(&sm.public_key(), message, &by_sm));
        assert!(!accepts(&nist.public_key(), message, &by_sm));
        assert!(!accepts(&sm.public_key(), message, &by_nist));
    }
}
