//! Who ends an identifier does not begin another at once.

use cyberid_crypto::{Sign as _, SigningKey};
use cyberid_domain::Clock as _;
use cyberid_domain::clock::DAY;
use cyberid_domain::id::Nonce;
use cyberid_domain::rng::SystemRng;
use cyberid_key_holder::testing::Person;
use cyberid_protocol::cancellation::{Cancellation, CancellationBody};
use cyberid_protocol::deposit::KeyHolder;
use cyberid_protocol::device::Binding;
use cyberid_protocol::life::{Renumbering, RenumberingBody};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::problem::ProblemType;

use crate::support::{COOLING_OFF_DAYS, TestVault};

#[tokio::test]
async fn a_cancelled_person_is_reserved_again_after_the_cooling_off_and_not_before() {
    let tested = TestVault::start().await;
    let again = || Person::new("王小明", &tested.citizen.number);
    assert_eq!(tested.reserve_person(&again()).await, Ok(false), "enrolled");
    cancel(&tested, &tested.citizen).await;
    assert_eq!(
        tested.reserve_person(&again()).await,
        Ok(false),
        "on the same day"
    );
    tested.world.clock.advance(COOLING_OFF_DAYS * DAY);
    assert_eq!(
        tested.reserve_person(&again()).await,
        Ok(false),
        "on the last day"
    );
    tested.world.clock.advance(DAY);
    let newcomer = again();
    assert_eq!(tested.reserve_person(&newcomer).await, Ok(true));
    assert_eq!(tested.reserve_person(&again()).await, Ok(false), "once");
    // Nobody else was barred.
    assert_eq!(
        tested
            .reserve_person(&Person::new("韩梅梅", "110101199003070038"))
            .await,
        Ok(true)
    );
}

/// A device that was bound a moment ago ends nothing and takes no number, and hears why.
#[tokio::test]
async fn a_device_that_cools_off_is_told_so() {
    let tested = TestVault::start().await;
    let (now, device) = (
        tested.world.clock.now(),
        SigningKey::from_scalar(&[77; 32]).unwrap(),
    );
    let binding = Binding {
        aud: KeyHolder::Vault,
        subject: tested.citizen.subject,
        device: device.public_key(),
        approval: None,
        release_from: now,
        iat: now,
        exp: now.plus(60),
        jti: Nonce::random(&SystemRng),
    };
    let binding = binding.sign(&tested.world.enrolment).unwrap();
    tested.command("/v1/bindings", binding).await.unwrap();
    let cancellation = Cancellation {
        aud: tested.world.anchors().issuer,
        iat: now,
        exp: now.plus(60),
        jti: Nonce::random(&SystemRng),
    };
    let renumbering = Renumbering {
        aud: tested.world.anchors().issuer,
        number_commitment: tested.citizen.number_commitment(),
        iat: now,
        exp: now.plus(60),
        jti: Nonce::random(&SystemRng),
    };
    let (cancellation, renumbering) = (
        cancellation.sign(&device).unwrap(),
        renumbering.sign(&device).unwrap(),
    );
    let (erased, _) = tested
        .send("POST", "/v1/erasures", &CancellationBody { cancellation })
        .await;
    let (renumbered, _) = tested
        .send("POST", "/v1/renumberings", &RenumberingBody { renumbering })
        .await;
    let refused = ProblemType::WarrantRefused.status();
    assert_eq!((erased.as_u16(), renumbered.as_u16()), (refused, refused));
}

async fn cancel(tested: &TestVault, person: &Person) {
    let now = tested.world.clock.now();
    let cancellation = Cancellation {
        aud: tested.world.anchors().issuer,
        iat: now,
        exp: now.plus(60),
        jti: Nonce::random(&SystemRng),
    };
    let cancellation = cancellation.sign(&person.device).unwrap();
    tested.erase(&CancellationBody { cancellation }).await;
    assert!(
        tested
            .store
            .dump()
            .iter()
            .all(|(subject, _)| *subject != person.subject)
    );
}
