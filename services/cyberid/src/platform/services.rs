//! The platform: its services over their stores and keys, started in order, kept in order, stopped in order.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use cyberid_audit::Audit;
use cyberid_consent::Consent;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::secret::SecretBytes;
use cyberid_issuance::Issuance;
use cyberid_keystore::{Keystore, RoleName, State, role};
use cyberid_ledger::{Ledger, LogKey};
use cyberid_pin::{PinCost, PinHasher};
use cyberid_protocol::discovery::LedgerDescription;
use cyberid_protocol::warrant::Anchors;
use cyberid_tlog::note::{NoteSigner as _, VerifierKey};
use cyberid_tlog::policy::Policy;
use cyberid_verification::{Description, Quota, StaticClient, Verification};
use cyberid_web::{AccessTokens, Authenticate, telemetry};
use tokio::sync::Notify;

use super::compose;
use super::config::{
    ConfigError, ConfigFile, IdentitySource as SourceConfig, Peer, WitnessConfig, require_private,
};
use super::key_holders::{Trust, client, start_custodian, start_vault};
use super::readiness::{RegistryTrial, SelfTest, SigningTrial};
use super::sandbox::{Sandbox, SandboxKeys, SandboxOptions};
use super::stores::PlatformStores;
use super::surroundings::{SourceAtWork, start_identity_source, start_witness};
use super::{DataDirectory, Door, Serving, StartError, Stop, notices, roles};

/// The log's name in a sandbox, whatever address it has at this start.
const SANDBOX_ORIGIN: &str = "sandbox.cyberid.example/ledger";

/// How often the services tidy up.
const HOUSEKEEPING: Duration = Duration::from_secs(5);

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
        passphrase: &SecretBytes,
        options: PlatformOptions,
        stop: &Stop,
    ) -> Result<Self, StartError> {
        // Metrics may have been begun by another platform of this process; then they are shared.
        let _ = telemetry::begin_metrics();
        let start = Start::new(door, data, passphrase, options, stop)?;
        start.run().await
    }

    /// The key of the log that a sandbox in this data directory writes: for its witness to know beforehand.
    pub(crate) fn sandbox_log(
        data: &DataDirectory,
        passphrase: &SecretBytes,
    ) -> Result<VerifierKey, StartError> {
        let keystore = data.keystore(passphrase, &[RoleName::Ledger])?;
        let log = LogKey::new(SANDBOX_ORIGIN, &keystore.note_key::<role::Ledger>()?)
            .map_err(|error| StartError::other("the ledger's name cannot be used")(error.into()))?;
        Ok(log.verifier_key().clone())
    }

    /// All servers, the one for outsiders first.
    pub(crate) fn into_servings(self) -> Vec<Serving> {
        std::iter::once(self.serving).chain(self.inside).collect()
    }
}

/// A start under way.
struct Start<'a> {
    door: Door,
    data: &'a DataDirectory,
    passphrase: &'a SecretBytes,
    options: PlatformOptions,
    stop: &'a Stop,
    keystore: Arc<Keystore>,
    log: LogKey,
    inside: Vec<Serving>,
}

/// What a platform finds around it.
struct Around {
    source: SourceConfig,
    witnesses: Vec<WitnessConfig>,
    policy: Policy,
    vault: Peer,
    custodian: Peer,
}

impl<'a> Start<'a> {
    fn new(
        door: Door,
        data: &'a DataDirectory,
        passphrase: &'a SecretBytes,
        options: PlatformOptions,
        stop: &'a Stop,
    ) -> Result<Self, StartError> {
        let mut held = roles::PLATFORM.to_vec();
        if options.file.vault.is_none() {
            held.extend(roles::VAULT);
        }
        if options.file.custodian.is_none() {
            held.extend(roles::CUSTODIAN);
        }
        let keystore = data.keystore(passphrase, &held)?;
        let log = LogKey::new(&origin(&options, &door), &keystore.note_key::<role::Ledger>()?)
            .map_err(|error| StartError::other("the ledger's name cannot be used")(error.into()))?;
        Ok(Self {
            door,
            data,
            passphrase,
            options,
            stop,
            keystore: Arc::new(keystore),
            log,
            inside: Vec::new(),
        })
    }

    async fn run(mut self) -> Result<Platform, StartError> {
        let source = self.sandbox_source().await?;
        let around = self.around(source).await?;
        let sandbox = self.sandbox(&around)?;
        let stores = PlatformStores::open(self.data).await?;
        let services = Services::new(
            &self,
            &around,
            &stores,
            sandbox.as_ref().map(|(sandbox, _)| &**sandbox),
        )
        .await?;
        services.recover().await?;
        let router = services.router(sandbox.as_ref().map(|(sandbox, _)| Arc::clone(sandbox)));
        let issuer = self.door.issuer.clone();
        let ledger_vkey = self.log.verifier_key().clone();
        let serving = self.door.answer(router, self.stop)?;
        tokio::spawn(services.keep(self.stop.clone(), stores));
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

    fn sandbox(&self, around: &Around) -> Result<Option<(Arc<Sandbox>, SandboxKeys)>, StartError> {
        let Some(_) = self.options.sandbox else {
            return Ok(None);
        };
        Sandbox::open(&self.data.folder("sandbox")?, client(&around.source.url)?).map(Some)
    }

    /// The sandbox's own identity source, where the configuration names none.
    async fn sandbox_source(&mut self) -> Result<Option<SourceAtWork>, StartError> {
        let Some(SandboxOptions { people }) = self.options.sandbox else {
            return Ok(None);
        };
        if self.options.file.identity_source.is_some() {
            return Ok(None);
        }
        let data = self.data.folder("sandbox")?.folder("identity-source")?;
        let door = Door::bind_inside().await?;
        start_identity_source(door, &data, self.passphrase, people, false, self.stop).map(Some)
    }

    async fn around(&mut self, source: Option<SourceAtWork>) -> Result<Around, StartError> {
        let own = source.map(|source| {
            let configured = SourceConfig {
                url: source.serving.issuer.clone(),
                signing_jwk: source.keys.signing_jwk,
                encryption_jwk: source.keys.encryption_jwk,
            };
            self.inside.push(source.serving);
            configured
        });
        let source = self.source(own)?;
        let witnesses = self.witnesses().await?;
        let policy = self.policy(&witnesses)?;
        let (vault, custodian) = self.key_holders(&policy).await?;
        Ok(Around {
            source,
            witnesses,
            policy,
            vault,
            custodian,
        })
    }

    fn source(&self, own: Option<SourceConfig>) -> Result<SourceConfig, StartError> {
        let configured = self.options.file.identity_source.clone();
        let why = "the register that confirms documents and people";
        let source = configured.or(own).ok_or(ConfigError::Missing {
            member: "identity_source",
            why,
        })?;
        require_private("identity_source.url", &source.url)?;
        Ok(source)
    }

    async fn witnesses(&mut self) -> Result<Vec<WitnessConfig>, StartError> {
        let configured = self
            .options
            .file
            .ledger
            .as_ref()
            .map(|ledger| ledger.witnesses.clone())
            .unwrap_or_default();
        for witness in &configured {
            require_private("ledger.witnesses.url", &witness.url)?;
        }
        if !configured.is_empty() || self.options.sandbox.is_none() {
            return Ok(configured);
        }
        let data = self.data.folder("sandbox")?.folder("witness")?;
        let door = Door::bind_inside().await?;
        let logs = vec![self.log.verifier_key().clone()];
        let name = "sandbox.witness.cyberid.example";
        let (serving, vkey) = start_witness(door, &data, self.passphrase, name, logs, self.stop)?;
        let url = serving.issuer.clone();
        self.inside.push(serving);
        Ok(vec![WitnessConfig { url, vkey }])
    }

    /// The configured number of witnesses, or all of them; never none.
    fn policy(&self, witnesses: &[WitnessConfig]) -> Result<Policy, StartError> {
        let why = "plaintext leaves only after witnesses have seen the ledger entry";
        if witnesses.is_empty() {
            return Err(ConfigError::Missing {
                member: "ledger.witnesses",
                why,
            }
            .into());
        }
        let quorum = self
            .options
            .file
            .ledger
            .as_ref()
            .and_then(|ledger| ledger.quorum)
            .unwrap_or(witnesses.len());
        if quorum == 0 {
            return Err(ConfigError::Unusable {
                member: "ledger.quorum",
                why,
            }
            .into());
        }
        let keys: Vec<VerifierKey> = witnesses.iter().map(|witness| witness.vkey.clone()).collect();
        Policy::k_of_n(Some(self.log.verifier_key().clone()), &keys, quorum)
            .map_err(|error| StartError::other("the witness policy cannot be used")(error.into()))
    }

    /// The key holders that are elsewhere, and the others started here.
    async fn key_holders(&mut self, policy: &Policy) -> Result<(Peer, Peer), StartError> {
        let (vault, custodian) = (
            self.options.file.vault.clone(),
            self.options.file.custodian.clone(),
        );
        if vault.is_none() && custodian.is_none() {
            tracing::warn!("{}", notices::ONE_PROCESS);
        }
        let vault_key = match &vault {
            Some(vault) => vault.jwk,
            None => self.keystore.opener::<role::Vault>()?.public_key(),
        };
        let custodian = match custodian {
            Some(custodian) => custodian,
            None => self.own_custodian(policy, vault_key).await?,
        };
        let vault = match vault {
            Some(vault) => vault,
            None => self.own_vault(policy, &custodian).await?,
        };
        require_private("vault.url", &vault.url)?;
        require_private("custodian.url", &custodian.url)?;
        Ok((vault, custodian))
    }

    async fn own_custodian(
        &mut self,
        policy: &Policy,
        vault_key: cyberid_crypto::PublicKey,
    ) -> Result<Peer, StartError> {
        let door = Door::bind_inside().await?;
        let trust = self.trust(policy)?;
        let serving = start_custodian(door, self.data, &self.keystore, trust, vault_key, self.stop).await?;
        let jwk = self.keystore.opener::<role::Custodian>()?.public_key();
        let peer = Peer {
            url: serving.issuer.clone(),
            jwk,
            identity_jwk: None,
        };
        self.inside.push(serving);
        Ok(peer)
    }

    async fn own_vault(&mut self, policy: &Policy, custodian: &Peer) -> Result<Peer, StartError> {
        let door = Door::bind_inside().await?;
        let trust = self.trust(policy)?;
        let custodian = client(&custodian.url)?;
        let serving = start_vault(door, self.data, &self.keystore, trust, custodian, self.stop).await?;
        let jwk = self.keystore.opener::<role::Vault>()?.public_key();
        let peer = Peer {
            url: serving.issuer.clone(),
            jwk,
            identity_jwk: None,
        };
        self.inside.push(serving);
        Ok(peer)
    }

    fn trust(&self, policy: &Policy) -> Result<Trust, StartError> {
        let ledger = self.log.verifier_key().clone();
        let anchors = Anchors {
            issuer: self.door.issuer.clone(),
            ledger,
            policy: policy.clone(),
        };
        Ok(Trust {
            anchors,
            enrolment_key: self.keystore.signer::<role::Enrolment>()?.public_key(),
        })
    }

    /// The keys that outsiders check signatures with: this process's, and the vault's where it is elsewhere.
    fn signing_keys(&self, vault: &Peer) -> cyberid_verification::SigningKeys {
        let keystore = Arc::clone(&self.keystore);
        let elsewhere = vault
            .identity_jwk
            .map(|key| (RoleName::Identity, State::Active, key));
        Arc::new(move || {
            keystore
                .public_signing_keys()
                .into_iter()
                .chain(elsewhere)
                .collect()
        })
    }
}

/// The log's name: configured, the sandbox's, or the issuer's host.
fn origin(options: &PlatformOptions, door: &Door) -> String {
    let configured = options
        .file
        .ledger
        .as_ref()
        .and_then(|ledger| ledger.origin.clone());
    configured.unwrap_or_else(|| match options.sandbox {
        Some(_) => SANDBOX_ORIGIN.into(),
        None => format!(
            "{}/ledger",
            door.issuer.split_once("://").map_or("", |(_, host)| host)
        ),
    })
}

/// The services that outsiders call.
struct Services {
    issuance: Arc<Issuance>,
    verification: Arc<Verification>,
    consent: Arc<Consent>,
    audit: Arc<Audit>,
    tokens: Arc<AccessTokens>,
    readiness: Arc<SelfTest>,
}

impl Services {
    async fn new(
        start: &Start<'_>,
        around: &Around,
        stores: &PlatformStores,
        sandbox: Option<&Sandbox>,
    ) -> Result<Self, StartError> {
        let (keystore, issuer) = (&start.keystore, start.door.issuer.clone());
        let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
        let allow_bearer = sandbox.is_some() && start.door.address.ip().is_loopback();
        let token_key = keystore.mac::<role::Token>()?;
        let tokens = AccessTokens::new(issuer.clone(), &token_key, clock.clone(), rng.clone());
        let tokens = Arc::new(if allow_bearer {
            tokens.allow_bearer()
        } else {
            tokens
        });
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let pepper = Arc::new(keystore.mac::<role::Pin>()?);
        let pins = PinHasher::new(pepper, PinCost::default(), cores);
        let (vault, custodian) = (client(&around.vault.url)?, client(&around.custodian.url)?);
        let ledger = open_ledger(start, around, stores).await?;
        let promised = Arc::new(Notify::new());
        let registry = &stores.registry;
        let issuance = Issuance::new(cyberid_issuance::Parts {
            issuer: issuer.clone(),
            clock: clock.clone(),
            rng: rng.clone(),
            subjects: registry.clone(),
            single_uses: registry.clone(),
            vault: vault.clone(),
            custodian: custodian.clone(),
            source: client(&around.source.url)?,
            vault_key: around.vault.jwk,
            custodian_key: around.custodian.jwk,
            source_signing_key: around.source.signing_jwk,
            source_encryption_key: around.source.encryption_jwk,
            enrolment_key: keystore.signer::<role::Enrolment>()?,
            certificate_key: keystore.signer::<role::Certificate>()?,
            age_key: keystore.mac::<role::Age>()?,
            token_key,
            pins: pins.clone(),
        });
        let clients = start
            .options
            .file
            .clients
            .iter()
            .cloned()
            .chain(sandbox.iter().flat_map(|sandbox| sandbox.clients()));
        let verification = Verification::new(cyberid_verification::Parts {
            issuer: issuer.clone(),
            clock: clock.clone(),
            rng: rng.clone(),
            subjects: registry.clone(),
            relying_parties: registry.clone(),
            verifications: registry.clone(),
            single_uses: registry.clone(),
            promises: registry.clone(),
            journal: registry.clone(),
            attestation: keystore.signer::<role::Attestation>()?,
            request: keystore.signer::<role::Request>()?,
            registration: keystore.signer::<role::Registration>()?,
            message: keystore.opener::<role::Message>()?,
            pairwise: keystore.mac::<role::Pairwise>()?,
            journal_key: keystore.mac::<role::Journal>()?,
            signing_keys: start.signing_keys(&around.vault),
            access_tokens: tokens.clone(),
            pins,
            clients: clients
                .map(|client| StaticClient {
                    client_id: client.client_id,
                    role: client.role,
                    key: client.jwk,
                })
                .collect(),
            description: Description {
                suite: "P-256".into(),
                ledger: describe(start, around),
            },
            allow_bearer,
            promised: promised.clone(),
            quota: Quota::default(),
        });
        let audit = Audit::new(cyberid_audit::Parts {
            clock: clock.clone(),
            store: stores.ledger.clone(),
            reader: ledger.reader().clone(),
            oversight: registry.clone(),
        });
        let consent = Consent::new(cyberid_consent::Parts {
            issuer,
            clock,
            rng,
            releases: registry.clone(),
            relying_parties: registry.clone(),
            subjects: registry.clone(),
            promises: registry.clone(),
            events: registry.clone(),
            kept_answers: registry.clone(),
            ledger,
            request_key: keystore.signer::<role::Request>()?,
            event_key: keystore.signer::<role::Event>()?,
            message_key: keystore.opener::<role::Message>()?,
            pairwise_key: keystore.mac::<role::Pairwise>()?,
            idempotency_key: keystore.mac::<role::Idempotency>()?,
            vault,
            custodian,
            promised,
        });
        let attestation = keystore.signer::<role::Attestation>()?;
        let signing = SigningTrial(Arc::new(move || attestation.current()));
        let readiness = SelfTest(vec![Box::new(signing), Box::new(RegistryTrial(registry.clone()))]);
        Ok(Self {
            issuance,
            verification,
            consent,
            audit,
            tokens,
            readiness: Arc::new(readiness),
        })
    }

    /// Finishes what an earlier process left unfinished.
    async fn recover(&self) -> Result<(), StartError> {
        let failed =
            |what| move |cause: Box<dyn std::error::Error + Send + Sync>| StartError::other(what)(cause);
        self.consent
            .recover()
            .await
            .map_err(|error| failed("consent does not recover")(error.into()))?;
        self.issuance
            .recover()
            .await
            .map_err(|error| failed("issuance does not recover")(error.into()))?;
        self.verification
            .recover()
            .await
            .map_err(|error| failed("verification does not recover")(error.into()))
    }

    fn router(&self, sandbox: Option<Arc<Sandbox>>) -> Router {
        let auth = || Arc::clone(&self.tokens) as Arc<dyn Authenticate>;
        let verifications =
            cyberid_verification::request_routes().finish(Arc::clone(&self.verification), auth());
        let releases = cyberid_consent::request_routes().finish(Arc::clone(&self.consent), auth());
        let mut router = Router::new()
            .merge(cyberid_issuance::routes().finish(Arc::clone(&self.issuance), auth()))
            .merge(cyberid_verification::routes().finish(Arc::clone(&self.verification), auth()))
            .merge(cyberid_consent::routes().finish(Arc::clone(&self.consent), auth()))
            .merge(cyberid_audit::routes().finish(Arc::clone(&self.audit), auth()))
            .merge(compose::requests(verifications, releases))
            .merge(compose::operations(self.readiness.clone()));
        if let Some(sandbox) = sandbox {
            router = router.merge(compose::standalone(super::sandbox::routes(), sandbox));
        }
        router
    }

    /// Tidies up until told to stop, brings promised leaves to the log as they come, and closes the stores.
    async fn keep(self, stop: Stop, stores: PlatformStores) {
        let mut told = Box::pin(stop.told());
        let mut every = tokio::time::interval(HOUSEKEEPING);
        loop {
            tokio::select! {
                () = &mut told => break,
                () = self.consent.promised() => warn_of("consent", self.consent.pump().await.map(drop)),
                _ = every.tick() => {
                    warn_of("consent", self.consent.housekeep().await);
                    warn_of("issuance", self.issuance.housekeep().await);
                    warn_of("verification", self.verification.housekeep().await);
                }
            }
        }
        stores.close().await;
    }
}

fn warn_of<E: std::error::Error>(service: &'static str, tidied: Result<(), E>) {
    if let Err(error) = tidied {
        let cause = error.source().map(ToString::to_string);
        tracing::warn!(service, %error, cause, "housekeeping failed; it is tried again");
    }
}

async fn open_ledger(
    start: &Start<'_>,
    around: &Around,
    stores: &PlatformStores,
) -> Result<Arc<Ledger>, StartError> {
    let mut witnesses = Vec::with_capacity(around.witnesses.len());
    for witness in &around.witnesses {
        witnesses.push(cyberid_ledger::Witness {
            client: client(&witness.url)?,
            key: witness.vkey.clone(),
        });
    }
    let key = LogKey::new(
        start.log.verifier_key().name(),
        &start.keystore.note_key::<role::Ledger>()?,
    )
    .map_err(|error| StartError::other("the ledger's name cannot be used")(error.into()))?;
    let parts = cyberid_ledger::Parts {
        store: stores.ledger.clone(),
        head: stores.head.clone(),
        key: Arc::new(key),
        witnesses,
        policy: around.policy.clone(),
        allow_unwitnessed: false,
    };
    Ok(Ledger::open(parts).await?)
}

fn describe(start: &Start<'_>, around: &Around) -> LedgerDescription {
    LedgerDescription {
        origin: start.log.verifier_key().name().to_owned(),
        vkey: start.log.verifier_key().to_string(),
        url: format!("{}/ledger", start.door.issuer),
        witnesses: around
            .witnesses
            .iter()
            .map(|witness| witness.vkey.to_string())
            .collect(),
        policy: String::from_utf8_lossy(&around.policy.to_bytes()).into_owned(),
    }
}
