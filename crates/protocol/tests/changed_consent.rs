//! What a device signed is what opens its record: every claim of a consent is changed after it was recorded, and a key
//! holder refuses whatever it can see.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

use cyberid_crypto::{Sign as _, SigningKey, base64url};
use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_protocol::consent::Consent;
use cyberid_protocol::deposit::KeyHolder;
use cyberid_protocol::leaf::{LeafKind, subject_commitment};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::statement::Locale;
use cyberid_protocol::warrant::{Anchors, Remembered, Warrant, WarrantRefused};
use cyberid_tlog::checkpoint::Checkpoint;
use cyberid_tlog::hash::leaf_hash;
use cyberid_tlog::note::{Ed25519Signer, NoteSigner as _};
use cyberid_tlog::policy::Policy;
use cyberid_tlog::proof::InclusionProof;
use cyberid_tlog::receipt::TlogProof;
use serde_json::{Value, json};

const NOW: UnixTime = UnixTime(1_800_000_000);
const ISSUER: &str = "https://id.example";
const SALT: [u8; 32] = [42; 32];

fn device() -> SigningKey {
    SigningKey::from_scalar(&[7; 32]).unwrap()
}

fn rp() -> SigningKey {
    SigningKey::from_scalar(&[8; 32]).unwrap()
}

fn log() -> Ed25519Signer {
    Ed25519Signer::from_seed("id.example/ledger", &[9; 32]).unwrap()
}

fn anchors() -> Anchors {
    let ledger = log().verifier_key().clone();
    Anchors {
        issuer: ISSUER.into(),
        policy: Policy::without_witnesses(ledger.clone()).unwrap(),
        ledger,
    }
}

fn consent() -> Consent {
    Consent {
        aud: ISSUER.into(),
        rp: "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
        request: "rel_AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
        purpose: "open-account".into(),
        fields: vec![Field::Name, Field::BirthDate],
        legal_basis: "AML Law art. 18".into(),
        retention_days: 30,
        enc_jkt: rp().public_key().thumbprint(),
        notice_sha256: "n".into(),
        request_sha256: "r".into(),
        statement_sha256: "s".into(),
        locale: Locale::English,
        iat: NOW,
        exp: NOW.plus(600),
        jti: "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
    }
}

/// The text of the leaf that announces the release of a consent, naming the bytes of `named`.
fn intended(consent: &Consent, named: &str) -> String {
    let commitment = subject_commitment(&SALT, device().kid());
    let granted = consent.leaf(named, commitment, NOW);
    let intended = granted.followed_by(LeafKind::ReleaseIntended, NOW).unwrap();
    intended.to_text().unwrap()
}

/// A key holder is shown this consent, and this leaf in the ledger.
fn shown(consent: &str, leaf: String) -> Result<(), WarrantRefused> {
    let root = leaf_hash(leaf.as_bytes());
    let checkpoint = Checkpoint::new("id.example/ledger", 1, root)
        .unwrap()
        .sign(&log())
        .unwrap();
    let proof = TlogProof {
        extra: None,
        index: 0,
        proof: InclusionProof { hashes: Vec::new() },
        checkpoint: checkpoint.note().clone(),
    };
    let warrant = Warrant {
        consent: consent.into(),
        salt: base64url::encode(&SALT),
        rp_key: rp().public_key(),
        leaf,
        proof: proof.to_string(),
        vault_consistency: Vec::new(),
        custodian_consistency: Vec::new(),
    };
    let device = device().public_key();
    let checked = warrant.check(KeyHolder::Vault, &anchors(), &device, Remembered::default(), NOW);
    checked.map(|_| ())
}

/// Each claim with another value of its kind.
fn changes() -> Vec<(String, Consent)> {
    let claims = serde_json::to_value(consent()).unwrap();
    let members = claims.as_object().unwrap().clone();
    let change = |(member, value): (String, Value)| {
        let mut changed = claims.clone();
        changed[&member] = match (member.as_str(), &value) {
            ("rp" | "jti", _) => json!("BBBBBBBBBBBBBBBBBBBBBA"),
            ("request", _) => json!("rel_BBBBBBBBBBBBBBBBBBBBBA"),
            ("locale", _) => json!("zh-CN"),
            ("fields", _) => json!(["name"]),
            ("iat", _) => json!(NOW.plus(61)),
            ("exp", _) => json!(NOW.minus(60)),
            (_, Value::Number(number)) => json!(number.as_u64().unwrap() + 1),
            (_, value) => json!(format!("{}x", value.as_str().unwrap())),
        };
        (member, serde_json::from_value(changed).unwrap())
    };
    members.into_iter().map(change).collect()
}

#[test]
fn an_honest_consent_opens() {
    let signed = consent().sign(&device()).unwrap();
    assert_eq!(shown(&signed, intended(&consent(), &signed)), Ok(()));
}

#[test]
fn a_claim_that_was_changed_after_signing_breaks_the_signature() {
    let signed = consent().sign(&device()).unwrap();
    let [head, _, signature] = signed.split('.').collect::<Vec<_>>()[..] else {
        panic!("a compact message")
    };
    for (member, changed) in changes() {
        let payload = base64url::encode(&serde_json::to_vec(&changed).unwrap());
        let forged = format!("{head}.{payload}.{signature}");
        let refused = shown(&forged, intended(&changed, &forged));
        assert_eq!(refused, Err(WarrantRefused::ConsentInvalid), "{member}");
    }
}

/// The device itself signs something else than what was recorded.
#[test]
fn a_consent_that_was_signed_anew_is_not_the_one_that_was_recorded() {
    let recorded = consent().sign(&device()).unwrap();
    for (member, changed) in changes() {
        let signed = changed.sign(&device()).unwrap();
        let refused = shown(&signed, intended(&consent(), &recorded));
        assert!(refused.is_err(), "{member}");
    }
}

/// The ledger's operator names the new consent in a leaf that says what the old one said. What a leaf does not hold is
/// held by the consent's hash alone: it was compared before, by the service and by the receipt's reader.
#[test]
fn a_leaf_says_what_its_consent_says_in_all_that_it_holds() {
    for (member, changed) in changes() {
        let signed = changed.sign(&device()).unwrap();
        let expected = match member.as_str() {
            "aud" => Err(WarrantRefused::ConsentInvalid),
            "iat" | "exp" => Err(WarrantRefused::NotNow),
            "enc_jkt" => Err(WarrantRefused::RpKeyDiffers),
            "notice_sha256" | "request_sha256" | "statement_sha256" | "locale" | "jti" => Ok(()),
            _ => Err(WarrantRefused::LeafDiffers),
        };
        assert_eq!(
            shown(&signed, intended(&consent(), &signed)),
            expected,
            "{member}"
        );
    }
}
