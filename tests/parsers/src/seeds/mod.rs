//! Inputs to begin with: valid messages of every kind, under keys that everybody knows.

mod claims;
mod evidence;
mod ledger;
mod passports;

use std::sync::{Arc, OnceLock};

use cyberid_crypto::jwe::seal;
use cyberid_crypto::{Agree as _, AgreementKey, Sign, SigningKey, base64url, jws as signed};
use cyberid_protocol::problem::{Problem, ProblemType};
use serde_json::json;

use claims::claims;
pub(crate) use evidence::*;
pub(crate) use ledger::*;
pub(crate) use passports::*;

/// The moment of every seed.
pub(crate) const NOW: u64 = 1_800_000_000;
/// What is in the seals of the seeds.
pub(crate) const PLAINTEXTS: [&str; 2] = [r#"{"proof":"a.b.c","pin":"27182845"}"#, r#"{"consent":"a.b.c"}"#];

const ID: &str = "AAAAAAAAAAAAAAAAAAAAAA";
pub(crate) const ISSUER: &str = "https://id.example";

/// The key of the seeds.
pub(crate) fn signer() -> Arc<dyn Sign> {
    static KEY: OnceLock<Arc<SigningKey>> = OnceLock::new();
    KEY.get_or_init(|| Arc::new(SigningKey::from_scalar(&[7; 32]).unwrap()))
        .clone()
}

/// The key that the seeds are sealed to.
pub(crate) fn recipient() -> AgreementKey {
    AgreementKey::from_scalar(&[8; 32]).unwrap()
}

fn bytes(texts: impl IntoIterator<Item = impl Into<String>>) -> Vec<Vec<u8>> {
    texts.into_iter().map(|text| text.into().into_bytes()).collect()
}

pub(crate) fn jws() -> Vec<Vec<u8>> {
    let signed = claims()
        .into_iter()
        .map(|(typ, claims)| signed::sign(&*signer(), typ, &claims).unwrap());
    bytes(signed)
}

pub(crate) fn messages() -> Vec<Vec<u8>> {
    let nonce = json!({"aud": ISSUER, "nonce": ID, "iat": NOW});
    let proof = signed::sign_embedding_key(&*signer(), "cyberid-key-proof+jwt", &nonce).unwrap();
    let mut all = bytes(claims().into_iter().map(|(_, claims)| claims.to_string()));
    all.extend(bytes([proof]));
    all
}

pub(crate) fn dpop() -> Vec<Vec<u8>> {
    let claims = json!({"jti": "x", "htm": "GET", "htu": "https://id.example/v1/me", "iat": NOW});
    let proof = signed::sign_embedding_key(&*signer(), "dpop+jwt", &claims).unwrap();
    let token = signed::sign(&*signer(), "at+jwt", &claims).unwrap();
    bytes([
        format!("DPoP {token}\n{proof}"),
        format!("Bearer {token}\n{proof}"),
        "Basic YTpi\nx".into(),
    ])
}

pub(crate) fn jwe() -> Vec<Vec<u8>> {
    let key = recipient().public_key();
    bytes(PLAINTEXTS.map(|plain| seal(&key, "json", plain.as_bytes()).unwrap()))
}

pub(crate) fn sealed() -> Vec<Vec<u8>> {
    let document =
        json!({"type": "passport", "name": "A", "number": "L898902C36", "valid_until": "2034-05-01"});
    let evidence = json!({"kind": "sandbox", "token": "x"});
    let others = [
        json!({"key_proof": "a.b.c", "approval": "a.b.c", "pin": "27182845"}),
        json!({"pin": "27182845", "new_pin": "31415926"}),
        json!({"document": document, "evidence": evidence, "pin": "27182845"}),
        json!({"resumption": "a.b.c", "pin": "27182845"}),
        json!({"passkey": passkey_registration(), "pin": "27182845"}),
    ];
    [bytes(PLAINTEXTS), bytes(others.map(|other| other.to_string()))].concat()
}

pub(crate) fn questions() -> Vec<Vec<u8>> {
    let (feed, key) = (base64url::encode(&[7; 32]), signer().public_key().to_jwk());
    bytes(
        [
            json!({"kind": "passport", "name": "A", "number": "L898902C36", "valid_until": "2034-05-01",
                "evidence_kind": "sandbox", "evidence": "x", "aud": ISSUER, "feed": feed, "reply_to": key}),
            json!({"kind": "passport", "number": "L898902C36", "sample": "x", "aud": ISSUER, "jkt": feed, "nonce": ID}),
            json!({"aud": ISSUER, "feed": feed, "after": 7, "reply_to": key}),
            json!({"type": "passport", "name": "A", "number": "L898902C36", "valid_until": "2034-05-01",
                "birth_date": "1974-08-12"}),
        ]
        .map(|question| question.to_string()),
    )
}

pub(crate) fn warrant() -> Vec<Vec<u8>> {
    let consent = jws().swap_remove(1);
    let warrant = json!({"consent": String::from_utf8(consent).unwrap(), "salt": signer().kid(),
        "rp_key": signer().public_key().to_jwk(), "leaf": leaf_text(), "proof": receipt_text(),
        "vault_consistency": [signer().kid()], "custodian_consistency": []});
    let official = json!({"order": signed_order(), "countersignature": signed_countersignature(),
        "salt": signer().kid(), "device_jkt": signer().kid(), "leaf": leaf_text(), "proof": receipt_text(),
        "vault_consistency": [signer().kid()], "custodian_consistency": []});
    let bodies = [&warrant, &official].map(|warrant| json!({ "warrant": warrant }).to_string());
    bytes(
        [warrant.to_string(), official.to_string()]
            .into_iter()
            .chain(bodies),
    )
}

pub(crate) fn jwk() -> Vec<Vec<u8>> {
    let key = signer().public_key();
    let (bare, published) = (json!(key.to_jwk()), json!(key.to_published_jwk("sig", "ES256")));
    bytes([
        bare.to_string(),
        published.to_string(),
        json!({"keys": [published]}).to_string(),
    ])
}

pub(crate) fn key_file() -> Vec<Vec<u8>> {
    let jwk = signer().public_key().to_jwk();
    let private =
        json!({"kty": jwk.kty, "crv": jwk.crv, "x": jwk.x, "y": jwk.y, "d": base64url::encode(&[7; 32])});
    bytes([private.to_string()])
}

pub(crate) fn json() -> Vec<Vec<u8>> {
    bytes([
        r#"{"a":[1,-2,3.5,1e9,true,null,{"\u0061":"\ud83d\ude00"}],"":"\n"}"#,
        r#"{"a":1,"a":1}"#,
        r#"{"a":{"b":{"c":[[[[]]]]}}}"#,
        "{}",
    ])
}

pub(crate) fn canonical() -> Vec<Vec<u8>> {
    bytes([
        r#"{"a":[1,-2,3.5,1e+21,true,null,0.000001,1e-7],"b":{"":"\n€"}}"#,
        r#"{"1":{"f":{"F":5,"f":"hi"},"\n":56},"10":{},"A":{},"a":{}}"#,
        r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001]}"#,
    ])
}

fn leaf_text() -> String {
    let jkt = signer().kid().to_owned();
    format!(
        "{{\"consent_sha256\":\"{jkt}\",\"enc_jkt\":\"{jkt}\",\"fields\":[\"name\"],\"kind\":\"release.intended\",\
         \"previous\":\"{jkt}\",\"purpose\":\"deliver\",\"request\":\"rel_{ID}\",\"rp\":\"{ID}\",\"time\":{NOW},\"v\":1}}"
    )
}

pub(crate) fn leaf() -> Vec<Vec<u8>> {
    bytes([leaf_text(), r#"{"kind":"service.halted","time":5,"v":1}"#.into()])
}

pub(crate) fn problem() -> Vec<Vec<u8>> {
    let problems = [
        Problem::new(ProblemType::WarrantRefused).with("reason", "malformed"),
        Problem::new(ProblemType::StaleConsistency)
            .with("size", 7)
            .detail("again"),
    ];
    problems
        .iter()
        .map(|problem| serde_json::to_vec(problem).unwrap())
        .collect()
}

pub(crate) fn bodies() -> Vec<Vec<u8>> {
    let jwk = signer().public_key().to_jwk();
    let bodies = [
        json!({"document": {"type": "passport", "name": "A", "number": "L898902C36", "valid_until": "2030-01-31"},
            "evidence": {"kind": "synthetic", "token": "t"}, "pin": "27182845", "key_proof": "a.b.c", "locale": "en"}),
        json!({"name": "Shop", "domains": ["shop.example"], "contact": "c", "deletion_contact": "d",
            "intended_uses": [{"purpose": "register", "checks": ["real_person"], "fields": ["name"],
            "legal_basis": "contract", "retention_days": 30, "notice_uri": "https://shop.example/privacy"}],
            "jwks": {"keys": [jwk]}, "events_uri": "https://shop.example/events"}),
        json!({"purpose": "register", "checks": ["real_person"], "factors": ["pin"], "nonce": ID, "expires_in": 60}),
        json!({"sub": signer().kid(), "purpose": "deliver", "fields": ["name"], "nonce": ID}),
        json!({"sealed": "a..b.c.d"}),
        json!({"declined": true}),
        json!({"withdrawal": "a.b.c"}),
        json!({ "erased_at": NOW }),
    ];
    bytes(bodies.map(|body| body.to_string()))
}

pub(crate) fn names() -> Vec<Vec<u8>> {
    bytes([
        ID.to_owned(),
        format!("ver_{ID}"),
        format!("rel_{ID}"),
        format!("con_{ID}"),
        format!("off_{ID}"),
        format!("case_{ID}"),
        format!("code_{ID}"),
        signer().kid().into(),
    ])
}

pub(crate) fn locale() -> Vec<Vec<u8>> {
    bytes(["zh-CN", "en"])
}

pub(crate) fn pin() -> Vec<Vec<u8>> {
    bytes(["27182845", "12345678", "19900101", "１２３４５６７８"])
}

pub(crate) fn document_number() -> Vec<Vec<u8>> {
    bytes([
        "11010519491231002X",
        "440524188001010014",
        "H12345678",
        "12345678",
        "L898902C36",
        " l898902c36 ",
    ])
}

pub(crate) fn network_number() -> Vec<Vec<u8>> {
    let number = |symbol: u8| {
        struct Fixed(u8);
        impl cyberid_domain::Rng for Fixed {
            fn fill(&self, bytes: &mut [u8]) {
                bytes
                    .iter_mut()
                    .zip(self.0..)
                    .for_each(|(byte, value)| *byte = value);
            }
        }
        cyberid_domain::number::NetworkNumber::random(&Fixed(symbol)).to_string()
    };
    bytes([number(1), number(20), number(7).replace('-', "")])
}

pub(crate) fn query() -> Vec<Vec<u8>> {
    bytes([
        "after=5&limit=10&kind=release.intended",
        "kind=%E7%BD%91+x",
        "after=5&after=6",
        "",
        "&&",
    ])
}

pub(crate) fn headers() -> Vec<Vec<u8>> {
    bytes([
        "application/json",
        "Application/JSON; charset=utf-8",
        "text/plain",
        " application/json",
    ])
}
