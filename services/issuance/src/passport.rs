//! The passport's chip as evidence, beside the source's own: passive authentication (ICAO Doc 9303 part 11, section 5.1).
//!
//! The state that issued the passport signed these data, and what the applicant states is what it signed. A copy of a chip
//! passes as well, and a chip says nothing of who holds it: so the source is asked in any case, with its evidence of the
//! person, and both have to say the same birth.

use cyberid_crypto::base64url;
use cyberid_domain::document::DocumentType;
use cyberid_domain::personal::Personal;
use cyberid_passport::{Chip, Passport, TrustAnchors, authenticate};
use cyberid_protocol::enrolment::Evidence;
use cyberid_protocol::passport::ChipFiles;

use crate::document::CheckedDocument;
use crate::source::Confirmed;
use crate::{EnrolmentError, Issuance, calendar};

/// What is asked of a passport.
#[derive(Debug, Default)]
pub enum Passports {
    /// No authority is pinned: a chip is not taken, and passports are by the source's word alone.
    #[default]
    WithoutChip,
    /// A chip may be shown, and has to be good then.
    ChipOffered(TrustAnchors),
    /// Nobody shows a passport without its chip.
    ChipRequired(TrustAnchors),
}

impl Passports {
    fn anchors(&self) -> Option<&TrustAnchors> {
        match self {
            Self::WithoutChip => None,
            Self::ChipOffered(anchors) | Self::ChipRequired(anchors) => Some(anchors),
        }
    }
}

impl Issuance {
    /// The passport whose chip was shown, if it is the stated document. Nothing where no chip is needed and none was shown.
    pub(crate) fn check_chip(
        &self,
        document: &CheckedDocument,
        evidence: &Evidence,
    ) -> Result<Option<Passport>, EnrolmentError> {
        let passports = &self.parts.passports;
        let required = matches!(passports, Passports::ChipRequired(_)) && !document.without_chip;
        match (&evidence.chip, passports.anchors(), document.kind) {
            (None, _, DocumentType::Passport) if required => Err(EnrolmentError::Refused),
            (None, ..) => Ok(None),
            (Some(files), Some(anchors), DocumentType::Passport) => {
                self.authenticate(files, anchors, document).map(Some)
            }
            (Some(_), ..) => Err(EnrolmentError::Refused),
        }
    }

    fn authenticate(
        &self,
        files: &ChipFiles,
        anchors: &TrustAnchors,
        document: &CheckedDocument,
    ) -> Result<Passport, EnrolmentError> {
        let chip = read(files).ok_or(EnrolmentError::Refused)?;
        let passport = authenticate(&chip, anchors, self.now()).map_err(|refusal| {
            tracing::info!(%refusal, "a chip was refused");
            EnrolmentError::Refused
        })?;
        is_of(&passport, document)
            .then_some(passport)
            .ok_or(EnrolmentError::Refused)
    }
}

/// Whether chip and source speak of one birth.
pub(crate) fn agrees(passport: Option<&Passport>, confirmed: &Confirmed) -> bool {
    passport.is_none_or(|passport| passport.mrz().birth().may_be(confirmed.birth_date))
}

/// Whether what was stated is what the state signed: number, name and last day.
fn is_of(passport: &Passport, document: &CheckedDocument) -> bool {
    let mrz = passport.mrz();
    mrz.is_passport()
        && mrz.number().expose() == document.number.expose()
        && mrz.is_named(document.name.expose())
        && calendar::write(mrz.valid_until()) == document.valid_until.expose()
}

fn read(files: &ChipFiles) -> Option<Chip> {
    let bytes = |text: &Personal| base64url::decode(text.expose());
    Some(Chip {
        sod: bytes(&files.sod)?,
        dg1: bytes(&files.dg1)?,
        dg2: match &files.dg2 {
            Some(text) => Some(bytes(text)?),
            None => None,
        },
    })
}
