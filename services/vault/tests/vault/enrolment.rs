//! What issuance asks of the vault at enrolment, through the vault's router.

use cyberid_crypto::{Agree as _, AgreementKey, SigningKey};
use cyberid_domain::field::Field;
use cyberid_key_holder::testing::Person;
use cyberid_protocol::deposit::{Deposit, KeyHolder, Outcome, Reservation};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::problem::ProblemType;

use crate::support::{TestVault, refusal};

const FREE: &str = "110101199003070038";

#[tokio::test]
async fn one_person_is_reserved_for_one_subject() {
    let tested = TestVault::start().await;
    let newcomer = Person::new("韩梅梅", FREE);
    assert_eq!(tested.reserve_person(&newcomer).await.as_ref(), Ok(&true));
    assert_eq!(
        tested.reserve_person(&newcomer).await.as_ref(),
        Ok(&true),
        "again"
    );
    let twin = Person::new("韩梅梅", FREE);
    assert_eq!(tested.reserve_person(&twin).await.as_ref(), Ok(&false));
    tested.settle(&newcomer, Outcome::Freed).await.unwrap();
    assert_eq!(tested.reserve_person(&twin).await.as_ref(), Ok(&true), "freed");

    let enrolled_twice = Person::new("王小明", "11010519491231002X");
    assert_eq!(tested.reserve_person(&enrolled_twice).await.as_ref(), Ok(&false));
}

#[tokio::test]
async fn a_reservation_is_issuances_and_sealed_for_this_subject_and_canonical() {
    let tested = TestVault::start().await;
    let newcomer = Person::new("韩梅梅", FREE);
    let reservation = tested.world.reservation(&newcomer, &tested.vault_key());
    let message = reservation
        .sign(&SigningKey::from_scalar(&[12; 32]).unwrap())
        .unwrap();
    let forged = tested.command("/v1/reservations", message).await;
    assert_eq!(refusal(forged).0, ProblemType::InvalidMessage);

    let for_another = Reservation {
        subject: Person::new("李雷", FREE).subject,
        ..reservation.clone()
    };
    let to_another = AgreementKey::ephemeral().unwrap().public_key();
    let to_another = tested.world.reservation(&newcomer, &to_another);
    let for_custodian = Reservation {
        aud: KeyHolder::Custodian,
        ..reservation.clone()
    };
    let spaced = Person {
        number: format!(" {FREE}"),
        ..Person::new("韩梅梅", FREE)
    };
    let spaced = tested.world.reservation(&spaced, &tested.vault_key());
    let wrong = Person::new("韩梅梅", "110101199003070039");
    let wrong = tested.world.reservation(&wrong, &tested.vault_key());
    for refused in [for_another, to_another, for_custodian, spaced, wrong] {
        let answer = tested.reserve(&refused).await;
        assert_eq!(refusal(answer).0, ProblemType::InvalidMessage);
    }
    tested.world.clock.advance(181);
    assert_eq!(
        refusal(tested.reserve(&reservation).await).0,
        ProblemType::ExpiredMessage
    );
}

#[tokio::test]
async fn a_deposit_needs_issuances_signature_and_a_reservation() {
    let tested = TestVault::start().await;
    let newcomer = Person::new("韩梅梅", FREE);
    let deposit = tested.deposit_of(&newcomer);
    assert_eq!(refusal(tested.deposit(&deposit).await).0, ProblemType::Forbidden);
    tested.reserve_person(&newcomer).await.unwrap();

    let message = deposit
        .sign(&SigningKey::from_scalar(&[12; 32]).unwrap())
        .unwrap();
    let forged = tested.command("/v1/deposits", message).await;
    assert_eq!(refusal(forged).0, ProblemType::InvalidMessage);
    let mut without_ciphertext = deposit.clone();
    without_ciphertext.fields[1].ciphertext = None;
    let for_custodian = Deposit {
        aud: KeyHolder::Custodian,
        ..deposit.clone()
    };
    for refused in [without_ciphertext, for_custodian] {
        assert_eq!(
            refusal(tested.deposit(&refused).await).0,
            ProblemType::InvalidMessage
        );
    }
    tested.deposit(&deposit).await.unwrap();
}

/// One step or neither: whoever is reserved by a deposit has a record, and whoever is taken leaves nothing.
#[tokio::test]
async fn a_deposit_reserves_the_person_whom_it_brings() {
    let mut tested = TestVault::start().await;
    let (newcomer, twin) = (Person::new("韩梅梅", FREE), Person::new("韩梅梅", FREE));
    let with_person = |tested: &TestVault, person: &Person| Deposit {
        person_sealed: Some(
            tested
                .world
                .reservation(person, &tested.vault_key())
                .person_sealed,
        ),
        ..tested.deposit_of(person)
    };
    let deposit = with_person(&tested, &newcomer);
    for _ in 0..2 {
        tested.deposit(&deposit).await.unwrap();
    }
    assert_eq!(tested.reserve_person(&twin).await.as_ref(), Ok(&false));
    let kept = tested.store.dump().len();
    let taken = with_person(&tested, &twin);
    assert_eq!(refusal(tested.deposit(&taken).await).0, ProblemType::Forbidden);
    assert_eq!(tested.store.dump().len(), kept);
    tested.settle(&newcomer, Outcome::Confirmed).await.unwrap();
    let warrant = tested.world.release(&newcomer, &[Field::Name]);
    assert!(tested.open(&warrant).await.is_ok());

    // Sealed for another subject, or to another key, it is nobody.
    let other = Person::new("李雷", "110101199003070046");
    let sealed_for_another = Deposit {
        person_sealed: deposit.person_sealed,
        ..tested.deposit_of(&other)
    };
    let elsewhere = AgreementKey::ephemeral().unwrap().public_key();
    let sealed_to_another = Deposit {
        person_sealed: Some(tested.world.reservation(&other, &elsewhere).person_sealed),
        ..tested.deposit_of(&other)
    };
    for refused in [sealed_for_another, sealed_to_another] {
        let answer = tested.deposit(&refused).await;
        assert_eq!(refusal(answer).0, ProblemType::InvalidMessage);
    }
}

#[tokio::test]
async fn a_replayed_deposit_changes_nothing_and_another_one_is_refused() {
    let mut tested = TestVault::start().await;
    let newcomer = Person::new("韩梅梅", FREE);
    tested.reserve_person(&newcomer).await.unwrap();
    let deposit = tested.deposit_of(&newcomer);
    tested.deposit(&deposit).await.unwrap();
    let before = tested.store.dump().len();
    tested.deposit(&deposit).await.unwrap();
    assert_eq!(tested.store.dump().len(), before);
    let another = tested.deposit_of(&newcomer);
    assert_eq!(refusal(tested.deposit(&another).await).0, ProblemType::Forbidden);

    // A confirmed record, and the device that opens it, are not replaced, whatever is signed.
    let thief = Person::new("贼", "11010519491231002X");
    let over = Deposit {
        subject: tested.citizen.subject,
        ..tested.deposit_of(&thief)
    };
    assert_eq!(refusal(tested.deposit(&over).await).0, ProblemType::Forbidden);
    let warrant = tested.world.release(&thief, &[Field::Name]);
    assert_eq!(refusal(tested.open(&warrant).await).1, "unknown_device");
    let warrant = tested.world.release(&tested.citizen, &[Field::Name]);
    assert!(tested.open(&warrant).await.is_ok());
}

#[tokio::test]
async fn freeing_removes_what_is_unconfirmed_and_nothing_else() {
    let mut tested = TestVault::start().await;
    let newcomer = Person::new("韩梅梅", FREE);
    let missing = tested.settle(&newcomer, Outcome::Confirmed).await;
    assert_eq!(refusal(missing).0, ProblemType::NotFound);
    tested.reserve_person(&newcomer).await.unwrap();
    tested.deposit(&tested.deposit_of(&newcomer)).await.unwrap();
    tested.settle(&newcomer, Outcome::Freed).await.unwrap();
    assert_eq!(tested.store.dump().len(), 10, "its fields are gone");

    tested.settle(&tested.citizen, Outcome::Freed).await.unwrap();
    let warrant = tested.world.release(&tested.citizen, &[Field::Name]);
    assert!(
        tested.identity(&warrant).await.is_ok(),
        "a confirmed record stays"
    );
    let twin = Person::new("王小明", "11010519491231002X");
    assert_eq!(tested.reserve_person(&twin).await.as_ref(), Ok(&false));
}
