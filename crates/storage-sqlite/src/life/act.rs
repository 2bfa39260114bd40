//! Acts of operators on identifiers.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::id::{ClientId, IdentityActId};
use cyberid_domain::subject::LifeReason;
use cyberid_storage::Result;
use cyberid_storage::life::{IdentityAct, IdentityActs, OperatorAct};

use super::read_subject;
use crate::fault::{Answer, Fault};
use crate::registry::RegistryDb;
use crate::value::{moment, parsed, seconds};

const COLUMNS: &str = "SELECT id, act, reason, reference, subjects, applied_by, applied_at, approved_by, in_force, done_at \
     FROM identity_act";

#[async_trait]
impl IdentityActs for RegistryDb {
    async fn apply_act(&self, act: &IdentityAct) -> Result<()> {
        let subjects: Vec<u8> = act
            .subjects
            .iter()
            .flat_map(|subject| *subject.as_bytes())
            .collect();
        let sql = "INSERT INTO identity_act (id, act, reason, reference, subjects, applied_by, applied_at, in_force) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO NOTHING";
        let apply = sqlx::query(sql)
            .bind(act.id.as_str())
            .bind(name(act.act))
            .bind(act.reason.as_str())
            .bind(&act.reference)
            .bind(subjects)
            .bind(act.applied_by.as_str())
            .bind(seconds(act.applied_at))
            .bind(act.in_force);
        self.db.write("apply_act", apply).await?;
        Ok(())
    }

    async fn act(&self, id: &IdentityActId) -> Result<Option<IdentityAct>> {
        let sql = format!("{COLUMNS} WHERE id = ?1");
        let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(id.as_str())
            .fetch_optional(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(row.map(Row::read).transpose()?)
    }

    async fn approve_act(&self, id: &IdentityActId, operator: &ClientId) -> Result<bool> {
        let sql = "UPDATE identity_act SET approved_by = ?2, in_force = 1 \
                   WHERE id = ?1 AND NOT in_force AND applied_by <> ?2";
        let approve = sqlx::query(sql).bind(id.as_str()).bind(operator.as_str());
        Ok(self.db.write("approve_act", approve).await? > 0)
    }

    async fn acts_alone(&self, operator: &ClientId, since: UnixTime) -> Result<u32> {
        let sql = "SELECT count(*) FROM identity_act \
                   WHERE applied_by = ?1 AND applied_at >= ?2 AND in_force AND approved_by IS NULL";
        Ok(sqlx::query_scalar(sql)
            .bind(operator.as_str())
            .bind(seconds(since))
            .fetch_one(self.db.readers())
            .await
            .map_err(Fault::from)?)
    }

    async fn acts_to_do(&self) -> Result<Vec<IdentityAct>> {
        let sql = format!("{COLUMNS} WHERE in_force AND done_at IS NULL ORDER BY place");
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        let acts: Answer<_> = rows.into_iter().map(Row::read).collect();
        Ok(acts?)
    }

    async fn act_done(&self, id: &IdentityActId, at: UnixTime) -> Result<()> {
        let sql = "UPDATE identity_act SET done_at = ?2 WHERE id = ?1 AND done_at IS NULL";
        let done = sqlx::query(sql).bind(id.as_str()).bind(seconds(at));
        self.db.write("act_done", done).await?;
        Ok(())
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    act: String,
    reason: String,
    reference: String,
    subjects: Vec<u8>,
    applied_by: String,
    applied_at: i64,
    approved_by: Option<String>,
    in_force: bool,
    done_at: Option<i64>,
}

impl Row {
    fn read(self) -> Answer<IdentityAct> {
        let approved_by = self.approved_by;
        Ok(IdentityAct {
            id: parsed(&self.id, "act")?,
            act: read_act(&self.act)?,
            reason: LifeReason::named(&self.reason).ok_or(Fault::Corrupt("reason"))?,
            reference: self.reference,
            subjects: self
                .subjects
                .chunks(32)
                .map(read_subject)
                .collect::<Answer<_>>()?,
            applied_by: parsed(&self.applied_by, "operator")?,
            applied_at: moment(self.applied_at)?,
            approved_by: approved_by.map(|by| parsed(&by, "operator")).transpose()?,
            in_force: self.in_force,
            done_at: self.done_at.map(moment).transpose()?,
        })
    }
}

const fn name(act: OperatorAct) -> &'static str {
    match act {
        OperatorAct::Suspend => "suspend",
        OperatorAct::Reinstate => "reinstate",
    }
}

fn read_act(name: &str) -> Answer<OperatorAct> {
    match name {
        "suspend" => Ok(OperatorAct::Suspend),
        "reinstate" => Ok(OperatorAct::Reinstate),
        _ => Err(Fault::Corrupt("act")),
    }
}
