//! What the person is told, at once or from the moment that the order states.

use cyberid_crypto::base64url;
use cyberid_domain::id::SubjectId;
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_protocol::message;
use cyberid_protocol::official::{MyOfficialAccess, Order};
use cyberid_storage::official::OfficialAccess;

use crate::leaf::read;
use crate::{Consent, ConsentError};

impl Consent {
    /// The official accesses by which a record was opened, or may have been, oldest first. One whose order delays the
    /// notice is not there before that moment; whether or not the authority still exists, it is there afterwards.
    pub(crate) async fn my_officials(
        &self,
        subject: &SubjectId,
    ) -> Result<Vec<MyOfficialAccess>, ConsentError> {
        let now = self.parts.clock.now();
        let accesses = self.parts.officials.officials_of(subject).await?;
        let told = accesses
            .into_iter()
            .filter(|access| access.status.may_have_opened() && access.notice_after <= now);
        told.map(|access| self.my_official(access)).collect()
    }

    fn my_official(&self, access: OfficialAccess) -> Result<MyOfficialAccess, ConsentError> {
        let order = read_order(&access.order)?;
        let (intent, leaf) = intent(&access)?;
        // Who is pinned no longer is told by what the order calls it.
        let authority = self.parts.authorities.find(&access.authority);
        let name = authority.map_or_else(
            || access.authority.to_string(),
            |authority| authority.name.clone(),
        );
        Ok(MyOfficialAccess {
            id: access.id,
            authority_name: name,
            authority: access.authority,
            status: access.status,
            fields: order.fields,
            legal_basis: order.legal_basis,
            case_reference: order.case_reference,
            opened_at: intent.time,
            order: access.order,
            countersignature: access.countersignature.unwrap_or_default(),
            leaf,
            salt: base64url::encode(&access.salt),
        })
    }
}

/// What an order says that was checked when it came.
fn read_order(compact: &str) -> Result<Order, ConsentError> {
    let claims = message::unverified::<Order>(compact).and_then(|message| message.unchecked_claims());
    claims.map_err(|_| ConsentError::Corrupt("order"))
}

fn intent(access: &OfficialAccess) -> Result<(Leaf, String), ConsentError> {
    for stored in &access.leaves {
        let leaf = read(stored)?;
        if leaf.kind == LeafKind::OfficialIntended {
            return Ok((leaf, stored.body.clone()));
        }
    }
    Err(ConsentError::Corrupt("official access without its intent"))
}
