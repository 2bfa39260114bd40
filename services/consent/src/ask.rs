//! Asking for a release: only what is registered can be asked, and asking for more is counted.

use std::collections::HashSet;

use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, ReleaseId};
use cyberid_domain::release::ReleaseStatus;
use cyberid_protocol::pseudonym;
use cyberid_protocol::release::{ReleaseBody, ReleaseRequested};
use cyberid_storage::release::Release;

use crate::party::Party;
use crate::{Consent, ConsentError, Refusal};

/// For how many seconds a request can be answered.
pub(crate) const REQUEST_LIFE: u64 = 900;

impl Consent {
    /// Keeps a request of this relying party (step 1 of the release cycle).
    pub(crate) async fn ask(
        &self,
        client_id: &ClientId,
        body: ReleaseBody,
    ) -> Result<ReleaseRequested, ConsentError> {
        // 1.
        let party = self.active_party(client_id).await?;
        if body.fields.is_empty() || !distinct(&body.fields) {
            return Err(Refusal::Malformed("fields").into());
        }
        if let Err(refusal) = registered(&party, &body) {
            self.parts.relying_parties.count_over_asking(client_id).await?;
            return Err(refusal.into());
        }
        if !pseudonym::is_well_formed(&body.sub) {
            return Err(Refusal::InvalidSub.into());
        }
        let release = self.requested(client_id, body);
        self.parts.releases.request(&release).await?;
        Ok(ReleaseRequested {
            request_uri: format!("{}/v1/requests/{}", self.parts.issuer, release.id),
            id: release.id,
            expires_at: release.expires_at,
        })
    }

    fn requested(&self, client_id: &ClientId, body: ReleaseBody) -> Release {
        let now = self.parts.clock.now();
        Release {
            id: ReleaseId::random(&*self.parts.rng),
            client_id: client_id.clone(),
            sub: body.sub,
            purpose: body.purpose,
            fields: body.fields,
            nonce: body.nonce,
            created_at: now,
            expires_at: now.plus(REQUEST_LIFE),
            status: ReleaseStatus::Requested,
            grant: None,
            leaves: Vec::new(),
        }
    }
}

fn registered(party: &Party, body: &ReleaseBody) -> Result<(), Refusal> {
    let registered = party
        .registered_use(&body.purpose)
        .ok_or(Refusal::UnregisteredUse)?;
    let allowed = &registered.intended.fields;
    if body.fields.iter().all(|field| allowed.contains(field)) {
        Ok(())
    } else {
        Err(Refusal::OverAsking)
    }
}

/// Whether no field stands twice.
pub(crate) fn distinct(fields: &[Field]) -> bool {
    fields.iter().collect::<HashSet<_>>().len() == fields.len()
}
