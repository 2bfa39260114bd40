//! Openings through the vault's router: what opens, for whom, and every way in which nothing does.

use std::collections::BTreeMap;

use cyberid_crypto::{Agree as _, AgreementKey, Sign as _, jwe};
use cyberid_domain::field::Field;
use cyberid_key_holder::testing::{ISSUER, Person, TestLedger, attacks};
use cyberid_keystore::{RoleName, role};
use cyberid_protocol::deposit::Outcome;
use cyberid_protocol::identity::IdentityClaims;
use cyberid_protocol::problem::{Problem, ProblemType};
use cyberid_protocol::warrant::Warrant;
use cyberid_record::{Place, Side, open_field, open_share};

use crate::support::{Play, TestVault, refusal};

fn values(identity: &IdentityClaims) -> BTreeMap<Field, String> {
    let fields = identity.identity.iter();
    fields
        .map(|(field, value)| (*field, value.expose().to_owned()))
        .collect()
}

fn of(person: &Person, fields: &[Field]) -> BTreeMap<Field, String> {
    let fields = fields.iter();
    fields
        .map(|field| (*field, person.value(*field).to_owned()))
        .collect()
}

fn refused(reason: &str) -> (ProblemType, String) {
    (ProblemType::WarrantRefused, reason.to_owned())
}

#[tokio::test]
async fn it_opens_exactly_the_agreed_fields_for_the_agreed_key() {
    let mut tested = TestVault::start().await;
    let agreed = [Field::BirthDate, Field::Name];
    let warrant = tested.world.release(&tested.citizen, &agreed);
    let identity = tested.identity(&warrant).await.unwrap();
    assert_eq!(values(&identity), of(&tested.citizen, &agreed));
    assert_eq!((identity.iss.as_str(), &identity.aud), (ISSUER, &tested.world.rp));

    let sealed = tested.open(&warrant).await.unwrap().identity;
    let header = cyberid_crypto::base64url::decode(sealed.split('.').next().unwrap()).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(header["cty"], "JWT");
    let stranger = AgreementKey::ephemeral().unwrap();
    assert!(jwe::Sealed::parse(&sealed).unwrap().open(&stranger).is_err());
    assert_eq!(tested.remembered().await, 1);
}

#[tokio::test]
async fn every_attack_is_refused_before_the_custodian_is_asked() {
    let mut tested = TestVault::start().await;
    for attack in attacks(&mut tested.world, &tested.citizen, &tested.neighbour) {
        let answer = tested.open(&attack.warrant).await;
        assert_eq!(
            refusal(answer),
            refused(&attack.refusal.reason()),
            "{}",
            attack.name
        );
    }
    assert_eq!(tested.custodian.asked(), 0);
    assert_eq!(tested.store.uses(), 0);
    let honest = tested.world.release(&tested.citizen, &[Field::Name]);
    assert!(tested.identity(&honest).await.is_ok());
    assert_eq!(tested.custodian.asked(), 1);
}

#[tokio::test]
async fn another_persons_consent_opens_what_that_person_agreed_and_nobody_elses_record() {
    let mut tested = TestVault::start().await;
    let warrant = tested.world.release(&tested.neighbour, &[Field::Name]);
    let identity = tested.identity(&warrant).await.unwrap();
    assert_eq!(values(&identity), of(&tested.neighbour, &[Field::Name]));
}

#[tokio::test]
async fn a_second_leaf_for_one_consent_opens_nothing() {
    let mut tested = TestVault::start().await;
    let first = tested.world.release(&tested.citizen, &[Field::Name]);
    assert!(tested.identity(&first).await.is_ok());
    assert!(tested.identity(&first).await.is_ok(), "the same warrant again");
    tested.world.accepted();
    let device = tested.citizen.device.public_key();
    let claims = cyberid_protocol::message::open(&first.consent, &device).unwrap();
    let (leaf, salt) = tested.world.intended(&claims, &first.consent, &device);
    let second = tested.world.warrant(&first.consent, &leaf, &salt);
    assert_eq!(refusal(tested.open(&second).await), refused("consent_used"));
    assert_eq!(tested.custodian.asked(), 2);
}

#[tokio::test]
async fn a_stale_proof_is_told_from_where_to_prove() {
    let mut tested = TestVault::start().await;
    let first = tested.world.release(&tested.citizen, &[Field::Name]);
    let second = tested.world.release(&tested.neighbour, &[Field::Name]);
    assert!(tested.open(&second).await.is_ok());
    let problem = tested.open(&first).await.unwrap_err();
    assert_eq!(problem.kind, ProblemType::StaleConsistency);
    assert_eq!(problem.extensions["size"], 2);

    let third = tested.world.release(&tested.citizen, &[Field::Name]);
    assert_eq!(tested.open(&third).await.unwrap_err().extensions["size"], 2);
    let proved = Warrant {
        vault_consistency: tested.world.ledger.consistency(2),
        ..third
    };
    assert!(tested.open(&proved).await.is_ok());
}

#[tokio::test]
async fn a_forked_ledger_opens_nothing() {
    let mut tested = TestVault::start().await;
    let seen = tested.world.release(&tested.citizen, &[Field::Name]);
    assert!(tested.open(&seen).await.is_ok());
    tested.world.ledger = TestLedger::default();
    let forked = tested.world.release(&tested.citizen, &[Field::Name]);
    assert_eq!(refusal(tested.open(&forked).await), refused("ledger_forked"));
    tested.world.accepted();
    let longer = tested.world.release(&tested.citizen, &[Field::Name]);
    assert_eq!(
        refusal(tested.open(&longer).await).0,
        ProblemType::StaleConsistency
    );
    assert_eq!(tested.custodian.asked(), 1);
}

#[tokio::test]
async fn an_unconfirmed_record_opens_nothing() {
    let mut tested = TestVault::start().await;
    let newcomer = Person::new("韩梅梅", "110101199003070038");
    tested.reserve_person(&newcomer).await.unwrap();
    tested.deposit(&tested.deposit_of(&newcomer)).await.unwrap();
    let warrant = tested.world.release(&newcomer, &[Field::Name]);
    assert_eq!(refusal(tested.open(&warrant).await), refused("unknown_device"));
    tested.settle(&newcomer, Outcome::Confirmed).await.unwrap();
    assert!(tested.identity(&warrant).await.is_ok());
}

#[tokio::test]
async fn a_record_that_lacks_an_agreed_field_opens_none_of_them() {
    let mut tested = TestVault::start().await;
    let lost = tested.citizen.subject;
    tested.store.lose(&lost, |field| field.field == Field::BirthDate);
    let warrant = tested
        .world
        .release(&tested.citizen, &[Field::Name, Field::BirthDate]);
    assert_eq!(refusal(tested.open(&warrant).await), refused("field_missing"));
    assert_eq!(tested.custodian.asked(), 0);
}

#[tokio::test]
async fn without_the_custodian_nothing_opens() {
    let mut tested = TestVault::start_alone().await;
    let warrant = tested.world.release(&tested.citizen, &[Field::Name]);
    assert_eq!(refusal(tested.open(&warrant).await).0, ProblemType::Unavailable);
}

#[tokio::test]
async fn when_the_custodian_comes_back_the_same_warrant_opens() {
    let mut tested = TestVault::start().await;
    let warrant = tested.world.release(&tested.citizen, &[Field::Name]);
    tested
        .custodian
        .plays(Play::Refuse(ProblemType::Unavailable.into()));
    assert_eq!(refusal(tested.open(&warrant).await).0, ProblemType::Unavailable);
    tested.custodian.plays(Play::Yield);
    assert!(tested.identity(&warrant).await.is_ok());
}

#[tokio::test]
async fn what_the_custodian_refuses_is_passed_on_as_it_is() {
    let mut tested = TestVault::start().await;
    let warrant = tested.world.release(&tested.citizen, &[Field::Name]);
    let refusal = Problem::new(ProblemType::WarrantRefused).with("reason", "ledger_forked");
    let stale = Problem::new(ProblemType::StaleConsistency).with("size", 7);
    for problem in [refusal, stale] {
        tested.custodian.plays(Play::Refuse(problem.clone()));
        assert_eq!(*tested.open(&warrant).await.unwrap_err(), problem);
    }
}

#[tokio::test]
async fn a_custodians_problem_that_is_not_the_callers_is_not_passed_on() {
    let mut tested = TestVault::start().await;
    let warrant = tested.world.release(&tested.citizen, &[Field::Name]);
    for kind in [
        ProblemType::Unauthenticated,
        ProblemType::Internal,
        ProblemType::MalformedRequest,
    ] {
        tested.custodian.plays(Play::Refuse(kind.into()));
        assert_eq!(
            refusal(tested.open(&warrant).await).0,
            ProblemType::Unavailable,
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_custodian_that_yields_anything_else_opens_nothing() {
    let mut tested = TestVault::start().await;
    let other = tested
        .world
        .release(&tested.citizen, &[Field::Name, Field::BirthDate]);
    let warrant = tested
        .world
        .release(&tested.citizen, &[Field::Name, Field::BirthDate]);
    let another_vault = AgreementKey::ephemeral().unwrap().public_key();
    for play in [
        Play::YieldTo(another_vault),
        Play::YieldForLeaf(other.leaf),
        Play::YieldFewer,
        Play::YieldReversed,
        Play::YieldMisnamed,
    ] {
        tested.custodian.plays(play.clone());
        let answer = tested.open(&warrant).await;
        assert_eq!(refusal(answer).0, ProblemType::Internal, "{play:?}");
    }
    tested.custodian.plays(Play::Yield);
    assert!(tested.identity(&warrant).await.is_ok());
}

#[tokio::test]
async fn records_sealed_before_a_rotation_still_open() {
    let mut tested = TestVault::start().await;
    tested.keys.rotate(RoleName::Vault).unwrap();
    let warrant = tested.world.release(&tested.citizen, &[Field::Name]);
    let identity = tested.identity(&warrant).await.unwrap();
    assert_eq!(values(&identity), of(&tested.citizen, &[Field::Name]));
}

#[tokio::test]
async fn the_vaults_key_and_store_together_open_no_field() {
    let tested = TestVault::start().await;
    let key = tested.keys.opener::<role::Vault>().unwrap().current();
    let stolen = tested.store.dump();
    assert_eq!(stolen.len(), 10);
    for (subject, kept) in stolen {
        let place = Place {
            subject,
            field: kept.field,
        };
        let ours = open_share(Side::Vault, &*key, &place, &kept.share).unwrap();
        assert!(
            open_field(
                cyberid_crypto::Suite::Nist,
                &place,
                &ours,
                &ours,
                &kept.ciphertext
            )
            .is_err()
        );
        let text = String::from_utf8_lossy(&kept.ciphertext).into_owned();
        assert!(
            !text.contains("王小明") && !text.contains("1949"),
            "{:?}",
            kept.field
        );
    }
}
