//! The holder: one device, one platform, and the ledger that both look at.

use std::fmt;
use std::sync::Arc;

use cyberid_client::ledger::{LedgerReader, Tree};
use cyberid_client::{Client, Platform, Session};
use cyberid_crypto::{PublicKey, Sign};
use cyberid_domain::{Clock, Rng, UnixTime};
use cyberid_protocol::enrolment::Me;

use crate::HolderError;

/// A citizen's device in front of one platform.
pub struct Holder {
    pub(crate) platform: Platform,
    pub(crate) session: Session,
    pub(crate) ledger: LedgerReader,
    pub(crate) key: Arc<dyn Sign>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
}

impl Holder {
    /// Meets the platform at `client`'s address for the first time, and pins what it is from then on.
    pub async fn contact(
        client: Client,
        key: Arc<dyn Sign>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, HolderError> {
        let platform = Platform::contact(client, clock.clone()).await?;
        Self::resume(platform, Tree::default(), key, clock, rng)
    }

    /// Goes on with a platform whose pins were kept, and a ledger of which `seen` was seen before.
    pub fn resume(
        platform: Platform,
        seen: Tree,
        key: Arc<dyn Sign>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, HolderError> {
        platform.require_own_suite(&key.public_key())?;
        let client = platform.client().clone();
        let session = Session::holder(client, platform.issuer(), key.clone(), clock.clone(), rng.clone());
        let ledger = LedgerReader::new(platform.ledger_client()?, platform.anchors(), seen);
        Ok(Self {
            platform,
            session,
            ledger,
            key,
            clock,
            rng,
        })
    }

    /// The platform; its pins are worth keeping.
    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    /// The ledger; its last tree is worth keeping.
    pub fn ledger(&self) -> &LedgerReader {
        &self.ledger
    }

    /// The device key's public half.
    pub fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    /// What the platform knows of this holder (`GET /v1/me`).
    pub async fn me(&self) -> Result<Me, HolderError> {
        Ok(self.session.get("/v1/me").await?)
    }

    /// The authorised calls, for operations that this library has no name for.
    pub fn session(&self) -> &Session {
        &self.session
    }

    pub(crate) fn client(&self) -> &Client {
        self.platform.client()
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.clock.now()
    }
}

impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Holder({})", self.key.kid())
    }
}

#[cfg(test)]
mod tests {
    use cyberid_client::PlatformError;
    use cyberid_crypto::{SigningKey, Suite};
    use cyberid_domain::rng::SystemRng;

    use super::*;
    use crate::platform_double::PlatformDouble;

    #[tokio::test]
    async fn a_device_meets_a_platform_of_its_own_suite_only() {
        for platform in Suite::ALL {
            let double = PlatformDouble::start_of(platform).await;
            for key in Suite::ALL {
                let client = Client::new(&double.issuer).unwrap();
                let device = Arc::new(SigningKey::of(key, &[7; 32]).unwrap());
                let met = Holder::contact(client, device, double.clock.clone(), Arc::new(SystemRng)).await;
                let another = HolderError::Platform(PlatformError::AnotherSuite { key, platform });
                assert_eq!(met.err(), (key != platform).then_some(another));
            }
        }
    }
}
