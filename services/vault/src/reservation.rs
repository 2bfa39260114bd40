//! Reserving a person in the blind index.

use cyberid_crypto::{Mac as _, base64url, hpke};
use cyberid_domain::document::{DocumentNumber, DocumentType};
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
        let tag = self.tag(&reservation)?;
        let now = self.gate.clock.now();
        let reserved = self.store.reserve(&tag, &reservation.subject, now).await?;
        Ok(ReservationAnswer { reserved })
    }

    /// The person's tag, over type and canonical number: without the index key nobody can try numbers (T4, T11).
    fn tag(&self, reservation: &Reservation) -> Result<[u8; 32], KeyHolderError> {
        let (kind, number) = self.person(reservation).ok_or(KeyHolderError::InvalidCommand)?;
        let parts = [
            INDEX_VERSION,
            kind.as_str().as_bytes(),
            number.expose().as_bytes(),
        ];
        Ok(self.index.mac(&parts))
    }

    /// Opens who is to be reserved. One person has one form here: a number that is not canonical is refused.
    fn person(&self, reservation: &Reservation) -> Option<(DocumentType, DocumentNumber)> {
        let sealed = base64url::decode(&reservation.person_sealed)?;
        let aad = reservation.subject.as_bytes();
        let opened = hpke::open(&*self.key.current(), RESERVATION_INFO, aad, &sealed).ok()?;
        let (kind, number) = str::from_utf8(&opened).ok()?.split_once('|')?;
        let kind = DocumentType::ALL
            .into_iter()
            .find(|known| known.as_str() == kind)?;
        let stated = Personal::new(number.to_owned());
        let number = DocumentNumber::parse(kind, &stated).ok()?;
        (number.expose() == stated.expose()).then_some((kind, number))
    }
}
