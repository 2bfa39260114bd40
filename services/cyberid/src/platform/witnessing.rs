//! Who has to have cosigned before plaintext leaves, as the configuration says it: a number of witnesses, or a policy
//! with groups (C2SP tlog-policy). Never nobody.

use std::path::Path;

use cyberid_tlog::note::VerifierKey;
use cyberid_tlog::policy::{Policy, PolicyWitness};

use super::config::{ConfigError, LedgerConfig, WitnessConfig, require_private};

const WHY: &str = "plaintext leaves only after witnesses have seen the ledger entry";

/// The witnesses to submit to, and whose cosignatures make a quorum.
#[derive(Debug)]
pub(crate) struct Witnessing {
    pub(crate) witnesses: Vec<WitnessConfig>,
    pub(crate) policy: Policy,
}

impl Witnessing {
    /// What the configuration says for this log.
    pub(crate) fn configured(ledger: Option<&LedgerConfig>, log: VerifierKey) -> Result<Self, ConfigError> {
        let missing = ConfigError::Missing {
            member: "ledger.witnesses",
            why: WHY,
        };
        let ledger = ledger.ok_or(missing)?;
        let witnessing = match (&ledger.policy_file, ledger.quorum) {
            (Some(_), Some(_)) => {
                return Err(unusable("ledger.quorum", "`policy_file` says the quorum already"));
            }
            (Some(path), None) => Self::of_policy(path, ledger.witnesses.clone(), &log)?,
            (None, None) => Self::all_of(ledger.witnesses.clone(), log)?,
            (None, Some(quorum)) => Self::some_of(ledger.witnesses.clone(), log, quorum)?,
        };
        for witness in &witnessing.witnesses {
            require_private("ledger.witnesses.url", &witness.url)?;
        }
        Ok(witnessing)
    }

    /// All of these witnesses.
    pub(crate) fn all_of(witnesses: Vec<WitnessConfig>, log: VerifierKey) -> Result<Self, ConfigError> {
        let quorum = witnesses.len();
        Self::some_of(witnesses, log, quorum)
    }

    fn some_of(witnesses: Vec<WitnessConfig>, log: VerifierKey, quorum: usize) -> Result<Self, ConfigError> {
        if witnesses.is_empty() {
            return Err(ConfigError::Missing {
                member: "ledger.witnesses",
                why: WHY,
            });
        }
        if quorum == 0 {
            return Err(unusable("ledger.quorum", WHY));
        }
        let keys: Vec<VerifierKey> = witnesses.iter().map(|witness| witness.vkey.clone()).collect();
        let policy = Policy::k_of_n(Some(log), &keys, quorum).map_err(|_| {
            let why =
                "a witness is there twice, its key is none of a witness, or there are fewer than the quorum";
            unusable("ledger.witnesses", why)
        })?;
        Ok(Self { witnesses, policy })
    }

    /// The policy of a file. Where a witness is reached stands in the file, or with its key in the configuration.
    fn of_policy(path: &Path, named: Vec<WitnessConfig>, log: &VerifierKey) -> Result<Self, ConfigError> {
        let fault = |cause: String| ConfigError::File {
            path: path.display().to_string(),
            cause,
        };
        let text = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
        let policy = Policy::parse(&text).map_err(|error| fault(error.to_string()))?;
        if !policy.requires_witnesses() {
            return Err(unusable("ledger.policy_file", WHY));
        }
        if !policy.logs().iter().any(|known| known.key == *log) {
            return Err(unusable(
                "ledger.policy_file",
                "it does not name this ledger's key",
            ));
        }
        let mut witnesses = named;
        for witness in policy.witnesses() {
            witnesses.extend(reached(witness, &witnesses)?);
        }
        if !policy.would_suffice(witnesses.iter().map(|witness| &witness.vkey)) {
            let why = "no quorum can be reached: it needs witnesses whose address is said nowhere";
            return Err(unusable("ledger.policy_file", why));
        }
        Ok(Self { witnesses, policy })
    }
}

/// A witness that only the policy says the address of.
fn reached(witness: &PolicyWitness, named: &[WitnessConfig]) -> Result<Option<WitnessConfig>, ConfigError> {
    let Some(url) = &witness.url else { return Ok(None) };
    if named.iter().any(|named| named.vkey == witness.key) {
        return Ok(None);
    }
    let url = String::from_utf8(url.clone());
    let url = url.map_err(|_| unusable("ledger.policy_file", "a witness's address is not a URL"))?;
    Ok(Some(WitnessConfig {
        url,
        vkey: witness.key.clone(),
    }))
}

fn unusable(member: &'static str, why: &'static str) -> ConfigError {
    ConfigError::Unusable { member, why }
}

#[cfg(test)]
mod tests {
    use cyberid_tlog::note::{Ed25519Signer, NoteSigner as _};

    use super::*;

    fn log() -> VerifierKey {
        let signer = Ed25519Signer::from_seed("log.example", &[1; 32]).ok().unwrap();
        signer.verifier_key().clone()
    }

    fn witness(seed: u8) -> VerifierKey {
        let name = format!("w{seed}.example");
        let signer = Ed25519Signer::cosigner_from_seed(&name, &[seed; 32])
            .ok()
            .unwrap();
        signer.verifier_key().clone()
    }

    fn simple(seeds: &[u8], quorum: Option<usize>) -> Result<Witnessing, ConfigError> {
        let named = |&seed: &u8| WitnessConfig {
            url: format!("https://w{seed}.example"),
            vkey: witness(seed),
        };
        let ledger = LedgerConfig {
            origin: None,
            quorum,
            policy_file: None,
            witnesses: seeds.iter().map(named).collect(),
        };
        Witnessing::configured(Some(&ledger), log())
    }

    fn of_file(text: &str) -> Result<Witnessing, ConfigError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let ledger = LedgerConfig {
            origin: None,
            quorum: None,
            policy_file: Some(file.path().to_owned()),
            witnesses: Vec::new(),
        };
        Witnessing::configured(Some(&ledger), log())
    }

    #[test]
    fn a_quorum_is_never_empty() {
        assert!(Witnessing::configured(None, log()).is_err());
        assert!(simple(&[], None).is_err());
        assert!(simple(&[], Some(0)).is_err());
        assert!(simple(&[2, 3], Some(0)).is_err());
        assert!(simple(&[2, 3], Some(3)).is_err());
        assert!(simple(&[2, 2], None).is_err());
        for quorum in [None, Some(2)] {
            let both = simple(&[2, 3], quorum).unwrap();
            assert!(both.policy.would_suffice(&[witness(2), witness(3)]));
            assert!(!both.policy.would_suffice(&[witness(2)]), "all of them");
        }
        assert!(of_file(&format!("log {}\nquorum none\n", log())).is_err());
    }

    #[test]
    fn a_policy_file_says_groups_and_addresses() {
        let lines = |urls: [&str; 3]| {
            let witnesses: Vec<String> = [2, 3, 4]
                .iter()
                .zip(urls)
                .map(|(&seed, url)| format!("witness w{seed} {} {url}\n", witness(seed)))
                .collect();
            let witnesses = witnesses.concat();
            let groups = "group offices any w2 w3\ngroup both all offices w4\nquorum both\n";
            format!("log {}\n{witnesses}{groups}", log())
        };
        let said = of_file(&lines(["https://a.example", "", "https://c.example"])).unwrap();
        let urls: Vec<_> = said
            .witnesses
            .iter()
            .map(|witness| witness.url.as_str())
            .collect();
        assert_eq!(urls, ["https://a.example", "https://c.example"]);
        assert!(said.policy.would_suffice(&[witness(3), witness(4)]));
        for wrong in [
            lines(["https://a.example", "https://b.example", ""]),
            lines(["http://a.example", "", "https://c.example"]),
            lines(["https://a.example", "", "https://c.example"]).replace("log.example", "other.example"),
            "nonsense\n".into(),
        ] {
            assert!(of_file(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_quorum_is_said_once() {
        let ledger = LedgerConfig {
            origin: None,
            quorum: Some(1),
            policy_file: Some("policy.txt".into()),
            witnesses: Vec::new(),
        };
        let twice = Witnessing::configured(Some(&ledger), log());
        assert_eq!(
            twice.unwrap_err(),
            unusable("ledger.quorum", "`policy_file` says the quorum already")
        );
    }
}
