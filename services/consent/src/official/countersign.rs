//! The second officer's signature.

use cyberid_crypto::digest;
use cyberid_domain::id::{ClientId, OfficialAccessId};
use cyberid_domain::official::{OfficialRefusal, OfficialStatus};
use cyberid_protocol::message::{self, Message as _};
use cyberid_protocol::official::{
    Countersignature, OfficialAccessRequested, OrderRefused, check_second, open_order,
};
use cyberid_storage::official::{OfficialAccess, OfficialStep, Turn};
use cyberid_storage::release::Stepped;
use cyberid_storage::single_use::SingleUse;

use crate::{Consent, ConsentError, Refusal};

impl Consent {
    /// Takes another officer's signature for an order of this authority. The same officer's ends the order.
    pub(crate) async fn countersign_official(
        &self,
        client_id: &ClientId,
        id: &OfficialAccessId,
        compact: &str,
    ) -> Result<OfficialAccessRequested, ConsentError> {
        let _turn = self.official_turns.of(id).await;
        let access = self.own_official(client_id, id).await?;
        self.require_open(&access).await?;
        if access.status != OfficialStatus::Requested {
            return Err(Refusal::RequestClosed.into());
        }
        // 3.
        let authority = self.authority(client_id)?;
        let issuer = &self.parts.issuer;
        let Ok(ordered) = open_order(&access.order, authority, issuer) else {
            return Err(self.refuse_former(id).await);
        };
        let now = self.parts.clock.now();
        let second = check_second(compact, &access.order, ordered.officer, authority, issuer, now);
        match second {
            Ok(second) => self.keep_second(&access, compact, &second).await?,
            Err(OrderRefused::SameOfficer) => {
                self.refuse_official(id, OfficialRefusal::SameOfficer).await?;
                return Err(Refusal::SecondOfficer.into());
            }
            Err(OrderRefused::NotNow) => return Err(Refusal::ExpiredMessage.into()),
            Err(_) => return Err(Refusal::InvalidMessage.into()),
        }
        Ok(OfficialAccessRequested {
            id: access.id,
            status: OfficialStatus::Countersigned,
        })
    }

    async fn keep_second(
        &self,
        access: &OfficialAccess,
        compact: &str,
        second: &Countersignature,
    ) -> Result<(), ConsentError> {
        let step = OfficialStep {
            id: &access.id,
            from: OfficialStatus::Requested,
            to: Turn::Countersigned(compact),
            leaf: None,
            uses: Some(&use_of(compact, second)?),
        };
        match self.parts.officials.official_step(&step).await? {
            Stepped::Now => Ok(()),
            Stepped::Elsewhere => Err(Refusal::RequestClosed.into()),
            Stepped::Replayed => Err(Refusal::ReplayedMessage.into()),
        }
    }
}

/// The one use of a signature, by its type, its officer and the officer's name for it (T14).
fn use_of(compact: &str, second: &Countersignature) -> Result<SingleUse, ConsentError> {
    let message = message::unverified::<Countersignature>(compact).map_err(|_| Refusal::InvalidMessage)?;
    let kid = message.kid().map_err(|_| Refusal::InvalidMessage)?;
    let parts: [&[u8]; 3] = [
        Countersignature::TYP.as_bytes(),
        kid.as_bytes(),
        second.jti.as_str().as_bytes(),
    ];
    Ok(SingleUse {
        digest: digest::hmac_parts(b"", &parts),
        forget_at: second.exp.plus(cyberid_domain::clock::SKEW),
    })
}
