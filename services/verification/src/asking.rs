//! A relying party asks, and comes back for the answer.

use std::time::Duration;

use cyberid_domain::check::Check;
use cyberid_domain::id::{ClientId, VerificationId};
use cyberid_domain::{UnixTime, check};
use cyberid_protocol::verification::{
    VerificationBody, VerificationRequested, VerificationStatus, VerificationView,
};
use cyberid_protocol::{comparison, pseudonym};
use cyberid_storage::verification::{Kept, Verification as Row, VerificationState};
use tokio::time::Instant;

use crate::Verification;
use crate::asked;
use crate::party::ActiveParty;
use crate::refusal::Refusal;

/// For how many seconds a request can be answered, when the relying party does not say.
const LIFE: u64 = 300;
/// The shortest and the longest life in seconds that a relying party may ask for.
const LIVES: std::ops::RangeInclusive<u64> = 30..=900;
/// How often a waiting caller's answer is looked for, should another node have taken it.
const LOOK: Duration = Duration::from_secs(1);

impl Verification {
    /// Keeps what a relying party asks of a holder, if it is registered to ask so.
    pub(crate) async fn ask(
        &self,
        caller: &ClientId,
        body: VerificationBody,
    ) -> Result<VerificationRequested, Refusal> {
        // 1.
        let party = self.calling_party(caller).await?;
        // 2.
        let code = body.code.clone();
        let mut row = self.pending(&party, body)?;
        self.require_registered(&party, &row.purpose, &row.checks).await?;
        // Last of all what can refuse: a code is used once.
        if let Some(code) = &code {
            row.opener = Some(self.opener(&row.id, &self.take_code(code)?));
        }
        match self.parts.verifications.ask(&row).await? {
            Kept::Now => {}
            Kept::Full => return Err(Refusal::Full),
        }
        if let Some(code) = &code {
            self.codes.led_to(code, &row.id);
        }
        self.parts.announce.asked(&row.client_id, &row.id, row.expires_at);
        Ok(VerificationRequested {
            request_uri: self.request_uri(&row.id),
            comparison_code: comparison::code(&row.client_id, row.id.as_str(), &row.nonce),
            id: row.id,
            expires_at: row.expires_at,
        })
    }

    /// What the holder's app fetches.
    pub(crate) fn request_uri(&self, id: &VerificationId) -> String {
        format!("{}/v1/requests/{id}", self.parts.issuer)
    }

    fn pending(&self, party: &ActiveParty, body: VerificationBody) -> Result<Row, Refusal> {
        let checks = asked::checks(&body.checks).ok_or(Refusal::Member("checks"))?;
        let factors = asked::factors(&body.factors).ok_or(Refusal::Member("factors"))?;
        require_sub_with(&checks, body.sub.as_deref())?;
        let life = body.expires_in.unwrap_or(LIFE);
        if !LIVES.contains(&life) {
            return Err(Refusal::Member("expires_in"));
        }
        let now = self.now();
        Ok(Row {
            id: VerificationId::random(&*self.parts.rng),
            client_id: party.row.client_id.clone(),
            purpose: body.purpose,
            checks,
            factors,
            nonce: body.nonce,
            sub: body.sub,
            created_at: now,
            expires_at: now.plus(life),
            opener: None,
            guardian_agreed: false,
            state: VerificationState::Pending,
        })
    }

    /// Where the caller's verification stands, once it is answered or `wait` is over; at once, when too many wait.
    pub(crate) async fn view(
        &self,
        caller: &ClientId,
        id: &VerificationId,
        wait: Duration,
    ) -> Result<VerificationView, Refusal> {
        let seat = self.waiting.seat();
        let wait = if seat.is_some() { wait } else { Duration::ZERO };
        let deadline = Instant::now() + wait;
        loop {
            // Each time: who is suspended while waiting is told nothing any more.
            self.calling_party(caller).await?;
            let next_answer = self.waiting.next_answer(id);
            let row = self.parts.verifications.verification(id).await?;
            let row = row
                .filter(|row| row.client_id == *caller)
                .ok_or(Refusal::NotFound)?;
            let view = view_of(row, self.now());
            let left = deadline.saturating_duration_since(Instant::now());
            if view.status != VerificationStatus::Pending || left.is_zero() {
                return Ok(view);
            }
            // Woken or not, the row is looked at again.
            if let Some(next_answer) = next_answer {
                let _ = tokio::time::timeout(left.min(LOOK), next_answer).await;
            }
        }
    }
}

/// `same_person` compares with a pseudonym, and nothing else does.
fn require_sub_with(checks: &[check::Check], sub: Option<&str>) -> Result<(), Refusal> {
    let fits = match sub {
        Some(sub) => checks.contains(&Check::SamePerson) && pseudonym::is_well_formed(sub),
        None => !checks.contains(&Check::SamePerson),
    };
    fits.then_some(()).ok_or(Refusal::Sub)
}

fn view_of(row: Row, now: UnixTime) -> VerificationView {
    let (status, attestation) = match row.state {
        VerificationState::Pending if row.expires_at <= now => (VerificationStatus::Expired, None),
        VerificationState::Pending => (VerificationStatus::Pending, None),
        VerificationState::Passed { attestation } => (VerificationStatus::Passed, Some(attestation)),
        VerificationState::Failed { attestation } => (VerificationStatus::Failed, Some(attestation)),
        VerificationState::Declined => (VerificationStatus::Declined, None),
    };
    VerificationView { status, attestation }
}
