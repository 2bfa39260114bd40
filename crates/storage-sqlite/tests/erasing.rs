//! What is erased is in no file: of many people, of whom many go, in any order.

#![expect(clippy::unwrap_used, reason = "a test stops where its files cannot be made")]

use std::sync::Arc;

use cyberid_domain::UnixTime;
use cyberid_domain::device::AlertKind;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, ConsentId, LeafId, Nonce, ReleaseId, SubjectId};
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::release::ReleaseStatus;
use cyberid_domain::rng::{SystemRng, random};
use cyberid_domain::subject::LifeReason;
use cyberid_storage::cancellation::{Cancellations, OpenCancellation};
use cyberid_storage::conformance::subject::enrolled;
use cyberid_storage::counter::NewCodes;
use cyberid_storage::device::{Alert, Devices as _};
use cyberid_storage::held::Held as _;
use cyberid_storage::life::{LifeChange, LifeLeaf, Renumbering, Renumberings as _, Turn, Turned};
use cyberid_storage::official::NumberSalts as _;
use cyberid_storage::passkey::{Added, Passkey, Passkeys as _};
use cyberid_storage::promise::PromisedLeaf;
use cyberid_storage::release::{Grant, Release, Releases, Stepped};
use cyberid_storage::single_use::SingleUse;
use cyberid_storage::subject::Subjects as _;
use cyberid_storage_sqlite::RegistryDb;

const NOW: UnixTime = UnixTime(1_800_000_000);
const PEOPLE: usize = 60;

/// A person, and what of theirs may not stay.
struct Person {
    subject: SubjectId,
    secrets: Vec<Vec<u8>>,
}

/// A consent of a usual length, with something in it that nothing else has.
async fn granted(registry: &RegistryDb) -> Person {
    let subject = SubjectId::random(&SystemRng);
    let salt: [u8; 32] = random(&SystemRng);
    let name = Nonce::random(&SystemRng);
    let id = ReleaseId::random(&SystemRng);
    let release = Release {
        id: id.clone(),
        client_id: ClientId::random(&SystemRng),
        sub: Nonce::random(&SystemRng).as_str().into(),
        purpose: "open-account".into(),
        fields: vec![Field::Name],
        nonce: Nonce::random(&SystemRng),
        created_at: NOW,
        expires_at: NOW.plus(900),
        status: ReleaseStatus::Requested,
        grant: None,
        leaves: Vec::new(),
    };
    let secrets = salt
        .chunks(8)
        .chain(name.as_str().as_bytes().chunks(11))
        .chain(release.sub.as_bytes().chunks(11));
    let secrets = secrets.map(<[u8]>::to_vec).collect();
    registry.request(&release).await.unwrap();
    registry
        .keep_request_object(&id, "en", &"o".repeat(1_900))
        .await
        .unwrap();
    let grant = Grant {
        consent_id: ConsentId::random(&SystemRng),
        consent: format!("{}{name}", "c".repeat(900)),
        request_object: "o".repeat(1_900),
        subject,
        device_jkt: Nonce::random(&SystemRng).as_str().into(),
        salt,
        redeem_by: NOW.plus(3_600),
    };
    let leaf = PromisedLeaf {
        id: LeafId::random(&SystemRng),
        body: "{}".into(),
    };
    let uses = SingleUse {
        digest: random(&SystemRng),
        forget_at: NOW,
    };
    assert_eq!(
        registry.grant(&id, &grant, &leaf, &uses).await.unwrap(),
        Stepped::Now
    );
    Person { subject, secrets }
}

async fn erase(registry: &RegistryDb, person: &Person) {
    let cancellation = OpenCancellation {
        subject: person.subject,
        message: "signed".into(),
        begun_at: NOW,
    };
    registry.begin_cancellation(&cancellation).await.unwrap();
    assert!(registry.erase_person(&person.subject, &[]).await.unwrap());
}

fn traces(bytes: &[u8], person: &Person) -> usize {
    let there = |secret: &&Vec<u8>| {
        bytes
            .windows(secret.len())
            .any(|window| window == secret.as_slice())
    };
    person.secrets.iter().filter(there).count()
}

#[tokio::test]
async fn of_many_people_who_come_and_go_nothing_stays_of_those_who_went() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.db");
    let registry = RegistryDb::open(&path).await.unwrap();
    let (mut here, mut gone) = (Vec::new(), Vec::new());
    for come in 0..PEOPLE {
        here.push(granted(&registry).await);
        if come % 3 == 2 {
            let person = here.swap_remove(come * 7 % here.len());
            erase(&registry, &person).await;
            gone.push(person);
        }
    }
    let files = ["registry.db", "registry.db-wal"].map(|name| std::fs::read(folder.path().join(name)));
    let bytes: Vec<u8> = files.into_iter().flat_map(Result::unwrap_or_default).collect();
    let left: usize = gone.iter().map(|person| traces(&bytes, person)).sum();
    assert_eq!(left, 0, "traces of {} people who went", gone.len());
    assert!(
        here.iter().all(|person| traces(&bytes, person) >= 4),
        "and of the others everything"
    );
}

/// Tables of which nothing is left about a person who cancelled.
const EMPTIED: [&str; 7] = [
    "age_tag",
    "device_alert",
    "life_leaf",
    "number_salt",
    "passkey",
    "renumbering",
    "suspension",
];

const STATION: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// Gives a person a row in every table that is emptied, and a code of a counter.
async fn fill(registry: &RegistryDb, subject: SubjectId) {
    let number = || NetworkNumber::random(&SystemRng);
    let salt: [u8; 32] = random(&SystemRng);
    assert!(
        registry
            .keep_number_salt(&subject, &number(), &salt)
            .await
            .unwrap()
    );
    let drawn = Renumbering {
        subject,
        number: number(),
        salt,
        drawn_at: NOW,
        message: None,
    };
    assert!(registry.draw_number(&drawn).await.unwrap());
    let suspended = LifeChange {
        subject,
        turn: Turn::Suspend(LifeReason::Operator),
        at: NOW,
        leaf: Some(LifeLeaf {
            leaf: PromisedLeaf {
                id: LeafId::random(&SystemRng),
                body: "{}".into(),
            },
            salt,
            device_jkt: "jkt".into(),
        }),
    };
    assert!(matches!(registry.turn(&suspended).await.unwrap(), Turned::Now(_)));
    let passkey = Passkey {
        id: random::<16>(&SystemRng).to_vec(),
        subject,
        key: random(&SystemRng),
        sign_count: 0,
        backup_eligible: false,
        created_at: NOW,
    };
    assert_eq!(registry.add_passkey(&passkey).await.unwrap(), Added::Now);
    let alert = Alert {
        time: NOW,
        kind: AlertKind::EnrolmentTried,
        device: None,
    };
    registry.tell(&subject, &alert).await.unwrap();
    let codes = NewCodes {
        subject,
        jkts: vec!["code".into()],
        station: STATION.parse().unwrap(),
        now: NOW,
    };
    assert!(registry.keep_codes(&codes).await.unwrap());
}

/// How many rows of this table are about the person, and whether the counter's station is in one of any table.
async fn held(registry: &RegistryDb, subject: &SubjectId, table: &str) -> (usize, bool) {
    let held = registry.held_of(subject, NOW).await.unwrap();
    let rows = held.iter().find(|held| held.name == table);
    let mut all = held.iter().flat_map(|held| &held.rows);
    (
        rows.map_or(0, |held| held.rows.len()),
        all.any(|row| row.contains(STATION)),
    )
}

#[tokio::test]
async fn of_a_person_who_cancelled_nothing_is_left_that_says_who_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let registry = RegistryDb::open(folder.path().join("registry.db")).await.unwrap();
    let registry = Arc::new(registry);
    let (gone, stays) = (enrolled(&registry).await, enrolled(&registry).await);
    fill(&registry, gone.subject).await;
    for table in EMPTIED {
        assert_eq!(held(&registry, &gone.subject, table).await, (1, true), "{table}");
    }
    let person = Person {
        subject: gone.subject,
        secrets: Vec::new(),
    };
    erase(&registry, &person).await;
    for table in EMPTIED {
        assert_eq!(held(&registry, &gone.subject, table).await, (0, false), "{table}");
    }
    let pin = registry.by_device(&gone.device.jkt).await.unwrap().unwrap().pin;
    assert_eq!((pin.salt, pin.tag), ([0; 16], [0; 32]));
    assert_eq!(held(&registry, &stays.subject, "age_tag").await.0, 1);
}
