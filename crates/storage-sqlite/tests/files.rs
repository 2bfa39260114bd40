//! Files: who can read them, what stays in them, and what does not.

#![expect(clippy::unwrap_used, reason = "a test stops where its files cannot be made")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, LeafId, SubjectId};
use cyberid_domain::rng::{SystemRng, random};
use cyberid_storage::Synchronous;
use cyberid_storage::custodian::{CustodianShare, CustodianStore as _};
use cyberid_storage::key_holder::{BoundDevice, KeyHolderStore as _};
use cyberid_storage::ledger::{Batch, LeafFilter, LedgerRead as _, LedgerWrite as _, NewLeaf, StoredTile};
use cyberid_storage::single_use::{SingleUse, SingleUses as _};
use cyberid_storage::vault::{VaultField, VaultStore as _};
use cyberid_storage_sqlite::{CustodianDb, LedgerDb, OpenError, RegistryDb, VaultDb};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

const NOW: UnixTime = UnixTime(1_784_131_200);

fn leaf() -> NewLeaf {
    NewLeaf {
        id: LeafId::random(&SystemRng),
        body: r#"{"kind":"service.halted","time":5,"v":1}"#.into(),
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// The bytes of everything in the directory.
fn all_bytes(directory: &Path) -> Vec<u8> {
    let files = fs::read_dir(directory).unwrap();
    files
        .flat_map(|file| fs::read(file.unwrap().path()).unwrap())
        .collect()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[tokio::test]
async fn only_the_owner_reads_the_files() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data").join("vault");
    let path = data.join("vault.db");
    let db = VaultDb::open(&path).await.unwrap();
    assert!(
        db.reserve(&[1; 32], &SubjectId::from_bytes([2; 32]), NOW)
            .await
            .unwrap()
    );
    assert_eq!(mode(&data), 0o700);
    for file in fs::read_dir(&data).unwrap() {
        let file = file.unwrap().path();
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    db.close().await;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    VaultDb::open(&path).await.unwrap().close().await;
    assert_eq!(mode(&path), 0o600);
}

#[tokio::test]
async fn what_is_not_a_database_does_not_open() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("registry.db");
    fs::write(
        &path,
        "not a database, but long enough to look like one ".repeat(100),
    )
    .unwrap();
    let opened = RegistryDb::open(&path).await.map(|_| ());
    assert!(matches!(opened, Err(OpenError::Database(_))));
}

#[tokio::test]
async fn a_database_of_another_kind_does_not_open() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    LedgerDb::open(&path).await.unwrap().close().await;
    let opened = RegistryDb::open(&path).await.map(|_| ());
    assert!(matches!(opened, Err(OpenError::Migration(_))));
}

#[tokio::test]
async fn opening_again_finds_everything_in_the_file_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let db = LedgerDb::open(&path).await.unwrap();
    let tile = StoredTile {
        level: 0,
        index: 0,
        hashes: vec![7; 32],
    };
    let batch = Batch {
        leaves: vec![leaf()],
        tiles: vec![tile.clone()],
        checkpoint: "a note".into(),
    };
    assert!(db.append(0, &batch).await.unwrap());
    db.close().await;
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);

    let db = LedgerDb::open(&path).await.unwrap();
    assert_eq!(db.size().await.unwrap(), 1);
    assert_eq!(
        db.places(&[batch.leaves[0].id.clone()]).await.unwrap(),
        [(batch.leaves[0].id.clone(), 0)]
    );
    assert_eq!(db.tile(0, 0).await.unwrap(), Some(tile));
    assert_eq!(db.checkpoint().await.unwrap().as_deref(), Some("a note"));
}

#[tokio::test]
async fn one_process_writes_a_log_and_others_read_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data").join("ledger.db");
    let alone = LedgerDb::open_alone(&path, Synchronous::Full).await.unwrap();
    let refused = LedgerDb::open_alone(&path, Synchronous::Full).await.map(|_| ());
    assert!(
        matches!(&refused, Err(OpenError::Locked(locked)) if *locked == path),
        "{refused:?}"
    );
    LedgerDb::open(&path).await.unwrap().close().await;
    alone.close().await;
    LedgerDb::open_alone(&path, Synchronous::Full)
        .await
        .unwrap()
        .close()
        .await;
}

/// A process that was killed may have left a log that was never synced, and it reads as if it had been.
#[tokio::test]
async fn what_a_killed_process_left_is_in_the_file_before_it_is_relied_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).join("ledger.db");
    let living = LedgerDb::open(path("living")).await.unwrap();
    let batch = Batch {
        leaves: vec![leaf()],
        ..Batch::default()
    };
    assert!(living.append(0, &batch).await.unwrap());
    for name in ["killed", "alone"] {
        fs::create_dir(directory.path().join(name)).unwrap();
    }
    for file in fs::read_dir(directory.path().join("living")).unwrap() {
        let file = file.unwrap();
        fs::copy(
            file.path(),
            directory.path().join("killed").join(file.file_name()),
        )
        .unwrap();
    }
    let killed = LedgerDb::open_alone(path("killed"), Synchronous::Full)
        .await
        .unwrap();
    assert!(killed.make_sure().await.unwrap());
    fs::copy(path("killed"), path("alone")).unwrap();
    let alone = LedgerDb::open(path("alone")).await.unwrap();
    assert_eq!(alone.size().await.unwrap(), 1);
}

#[tokio::test]
async fn what_somebody_still_reads_past_is_not_sure() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let db = LedgerDb::open(&path).await.unwrap();
    let mut reader = SqliteConnectOptions::new()
        .filename(&path)
        .connect()
        .await
        .unwrap();
    let mut reading = reader.begin().await.unwrap();
    let count = "SELECT count(*) FROM leaf";
    assert_eq!(
        sqlx::query_scalar::<_, i64>(count)
            .fetch_one(&mut *reading)
            .await
            .unwrap(),
        0
    );
    let batch = Batch {
        leaves: vec![leaf()],
        ..Batch::default()
    };
    assert!(db.append(0, &batch).await.unwrap());
    assert!(!db.make_sure().await.unwrap());
    reading.rollback().await.unwrap();
    assert!(db.make_sure().await.unwrap());
}

/// A log that an earlier version wrote is brought up to this one with every leaf.
#[tokio::test]
async fn a_log_of_the_first_version_is_brought_up() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let migrations = sqlx::migrate!("../../migrations/sqlite/ledger");
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    let first = sqlx::migrate::Migrator {
        migrations: migrations.migrations[..1].to_vec().into(),
        ..sqlx::migrate!("../../migrations/sqlite/ledger")
    };
    first.run(&mut connection).await.unwrap();
    let rp = ClientId::random(&SystemRng);
    let leaves: Vec<NewLeaf> = (0..5)
        .map(|number| NewLeaf {
            body: match number {
                0 => format!(r#"{{"kind":"service.halted","time":{number},"v":1}}"#),
                _ => format!(r#"{{"kind":"consent.granted","rp":"{rp}","time":{number},"v":1}}"#),
            },
            ..leaf()
        })
        .collect();
    for (leaf, place) in leaves.iter().zip(0_i64..) {
        let insert = sqlx::query("INSERT INTO leaf (place, id, body) VALUES (?1, ?2, ?3)");
        let insert = insert.bind(place).bind(leaf.id.as_str()).bind(&leaf.body);
        insert.execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();

    let db = LedgerDb::open(&path).await.unwrap();
    let bodies = db.leaves(0, 10).await.unwrap().into_iter().map(|leaf| leaf.body);
    assert!(bodies.eq(leaves.iter().map(|leaf| leaf.body.clone())));
    assert_eq!(
        db.places(&[leaves[4].id.clone()]).await.unwrap(),
        [(leaves[4].id.clone(), 4)]
    );
    let granted = ("consent.granted".into(), Some(rp.clone()), 4);
    let halted = ("service.halted".into(), None, 1);
    assert_eq!(db.counts(5).await.unwrap(), [granted.clone(), halted]);
    let batch = Batch {
        leaves: vec![NewLeaf {
            id: LeafId::random(&SystemRng),
            ..leaves[1].clone()
        }],
        ..Batch::default()
    };
    assert!(db.append(5, &batch).await.unwrap());
    assert_eq!(db.counts(6).await.unwrap()[0].2, 5);
    let filter = LeafFilter {
        rp: Some(rp),
        ..LeafFilter::default()
    };
    assert_eq!(db.matching(&filter, 0, 9, 9).await.unwrap().len(), 5);
}

fn bound_device() -> BoundDevice {
    BoundDevice {
        subject: SubjectId::random(&SystemRng),
        key: random(&SystemRng),
        release_from: UnixTime(0),
        number_commitment: Some(random(&SystemRng)),
    }
}

/// A share that takes more than one page.
fn long_share() -> Vec<u8> {
    random::<6000>(&SystemRng).to_vec()
}

#[tokio::test]
async fn a_record_that_was_freed_or_erased_is_in_no_file_and_its_tag_no_longer_than_it_cools_off() {
    for erased in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let db = VaultDb::open(directory.path().join("vault.db")).await.unwrap();
        let (device, tag): (_, [u8; 32]) = (bound_device(), random(&SystemRng));
        let subject = device.subject;
        let field = VaultField {
            field: Field::Name,
            ciphertext: random::<48>(&SystemRng).to_vec(),
            share: long_share(),
        };
        assert!(db.reserve(&tag, &subject, NOW).await.unwrap());
        let fields = std::slice::from_ref(&field);
        assert!(db.deposit(&device, "jkt", fields).await.unwrap());
        let secrets = [
            &field.ciphertext[..],
            &field.share[5000..5100],
            &subject.as_bytes()[..],
        ];
        let before = all_bytes(directory.path());
        assert!(secrets.iter().all(|secret| contains(&before, secret)));
        if erased {
            assert!(db.confirm(&subject).await.unwrap());
            db.erase(&subject).await.unwrap();
        } else {
            db.free(&subject).await.unwrap();
        }
        let after = all_bytes(directory.path());
        assert!(!secrets.iter().any(|secret| contains(&after, secret)), "{erased}");
        assert_eq!(contains(&after, &tag), erased, "it cools off");
        let today = NOW.day_start();
        db.cool_off(today, UnixTime(0)).await.unwrap();
        db.cool_off(today, today).await.unwrap();
        assert!(!contains(&all_bytes(directory.path()), &tag), "it has cooled off");
    }
}

#[tokio::test]
async fn a_share_that_was_freed_or_erased_is_in_no_file() {
    for erased in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let db = CustodianDb::open(directory.path().join("custodian.db"))
            .await
            .unwrap();
        let device = bound_device();
        let subject = device.subject;
        let share = CustodianShare {
            field: Field::Name,
            share: long_share(),
        };
        let shares = std::slice::from_ref(&share);
        assert!(db.deposit(&device, "jkt", shares, NOW).await.unwrap());
        let secrets = [&share.share[5000..5100], &subject.as_bytes()[..]];
        let before = all_bytes(directory.path());
        assert!(secrets.iter().all(|secret| contains(&before, secret)));
        if erased {
            assert!(db.confirm(&subject).await.unwrap());
            db.erase(&subject).await.unwrap();
        } else {
            db.free(&subject).await.unwrap();
        }
        let after = all_bytes(directory.path());
        assert!(!secrets.iter().any(|secret| contains(&after, secret)), "{erased}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_sequencers_on_one_file_one_appends_at_a_size() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let (one, other) = (
        LedgerDb::open(&path).await.unwrap(),
        LedgerDb::open(&path).await.unwrap(),
    );
    for size in 0..20 {
        let batch = || Batch {
            leaves: vec![leaf()],
            ..Batch::default()
        };
        let (mine, yours) = (batch(), batch());
        let (won, lost) = tokio::join!(one.append(size, &mine), other.append(size, &yours));
        assert!(won.unwrap() != lost.unwrap());
        assert_eq!(one.size().await.unwrap(), size + 1);
        assert_eq!(other.size().await.unwrap(), size + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thing_is_used_once_among_processes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("registry.db");
    let (one, other) = (
        RegistryDb::open(&path).await.unwrap(),
        RegistryDb::open(&path).await.unwrap(),
    );
    for _ in 0..20 {
        let thing = SingleUse {
            digest: random(&SystemRng),
            forget_at: NOW,
        };
        let (first, second) = tokio::join!(one.use_once(&thing), other.use_once(&thing));
        assert!(first.unwrap() != second.unwrap());
    }
}
