//! Official accesses at the gate of both key holders.

use cyberid_crypto::{Sign as _, base64url};
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, SubjectId};
use cyberid_domain::rng::SystemRng;
use cyberid_key_holder::testing::{Person, official_attacks};
use cyberid_protocol::deposit::{KeyHolder, Outcome};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::official::{Authorities, OfficialWarrant, Order};
use cyberid_protocol::warrant::WarrantRefused;
use cyberid_storage::custodian::CustodianStore as _;
use cyberid_storage::key_holder::BoundDevice;

use super::{HOLDERS, KeyHolderError, Tested};

impl Tested {
    async fn official(&self, warrant: &OfficialWarrant) -> Result<SubjectId, WarrantRefused> {
        match self.gate.admit_official(warrant).await {
            Ok(admitted) => Ok(admitted.subject),
            Err(KeyHolderError::Warrant(refused)) => Err(refused),
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn every_attack_is_refused_for_its_own_reason_and_uses_nothing() {
    for holder in HOLDERS {
        let mut tested = Tested::start(holder).await;
        let attacks = official_attacks(&mut tested.world, &tested.citizen, &tested.neighbour);
        assert!(attacks.len() > 50, "{}", attacks.len());
        for attack in attacks {
            let answer = tested.official(&attack.warrant).await;
            assert_eq!(answer, Err(attack.refusal), "{} at {holder:?}", attack.name);
        }
        assert_eq!(tested.store.uses(), 0);
        // The same world with nothing changed: the refusals above were for the one thing.
        let honest = tested.world.official(&tested.citizen, &[Field::Name]);
        assert_eq!(tested.official(&honest).await, Ok(tested.citizen.subject));
    }
}

#[tokio::test]
async fn an_order_opens_for_one_leaf() {
    for holder in HOLDERS {
        let mut tested = Tested::start(holder).await;
        let order = tested.world.order(&tested.citizen, &[Field::Name]);
        let [first, second] = &tested.world.bureau.officers;
        let signed = order.sign(first).unwrap();
        let countersigned = tested.world.countersignature(&signed).sign(second).unwrap();
        let mut again = || {
            let (leaf, salt) = tested.world.official_intent(&order, &signed);
            let signatures = (signed.as_str(), countersigned.as_str());
            let (world, citizen) = (&mut tested.world, &tested.citizen);
            world.official_warrant(signatures, &leaf, &salt, citizen)
        };
        let (one, other) = (again(), again());
        assert!(tested.official(&one).await.is_ok());
        tested.world.accepted();
        let consistency = tested.world.ledger.consistency(1);
        let other = OfficialWarrant {
            vault_consistency: consistency.clone(),
            custodian_consistency: consistency,
            ..other
        };
        assert_eq!(tested.official(&other).await, Err(WarrantRefused::ConsentUsed));
        assert_eq!(tested.store.uses(), 1);
    }
}

#[tokio::test]
async fn an_authority_that_a_key_holder_does_not_pin_opens_nothing_there() {
    let mut tested = Tested::start(KeyHolder::Vault).await;
    let warrant = tested.world.official(&tested.citizen, &[Field::Name]);
    let others = vec![tested.world.other_bureau.pinned()];
    tested.gate.authorities = Authorities::new(others).unwrap();
    assert_eq!(tested.official(&warrant).await, Err(WarrantRefused::OrderInvalid));
    tested.gate.authorities = tested.world.authorities();
    assert!(tested.official(&warrant).await.is_ok());
}

#[tokio::test]
async fn a_record_without_a_commitment_or_without_confirmation_opens_by_no_number() {
    let mut tested = Tested::start(KeyHolder::Custodian).await;
    let old = Person::new("韩梅梅", "110101199003070038");
    let key = old.device.public_key();
    let device = BoundDevice {
        subject: old.subject,
        key: *key.as_sec1(),
        release_from: cyberid_domain::UnixTime(0),
        number_commitment: None,
    };
    let now = cyberid_domain::UnixTime(0);
    let kept = tested.store.deposit(&device, &key.thumbprint(), &[], now).await;
    assert!(kept.unwrap());
    let warrant = tested.world.official(&old, &[Field::Name]);
    assert_eq!(
        tested.official(&warrant).await,
        Err(WarrantRefused::UnknownDevice)
    );
    tested.settle(&old, Outcome::Confirmed).await.unwrap();
    assert_eq!(
        tested.official(&warrant).await,
        Err(WarrantRefused::SubjectDiffers)
    );
}

#[tokio::test]
async fn an_order_by_pseudonym_opens_the_record_that_the_platform_names() {
    let mut tested = Tested::start(KeyHolder::Vault).await;
    let order = Order {
        network_number: None,
        client_id: Some(ClientId::random(&SystemRng)),
        sub: Some(base64url::encode(&[7; 32])),
        ..tested.world.order(&tested.citizen, &[Field::Name])
    };
    let warrant = tested.world.official_by(&order, &tested.citizen);
    assert_eq!(tested.official(&warrant).await, Ok(tested.citizen.subject));
}

#[tokio::test]
async fn a_forked_ledger_opens_nothing_by_order_either() {
    for holder in HOLDERS {
        let mut tested = Tested::start(holder).await;
        let seen = tested.world.release(&tested.citizen, &[Field::Name]);
        assert!(tested.gate.admit(&seen).await.is_ok());
        tested.world.ledger = cyberid_key_holder::testing::TestLedger::default();
        let forked = tested.world.official(&tested.citizen, &[Field::Name]);
        assert_eq!(tested.official(&forked).await, Err(WarrantRefused::LedgerForked));
    }
}
