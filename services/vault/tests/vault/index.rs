//! The blind index over rotations of its key: nobody enrols twice across one.

use cyberid_crypto::{Mac as _, base64url, hpke};
use cyberid_domain::clock::Clock as _;
use cyberid_key_holder::testing::Person;
use cyberid_keystore::{RoleName, role};
use cyberid_protocol::deposit::{Outcome, RESERVATION_INFO, Reservation};
use cyberid_storage::vault::VaultStore as _;

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

/// What an old key told has an end: it is not asked for whoever comes after it.
#[tokio::test]
async fn a_person_is_kept_under_the_newest_key() {
    let tested = TestVault::start().await;
    tested.keys.rotate(RoleName::Index).unwrap();
    let newcomer = Person::new("韩梅梅", FREE);
    assert_eq!(tested.reserve_person(&newcomer).await.as_ref(), Ok(&true));
    let newest = tested.keys.mac::<role::Index>().unwrap();
    let tag = newest.mac(&[b"cyberid/v1/person", b"resident_id_card", FREE.as_bytes()]);
    let another = Person::new("李雷", FREE).subject;
    let now = tested.world.clock.now();
    assert!(!tested.store.reserve(&tag, &another, now).await.unwrap());
}

/// Each kind of document numbers its holders by itself.
#[tokio::test]
async fn the_same_number_on_another_kind_of_document_is_another_person() {
    let tested = TestVault::start().await;
    let (citizen, resident) = (Person::new("韩梅梅", FREE), Person::new("李雷", FREE));
    assert_eq!(tested.reserve_person(&citizen).await.as_ref(), Ok(&true));
    let key = tested.vault_key();
    let permit = format!("hk_macao_taiwan_residence_permit|{FREE}");
    let (subject, permit) = (resident.subject.as_bytes(), permit.as_bytes());
    let sealed = hpke::seal(&key, RESERVATION_INFO, subject, permit).unwrap();
    let reservation = Reservation {
        person_sealed: base64url::encode(&sealed),
        ..tested.world.reservation(&resident, &key)
    };
    assert_eq!(tested.reserve(&reservation).await.as_ref(), Ok(&true));
    assert_eq!(tested.reserve_person(&resident).await.as_ref(), Ok(&false));
}
