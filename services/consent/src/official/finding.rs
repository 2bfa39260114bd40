//! Whose record an order is about: asked only when two officers have signed, and of exactly one name.

use cyberid_domain::id::{ClientId, SubjectId};
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::official::OneSubject;
use cyberid_protocol::pseudonym;

use crate::{Consent, ConsentError};

/// How many holders are read at once.
const PAGE: u32 = 1_000;

/// A record that an order can open.
pub(super) struct Found {
    /// Whose.
    pub(super) subject: SubjectId,
    /// The thumbprint of the device key that the key holders find it by.
    pub(super) device_jkt: String,
    /// What opens the key holders' commitment to its network number.
    pub(super) number_salt: [u8; 32],
}

impl Consent {
    /// The record of the one subject; nothing if there is none that could be opened. A suspended identifier has one
    /// still: who suspends it does not escape the law by that.
    pub(super) async fn find(&self, subject: &OneSubject) -> Result<Option<Found>, ConsentError> {
        let subject = match subject {
            OneSubject::Number(number) => self.parts.officials.subject_of(number).await?,
            OneSubject::Pseudonym { client_id, sub } => self.known_as(client_id, sub).await?,
        };
        match subject {
            Some(subject) => self.found(subject).await,
            None => Ok(None),
        }
    }

    pub(super) async fn found(&self, subject: SubjectId) -> Result<Option<Found>, ConsentError> {
        // The key holders know a record by the device that it was enrolled with.
        let device = self.parts.subjects.devices(&subject).await?.into_iter().next();
        let salt = self.parts.number_salts.number_salt(&subject).await?;
        Ok(device.zip(salt).map(|(device, number_salt)| Found {
            subject,
            device_jkt: device.jkt,
            number_salt,
        }))
    }

    /// The subject of a pseudonym. No row and no index relates a person to a relying party, so that every holder's
    /// pseudonym there is derived until one fits.
    async fn known_as(&self, client_id: &ClientId, sub: &str) -> Result<Option<SubjectId>, ConsentError> {
        let mut after = String::new();
        loop {
            let page = self.parts.subjects.holders_after(&after, PAGE).await?;
            let Some((last, _)) = page.last() else {
                return Ok(None);
            };
            after.clone_from(last);
            let found = page.iter().find(|(_, holder)| {
                let key = &self.parts.pairwise_key;
                holder.status != SubjectStatus::Cancelled
                    && pseudonym::derive(key, client_id, &holder.subject, 0) == sub
            });
            if let Some((_, holder)) = found {
                return Ok(Some(holder.subject));
            }
        }
    }
}
