//! What officers sign, what a passkey signs, and what people keep.

use std::collections::BTreeMap;
use std::sync::Arc;

use cyberid_crypto::{Sign, SigningKey, base64url, digest, jws as signed};
use cyberid_domain::UnixTime;
use cyberid_protocol::export::{Archive, FORM, PartHash};
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::official::{Authority, Officer, words_sha256};
use cyberid_protocol::passkey::testing::Authenticator;
use cyberid_protocol::passkey::{PasskeyAssertion, PasskeyRegistration};
use cyberid_protocol::receipt::{ConsentRecord, Evidence, Receipt};
use serde_json::{Value, json};

use super::claims::claims;
use super::{ID, ISSUER, NOW, bytes, receipt_text, signer};

fn officer(nth: u8) -> Arc<dyn Sign> {
    Arc::new(SigningKey::from_scalar(&[20 + nth; 32]).unwrap())
}

/// An authority with two officers.
pub(crate) fn authority() -> Authority {
    Authority {
        client_id: ID.parse().unwrap(),
        name: "Bureau".into(),
        encryption_key: signer().public_key(),
        officers: [0, 1]
            .map(|nth| Officer {
                id: format!("officer {nth}"),
                key: officer(nth).public_key(),
            })
            .to_vec(),
    }
}

fn of_type(typ: &str) -> Value {
    let mut all = claims().into_iter();
    all.find(|(name, _)| *name == typ).unwrap().1
}

/// The order of the first officer.
pub(crate) fn signed_order() -> String {
    const TYP: &str = "cyberid-official-order+jwt";
    signed::sign(&*officer(0), TYP, &of_type(TYP)).unwrap()
}

/// The signature of the second.
pub(crate) fn signed_countersignature() -> String {
    const TYP: &str = "cyberid-official-countersignature+jwt";
    let mut claims = of_type(TYP);
    let members = claims.as_object_mut().unwrap();
    members.insert("order_sha256".into(), words_sha256(&signed_order()).into());
    signed::sign(&*officer(1), TYP, &claims).unwrap()
}

pub(crate) fn order() -> Vec<Vec<u8>> {
    bytes([signed_order(), signed_countersignature()])
}

fn authenticator() -> Authenticator {
    Authenticator::new(SigningKey::from_scalar(&[7; 32]).unwrap(), "id.example")
}

pub(crate) fn passkey_assertion() -> PasskeyAssertion {
    authenticator().assertion(&[5; 32])
}

pub(crate) fn passkey_registration() -> PasskeyRegistration {
    authenticator().registration(&base64url::encode(&[5; 32]))
}

pub(crate) fn passkey() -> Vec<Vec<u8>> {
    bytes([
        serde_json::to_string(&passkey_assertion()).unwrap(),
        serde_json::to_string(&passkey_registration()).unwrap(),
    ])
}

/// An archive of two parts.
pub(crate) fn kept_archive() -> Archive {
    let parts = BTreeMap::from([
        ("devices".to_owned(), "{\"a\":1}\n".to_owned()),
        ("visits".to_owned(), String::new()),
    ]);
    let hashes: Vec<_> = parts
        .iter()
        .map(|(name, text)| PartHash::of(name, text))
        .collect();
    let manifest = json!({"iss": ISSUER, "sub": signer().kid(), "form": FORM, "iat": NOW, "parts": hashes,
        "withheld": [{"what": "name", "why": "only a release opens it"}]});
    Archive {
        manifest: signed::sign(&*signer(), "cyberid-export+jwt", &manifest).unwrap(),
        parts,
    }
}

pub(crate) fn archive() -> Vec<Vec<u8>> {
    bytes([serde_json::to_string(&kept_archive()).unwrap()])
}

pub(crate) fn receipt_file() -> Vec<Vec<u8>> {
    let key = signer();
    let mut all = claims().into_iter();
    let (_, request) = all.find(|(_, claims)| claims["kind"] == "release").unwrap();
    let evidence = Evidence {
        statement: request
            .pointer("/statement/text")
            .and_then(Value::as_str)
            .unwrap()
            .to_owned(),
        request: signed::sign(&*key, "cyberid-request+jwt", &request).unwrap(),
        consent: signed::sign(&*key, "cyberid-consent+jwt", &of_type("cyberid-consent+jwt")).unwrap(),
        device_jwk: key.public_key().to_jwk(),
        salt: base64url::encode(&digest::sha256(b"salt")),
    };
    let events = [(LeafKind::ConsentGranted, UnixTime(NOW))];
    let read = evidence.read().unwrap();
    let receipt = Receipt {
        leaf: read.leaf(&evidence.consent, events).unwrap().to_text().unwrap(),
        record: ConsentRecord::of(evidence, events).unwrap(),
        proof: receipt_text(),
        ledger: None,
    };
    bytes([serde_json::to_string(&receipt).unwrap()])
}
