//! Passive authentication (part 11, section 5.1).

use cyberid_domain::UnixTime;
use time::Date;

use crate::certificate::{self, Purpose};
use crate::sod::Sod;
use crate::{Chip, Mrz, Refusal, TrustAnchors, country};

/// A passport whose data a pinned state signed, and that has not expired.
///
/// It is not said that the chip is the original, nor who holds it.
#[derive(Debug)]
pub struct Passport {
    mrz: Mrz,
}

/// Checks the files of a chip: what comes out was signed by the state that issued it.
pub fn authenticate(chip: &Chip, anchors: &TrustAnchors, now: UnixTime) -> Result<Passport, Refusal> {
    chip.check_lengths()?;
    let sod = Sod::read(&chip.sod)?;
    let signed_in = anchors.vouched(&sod.signer, Purpose::Documents, now)?;
    sod.object.check(1, &chip.dg1)?;
    if let Some(dg2) = &chip.dg2 {
        sod.object.check(2, dg2)?;
    }
    let mrz = Mrz::read(&chip.dg1)?;
    certificate::check_document_type(&sod.signer, mrz.document_code())?;
    if country::of_state(mrz.issuing_state()) != Some(signed_in.as_str()) {
        return Err(Refusal::OtherCountry);
    }
    if mrz.valid_until() < now.date() {
        return Err(Refusal::DocumentExpired);
    }
    Ok(Passport { mrz })
}

impl Passport {
    /// The machine-readable zone.
    pub fn mrz(&self) -> &Mrz {
        &self.mrz
    }

    /// The document's last valid day.
    pub fn valid_until(&self) -> Date {
        self.mrz.valid_until()
    }
}
