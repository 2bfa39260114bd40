//! Ending an identifier: every consent ends with it, the record is destroyed at both key holders, and everything that
//! was kept of the person's releases is erased. The leaves stay, and say nothing any more: `docs/cycles/cancellation.md`.

use std::collections::BTreeMap;

use cyberid_client::ClientError;
use cyberid_domain::UnixTime;
use cyberid_domain::clock::DAY;
use cyberid_domain::id::{ClientId, ReleaseId, SubjectId};
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::cancellation::{self, Cancellation, CancellationBody};
use cyberid_protocol::event::{Event, IdentifierCancelled};
use cyberid_protocol::leaf::LeafKind;
use cyberid_storage::cancellation::OpenCancellation;
use cyberid_storage::release::Release;

use crate::message::Signed;
use crate::{Consent, ConsentError, Refusal};

impl Consent {
    /// Ends the identifier of the holder who signed, and erases. Once it is taken it goes on by itself, whatever this
    /// call ends in; asking again is fine.
    pub(crate) async fn cancel(&self, compact: &str) -> Result<(), ConsentError> {
        // 1.
        let Signed {
            claims,
            subject,
            once,
        } = self.signed::<Cancellation>(compact).await?;
        if once {
            // What ends an identifier needs its device until it is done.
            return Err(Refusal::InvalidMessage.into());
        }
        if claims.aud != self.parts.issuer {
            return Err(Refusal::InvalidMessage.into());
        }
        self.now_within(claims.iat, claims.exp, cancellation::MAX_LIFE)?;
        // A thief's fresh device does not end what the holder could still save.
        self.require_cooled_off(&subject.device.jkt).await?;
        // 2.
        let cancellation = OpenCancellation {
            subject: subject.subject,
            message: compact.to_owned(),
            begun_at: self.parts.clock.now(),
        };
        if !self.parts.cancellations.begin_cancellation(&cancellation).await? {
            return Err(Refusal::Claimed.into());
        }
        self.carry_out(&cancellation).await
    }

    /// Goes on with every cancellation that was taken and is not done.
    pub(crate) async fn carry_out_cancellations(&self) -> Result<(), ConsentError> {
        for open in self.parts.cancellations.open_cancellations().await? {
            let Err(error) = self.carry_out(&open).await else {
                continue;
            };
            tracing::error!(cause = %error, "a cancellation is not done yet");
            // A key holder that is away is away for the others too, and leaves wait while it is waited for.
            if matches!(error, ConsentError::KeyHolder(ClientError::Unreachable(_))) {
                break;
            }
        }
        Ok(())
    }

    /// Every step is the same the second time: it begins anew wherever it stopped.
    async fn carry_out(&self, open: &OpenCancellation) -> Result<(), ConsentError> {
        let _alone = self.cancelling.lock().await;
        // 3.
        let status = SubjectStatus::Cancelled;
        self.parts.subjects.set_status(&open.subject, status).await?;
        // 4.
        let releases = self.parts.releases.of_subject(&open.subject).await?;
        for release in &releases {
            self.end_consent(&release.id).await?;
        }
        // 5.
        self.require_settled(&open.subject).await?;
        // Durable before anything is destroyed: whoever finds it open after a crash has it confirmed by key holders who no
        // longer know it, and waits for ever.
        self.parts.subjects.end_enrolment(&open.subject).await?;
        self.destroy_record(&open.message).await?;
        // 6.
        self.erase_person(&open.subject, &releases).await
    }

    /// Withdraws what can be withdrawn; what ended before stays as it ended.
    async fn end_consent(&self, id: &ReleaseId) -> Result<(), ConsentError> {
        let _turn = self.turns.of(id).await;
        match self.withdrawable(id).await {
            Ok(release) => self.record_withdrawal(&release, None).await?,
            Err(ConsentError::Refused(Refusal::AlreadyWithdrawn | Refusal::RequestClosed)) => return Ok(()),
            Err(error) => return Err(error),
        }
        let kept = self.keep_leaves(id, LeafKind::ConsentWithdrawn).await;
        kept.map(|_| ())
    }

    /// A key holder that has not heard yet that an enrolment was committed finds no record to destroy, and would keep it for
    /// ever once it hears so.
    async fn require_settled(&self, subject: &SubjectId) -> Result<(), ConsentError> {
        let open = self.parts.subjects.open_enrolments(UnixTime(u64::MAX)).await?;
        let settled = open.iter().all(|(begun, _)| begun != subject);
        settled.then_some(()).ok_or(ConsentError::Unsettled)
    }

    /// Hands every key holder what the holder signed; custodians first, because fields without shares open nothing.
    async fn destroy_record(&self, cancellation: &str) -> Result<(), ConsentError> {
        let body = CancellationBody {
            cancellation: cancellation.to_owned(),
        };
        for key_holder in self.parts.custodians.iter().chain([&self.parts.vault]) {
            key_holder.post_no_content("/v1/erasures", &body).await?;
        }
        Ok(())
    }

    async fn erase_person(&self, subject: &SubjectId, releases: &[Release]) -> Result<(), ConsentError> {
        let pseudonyms: BTreeMap<&ClientId, &str> = releases
            .iter()
            .map(|release| (&release.client_id, release.sub.as_str()))
            .collect();
        let cancelled = |(client_id, sub): (&ClientId, &str)| {
            let sub = sub.to_owned();
            self.event(client_id, Event::IdentifierCancelled(IdentifierCancelled { sub }))
        };
        let events = pseudonyms.into_iter().map(cancelled);
        let events = events.collect::<Result<Vec<_>, _>>()?;
        self.parts.cancellations.erase_person(subject, &events).await?;
        self.cool_off_people().await
    }

    /// Counts for how long nobody is enrolled who ended an identifier, whichever document they bring, and forgets whose time
    /// is over. Days are counted whole, as of the blind index: one that has only begun is not over.
    pub(crate) async fn cool_off_people(&self) -> Result<(), ConsentError> {
        let (today, cooling_off) = (self.parts.clock.now().day_start(), self.parts.index_cooling_off);
        let before = match cooling_off {
            0 => today,
            cooling_off => today.minus(cooling_off + DAY),
        };
        let forgotten = self.parts.cancellations.cool_off_people(today, before).await?;
        if forgotten > 0 {
            tracing::info!(forgotten, "people whose identifier ended may enrol again");
        }
        Ok(())
    }
}
