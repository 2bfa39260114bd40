//! HPKE (RFC 9180) in base mode, single shot: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
//!
//! What stores keep and what vault and custodian hand each other is sealed so. Our own, so that the private key can
//! be anything that agrees ([`Agree`]), hardware included.

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::aead::{self, DoesNotOpen};
use crate::jwk::PublicKey;
use crate::key::{Agree, AgreementKey, KeyFailure};

/// The length of the encapsulated key that a sealed text begins with.
const ENCAPSULATED: usize = 65;

/// DHKEM(P-256, HKDF-SHA256), RFC 9180 section 7.1.
const KEM_ID: [u8; 2] = [0x00, 0x10];
/// HKDF-SHA256, RFC 9180 section 7.2.
const KDF_ID: [u8; 2] = [0x00, 0x01];
/// AES-256-GCM, RFC 9180 section 7.3.
const AEAD_ID: [u8; 2] = [0x00, 0x02];

/// Seals `plaintext` to `recipient`: `enc || ciphertext`. `info` names the use, `aad` binds the place.
pub fn seal(recipient: &PublicKey, info: &[u8], aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeyFailure> {
    let ephemeral = AgreementKey::ephemeral()?;
    let encapsulated = ephemeral.public_key();
    let shared = kem_secret(&*ephemeral.agree(recipient)?, &encapsulated, recipient);
    let (key, nonce) = key_schedule(&shared, info, AEAD_ID);
    let ciphertext = aead::encrypt(&key, nonce, aad, plaintext);
    Ok([encapsulated.as_sec1().as_slice(), &ciphertext].concat())
}

/// Opens what [`seal`] made for the same `info` and `aad`.
pub fn open(
    key: &dyn Agree,
    info: &[u8],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
    let (encapsulated, ciphertext) = sealed.split_at_checked(ENCAPSULATED).ok_or(DoesNotOpen)?;
    let encapsulated = PublicKey::from_sec1(encapsulated).map_err(|_| DoesNotOpen)?;
    let agreed = key.agree(&encapsulated).map_err(|KeyFailure| DoesNotOpen)?;
    let shared = kem_secret(&agreed, &encapsulated, &key.public_key());
    let (content_key, nonce) = key_schedule(&shared, info, AEAD_ID);
    aead::decrypt(&content_key, nonce, aad, ciphertext)
}

/// `ExtractAndExpand` of RFC 9180 section 4.1.
fn kem_secret(agreed: &[u8; 32], encapsulated: &PublicKey, recipient: &PublicKey) -> Zeroizing<[u8; 32]> {
    let suite = [b"KEM".as_slice(), &KEM_ID].concat();
    let context = [encapsulated.as_sec1().as_slice(), recipient.as_sec1()].concat();
    let extracted = labeled_extract(&suite, b"", b"eae_prk", agreed);
    labeled_expand(&suite, extracted.as_ref(), b"shared_secret", &context, 32)
}

/// `KeySchedule` of RFC 9180 section 5.1 in base mode: the content key and the nonce of the first message.
fn key_schedule(shared: &[u8; 32], info: &[u8], aead: [u8; 2]) -> (Zeroizing<[u8; 32]>, [u8; aead::NONCE]) {
    let suite = [b"HPKE".as_slice(), &KEM_ID, &KDF_ID, &aead].concat();
    let psk_id_hash = labeled_extract(&suite, b"", b"psk_id_hash", b"");
    let info_hash = labeled_extract(&suite, b"", b"info_hash", info);
    let context = [[0].as_slice(), psk_id_hash.as_slice(), info_hash.as_slice()].concat();
    let secret = labeled_extract(&suite, shared, b"secret", b"");
    let key_length = if aead == AEAD_ID { 32 } else { 16 };
    let key = labeled_expand(&suite, secret.as_ref(), b"key", &context, key_length);
    let nonce = labeled_expand(&suite, secret.as_ref(), b"base_nonce", &context, 12);
    let mut short = [0; aead::NONCE];
    short
        .iter_mut()
        .zip(nonce.iter())
        .for_each(|(to, from)| *to = *from);
    (key, short)
}

fn labeled_extract(suite: &[u8], salt: &[u8], label: &[u8], secret: &[u8]) -> Zeroizing<[u8; 32]> {
    hmac_sha256(salt, &[b"HPKE-v1", suite, label, secret])
}

/// `LabeledExpand` for at most one block of SHA-256: the bytes past `length` are not to be used.
fn labeled_expand(suite: &[u8], prk: &[u8], label: &[u8], info: &[u8], length: u16) -> Zeroizing<[u8; 32]> {
    hmac_sha256(
        prk,
        &[&length.to_be_bytes(), b"HPKE-v1", suite, label, info, &[1]],
    )
}

fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    parts.iter().for_each(|part| context.update(part));
    let mut out = Zeroizing::new([0; 32]);
    out.copy_from_slice(context.sign().as_ref());
    out
}

#[cfg(test)]
mod tests {
    use ::hpke::Deserializable as _;
    use ::hpke::aead::AesGcm256;
    use ::hpke::kdf::HkdfSha256;
    use ::hpke::kem::DhP256HkdfSha256 as Dhkem;

    use super::*;

    fn recipient() -> AgreementKey {
        AgreementKey::from_scalar(&[7; 32]).unwrap()
    }

    /// RFC 9180, appendix A.3.1: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-128-GCM in base mode.
    #[test]
    fn the_key_schedule_of_rfc_9180() {
        let scalar = |text: &str| hex::decode(text).unwrap().try_into().unwrap();
        let ephemeral = AgreementKey::from_scalar(&scalar(
            "4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb",
        ))
        .unwrap();
        let recipient = AgreementKey::from_scalar(&scalar(
            "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2",
        ))
        .unwrap();
        let agreed = ephemeral.agree(&recipient.public_key()).unwrap();
        let shared = kem_secret(&agreed, &ephemeral.public_key(), &recipient.public_key());
        assert_eq!(
            hex::encode(*shared),
            "c0d26aeab536609a572b07695d933b589dcf363ff9d93c93adea537aeabb8cb8"
        );
        let info = hex::decode("4f6465206f6e2061204772656369616e2055726e").unwrap();
        let (key, nonce) = key_schedule(&shared, &info, [0x00, 0x01]);
        assert_eq!(hex::encode(&key[..16]), "868c066ef58aae6dc589b6cfdd18f97e");
        assert_eq!(hex::encode(nonce), "4e0bc5018beba4bf004cca59");
    }

    #[test]
    fn an_independent_implementation_opens_ours() {
        let sealed = seal(&recipient().public_key(), b"info", b"aad", b"share").unwrap();
        let (encapsulated, ciphertext) = sealed.split_at(ENCAPSULATED);
        let private = <Dhkem as ::hpke::Kem>::PrivateKey::from_bytes(&[7; 32]).unwrap();
        let encapsulated = <Dhkem as ::hpke::Kem>::EncappedKey::from_bytes(encapsulated).unwrap();
        let opened = ::hpke::single_shot_open::<AesGcm256, HkdfSha256, Dhkem>(
            &::hpke::OpModeR::Base,
            &private,
            &encapsulated,
            b"info",
            ciphertext,
            b"aad",
        );
        assert_eq!(opened.unwrap(), b"share");
    }

    #[test]
    fn another_use_place_or_recipient_does_not_open() {
        let sealed = seal(&recipient().public_key(), b"info", b"aad", b"share").unwrap();
        assert_eq!(
            open(&recipient(), b"info", b"aad", &sealed).unwrap().as_slice(),
            b"share"
        );
        assert!(open(&recipient(), b"other", b"aad", &sealed).is_err());
        assert!(open(&recipient(), b"info", b"other", &sealed).is_err());
        assert!(
            open(
                &AgreementKey::from_scalar(&[8; 32]).unwrap(),
                b"info",
                b"aad",
                &sealed
            )
            .is_err()
        );
        assert!(open(&recipient(), b"info", b"aad", &sealed[..64]).is_err());
    }
}
