//! Whose a request is: the device that opened it first. What is stored is a keyed tag, so that no row relates a device to
//! a relying party, or two requests of one device to each other.

use cyberid_crypto::Mac as _;
use cyberid_domain::id::VerificationId;
use cyberid_storage::verification::{Opened, Verification as Row};

use crate::Verification;
use crate::refusal::Refusal;

const LABEL: &[u8] = b"cyberid/v1/opener";

impl Verification {
    /// The tag under which the device `jkt` opens the request `id`. No device has the empty thumbprint: its tag is
    /// nobody's.
    pub(crate) fn opener(&self, id: &VerificationId, jkt: &str) -> [u8; 16] {
        let whole = self
            .parts
            .journal_key
            .mac(&[LABEL, id.as_str().as_bytes(), jkt.as_bytes()]);
        let mut tag = [0; 16];
        tag.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
        tag
    }

    /// Opens a request for a device. Without a device it is only looked at, and only while it is nobody's.
    pub(crate) async fn open_for(&self, row: &Row, device: Option<&str>) -> Result<(), Refusal> {
        let Some(device) = device else {
            return row.opener.is_none().then_some(()).ok_or(Refusal::Closed);
        };
        let opener = self.opener(&row.id, device);
        match self
            .parts
            .verifications
            .open(&row.id, &opener, self.now())
            .await?
        {
            Opened::Now => Ok(()),
            Opened::Another | Opened::Closed => Err(Refusal::Closed),
        }
    }
}
