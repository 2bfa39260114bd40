//! The vectors of the standard, and each part forged one by one.

use cyberid_crypto::{Sign as _, SigningKey};

use super::testing::{Authenticator, PRESENT_AND_VERIFIED, spki};
use super::*;

/// W3C Web Authentication Level 3, section 16, `none.ES256` and `packed-self.ES256`: registration and assertion.
struct Vector {
    id: &'static str,
    key: &'static str,
    create: (&'static str, &'static str, &'static str),
    get: (&'static str, &'static str, &'static str, &'static str),
}

const EXTRA: &str =
    r#","extraData":"clientDataJSON may be extended with additional fields in the future, such as this: "#;

const NONE: Vector = Vector {
    id: "f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4",
    key: "04afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220",
    create: (
        "00c30fb78531c464d2b6771dab8d7b603c01162f2fa486bea70f283ae556e130",
        "BkQeDjdcTBrXBiAwJTLE5Q",
        "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b559000000008446ccb9ab1db374750b2367ff6f3a1f0020f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4a5010203262001215820afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61225820930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220",
    ),
    get: (
        "39c0e7521417ba54d43e8dc95174f423dee9bf3cd804ff6d65c857c9abf4d408",
        "",
        "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b51900000000",
        "3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd380221008480ac0f0b93538174f575bf11a1dd5d78c6e486013f937295ea13653e331e87",
    ),
};

const SELF: Vector = Vector {
    id: "455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58c",
    key: "04eb151c8176b225cc651559fecf07af450fd85802046656b34c18f6cf193843c5927b8aa427a2be1b8834d233a2d34f61f13bfd44119c325d5896e183fee484f2",
    create: (
        "7869c2b772d4b58eba9378cf8f29e26cf935aa77df0da89fa99c0bdc0a76f7e5",
        "U9hTXvKE2URkMnb_0xYHVg",
        "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b55d00000000df850e09db6afbdfab51697791506cfc0020455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58ca5010203262001215820eb151c8176b225cc651559fecf07af450fd85802046656b34c18f6cf193843c5225820927b8aa427a2be1b8834d233a2d34f61f13bfd44119c325d5896e183fee484f2",
    ),
    get: (
        "4478a10b1352348dd160c1353b0d469b5db19eb91c27f7dfa6fed39fe26af20b",
        "gTb53rz6EhSWomXGzimC1Q",
        "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50900000000",
        "304402203310b9431903c401f1be2bdc8d23a4007682dbbddcf846994947b7f465daf84002204e94dd00047b316061b3b99772b7efd95994a83ef584b3b6b825ea3550251b66",
    ),
};

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

fn text(hex: &str) -> String {
    base64url::encode(&unhex(hex))
}

/// The client data of the vectors, whose bytes are printed in the standard.
fn client_data(kind: &str, challenge: &str, extra: &str) -> String {
    let extra = if extra.is_empty() {
        String::new()
    } else {
        format!("{EXTRA}{extra}\"")
    };
    let challenge = text(challenge);
    let data = format!(
        r#"{{"type":"{kind}","challenge":"{challenge}","origin":"https://example.org","crossOrigin":false{extra}}}"#
    );
    base64url::encode(data.as_bytes())
}

impl Vector {
    fn registration(&self) -> PasskeyRegistration {
        let (challenge, extra, data) = self.create;
        PasskeyRegistration {
            id: text(self.id),
            client_data_json: client_data("webauthn.create", challenge, extra),
            authenticator_data: text(data),
            public_key: spki(&self.key()),
            public_key_algorithm: ALGORITHM,
            transports: None,
        }
    }

    fn assertion(&self) -> (PasskeyAssertion, [u8; 32]) {
        let (challenge, extra, data, signature) = self.get;
        let assertion = PasskeyAssertion {
            id: text(self.id),
            client_data_json: client_data("webauthn.get", challenge, extra),
            authenticator_data: text(data),
            signature: text(signature),
        };
        (assertion, unhex(challenge).try_into().unwrap())
    }

    fn key(&self) -> PublicKey {
        PublicKey::from_sec1(&unhex(self.key)).unwrap()
    }
}

/// The vectors' authenticators verify their user in one of the four ceremonies only; the other three get as far as
/// that, which is behind every other check.
#[test]
fn the_vectors_of_the_standard_are_what_they_say() {
    let site = Site::of("https://example.org");
    let register = |vector: &Vector| vector.registration().check(&site, &text(vector.create.0));
    let registered = register(&SELF).unwrap();
    assert_eq!((registered.id, registered.key), (unhex(SELF.id), SELF.key()));
    assert!(registered.backup_eligible);
    assert_eq!(register(&NONE), Err(PasskeyRefused::NotVerified));
    for vector in [NONE, SELF] {
        let (assertion, challenge) = vector.assertion();
        let check = |assertion: &PasskeyAssertion| assertion.check(&site, &challenge, &vector.key());
        assert_eq!(check(&assertion), Err(PasskeyRefused::NotVerified));
        let mut forged = assertion;
        forged.client_data_json = client_data("webauthn.get", vector.get.0, "other");
        assert_eq!(check(&forged), Err(PasskeyRefused::Signature));
    }
}

fn authenticator() -> Authenticator {
    Authenticator::new(SigningKey::from_scalar(&[9; 32]).unwrap(), "id.example")
}

fn key() -> PublicKey {
    SigningKey::from_scalar(&[9; 32]).unwrap().public_key()
}

const CHALLENGE: [u8; 32] = [3; 32];

/// What the platform says to an assertion of an altered authenticator.
fn asserted(alter: impl FnOnce(&mut Authenticator)) -> Result<Asserted, PasskeyRefused> {
    let mut authenticator = authenticator();
    alter(&mut authenticator);
    let site = Site::of("https://id.example");
    authenticator
        .assertion(&CHALLENGE)
        .check(&site, &CHALLENGE, &key())
}

#[test]
fn an_assertion_is_of_this_site_and_of_a_verified_user() {
    let counted = asserted(|it| it.sign_count = 7).unwrap();
    assert_eq!((counted.sign_count, counted.backup_eligible), (7, false));
    assert!(asserted(|it| it.flags |= 0b1_1000).unwrap().backup_eligible);
    let flags = |flags: u8| asserted(|it| it.flags = flags).err();
    assert_eq!(flags(0b100), Some(PasskeyRefused::NotPresent));
    assert_eq!(flags(0b001), Some(PasskeyRefused::NotVerified));
    assert_eq!(
        flags(PRESENT_AND_VERIFIED | 0b1_0000),
        Some(PasskeyRefused::Flags)
    );
    for flag in [0b100_0000, 0b1000_0000] {
        let refused = flags(PRESENT_AND_VERIFIED | flag);
        assert_eq!(
            refused,
            Some(PasskeyRefused::Form),
            "what is announced is missing"
        );
    }
    let elsewhere = asserted(|it| it.rp_id = "evil.example".into());
    assert_eq!(elsewhere, Err(PasskeyRefused::RpId));
    for origin in [
        "https://evil.example",
        "http://id.example",
        "https://id.example/",
        "",
    ] {
        let elsewhere = asserted(|it| it.origin = origin.into());
        assert_eq!(elsewhere, Err(PasskeyRefused::Origin), "{origin}");
    }
}

#[test]
fn an_assertion_is_over_its_challenge_by_its_key_for_its_ceremony() {
    let site = Site::of("https://id.example");
    let good = authenticator().assertion(&CHALLENGE);
    assert!(good.check(&site, &CHALLENGE, &key()).is_ok());
    let other = SigningKey::from_scalar(&[8; 32]).unwrap().public_key();
    assert_eq!(
        good.check(&site, &CHALLENGE, &other),
        Err(PasskeyRefused::Signature)
    );
    assert_eq!(
        good.check(&site, &[4; 32], &key()),
        Err(PasskeyRefused::Challenge)
    );
    let signed = |client: &str, data: &[u8]| {
        authenticator()
            .sign(client, data)
            .check(&site, &CHALLENGE, &key())
    };
    let (client, data) = (
        authenticator().client_data("webauthn.get", &base64url::encode(&CHALLENGE)),
        authenticator().authenticator_data(PRESENT_AND_VERIFIED),
    );
    let create = client.replace("webauthn.get", "webauthn.create");
    assert_eq!(signed(&create, &data), Err(PasskeyRefused::Ceremony));
    let framed = client.replace("false", "true");
    assert_eq!(signed(&framed, &data), Err(PasskeyRefused::Origin));
    let top = client.replace('}', r#","topOrigin":"https://evil.example"}"#);
    assert_eq!(signed(&top, &data), Err(PasskeyRefused::Origin));
    let twice = client.replace('}', r#","origin":"https://id.example"}"#);
    assert_eq!(signed(&twice, &data), Err(PasskeyRefused::Form));
    assert_eq!(signed(&client, &data[..36]), Err(PasskeyRefused::Form));
    let longer = [data.as_slice(), &[0]].concat();
    assert_eq!(signed(&client, &longer), Err(PasskeyRefused::Form));
    let new = authenticator().registration(&base64url::encode(&CHALLENGE));
    let new = base64url::decode(&new.authenticator_data).unwrap();
    assert_eq!(signed(&client, &new), Err(PasskeyRefused::Flags));
}

#[test]
fn every_altered_part_of_an_assertion_is_noticed() {
    let site = Site::of("https://id.example");
    let good = authenticator().assertion(&CHALLENGE);
    let alter: [fn(&mut PasskeyAssertion) -> &mut String; 3] = [
        |it| &mut it.client_data_json,
        |it| &mut it.authenticator_data,
        |it| &mut it.signature,
    ];
    for part in alter {
        let mut altered = good.clone();
        let text = part(&mut altered);
        let mut bytes = base64url::decode(text).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        *text = base64url::encode(&bytes);
        assert!(altered.check(&site, &CHALLENGE, &key()).is_err());
        *part(&mut altered) = "=".into();
        assert_eq!(
            altered.check(&site, &CHALLENGE, &key()),
            Err(PasskeyRefused::Form)
        );
    }
}

type Alteration<'a> = &'a dyn Fn(&mut PasskeyRegistration);

/// What the platform says to an altered registration.
fn registered(alter: impl FnOnce(&mut PasskeyRegistration)) -> Result<Credential, PasskeyRefused> {
    let mut registration = authenticator().registration("AAAA");
    alter(&mut registration);
    registration.check(&Site::of("https://id.example"), "AAAA")
}

#[test]
fn a_registration_names_one_credential_with_one_key() {
    let credential = registered(|_| {}).unwrap();
    assert_eq!(
        (credential.id, credential.key, credential.sign_count),
        (authenticator().id, key(), 0)
    );
    let other = spki(&SigningKey::from_scalar(&[8; 32]).unwrap().public_key());
    let assertion = authenticator().assertion(&[0; 32]);
    let rules: [(Alteration<'_>, PasskeyRefused); 8] = [
        (&|it| it.public_key.clone_from(&other), PasskeyRefused::Key),
        (&|it| it.public_key = "AAAA".into(), PasskeyRefused::Key),
        (&|it| it.public_key_algorithm = -257, PasskeyRefused::Key),
        (&|it| it.id = base64url::encode(&[1; 32]), PasskeyRefused::Form),
        (&|it| it.id = base64url::encode(&[1; 15]), PasskeyRefused::Form),
        (&|it| it.id = base64url::encode(&[1; 1024]), PasskeyRefused::Form),
        (
            &|it| it.authenticator_data.clone_from(&assertion.authenticator_data),
            PasskeyRefused::Flags,
        ),
        (
            &|it| it.client_data_json.clone_from(&assertion.client_data_json),
            PasskeyRefused::Ceremony,
        ),
    ];
    for (alter, why) in rules {
        assert_eq!(registered(alter).err(), Some(why));
    }
    let mut unverified = authenticator();
    unverified.flags = 1;
    let site = Site::of("https://id.example");
    let refused = unverified.registration("AAAA").check(&site, "AAAA");
    assert_eq!(refused.err(), Some(PasskeyRefused::NotVerified));
    let refused = authenticator().registration("AAAA").check(&site, "BBBB");
    assert_eq!(refused.err(), Some(PasskeyRefused::Challenge));
    let elsewhere = Site::of("https://other.example");
    let refused = authenticator().registration("AAAA").check(&elsewhere, "AAAA");
    assert_eq!(refused.err(), Some(PasskeyRefused::Origin));
}

#[test]
fn the_host_of_an_issuer_is_its_site() {
    let hash = |issuer: &str| Site::of(issuer).rp_id_hash;
    let of = |host: &str| digest::sha256(host.as_bytes());
    assert_eq!(hash("https://id.example"), of("id.example"));
    assert_eq!(hash("https://id.example:8443"), of("id.example"));
    assert_eq!(hash("http://127.0.0.1:8080"), of("127.0.0.1"));
    assert_eq!(hash("http://[::1]:8080"), of("[::1]"));
    assert_eq!(hash("http://[::1]"), of("[::1]"));
}
