//! Official access, by the order of one officer of an authority and the signature of another: one subject, an end, the leaf
//! before the plaintext, and the person is told. The numbers in comments are those of `docs/cycles/official-access.md`.

mod countersign;
mod finding;
mod housekeeping;
mod leaf;
mod notice;
mod opening;
mod order;
mod redeem;
mod refusal;

use cyberid_domain::id::{ClientId, OfficialAccessId};
use cyberid_protocol::official::{Authority, OfficialAccessView};
use cyberid_storage::official::OfficialAccess;

use crate::{Consent, ConsentError, Refusal};

impl Consent {
    /// The pinned authority of this client id.
    fn authority(&self, client_id: &ClientId) -> Result<&Authority, ConsentError> {
        let authority = self.parts.authorities.find(client_id);
        Ok(authority.ok_or(Refusal::NotFound)?)
    }

    /// The official access of this id, if this authority ordered it.
    async fn own_official(
        &self,
        client_id: &ClientId,
        id: &OfficialAccessId,
    ) -> Result<OfficialAccess, ConsentError> {
        let access = self.parts.officials.official(id).await?;
        let own = access.filter(|access| access.authority == *client_id);
        Ok(own.ok_or(Refusal::NotFound)?)
    }

    /// Where an official access of this authority stands, and what its second officer reads before signing.
    pub(crate) async fn official_view(
        &self,
        client_id: &ClientId,
        id: &OfficialAccessId,
    ) -> Result<OfficialAccessView, ConsentError> {
        let access = self.own_official(client_id, id).await?;
        Ok(OfficialAccessView {
            id: access.id,
            status: access.status,
            refusal: access.refusal,
            order: access.order,
            expires_at: access.expires_at,
        })
    }
}
