//! Who ends an identifier does not begin another at once.

use cyberid_domain::Clock as _;
use cyberid_domain::clock::DAY;
use cyberid_domain::id::Nonce;
use cyberid_domain::rng::SystemRng;
use cyberid_key_holder::testing::Person;
use cyberid_protocol::cancellation::{Cancellation, CancellationBody};
use cyberid_protocol::message::Message as _;

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
