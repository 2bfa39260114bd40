//! Counts over the whole ledger.

use std::collections::BTreeMap;

use cyberid_domain::id::ClientId;
use cyberid_protocol::audit::{AuditSummary, RelyingPartySummary};

use crate::{Audit, AuditError};

impl Audit {
    /// How many leaves of each kind there are, for all and for each relying party.
    pub(crate) async fn summary(&self) -> Result<AuditSummary, AuditError> {
        let size = self.reader.latest().await?.size();
        let mut kinds = BTreeMap::<String, u64>::new();
        let mut parties = BTreeMap::<ClientId, RelyingPartySummary>::new();
        for (kind, rp, count) in self.store.counts(size).await? {
            *kinds.entry(kind.clone()).or_default() += count;
            if let Some(rp) = rp {
                *party(&mut parties, rp).kinds.entry(kind).or_default() += count;
            }
        }
        for (rp, count) in self.oversight.over_asking().await? {
            party(&mut parties, rp).over_asking = count;
        }
        let time = self.clock.now();
        for owed in self.oversight.outstanding_erasures().await? {
            if owed.erase_by <= time {
                party(&mut parties, owed.client_id).overdue_erasures += 1;
            }
        }
        Ok(AuditSummary {
            size,
            kinds,
            relying_parties: parties.into_values().collect(),
            time,
        })
    }
}

fn party(parties: &mut BTreeMap<ClientId, RelyingPartySummary>, rp: ClientId) -> &mut RelyingPartySummary {
    let empty = |client_id| RelyingPartySummary {
        client_id,
        kinds: BTreeMap::new(),
        over_asking: 0,
        overdue_erasures: 0,
    };
    parties.entry(rp.clone()).or_insert_with(|| empty(rp))
}
