//! EF.SOD, the document security object (part 10, section 4.6.2).

use x509_cert::Certificate;

use crate::lds::{LDS_SECURITY_OBJECT, SecurityObject};
use crate::signed::{self, Inside};
use crate::{File, Refusal, tlv};

/// The tag of EF.SOD (part 10, table 37).
pub(crate) const TAG: u8 = 0x77;

/// A security object whose signature is by the certificate inside; who vouches for that one is open.
pub(crate) struct Sod {
    pub(crate) object: SecurityObject,
    pub(crate) signer: Certificate,
}

impl Sod {
    /// Reads the file, and checks the signature by the signer's own key.
    pub(crate) fn read(file: &[u8]) -> Result<Self, Refusal> {
        let der = tlv::exactly(file, &[TAG]).ok_or(Refusal::Malformed(File::Sod))?;
        let signed = signed::open(der, LDS_SECURITY_OBJECT, Inside::OnlySigner)?;
        Ok(Self {
            object: SecurityObject::read(&signed.content)?,
            signer: signed.signer,
        })
    }
}
