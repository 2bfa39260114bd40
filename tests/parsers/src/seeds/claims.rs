//! The claims of every type of message.

use serde_json::{Value, json};

use super::{ID, ISSUER, NOW, signer};

/// The claims of every type, by its name.
pub(super) fn claims() -> Vec<(&'static str, Value)> {
    let ours = [
        of_holders(),
        of_lives(),
        of_the_platform(),
        of_requests(),
        of_parties(),
    ];
    [ours.concat(), of_officers(), of_issuance(), of_the_source()].concat()
}

/// The same with a beginning and an end.
fn timed(mut claims: Value) -> Value {
    let members = claims.as_object_mut().unwrap();
    members.insert("iat".into(), NOW.into());
    members.insert("exp".into(), (NOW + 60).into());
    claims
}

fn of_holders() -> Vec<(&'static str, Value)> {
    let jkt = signer().kid().to_owned();
    let proof = json!({"aud": ISSUER, "rp": ID, "request": format!("ver_{ID}"), "purpose": "register",
        "checks": ["real_person", "age_over_18"], "factors": ["device", "pin"], "nonce": ID, "jti": ID});
    let consent = json!({"aud": ISSUER, "rp": ID, "request": format!("rel_{ID}"), "purpose": "deliver",
        "fields": ["name"], "legal_basis": "contract", "retention_days": 30, "enc_jkt": jkt, "notice_sha256": jkt,
        "request_sha256": jkt, "statement_sha256": jkt, "locale": "zh-CN", "jti": ID});
    let withdrawal = json!({"aud": ISSUER, "consent": format!("con_{ID}"), "jti": ID});
    let guardian = json!({"aud": ISSUER, "ward_jkt": jkt, "jti": ID});
    vec![
        ("cyberid-proof+jwt", timed(proof)),
        ("cyberid-consent+jwt", timed(consent)),
        ("cyberid-withdrawal+jwt", timed(withdrawal)),
        ("cyberid-guardian-consent+jwt", timed(guardian)),
        (
            "cyberid-key-proof+jwt",
            json!({"aud": ISSUER, "nonce": ID, "iat": NOW}),
        ),
    ]
}

fn of_lives() -> Vec<(&'static str, Value)> {
    let jkt = signer().kid().to_owned();
    let word = || json!({"aud": ISSUER, "jti": ID});
    let approval = json!({"aud": ISSUER, "device_jkt": jkt, "jti": ID});
    let number = json!({"aud": ISSUER, "number_commitment": jkt, "jti": ID});
    let release = json!({"aud": ISSUER, "ward_jkt": jkt, "request": format!("rel_{ID}"), "request_sha256": jkt,
        "fields": ["name"], "jti": ID});
    vec![
        ("cyberid-suspension+jwt", timed(word())),
        ("cyberid-resumption+jwt", timed(word())),
        ("cyberid-cancellation+jwt", timed(word())),
        ("cyberid-renumbering+jwt", timed(number)),
        ("cyberid-device-approval+jwt", timed(approval)),
        ("cyberid-guardian-release+jwt", timed(release)),
    ]
}

fn of_officers() -> Vec<(&'static str, Value)> {
    let jkt = signer().kid().to_owned();
    let order = json!({"aud": ISSUER, "authority": ID, "client_id": ID, "sub": jkt, "fields": ["name"],
        "case_reference": "2026-117", "legal_basis": "CPL-54", "notice_after": NOW + 60, "enc_jkt": jkt, "jti": ID});
    let second = json!({"aud": ISSUER, "authority": ID, "order_sha256": jkt, "jti": ID});
    vec![
        ("cyberid-official-order+jwt", timed(order)),
        ("cyberid-official-countersignature+jwt", timed(second)),
    ]
}

fn of_issuance() -> Vec<(&'static str, Value)> {
    let jkt = signer().kid().to_owned();
    let jwk = signer().public_key().to_jwk();
    let field = json!({"field": "name", "ciphertext": jkt, "share": jkt});
    let command = |more: Value| {
        let mut claims = json!({"aud": "vault", "subject": jkt, "jti": ID});
        claims
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        timed(claims)
    };
    vec![
        ("cyberid-reservation+jwt", command(json!({"person_sealed": jkt}))),
        (
            "cyberid-deposit+jwt",
            command(json!({"device": jwk, "number_commitment": jkt, "fields": [field]})),
        ),
        ("cyberid-settlement+jwt", command(json!({"outcome": "confirmed"}))),
        (
            "cyberid-binding+jwt",
            command(json!({"device": jwk, "approval": "a.b.c", "release_from": NOW})),
        ),
        ("cyberid-unbinding+jwt", command(json!({ "device": jwk }))),
        (
            "cyberid-staged-version+jwt",
            command(json!({"version": ID, "person_sealed": jkt, "fields": [field]})),
        ),
        ("cyberid-version-switch+jwt", command(json!({ "version": ID }))),
    ]
}

fn of_the_source() -> Vec<(&'static str, Value)> {
    let jkt = signer().kid().to_owned();
    let answer = json!({"question_sha256": jkt, "confirmed": true, "birth_date_sealed": jkt, "person_sealed": jkt,
        "iat": NOW});
    let notice = json!({"aud": ISSUER, "jti": ID, "seq": 3, "person": jkt, "happening": "document_renewed", "at": NOW,
        "document_sealed": jkt, "iat": NOW});
    let face = json!({"aud": ISSUER, "jkt": jkt, "nonce": jkt, "person": jkt});
    let key = json!({"role": "attestation", "sub": jkt, "jwk": signer().public_key().to_jwk()});
    vec![
        ("cyberid-source-answer+jwt", answer),
        ("cyberid-source-notice+jwt", notice),
        ("cyberid-face-evidence+jwt", timed(face)),
        ("cyberid-key-certificate+jwt", timed(key)),
    ]
}

fn of_the_platform() -> Vec<(&'static str, Value)> {
    let jkt = signer().kid().to_owned();
    let using = json!({"purpose": "register", "checks": ["real_person"], "fields": ["name"],
        "legal_basis": "contract", "retention_days": 30, "notice_uri": "https://shop.example/privacy"});
    let certificate =
        json!({"iss": ISSUER, "cnf": {"jkt": jkt}, "number_commitment": jkt, "status": "active"});
    let attestation = json!({"iss": ISSUER, "aud": ID, "jti": ID, "nonce": ID, "purpose": "register",
        "result": "pass", "checks": {"real_person": "pass"}, "acr": "device", "pad": "", "sub": jkt});
    let registration = json!({"iss": ISSUER, "sub": ID, "name": "Shop", "domain": "shop.example",
        "intended_use": using, "sig_jkts": [jkt], "enc_jkt": jkt});
    let withdrawn = json!({"consent": format!("con_{ID}"), "release": format!("rel_{ID}"), "erase_by": NOW});
    let event = json!({"iss": ISSUER, "aud": ID, "iat": NOW, "jti": ID,
        "events": {"urn:cyberid:event:consent-withdrawn": withdrawn}});
    vec![
        ("cyberid-certificate+jwt", timed(certificate)),
        ("cyberid-attestation+jwt", timed(attestation)),
        ("cyberid-registration+jwt", timed(registration)),
        ("secevent+jwt", event),
    ]
}

fn of_requests() -> Vec<(&'static str, Value)> {
    let jkt = signer().kid().to_owned();
    let party = json!({"client_id": ID, "name": "Shop", "domain": "shop.example"});
    let verification = json!({"kind": "verification", "iss": ISSUER, "id": format!("ver_{ID}"), "rp": party,
        "purpose": "register", "checks": ["real_person"], "factors": ["device"], "nonce": ID,
        "comparison_code": "3368", "registration_certificate": "a.b.c"});
    let release = json!({"kind": "release", "iss": ISSUER, "id": format!("rel_{ID}"), "rp": party,
        "purpose": "deliver", "fields": ["name"], "factors": ["device"], "nonce": ID,
        "registration_certificate": "a.b.c", "legal_basis": "contract", "retention_days": 30,
        "notice_uri": "https://shop.example/privacy", "notice_sha256": jkt, "enc_jkt": jkt,
        "statement": {"locale": "en", "text": "Shop asks for your name."}});
    vec![
        ("cyberid-request+jwt", timed(verification)),
        ("cyberid-request+jwt", timed(release)),
    ]
}

fn of_parties() -> Vec<(&'static str, Value)> {
    let (jkt, jwk) = (signer().kid().to_owned(), signer().public_key().to_jwk());
    let direct = json!({"iss": ID, "purpose": "register", "checks": ["real_person"], "factors": [], "nonce": ID,
        "registration_certificate": "a.b.c", "jwk": jwk});
    let change = json!({"aud": ISSUER, "iss": ID, "jwks": {"keys": [jwk]}});
    let assertion = json!({"iss": ID, "sub": ID, "aud": [ISSUER], "jti": "x"});
    let possession =
        json!({"jti": "x", "htm": "GET", "htu": "https://id.example/v1/me", "iat": NOW, "ath": jkt});
    vec![
        ("cyberid-direct-request+jwt", timed(direct)),
        ("cyberid-key-change+jwt", timed(change)),
        ("JWT", timed(assertion)),
        ("dpop+jwt", possession),
    ]
}
