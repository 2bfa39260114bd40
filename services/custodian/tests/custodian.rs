//! The custodian through its router: what it keeps, and what it yields to whom.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on must stop"
)]

mod support;

use cyberid_crypto::{Agree as _, AgreementKey, Sign as _, SigningKey, base64url};
use cyberid_domain::field::Field;
use cyberid_key_holder::testing::{Person, attacks, official_attacks};
use cyberid_keystore::RoleName;
use cyberid_protocol::deposit::{CommandBody, Deposit, KeyHolder, Outcome};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::replacement::StagedVersion;
use cyberid_protocol::warrant::{Shares, Warrant};
use cyberid_record::{Place, SealedField, Side, open_field, open_share, receive};

use support::{TestCustodian, refusal};

/// Opens what was yielded, as the vault would; the value of each field that opens.
fn opened(
    tested: &TestCustodian,
    person: &Person,
    sealed: &[(Field, SealedField)],
    warrant: &Warrant,
    yielded: &Shares,
) -> Vec<(Field, String)> {
    let leaf = cyberid_crypto::digest::sha256_base64url(warrant.leaf.as_bytes());
    let open = |share: &cyberid_protocol::warrant::YieldedShare| {
        let place = Place {
            subject: person.subject,
            field: share.field,
        };
        let bytes = base64url::decode(&share.share)?;
        let theirs = receive(&tested.vault, &leaf, &place, &bytes).ok()?;
        let (_, sealed) = sealed.iter().find(|(field, _)| *field == share.field)?;
        let ours = open_share(Side::Vault, &tested.vault, &place, &sealed.vault_share).ok()?;
        let value = open_field(
            cyberid_crypto::Suite::Nist,
            &place,
            &ours,
            &theirs,
            &sealed.ciphertext,
        )
        .ok()?;
        Some((share.field, value.expose().to_owned()))
    };
    yielded.shares.iter().filter_map(open).collect()
}

/// A newcomer with a record whose sealed fields the test keeps.
async fn enrol(tested: &TestCustodian, name: &str) -> (Person, Vec<(Field, SealedField)>) {
    let person = Person::new(name, "11010519491231002X");
    let sealed = tested.sealed(&person);
    let deposit = tested.world.deposit(KeyHolder::Custodian, &person, &sealed);
    tested.deposit(&deposit).await.unwrap();
    tested.settle(&person, Outcome::Confirmed).await.unwrap();
    (person, sealed)
}

#[tokio::test]
async fn it_yields_the_shares_of_exactly_the_agreed_fields() {
    let mut tested = TestCustodian::start().await;
    let (person, sealed) = enrol(&tested, "韩梅梅").await;
    let warrant = tested.world.release(&person, &[Field::BirthDate, Field::Name]);
    let yielded = tested.shares(&warrant).await.unwrap();
    let values = opened(&tested, &person, &sealed, &warrant, &yielded);
    let expected = [
        (Field::BirthDate, "1949-12-31".to_owned()),
        (Field::Name, "韩梅梅".to_owned()),
    ];
    assert_eq!(values, expected);
    assert_eq!(yielded.shares.len(), 2);
    assert_eq!(tested.remembered().await, 1);

    let again = tested.shares(&warrant).await.unwrap();
    assert_eq!(opened(&tested, &person, &sealed, &warrant, &again), expected);
}

#[tokio::test]
async fn it_yields_by_an_order_and_to_no_attack_on_one() {
    let mut tested = TestCustodian::start().await;
    for attack in official_attacks(&mut tested.world, &tested.citizen, &tested.neighbour) {
        let answer = tested.official_shares(&attack.warrant).await;
        let expected = (ProblemType::WarrantRefused, attack.refusal.reason());
        assert_eq!(refusal(answer), expected, "{}", attack.name);
    }
    assert_eq!(tested.store.uses(), 0);
    let honest = tested
        .world
        .official(&tested.citizen, &[Field::BirthDate, Field::Name]);
    let yielded = tested.official_shares(&honest).await.unwrap();
    let names: Vec<Field> = yielded.shares.iter().map(|share| share.field).collect();
    assert_eq!(names, [Field::BirthDate, Field::Name]);
    let leaf = cyberid_crypto::digest::sha256_base64url(honest.leaf.as_bytes());
    for share in &yielded.shares {
        let place = Place {
            subject: tested.citizen.subject,
            field: share.field,
        };
        let bytes = base64url::decode(&share.share).unwrap();
        assert!(receive(&tested.vault, &leaf, &place, &bytes).is_ok());
        assert!(receive(&tested.vault, "another leaf", &place, &bytes).is_err());
    }
}

#[tokio::test]
async fn every_attack_is_refused_and_yields_nothing() {
    let mut tested = TestCustodian::start().await;
    for attack in attacks(&mut tested.world, &tested.citizen, &tested.neighbour) {
        let answer = tested.shares(&attack.warrant).await;
        let expected = (ProblemType::WarrantRefused, attack.refusal.reason());
        assert_eq!(refusal(answer), expected, "{}", attack.name);
    }
    assert_eq!(tested.remembered().await, 0);
    assert_eq!(tested.store.uses(), 0);
    let honest = tested.world.release(&tested.citizen, &[Field::Name]);
    assert_eq!(tested.shares(&honest).await.unwrap().shares.len(), 1);
}

#[tokio::test]
async fn another_persons_consent_yields_that_persons_shares_only() {
    let mut tested = TestCustodian::start().await;
    let (person, sealed) = enrol(&tested, "韩梅梅").await;
    let (other, others) = enrol(&tested, "Jim Green").await;
    let warrant = tested.world.release(&other, &[Field::Name]);
    let yielded = tested.shares(&warrant).await.unwrap();
    assert_eq!(opened(&tested, &person, &sealed, &warrant, &yielded), []);
    assert_eq!(opened(&tested, &other, &others, &warrant, &yielded).len(), 1);
}

#[tokio::test]
async fn a_yielded_share_is_bound_to_its_warrant_and_to_the_pinned_vault() {
    let mut tested = TestCustodian::start().await;
    let (person, sealed) = enrol(&tested, "韩梅梅").await;
    let first = tested.world.release(&person, &[Field::Name]);
    let yielded = tested.shares(&first).await.unwrap();
    let second = tested.world.release(&person, &[Field::Name]);
    assert_eq!(opened(&tested, &person, &sealed, &second, &yielded), []);
    assert_eq!(opened(&tested, &person, &sealed, &first, &yielded).len(), 1);
    tested.vault = AgreementKey::ephemeral().unwrap();
    assert_eq!(opened(&tested, &person, &sealed, &first, &yielded), []);
}

#[tokio::test]
async fn a_second_leaf_for_one_consent_yields_nothing() {
    let mut tested = TestCustodian::start().await;
    let consent = tested.world.consent(&[Field::Name]);
    let first = tested.world.release_by(&consent, &tested.citizen.device);
    assert!(tested.shares(&first).await.is_ok());
    tested.world.accepted();
    let (leaf, salt) = {
        let device = tested.citizen.device.public_key();
        tested.world.intended(&consent, &first.consent, &device)
    };
    let second = tested.world.warrant(&first.consent, &leaf, &salt);
    let expected = (ProblemType::WarrantRefused, "consent_used".to_owned());
    assert_eq!(refusal(tested.shares(&second).await), expected);
}

#[tokio::test]
async fn a_stale_proof_is_told_from_where_to_prove() {
    let mut tested = TestCustodian::start().await;
    let first = tested.world.release(&tested.citizen, &[Field::Name]);
    let second = tested.world.release(&tested.neighbour, &[Field::Name]);
    assert!(tested.shares(&second).await.is_ok());
    let problem = tested.shares(&first).await.unwrap_err();
    assert_eq!(problem.kind, ProblemType::StaleConsistency);
    assert_eq!(problem.extensions["size"], 2);
}

#[tokio::test]
async fn a_forked_ledger_yields_nothing() {
    let mut tested = TestCustodian::start().await;
    let seen = tested.world.release(&tested.citizen, &[Field::Name]);
    assert!(tested.shares(&seen).await.is_ok());
    tested.world.ledger = cyberid_key_holder::testing::TestLedger::default();
    let forked = tested.world.release(&tested.citizen, &[Field::Name]);
    let expected = (ProblemType::WarrantRefused, "ledger_forked".to_owned());
    assert_eq!(refusal(tested.shares(&forked).await), expected);
}

#[tokio::test]
async fn a_record_that_lacks_an_agreed_field_yields_none_of_them() {
    let mut tested = TestCustodian::start().await;
    let lost = tested.citizen.subject;
    tested.store.lose(&lost, |share| share.field == Field::BirthDate);
    let warrant = tested
        .world
        .release(&tested.citizen, &[Field::Name, Field::BirthDate]);
    let expected = (ProblemType::WarrantRefused, "field_missing".to_owned());
    assert_eq!(refusal(tested.shares(&warrant).await), expected);
}

#[tokio::test]
async fn shares_sealed_before_a_rotation_still_open() {
    let mut tested = TestCustodian::start().await;
    let (person, sealed) = enrol(&tested, "韩梅梅").await;
    tested.keys.rotate(RoleName::Custodian).unwrap();
    let warrant = tested.world.release(&person, &[Field::Name]);
    let yielded = tested.shares(&warrant).await.unwrap();
    assert_eq!(opened(&tested, &person, &sealed, &warrant, &yielded).len(), 1);
}

#[tokio::test]
async fn shares_swapped_in_the_store_yield_nothing() {
    let mut tested = TestCustodian::start().await;
    let person = Person::new("韩梅梅", "11010519491231002X");
    let mut deposit = tested.deposit_of(&person);
    let (name, number) = (deposit.fields[0].share.clone(), deposit.fields[2].share.clone());
    deposit.fields[0].share = number;
    deposit.fields[2].share = name;
    tested.deposit(&deposit).await.unwrap();
    tested.settle(&person, Outcome::Confirmed).await.unwrap();
    let warrant = tested.world.release(&person, &[Field::Name]);
    assert_eq!(refusal(tested.shares(&warrant).await).0, ProblemType::Internal);
}

#[tokio::test]
async fn a_deposit_is_issuances_and_for_the_custodian_and_holds_no_ciphertext() {
    let tested = TestCustodian::start().await;
    let person = Person::new("韩梅梅", "11010519491231002X");
    let deposit = tested.deposit_of(&person);
    let other_key = SigningKey::from_scalar(&[12; 32]).unwrap();
    let message = deposit.sign(&other_key).unwrap();
    let forged = tested.post_empty("/v1/deposits", &CommandBody { message }).await;
    assert_eq!(refusal(forged).0, ProblemType::InvalidMessage);

    let to_vault = Deposit {
        aud: KeyHolder::Vault,
        ..deposit.clone()
    };
    let for_vault = tested
        .world
        .deposit(KeyHolder::Vault, &person, &tested.sealed(&person));
    let with_ciphertext = Deposit {
        aud: KeyHolder::Custodian,
        ..for_vault
    };
    let empty = Deposit {
        fields: Vec::new(),
        ..deposit.clone()
    };
    let with_person = Deposit {
        person_sealed: Some("cGVyc29u".into()),
        ..deposit.clone()
    };
    let mut beside_own = deposit.clone();
    beside_own.fields[0].ciphertext = Some(base64url::encode(b"ciphertext"));
    let stray = AgreementKey::ephemeral().unwrap().public_key();
    let to_nobody = person.sealed(&tested.vault.public_key(), &stray);
    let to_nobody = tested.world.deposit(KeyHolder::Custodian, &person, &to_nobody);
    for refused in [
        to_vault,
        with_ciphertext,
        with_person,
        beside_own,
        to_nobody,
        empty,
    ] {
        assert_eq!(
            refusal(tested.deposit(&refused).await).0,
            ProblemType::InvalidMessage
        );
    }
    assert!(
        tested
            .store
            .dump()
            .iter()
            .all(|(subject, _)| *subject != person.subject)
    );
    tested.world.clock.advance(181);
    assert_eq!(
        refusal(tested.deposit(&deposit).await).0,
        ProblemType::ExpiredMessage
    );
}

#[tokio::test]
async fn a_new_version_is_issuances_and_holds_neither_ciphertext_nor_person() {
    let tested = TestCustodian::start().await;
    let staged = tested.staged_version(&tested.citizen);
    let other_key = SigningKey::from_scalar(&[12; 32]).unwrap();
    let forged = tested.stage_by(&staged, &other_key).await;
    let mut with_ciphertext = staged.clone();
    with_ciphertext.fields[0].ciphertext = Some(base64url::encode(b"ciphertext"));
    let with_person = StagedVersion {
        person_sealed: Some(base64url::encode(b"person")),
        ..staged.clone()
    };
    let stray = AgreementKey::ephemeral().unwrap().public_key();
    let to_nobody = tested.citizen.sealed(&tested.vault.public_key(), &stray);
    let to_nobody = StagedVersion {
        fields: tested
            .world
            .deposit(KeyHolder::Custodian, &tested.citizen, &to_nobody)
            .fields,
        ..staged.clone()
    };
    let mut refused = vec![forged];
    for wrong in [with_ciphertext, with_person, to_nobody] {
        refused.push(tested.stage_by(&wrong, &tested.world.enrolment).await);
    }
    for answer in refused {
        assert_eq!(refusal(answer).0, ProblemType::InvalidMessage);
    }
    tested.stage_by(&staged, &tested.world.enrolment).await.unwrap();
}

#[tokio::test]
async fn a_replayed_deposit_changes_nothing_and_another_one_is_refused() {
    let tested = TestCustodian::start().await;
    let person = Person::new("韩梅梅", "11010519491231002X");
    let deposit = tested.deposit_of(&person);
    tested.deposit(&deposit).await.unwrap();
    let before = tested.store.dump().len();
    tested.deposit(&deposit).await.unwrap();
    assert_eq!(tested.store.dump().len(), before);
    let another = tested.deposit_of(&person);
    assert_eq!(refusal(tested.deposit(&another).await).0, ProblemType::Forbidden);

    // A confirmed record is not replaced, whatever is signed.
    let over = tested.deposit_of(&tested.citizen);
    assert_eq!(refusal(tested.deposit(&over).await).0, ProblemType::Forbidden);
}

#[tokio::test]
async fn a_settlement_confirms_what_is_there_and_frees_what_is_not_confirmed() {
    let mut tested = TestCustodian::start().await;
    let person = Person::new("韩梅梅", "11010519491231002X");
    assert_eq!(
        refusal(tested.settle(&person, Outcome::Confirmed).await).0,
        ProblemType::NotFound
    );
    tested.deposit(&tested.deposit_of(&person)).await.unwrap();
    let warrant = tested.world.release(&person, &[Field::Name]);
    let unknown = (ProblemType::WarrantRefused, "unknown_device".to_owned());
    assert_eq!(refusal(tested.shares(&warrant).await), unknown, "unconfirmed");
    tested.settle(&person, Outcome::Freed).await.unwrap();
    assert_eq!(tested.store.dump().len(), 10, "its shares are gone");

    tested.settle(&tested.citizen, Outcome::Freed).await.unwrap();
    let warrant = tested.world.release(&tested.citizen, &[Field::Name]);
    assert!(tested.shares(&warrant).await.is_ok(), "a confirmed record stays");
}

#[tokio::test]
async fn what_a_thief_of_the_store_has_opens_under_no_key_but_the_custodians() {
    let tested = TestCustodian::start().await;
    for (subject, share) in tested.store.dump() {
        let place = Place {
            subject,
            field: share.field,
        };
        assert!(open_share(Side::Custodian, &tested.vault, &place, &share.share).is_err());
        let own = tested.keys.opener::<cyberid_keystore::role::Custodian>().unwrap();
        assert!(open_share(Side::Custodian, &*own.current(), &place, &share.share).is_ok());
    }
    assert_ne!(tested.custodian_key(), tested.vault.public_key());
}
