//! The start: everything the platform needs is found or made, in order, before it answers.

use std::sync::Arc;
use std::time::Instant;

use cyberid_consent::PlatformKey;
use cyberid_crypto::PublicKey;
use cyberid_crypto::digest::sha256_base64url;
use cyberid_keystore::{Keystore, NoteKey, RoleName, Unlock, role};
use cyberid_ledger::LogKey;
use cyberid_tlog::note::{NoteSigner as _, VerifierKey};
use cyberid_web::telemetry;

use super::config::{ConfigError, ConfigFile};
use super::sandbox::{Sandbox, SandboxKeys, SandboxOptions};
use super::services::Services;
use super::stores::PlatformStores;
use super::surroundings::Around;
use super::{DataDirectory, Door, Serving, StartError, Stop, notices, roles, suite, upkeep};

/// How the log's name in a sandbox begins.
const SANDBOX_ORIGIN: &str = "sandbox.cyberid.example/";

/// What a platform is started with.
pub(crate) struct PlatformOptions {
    pub(crate) file: ConfigFile,
    pub(crate) sandbox: Option<SandboxOptions>,
}

/// A platform at work.
pub(crate) struct Platform {
    pub(crate) serving: Serving,
    pub(crate) ledger_vkey: VerifierKey,
    inside: Vec<Serving>,
}

impl Platform {
    /// Starts the platform; it answers when this returns.
    pub(crate) async fn start(
        door: Door,
        data: &DataDirectory,
        unlock: &Unlock,
        options: PlatformOptions,
        stop: &Stop,
    ) -> Result<Self, StartError> {
        // Metrics may have been begun by another platform of this process; then they are shared.
        let _ = telemetry::begin_metrics();
        let start = Start::new(door, data, unlock, options, stop)?;
        start.run().await
    }

    /// The key of the log that a sandbox in this data directory writes: for its witness to know beforehand.
    pub(crate) fn sandbox_log(data: &DataDirectory, unlock: &Unlock) -> Result<VerifierKey, StartError> {
        let keystore = data.keystore(unlock, &[RoleName::Ledger])?;
        let key = keystore.note_key::<role::Ledger>()?;
        let log = LogKey::new(&sandbox_origin(&key), &key)
            .map_err(|error| StartError::other("the ledger's name cannot be used")(error.into()))?;
        Ok(log.verifier_key().clone())
    }

    /// All servers, the one for outsiders first.
    pub(crate) fn into_servings(self) -> Vec<Serving> {
        std::iter::once(self.serving).chain(self.inside).collect()
    }
}

/// A start under way.
pub(crate) struct Start<'a> {
    pub(crate) door: Door,
    /// Where everything lies; what is made in it is of the suite of the platform's own keys.
    pub(crate) data: DataDirectory,
    pub(crate) unlock: &'a Unlock,
    pub(crate) options: PlatformOptions,
    pub(crate) stop: &'a Stop,
    /// Stops the servers inside, after the one for outsiders.
    pub(crate) inner: Stop,
    pub(crate) keystore: Arc<Keystore>,
    /// When the keystore was open.
    opened: Instant,
    pub(crate) log: LogKey,
    pub(crate) inside: Vec<Serving>,
}

impl<'a> Start<'a> {
    fn new(
        door: Door,
        data: &DataDirectory,
        unlock: &'a Unlock,
        options: PlatformOptions,
        stop: &'a Stop,
    ) -> Result<Self, StartError> {
        require_own_kind(data, options.sandbox.is_some())?;
        let mut held = roles::PLATFORM.to_vec();
        if options.file.vault.is_none() {
            held.extend(roles::VAULT);
        }
        if options.file.custodian.is_none() && options.file.custodians.is_empty() {
            held.extend(roles::CUSTODIAN);
        }
        let keystore = data.keystore(unlock, &held)?;
        let opened = Instant::now();
        let data = data.clone().with_suite(Some(suite::suite_of(&keystore)?));
        let key = keystore.note_key::<role::Ledger>()?;
        let log = LogKey::new(&origin(&options, &door, &key), &key)
            .map_err(|error| StartError::other("the ledger's name cannot be used")(error.into()))?;
        Ok(Self {
            door,
            data,
            unlock,
            options,
            stop,
            inner: Stop::new(),
            keystore: Arc::new(keystore),
            opened,
            log,
            inside: Vec::new(),
        })
    }

    async fn run(mut self) -> Result<Platform, StartError> {
        let source = self.sandbox_source().await?;
        let around = self.around(source).await?;
        self.require_own_suite(&around)?;
        let sandbox = self.sandbox(&around)?;
        let stores = PlatformStores::open(&self.data, &self.keystore).await?;
        stores.require_custodians(around.custodians.len()).await?;
        let services = Services::new(
            &self,
            &around,
            &stores,
            sandbox.as_ref().map(|(sandbox, _)| &**sandbox),
        )
        .await?;
        services.recover().await?;
        services.record_keys(&self.keys_in_use(&around)).await?;
        let router = services.router(sandbox.as_ref().map(|(sandbox, _)| Arc::clone(sandbox)));
        let issuer = self.door.issuer.clone();
        let ledger_vkey = self.log.verifier_key().clone();
        let serving = self.door.answer(router, self.stop)?;
        metrics::gauge!("platform_start_seconds").set(self.opened.elapsed());
        let (consent, ledger) = (Arc::clone(&services.consent), Arc::clone(&services.ledger));
        let upkeep = upkeep::keep(services, Arc::clone(&self.keystore), self.stop.clone());
        let (upkeep, inner) = (tokio::spawn(upkeep), self.inner);
        // Whoever is still answered may need the key holders and the stores: they go last.
        let serving = serving.then(async move {
            // Upkeep that panicked has nothing left to keep.
            let _ = upkeep.await;
            // Nobody is answered any more: nothing comes after this in the log.
            upkeep::warn_of("consent", consent.halt().await);
            ledger.close().await;
            stores.close().await;
            inner.tell();
        });
        if let Some((sandbox, keys)) = sandbox {
            tracing::warn!("{}", notices::SANDBOX);
            sandbox.ready(&issuer, keys).await?;
        }
        tracing::info!(%issuer, address = %serving.address, "{}", notices::shutdown());
        Ok(Platform {
            serving,
            ledger_vkey,
            inside: self.inside,
        })
    }

    /// Accepts an identity source and key holders whose keys are of the platform's suite.
    fn require_own_suite(&self, around: &Around) -> Result<(), StartError> {
        let source = [&around.source.signing_jwk, &around.source.encryption_jwk];
        suite::require(&self.keystore, "identity_source", source)?;
        let vault = std::iter::once(&around.vault.peer.jwk).chain(&around.vault.peer.identity_jwk);
        suite::require(&self.keystore, "vault", vault)?;
        let custodians = around.custodians.iter().map(|custodian| &custodian.peer.jwk);
        suite::require(&self.keystore, "custodian", custodians)
    }

    /// Its own keys in use, and those of the key holders, wherever they are.
    fn keys_in_use(&self, around: &Around) -> Vec<PlatformKey> {
        let pinned = |role: RoleName, key: &PublicKey| PlatformKey {
            role: role.as_str().to_owned(),
            kid: key.thumbprint(),
        };
        let mut keys = upkeep::keys_in_use(&self.keystore);
        keys.push(pinned(RoleName::Vault, &around.vault.peer.jwk));
        let custodians = around.custodians.iter();
        keys.extend(custodians.map(|custodian| pinned(RoleName::Custodian, &custodian.peer.jwk)));
        let identity = around.vault.peer.identity_jwk.as_ref();
        keys.extend(identity.map(|key| pinned(RoleName::Identity, key)));
        keys
    }

    fn sandbox(&self, around: &Around) -> Result<Option<(Arc<Sandbox>, SandboxKeys)>, StartError> {
        let Some(_) = self.options.sandbox else {
            return Ok(None);
        };
        Sandbox::open(&self.data.folder("sandbox")?, around.source.client()?).map(Some)
    }
}

/// The log's name: configured, the sandbox's, or the issuer's host.
fn origin(options: &PlatformOptions, door: &Door, key: &NoteKey<role::Ledger>) -> String {
    let configured = options
        .file
        .ledger
        .as_ref()
        .and_then(|ledger| ledger.origin.clone());
    configured.unwrap_or_else(|| match options.sandbox {
        Some(_) => sandbox_origin(key),
        None => format!(
            "{}/ledger",
            door.issuer.split_once("://").map_or("", |(_, host)| host)
        ),
    })
}

/// The log's name in a sandbox: the same whatever its address, and another in every data directory, so that nobody
/// takes a new sandbox for an old one with a forged ledger.
fn sandbox_origin(key: &NoteKey<role::Ledger>) -> String {
    let digest = sha256_base64url(&key.public_key());
    format!("{SANDBOX_ORIGIN}{}", digest.get(..8).unwrap_or_default())
}

/// A sandbox approves a relying party whose private keys it publishes: its data never become a platform's, nor a
/// platform's a sandbox's.
fn require_own_kind(data: &DataDirectory, sandbox: bool) -> Result<(), ConfigError> {
    let (begun, was_sandbox) = (data.file("registry.db").exists(), data.file("sandbox").exists());
    let unusable = |why| ConfigError::Unusable { member: "data", why };
    match (begun, was_sandbox, sandbox) {
        (true, true, false) => Err(unusable(
            "a sandbox was here, and everybody has the keys of its relying party",
        )),
        (true, false, true) => Err(unusable(
            "it is a platform's, and a sandbox would let everybody in",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sandbox_and_a_platform_do_not_share_data() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDirectory::open(folder.path()).unwrap();
        for sandbox in [true, false] {
            assert_eq!(require_own_kind(&data, sandbox), Ok(()), "nothing is here");
        }
        std::fs::write(data.file("registry.db"), "").unwrap();
        assert_eq!(require_own_kind(&data, false), Ok(()));
        assert!(require_own_kind(&data, true).is_err());
        data.folder("sandbox").unwrap();
        assert_eq!(require_own_kind(&data, true), Ok(()));
        assert!(require_own_kind(&data, false).is_err());
    }
}
