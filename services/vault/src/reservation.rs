//! Reserving a person in the blind index.

use std::sync::Arc;

use cyberid_crypto::{Agree, Mac, base64url, hpke};
use cyberid_domain::document::{DocumentNumber, DocumentType};
use cyberid_domain::id::SubjectId;
use cyberid_domain::personal::Personal;
use cyberid_key_holder::KeyHolderError;
use cyberid_protocol::deposit::{RESERVATION_INFO, Reservation, ReservationAnswer};

use crate::Vault;

/// The version of the tags; another derivation is another version, and the index is made anew.
const INDEX_VERSION: &[u8] = b"cyberid/v1/person";

impl Vault {
    /// Reserves a person for a subject, unless the person has an identifier or is being given one.
    pub(crate) async fn reserve(&self, compact: &str) -> Result<ReservationAnswer, KeyHolderError> {
        let reservation: Reservation = self.gate.command(compact)?;
        let person = self.person(&reservation.person_sealed, &reservation.subject);
        let (kind, number) = person.ok_or(KeyHolderError::InvalidCommand)?;
        // Whoever has cooled off by today has.
        self.housekeep().await?;
        let reserved = self
            .reserve_person((kind, &number), &reservation.subject, None)
            .await?;
        Ok(ReservationAnswer { reserved })
    }

    /// The tag of a type and a canonical number: without the index key nobody can try numbers (T4, T11).
    pub(crate) fn tag_of(&self, kind: DocumentType, number: &DocumentNumber) -> [u8; 32] {
        tag_under(&self.index, kind, number)
    }

    /// Opens who is to be reserved. One person has one form here: a number that is not canonical is refused.
    pub(crate) fn person(&self, sealed: &str, subject: &SubjectId) -> Option<(DocumentType, DocumentNumber)> {
        let sealed = base64url::decode(sealed)?;
        let aad = subject.as_bytes();
        // It may have been sealed a moment before a rotation, and does not say to which key.
        let open = |key: Arc<dyn Agree>| hpke::open(&*key, RESERVATION_INFO, aad, &sealed).ok();
        read_person(&self.key.all().into_iter().find_map(open)?)
    }
}

/// The tag of a type and a canonical number under one key: kinds of documents number their holders apart.
pub(crate) fn tag_under(key: &dyn Mac, kind: DocumentType, number: &DocumentNumber) -> [u8; 32] {
    key.mac(&[
        INDEX_VERSION,
        kind.as_str().as_bytes(),
        number.expose().as_bytes(),
    ])
}

/// Reads `<document type>|<canonical number>`.
pub(crate) fn read_person(opened: &[u8]) -> Option<(DocumentType, DocumentNumber)> {
    let (kind, number) = str::from_utf8(opened).ok()?.split_once('|')?;
    let kind = DocumentType::ALL
        .into_iter()
        .find(|known| known.as_str() == kind)?;
    let stated = Personal::new(number.to_owned());
    let number = DocumentNumber::parse(kind, &stated).ok()?;
    (number.expose() == stated.expose()).then_some((kind, number))
}
