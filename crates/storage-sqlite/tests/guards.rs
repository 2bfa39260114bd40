//! What no port can ask, the tables refuse by themselves.

#![expect(clippy::unwrap_used, reason = "a test stops where its files cannot be made")]

use std::path::{Path, PathBuf};

use cyberid_domain::id::SubjectId;
use cyberid_storage::StorageError;
use cyberid_storage::subject::Subjects as _;
use cyberid_storage_sqlite::{CustodianDb, LedgerDb, RegistryDb, VaultDb};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use tempfile::TempDir;

/// A directory, and one migrated file in it.
struct File {
    _directory: TempDir,
    path: PathBuf,
}

macro_rules! file {
    ($open:path) => {{
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file.db");
        $open(&path).await.unwrap().close().await;
        File {
            _directory: directory,
            path,
        }
    }};
}

async fn connect(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .connect()
        .await
        .unwrap()
}

/// Runs `before`, which has to work, and then each statement, which has to be refused in the words beside it.
async fn refuses(file: &File, before: &[&'static str], refused: &[(&'static str, &str)]) {
    let mut connection = connect(&file.path).await;
    for sql in before {
        sqlx::query(*sql).execute(&mut connection).await.unwrap();
    }
    for (sql, words) in refused {
        let error = sqlx::query(*sql).execute(&mut connection).await.unwrap_err();
        assert!(error.to_string().contains(words), "{sql}: {error}");
    }
}

#[tokio::test]
async fn a_leaf_and_a_checkpoint_are_never_changed_and_a_tile_only_grows() {
    let file = file!(LedgerDb::open);
    refuses(
        &file,
        &[
            "INSERT INTO leaf (place, id, kind, time, body) VALUES (0, 'a', 'k', 1, 'body')",
            "INSERT INTO tally (kind, rp, leaves) VALUES ('k', '', 5)",
            "UPDATE tally SET leaves = 6",
            "INSERT INTO tile (level, place, hashes) VALUES (0, 0, zeroblob(64))",
            "INSERT INTO checkpoint (size, note) VALUES (1, 'note')",
            "INSERT INTO cosigned (size, note) VALUES (1, 'note')",
            "UPDATE tile SET hashes = zeroblob(96)",
            "UPDATE cosigned SET note = 'more'",
        ],
        &[
            ("UPDATE leaf SET body = body", "a leaf is not changed"),
            ("DELETE FROM leaf", "a leaf is not removed"),
            (
                "INSERT INTO leaf (place, id, kind, time, body) VALUES (2, 'b', 'k', 1, 'body')",
                "a leaf follows the last one",
            ),
            (
                "INSERT OR REPLACE INTO leaf (place, id, kind, time, body) VALUES (0, 'b', 'k', 1, 'body')",
                "a leaf follows the last one",
            ),
            (
                "INSERT INTO leaf (place, id, kind, time, body) VALUES (1, 'a', 'k', 1, 'body')",
                "UNIQUE",
            ),
            ("UPDATE tally SET leaves = 6", "a tally only grows"),
            (
                "UPDATE tally SET kind = 'other', leaves = 7",
                "a tally only grows",
            ),
            ("DELETE FROM tally", "a tally is not removed"),
            ("UPDATE tile SET hashes = zeroblob(64)", "a tile only grows"),
            (
                "UPDATE tile SET hashes = CAST(x'01' || zeroblob(127) AS BLOB)",
                "a tile only grows",
            ),
            ("UPDATE tile SET place = 1", "a tile only grows"),
            ("UPDATE tile SET level = 1", "a tile only grows"),
            ("UPDATE tile SET hashes = zeroblob(97)", "CHECK"),
            ("DELETE FROM tile", "a tile is not removed"),
            (
                "INSERT INTO tile (level, place, hashes) VALUES (0, 1, zeroblob(8224))",
                "CHECK",
            ),
            (
                "UPDATE checkpoint SET note = 'other'",
                "a checkpoint is not changed",
            ),
            ("DELETE FROM checkpoint", "a checkpoint is not removed"),
            ("DELETE FROM cosigned", "a cosigned checkpoint is not removed"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_used_consent_stays_used_and_a_remembered_checkpoint_grows() {
    for file in [file!(VaultDb::open), file!(CustodianDb::open)] {
        refuses(
            &file,
            &[
                "INSERT INTO consent_use (consent_sha256, leaf_sha256, used_at) VALUES ('a', 'b', 1)",
                "INSERT INTO remembered (one, size, root) VALUES (1, 5, zeroblob(32))",
            ],
            &[
                (
                    "UPDATE consent_use SET leaf_sha256 = 'c'",
                    "the use of a consent is not changed",
                ),
                ("DELETE FROM consent_use", "the use of a consent is not removed"),
                (
                    "UPDATE remembered SET size = 4",
                    "a remembered checkpoint only grows",
                ),
                (
                    "UPDATE remembered SET root = randomblob(32)",
                    "a remembered checkpoint only grows",
                ),
                (
                    "DELETE FROM remembered",
                    "a remembered checkpoint is not forgotten",
                ),
                (
                    "INSERT INTO device (jkt, subject, key) VALUES ('a', zeroblob(32), zeroblob(65))",
                    "FOREIGN KEY",
                ),
            ],
        )
        .await;
    }
}

const RELEASE: &[&str] = &[
    "INSERT INTO release (id, client_id, sub, purpose, fields, nonce, created_at, expires_at, status) \
     VALUES ('r', 'c', 's', 'p', '[]', 'n', 1, 2, 'withdrawn')",
    "INSERT INTO request_object (release, locale, compact) VALUES ('r', 'en', 'object')",
    "INSERT INTO promise (id, body) VALUES ('l', 'body')",
    "INSERT INTO promise (id, body, leaf_index) VALUES ('kept', 'body', 1)",
    "INSERT INTO release_leaf (release, leaf) VALUES ('r', 'l')",
    "INSERT INTO erasure (release, erase_by) VALUES ('r', 5)",
    "UPDATE erasure SET overdue = 'l'",
    "UPDATE erasure SET confirmed = 'kept'",
    "INSERT INTO event (client_id, token) VALUES ('c', 'token')",
];

#[tokio::test]
async fn the_life_of_a_release_is_not_rewritten() {
    let file = file!(RegistryDb::open);
    refuses(
        &file,
        RELEASE,
        &[
            (
                "UPDATE promise SET body = 'other' WHERE id = 'l'",
                "a promised leaf is not changed",
            ),
            (
                "UPDATE promise SET leaf_index = 2 WHERE id = 'kept'",
                "a promised leaf is not changed",
            ),
            ("DELETE FROM promise", "a promised leaf is not removed"),
            (
                "UPDATE release_leaf SET leaf = 'kept'",
                "a leaf of a release is not changed",
            ),
            ("DELETE FROM release_leaf", "a leaf of a release is not removed"),
            (
                "UPDATE request_object SET compact = 'other'",
                "a request object is not changed",
            ),
            ("UPDATE erasure SET erase_by = 6", "recorded of an erasure"),
            ("UPDATE erasure SET overdue = NULL", "recorded of an erasure"),
            ("UPDATE erasure SET confirmed = 'l'", "recorded of an erasure"),
            ("DELETE FROM erasure", "an erasure that is owed is not removed"),
            ("UPDATE event SET token = 'other'", "an event is not changed"),
            ("DELETE FROM event", "an event is not removed"),
            ("UPDATE release SET status = 'unknown'", "CHECK"),
            ("DELETE FROM release", "FOREIGN KEY"),
            (
                "INSERT INTO release_leaf (release, leaf) VALUES ('r', 'unknown')",
                "FOREIGN KEY",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_was_used_once_is_not_changed() {
    let file = file!(RegistryDb::open);
    refuses(
        &file,
        &["INSERT INTO single_use (digest, forget_at) VALUES (zeroblob(32), 1)"],
        &[(
            "UPDATE single_use SET forget_at = 0",
            "what was used once is not changed",
        )],
    )
    .await;
}

#[tokio::test]
async fn a_relying_party_is_replaced_revision_by_revision_and_never_stored_as_expired() {
    let file = file!(RegistryDb::open);
    refuses(
        &file,
        &[
            "INSERT INTO relying_party (client_id, registration, status, applied_by, applied_at, certificates) \
             VALUES ('rp', '{}', 'approved', 'operator', 1, '[]')",
        ],
        &[
            (
                "UPDATE relying_party SET status = 'suspended'",
                "revision by revision",
            ),
            (
                "UPDATE relying_party SET status = 'suspended', revision = 2",
                "revision by revision",
            ),
            (
                "UPDATE relying_party SET status = 'expired', revision = 1",
                "CHECK",
            ),
            (
                "INSERT INTO waiting_renewal (client_id, applied_by, applied_at, days) VALUES ('rp', 'o', 1, 366)",
                "CHECK",
            ),
            (
                "INSERT INTO waiting_keys (client_id, registration, certificates, in_force_at) \
                 VALUES ('nobody', '{}', '[]', 1)",
                "FOREIGN KEY",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_row_that_nobody_could_have_written_is_reported_and_not_guessed_at() {
    let file = file!(RegistryDb::open);
    let mut connection = connect(&file.path).await;
    for sql in [
        // A mistyped network number.
        "INSERT INTO subject (subject, number, status, age_flags, document_expires_at, \
         credential_expires_at, pin_salt, pin_memory_kib, pin_passes, pin_tag) \
         VALUES (zeroblob(32), '0000000001', 'active', 0, 1, 1, zeroblob(16), 1, 1, zeroblob(32))",
        "INSERT INTO device (jkt, subject, key, bound_at) VALUES ('jkt', zeroblob(32), zeroblob(65), -1)",
    ] {
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    }
    let db = RegistryDb::open(&file.path).await.unwrap();
    let subject = db.by_device("jkt").await.map(|_| ());
    assert!(matches!(subject, Err(StorageError::Corrupt("network number"))));
    let devices = db.devices(&SubjectId::from_bytes([0; 32])).await;
    assert!(matches!(devices, Err(StorageError::Corrupt("time"))));
}

#[tokio::test]
async fn an_official_access_stays_as_it_was_signed_and_a_number_as_it_was_deposited() {
    let registry = file!(RegistryDb::open);
    refuses(
        &registry,
        &[
            "INSERT INTO official_access (id, authority, compact_order, salt, created_at, expires_at, notice_after, \
             status) VALUES ('a', 'b', 'c', zeroblob(32), 0, 0, 0, 'requested')",
            "UPDATE official_access SET status = 'countersigned', countersignature = 'd'",
            "UPDATE official_access SET status = 'intended', subject = zeroblob(32)",
        ],
        &[
            (
                "UPDATE official_access SET compact_order = 'e'",
                "an official access is not changed",
            ),
            (
                "UPDATE official_access SET notice_after = 1",
                "an official access is not changed",
            ),
            (
                "UPDATE official_access SET countersignature = 'e'",
                "an official access is not changed",
            ),
            (
                "UPDATE official_access SET subject = randomblob(32)",
                "an official access is not changed",
            ),
            ("DELETE FROM official_access", "an official access is not removed"),
            (
                "INSERT INTO official_access (id, authority, compact_order, salt, created_at, expires_at, \
                 notice_after, status) VALUES ('x', 'b', 'y', zeroblob(32), 0, 0, 0, 'intended')",
                "CHECK",
            ),
        ],
    )
    .await;
    for holder in [file!(VaultDb::open), file!(CustodianDb::open)] {
        refuses(
            &holder,
            &["INSERT INTO record (subject, number_commitment) VALUES (zeroblob(32), zeroblob(32))"],
            &[
                (
                    "UPDATE record SET number_commitment = randomblob(32)",
                    "the number of a record is not changed",
                ),
                (
                    "UPDATE record SET number_commitment = NULL",
                    "the number of a record is not changed",
                ),
            ],
        )
        .await;
    }
}
