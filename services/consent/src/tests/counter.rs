//! A code on paper: a key that gives one consent, or takes one back, and nothing else.

use cyberid_crypto::Sign as _;
use cyberid_domain::Clock as _;
use cyberid_domain::device::AlertKind;
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::receipt::Receipt;
use cyberid_storage::counter::{KeyUse, NewCodes};
use cyberid_storage::device::{BeginningDevice, Begun, Devices as _, NewDevice, Revoked};
use cyberid_storage::subject::{SubjectDevice, Subjects as _};
use http::{Method, StatusCode};

use super::Platform;
use super::people::{Person, agree, withdrawal};

impl Platform {
    /// A code of Alice's that has cooled off.
    async fn code(&self, seed: u8) -> Person {
        let person = Person {
            subject: self.alice.subject,
            ..Person::new(seed)
        };
        let (subject, jkt, now) = (person.subject, person.jkt(), self.clock.now());
        let codes = NewCodes {
            subject,
            jkts: vec![jkt.clone()],
            station: "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
            now,
        };
        assert!(self.registry.keep_codes(&codes).await.unwrap());
        let key = *person.key.public_key().as_sec1();
        let beginning = BeginningDevice {
            subject,
            jkt: jkt.clone(),
            key,
            now,
            undo_at: now.plus(600),
            replaces_all: false,
        };
        assert_eq!(self.registry.begin_device(&beginning).await.unwrap(), Begun::Now);
        let bound_at = now;
        let new = NewDevice {
            subject,
            device: SubjectDevice { jkt, key, bound_at },
            release_from: now,
            revoke_others: false,
            pin: None,
            alert: AlertKind::DeviceAdded,
        };
        assert!(self.registry.add_device(&new).await.unwrap());
        person
    }

    async fn key_use(&self, code: &Person) -> KeyUse {
        self.registry.by_key(&code.jkt()).await.unwrap().unwrap().usable
    }

    /// What a code is answered that agrees to a fresh request.
    async fn agreed_by(&self, code: &Person) -> super::Answer {
        let id = self.ask().await;
        let claims = agree(&self.request_object(&id).await, &*self.clock);
        self.answer(&id, &claims, code).await
    }
}

#[tokio::test]
async fn a_code_gives_one_consent() {
    let platform = Platform::start().await;
    let code = platform.code(77).await;
    let id = platform.ask().await;
    let claims = agree(&platform.request_object(&id).await, &*platform.clock);
    let granted = platform.answer(&id, &claims, &code).await;
    assert_eq!(granted.status, StatusCode::CREATED);
    assert_eq!(platform.key_use(&code).await, KeyUse::Used);
    let second = platform.agreed_by(&code).await;
    assert_eq!(second.problem(), ProblemType::InvalidMessage);
}

#[tokio::test]
async fn what_is_refused_uses_up_nothing_and_of_two_at_once_one_is_taken() {
    let platform = Platform::start().await;
    let code = platform.code(77).await;
    let id = platform.ask().await;
    let mut claims = agree(&platform.request_object(&id).await, &*platform.clock);
    claims.retention_days += 1;
    assert_ne!(
        platform.answer(&id, &claims, &code).await.status,
        StatusCode::CREATED
    );
    assert_eq!(platform.key_use(&code).await, KeyUse::Unused);
    let (one, other) = tokio::join!(platform.agreed_by(&code), platform.agreed_by(&code));
    let taken = [one, other]
        .iter()
        .filter(|it| it.status == StatusCode::CREATED)
        .count();
    assert_eq!(taken, 1);
}

#[tokio::test]
async fn a_code_withdraws_once_and_ends_no_identifier() {
    let platform = Platform::start().await;
    let code = platform.code(77).await;
    assert_eq!(
        platform.cancel_by(&code).await.problem(),
        ProblemType::InvalidMessage
    );
    let withdraw = async |id| {
        let body = code.sign_withdrawal(&withdrawal(&id, platform.clock.now()));
        let path = format!("/v1/consents/{id}/withdraw");
        platform.call(Method::POST, &path, "", Some(body)).await
    };
    let (_, first) = platform.granted().await;
    let (_, second) = platform.granted().await;
    assert_eq!(withdraw(first).await.status, StatusCode::OK);
    assert_eq!(withdraw(second).await.problem(), ProblemType::InvalidMessage);
}

/// Its consent ends with it where nothing was delivered, and is proved still.
#[tokio::test]
async fn what_a_key_agreed_to_is_proved_after_it_was_revoked() {
    let platform = Platform::start().await;
    let code = platform.code(77).await;
    let (id, consent) = platform.granted().await;
    let (subject, jkt) = (&platform.alice.subject, platform.alice.jkt());
    let revoked = platform
        .registry
        .revoke_device(subject, &jkt, platform.clock.now());
    assert_eq!(revoked.await.unwrap(), Revoked::Now);
    assert_eq!(
        platform.redeem(&id, None).await.problem(),
        ProblemType::ReleaseNotGranted
    );
    let path = format!(
        "/v1/consents/{consent}/receipt?kind={}",
        LeafKind::ConsentGranted.as_str()
    );
    let holder = format!("holder {}", code.jkt());
    let receipt: Receipt = platform.call(Method::GET, &path, &holder, None).await.json();
    assert_eq!(
        receipt.record.evidence.device_jwk,
        platform.alice.key.public_key().to_jwk()
    );
    assert_eq!(
        platform.key_use(&code).await,
        KeyUse::Unused,
        "reading uses up nothing"
    );
}
