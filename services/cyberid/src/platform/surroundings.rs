//! What a platform finds around it: the identity source, the witnesses, the two key holders. What the configuration
//! names is used; what a sandbox lacks, and the key holders that are not elsewhere, are started here.

use std::sync::Arc;

use cyberid_crypto::PublicKey;
use cyberid_keystore::{RoleName, State, role};
use cyberid_protocol::discovery::LedgerDescription;
use cyberid_protocol::official::Authorities;
use cyberid_protocol::warrant::Anchors;
use cyberid_tlog::note::NoteSigner as _;
use cyberid_tlog::policy::Policy;

use super::config::{ConfigError, IdentitySource, Peer, WitnessConfig, require_private};
use super::key_holders::{Trust, client, start_custodian, start_vault};
use super::outside::{SourceAtWork, start_identity_source};
use super::sandbox::{SandboxAuthority, SandboxOptions};
use super::start::Start;
use super::witness::start_witness;
use super::witnessing::Witnessing;
use super::{Door, StartError, authorities, notices};

/// What a platform finds around it.
pub(crate) struct Around {
    pub(crate) source: IdentitySource,
    pub(crate) witnesses: Vec<WitnessConfig>,
    pub(crate) policy: Policy,
    pub(crate) vault: Peer,
    pub(crate) custodian: Peer,
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
        start_identity_source(door, &data, self.passphrase, people, false, &self.inner).map(Some)
    }

    pub(crate) async fn around(&mut self, source: Option<SourceAtWork>) -> Result<Around, StartError> {
        let own = source.map(|source| {
            let configured = IdentitySource {
                url: source.serving.issuer.clone(),
                signing_jwk: source.keys.signing_jwk,
                encryption_jwk: source.keys.encryption_jwk,
            };
            self.inside.push(source.serving);
            configured
        });
        let source = self.source(own)?;
        let Witnessing { witnesses, policy } = self.witnessing().await?;
        let (vault, custodian) = self.key_holders(&policy).await?;
        Ok(Around {
            source,
            witnesses,
            policy,
            vault,
            custodian,
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
        let (serving, vkey) =
            start_witness(door, &data, self.passphrase, name, vec![log.clone()], &self.inner)?;
        let url = serving.issuer.clone();
        self.inside.push(serving);
        Ok(Witnessing::all_of(vec![WitnessConfig { url, vkey }], log)?)
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

    async fn own_custodian(&mut self, policy: &Policy, vault_key: PublicKey) -> Result<Peer, StartError> {
        let door = Door::bind_inside().await?;
        let trust = self.trust(policy)?;
        let serving = start_custodian(door, self.data, &self.keystore, trust, vault_key, &self.inner).await?;
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
        let serving = start_vault(door, self.data, &self.keystore, trust, custodian, &self.inner).await?;
        let jwk = self.keystore.opener::<role::Vault>()?.public_key();
        let peer = Peer {
            url: serving.issuer.clone(),
            jwk,
            identity_jwk: None,
        };
        self.inside.push(serving);
        Ok(peer)
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
        })
    }

    /// The keys that outsiders check signatures with: this process's, and the vault's where it is elsewhere.
    pub(crate) fn signing_keys(&self, vault: &Peer) -> cyberid_verification::SigningKeys {
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
