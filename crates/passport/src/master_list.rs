//! A master list: the country signing authorities that one country vouches for (part 12, section 9).

use der::asn1::{ObjectIdentifier, SetOfVec};
use der::{Any, Decode as _, Encode as _, Sequence};
use x509_cert::Certificate;

use crate::certificate;
use crate::signed::{self, Inside};
use crate::{File, Refusal};

/// `id-icao-cscaMasterList`.
pub(crate) const MASTER_LIST: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.136.1.1.2");

/// `CscaMasterList`. The certificates are read one by one: one that is not understood spoils no other.
#[derive(Sequence)]
pub(crate) struct RawMasterList {
    pub(crate) version: u8,
    pub(crate) certificates: SetOfVec<Any>,
}

/// A list whose signature is by the certificate inside; who vouches for that one is open.
pub(crate) struct MasterList {
    pub(crate) signer: Certificate,
    pub(crate) authorities: Vec<Certificate>,
    /// How many of its certificates are not understood.
    pub(crate) left_out: usize,
}

impl MasterList {
    /// Reads the file, and checks the signature by the signer's own key.
    pub(crate) fn read(der: &[u8]) -> Result<Self, Refusal> {
        let signed = signed::open(der, MASTER_LIST, Inside::Others)?;
        let list = RawMasterList::from_der(&signed.content).map_err(|_| Refusal::Malformed(File::Sod))?;
        if list.version != 0 {
            return Err(Refusal::LdsVersion);
        }
        let all = list.certificates.len();
        let authorities: Vec<_> = list.certificates.iter().filter_map(read).collect();
        Ok(Self {
            signer: signed.signer,
            left_out: all - authorities.len(),
            authorities,
        })
    }
}

fn read(any: &Any) -> Option<Certificate> {
    let der = any.to_der().ok()?;
    certificate::read(&der).ok()
}
