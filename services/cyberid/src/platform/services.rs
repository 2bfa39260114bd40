//! The services that outsiders call, over their stores and keys.

use std::sync::Arc;

use axum::Router;
use cyberid_audit::Audit;
use cyberid_client::Client;
use cyberid_consent::{Consent, PlatformKey};
use cyberid_domain::clock::SystemClock;
use cyberid_domain::rng::SystemRng;
use cyberid_event_push::Push;
use cyberid_issuance::{CustodianPeer, Issuance};
use cyberid_keystore::{Keystore, role};
use cyberid_ledger::{Ledger, LogKey};
use cyberid_pin::{PinCost, PinHasher};
use cyberid_protocol::official::Authorities;
use cyberid_storage_cache::{CachedDevices, CachedSubjects};
use cyberid_storage_journal::FileJournal;
use cyberid_storage_sqlite::RegistryDb;
use cyberid_tlog::note::NoteSigner as _;
use cyberid_verification::{Description, StaticClient, Verification};
use cyberid_web::quota::{CallerQuotas, Quota};
use cyberid_web::{AccessTokens, Authenticate};
use tokio::sync::Notify;

use super::config::{ClientConfig, require_clients};
use super::contract::{self, Contract};
use super::key_holders::client;
use super::readiness::{JournalTrial, LedgerTrial, RegistryTrial, SelfTest, SigningTrial};
use super::sandbox::Sandbox;
use super::start::Start;
use super::stores::PlatformStores;
use super::surroundings::{Around, AroundHolder};
use super::{StartError, authorities, compose, events, suite};

/// How many devices' holders are kept in memory when nobody says otherwise: about 260 MB.
const HOLDERS_IN_MEMORY: usize = 2_000_000;

/// The services at work.
pub(crate) struct Services {
    pub(crate) issuance: Arc<Issuance>,
    pub(crate) verification: Arc<Verification>,
    pub(crate) consent: Arc<Consent>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) push: Arc<Push>,
    pub(crate) audit: Arc<Audit>,
    tokens: Arc<AccessTokens>,
    readiness: Arc<SelfTest>,
}

/// What several services share.
struct Shared<'a> {
    keystore: &'a Keystore,
    issuer: String,
    clock: Arc<SystemClock>,
    rng: Arc<SystemRng>,
    registry: Arc<RegistryDb>,
    subjects: Arc<CachedSubjects>,
    devices: Arc<CachedDevices>,
    journal: Arc<FileJournal>,
    pins: PinHasher,
    vault: Client,
    custodians: Vec<Client>,
    promised: Arc<Notify>,
    tokens: Arc<AccessTokens>,
    push: Arc<Push>,
}

impl Services {
    pub(crate) async fn new(
        start: &Start<'_>,
        around: &Around,
        stores: &PlatformStores,
        sandbox: Option<&Sandbox>,
    ) -> Result<Self, StartError> {
        let shared = Shared::new(start, around, stores, sandbox.is_some())?;
        let ledger = open_ledger(start, around, stores).await?;
        let own = sandbox.iter().flat_map(|sandbox| sandbox.clients());
        let clients: Vec<_> = start.options.file.clients.iter().cloned().chain(own).collect();
        require_clients(&clients)?;
        suite::require(
            &start.keystore,
            "clients",
            clients.iter().flat_map(ClientConfig::keys),
        )?;
        let authorities = authorities::among(&clients)?;
        Ok(Self {
            issuance: shared.issuance(start, around)?,
            verification: shared.verification(start, around, clients)?,
            audit: shared.audit(stores, &ledger),
            readiness: shared.readiness(&ledger)?,
            consent: shared.consent(authorities, start, Arc::clone(&ledger))?,
            ledger,
            push: shared.push,
            tokens: shared.tokens,
        })
    }

    /// Finishes what an earlier process left unfinished.
    pub(crate) async fn recover(&self) -> Result<(), StartError> {
        let consent = self.consent.recover().await;
        consent.map_err(|error| StartError::other("consent does not recover")(error.into()))?;
        let issuance = self.issuance.recover().await;
        issuance.map_err(|error| StartError::other("issuance does not recover")(error.into()))?;
        let verification = self.verification.recover().await;
        verification.map_err(|error| StartError::other("verification does not recover")(error.into()))
    }

    /// Records in the log which keys have come into use.
    pub(crate) async fn record_keys(&self, keys: &[PlatformKey]) -> Result<(), StartError> {
        let recorded = self.consent.record_keys(keys).await;
        recorded.map_err(|error| StartError::other("the keys in use cannot be recorded")(error.into()))
    }

    /// All operations behind one door.
    pub(crate) fn router(&self, sandbox: Option<Arc<Sandbox>>) -> Router {
        let auth = || Arc::clone(&self.tokens) as Arc<dyn Authenticate>;
        let router = Router::new()
            .merge(cyberid_issuance::routes().finish(Arc::clone(&self.issuance), auth()))
            .merge(cyberid_verification::routes().finish(Arc::clone(&self.verification), auth()))
            .merge(cyberid_consent::routes().finish(Arc::clone(&self.consent), auth()))
            .merge(cyberid_consent::request_routes().finish(Arc::clone(&self.consent), auth()))
            .merge(cyberid_audit::routes().finish(Arc::clone(&self.audit), auth()))
            .merge(compose::operations(self.readiness.clone()))
            .merge(compose::standalone(
                contract::routes(),
                Contract {
                    sandbox: sandbox.is_some(),
                },
            ));
        match sandbox {
            Some(sandbox) => router.merge(compose::standalone(super::sandbox::routes(), sandbox)),
            None => router,
        }
    }
}

impl<'a> Shared<'a> {
    fn new(
        start: &'a Start<'_>,
        around: &Around,
        stores: &PlatformStores,
        sandbox: bool,
    ) -> Result<Self, StartError> {
        let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
        let issuer = start.door.issuer.clone();
        // Behind a proxy everybody comes from where the proxy is.
        let allow_bearer =
            sandbox && start.door.address.ip().is_loopback() && !start.options.file.behind_tls_proxy;
        let token_key = start.keystore.mac::<role::Token>()?;
        let quotas = CallerQuotas {
            client: start.options.file.quota.map_or_else(Quota::default, Quota::from),
            ..CallerQuotas::default()
        };
        let tokens = AccessTokens::new(issuer.clone(), &token_key, clock.clone(), rng.clone());
        let tokens = tokens
            .with_quotas(quotas)
            .with_suite(suite::suite_of(&start.keystore)?);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let subjects = subjects_in_memory(start, stores);
        let devices = CachedDevices::new(Arc::clone(&subjects), stores.registry.clone());
        let pepper = Arc::new(start.keystore.mac::<role::Pin>()?);
        Ok(Self {
            keystore: &start.keystore,
            issuer,
            clock,
            rng,
            registry: stores.registry.clone(),
            subjects,
            devices,
            journal: stores.journal.clone(),
            pins: PinHasher::new(pepper, PinCost::default(), cores),
            vault: around.vault.peer.client()?,
            custodians: clients_of(&around.custodians)?,
            promised: Arc::new(Notify::new()),
            push: events::push(start, stores)?,
            tokens: Arc::new(if allow_bearer {
                tokens.allow_bearer()
            } else {
                tokens
            }),
        })
    }

    fn issuance(&self, start: &Start<'_>, around: &Around) -> Result<Arc<Issuance>, StartError> {
        Ok(Issuance::new(cyberid_issuance::Parts {
            issuer: self.issuer.clone(),
            clock: self.clock.clone(),
            rng: self.rng.clone(),
            subjects: self.subjects.clone(),
            notices: self.registry.clone(),
            guardianships: self.registry.clone(),
            number_salts: self.registry.clone(),
            lives: self.registry.clone(),
            acts: self.registry.clone(),
            renumberings: self.registry.clone(),
            promises: self.registry.clone(),
            promised: self.promised.clone(),
            guardian_until: start.options.file.issuance.guardian_until()?,
            passkeys: self.registry.clone(),
            devices: self.devices.clone(),
            device_cooling_off: start.device_cooling_off()?,
            refusal_limits: (start.options.file.issuance).refusal_limits(start.options.file.behind_tls_proxy),
            single_uses: self.registry.clone(),
            vault: self.vault.clone(),
            custodians: around
                .custodians
                .iter()
                .zip(&self.custodians)
                .map(custodian_peer)
                .collect(),
            source: around.source.client()?,
            vault_key: around.vault.key.clone(),
            source_signing_key: around.source.signing_jwk,
            source_encryption_key: around.source.encryption_jwk,
            message_key: self.keystore.opener::<role::Message>()?,
            evidence_key: self.keystore.mac::<role::Evidence>()?,
            enrolment_key: self.keystore.signer::<role::Enrolment>()?,
            certificate_key: self.keystore.signer::<role::Certificate>()?,
            age_key: self.keystore.mac::<role::Age>()?,
            token_key: self.keystore.mac::<role::Token>()?,
            pins: self.pins.clone(),
            passports: start.passports()?,
            cases: self.registry.clone(),
        }))
    }

    fn verification(
        &self,
        start: &Start<'_>,
        around: &Around,
        clients: Vec<ClientConfig>,
    ) -> Result<Arc<Verification>, StartError> {
        let known = |client: ClientConfig| StaticClient {
            client_id: client.client_id,
            role: client.role,
            key: client.jwk,
        };
        Ok(Verification::new(cyberid_verification::Parts {
            issuer: self.issuer.clone(),
            clock: self.clock.clone(),
            rng: self.rng.clone(),
            subjects: self.subjects.clone(),
            guardianships: self.registry.clone(),
            relying_parties: self.registry.clone(),
            verifications: self.journal.clone(),
            single_uses: self.registry.clone(),
            held: self.registry.clone(),
            promises: self.registry.clone(),
            journal: self.journal.clone(),
            visits_kept: start.options.file.verification.visits_kept()?,
            attestation: self.keystore.signer::<role::Attestation>()?,
            request: self.keystore.signer::<role::Request>()?,
            registration: self.keystore.signer::<role::Registration>()?,
            message: self.keystore.opener::<role::Message>()?,
            pairwise: self.keystore.mac::<role::Pairwise>()?,
            passkeys: self.registry.clone(),
            source_key: around.source.signing_jwk,
            evidence_key: self.keystore.mac::<role::Evidence>()?,
            journal_key: self.keystore.mac::<role::Journal>()?,
            signing_keys: start.signing_keys(&around.vault.peer),
            access_tokens: self.tokens.clone(),
            pins: self.pins.clone(),
            clients: clients.into_iter().map(known).collect(),
            description: Description {
                client_certificates: start.door.takes_client_certificates(),
                ledger: start.describe(around),
            },
            promised: self.promised.clone(),
            announce: Arc::new(events::Teller(self.push.clone())),
            key_cooling_off: (start.options.file.verification)
                .key_cooling_off(start.options.sandbox.is_some())?,
        }))
    }

    fn consent(
        &self,
        authorities: Authorities,
        start: &Start<'_>,
        ledger: Arc<Ledger>,
    ) -> Result<Arc<Consent>, StartError> {
        Ok(Consent::new(cyberid_consent::Parts {
            issuer: self.issuer.clone(),
            clock: self.clock.clone(),
            rng: self.rng.clone(),
            releases: self.registry.clone(),
            relying_parties: self.registry.clone(),
            subjects: self.subjects.clone(),
            guardianships: self.registry.clone(),
            devices: self.devices.clone(),
            authorities,
            officials: self.registry.clone(),
            number_salts: self.registry.clone(),
            promises: self.registry.clone(),
            pledges: self.registry.clone(),
            cancellations: self.registry.clone(),
            events: self.registry.clone(),
            kept_answers: self.registry.clone(),
            ledger,
            request_key: self.keystore.signer::<role::Request>()?,
            event_key: self.keystore.signer::<role::Event>()?,
            message_key: self.keystore.opener::<role::Message>()?,
            pairwise_key: self.keystore.mac::<role::Pairwise>()?,
            idempotency_key: self.keystore.mac::<role::Idempotency>()?,
            vault: self.vault.clone(),
            custodians: self.custodians.clone(),
            promised: self.promised.clone(),
            erase_within: (start.options.file.consent).erase_within(start.options.sandbox.is_some())?,
            index_cooling_off: (start.options.file.index).cooling_off(start.options.sandbox.is_some())?,
        }))
    }

    fn audit(&self, stores: &PlatformStores, ledger: &Ledger) -> Arc<Audit> {
        Audit::new(cyberid_audit::Parts {
            clock: self.clock.clone(),
            store: stores.ledger.clone(),
            reader: ledger.reader().clone(),
            oversight: self.registry.clone(),
        })
    }

    fn readiness(&self, ledger: &Arc<Ledger>) -> Result<Arc<SelfTest>, StartError> {
        let attestation = self.keystore.signer::<role::Attestation>()?;
        Ok(Arc::new(SelfTest(vec![
            Box::new(SigningTrial(Arc::new(move || attestation.current()))),
            Box::new(RegistryTrial(self.registry.clone())),
            Box::new(JournalTrial(self.journal.clone())),
            Box::new(LedgerTrial(Arc::clone(ledger))),
        ])))
    }
}

fn clients_of(custodians: &[AroundHolder]) -> Result<Vec<Client>, StartError> {
    custodians
        .iter()
        .map(|custodian| custodian.peer.client())
        .collect()
}

fn custodian_peer((found, client): (&AroundHolder, &Client)) -> CustodianPeer {
    CustodianPeer {
        client: client.clone(),
        key: found.key.clone(),
    }
}

/// The subjects of the registry; their holders are brought into memory while the platform answers already.
fn subjects_in_memory(start: &Start<'_>, stores: &PlatformStores) -> Arc<CachedSubjects> {
    let most = start.options.file.holders_in_memory.unwrap_or(HOLDERS_IN_MEMORY);
    let subjects = CachedSubjects::new(stores.registry.clone(), most);
    let kept = Arc::clone(&subjects);
    tokio::spawn(async move { kept.keep_loaded().await });
    subjects
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
    let ledger = Ledger::open(parts).await?;
    tokio::spawn(Arc::clone(&ledger).keep_witnessed());
    Ok(ledger)
}
