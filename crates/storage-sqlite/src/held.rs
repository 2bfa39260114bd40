//! Everything that the registry holds about one person. The tables are read from the schema, so that none is forgotten.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::id::SubjectId;
use cyberid_storage::Result;
use cyberid_storage::held::{Held, HeldTable};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use crate::database::Database;
use crate::fault::Answer;
use crate::registry::RegistryDb;
use crate::value::seconds;

/// The official accesses of which the person may know by now.
const TOLD: &str = "SELECT id FROM official_access WHERE subject = ?1 AND notice_after <= ?2 \
                    AND status IN ('intended', 'delivered', 'presumed')";
/// The releases that the person granted.
const GRANTED: &str = "SELECT release FROM consent WHERE subject = ?1";

/// Columns that are left out wherever they stand: the handles of people.
const HANDLES: [&str; 4] = ["subject", "subjects", "ward", "guardian"];

/// Columns that are left out: with them the PIN, the date of birth or the person could be guessed; or they are those of
/// whoever reported a misuse.
const SECRETS: [(&str, &str); 8] = [
    ("subject", "pin_salt"),
    ("subject", "pin_tag"),
    ("subject", "person_tag"),
    ("age_tag", "tag"),
    ("person_case", "jkt"),
    ("person_case", "key"),
    ("person_case", "pin_salt"),
    ("person_case", "pin_tag"),
];

#[async_trait]
impl Held for RegistryDb {
    async fn held_of(&self, subject: &SubjectId, now: UnixTime) -> Result<Vec<HeldTable>> {
        Ok(held(&self.db, subject, now).await?)
    }
}

/// All of one moment: in a transaction that only reads.
async fn held(db: &Database, subject: &SubjectId, now: UnixTime) -> Answer<Vec<HeldTable>> {
    let mut reader = db.reader().await?;
    let mut moment = reader.begin().await?;
    read_all(&mut moment, subject, now).await
}

async fn read_all(
    reader: &mut SqliteConnection,
    subject: &SubjectId,
    now: UnixTime,
) -> Answer<Vec<HeldTable>> {
    let mut tables = Vec::new();
    for name in tables_of(reader).await? {
        let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info(?1)")
            .bind(&name)
            .fetch_all(&mut *reader)
            .await?;
        let Some(whose) = whose(&name, &columns) else {
            continue;
        };
        let (withheld, shown): (Vec<String>, Vec<String>) =
            columns.into_iter().partition(|column| is_withheld(&name, column));
        // Names of the schema, which nobody outside has a say in.
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(query(&name, &shown, &whose)))
            .bind(subject.as_bytes().as_slice())
            .bind(seconds(now))
            .fetch_all(&mut *reader)
            .await?;
        if !rows.is_empty() {
            tables.push(HeldTable { name, rows, withheld });
        }
    }
    Ok(tables)
}

async fn tables_of(reader: &mut SqliteConnection) -> Answer<Vec<String>> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' \
               AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> '_sqlx_migrations' ORDER BY name";
    Ok(sqlx::query_scalar(sql).fetch_all(reader).await?)
}

/// Which rows of a table are about the subject `?1` and may be shown at `?2`; nothing for a table that is about nobody.
fn whose(table: &str, columns: &[String]) -> Option<String> {
    let named = columns.iter().any(|column| column == "subject");
    Some(match table {
        "guardianship" => "ward = ?1 OR guardian = ?1".to_owned(),
        "release" => format!("id IN ({GRANTED})"),
        "release_leaf" | "request_object" | "erasure" => format!("release IN ({GRANTED})"),
        "official_access" => format!("id IN ({TOLD})"),
        "official_leaf" => format!("access IN ({TOLD})"),
        "identity_act" => "in_force AND instr(subjects, ?1) % 32 = 1".to_owned(),
        // An appeal knows a device key and no person: whose it is, the key says.
        "person_case" => "subject = ?1 OR (subject IS NULL \
                          AND jkt IN (SELECT device.jkt FROM device WHERE device.subject = ?1))"
            .to_owned(),
        "promise" => format!(
            "id IN (SELECT leaf FROM release_leaf WHERE release IN ({GRANTED}) \
             UNION SELECT leaf FROM official_leaf WHERE access IN ({TOLD}) \
             UNION SELECT leaf FROM life_leaf WHERE subject = ?1)"
        ),
        _ if named => "subject = ?1".to_owned(),
        _ => return None,
    })
}

fn is_withheld(table: &str, column: &str) -> bool {
    HANDLES.contains(&column) || SECRETS.contains(&(table, column))
}

fn query(table: &str, columns: &[String], whose: &str) -> String {
    let member = |column: &String| {
        format!("'{column}', CASE typeof({column}) WHEN 'blob' THEN lower(hex({column})) ELSE {column} END")
    };
    let members: Vec<String> = columns.iter().map(member).collect();
    let members = members.join(", ");
    format!("SELECT json_object({members}) FROM {table} WHERE ({whose}) AND ?2 >= 0")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use cyberid_domain::case::CaseKind;
    use cyberid_domain::id::CaseId;
    use cyberid_domain::rng::SystemRng;
    use cyberid_storage::case::{Case, Cases as _};
    use cyberid_storage::conformance::subject::enrolled;

    use super::*;

    /// Tables that are about nobody, each with the reason. A new table is in neither list and fails the test until
    /// somebody has thought of it.
    const ABOUT_NOBODY: [(&str, &str); 14] = [
        ("age_day", "the day of the last job"),
        ("custodians", "how many hold a share of each record"),
        (
            "ended_person",
            "tags of handles; whose identifier it was is not kept",
        ),
        ("event", "told to relying parties by pseudonym"),
        ("event_push", "how far pushing has come"),
        ("kept_answer", "digests, and what is sealed under them"),
        ("over_asking", "relying parties"),
        ("pin_decoy", "a row that is nobody's"),
        ("relying_party", "relying parties"),
        ("retired_number", "numbers; whose they were is not kept"),
        ("single_use", "digests"),
        (
            "source_notice",
            "what the identity source told; about whom is not kept",
        ),
        ("waiting_keys", "relying parties"),
        ("waiting_renewal", "relying parties"),
    ];

    #[tokio::test]
    async fn every_table_is_about_somebody_or_known_to_be_about_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let registry = RegistryDb::open(folder.path().join("registry.db")).await.unwrap();
        let mut reader = registry.db.reader().await.unwrap();
        let nobody: BTreeSet<&str> = ABOUT_NOBODY.iter().map(|(table, _)| *table).collect();
        let tables = tables_of(&mut reader).await.unwrap();
        assert!(tables.len() > 20);
        for table in tables {
            let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info(?1)")
                .bind(&table)
                .fetch_all(&mut *reader)
                .await
                .unwrap();
            let about = whose(&table, &columns).is_some();
            assert_eq!(about, !nobody.contains(table.as_str()), "{table}: {columns:?}");
        }
    }

    #[tokio::test]
    async fn nobody_reads_anothers_rows_or_any_of_a_stranger() {
        let folder = tempfile::tempdir().unwrap();
        let registry = RegistryDb::open(folder.path().join("registry.db")).await.unwrap();
        let (one, other) = ([1_u8; 32], [2_u8; 32]);
        for (subject, number) in [(one, "AAAAAAAAAA"), (other, "BBBBBBBBBB")] {
            let sql = "INSERT INTO number_salt (subject, salt) VALUES (?1, ?2)";
            let salt = number.repeat(4).into_bytes()[..32].to_vec();
            let mut tx = registry.db.begin("test").await.unwrap();
            sqlx::query(sql)
                .bind(subject.as_slice())
                .bind(salt)
                .execute(&mut *tx)
                .await
                .unwrap();
            tx.commit().await.unwrap();
        }
        let mine = registry
            .held_of(&SubjectId::from_bytes(one), UnixTime(0))
            .await
            .unwrap();
        assert_eq!(mine.len(), 1);
        assert_eq!(
            (mine[0].name.as_str(), mine[0].withheld.as_slice()),
            ("number_salt", &["subject".to_owned()][..])
        );
        assert_eq!(mine[0].rows, [format!("{{\"salt\":\"{}\"}}", "41".repeat(32))]);
        let nobody = registry
            .held_of(&SubjectId::from_bytes([3; 32]), UnixTime(0))
            .await
            .unwrap();
        assert_eq!(nobody, []);
    }

    #[tokio::test]
    async fn an_appeal_is_its_devices_and_says_nothing_of_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let registry = RegistryDb::open(folder.path().join("registry.db")).await.unwrap();
        let registry = Arc::new(registry);
        let new = enrolled(&registry).await;
        let appeal = |jkt: &str| Case {
            id: CaseId::random(&SystemRng),
            kind: CaseKind::Appeal,
            jkt: jkt.into(),
            key: [4; 65],
            subject: None,
            pin: None,
            opened_at: UnixTime(7),
            halted: false,
            said: None,
            decided_at: None,
            done_at: None,
        };
        for jkt in [new.device.jkt.as_str(), "another's"] {
            assert!(registry.open_case(&appeal(jkt)).await.unwrap());
        }
        let held = registry.held_of(&new.subject, UnixTime(9)).await.unwrap();
        let cases = held.iter().find(|table| table.name == "person_case").unwrap();
        assert_eq!(cases.rows.len(), 1);
        assert!(!cases.rows[0].contains(&new.device.jkt) && cases.rows[0].contains("\"kind\":\"appeal\""));
    }

    #[tokio::test]
    async fn an_official_access_is_shown_from_its_notice_on_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let registry = RegistryDb::open(folder.path().join("registry.db")).await.unwrap();
        let sql = "INSERT INTO official_access (id, authority, compact_order, countersignature, salt, created_at, expires_at, \
                   notice_after, status, subject) VALUES (?1, 'a', ?1, 'c', ?2, 1, 2, 100, ?3, ?2)";
        let mut tx = registry.db.begin("test").await.unwrap();
        for (id, status) in [("delivered", "delivered"), ("waiting", "countersigned")] {
            let insert = sqlx::query(sql).bind(id).bind([7_u8; 32].as_slice()).bind(status);
            insert.execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
        let shown = async |now| {
            let held = registry
                .held_of(&SubjectId::from_bytes([7; 32]), UnixTime(now))
                .await
                .unwrap();
            held.iter().map(|table| table.rows.len()).sum::<usize>()
        };
        assert_eq!(shown(99).await, 0);
        assert_eq!(shown(100).await, 1, "the one by which the record was opened");
    }
}
