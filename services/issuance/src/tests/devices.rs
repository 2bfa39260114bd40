//! Devices beside the first, recovery, and new PINs.

use cyberid_crypto::jwe;
use cyberid_domain::age::Threshold;
use cyberid_domain::clock::Clock as _;
use cyberid_domain::device::AlertKind;
use cyberid_domain::id::Nonce;
use cyberid_domain::pin::Pin;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::subject::SubjectStatus;
use cyberid_keystore::role::Message as MessageRole;
use cyberid_protocol::device::{
    Alerts, DeviceAdded, DeviceApproval, Devices, Recovered, SealedDevice, SealedPinChange,
};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::problem::ProblemType;
use cyberid_storage::subject::Subjects as _;
use http::StatusCode;
use serde_json::{Value, json};

use super::applicant::Applicant;
use super::cases::report;
use super::holder_peer::Fault;
use super::platform::{Answer, ISSUER, TestPlatform};

const COOLING_OFF: u64 = 72 * 3_600;

async fn start() -> (TestPlatform, Applicant) {
    let test = TestPlatform::start_on_disk(Threshold::Fourteen).await;
    let citizen = Applicant::new(1);
    assert_eq!(test.enrol(&citizen).await.status, StatusCode::CREATED);
    (test, citizen)
}

/// The same person with another device.
fn again(which: u16) -> Applicant {
    Applicant::new(which)
}

fn pin(text: &str) -> Pin {
    Pin::entered(text.into()).unwrap()
}

impl TestPlatform {
    fn sealing(&self) -> cyberid_crypto::PublicKey {
        self.keys().opener::<MessageRole>().unwrap().public_key()
    }

    fn approval(&self, of: &Applicant, by: &Applicant) -> String {
        self.approval_to(ISSUER, of, by)
    }

    fn approval_to(&self, aud: &str, of: &Applicant, by: &Applicant) -> String {
        let now = self.clock.now();
        let approval = DeviceApproval {
            aud: aud.into(),
            device_jkt: of.jkt(),
            iat: now,
            exp: now.plus(300),
            jti: Nonce::random(&SystemRng),
        };
        approval.sign(&by.device).unwrap()
    }

    async fn add_with(&self, by: &Applicant, of: &Applicant, approval: &str, digits: &str) -> Answer {
        let proof = of.proof(&self.nonce().await, self.clock.now());
        let sealed = SealedDevice::seal(&self.sealing(), &proof, approval, &pin(digits)).unwrap();
        let body = json!({"sealed": sealed});
        self.as_holder("POST", "/v1/me/devices", &by.jkt(), Some(body))
            .await
    }

    async fn add_device(&self, by: &Applicant, of: &Applicant) -> Answer {
        let approval = self.approval(of, by);
        self.add_with(by, of, &approval, &by.pin).await
    }

    async fn revoke(&self, by: &Applicant, of: &Applicant) -> Answer {
        let path = format!("/v1/me/devices/{}", of.jkt());
        self.as_holder("DELETE", &path, &by.jkt(), None).await
    }

    async fn listed_devices(&self, by: &Applicant) -> Devices {
        self.as_holder("GET", "/v1/me/devices", &by.jkt(), None)
            .await
            .json()
    }

    async fn told(&self, by: &Applicant) -> Vec<AlertKind> {
        let answer = self.as_holder("GET", "/v1/me/alerts", &by.jkt(), None).await;
        let alerts: Alerts = answer.json();
        alerts.alerts.into_iter().map(|alert| alert.kind).collect()
    }

    async fn recover(&self, of: &Applicant, revoke_others: bool) -> Answer {
        let proof = of.proof(&self.nonce().await, self.clock.now());
        let mut body = of.body(&proof);
        body.as_object_mut().unwrap().remove("locale");
        body["revoke_others"] = revoke_others.into();
        self.post("/v1/recoveries", body.to_string()).await
    }

    async fn reset_pin(&self, by: &Applicant, of: &Applicant) -> Answer {
        let mut body: Value = of.body("");
        for member in ["locale", "key_proof"] {
            body.as_object_mut().unwrap().remove(member);
        }
        let sealed = jwe::seal(&self.sealing(), "json", body.to_string().as_bytes()).unwrap();
        let body = json!({"sealed": sealed});
        self.as_holder("POST", "/v1/me/pin-resets", &by.jkt(), Some(body))
            .await
    }

    async fn change_pin(&self, by: &Applicant, old: &str, new: &str) -> Answer {
        let sealed = SealedPinChange::seal(&self.sealing(), &pin(old), &pin(new)).unwrap();
        let body = json!({"sealed": sealed});
        self.as_holder("POST", "/v1/me/pin", &by.jkt(), Some(body)).await
    }
}

#[tokio::test]
async fn a_device_approves_another_which_cools_off() {
    let (test, phone) = start().await;
    let tablet = again(1);
    test.clock.advance(1);
    let answer = test.add_device(&phone, &tablet).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let added: DeviceAdded = answer.json();
    let release_from = test.clock.now().plus(COOLING_OFF);
    assert_eq!(
        (added.thumbprint, added.release_from),
        (tablet.jkt(), release_from)
    );
    for peer in [&test.vault, &test.custodian] {
        let bound = peer.bindings();
        assert_eq!((bound.len(), bound[0].device.thumbprint()), (1, tablet.jkt()));
        assert_eq!(bound[0].release_from, release_from);
        assert!(
            bound[0].approval.is_some(),
            "key holders see what the old device signed"
        );
    }
    let listed = test.listed_devices(&tablet).await.devices;
    let shown: Vec<_> = listed.iter().map(|it| (it.this, it.release_from)).collect();
    assert_eq!(shown, [(false, None), (true, Some(release_from))]);
    assert_eq!(test.told(&phone).await, [AlertKind::DeviceAdded]);
    // It acts for itself only.
    let third = again(1);
    let problem = |answer: Answer| answer.problem();
    assert_eq!(
        problem(test.add_device(&tablet, &third).await),
        ProblemType::DeviceCoolingOff
    );
    assert_eq!(
        problem(test.revoke(&tablet, &phone).await),
        ProblemType::DeviceCoolingOff
    );
    let jkt = tablet.jkt();
    let draw = test.as_holder("POST", "/v1/me/network-number", &jkt, None);
    assert_eq!(problem(draw.await), ProblemType::DeviceCoolingOff);
    test.clock.advance(COOLING_OFF);
    assert_eq!(test.add_device(&tablet, &third).await.status, StatusCode::CREATED);
    assert_eq!(test.revoke(&tablet, &phone).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn without_the_old_devices_word_its_pin_or_a_fresh_key_nothing_is_added() {
    let (test, phone) = start().await;
    let (tablet, stranger) = (again(1), Applicant::new(2));
    assert_eq!(test.enrol(&stranger).await.status, StatusCode::CREATED);
    let good = test.approval(&tablet, &phone);
    let refused = [
        test.add_with(&phone, &tablet, &good, "27182845").await,
        test.add_with(&phone, &tablet, &test.approval(&tablet, &stranger), &phone.pin)
            .await,
        test.add_with(&phone, &tablet, &test.approval(&stranger, &phone), &phone.pin)
            .await,
        test.add_with(&stranger, &tablet, &good, &stranger.pin).await,
        test.add_with(
            &phone,
            &tablet,
            &test.approval_to("https://other.example", &tablet, &phone),
            &phone.pin,
        )
        .await,
        test.add_device(&phone, &stranger).await,
        test.add_device(&phone, &phone).await,
    ];
    let problems = refused.map(|answer| answer.problem());
    assert_eq!(
        problems,
        [
            ProblemType::EvidenceRefused,
            ProblemType::InvalidMessage,
            ProblemType::InvalidMessage,
            ProblemType::InvalidMessage,
            ProblemType::InvalidMessage,
            ProblemType::DeviceRefused,
            ProblemType::DeviceRefused
        ]
    );
    assert!(test.vault.bindings().is_empty() && test.custodian.bindings().is_empty());
    test.clock.advance(400);
    let late = test.add_with(&phone, &tablet, &good, &phone.pin).await;
    assert_eq!(late.problem(), ProblemType::ExpiredMessage);
    assert_eq!(test.listed_devices(&phone).await.devices.len(), 1);
}

#[tokio::test]
async fn no_device_acts_for_an_identifier_that_has_ended() {
    let (test, phone) = start().await;
    let tablet = again(1);
    let subject = test.db.by_device(&phone.jkt()).await.unwrap().unwrap().subject;
    for status in [SubjectStatus::Deceased, SubjectStatus::Cancelled] {
        assert!(test.db.set_status(&subject, status).await.unwrap());
        let refused = [
            test.add_device(&phone, &tablet).await,
            test.revoke(&phone, &phone).await,
            test.as_holder("GET", "/v1/me/devices", &phone.jkt(), None).await,
        ];
        for answer in refused {
            assert_eq!(answer.problem(), ProblemType::NotFound, "{status:?}");
        }
        let recovered = test.recover(&tablet, true).await;
        assert_eq!(recovered.problem(), ProblemType::EnrolmentRefused, "{status:?}");
        assert!(test.vault.bindings().is_empty() && test.custodian.bindings().is_empty());
    }
}

#[tokio::test]
async fn a_lost_device_is_nobodys_at_once_and_key_holders_unbind_it_even_later() {
    let (test, phone) = start().await;
    let tablet = again(1);
    test.add_device(&phone, &tablet).await;
    test.custodian.fail("/v1/unbindings", Fault::Refused, 1);
    assert_eq!(test.revoke(&phone, &tablet).await.status, StatusCode::NO_CONTENT);
    assert_eq!(
        test.me(Some(&tablet.jkt())).await.problem(),
        ProblemType::NotFound
    );
    assert!(test.db.holder(&tablet.jkt()).await.unwrap().is_none());
    assert_eq!(test.custodian.unbound(), Vec::<String>::new());
    test.issuance.housekeep().await.unwrap();
    assert_eq!(test.custodian.unbound(), [tablet.jkt()]);
    assert!(test.vault.unbound().contains(&tablet.jkt()));
    assert_eq!(
        test.told(&phone).await,
        [AlertKind::DeviceRevoked, AlertKind::DeviceAdded]
    );
    assert_eq!(
        test.revoke(&phone, &tablet).await.problem(),
        ProblemType::NotFound
    );
    assert_eq!(
        test.revoke(&phone, &phone).await.problem(),
        ProblemType::LastDevice
    );
    assert_eq!(
        test.add_device(&phone, &tablet).await.problem(),
        ProblemType::DeviceRefused
    );
}

/// A key holder takes no key that was unbound from another record: it is refused before anything is asked of one.
#[tokio::test]
async fn nobody_enrols_with_a_key_that_was_somebodys() {
    let (test, phone) = start().await;
    let tablet = again(1);
    test.add_device(&phone, &tablet).await;
    test.revoke(&phone, &tablet).await;
    let reservations = test.vault.reservations().len();
    let heir = Applicant {
        device: tablet.device,
        ..Applicant::new(2)
    };
    assert_eq!(test.enrol(&heir).await.problem(), ProblemType::EnrolmentRefused);
    assert_eq!(test.vault.reservations().len(), reservations);
}

/// Bound at one key holder and not at the other: it is unbound again, and was nobody's meanwhile.
#[tokio::test]
async fn what_is_bound_by_half_is_unbound_again() {
    let (test, phone) = start().await;
    let tablet = again(1);
    test.vault.fail("/v1/bindings", Fault::LostDone, 1);
    assert_eq!(
        test.add_device(&phone, &tablet).await.problem(),
        ProblemType::Unavailable
    );
    assert_eq!(
        test.me(Some(&tablet.jkt())).await.problem(),
        ProblemType::NotFound
    );
    test.issuance.housekeep().await.unwrap();
    assert!(test.vault.unbound().is_empty(), "a command can still arrive");
    test.clock.advance(600);
    test.issuance.housekeep().await.unwrap();
    for peer in [&test.vault, &test.custodian] {
        assert_eq!(peer.unbound(), [tablet.jkt()]);
    }
    // Tried again in time, it is whole.
    let other = again(1);
    test.vault.fail("/v1/bindings", Fault::LostNotDone, 1);
    assert_eq!(
        test.add_device(&phone, &other).await.problem(),
        ProblemType::Unavailable
    );
    assert_eq!(test.add_device(&phone, &other).await.status, StatusCode::CREATED);
    test.clock.advance(600);
    test.issuance.housekeep().await.unwrap();
    assert!(!test.vault.unbound().contains(&other.jkt()));
}

#[tokio::test]
async fn who_lost_all_devices_recovers_by_fresh_evidence() {
    let (test, phone) = start().await;
    let mut fresh = again(1);
    fresh.pin = "83620517".into();
    let answer = test.recover(&fresh, true).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let recovered: Recovered = answer.json();
    assert!(recovered.credential.is_some());
    assert_eq!(recovered.release_from, test.clock.now().plus(COOLING_OFF));
    assert_eq!(test.me(Some(&phone.jkt())).await.problem(), ProblemType::NotFound);
    assert_eq!(test.listed_devices(&fresh).await.devices.len(), 1);
    assert!(test.vault.bindings()[0].approval.is_none());
    assert_eq!(test.vault.unbound(), [phone.jkt()]);
    assert_eq!(
        test.told(&fresh).await,
        [AlertKind::DeviceRecovered, AlertKind::DeviceRevoked]
    );
    // The PIN is the new one.
    assert_eq!(
        test.change_pin(&fresh, &phone.pin, "27182845").await.problem(),
        ProblemType::EvidenceRefused
    );
    assert_eq!(
        test.change_pin(&fresh, "83620517", "27182845").await.status,
        StatusCode::NO_CONTENT
    );
}

#[tokio::test]
async fn a_recovery_without_evidence_or_identifier_is_the_one_refusal() {
    let (test, phone) = start().await;
    let mut liar = again(1);
    liar.evidence = "false".into();
    let nobody = Applicant::new(7);
    let (of_liar, of_nobody) = (test.recover(&liar, true).await, test.recover(&nobody, true).await);
    assert_eq!(of_liar.problem(), ProblemType::EnrolmentRefused);
    assert_eq!(of_liar.body, of_nobody.body);
    assert_eq!(test.told(&phone).await, []);
    assert_eq!(test.me(Some(&phone.jkt())).await.status, StatusCode::OK);
    // With true evidence and a key that cannot be: refused, and the holder is told.
    let mut taken = again(1);
    taken.device = Applicant::new(9).device;
    let other = Applicant::new(2);
    test.enrol(&other).await;
    let with_theirs = Applicant {
        device: other.device,
        ..again(1)
    };
    assert_eq!(test.recover(&with_theirs, true).await.body, of_liar.body);
    assert_eq!(test.told(&phone).await, [AlertKind::RecoveryTried]);
    assert_eq!(test.recover(&taken, false).await.status, StatusCode::CREATED);
    assert_eq!(
        test.listed_devices(&phone).await.devices.len(),
        2,
        "others stay if they were not lost"
    );
}

#[tokio::test]
async fn a_second_identifier_is_refused_like_everything_and_the_owner_is_told() {
    let (test, phone) = start().await;
    let mut liar = again(1);
    liar.evidence = "false".into();
    let refused = test.enrol(&again(1)).await;
    assert_eq!(
        (refused.problem(), &refused.body),
        (ProblemType::EnrolmentRefused, &test.enrol(&liar).await.body)
    );
    test.enrol(&again(1)).await;
    assert_eq!(
        test.told(&phone).await,
        [AlertKind::EnrolmentTried],
        "once an hour"
    );
}

#[tokio::test]
async fn a_pin_is_changed_with_the_old_one_and_guessing_at_it_locks() {
    let (test, phone) = start().await;
    assert_eq!(
        test.change_pin(&phone, &phone.pin, "12345678").await.problem(),
        ProblemType::PinUnacceptable
    );
    assert_eq!(
        test.change_pin(&phone, &phone.pin, "83620517").await.status,
        StatusCode::NO_CONTENT
    );
    for _ in 0..5 {
        let refused = test.change_pin(&phone, &phone.pin, "27182845").await;
        assert_eq!(refused.problem(), ProblemType::EvidenceRefused);
    }
    let locked = test.change_pin(&phone, "83620517", "27182845").await;
    assert_eq!(locked.problem(), ProblemType::EvidenceRefused);
    assert_eq!(test.told(&phone).await, [AlertKind::PinChanged]);
}

#[tokio::test]
async fn a_forgotten_pin_is_set_by_fresh_evidence_of_the_same_person() {
    let (test, phone) = start().await;
    for _ in 0..5 {
        test.change_pin(&phone, "27182845", "83620517").await;
    }
    let mut fresh = again(1);
    fresh.pin = "83620517".into();
    let (other, mut liar, mut birthday) = (Applicant::new(2), again(1), again(1));
    liar.evidence = "false".into();
    // The person of the test was born on 1990-05-17.
    birthday.pin = "17051990".into();
    assert_eq!(
        test.reset_pin(&phone, &other).await.problem(),
        ProblemType::EnrolmentRefused
    );
    assert_eq!(
        test.reset_pin(&phone, &liar).await.problem(),
        ProblemType::EnrolmentRefused
    );
    let mut trivial = again(1);
    trivial.pin = "12345678".into();
    for easy in [&birthday, &trivial] {
        assert_eq!(
            test.reset_pin(&phone, easy).await.problem(),
            ProblemType::PinUnacceptable
        );
        assert_eq!(
            test.recover(easy, false).await.problem(),
            ProblemType::PinUnacceptable
        );
        assert_eq!(report(&test, easy).await.problem(), ProblemType::PinUnacceptable);
    }
    assert_eq!(
        test.reset_pin(&phone, &fresh).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        test.change_pin(&phone, "83620517", "27182845").await.status,
        StatusCode::NO_CONTENT,
        "the lock is lifted"
    );
    assert_eq!(
        test.told(&phone).await,
        [AlertKind::PinChanged, AlertKind::PinReset]
    );
}

/// Whoever guesses documents guesses at any of these doors: what all of them refuse is counted together.
#[tokio::test]
async fn refusals_are_metered_wherever_a_person_is_proved() {
    let (mut test, phone) = start().await;
    test.allow_refusals(4);
    let mut liar = again(1);
    liar.evidence = "false".into();
    for expected in [ProblemType::EnrolmentRefused, ProblemType::RateLimited] {
        let answers = [
            test.enrol(&liar).await,
            test.recover(&liar, true).await,
            test.reset_pin(&phone, &liar).await,
            report(&test, &liar).await,
        ];
        assert_eq!(answers.map(|answer| answer.problem()), [expected; 4]);
    }
}

#[tokio::test]
async fn nobody_enrols_with_their_birthday() {
    let test = TestPlatform::start_on_disk(Threshold::Fourteen).await;
    let mut citizen = Applicant::new(1);
    citizen.pin = "05171990".into();
    assert_eq!(test.enrol(&citizen).await.problem(), ProblemType::PinUnacceptable);
    assert!(test.vault.reservations().is_empty());
}
