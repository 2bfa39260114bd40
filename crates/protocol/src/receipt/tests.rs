use cyberid_crypto::{Sign as _, SigningKey, base64url, digest};
use cyberid_domain::UnixTime;
use cyberid_domain::check::Factor;
use cyberid_domain::field::Field;
use serde_json::{Value, json};

use super::*;
use crate::consent::Consent;
use crate::leaf::LeafKind;
use crate::message::Message as _;
use crate::request::{ReleaseRequest, RequestObject, RequestingParty};
use crate::statement::{Locale, Statement, Terms, render};

const ID: &str = "BBBBBBBBBBBBBBBBBBBBBA";
const LIFE: [(LeafKind, UnixTime); 3] = [
    (LeafKind::ConsentGranted, UnixTime(1_000)),
    (LeafKind::ReleaseIntended, UnixTime(1_001)),
    (LeafKind::ReleaseDelivered, UnixTime(1_002)),
];

fn key() -> SigningKey {
    SigningKey::from_scalar(&[7; 32]).unwrap()
}

fn request() -> ReleaseRequest {
    let request = ReleaseRequest {
        iss: "https://id.example".into(),
        id: format!("rel_{ID}").parse().unwrap(),
        rp: RequestingParty {
            client_id: ID.parse().unwrap(),
            name: "Example Bank".into(),
            domain: "bank.example".into(),
        },
        purpose: "open-account".into(),
        fields: vec![Field::Name, Field::BirthDate],
        factors: vec![Factor::Device],
        nonce: ID.parse().unwrap(),
        registration_certificate: "c".into(),
        legal_basis: "AML Law art. 18".into(),
        retention_days: 30,
        notice_uri: "https://bank.example/privacy".into(),
        notice_sha256: "n".into(),
        enc_jkt: "e".into(),
        statement: Statement {
            locale: Locale::English,
            text: String::new(),
        },
        iat: UnixTime(900),
        exp: UnixTime(1_800),
    };
    let statement = render(Locale::English, &Terms::from(&request));
    ReleaseRequest { statement, ..request }
}

fn evidence() -> Evidence {
    let request = request();
    let compact = RequestObject::Release(request.clone()).sign(&key()).unwrap();
    let consent = Consent {
        aud: request.iss.clone(),
        rp: request.rp.client_id.clone(),
        request: request.id.clone(),
        purpose: request.purpose.clone(),
        fields: vec![Field::BirthDate],
        legal_basis: request.legal_basis.clone(),
        retention_days: request.retention_days,
        enc_jkt: request.enc_jkt.clone(),
        notice_sha256: request.notice_sha256.clone(),
        request_sha256: digest::sha256_base64url(compact.as_bytes()),
        statement_sha256: digest::sha256_base64url(request.statement.text.as_bytes()),
        locale: Locale::English,
        iat: UnixTime(1_000),
        exp: UnixTime(1_600),
        jti: ID.parse().unwrap(),
    };
    assert_eq!(consent.differs_from(&request, &compact), None);
    Evidence {
        statement: request.statement.text,
        request: compact,
        consent: consent.sign(&key()).unwrap(),
        device_jwk: key().public_key().to_jwk(),
        salt: base64url::encode(&[42; 32]),
    }
}

#[test]
fn a_record_has_the_sections_and_the_names_of_the_standard() {
    let evidence = evidence();
    let record = ConsentRecord::of(evidence.clone(), LIFE).unwrap();
    let (record_id, principal) = (record.id().clone(), key().kid().to_owned());
    let expected = json!({
        "record_header": {
            "schema_version": "ISO/IEC TS 27560:2023", "record_id": record_id, "pii_principal_id": principal,
        },
        "pii_processing": {
            "privacy_notice": "https://bank.example/privacy",
            "language": "en",
            "purposes": [{
                "purpose": "open-account",
                "lawful_basis": "AML Law art. 18",
                "pii_information": [
                    {"pii_type": "name", "pii_optional": true, "granted": false},
                    {"pii_type": "birth_date", "pii_optional": true, "granted": true},
                ],
                "pii_controllers": [ID],
                "collection_method": "encrypted-release",
                "retention_period": "P30D",
                "recipient_third_parties": [],
                "withdrawal_method": format!("https://id.example/v1/consents/{record_id}/withdraw"),
                "jurisdiction": "CN",
            }],
        },
        "party_identification": [{
            "party_id": ID, "party_name": "Example Bank", "party_url": "bank.example", "party_role": "pii_controller",
        }],
        "events": [
            {"event_time": 1_000, "event_type": "separate-consent", "event_state": "consent.granted",
                "entity_id": principal, "validity_duration": "PT600S"},
            {"event_time": 1_001, "event_type": "separate-consent", "event_state": "release.intended",
                "entity_id": ID},
            {"event_time": 1_002, "event_type": "separate-consent", "event_state": "release.delivered",
                "entity_id": "https://id.example"},
        ],
        "evidence": evidence,
    });
    assert_eq!(serde_json::to_value(&record).unwrap(), expected);
    assert_eq!(
        (record.purpose(), record.controller_name()),
        ("open-account", "Example Bank")
    );
    assert_eq!(record.granted(), [Field::BirthDate]);
    assert!(record.life().eq(LIFE));
}

#[test]
fn the_leaves_of_a_life_are_linked_and_the_last_depends_on_all() {
    let evidence = evidence();
    let read = evidence.read().unwrap();
    let last = |events: &[(LeafKind, UnixTime)]| read.leaf(&evidence.consent, events.iter().copied());
    let delivered = last(&LIFE).unwrap();
    let intended = last(&LIFE[..2]).unwrap();
    assert_eq!(
        intended.followed_by(LeafKind::ReleaseDelivered, UnixTime(1_002)),
        Ok(delivered.clone())
    );
    let mut later = LIFE;
    later[0].1 = UnixTime(999);
    assert_ne!(last(&later), Ok(delivered));
    for no_life in [&[][..], &LIFE[1..]] {
        assert_eq!(last(no_life), Err(InvalidEvidence::Events));
    }
}

#[test]
fn evidence_has_one_form() {
    type Alteration = (fn(&mut Evidence), InvalidEvidence);
    let alterations: [Alteration; 6] = [
        (|it| it.consent.push('.'), InvalidEvidence::Consent),
        (|it| it.request = it.consent.clone(), InvalidEvidence::Request),
        (|it| it.device_jwk.kid = Some("k".into()), InvalidEvidence::Device),
        (
            |it| it.device_jwk.y = it.device_jwk.x.clone(),
            InvalidEvidence::Device,
        ),
        (|it| it.salt.push('A'), InvalidEvidence::Salt),
        (|it| it.salt.clear(), InvalidEvidence::Salt),
    ];
    for (at, (alter, refused)) in alterations.into_iter().enumerate() {
        let mut evidence = evidence();
        alter(&mut evidence);
        assert_eq!(evidence.read().err(), Some(refused), "at {at}");
    }
}

#[test]
fn a_consents_id_depends_on_its_bytes_and_its_salt() {
    let id = consent_id(&[1; 32], "consent");
    assert_eq!(id, consent_id(&[1; 32], "consent"));
    assert_ne!(id, consent_id(&[2; 32], "consent"));
    assert_ne!(id, consent_id(&[1; 32], "another"));
    assert_eq!(id.as_str().parse(), Ok(id));
}

/// Every claim of the consent has another value in turn; those of its own are its moment, its life and its name.
#[test]
fn a_consent_differs_from_its_request_in_every_claim() {
    let evidence = evidence();
    let EvidenceRead { consent, request, .. } = evidence.read().unwrap();
    let claims = serde_json::to_value(&consent).unwrap();
    for (member, value) in claims.as_object().unwrap() {
        let mut changed = claims.clone();
        changed[member] = match (member.as_str(), value) {
            ("request", _) => json!("rel_AAAAAAAAAAAAAAAAAAAAAA"),
            ("rp" | "jti", _) => json!("AAAAAAAAAAAAAAAAAAAAAA"),
            ("locale", _) => json!("zh-CN"),
            ("fields", _) => json!(["valid_until"]),
            (_, Value::Number(number)) => json!(number.as_u64().unwrap() + 1),
            (_, value) => json!(format!("{}x", value.as_str().unwrap())),
        };
        let changed: Consent = serde_json::from_value(changed).unwrap();
        let own = ["iat", "exp", "jti"].contains(&member.as_str());
        let expected = (!own).then_some(member.as_str());
        assert_eq!(changed.differs_from(&request, &evidence.request), expected);
    }
}
