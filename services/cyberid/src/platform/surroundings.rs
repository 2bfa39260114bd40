//! What a platform finds around it: the identity source, the witnesses, the two key holders. What the configuration
//! names is used; what a sandbox lacks, and the key holders that are not elsewhere, are started here.

use std::sync::Arc;

use cyberid_crypto::PublicKey;
use cyberid_keystore::{PublishedKey, Recipient, RoleName, State, role};
use cyberid_protocol::discovery::LedgerDescription;
use cyberid_protocol::official::Authorities;
use cyberid_protocol::warrant::Anchors;
use cyberid_tlog::note::NoteSigner as _;
use cyberid_tlog::policy::Policy;

use super::config::{ConfigError, IdentitySource, Peer, WitnessConfig, require_private};
use super::key_holders::{Home, Trust, start_custodian, start_vault};
use super::outside::{SourceAtWork, SourceOptions, start_identity_source};
use super::sandbox::{SandboxAuthority, SandboxOptions};
use super::start::Start;
use super::witness::start_witness;
use super::witnessing::Witnessing;
use super::{Door, Serving, StartError, authorities, notices, peers};

/// What a platform finds around it.
pub(crate) struct Around {
    pub(crate) source: IdentitySource,
    pub(crate) witnesses: Vec<WitnessConfig>,
    pub(crate) policy: Policy,
    pub(crate) vault: AroundHolder,
    /// One, or three of whom any two are enough.
    pub(crate) custodians: Vec<AroundHolder>,
}

/// A key holder as the platform finds it: elsewhere, or in this process.
pub(crate) struct AroundHolder {
    pub(crate) peer: Peer,
    /// What is sealed to it.
    pub(crate) key: Recipient,
}
impl AroundHolder {
    fn elsewhere(peer: Peer) -> Self {
        let key = peer.jwk.into();
        Self { peer, key }
    }
}

impl Start<'_> {
    /// The sandbox's own identity source, where the configuration names none.
    pub(crate) async fn sandbox_source(&mut self) -> Result<Option<SourceAtWork>, StartError> {
        let Some(SandboxOptions { people }) = self.options.sandbox else {
            return Ok(None);
        };
        if self.options.file.identity_source.is_some() {
            return Ok(None);
        }
        let data = self.data.folder("sandbox")?.folder("identity-source")?;
        let door = Door::bind_inside().await?;
        let options = SourceOptions {
            people: u64::try_from(people).unwrap_or(u64::MAX),
            faults: false,
        };
        start_identity_source(door, &data, self.unlock, options, &self.inner).map(Some)
    }

    pub(crate) async fn around(&mut self, source: Option<SourceAtWork>) -> Result<Around, StartError> {
        let own = source.map(|source| {
            let configured = IdentitySource {
                url: source.serving.issuer.clone(),
                signing_jwk: source.keys.signing_jwk,
                encryption_jwk: source.keys.encryption_jwk,
                tls: None,
                timeout_seconds: None,
            };
            self.inside.push(source.serving);
            configured
        });
        let source = self.source(own)?;
        let Witnessing { witnesses, policy } = self.witnessing().await?;
        let (vault, custodians) = self.key_holders(&policy).await?;
        Ok(Around {
            source,
            witnesses,
            policy,
            vault,
            custodians,
        })
    }

    fn source(&self, own: Option<IdentitySource>) -> Result<IdentitySource, StartError> {
        let configured = self.options.file.identity_source.clone();
        let why = "the register that confirms documents and people";
        let source = configured.or(own).ok_or(ConfigError::Missing {
            member: "identity_source",
            why,
        })?;
        require_private("identity_source.url", &source.url)?;
        Ok(source)
    }

    /// Who has to cosign: what the configuration names, or the sandbox's own witness.
    async fn witnessing(&mut self) -> Result<Witnessing, StartError> {
        let log = self.log.verifier_key().clone();
        let ledger = self.options.file.ledger.as_ref();
        let configured = ledger.is_some_and(|ledger| {
            !ledger.witnesses.is_empty() || ledger.policy_file.is_some() || ledger.quorum.is_some()
        });
        if configured || self.options.sandbox.is_none() {
            return Ok(Witnessing::configured(ledger, log)?);
        }
        let data = self.data.folder("sandbox")?.folder("witness")?;
        let door = Door::bind_inside().await?;
        let name = "sandbox.witness.cyberid.example";
        let (serving, vkey) = start_witness(door, &data, self.unlock, name, vec![log.clone()], &self.inner)?;
        let url = serving.issuer.clone();
        self.inside.push(serving);
        Ok(Witnessing::all_of(vec![WitnessConfig { url, vkey }], log)?)
    }

    /// The key holders that are elsewhere, and the others started here.
    async fn key_holders(
        &mut self,
        policy: &Policy,
    ) -> Result<(AroundHolder, Vec<AroundHolder>), StartError> {
        let (vault, custodians) = (
            self.options.file.vault.clone(),
            peers::custodians(&self.options.file)?,
        );
        if vault.is_none() && custodians.is_empty() {
            tracing::warn!("{}", notices::ONE_PROCESS);
        }
        let vault_key = match &vault {
            Some(vault) => vault.jwk.into(),
            None => self.keystore.opener::<role::Vault>()?.into(),
        };
        let custodians = if custodians.is_empty() {
            vec![self.own_custodian(policy, &vault_key).await?]
        } else {
            custodians.into_iter().map(AroundHolder::elsewhere).collect()
        };
        let vault = match vault {
            Some(vault) => AroundHolder::elsewhere(vault),
            None => self.own_vault(policy, vault_key, &custodians).await?,
        };
        require_private("vault.url", &vault.peer.url)?;
        Ok((vault, custodians))
    }

    async fn own_custodian(
        &mut self,
        policy: &Policy,
        vault_key: &Recipient,
    ) -> Result<AroundHolder, StartError> {
        let door = Door::bind_inside().await?;
        let (trust, backup) = (self.trust(policy)?, self.options.file.backup.as_ref());
        let home = Home::new(&self.data, &self.keystore, backup);
        let serving = start_custodian(door, home, trust, vault_key.clone(), &self.inner).await?;
        let own = self.keystore.opener::<role::Custodian>()?;
        Ok(self.inside(serving, own.public_key(), own.into()))
    }

    async fn own_vault(
        &mut self,
        policy: &Policy,
        key: Recipient,
        custodians: &[AroundHolder],
    ) -> Result<AroundHolder, StartError> {
        let door = Door::bind_inside().await?;
        let (trust, backup) = (self.trust(policy)?, self.options.file.backup.as_ref());
        let custodians = custodians.iter().map(|custodian| custodian.peer.client());
        let custodians = custodians.collect::<Result<_, _>>()?;
        let home = Home::new(&self.data, &self.keystore, backup);
        let serving = start_vault(door, home, trust, custodians, &self.inner).await?;
        Ok(self.inside(serving, key.key(), key))
    }

    /// A key holder that was started here.
    fn inside(&mut self, serving: Serving, jwk: PublicKey, key: Recipient) -> AroundHolder {
        let peer = Peer {
            url: serving.issuer.clone(),
            jwk,
            identity_jwk: None,
            tls: None,
        };
        self.inside.push(serving);
        AroundHolder { peer, key }
    }

    /// The authorities among the configured clients, and the sandbox's.
    fn authorities(&self) -> Result<Authorities, StartError> {
        let mut clients = self.options.file.clients.clone();
        if self.options.sandbox.is_some() {
            let authority = SandboxAuthority::open(&self.data.folder("sandbox")?)?;
            clients.push(authority.configured()?);
        }
        Ok(authorities::among(&clients)?)
    }

    /// For how many seconds a device beside the first releases nothing.
    pub(crate) fn device_cooling_off(&self) -> Result<u64, ConfigError> {
        let file = &self.options.file;
        let alone = self.options.sandbox.is_some() && self.door.address.ip().is_loopback();
        file.issuance.device_cooling_off(alone && !file.behind_tls_proxy)
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
            authorities: self.authorities()?,
            enrolment_key: self.keystore.signer::<role::Enrolment>()?.public_key(),
            device_cooling_off: self.device_cooling_off()?,
            index_cooling_off: (self.options.file.index).cooling_off(self.options.sandbox.is_some())?,
        })
    }

    /// The keys that outsiders check signatures with: this process's, and the vault's where it is elsewhere.
    pub(crate) fn signing_keys(&self, vault: &Peer) -> cyberid_verification::SigningKeys {
        let keystore = Arc::clone(&self.keystore);
        let elsewhere = vault
            .identity_jwk
            .map(|key| PublishedKey::plain(RoleName::Identity, State::Active, key));
        Arc::new(move || {
            let mut keys = keystore.public_signing_keys();
            keys.extend(elsewhere.clone());
            keys
        })
    }

    /// How outsiders check the ledger.
    pub(crate) fn describe(&self, around: &Around) -> LedgerDescription {
        LedgerDescription {
            origin: self.log.verifier_key().name().to_owned(),
            vkey: self.log.verifier_key().to_string(),
            url: format!("{}/ledger", self.door.issuer),
            witnesses: around
                .witnesses
                .iter()
                .map(|witness| witness.vkey.to_string())
                .collect(),
            policy: String::from_utf8_lossy(&around.policy.to_bytes()).into_owned(),
        }
    }
}
