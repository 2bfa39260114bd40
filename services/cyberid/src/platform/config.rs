//! The configuration file, and what it comes to: settings in which nothing insecure is left to chance.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use cyberid_crypto::PublicKey;
use cyberid_domain::clock::DAY;
use cyberid_domain::id::ClientId;
use cyberid_domain::relying_party::Role;
use cyberid_protocol::warrant::Anchors;
use cyberid_storage::Synchronous;
use cyberid_tlog::note::VerifierKey;
use cyberid_tlog::policy::Policy;
use cyberid_verification::VisitsKept;
use cyberid_web::quota::Quota;
use cyberid_web::server::ClientCa;
use serde::Deserialize;
use url::{Host, Url};

use super::authorities::{AuthorityConfig, OfficerConfig};
use super::backup::BackupConfig;
use super::events::EventsConfig;
use super::evidence::EvidenceConfig;
use super::hardening::ProcessConfig;
use super::index::IndexConfig;
use super::issuance::IssuanceConfig;
use super::keystore::KeystoreConfig;
use super::peers::PeerTls;
use super::source::SourceTls;
use super::suite::PlatformConfig;

/// Where the platform listens when nobody says otherwise.
pub(crate) const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// The longest that changed keys may wait.
const MAX_COOLING_OFF_HOURS: u64 = 30 * 24;

/// The longest, in days, that a relying party may take to confirm erasure.
const MAX_ERASE_WITHIN_DAYS: u64 = 30;

/// A configuration file: TOML, every member known.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfigFile {
    pub(crate) issuer: Option<String>,
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) data: Option<PathBuf>,
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Where private keys are kept.
    #[serde(default)]
    pub(crate) keystore: KeystoreConfig,
    /// What a platform is from its first start on.
    #[serde(default)]
    pub(crate) platform: PlatformConfig,
    /// The connection is made private in front of this process.
    #[serde(default)]
    pub(crate) behind_tls_proxy: bool,
    pub(crate) tls: Option<TlsFiles>,
    /// The holders of at most so many devices are kept in memory (about 130 bytes each); of more, none.
    pub(crate) holders_in_memory: Option<usize>,
    /// How often each relying party may call.
    pub(crate) quota: Option<QuotaConfig>,
    /// How the blind index treats people whose identifier ended.
    #[serde(default)]
    pub(crate) index: IndexConfig,
    /// What is done about this process's memory.
    #[serde(default)]
    pub(crate) process: ProcessConfig,
    #[serde(default)]
    pub(crate) storage: StorageConfig,
    #[serde(default)]
    pub(crate) verification: VerificationConfig,
    #[serde(default)]
    pub(crate) consent: ConsentConfig,
    #[serde(default)]
    pub(crate) issuance: IssuanceConfig,
    #[serde(default)]
    pub(crate) events: EventsConfig,
    /// What counts as evidence of a person.
    #[serde(default)]
    pub(crate) evidence: EvidenceConfig,
    pub(crate) identity_source: Option<IdentitySource>,
    pub(crate) ledger: Option<LedgerConfig>,
    pub(crate) vault: Option<Peer>,
    pub(crate) custodian: Option<Peer>,
    /// Instead of one custodian: three, of whom any two are enough.
    #[serde(default)]
    pub(crate) custodians: Vec<Peer>,
    /// The backups of this process's share stores.
    pub(crate) backup: Option<BackupConfig>,
    pub(crate) anchors: Option<AnchorsConfig>,
    #[serde(default)]
    pub(crate) clients: Vec<ClientConfig>,
}

/// The server's certificate chain and key, and the authorities of clients' certificates; all PEM.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// Whom clients' certificates have to come from.
    pub(crate) client_ca: Option<PathBuf>,
    /// Whether a client has to show one; said where `client_ca` is.
    pub(crate) client_certificates: Option<ClientCertificates>,
}

/// Whether a client has to show a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClientCertificates {
    /// It may; where only some clients have one, such as relying parties but not people's phones.
    Optional,
    /// It has to.
    Required,
}

impl TlsFiles {
    /// Whom a client's certificate has to come from, if clients are asked for one.
    pub(crate) fn client_ca(&self) -> Result<Option<ClientCa>, ConfigError> {
        match (&self.client_ca, self.client_certificates) {
            (None, None) => Ok(None),
            (Some(file), Some(wanted)) => Ok(Some(ClientCa {
                file: file.clone(),
                required: wanted == ClientCertificates::Required,
            })),
            _ => Err(ConfigError::Unusable {
                member: "tls",
                why: "`client_ca` (a file) and `client_certificates` (`optional` or `required`) are said together",
            }),
        }
    }
}

/// How stores keep what is written.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StorageConfig {
    /// When what is written is synced; before it is acknowledged, by default.
    synchronous: Option<SynchronousConfig>,
}

/// When what is written is synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SynchronousConfig {
    /// Before it is acknowledged.
    Full,
    /// When the system gets to it.
    Normal,
}

impl StorageConfig {
    /// When what is written is synced. Only in a sandbox is it ever acknowledged before.
    pub(crate) fn synchronous(self, sandbox: bool) -> Result<Synchronous, ConfigError> {
        match self.synchronous {
            None | Some(SynchronousConfig::Full) => Ok(Synchronous::Full),
            Some(SynchronousConfig::Normal) if sandbox => Ok(Synchronous::Normal),
            Some(SynchronousConfig::Normal) => Err(ConfigError::Unusable {
                member: "storage.synchronous",
                why: "only in a sandbox may what was acknowledged be lost with the power",
            }),
        }
    }
}

/// How verification treats relying parties.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerificationConfig {
    /// For how many hours a relying party's changed keys wait before they are in force; a day by default.
    pub(crate) key_cooling_off_hours: Option<u64>,
    /// For how many calendar months, and a day, the journal of visits is kept; six by default.
    pub(crate) visits_kept_months: Option<u32>,
}

impl VerificationConfig {
    /// For how long the journal of visits is kept.
    pub(crate) fn visits_kept(&self) -> Result<VisitsKept, ConfigError> {
        let months = self.visits_kept_months.unwrap_or(VisitsKept::LEAST);
        VisitsKept::months(months).ok_or(ConfigError::Unusable {
            member: "verification.visits_kept_months",
            why: "law asks for six months at least",
        })
    }

    /// For how many seconds changed keys wait. Only in a sandbox do they not wait at all.
    pub(crate) fn key_cooling_off(&self, sandbox: bool) -> Result<u64, ConfigError> {
        let unusable = |why| {
            Err(ConfigError::Unusable {
                member: "verification.key_cooling_off_hours",
                why,
            })
        };
        match self.key_cooling_off_hours.unwrap_or(24) {
            0 if !sandbox => {
                unusable("only in a sandbox may keys come into force at once: a thief's would, too")
            }
            hours @ ..=MAX_COOLING_OFF_HOURS => Ok(hours * 3_600),
            _ => unusable("keys do not wait for longer than 30 days"),
        }
    }
}

/// What consents oblige to.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsentConfig {
    /// Within how many days of a withdrawal a relying party confirms erasure; thirty by default.
    pub(crate) erase_within_days: Option<u64>,
}

impl ConsentConfig {
    /// Within how many seconds erasure is confirmed. Only in a sandbox is it late at once.
    pub(crate) fn erase_within(self, sandbox: bool) -> Result<u64, ConfigError> {
        let unusable = |why| {
            Err(ConfigError::Unusable {
                member: "consent.erase_within_days",
                why,
            })
        };
        match self.erase_within_days.unwrap_or(MAX_ERASE_WITHIN_DAYS) {
            0 if !sandbox => unusable("only in a sandbox is an erasure late at once"),
            days @ ..=MAX_ERASE_WITHIN_DAYS => Ok(days * DAY),
            _ => unusable("erasure does not wait for longer than 30 days"),
        }
    }
}

/// How often one relying party may call.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuotaConfig {
    /// Calls that can be saved up.
    pub(crate) burst: u32,
    /// Calls that are gained each second.
    pub(crate) per_second: u32,
}

impl From<QuotaConfig> for Quota {
    fn from(QuotaConfig { burst, per_second }: QuotaConfig) -> Self {
        Self { burst, per_second }
    }
}

/// The authoritative source and its pinned keys.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentitySource {
    pub(crate) url: String,
    pub(crate) signing_jwk: PublicKey,
    pub(crate) encryption_jwk: PublicKey,
    /// How source and platform show each other who they are; only on this machine can it be left out.
    pub(crate) tls: Option<SourceTls>,
    /// For how many seconds an answer is waited for; five by default.
    pub(crate) timeout_seconds: Option<u64>,
}

/// The ledger's name and its witnesses.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LedgerConfig {
    /// The log's name; the issuer's host by default.
    pub(crate) origin: Option<String>,
    /// How many witnesses have to cosign before plaintext leaves; all by default.
    pub(crate) quorum: Option<usize>,
    /// The same said in full, with groups (C2SP tlog-policy); then `quorum` is not said.
    pub(crate) policy_file: Option<PathBuf>,
    #[serde(default)]
    pub(crate) witnesses: Vec<WitnessConfig>,
}

/// One witness.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WitnessConfig {
    pub(crate) url: String,
    #[serde(deserialize_with = "verifier_key")]
    pub(crate) vkey: VerifierKey,
}

/// A key holder in a process of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Peer {
    pub(crate) url: String,
    /// The key that shares are sealed to.
    pub(crate) jwk: PublicKey,
    /// The key that the vault signs released identities with.
    pub(crate) identity_jwk: Option<PublicKey>,
    /// Whom it is believed to be by TLS, and as whom this process shows itself to it.
    pub(crate) tls: Option<PeerTls>,
}

/// What a key holder in a process of its own trusts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnchorsConfig {
    pub(crate) enrolment_jwk: PublicKey,
    #[serde(deserialize_with = "verifier_key")]
    pub(crate) ledger_vkey: VerifierKey,
    #[serde(deserialize_with = "policy")]
    pub(crate) policy: Policy,
    /// The authorities whose officers may order an official access; by default none.
    #[serde(default)]
    pub(crate) authorities: Vec<AuthorityConfig>,
}

impl AnchorsConfig {
    /// The anchors of warrants made out to this issuer.
    pub(crate) fn warrant_anchors(&self, issuer: &str) -> Anchors {
        Anchors {
            issuer: issuer.to_owned(),
            ledger: self.ledger_vkey.clone(),
            policy: self.policy.clone(),
        }
    }
}

/// A client that is not a relying party.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientConfig {
    pub(crate) client_id: ClientId,
    pub(crate) role: Role,
    /// The key by which it shows who calls.
    pub(crate) jwk: PublicKey,
    /// How people are told of an authority.
    pub(crate) name: Option<String>,
    /// The one key that plaintext for an authority is encrypted to.
    pub(crate) encryption_jwk: Option<PublicKey>,
    /// An authority's officers, two at least.
    #[serde(default)]
    pub(crate) officers: Vec<OfficerConfig>,
}

impl ClientConfig {
    /// A client with nothing but its key.
    pub(crate) fn plain(client_id: ClientId, role: Role, jwk: PublicKey) -> Self {
        Self {
            client_id,
            role,
            jwk,
            name: None,
            encryption_jwk: None,
            officers: Vec::new(),
        }
    }

    /// All its keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &PublicKey> {
        let officers = self.officers.iter().map(|officer| &officer.jwk);
        std::iter::once(&self.jwk)
            .chain(&self.encryption_jwk)
            .chain(officers)
    }
}

fn verifier_key<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<VerifierKey, D::Error> {
    String::deserialize(deserializer)?
        .parse()
        .map_err(serde::de::Error::custom)
}

fn policy<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Policy, D::Error> {
    let text = String::deserialize(deserializer)?;
    Policy::parse(text.as_bytes()).map_err(serde::de::Error::custom)
}

/// A configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read or is not of the form.
    #[error("{path}: {cause}")]
    File {
        /// The file.
        path: String,
        /// What went wrong.
        cause: String,
    },
    /// A member is missing that only a sandbox can do without.
    #[error("the configuration lacks `{member}`: {why}. (`--sandbox` brings one for trying things out.)")]
    Missing {
        /// The member.
        member: &'static str,
        /// What it is for.
        why: &'static str,
    },
    /// A member says something that cannot be.
    #[error("`{member}` cannot be used: {why}")]
    Unusable {
        /// The member.
        member: &'static str,
        /// Why.
        why: &'static str,
    },
}

impl ConfigFile {
    /// Reads a file.
    pub(crate) fn load(path: &Path) -> Result<Self, ConfigError> {
        let fault = |cause: String| ConfigError::File {
            path: path.display().to_string(),
            cause,
        };
        let text = std::fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
        toml::from_str(&text).map_err(|error| fault(error.to_string()))
    }
}

/// Accepts operators, regulators and authorities, each with an id and keys of their own, and enough of them for what two persons
/// do: one key under two names would be one person.
pub(crate) fn require_clients(clients: &[ClientConfig]) -> Result<(), ConfigError> {
    let unusable = |why| {
        Err(ConfigError::Unusable {
            member: "clients",
            why,
        })
    };
    let missing = |why| {
        Err(ConfigError::Missing {
            member: "clients",
            why,
        })
    };
    let count = |role| clients.iter().filter(|client| client.role == role).count();
    let ids: BTreeSet<_> = clients.iter().map(|client| client.client_id.as_str()).collect();
    let keys: Vec<_> = clients
        .iter()
        .flat_map(ClientConfig::keys)
        .map(PublicKey::thumbprint)
        .collect();
    let distinct: BTreeSet<_> = keys.iter().collect();
    if count(Role::Operator) + count(Role::Regulator) + count(Role::Authority) != clients.len() {
        return unusable(
            "a client is an `operator`, a `regulator` or an `authority`; relying parties register",
        );
    }
    if ids.len() != clients.len() || distinct.len() != keys.len() {
        return unusable("two of them share an id or a key");
    }
    if count(Role::Operator) < 2 {
        return missing("two operators: one applies for a relying party, another approves it");
    }
    if count(Role::Regulator) == 0 {
        return missing("a regulator, who reads the ledger's entries");
    }
    Ok(())
}

/// Accepts `https` anywhere and `http` on loopback.
pub(crate) fn require_private(member: &'static str, text: &str) -> Result<(), ConfigError> {
    let url = Url::parse(text).map_err(|_| ConfigError::Unusable {
        member,
        why: "it is not a URL",
    })?;
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        _ => Err(ConfigError::Unusable {
            member,
            why: "beyond loopback it has to be https",
        }),
    }
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::Sign as _;

    use super::*;

    #[test]
    fn an_unknown_member_is_refused() {
        assert!(toml::from_str::<ConfigFile>("listn = 1").is_err());
        assert!(toml::from_str::<ConfigFile>("[ledger]\nquorums = 1").is_err());
    }

    #[test]
    fn only_a_sandbox_acknowledges_what_is_not_synced() {
        let synchronous = |text: &str, sandbox| {
            let file = toml::from_str::<ConfigFile>(text).unwrap();
            file.storage.synchronous(sandbox)
        };
        let normal = "[storage]\nsynchronous = \"normal\"";
        assert_eq!(synchronous("", false), Ok(Synchronous::Full));
        assert_eq!(
            synchronous("[storage]\nsynchronous = \"full\"", false),
            Ok(Synchronous::Full)
        );
        assert_eq!(synchronous(normal, true), Ok(Synchronous::Normal));
        assert!(synchronous(normal, false).is_err());
    }

    #[test]
    fn erasure_waits_for_thirty_days_at_most_and_is_late_at_once_in_a_sandbox_only() {
        let days = |erase_within_days| ConsentConfig { erase_within_days };
        assert_eq!(days(None).erase_within(false), Ok(30 * DAY));
        assert_eq!(days(Some(1)).erase_within(false), Ok(DAY));
        assert_eq!(days(Some(0)).erase_within(true), Ok(0));
        assert!(days(Some(0)).erase_within(false).is_err());
        assert!(days(Some(31)).erase_within(true).is_err());
    }

    #[test]
    fn visits_are_kept_for_six_months_at_least() {
        let kept = |text: &str| {
            let file = toml::from_str::<ConfigFile>(text).unwrap();
            file.verification.visits_kept()
        };
        let months = |months| Ok(VisitsKept::months(months).unwrap());
        assert_eq!(kept(""), months(6));
        assert_eq!(kept("[verification]\nvisits_kept_months = 24"), months(24));
        assert!(kept("[verification]\nvisits_kept_months = 5").is_err());
    }

    #[test]
    fn keys_cool_off_everywhere_but_in_a_sandbox_that_says_so() {
        let hours = |key_cooling_off_hours| VerificationConfig {
            key_cooling_off_hours,
            visits_kept_months: None,
        };
        assert_eq!(hours(None).key_cooling_off(true), Ok(86_400));
        assert_eq!(hours(Some(720)).key_cooling_off(false), Ok(30 * 86_400));
        assert_eq!(hours(Some(0)).key_cooling_off(true), Ok(0));
        assert!(hours(Some(0)).key_cooling_off(false).is_err());
        assert!(hours(Some(721)).key_cooling_off(true).is_err());
        let text = "[verification]\nkey_cooling_off_hours = 48";
        let file = toml::from_str::<ConfigFile>(text).unwrap();
        assert_eq!(file.verification.key_cooling_off(false), Ok(2 * 86_400));
    }

    #[test]
    fn whose_certificates_and_whether_they_are_needed_are_said_together() {
        let clients = |more: &str| {
            let text = format!("certificate = 'c'\nkey = 'k'\n{more}");
            toml::from_str::<TlsFiles>(&text).map(|tls| tls.client_ca())
        };
        let ca = |required| {
            let file = "ca".into();
            Ok(Ok(Some(ClientCa { file, required })))
        };
        assert_eq!(clients(""), Ok(Ok(None)));
        assert_eq!(
            clients("client_ca = 'ca'\nclient_certificates = 'optional'"),
            ca(false)
        );
        assert_eq!(
            clients("client_ca = 'ca'\nclient_certificates = 'required'"),
            ca(true)
        );
        for lacking in ["client_ca = 'ca'", "client_certificates = 'required'"] {
            assert!(clients(lacking).unwrap().is_err(), "{lacking}");
        }
        assert!(clients("client_ca = 'ca'\nclient_certificates = 'maybe'").is_err());
    }

    fn client(role: Role, id: u8, key: u8) -> ClientConfig {
        let key = cyberid_crypto::SigningKey::from_scalar(&[key; 32]).unwrap();
        let client_id = cyberid_crypto::base64url::encode(&[id; 16]).parse().unwrap();
        ClientConfig::plain(client_id, role, key.public_key())
    }

    #[test]
    fn two_operators_and_a_regulator_have_keys_of_their_own() {
        let clients = |second: (Role, u8, u8)| {
            let (role, id, key) = second;
            let clients = [
                client(Role::Operator, 1, 1),
                client(role, id, key),
                client(Role::Regulator, 3, 3),
            ];
            require_clients(&clients)
        };
        assert_eq!(clients((Role::Operator, 2, 2)), Ok(()));
        for wrong in [
            (Role::Operator, 2, 1),
            (Role::Operator, 1, 2),
            (Role::Operator, 2, 3),
            (Role::RelyingParty, 2, 2),
            (Role::Holder, 2, 2),
            (Role::Regulator, 2, 2),
        ] {
            assert!(clients(wrong).is_err(), "{wrong:?}");
        }
        let operators = [client(Role::Operator, 1, 1), client(Role::Operator, 2, 2)];
        assert!(require_clients(&operators).is_err());
    }
}
