//! A fresh network number. The holder signs the commitment to it, and vault and custodian check that themselves: whoever
//! could bind a record to another number alone could lead an official order to another person.

use cyberid_client::ClientError;
use cyberid_crypto::digest;
use cyberid_domain::clock::DAY;
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::rng::random;
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::enrolment::number_commitment;
use cyberid_protocol::life::{DrawnNumber, Renewed, RenumberingBody};
use cyberid_storage::life::Renumbering;
use cyberid_storage::subject::Subject;

use super::LifeError;
use crate::{EnrolmentError, Issuance};

/// How often a holder gets a fresh number, in seconds: once in 30 days.
pub(crate) const EVERY: u64 = 30 * DAY;

/// How many numbers are tried: one in 2^45 is taken by each person.
const TRIED: usize = 3;

impl Issuance {
    /// Draws a fresh number for the holder of the device key `jkt`. Asking again gives the same one until it is taken:
    /// nobody draws until a number pleases them.
    pub(crate) async fn draw_fresh_number(&self, jkt: &str) -> Result<DrawnNumber, LifeError> {
        // 1.
        let subject = self.parts.subjects.by_device(jkt).await?;
        let subject = subject.ok_or(LifeError::NotFound)?;
        self.require_turn(&subject).await?;
        let renumberings = &self.parts.renumberings;
        for _ in 0..TRIED {
            if let Some(drawn) = renumberings.renumbering(&subject.subject).await? {
                return Ok(shown(drawn));
            }
            // 2.
            let drawn = Renumbering {
                subject: subject.subject,
                number: NetworkNumber::random(&*self.parts.rng),
                salt: random(&*self.parts.rng),
                drawn_at: self.now(),
                message: None,
            };
            renumberings.draw_number(&drawn).await?;
        }
        Err(LifeError::Corrupt("every number is taken"))
    }

    /// Takes the drawn number in the place of the old one. Once it is signed for it goes on by itself, whatever this call
    /// ends in.
    pub(crate) async fn take_fresh_number(&self, compact: &str) -> Result<Renewed, LifeError> {
        // 3.
        let (claims, subject) = self.word::<cyberid_protocol::life::Renumbering>(compact).await?;
        self.require_turn(&subject).await?;
        let drawn = self.parts.renumberings.renumbering(&subject.subject).await?;
        let drawn = drawn.ok_or(LifeError::NotFound)?;
        let commitment = number_commitment(&drawn.salt, &drawn.number);
        if !digest::equal(commitment.as_bytes(), claims.number_commitment.as_bytes()) {
            return Err(LifeError::Message);
        }
        let renumberings = &self.parts.renumberings;
        renumberings.sign_renumbering(&subject.subject, compact).await?;
        self.carry_out_renumberings().await?;
        // 6.
        let subject = self.parts.subjects.by_device(&subject.device.jkt).await?;
        let subject = subject.filter(|subject| subject.number == drawn.number);
        let subject = subject.ok_or(LifeError::Unplaced)?;
        let (status, end) = (subject.status, subject.credential_expires_at);
        self.renewed(subject, status, end)
    }

    /// Goes on with every change of a number that was signed for and is not done.
    pub(crate) async fn carry_out_renumberings(&self) -> Result<(), LifeError> {
        let _alone = self.numbering.lock().await;
        for signed in self.parts.renumberings.signed_renumberings().await? {
            let Err(error) = self.renumber(&signed).await else {
                continue;
            };
            tracing::error!(cause = %error, "a change of a network number is not done yet");
            if matches!(
                error,
                LifeError::Issuance(EnrolmentError::KeyHolder(ClientError::Unreachable(_)))
            ) {
                break;
            }
        }
        Ok(())
    }

    async fn renumber(&self, signed: &Renumbering) -> Result<(), LifeError> {
        let renumbering = signed.message.clone().ok_or(LifeError::Corrupt("renumbering"))?;
        let body = RenumberingBody { renumbering };
        // 4.
        let custodians = self.parts.custodians.iter().map(|custodian| &custodian.client);
        for key_holder in custodians.chain([&self.parts.vault]) {
            let told: Result<(), ClientError> = key_holder.post_no_content("/v1/renumberings", &body).await;
            told.map_err(EnrolmentError::KeyHolder)?;
        }
        // 5.
        let renumberings = &self.parts.renumberings;
        renumberings.renumber(&signed.subject, self.now()).await?;
        Ok(())
    }

    async fn require_turn(&self, subject: &Subject) -> Result<(), LifeError> {
        if subject.status != SubjectStatus::Active {
            return Err(LifeError::State(subject.status));
        }
        // The number is every device's: one that cools off acts for itself only.
        let known = self.parts.devices.known_device(&subject.device.jkt).await?;
        let release_from = known.ok_or(LifeError::NotFound)?.release_from;
        if release_from > self.now() {
            return Err(LifeError::CoolingOff(release_from));
        }
        let last = self.parts.renumberings.renumbered_at(&subject.subject).await?;
        match last.map(|last| last.plus(EVERY)) {
            Some(next) if next > self.now() => Err(LifeError::TooSoon(next)),
            _ => Ok(()),
        }
    }
}

fn shown(drawn: Renumbering) -> DrawnNumber {
    DrawnNumber {
        network_number: drawn.number,
        salt: cyberid_crypto::base64url::encode(&drawn.salt),
    }
}
