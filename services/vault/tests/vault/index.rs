//! The blind index over rotations of its key: nobody enrols twice across one.

use cyberid_key_holder::testing::Person;
use cyberid_keystore::RoleName;
use cyberid_protocol::deposit::Outcome;

use crate::support::TestVault;

const FREE: &str = "110101199003070038";

#[tokio::test]
async fn a_person_of_an_older_key_is_known_under_every_newer_one() {
    let tested = TestVault::start().await;
    let newcomer = Person::new("韩梅梅", FREE);
    assert_eq!(tested.reserve_person(&newcomer).await.as_ref(), Ok(&true));
    for rotation in 0..3 {
        tested.keys.rotate(RoleName::Index).unwrap();
        // At this contact the person moves to the newest key, and at the next one is found there.
        for contact in 0..2 {
            let twin = Person::new("韩梅梅", FREE);
            let reserved = tested.reserve_person(&twin).await;
            assert_eq!(reserved.as_ref(), Ok(&false), "{rotation}.{contact}");
        }
        assert_eq!(tested.reserve_person(&newcomer).await.as_ref(), Ok(&true));
    }
    // Of who was not met since, the oldest key still tells.
    let enrolled_twice = Person::new("王小明", "11010519491231002X");
    assert_eq!(tested.reserve_person(&enrolled_twice).await.as_ref(), Ok(&false));
    tested.settle(&newcomer, Outcome::Freed).await.unwrap();
    let twin = Person::new("韩梅梅", FREE);
    assert_eq!(tested.reserve_person(&twin).await.as_ref(), Ok(&true), "freed");
}
