use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::certificate::{Certificate, Confirmation};

use super::*;
use crate::testing::{NOW, PlatformDouble};

async fn met(double: &PlatformDouble) -> Platform {
    let client = Client::new(&double.issuer).unwrap();
    Platform::contact(client, double.clock.clone()).await.unwrap()
}

fn message(double: &PlatformDouble) -> Certificate {
    Certificate {
        iss: double.issuer.clone(),
        cnf: Confirmation { jkt: "k".into() },
        number_commitment: "c".into(),
        status: SubjectStatus::Active,
        iat: NOW,
        exp: NOW.plus(1),
    }
}

#[tokio::test]
async fn a_message_is_opened_by_a_key_of_its_role_only() {
    let double = PlatformDouble::start().await;
    let platform = met(&double).await;
    let good = double.sign("certificate", &message(&double));
    let opened = platform.open::<Certificate>(KeyRole::Certificate, &good).await;
    assert_eq!(opened, Ok(message(&double)));
    let wrong = double.sign("request", &message(&double));
    let opened = platform.open::<Certificate>(KeyRole::Certificate, &wrong).await;
    assert_eq!(opened, Err(MessageRefused::WrongRole));
}

#[tokio::test]
async fn a_key_that_is_new_is_looked_up_and_garbage_makes_no_flood() {
    let double = PlatformDouble::start().await;
    let platform = met(&double).await;
    let old = double.sign("certificate", &message(&double));
    platform
        .open::<Certificate>(KeyRole::Certificate, &old)
        .await
        .unwrap();
    double.keys.lock().unwrap().push(("certificate", 77));
    let new = double.sign("certificate", &message(&double));
    let open = || platform.open::<Certificate>(KeyRole::Certificate, &new);
    assert_eq!(
        open().await,
        Err(MessageRefused::UnknownKey),
        "asked a moment ago"
    );
    assert_eq!(double.received("GET /.well-known/jwks.json").len(), 1);
    double.clock.advance(REFRESH_INTERVAL);
    assert!(open().await.is_ok());
    assert_eq!(double.received("GET /.well-known/jwks.json").len(), 2);
}

#[tokio::test]
async fn a_key_that_was_published_ahead_is_known_when_it_signs() {
    let double = PlatformDouble::start().await;
    let platform = met(&double).await;
    let old = double.sign("certificate", &message(&double));
    double.keys.lock().unwrap().push(("certificate", 77));
    let open = async |compact: String| platform.open::<Certificate>(KeyRole::Certificate, &compact).await;
    assert!(open(old.clone()).await.is_ok());
    let new = double.sign("certificate", &message(&double));
    assert!(open(new).await.is_ok());
    assert!(open(old).await.is_ok(), "what the old key signed is still good");
    assert_eq!(double.received("GET /.well-known/jwks.json").len(), 1);
}

#[tokio::test]
async fn many_who_find_a_new_key_ask_once() {
    let double = PlatformDouble::start().await;
    let platform = std::sync::Arc::new(met(&double).await);
    let old = double.sign("certificate", &message(&double));
    let open = platform.open::<Certificate>(KeyRole::Certificate, &old);
    open.await.unwrap();
    double.keys.lock().unwrap().push(("certificate", 77));
    double.clock.advance(REFRESH_INTERVAL);
    let new = double.sign("certificate", &message(&double));
    let all: tokio::task::JoinSet<_> = (0..20)
        .map(|_| {
            let (platform, new) = (platform.clone(), new.clone());
            async move {
                platform
                    .open::<Certificate>(KeyRole::Certificate, &new)
                    .await
                    .is_ok()
            }
        })
        .collect();
    assert!(all.join_all().await.into_iter().all(|opened| opened));
    assert_eq!(double.received("GET /.well-known/jwks.json").len(), 2);
}

#[tokio::test]
async fn a_key_that_was_revoked_is_not_believed_for_long() {
    let double = PlatformDouble::start().await;
    let platform = met(&double).await;
    let signed = double.sign("certificate", &message(&double));
    platform
        .open::<Certificate>(KeyRole::Certificate, &signed)
        .await
        .unwrap();
    double
        .keys
        .lock()
        .unwrap()
        .retain(|(role, _)| *role != "certificate");
    double.clock.advance(KEYS_FRESH);
    let opened = platform.open::<Certificate>(KeyRole::Certificate, &signed).await;
    assert_eq!(opened, Err(MessageRefused::UnknownKey));
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_refuse_everything() {
    let double = PlatformDouble::start().await;
    let platform = met(&double).await;
    double.script("GET /.well-known/jwks.json", 502, "");
    let signed = double.sign("certificate", &message(&double));
    let opened = platform.open::<Certificate>(KeyRole::Certificate, &signed).await;
    assert_eq!(
        opened,
        Err(MessageRefused::Keys(ClientError::Unexpected { status: 502 }))
    );
}

#[tokio::test]
async fn an_outage_makes_no_flood_and_revives_no_old_key() {
    let double = PlatformDouble::start().await;
    let platform = met(&double).await;
    let signed = double.sign("certificate", &message(&double));
    let open = async || {
        platform
            .open::<Certificate>(KeyRole::Certificate, &signed)
            .await
            .is_ok()
    };
    assert!(open().await);
    double.script("GET /.well-known/jwks.json", 502, "");
    double.clock.advance(KEYS_FRESH - 1);
    assert!(open().await, "fresh enough");
    double.clock.advance(1);
    for _ in 0..20 {
        assert!(!open().await);
    }
    assert_eq!(double.received("GET /.well-known/jwks.json").len(), 2);
    double.clock.advance(REFRESH_INTERVAL);
    assert!(!open().await);
    assert_eq!(double.received("GET /.well-known/jwks.json").len(), 3);
}

#[tokio::test]
async fn a_platform_at_one_address_cannot_be_the_issuer_of_another() {
    let double = PlatformDouble::start().await;
    let mut discovery = double.discovery();
    discovery["issuer"] = "https://id.example".into();
    double.script_json("GET /.well-known/cyberid", &discovery);
    let client = Client::new(&double.issuer).unwrap();
    let met = Platform::contact(client, double.clock.clone()).await;
    let issuer = "https://id.example".to_owned();
    assert_eq!(met.err(), Some(PlatformError::AnotherIssuer { issuer }));
}

#[tokio::test]
async fn what_was_pinned_stays() {
    for (pointer, other) in [
        ("/issuer", "https://id.example".to_owned()),
        ("/ledger/vkey", "log.example+00000000+AQ==".to_owned()),
        ("/ledger/policy", "quorum none\n".to_owned()),
        ("/ledger/url", "https://elsewhere.example".to_owned()),
    ] {
        let double = PlatformDouble::start().await;
        let platform = met(&double).await;
        assert_eq!(
            platform.sealing_key().await.unwrap(),
            cyberid_crypto::Agree::public_key(&double.sealing)
        );
        let mut discovery = double.discovery();
        *discovery.pointer_mut(pointer).unwrap() = other.into();
        double.script_json("GET /.well-known/cyberid", &discovery);
        double.clock.advance(KEYS_FRESH);
        assert_eq!(
            platform.sealing_key().await,
            Err(PlatformError::PinsDiffer),
            "{pointer}"
        );
    }
}

#[tokio::test]
async fn pins_are_kept_between_runs() {
    let double = PlatformDouble::start().await;
    let platform = met(&double).await;
    let text = serde_json::to_string(platform.pins()).unwrap();
    let pins: Pins = serde_json::from_str(&text).unwrap();
    let again = Platform::pinned(platform.client().clone(), pins, double.clock.clone()).unwrap();
    assert_eq!(again.pins(), platform.pins());
    assert_eq!(
        again.ledger_client().unwrap().base(),
        format!("{}/ledger", double.issuer)
    );
}

#[tokio::test]
async fn a_platform_of_the_sm_suite_is_met_like_any_other() {
    let double = PlatformDouble::start_of(Suite::Sm).await;
    let platform = met(&double).await;
    assert_eq!((platform.suite(), platform.pins().suite), (Suite::Sm, Suite::Sm));
    let good = double.sign("certificate", &message(&double));
    let opened = platform.open::<Certificate>(KeyRole::Certificate, &good).await;
    assert_eq!(opened, Ok(message(&double)));
    let sealing = platform.sealing_key().await.unwrap();
    assert_eq!(sealing, cyberid_crypto::Agree::public_key(&double.sealing));
}

#[tokio::test]
async fn a_key_of_another_suite_is_nobodys_though_the_platform_publishes_it() {
    for [said, signed] in [[Suite::Nist, Suite::Sm], [Suite::Sm, Suite::Nist]] {
        let double = PlatformDouble::start_of(said).await;
        let platform = met(&double).await;
        *double.keys_suite.lock().unwrap() = signed;
        let other = double.sign("certificate", &message(&double));
        let opened = platform.open::<Certificate>(KeyRole::Certificate, &other).await;
        assert_eq!(opened, Err(MessageRefused::UnknownKey));
    }
}

#[tokio::test]
async fn a_platform_neither_changes_its_suite_nor_seals_in_another() {
    let double = PlatformDouble::start().await;
    let platform = met(&double).await;
    let mut changed = double.discovery();
    changed["suite"] = "sm".into();
    double.script_json("GET /.well-known/cyberid", &changed);
    assert_eq!(platform.sealing_key().await, Err(PlatformError::PinsDiffer));
    let other = cyberid_crypto::AgreementKey::of(Suite::Sm, &[99; 32]).unwrap();
    let mut mixed = double.discovery();
    mixed["encryption_jwk"] = serde_json::json!(cyberid_crypto::Agree::public_key(&other).to_sealing_jwk());
    double.script_json("GET /.well-known/cyberid", &mixed);
    assert_eq!(platform.sealing_key().await, Err(PlatformError::Malformed));
}

#[tokio::test]
async fn with_the_root_pinned_an_attestation_key_needs_its_certificate() {
    use cyberid_crypto::{Sign as _, SigningKey};
    use cyberid_protocol::message::Message as _;

    let double = PlatformDouble::start().await;
    let (root, signing) = (
        SigningKey::from_scalar(&[5; 32]).unwrap(),
        SigningKey::from_scalar(&[6; 32]).unwrap(),
    );
    let signed = message(&double).sign(&signing).unwrap();
    let certificate = |by: &SigningKey| {
        let claims = KeyCertificate::new("attestation", signing.public_key(), NOW);
        Some(claims.sign(by).unwrap())
    };
    let opened = async |certificate: Option<String>, pinned: bool| {
        let published = PlatformKey {
            jwk: signing.public_key().to_signing_jwk(),
            role: "attestation".into(),
            state: "active".into(),
            certificate,
        };
        double.script_json(
            "GET /.well-known/jwks.json",
            &PlatformKeys {
                keys: vec![published],
            },
        );
        let platform = met(&double).await;
        let platform = if pinned {
            platform.trusting_root(root.public_key())
        } else {
            platform
        };
        platform
            .open::<Certificate>(KeyRole::Attestation, &signed)
            .await
            .map(drop)
    };
    assert_eq!(opened(None, false).await, Ok(()));
    assert_eq!(opened(certificate(&root), true).await, Ok(()));
    let forged = certificate(&signing);
    for certificate in [None, forged] {
        assert_eq!(opened(certificate, true).await, Err(MessageRefused::UnknownKey));
    }
}
