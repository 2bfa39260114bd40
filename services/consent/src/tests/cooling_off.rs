//! A device that was added of late agrees to no release; one that was revoked agrees to nothing, and what it agreed to is
//! refused.

use cyberid_crypto::Sign as _;
use cyberid_domain::Clock as _;
use cyberid_domain::device::AlertKind;
use cyberid_domain::id::ClientId;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::problem::ProblemType;
use cyberid_storage::cancellation::Cancellations as _;
use cyberid_storage::counter::NewCodes;
use cyberid_storage::device::{BeginningDevice, Begun, Devices as _, NewDevice, Revoked};
use cyberid_storage::subject::{SubjectDevice, Subjects as _};
use http::StatusCode;

use super::Platform;
use super::people::{Person, agree};

const COOLING_OFF: u64 = 1_000;

/// Another device of the same person, which cools off.
pub(super) async fn second_device(platform: &Platform) -> Person {
    let person = Person {
        subject: platform.alice.subject,
        ..Person::new(77)
    };
    let now = platform.clock.now();
    let device = SubjectDevice {
        jkt: person.jkt(),
        key: *person.key.public_key().as_sec1(),
        bound_at: now,
    };
    let beginning = BeginningDevice {
        subject: person.subject,
        jkt: device.jkt.clone(),
        key: device.key,
        now,
        undo_at: now.plus(600),
        replaces_all: false,
    };
    let begun = platform.registry.begin_device(&beginning).await.unwrap();
    assert_eq!(begun, Begun::Now);
    let new = NewDevice {
        subject: person.subject,
        device,
        release_from: now.plus(COOLING_OFF),
        revoke_others: false,
        pin: None,
        alert: AlertKind::DeviceAdded,
    };
    assert!(platform.registry.add_device(&new).await.unwrap());
    person
}

#[tokio::test]
async fn a_device_that_cools_off_grants_nothing() {
    let platform = Platform::start().await;
    let device = second_device(&platform).await;
    for (advance, refused) in [(0, true), (COOLING_OFF - 1, true), (1, false)] {
        platform.clock.advance(advance);
        let id = platform.ask().await;
        let claims = agree(&platform.request_object(&id).await, &*platform.clock);
        let answer = platform.answer(&id, &claims, &device).await;
        if refused {
            assert_eq!(answer.problem(), ProblemType::DeviceCoolingOff, "{advance}");
        } else {
            assert_eq!(answer.status, StatusCode::CREATED, "{advance}");
        }
    }
}

#[tokio::test]
async fn a_device_that_cools_off_ends_no_identifier() {
    let platform = Platform::start().await;
    let device = second_device(&platform).await;
    platform.clock.advance(COOLING_OFF - 1);
    let refused = platform.cancel_by(&device).await;
    assert_eq!(refused.problem(), ProblemType::DeviceCoolingOff);
    let open = platform.registry.open_cancellations().await.unwrap();
    assert!(open.is_empty());
    platform.clock.advance(1);
    assert_eq!(platform.cancel_by(&device).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_code_that_acts_once_ends_no_identifier() {
    let platform = Platform::start().await;
    let codes = NewCodes {
        subject: platform.alice.subject,
        jkts: vec![Person::new(77).jkt()],
        station: ClientId::random(&SystemRng),
        now: platform.clock.now(),
    };
    assert!(platform.registry.keep_codes(&codes).await.unwrap());
    let code = second_device(&platform).await;
    platform.clock.advance(COOLING_OFF);
    let answer = platform.cancel_by(&code).await;
    assert_eq!(answer.problem(), ProblemType::InvalidMessage);
    assert!(platform.registry.open_cancellations().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_a_revoked_device_agreed_to_is_refused() {
    let platform = Platform::start().await;
    let device = second_device(&platform).await;
    let id = platform.ask().await;
    let claims = agree(&platform.request_object(&id).await, &*platform.clock);
    let granted = platform.answer(&id, &claims, &platform.alice).await;
    assert_eq!(granted.status, StatusCode::CREATED);
    let (subject, jkt) = (&platform.alice.subject, platform.alice.jkt());
    let revoked = platform
        .registry
        .revoke_device(subject, &jkt, platform.clock.now());
    assert_eq!(revoked.await.unwrap(), Revoked::Now);
    assert_eq!(
        platform.redeem(&id, None).await.problem(),
        ProblemType::ReleaseNotGranted
    );
    let id = platform.ask().await;
    let claims = agree(&platform.request_object(&id).await, &*platform.clock);
    let answer = platform.answer(&id, &claims, &platform.alice).await;
    assert_eq!(answer.problem(), ProblemType::InvalidMessage);
    platform.clock.advance(COOLING_OFF);
    let id = platform.ask().await;
    let claims = agree(&platform.request_object(&id).await, &*platform.clock);
    let answer = platform.answer(&id, &claims, &device).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}
