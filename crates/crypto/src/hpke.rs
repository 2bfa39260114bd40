//! HPKE (RFC 9180) in base mode, single shot: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; to a key of the SM
//! suite the same construction on the SM2 curve, with HKDF over SM3 and SM4-GCM.
//!
//! What stores keep and what vault and custodian hand each other is sealed so. Our own, so that the private key can
//! be anything that agrees ([`Agree`]), hardware included.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use crate::aead::{self, DoesNotOpen};
use crate::digest;
use crate::jwk::PublicKey;
use crate::key::{Agree, AgreementKey, KeyFailure};
use crate::suite::Suite;

/// The length of the encapsulated key that a sealed text begins with.
const ENCAPSULATED: usize = 65;

/// The `suite_id`s that label every derivation, and the length of the content key in bytes.
struct Labels {
    kem: &'static [u8],
    hpke: &'static [u8],
    key_length: u16,
}

impl Suite {
    const fn labels(self) -> Labels {
        let (kem, hpke): (&[u8], &[u8]) = match self {
            // DHKEM(P-256, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM: RFC 9180, section 7.
            Self::Nist => (b"KEM\x00\x10", b"HPKE\x00\x10\x00\x01\x00\x02"),
            // Nobody has registered these algorithms; a text of another length is no other suite's id.
            Self::Sm => (b"KEM-SM2-HKDF-SM3", b"HPKE-SM2-HKDF-SM3-SM4-GCM"),
        };
        Labels {
            kem,
            hpke,
            key_length: self.content_key_length(),
        }
    }
}

/// Seals `plaintext` to `recipient`: `enc || ciphertext`. `info` names the use, `aad` binds the place.
pub fn seal(recipient: &PublicKey, info: &[u8], aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeyFailure> {
    Sender::to(recipient)?.seal(info, aad, plaintext)
}

/// One key agreement with a recipient, for several texts: each is sealed under a key of its own, which its `info` makes (RFC
/// 9180, section 5.1: the key schedule derives key and nonce from the shared secret and `info`). Whoever opens them sees
/// texts that [`seal`] could have made. It is for texts that come to be and go together: who has it opens all of them.
pub struct Sender {
    suite: Suite,
    encapsulated: PublicKey,
    shared: Zeroizing<[u8; 32]>,
    /// Digests of the infos that were used: a second text under one key and nonce would tell both.
    used: BTreeSet<[u8; 32]>,
}

impl Sender {
    /// Agrees on a secret with `recipient`.
    pub fn to(recipient: &PublicKey) -> Result<Self, KeyFailure> {
        let suite = recipient.suite();
        let ephemeral = AgreementKey::ephemeral_of(suite)?;
        let encapsulated = ephemeral.public_key();
        let shared = kem_secret(&*ephemeral.agree(recipient)?, &encapsulated, recipient);
        Ok(Self {
            suite,
            encapsulated,
            shared,
            used: BTreeSet::new(),
        })
    }

    /// Seals one text as [`seal`] does; nothing for an `info` that this has sealed for already.
    pub fn seal(&mut self, info: &[u8], aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeyFailure> {
        if !self.used.insert(digest::sha256(info)) {
            return Err(KeyFailure);
        }
        let (key, nonce) = key_schedule(self.suite, &self.suite.labels(), &self.shared, info);
        let ciphertext = self.suite.encrypt(&key, nonce, aad, plaintext);
        Ok([self.encapsulated.as_sec1().as_slice(), &ciphertext].concat())
    }
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
    let (public, suite) = (key.public_key(), encapsulated.suite());
    if public.suite() != suite {
        return Err(DoesNotOpen);
    }
    let agreed = key.agree(&encapsulated).map_err(|KeyFailure| DoesNotOpen)?;
    let shared = kem_secret(&agreed, &encapsulated, &public);
    let (content_key, nonce) = key_schedule(suite, &suite.labels(), &shared, info);
    suite.decrypt(&content_key, nonce, aad, ciphertext)
}

/// `ExtractAndExpand` of RFC 9180 section 4.1.
fn kem_secret(agreed: &[u8; 32], encapsulated: &PublicKey, recipient: &PublicKey) -> Zeroizing<[u8; 32]> {
    let suite = recipient.suite();
    let labelled = Labelled {
        suite,
        id: suite.labels().kem,
    };
    let context = [encapsulated.as_sec1().as_slice(), recipient.as_sec1()].concat();
    let extracted = labelled.extract(b"", b"eae_prk", agreed);
    labelled.expand(extracted.as_ref(), b"shared_secret", &context, 32)
}

/// `KeySchedule` of RFC 9180 section 5.1 in base mode: the content key and the nonce of the first message.
fn key_schedule(
    suite: Suite,
    labels: &Labels,
    shared: &[u8; 32],
    info: &[u8],
) -> (Zeroizing<[u8; 32]>, [u8; aead::NONCE]) {
    let labelled = Labelled {
        suite,
        id: labels.hpke,
    };
    let psk_id_hash = labelled.extract(b"", b"psk_id_hash", b"");
    let info_hash = labelled.extract(b"", b"info_hash", info);
    let context = [[0].as_slice(), psk_id_hash.as_slice(), info_hash.as_slice()].concat();
    let secret = labelled.extract(shared, b"secret", b"");
    let key = labelled.expand(secret.as_ref(), b"key", &context, labels.key_length);
    let nonce = labelled.expand(secret.as_ref(), b"base_nonce", &context, 12);
    let mut short = [0; aead::NONCE];
    short
        .iter_mut()
        .zip(nonce.iter())
        .for_each(|(to, from)| *to = *from);
    (key, short)
}

/// The labelled HKDF of RFC 9180, section 4, under one `suite_id`.
struct Labelled<'a> {
    suite: Suite,
    id: &'a [u8],
}

impl Labelled<'_> {
    fn extract(&self, salt: &[u8], label: &[u8], secret: &[u8]) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.suite.hmac(salt, &[b"HPKE-v1", self.id, label, secret]))
    }

    /// `LabeledExpand` for at most one block of the hash: the bytes past `length` are not to be used.
    fn expand(&self, prk: &[u8], label: &[u8], info: &[u8], length: u16) -> Zeroizing<[u8; 32]> {
        let parts: [&[u8]; 6] = [&length.to_be_bytes(), b"HPKE-v1", self.id, label, info, &[1]];
        Zeroizing::new(self.suite.hmac(prk, &parts))
    }
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
        let aes_128 = Labels {
            hpke: b"HPKE\x00\x10\x00\x01\x00\x01",
            key_length: 16,
            ..Suite::Nist.labels()
        };
        let (key, nonce) = key_schedule(Suite::Nist, &aes_128, &shared, &info);
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

    /// Two texts of one agreement are as two of two: neither says anything of the other, and an independent implementation
    /// opens each.
    #[test]
    fn texts_of_one_agreement_have_keys_of_their_own() {
        let keys = Suite::ALL.map(|suite| AgreementKey::of(suite, &[7; 32]).unwrap());
        for key in &keys {
            let mut sender = Sender::to(&key.public_key()).unwrap();
            let one = sender.seal(b"one", b"aad", b"share").unwrap();
            let other = sender.seal(b"other", b"aad", b"share").unwrap();
            assert_eq!(one[..ENCAPSULATED], other[..ENCAPSULATED]);
            assert_ne!(one[ENCAPSULATED..], other[ENCAPSULATED..]);
            for (info, sealed) in [(b"one".as_slice(), &one), (b"other", &other)] {
                assert_eq!(open(key, info, b"aad", sealed).unwrap().as_slice(), b"share");
            }
            assert!(open(key, b"other", b"aad", &one).is_err());
            assert_eq!(
                sender.seal(b"one", b"aad", b"another"),
                Err(KeyFailure),
                "one key twice"
            );
        }
        let mut sender = Sender::to(&recipient().public_key()).unwrap();
        let sealed = [b"one", b"two"].map(|info| sender.seal(info, b"aad", b"share").unwrap());
        for (info, sealed) in [b"one", b"two"].iter().zip(&sealed) {
            let (encapsulated, ciphertext) = sealed.split_at(ENCAPSULATED);
            let private = <Dhkem as ::hpke::Kem>::PrivateKey::from_bytes(&[7; 32]).unwrap();
            let encapsulated = <Dhkem as ::hpke::Kem>::EncappedKey::from_bytes(encapsulated).unwrap();
            let mode = ::hpke::OpModeR::Base;
            let opened = ::hpke::single_shot_open::<AesGcm256, HkdfSha256, Dhkem>(
                &mode,
                &private,
                &encapsulated,
                *info,
                ciphertext,
                b"aad",
            );
            assert_eq!(opened.unwrap(), b"share");
        }
    }

    #[test]
    fn another_use_place_or_recipient_does_not_open() {
        let keys = Suite::ALL.map(|suite| [7, 8].map(|byte| AgreementKey::of(suite, &[byte; 32]).unwrap()));
        for [recipient, other] in &keys {
            let sealed = seal(&recipient.public_key(), b"info", b"aad", b"share").unwrap();
            let opened = open(recipient, b"info", b"aad", &sealed).unwrap();
            assert_eq!(opened.as_slice(), b"share");
            assert!(open(recipient, b"other", b"aad", &sealed).is_err());
            assert!(open(recipient, b"info", b"other", &sealed).is_err());
            assert!(open(other, b"info", b"aad", &sealed).is_err());
            assert!(open(recipient, b"info", b"aad", &sealed[..64]).is_err());
        }
        let [[nist, _], [sm, _]] = &keys;
        for (to, by) in [(nist, sm), (sm, nist)] {
            let sealed = seal(&to.public_key(), b"info", b"aad", b"share").unwrap();
            assert!(open(by, b"info", b"aad", &sealed).is_err());
        }
    }
}
