//! The two key holders, each behind its own door with only its own key and store.

use std::sync::Arc;

use cyberid_client::Client;
use cyberid_crypto::PublicKey;
use cyberid_custodian::Custodian;
use cyberid_domain::clock::SystemClock;
use cyberid_keystore::{Keystore, Recipient, Unlock, role};
use cyberid_protocol::official::Authorities;
use cyberid_protocol::warrant::Anchors;
use cyberid_storage::erasure::Erasures;
use cyberid_vault::Vault;
use cyberid_web::telemetry;

use super::backup::{BackupConfig, ShareDb, StoreName};
use super::compose::{plain_operations, standalone};
use super::config::{AnchorsConfig, ConfigError, ConfigFile, Peer};
use super::share_upkeep::{Holder, ShareUpkeep};
use super::{
    DataDirectory, Door, Serving, StartError, Stop, authorities, index, peers, roles, stores, suite, turning,
};

/// What a key holder trusts.
pub(crate) struct Trust {
    /// What warrants are checked against.
    pub(crate) anchors: Anchors,
    /// The authorities whose officers may order an official access.
    pub(crate) authorities: Authorities,
    /// The key that signs deposits.
    pub(crate) enrolment_key: PublicKey,
    /// For how many seconds a device beside the first opens nothing.
    pub(crate) device_cooling_off: u64,
    /// For how many seconds nobody is reserved anew whose identifier ended.
    pub(crate) index_cooling_off: u64,
}

/// Runs the vault in a process of its own.
pub(crate) async fn serve_vault(
    door: Door,
    data: &DataDirectory,
    unlock: &Unlock,
    file: &ConfigFile,
    stop: &Stop,
) -> Result<Serving, StartError> {
    // Metrics may have been begun by another part of this process; then they are shared.
    let _ = telemetry::begin_metrics();
    door.require_known_callers()?;
    let trust = trust(file)?;
    let custodians = peers::custodians(file)?;
    if custodians.is_empty() {
        let why = "the vault asks the custodian for the other share of every key";
        return Err(ConfigError::Missing {
            member: "custodian",
            why,
        }
        .into());
    }
    let custodians = custodians.iter().map(Peer::client).collect::<Result<_, _>>()?;
    let keystore = data.keystore(unlock, roles::VAULT)?;
    suite::require(&keystore, "anchors.enrolment_jwk", [&trust.enrolment_key])?;
    tokio::spawn(turning::follow(keystore.clone(), stop.clone()));
    let home = Home::new(data, &keystore, file.backup.as_ref());
    start_vault(door, home, trust, custodians, stop).await
}

/// Runs the custodian in a process of its own.
pub(crate) async fn serve_custodian(
    door: Door,
    data: &DataDirectory,
    unlock: &Unlock,
    file: &ConfigFile,
    stop: &Stop,
) -> Result<Serving, StartError> {
    // Metrics may have been begun by another part of this process; then they are shared.
    let _ = telemetry::begin_metrics();
    door.require_known_callers()?;
    let trust = trust(file)?;
    let why = "the custodian seals what it yields to the vault's key";
    let vault = file
        .vault
        .as_ref()
        .ok_or(ConfigError::Missing { member: "vault", why })?;
    let keystore = data.keystore(unlock, roles::CUSTODIAN)?;
    suite::require(&keystore, "anchors.enrolment_jwk", [&trust.enrolment_key])?;
    suite::require(&keystore, "vault.jwk", [&vault.jwk])?;
    tokio::spawn(turning::follow(keystore.clone(), stop.clone()));
    let home = Home::new(data, &keystore, file.backup.as_ref());
    start_custodian(door, home, trust, vault.jwk.into(), stop).await
}

/// Where a key holder lives: its data, its keys, and where backups of its store go.
#[derive(Clone, Copy)]
pub(crate) struct Home<'a> {
    data: &'a DataDirectory,
    keystore: &'a Keystore,
    backup: Option<&'a BackupConfig>,
}

impl<'a> Home<'a> {
    /// The home with these.
    pub(crate) fn new(
        data: &'a DataDirectory,
        keystore: &'a Keystore,
        backup: Option<&'a BackupConfig>,
    ) -> Self {
        Self {
            data,
            keystore,
            backup,
        }
    }

    fn upkeep(&self, holder: Holder, store: ShareDb) -> ShareUpkeep {
        ShareUpkeep {
            holder,
            store,
            data: self.data.clone(),
            backup: self.backup.cloned(),
        }
    }

    fn erasures(&self, store: StoreName) -> Result<Option<Arc<dyn Erasures>>, StartError> {
        let Some(backup) = self.backup else {
            return Ok(None);
        };
        Ok(Some(Arc::new(backup.erasures(store)?)))
    }
}

/// Starts the vault.
pub(crate) async fn start_vault(
    door: Door,
    home: Home<'_>,
    trust: Trust,
    custodians: Vec<Client>,
    stop: &Stop,
) -> Result<Serving, StartError> {
    let keystore = home.keystore;
    let store = stores::vault(home.data, home.erasures(StoreName::Vault)?).await?;
    stores::require_custodians(&store, custodians.len()).await?;
    let vault = Vault::new(cyberid_vault::Parts {
        anchors: trust.anchors,
        authorities: trust.authorities,
        enrolment_key: trust.enrolment_key,
        device_cooling_off: trust.device_cooling_off,
        store: store.clone(),
        replacements: store.clone(),
        key: keystore.opener::<role::Vault>()?,
        index: keystore.mac::<role::Index>()?,
        identity: keystore.signer::<role::Identity>()?,
        custodians,
        index_cooling_off: trust.index_cooling_off,
        clock: Arc::new(SystemClock),
    });
    vault
        .recover()
        .await
        .map_err(|error| StartError::other("the vault does not recover")(error.into()))?;
    let keeping = tokio::spawn(index::keep(Arc::clone(&vault), stop.clone()));
    let router = standalone(cyberid_vault::routes(), Arc::clone(&vault)).merge(plain_operations());
    let serving = door.answer(router, stop)?;
    let share_db = ShareDb::Vault((*store).clone());
    let upkeep = tokio::spawn(home.upkeep(Holder::Vault(vault), share_db).keep(stop.clone()));
    Ok(serving.then(async move {
        // Tidying up that panicked has nothing left to keep.
        let _ = tokio::join!(keeping, upkeep);
        store.close().await;
    }))
}

/// Starts the custodian.
pub(crate) async fn start_custodian(
    door: Door,
    home: Home<'_>,
    trust: Trust,
    vault_key: Recipient,
    stop: &Stop,
) -> Result<Serving, StartError> {
    let keystore = home.keystore;
    let store = stores::custodian(home.data, home.erasures(StoreName::Custodian)?).await?;
    let custodian = Custodian::new(cyberid_custodian::Parts {
        anchors: trust.anchors,
        authorities: trust.authorities,
        enrolment_key: trust.enrolment_key,
        device_cooling_off: trust.device_cooling_off,
        store: store.clone(),
        replacements: store.clone(),
        key: keystore.opener::<role::Custodian>()?,
        vault_key,
        clock: Arc::new(SystemClock),
    });
    custodian
        .recover()
        .await
        .map_err(|error| StartError::other("the custodian does not recover")(error.into()))?;
    let router = standalone(cyberid_custodian::routes(), Arc::clone(&custodian)).merge(plain_operations());
    let serving = door.answer(router, stop)?;
    let share_db = ShareDb::Custodian((*store).clone());
    let upkeep = home.upkeep(Holder::Custodian(custodian), share_db);
    let upkeep = tokio::spawn(upkeep.keep(stop.clone()));
    Ok(serving.then(async move {
        // Tidying up that panicked has nothing left to keep.
        let _ = upkeep.await;
        store.close().await;
    }))
}

/// A client of another process.
pub(crate) fn client(url: &str) -> Result<Client, StartError> {
    Client::new(url)
        .map_err(|error| StartError::other("another process's address cannot be used")(error.into()))
}

fn trust(file: &ConfigFile) -> Result<Trust, ConfigError> {
    let why = "a key holder checks warrants against the platform's issuer";
    let issuer = file.issuer.as_deref().ok_or(ConfigError::Missing {
        member: "issuer",
        why,
    })?;
    let why = "a key holder pins the enrolment key, the ledger's key and the witness policy";
    let anchors: &AnchorsConfig = file.anchors.as_ref().ok_or(ConfigError::Missing {
        member: "anchors",
        why,
    })?;
    if !anchors.policy.requires_witnesses() {
        let why = "a policy without witnesses lets the ledger's operator open records alone";
        return Err(ConfigError::Unusable {
            member: "anchors.policy",
            why,
        });
    }
    Ok(Trust {
        anchors: anchors.warrant_anchors(issuer.trim_end_matches('/')),
        authorities: authorities::pinned(&anchors.authorities)?,
        enrolment_key: anchors.enrolment_jwk,
        device_cooling_off: file.issuance.device_cooling_off(false)?,
        index_cooling_off: file.index.cooling_off(false)?,
    })
}
