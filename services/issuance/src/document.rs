//! A document that is well-formed by its own rule and has not ended.

use cyberid_domain::UnixTime;
use cyberid_domain::document::{DocumentNumber, DocumentType};
use cyberid_domain::personal::Personal;
use cyberid_protocol::enrolment::Document;

use crate::{EnrolmentError, calendar};

/// The longest name in bytes.
const LONGEST_NAME: usize = 512;

/// A document that is well-formed by its own rule and has not ended. Whether it is anybody's, the source knows.
pub(crate) struct CheckedDocument {
    pub(crate) kind: DocumentType,
    pub(crate) name: Personal,
    pub(crate) number: DocumentNumber,
    pub(crate) valid_until: Personal,
    /// The first moment at which it is no longer valid.
    pub(crate) ends_at: UnixTime,
    /// Whether two operators permitted it without its chip.
    pub(crate) without_chip: bool,
}

impl CheckedDocument {
    /// Checks what a holder stated.
    pub(crate) fn check(stated: &Document, now: UnixTime) -> Result<Self, EnrolmentError> {
        let number = DocumentNumber::parse(stated.kind, &stated.number);
        let ends_at = calendar::read(stated.valid_until.expose()).and_then(calendar::end_of);
        match (number, ends_at) {
            (Ok(number), Some(ends_at)) if ends_at > now && stated.name.expose().len() <= LONGEST_NAME => {
                Ok(Self {
                    kind: stated.kind,
                    name: stated.name.clone(),
                    number,
                    valid_until: stated.valid_until.clone(),
                    ends_at,
                    without_chip: false,
                })
            }
            _ => Err(EnrolmentError::Refused),
        }
    }
}
