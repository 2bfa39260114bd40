//! The relying parties as the regulator sees them: what each may ask, what it asked too much, and what it owes.

use std::collections::BTreeMap;

use cyberid_domain::UnixTime;
use cyberid_domain::id::ClientId;
use cyberid_protocol::audit::{OutstandingErasure, OverseenParties, OverseenParty};
use cyberid_protocol::registration::Registration;
use cyberid_storage_read::oversight;

use crate::{Audit, AuditError};

/// The most relying parties of one page.
pub(crate) const MAX_PAGE: u32 = 100;

/// Which relying parties are asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// Only those after this one.
    pub(crate) after: Option<ClientId>,
    /// Only those that owe an erasure whose time is over.
    pub(crate) overdue: bool,
    /// How many at most.
    pub(crate) limit: u32,
}

impl Audit {
    /// A page of the relying parties that were ever applied for, by id.
    pub(crate) async fn parties(&self, wanted: &Wanted) -> Result<OverseenParties, AuditError> {
        let records = self.records().await?;
        let mut relying_parties = Vec::new();
        let mut after = wanted.after.clone();
        loop {
            let rows = self
                .oversight
                .parties(after.as_ref(), MAX_PAGE, records.now)
                .await?;
            let Some(last) = rows.last() else {
                let next = None;
                return Ok(OverseenParties {
                    relying_parties,
                    next,
                });
            };
            after = Some(last.client_id.clone());
            for row in rows {
                if relying_parties.len() == wanted.limit as usize {
                    let next = relying_parties
                        .last()
                        .map(|party: &OverseenParty| party.client_id.clone());
                    return Ok(OverseenParties {
                        relying_parties,
                        next,
                    });
                }
                let party = records.of(row)?;
                if !wanted.overdue || party.outstanding_erasures.iter().any(|erasure| erasure.overdue) {
                    relying_parties.push(party);
                }
            }
        }
    }

    /// One relying party; nothing, if nobody ever applied for it.
    pub(crate) async fn party(&self, client_id: &ClientId) -> Result<Option<OverseenParty>, AuditError> {
        let row = self.oversight.party(client_id, self.clock.now()).await?;
        match row {
            Some(row) => self.records().await?.of(row).map(Some),
            None => Ok(None),
        }
    }

    async fn records(&self) -> Result<Records, AuditError> {
        let now = self.clock.now();
        let size = self.reader.latest().await?.size();
        let mut kinds = BTreeMap::<ClientId, BTreeMap<String, u64>>::new();
        for (kind, rp, count) in self.store.counts(size).await? {
            if let Some(rp) = rp {
                kinds.entry(rp).or_default().insert(kind, count);
            }
        }
        let mut erasures = BTreeMap::<ClientId, Vec<OutstandingErasure>>::new();
        for owed in self.oversight.outstanding_erasures().await? {
            erasures
                .entry(owed.client_id)
                .or_default()
                .push(OutstandingErasure {
                    release_id: owed.release,
                    erase_by: owed.erase_by,
                    overdue: owed.erase_by <= now,
                });
        }
        Ok(Records {
            kinds,
            erasures,
            over_asking: self.oversight.over_asking().await?.into_iter().collect(),
            now,
        })
    }
}

/// What is on record of all relying parties.
struct Records {
    kinds: BTreeMap<ClientId, BTreeMap<String, u64>>,
    erasures: BTreeMap<ClientId, Vec<OutstandingErasure>>,
    over_asking: BTreeMap<ClientId, u64>,
    now: UnixTime,
}

impl Records {
    /// A relying party with what is on record of it.
    fn of(&self, row: oversight::OverseenParty) -> Result<OverseenParty, AuditError> {
        let registration: Registration =
            serde_json::from_str(&row.registration).map_err(|_| AuditError::Corrupt("registration"))?;
        let id = &row.client_id;
        Ok(OverseenParty {
            kinds: self.kinds.get(id).cloned().unwrap_or_default(),
            over_asking: self.over_asking.get(id).copied().unwrap_or_default(),
            outstanding_erasures: self.erasures.get(id).cloned().unwrap_or_default(),
            name: registration.name,
            domains: registration.domains,
            contact: registration.contact,
            deletion_contact: registration.deletion_contact,
            status: row.status,
            expires_at: row.expires_at,
            intended_uses: registration.intended_uses,
            client_id: row.client_id,
        })
    }
}
