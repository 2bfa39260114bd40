//! The two key holders, each behind its own door with only its own key and store.

use std::sync::Arc;

use cyberid_client::Client;
use cyberid_crypto::PublicKey;
use cyberid_custodian::Custodian;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::secret::SecretBytes;
use cyberid_keystore::{Keystore, role};
use cyberid_protocol::official::Authorities;
use cyberid_protocol::warrant::Anchors;
use cyberid_vault::Vault;
use cyberid_web::telemetry;

use super::compose::{plain_operations, standalone};
use super::config::{AnchorsConfig, ConfigError, ConfigFile, require_private};
use super::{DataDirectory, Door, Serving, StartError, Stop, authorities, roles, stores};

/// What a key holder trusts.
pub(crate) struct Trust {
    /// What warrants are checked against.
    pub(crate) anchors: Anchors,
    /// The authorities whose officers may order an official access.
    pub(crate) authorities: Authorities,
    /// The key that signs deposits.
    pub(crate) enrolment_key: PublicKey,
}

/// Runs the vault in a process of its own.
pub(crate) async fn serve_vault(
    door: Door,
    data: &DataDirectory,
    passphrase: &SecretBytes,
    file: &ConfigFile,
    stop: &Stop,
) -> Result<Serving, StartError> {
    // Metrics may have been begun by another part of this process; then they are shared.
    let _ = telemetry::begin_metrics();
    let trust = trust(file)?;
    let custodian = file.custodian.as_ref();
    let why = "the vault asks the custodian for the other share of every key";
    let custodian = custodian.ok_or(ConfigError::Missing {
        member: "custodian",
        why,
    })?;
    require_private("custodian.url", &custodian.url)?;
    let keystore = data.keystore(passphrase, roles::VAULT)?;
    start_vault(door, data, &keystore, trust, client(&custodian.url)?, stop).await
}

/// Runs the custodian in a process of its own.
pub(crate) async fn serve_custodian(
    door: Door,
    data: &DataDirectory,
    passphrase: &SecretBytes,
    file: &ConfigFile,
    stop: &Stop,
) -> Result<Serving, StartError> {
    // Metrics may have been begun by another part of this process; then they are shared.
    let _ = telemetry::begin_metrics();
    let trust = trust(file)?;
    let why = "the custodian seals what it yields to the vault's key";
    let vault = file
        .vault
        .as_ref()
        .ok_or(ConfigError::Missing { member: "vault", why })?;
    let keystore = data.keystore(passphrase, roles::CUSTODIAN)?;
    start_custodian(door, data, &keystore, trust, vault.jwk, stop).await
}

/// Starts the vault.
pub(crate) async fn start_vault(
    door: Door,
    data: &DataDirectory,
    keystore: &Keystore,
    trust: Trust,
    custodian: Client,
    stop: &Stop,
) -> Result<Serving, StartError> {
    let store = stores::vault(data).await?;
    let vault = Vault::new(cyberid_vault::Parts {
        anchors: trust.anchors,
        authorities: trust.authorities,
        enrolment_key: trust.enrolment_key,
        store: store.clone(),
        key: keystore.opener::<role::Vault>()?,
        index: keystore.mac::<role::Index>()?,
        identity: keystore.signer::<role::Identity>()?,
        custodian,
        clock: Arc::new(SystemClock),
    });
    vault
        .recover()
        .await
        .map_err(|error| StartError::other("the vault does not recover")(error.into()))?;
    let router = standalone(cyberid_vault::routes(), vault).merge(plain_operations());
    let serving = door.answer(router, stop)?;
    Ok(serving.then(async move { store.close().await }))
}

/// Starts the custodian.
pub(crate) async fn start_custodian(
    door: Door,
    data: &DataDirectory,
    keystore: &Keystore,
    trust: Trust,
    vault_key: PublicKey,
    stop: &Stop,
) -> Result<Serving, StartError> {
    let store = stores::custodian(data).await?;
    let custodian = Custodian::new(cyberid_custodian::Parts {
        anchors: trust.anchors,
        authorities: trust.authorities,
        enrolment_key: trust.enrolment_key,
        store: store.clone(),
        key: keystore.opener::<role::Custodian>()?,
        vault_key,
        clock: Arc::new(SystemClock),
    });
    custodian
        .recover()
        .await
        .map_err(|error| StartError::other("the custodian does not recover")(error.into()))?;
    let router = standalone(cyberid_custodian::routes(), custodian).merge(plain_operations());
    let serving = door.answer(router, stop)?;
    Ok(serving.then(async move { store.close().await }))
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
    })
}
