//! The relying party: one registered client in front of one platform.

use std::fmt;
use std::sync::Arc;

use cyberid_client::ledger::{LedgerReader, Tree};
use cyberid_client::{Client, Platform, Session};
use cyberid_crypto::{Agree, PublicKey, Sign};
use cyberid_domain::id::ClientId;
use cyberid_domain::{Clock, Rng, UnixTime};

use crate::checkpoint::Checkpoints;
use crate::once::Once;
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
    checkpoints: Option<Arc<dyn Checkpoints>>,
    /// Questions that have their answer.
    pub(crate) answered: Once,
    /// Pushed events that were acted upon.
    pub(crate) handled: Once,
}

/// Attestations are only remembered until they expire: so many are those of 150 a second.
const ANSWERED: usize = 100_000;
const HANDLED: usize = 100_000;

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
        platform.require_own_suite(&keys.signer().public_key())?;
        platform.require_own_suite(&keys.opener().public_key())?;
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
            checkpoints: None,
            answered: Once::of(ANSWERED),
            handled: Once::of(HANDLED),
        })
    }

    /// Adds the registration certificates, which direct requests carry.
    #[must_use]
    pub fn with_certificates(self, certificates: Vec<String>) -> Self {
        Self { certificates, ..self }
    }

    /// Keeps what it sees of the ledger there, and begins with what was kept: a ledger that does not continue it is
    /// refused from the first call on.
    pub fn remembering(mut self, checkpoints: Arc<dyn Checkpoints>) -> Result<Self, RelyingPartyError> {
        let kept = checkpoints.load();
        if let Some(seen) = kept.map_err(|error| RelyingPartyError::Checkpoint(error.kind()))? {
            self.ledger = LedgerReader::new(self.platform.ledger_client()?, self.platform.anchors(), seen);
        }
        self.checkpoints = Some(checkpoints);
        Ok(self)
    }

    /// The same relying party, believing only attestation keys that this key, the platform's `attestation-root`, vouches
    /// for.
    #[must_use]
    pub fn trusting_root(self, root: PublicKey) -> Self {
        Self {
            platform: self.platform.trusting_root(root),
            ..self
        }
    }

    /// Looks at the ledger: it has to continue what was seen before, and is remembered as it is now.
    pub async fn watch_ledger(&self) -> Result<Tree, RelyingPartyError> {
        self.ledger.advance().await?;
        self.keep_checkpoint().await
    }

    /// Keeps what was seen of the ledger, before anything is believed because of it.
    pub(crate) async fn keep_checkpoint(&self) -> Result<Tree, RelyingPartyError> {
        let tree = self.ledger.last().await;
        if let Some(checkpoints) = &self.checkpoints {
            let kept = checkpoints.keep(&tree);
            kept.map_err(|error| RelyingPartyError::Checkpoint(error.kind()))?;
        }
        Ok(tree)
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

#[cfg(test)]
mod tests {
    use cyberid_client::PlatformError;
    use cyberid_client::key_file::PrivateKey;
    use cyberid_crypto::Suite;
    use cyberid_domain::rng::SystemRng;

    use super::*;
    use crate::platform_double::PlatformDouble;

    #[tokio::test]
    async fn a_party_meets_a_platform_of_the_suite_of_both_its_keys_only() {
        let double = PlatformDouble::start_of(Suite::Sm).await;
        for [signing, encryption] in [
            [Suite::Sm, Suite::Sm],
            [Suite::Nist, Suite::Sm],
            [Suite::Sm, Suite::Nist],
        ] {
            let key = |suite| PrivateKey::make_of(suite, &SystemRng).unwrap();
            let keys = RpKeys::new(key(signing), key(encryption)).unwrap();
            let client = Client::new(&double.issuer).unwrap();
            let id = "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
            let met =
                RelyingParty::contact(client, id, &keys, double.clock.clone(), Arc::new(SystemRng)).await;
            let (platform, key) = (Suite::Sm, Suite::Nist);
            let another = RelyingPartyError::Platform(PlatformError::AnotherSuite { key, platform });
            let fits = [signing, encryption] == [Suite::Sm; 2];
            assert_eq!(met.err(), (!fits).then_some(another));
        }
    }
}
