//! The gate of both key holders: every attack is refused by each of them, and what is honest passes once.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

#[path = "gate/devices.rs"]
mod devices;
#[path = "gate/erasing.rs"]
mod erasing;
#[path = "gate/numbers.rs"]
mod numbers;
#[path = "gate/official.rs"]
mod official;

use std::sync::Arc;

use cyberid_crypto::{Agree as _, AgreementKey, Sign as _, SigningKey, base64url};
use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::SubjectId;
use cyberid_key_holder::testing::{MemoryCustodian, Person, World};
use cyberid_key_holder::{Gate, KeyHolderError};
use cyberid_protocol::deposit::{
    Deposit, KeyHolder, MAX_LIFE, MOST_OTHERS, Outcome, Reservation, Settlement,
};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::warrant::{Warrant, WarrantRefused};
use cyberid_storage::Result;
use cyberid_storage::custodian::CustodianStore as _;
use cyberid_storage::key_holder::{
    BoundDevice, ConsentUse, DeviceBinding, KeyHolderStore, RememberedCheckpoint, Used,
};

const HOLDERS: [KeyHolder; 2] = [KeyHolder::Vault, KeyHolder::Custodian];

struct Tested {
    world: World,
    store: Arc<MemoryCustodian>,
    gate: Gate,
    citizen: Person,
    neighbour: Person,
}

impl Tested {
    /// A key holder with the confirmed records of two people.
    async fn start(holder: KeyHolder) -> Self {
        let world = World::default();
        let store = Arc::new(MemoryCustodian::default());
        let gate = Gate {
            device_cooling_off: 259_200,
            holder,
            anchors: world.anchors(),
            authorities: world.authorities(),
            enrolment_key: world.enrolment.public_key(),
            store: Arc::<MemoryCustodian>::clone(&store),
            clock: Arc::<cyberid_domain::clock::ManualClock>::clone(&world.clock),
        };
        let tested = Self {
            world,
            store,
            gate,
            citizen: Person::new("王小明", "11010519491231002X"),
            neighbour: Person::new("李雷", "440524188001010014"),
        };
        for person in [&tested.citizen, &tested.neighbour] {
            tested.bind(person).await;
            let outcome = Outcome::Confirmed;
            assert!(tested.settle(person, outcome).await.is_ok());
        }
        tested
    }

    async fn bind(&self, person: &Person) {
        let key = person.device.public_key();
        let device = BoundDevice {
            subject: person.subject,
            key: *key.as_sec1(),
            release_from: cyberid_domain::UnixTime(0),
            number_commitment: cyberid_crypto::base64url::decode_array(&person.number_commitment()),
        };
        let now = cyberid_domain::UnixTime(0);
        let kept = self.store.deposit(&device, &key.thumbprint(), &[], now).await;
        assert!(kept.unwrap());
    }

    async fn settle(&self, person: &Person, outcome: Outcome) -> std::result::Result<(), KeyHolderError> {
        let settlement = self.world.settlement(self.gate.holder, person, outcome);
        self.gate
            .settle(&settlement.sign(&self.world.enrolment).unwrap())
            .await
    }

    async fn refusal(&self, warrant: &Warrant) -> Option<WarrantRefused> {
        match self.gate.admit(warrant).await {
            Err(KeyHolderError::Warrant(refused)) => Some(refused),
            Err(other) => panic!("{other}"),
            Ok(_) => None,
        }
    }
}

#[tokio::test]
async fn every_attack_is_refused_for_its_own_reason_and_uses_nothing() {
    for holder in HOLDERS {
        let mut tested = Tested::start(holder).await;
        let attacks =
            cyberid_key_holder::testing::attacks(&mut tested.world, &tested.citizen, &tested.neighbour);
        assert!(attacks.len() > 30, "{}", attacks.len());
        for attack in attacks {
            let refusal = tested.refusal(&attack.warrant).await;
            assert_eq!(refusal, Some(attack.refusal), "{} at {holder:?}", attack.name);
        }
        assert_eq!(tested.store.uses(), 0);
        assert_eq!(tested.gate.remembered_size().await.unwrap().size, 0);
        // The same world with nothing changed: the refusals above were for the one thing.
        let honest = tested.world.release(&tested.citizen, &[Field::Name]);
        assert_eq!(
            tested.gate.admit(&honest).await.unwrap().subject,
            tested.citizen.subject
        );
    }
}

#[tokio::test]
async fn another_persons_consent_opens_that_persons_record() {
    let mut tested = Tested::start(KeyHolder::Vault).await;
    let warrant = tested.world.release(&tested.neighbour, &[Field::Name]);
    let admitted = tested.gate.admit(&warrant).await.unwrap();
    assert_eq!(admitted.subject, tested.neighbour.subject);
}

#[tokio::test]
async fn a_consent_is_for_one_leaf() {
    for holder in HOLDERS {
        let mut tested = Tested::start(holder).await;
        let consent = tested.world.consent(&[Field::Name]);
        let signed = consent.sign(&tested.citizen.device).unwrap();
        let device = tested.citizen.device.public_key();
        let (leaf, salt) = tested.world.intended(&consent, &signed, &device);
        let first = tested.world.warrant(&signed, &leaf, &salt);
        assert_eq!(tested.refusal(&first).await, None);
        assert_eq!(tested.refusal(&first).await, None, "the same leaf again");
        tested.world.accepted();
        let (leaf, salt) = tested.world.intended(&consent, &signed, &device);
        let second = tested.world.warrant(&signed, &leaf, &salt);
        assert_eq!(tested.refusal(&second).await, Some(WarrantRefused::ConsentUsed));
        assert_eq!(tested.store.uses(), 1);
    }
}

/// The other signature of the same words, `(r, n - s)`, verifies too: whoever has a consent can make it.
fn twin(compact: &str) -> String {
    // The order of P-256 (SP 800-186, section 3.2.1.3).
    const ORDER: [u64; 4] = [
        0xffff_ffff_0000_0000,
        0xffff_ffff_ffff_ffff,
        0xbce6_faad_a717_9e84,
        0xf3b9_cac2_fc63_2551,
    ];
    let order = ORDER.map(u64::to_be_bytes).concat();
    let (words, signature) = compact.rsplit_once('.').unwrap();
    let mut signature = base64url::decode(signature).unwrap();
    let mut borrow = 0;
    for (of_s, of_order) in signature.iter_mut().rev().zip(order.iter().rev()) {
        let difference = i16::from(*of_order) - i16::from(*of_s) - borrow;
        borrow = i16::from(difference < 0);
        *of_s = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    format!("{words}.{}", base64url::encode(&signature))
}

#[tokio::test]
async fn a_consent_under_the_twin_of_its_signature_is_the_same_consent() {
    for holder in HOLDERS {
        let mut tested = Tested::start(holder).await;
        let consent = tested.world.consent(&[Field::Name]);
        let signed = consent.sign(&tested.citizen.device).unwrap();
        let device = tested.citizen.device.public_key();
        for (signed, expected) in [(twin(&signed), None), (signed, Some(WarrantRefused::ConsentUsed))] {
            let (leaf, salt) = tested.world.intended(&consent, &signed, &device);
            let warrant = tested.world.warrant(&signed, &leaf, &salt);
            assert_eq!(tested.refusal(&warrant).await, expected);
            tested.world.accepted();
        }
    }
}

#[tokio::test]
async fn a_checkpoint_that_contradicts_the_remembered_one_is_refused() {
    for holder in HOLDERS {
        let mut tested = Tested::start(holder).await;
        let seen = tested.world.release(&tested.citizen, &[Field::Name]);
        assert_eq!(tested.refusal(&seen).await, None);

        // The witness has been deceived too: it cosigned a ledger in which the first release never was.
        tested.world.ledger = cyberid_key_holder::testing::TestLedger::default();
        let forked = tested.world.release(&tested.citizen, &[Field::Name]);
        assert_eq!(tested.refusal(&forked).await, Some(WarrantRefused::LedgerForked));

        tested.world.accepted();
        let longer = tested.world.release(&tested.citizen, &[Field::Name]);
        let stale = WarrantRefused::StaleConsistency { size: 1 };
        assert_eq!(
            tested.refusal(&longer).await,
            Some(stale),
            "no proof leads from one fork to another"
        );
        assert_eq!(tested.gate.remembered_size().await.unwrap().size, 1);
    }
}

#[tokio::test]
async fn a_proof_from_elsewhere_is_stale_and_one_from_the_named_size_passes() {
    for holder in HOLDERS {
        let mut tested = Tested::start(holder).await;
        let first = tested.world.release(&tested.citizen, &[Field::Name]);
        let overtaking = tested.world.release(&tested.neighbour, &[Field::Name]);
        assert_eq!(tested.refusal(&overtaking).await, None);

        // Its checkpoint is older than the remembered one.
        let stale = WarrantRefused::StaleConsistency { size: 2 };
        assert_eq!(tested.refusal(&first).await, Some(stale));

        // Its proof was made before the other was accepted.
        let late = tested.world.release(&tested.citizen, &[Field::Name]);
        assert_eq!(tested.refusal(&late).await, Some(stale));
        let from_named_size = Warrant {
            vault_consistency: tested.world.ledger.consistency(2),
            custodian_consistency: tested.world.ledger.consistency(2),
            ..late
        };
        assert_eq!(tested.refusal(&from_named_size).await, None);
        assert_eq!(tested.gate.remembered_size().await.unwrap().size, 3);
    }
}

#[tokio::test]
async fn a_warrant_that_is_overtaken_while_it_is_used_is_checked_again() {
    for holder in HOLDERS {
        let mut tested = Tested::start(holder).await;
        let rival = ConsentUse {
            consent_sha256: "rival".into(),
            leaf_sha256: "rival".into(),
            checkpoint: RememberedCheckpoint {
                size: 7,
                root: [7; 32],
            },
            time: cyberid_domain::UnixTime(0),
        };
        tested.gate.store = Arc::new(Racing {
            store: Arc::clone(&tested.store),
            rival,
        });
        let warrant = tested.world.release(&tested.citizen, &[Field::Name]);
        let stale = WarrantRefused::StaleConsistency { size: 7 };
        assert_eq!(tested.refusal(&warrant).await, Some(stale));
        assert_eq!(tested.store.uses(), 1, "the rival's alone");
    }
}

/// A store in which another release goes ahead between the check of a warrant and its use.
struct Racing {
    store: Arc<MemoryCustodian>,
    rival: ConsentUse,
}

#[async_trait::async_trait]
impl KeyHolderStore for Racing {
    async fn device(&self, jkt: &str) -> Result<Option<BoundDevice>> {
        self.store.device(jkt).await
    }

    async fn bind(&self, binding: &DeviceBinding) -> Result<bool> {
        self.store.bind(binding).await
    }

    async fn unbind(&self, subject: &SubjectId, jkt: &str, key: &[u8; 65]) -> Result<()> {
        self.store.unbind(subject, jkt, key).await
    }

    async fn remembered(&self) -> Result<Option<RememberedCheckpoint>> {
        self.store.remembered().await
    }

    async fn use_consent(&self, consent: &ConsentUse) -> Result<Used> {
        self.store.use_consent(&self.rival).await?;
        self.store.use_consent(consent).await
    }

    async fn confirm(&self, subject: &SubjectId) -> Result<bool> {
        self.store.confirm(subject).await
    }

    async fn free(&self, subject: &SubjectId) -> Result<()> {
        self.store.free(subject).await
    }

    async fn renumber(
        &self,
        subject: &SubjectId,
        number_commitment: &[u8; 32],
        signed_at: UnixTime,
    ) -> Result<bool> {
        self.store.renumber(subject, number_commitment, signed_at).await
    }

    async fn erase(&self, subject: &SubjectId) -> Result<()> {
        self.store.erase(subject).await
    }
}

#[tokio::test]
async fn each_key_holder_reads_its_own_consistency_proof() {
    for holder in HOLDERS {
        let mut tested = Tested::start(holder).await;
        let first = tested.world.release(&tested.citizen, &[Field::Name]);
        assert_eq!(tested.refusal(&first).await, None);
        match holder {
            KeyHolder::Vault => tested.world.vault_remembers = 1,
            KeyHolder::Custodian => tested.world.custodian_remembers = 1,
        }
        let next = tested.world.release(&tested.citizen, &[Field::Name]);
        assert_eq!(tested.refusal(&next).await, None, "{holder:?}");
    }
}

#[tokio::test]
async fn an_unconfirmed_record_does_not_open() {
    let mut tested = Tested::start(KeyHolder::Vault).await;
    let newcomer = Person::new("韩梅梅", "11010519491231002X");
    tested.bind(&newcomer).await;
    let warrant = tested.world.release(&newcomer, &[Field::Name]);
    assert_eq!(
        tested.refusal(&warrant).await,
        Some(WarrantRefused::UnknownDevice)
    );
    tested.settle(&newcomer, Outcome::Confirmed).await.unwrap();
    assert_eq!(tested.refusal(&warrant).await, None);
}

#[tokio::test]
async fn freeing_removes_what_is_unconfirmed_and_nothing_else() {
    let mut tested = Tested::start(KeyHolder::Custodian).await;
    let newcomer = Person::new("韩梅梅", "11010519491231002X");
    tested.bind(&newcomer).await;
    tested.settle(&newcomer, Outcome::Freed).await.unwrap();
    tested.settle(&newcomer, Outcome::Freed).await.unwrap();
    let confirm = tested.settle(&newcomer, Outcome::Confirmed).await;
    assert!(matches!(confirm, Err(KeyHolderError::NoRecord)));

    tested.settle(&tested.citizen, Outcome::Freed).await.unwrap();
    let warrant = tested.world.release(&tested.citizen, &[Field::Name]);
    assert_eq!(tested.refusal(&warrant).await, None, "a confirmed record stays");
}

#[tokio::test]
async fn a_command_is_followed_by_its_audience_while_it_lives_if_issuance_signed_it() {
    let tested = Tested::start(KeyHolder::Vault).await;
    let (world, gate) = (&tested.world, &tested.gate);
    let settlement = |aud| world.settlement(aud, &tested.citizen, Outcome::Confirmed);
    let to_us = settlement(KeyHolder::Vault);
    let signed = to_us.sign(&world.enrolment).unwrap();
    assert!(gate.command::<Settlement>(&signed).is_ok());
    assert!(
        gate.command::<Settlement>(&signed).is_ok(),
        "a replay is the same command"
    );

    let invalid =
        |command: std::result::Result<Settlement, _>| matches!(command, Err(KeyHolderError::InvalidCommand));
    let other_key = SigningKey::from_scalar(&[12; 32]).unwrap();
    assert!(invalid(gate.command(&to_us.sign(&other_key).unwrap())));
    let to_the_other = settlement(KeyHolder::Custodian).sign(&world.enrolment).unwrap();
    assert!(invalid(gate.command(&to_the_other)));
    let other_type = gate.command::<Deposit>(&signed);
    assert!(matches!(other_type, Err(KeyHolderError::InvalidCommand)));

    let too_long = Settlement {
        exp: to_us.iat.plus(MAX_LIFE + 1),
        ..to_us
    };
    let expired =
        |command: std::result::Result<Settlement, _>| matches!(command, Err(KeyHolderError::ExpiredCommand));
    assert!(expired(gate.command(&too_long.sign(&world.enrolment).unwrap())));
    world.clock.advance(MAX_LIFE + 60);
    assert!(expired(gate.command(&signed)));
}

/// One command settles several, and one that is missing hinders no other.
#[tokio::test]
async fn a_settlement_tells_of_several() {
    let tested = Tested::start(KeyHolder::Vault).await;
    let stranger = Person::new("陌生人", "440524188001010014");
    let settle = |subject, others: Vec<_>| {
        let settlement = Settlement {
            subject,
            others,
            ..tested
                .world
                .settlement(KeyHolder::Vault, &tested.citizen, Outcome::Confirmed)
        };
        let signed = settlement.sign(&tested.world.enrolment).unwrap();
        let gate = &tested.gate;
        async move { gate.settle(&signed).await }
    };
    let (known, unknown) = (tested.citizen.subject, stranger.subject);
    assert!(settle(known, vec![known]).await.is_ok());
    for (subject, others) in [(known, vec![unknown]), (unknown, vec![known])] {
        let missing = settle(subject, others).await;
        assert!(matches!(missing, Err(KeyHolderError::NoRecord)));
    }
    let too_many = settle(known, vec![known; MOST_OTHERS + 1]).await;
    assert!(matches!(too_many, Err(KeyHolderError::InvalidCommand)));
}

#[tokio::test]
async fn a_reservation_and_a_deposit_are_commands_too() {
    let tested = Tested::start(KeyHolder::Vault).await;
    let vault = AgreementKey::ephemeral().unwrap().public_key();
    let reservation = tested.world.reservation(&tested.citizen, &vault);
    let signed = reservation.sign(&tested.world.enrolment).unwrap();
    assert!(tested.gate.command::<Reservation>(&signed).is_ok());

    let sealed = tested.citizen.sealed(&vault, &vault);
    let deposit = tested.world.deposit(KeyHolder::Vault, &tested.citizen, &sealed);
    assert_eq!(cyberid_key_holder::distinct_fields(&deposit).unwrap().len(), 5);
    for fields in [
        Vec::new(),
        [deposit.fields.as_slice(), &deposit.fields[..1]].concat(),
    ] {
        let deposit = Deposit {
            fields,
            ..deposit.clone()
        };
        assert!(cyberid_key_holder::distinct_fields(&deposit).is_err());
    }
}
