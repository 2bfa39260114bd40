//! The relying party: one registered client in front of one platform.

use std::fmt;
use std::sync::Arc;

use cyberid_client::ledger::{LedgerReader, Tree};
use cyberid_client::{Client, Platform, Session};
use cyberid_crypto::{Agree, Sign};
use cyberid_domain::id::ClientId;
use cyberid_domain::{Clock, Rng, UnixTime};

use crate::{RelyingPartyError, RpKeys};

/// A registered relying party in front of one platform.
pub struct RelyingParty {
    pub(crate) client_id: ClientId,
    pub(crate) platform: Platform,
    pub(crate) session: Session,
    pub(crate) ledger: LedgerReader,
    pub(crate) signer: Arc<dyn Sign>,
    pub(crate) opener: Arc<dyn Agree>,
    pub(crate) certificates: Vec<String>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
}

impl RelyingParty {
    /// Meets the platform at `client`'s address for the first time, and pins what it is from then on.
    pub async fn contact(
        client: Client,
        client_id: ClientId,
        keys: &RpKeys,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, RelyingPartyError> {
        let platform = Platform::contact(client, clock.clone()).await?;
        Self::resume(platform, Tree::default(), client_id, keys, clock, rng)
    }

    /// Goes on with a platform whose pins were kept, and a ledger of which `seen` was seen before.
    pub fn resume(
        platform: Platform,
        seen: Tree,
        client_id: ClientId,
        keys: &RpKeys,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, RelyingPartyError> {
        let session = Session::client(
            platform.client().clone(),
            platform.issuer(),
            client_id.clone(),
            keys.signer(),
            clock.clone(),
            rng.clone(),
        );
        Ok(Self {
            ledger: LedgerReader::new(platform.ledger_client()?, platform.anchors(), seen),
            client_id,
            platform,
            session,
            signer: keys.signer(),
            opener: keys.opener(),
            certificates: Vec::new(),
            clock,
            rng,
        })
    }

    /// Adds the registration certificates, which direct requests carry.
    #[must_use]
    pub fn with_certificates(self, certificates: Vec<String>) -> Self {
        Self { certificates, ..self }
    }

    /// The relying party's id.
    pub fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// The platform; its pins are worth keeping.
    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    /// The ledger; its last tree is worth keeping.
    pub fn ledger(&self) -> &LedgerReader {
        &self.ledger
    }

    /// The authorised calls, for operations that this library has no name for.
    pub fn session(&self) -> &Session {
        &self.session
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.clock.now()
    }
}

impl fmt::Debug for RelyingParty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RelyingParty({})", self.client_id)
    }
}
