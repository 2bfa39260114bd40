//! Official openings through the vault's router.

use cyberid_domain::field::Field;
use cyberid_key_holder::testing::{ISSUER, TestLedger, official_attacks};
use cyberid_protocol::problem::ProblemType;

use crate::support::{Play, TestVault, refusal};

#[tokio::test]
async fn it_opens_exactly_the_ordered_fields_for_the_authoritys_key() {
    let mut tested = TestVault::start().await;
    let ordered = [Field::BirthDate, Field::Name];
    let warrant = tested.world.official(&tested.citizen, &ordered);
    let identity = tested.official(&warrant).await.unwrap();
    assert_eq!(
        (identity.iss.as_str(), &identity.aud),
        (ISSUER, &tested.world.bureau.client_id)
    );
    let held: Vec<_> = identity.identity.keys().copied().collect();
    assert_eq!(held, [Field::Name, Field::BirthDate]);
    for field in ordered {
        assert_eq!(identity.identity[&field].expose(), tested.citizen.value(field));
    }
    assert_eq!(tested.custodian.asked(), 1);
}

#[tokio::test]
async fn every_attack_is_refused_before_the_custodian_is_asked() {
    let mut tested = TestVault::start().await;
    for attack in official_attacks(&mut tested.world, &tested.citizen, &tested.neighbour) {
        let answer = tested.official(&attack.warrant).await;
        let expected = (ProblemType::WarrantRefused, attack.refusal.reason());
        assert_eq!(refusal(answer), expected, "{}", attack.name);
    }
    assert_eq!(tested.custodian.asked(), 0);
    assert_eq!(tested.store.uses(), 0);
    let honest = tested.world.official(&tested.citizen, &[Field::Name]);
    assert!(tested.official(&honest).await.is_ok());
}

#[tokio::test]
async fn a_record_that_lacks_an_ordered_field_opens_none_of_them() {
    let mut tested = TestVault::start().await;
    let lost = tested.citizen.subject;
    tested.store.lose(&lost, |field| field.field == Field::BirthDate);
    let warrant = tested
        .world
        .official(&tested.citizen, &[Field::Name, Field::BirthDate]);
    let refused = refusal(tested.official(&warrant).await);
    assert_eq!(refused, (ProblemType::WarrantRefused, "field_missing".into()));
}

#[tokio::test]
async fn shares_for_another_leaf_open_nothing() {
    let mut tested = TestVault::start().await;
    let other = tested.world.official(&tested.citizen, &[Field::Name]);
    let warrant = tested.world.official(&tested.citizen, &[Field::Name]);
    tested.custodian.plays(Play::YieldForLeaf(other.leaf));
    assert_eq!(refusal(tested.official(&warrant).await).0, ProblemType::Internal);
    tested.custodian.plays(Play::Yield);
    assert!(tested.official(&warrant).await.is_ok());
    tested.world.ledger = TestLedger::default();
    let forked = tested.world.official(&tested.citizen, &[Field::Name]);
    assert!(tested.official(&forked).await.is_err());
}
