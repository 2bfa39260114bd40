//! Withdrawing a consent: one signed call, at any time, whatever has become of the release.

use cyberid_domain::id::{ConsentId, ReleaseId};
use cyberid_domain::release::ReleaseStatus;
use cyberid_protocol::event::{ConsentWithdrawn, Event};
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::receipt::Receipt;
use cyberid_protocol::withdrawal::{self, Withdrawal};
use cyberid_storage::release::{Release, Step, Stepped};
use cyberid_storage::single_use::SingleUse;

use crate::message::{Signed, use_of};
use crate::receipt::grant;
use crate::{Consent, ConsentError, Refusal};

impl Consent {
    /// Ends a consent of the holder who signed; the receipt proves the leaf that says so.
    pub(crate) async fn withdraw(&self, id: &ConsentId, compact: &str) -> Result<Receipt, ConsentError> {
        // 1.
        let signed = self.signed::<Withdrawal>(compact).await?;
        let Signed { claims, subject, .. } = &signed;
        if claims.aud != self.parts.issuer || claims.consent != *id {
            return Err(Refusal::InvalidMessage.into());
        }
        self.now_within(claims.iat, claims.exp, withdrawal::MAX_LIFE)?;
        let release = self
            .parts
            .releases
            .by_consent(id)
            .await?
            .ok_or(Refusal::NotFound)?;
        if grant(&release)?.subject != subject.subject {
            return Err(Refusal::NotFound.into());
        }
        let _turn = self.turns.of(&release.id).await;
        let release = self.withdrawable(&release.id).await?;
        self.use_up(&signed).await?;
        let uses = use_of::<Withdrawal>(&subject.device.jkt, &claims.jti, claims.exp);
        self.record_withdrawal(&release, Some(&uses)).await?;
        self.receipt_of(&release.id, LeafKind::ConsentWithdrawn).await
    }

    /// The release, where it can be withdrawn from. An intent that nobody is working on becomes a presumed delivery
    /// first: plaintext may have left, and the holder is not kept waiting to know.
    pub(crate) async fn withdrawable(&self, id: &ReleaseId) -> Result<Release, ConsentError> {
        let release = self.parts.releases.release(id).await?.ok_or(Refusal::NotFound)?;
        match release.status {
            ReleaseStatus::Granted | ReleaseStatus::Delivered | ReleaseStatus::Presumed => Ok(release),
            ReleaseStatus::Intended => {
                self.presume(&release).await?;
                Ok(self.parts.releases.release(id).await?.ok_or(Refusal::NotFound)?)
            }
            ReleaseStatus::Withdrawn => Err(Refusal::AlreadyWithdrawn.into()),
            _ => Err(Refusal::RequestClosed.into()),
        }
    }

    /// Takes the step, and tells the relying party. The caller has the turn.
    pub(crate) async fn record_withdrawal(
        &self,
        release: &Release,
        uses: Option<&SingleUse>,
    ) -> Result<(), ConsentError> {
        let erase_by = self.parts.clock.now().plus(self.parts.erase_within);
        // 2.
        let leaf = self.next_leaf(release, LeafKind::ConsentWithdrawn)?;
        // 3.
        let withdrawn = ConsentWithdrawn {
            consent: grant(release)?.consent_id.clone(),
            release: release.id.clone(),
            erase_by,
        };
        let event = self.event(&release.client_id, Event::ConsentWithdrawn(withdrawn))?;
        let step = Step {
            id: &release.id,
            from: release.status,
            to: ReleaseStatus::Withdrawn,
            leaf: Some(&leaf),
            event: Some(&event),
            uses,
        };
        let stepped = match release.status {
            ReleaseStatus::Granted => self.parts.releases.step(&step).await?,
            _ => self.parts.releases.withdraw_delivered(&step, erase_by).await?,
        };
        match stepped {
            Stepped::Now => Ok(()),
            Stepped::Elsewhere => Err(Refusal::AlreadyWithdrawn.into()),
            Stepped::Replayed => Err(Refusal::ReplayedMessage.into()),
        }
    }
}
