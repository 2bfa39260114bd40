//! Promised leaves.

use async_trait::async_trait;
use cyberid_domain::id::LeafId;
use cyberid_storage::Result;
use cyberid_storage::promise::{Pledges, PromisedLeaf, Promises};
use sqlx::SqliteConnection;

use crate::fault::{Answer, Fault};
use crate::registry::RegistryDb;
use crate::value::{count, integer, parsed};

#[async_trait]
impl Promises for RegistryDb {
    async fn outstanding(&self, limit: u32) -> Result<Vec<PromisedLeaf>> {
        let sql = "SELECT id, body FROM promise WHERE leaf_index IS NULL ORDER BY place LIMIT ?1";
        let rows: Vec<(String, String)> = sqlx::query_as(sql)
            .bind(limit)
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        let leaves: Answer<_> = rows
            .into_iter()
            .map(|(id, body)| {
                let id = parsed(&id, "leaf id")?;
                Ok(PromisedLeaf { id, body })
            })
            .collect();
        Ok(leaves?)
    }

    async fn kept(&self, id: &LeafId, index: u64) -> Result<()> {
        let sql = "UPDATE promise SET leaf_index = ?2 WHERE id = ?1 AND leaf_index IS NULL";
        let keep = sqlx::query(sql).bind(id.as_str()).bind(integer(index)?);
        self.db.write("kept", keep).await?;
        Ok(())
    }

    async fn place(&self, id: &LeafId) -> Result<Option<u64>> {
        let place: Option<Option<i64>> = sqlx::query_scalar("SELECT leaf_index FROM promise WHERE id = ?1")
            .bind(id.as_str())
            .fetch_optional(self.db.readers())
            .await
            .map_err(Fault::from)?;
        let place = place.flatten().map(|place| count(place, "leaf index"));
        Ok(place.transpose()?)
    }
}

#[async_trait]
impl Pledges for RegistryDb {
    async fn pledge(&self, leaves: &[PromisedLeaf]) -> Result<u64> {
        let mut tx = self.db.begin("pledge").await?;
        let mut new = 0;
        for leaf in leaves {
            let sql = "INSERT INTO promise (id, body) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING";
            let pledge = sqlx::query(sql).bind(leaf.id.as_str()).bind(&leaf.body);
            let pledged = pledge.execute(&mut *tx).await.map_err(Fault::from)?;
            new += pledged.rows_affected();
        }
        tx.commit().await?;
        Ok(new)
    }
}

/// Promises a leaf, in the transaction that makes it true.
pub(crate) async fn promise(tx: &mut SqliteConnection, leaf: &PromisedLeaf) -> Answer<()> {
    sqlx::query("INSERT INTO promise (id, body) VALUES (?1, ?2)")
        .bind(leaf.id.as_str())
        .bind(&leaf.body)
        .execute(tx)
        .await?;
    Ok(())
}

/// Whether a leaf of this name was promised, kept or not.
pub(crate) async fn is_promised(tx: &mut SqliteConnection, leaf: &PromisedLeaf) -> Answer<bool> {
    Ok(
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM promise WHERE id = ?1)")
            .bind(leaf.id.as_str())
            .fetch_one(tx)
            .await?,
    )
}
