//! A holder's passkeys: added over a nonce with the PIN, listed, removed; and everything that stands against one.

use cyberid_crypto::jwe;
use cyberid_domain::pin::Pin;
use cyberid_keystore::role::Message;
use cyberid_protocol::passkey::testing::Authenticator;
use cyberid_protocol::passkey::{PasskeyAdded, PasskeyRegistration, PasskeyView, Passkeys};
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::sealed::SealedPasskey;
use cyberid_storage::passkey::MOST;
use http::StatusCode;
use serde_json::json;

use super::applicant::Applicant;
use super::platform::{Answer, START, TestPlatform};
use super::source_peer::signing_key;

const PATH: &str = "/v1/me/passkeys";

/// A platform with an enrolled holder, and a passkey that is not registered yet.
async fn enrolled() -> (TestPlatform, Applicant, Authenticator) {
    let test = TestPlatform::start().await;
    let holder = Applicant::new(1);
    test.enrol(&holder).await;
    (test, holder, authenticator())
}

fn authenticator() -> Authenticator {
    Authenticator::new(signing_key(), "cyberid.example")
}

fn pin(text: &str) -> Pin {
    Pin::entered(text.into()).unwrap()
}

impl TestPlatform {
    async fn add(&self, holder: &Applicant, passkey: &PasskeyRegistration, with: &Pin) -> Answer {
        let platform = self.keys().opener::<Message>().unwrap().public_key();
        let sealed = SealedPasskey::seal(&platform, passkey, with).unwrap();
        self.add_sealed(holder, &sealed).await
    }

    async fn add_sealed(&self, holder: &Applicant, sealed: &str) -> Answer {
        let body = Some(json!({ "sealed": sealed }));
        self.as_holder("POST", PATH, &holder.jkt(), body).await
    }

    /// Registers this passkey over a fresh nonce, with the holder's PIN.
    async fn register(&self, holder: &Applicant, passkey: &Authenticator) -> Answer {
        let registration = passkey.registration(self.nonce().await.as_str());
        self.add(holder, &registration, &pin(&holder.pin)).await
    }

    async fn listed(&self, holder: &Applicant) -> Vec<PasskeyView> {
        let answer = self.as_holder("GET", PATH, &holder.jkt(), None).await;
        answer.json::<Passkeys>().passkeys
    }

    async fn remove(&self, holder: &Applicant, id: &str) -> Answer {
        let path = format!("{PATH}/{id}");
        self.as_holder("DELETE", &path, &holder.jkt(), None).await
    }
}

#[tokio::test]
async fn a_passkey_is_its_holders_until_it_is_removed() {
    let (test, holder, passkey) = enrolled().await;
    let other = Applicant::new(2);
    test.enrol(&other).await;
    let added = test.register(&holder, &passkey).await;
    assert_eq!(added.status, StatusCode::CREATED);
    let PasskeyAdded { id } = added.json();
    assert_eq!(id, passkey.id_text());
    let view = PasskeyView {
        id: id.clone(),
        created_at: START,
    };
    assert_eq!(test.listed(&holder).await, [view]);
    assert!(test.listed(&other).await.is_empty());
    assert_eq!(test.remove(&other, &id).await.problem(), ProblemType::NotFound);
    assert_eq!(test.remove(&holder, &id).await.status, StatusCode::NO_CONTENT);
    assert!(test.listed(&holder).await.is_empty());
    for id in [id.as_str(), "AAAA"] {
        assert_eq!(test.remove(&holder, id).await.problem(), ProblemType::NotFound);
    }
}

/// Who has the device alone does not add a second factor of their own.
#[tokio::test]
async fn the_device_alone_adds_no_passkey() {
    let (test, holder, passkey) = enrolled().await;
    for _ in 0..5 {
        let registration = passkey.registration(test.nonce().await.as_str());
        let refused = test.add(&holder, &registration, &pin("27182845")).await;
        assert_eq!(refused.problem(), ProblemType::EvidenceRefused);
    }
    let locked = test.register(&holder, &passkey).await;
    assert_eq!(locked.problem(), ProblemType::EvidenceRefused);
    assert!(test.listed(&holder).await.is_empty());
    test.clock.advance(60);
    let added = test.register(&holder, &passkey).await;
    assert_eq!(added.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_registration_is_over_a_nonce_of_this_platform_once() {
    let (test, holder, passkey) = enrolled().await;
    let foreign = passkey.registration("AAAAAAAAAAAAAAAAAAAAAA");
    let refused = test.add(&holder, &foreign, &pin(&holder.pin)).await;
    assert_eq!(refused.problem(), ProblemType::UnknownNonce);
    let old = passkey.registration(test.nonce().await.as_str());
    test.clock.advance(300);
    let refused = test.add(&holder, &old, &pin(&holder.pin)).await;
    assert_eq!(refused.problem(), ProblemType::UnknownNonce);
    let nonce = test.nonce().await;
    let registration = passkey.registration(nonce.as_str());
    let added = test.add(&holder, &registration, &pin(&holder.pin)).await;
    assert_eq!(added.status, StatusCode::CREATED);
    let again = authenticator().registration(nonce.as_str());
    let refused = test.add(&holder, &again, &pin(&holder.pin)).await;
    assert_eq!(refused.problem(), ProblemType::UnknownNonce);
}

#[tokio::test]
async fn a_passkey_of_another_site_or_of_nobody_in_particular_is_refused() {
    let (test, holder, _) = enrolled().await;
    let alter: [fn(&mut Authenticator); 4] = [
        |it| it.origin = "https://evil.example".into(),
        |it| it.rp_id = "evil.example".into(),
        |it| it.flags = 0b001,
        |it| it.flags = 0b100,
    ];
    for alter in alter {
        let mut passkey = authenticator();
        alter(&mut passkey);
        let refused = test.register(&holder, &passkey).await;
        assert_eq!(refused.problem(), ProblemType::EvidenceRefused);
    }
    let mut rsa = authenticator().registration(test.nonce().await.as_str());
    rsa.public_key_algorithm = -257;
    let refused = test.add(&holder, &rsa, &pin(&holder.pin)).await;
    assert_eq!(refused.problem(), ProblemType::EvidenceRefused);
    assert!(test.listed(&holder).await.is_empty());
}

#[tokio::test]
async fn a_credential_is_registered_once_and_a_holder_has_so_many() {
    let (test, holder, passkey) = enrolled().await;
    let other = Applicant::new(2);
    test.enrol(&other).await;
    assert_eq!(test.register(&holder, &passkey).await.status, StatusCode::CREATED);
    for who in [&holder, &other] {
        let refused = test.register(who, &passkey).await;
        assert_eq!(refused.problem(), ProblemType::EvidenceRefused);
    }
    for _ in 1..MOST {
        let added = test.register(&holder, &authenticator()).await;
        assert_eq!(added.status, StatusCode::CREATED);
    }
    let full = test.register(&holder, &authenticator()).await;
    assert_eq!(full.problem(), ProblemType::EvidenceRefused);
    assert_eq!(test.listed(&holder).await.len(), MOST as usize);
}

#[tokio::test]
async fn only_a_sealed_passkey_of_a_known_holder_is_taken() {
    let (test, holder, passkey) = enrolled().await;
    let registration = passkey.registration(test.nonce().await.as_str());
    let platform = test.keys().opener::<Message>().unwrap().public_key();
    let open = serde_json::to_string(&registration).unwrap();
    let bad = [
        "not sealed".to_owned(),
        SealedPasskey::seal(&holder_key(), &registration, &pin(&holder.pin)).unwrap(),
        jwe::seal(&platform, "json", open.as_bytes()).unwrap(),
        jwe::seal(&platform, "json", format!(r#"{{"passkey":{open}}}"#).as_bytes()).unwrap(),
    ];
    for sealed in bad {
        let refused = test.add_sealed(&holder, &sealed).await;
        assert_eq!(refused.problem(), ProblemType::InvalidMessage);
    }
    let stranger = Applicant::new(3);
    let refused = test.add(&stranger, &registration, &pin(&holder.pin)).await;
    assert_eq!(refused.problem(), ProblemType::NotFound);
    let request = test.post(PATH, json!({"sealed": "x"}).to_string()).await;
    assert_eq!(request.problem(), ProblemType::Unauthenticated);
}

fn holder_key() -> cyberid_crypto::PublicKey {
    cyberid_crypto::Sign::public_key(&signing_key())
}
