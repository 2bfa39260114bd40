//! The authorities that may order official accesses, as a configuration names them: the platform's among its clients, each
//! key holder's among its own anchors.

use cyberid_crypto::PublicKey;
use cyberid_domain::id::ClientId;
use cyberid_domain::relying_party::Role;
use cyberid_protocol::official::{Authorities, Authority, InvalidAuthorities, Officer};
use serde::Deserialize;

use super::config::{ClientConfig, ConfigError};

/// An officer of an authority.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfficerConfig {
    /// How the authority calls them.
    pub(crate) id: String,
    /// The key that they sign orders with.
    pub(crate) jwk: PublicKey,
}

/// An authority among a key holder's anchors.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthorityConfig {
    pub(crate) client_id: ClientId,
    pub(crate) name: String,
    /// The one key that plaintext is encrypted to.
    pub(crate) encryption_jwk: PublicKey,
    pub(crate) officers: Vec<OfficerConfig>,
}

impl From<&AuthorityConfig> for Authority {
    fn from(config: &AuthorityConfig) -> Self {
        let officer = |officer: &OfficerConfig| Officer {
            id: officer.id.clone(),
            key: officer.jwk,
        };
        Self {
            client_id: config.client_id.clone(),
            name: config.name.clone(),
            encryption_key: config.encryption_jwk,
            officers: config.officers.iter().map(officer).collect(),
        }
    }
}

/// The authorities that a key holder pins.
pub(crate) fn pinned(authorities: &[AuthorityConfig]) -> Result<Authorities, ConfigError> {
    let authorities = authorities.iter().map(Authority::from).collect();
    Authorities::new(authorities).map_err(|why| unusable("anchors.authorities", why))
}

/// The authorities among the platform's clients. Only an authority has a name, a key to encrypt to, and officers.
pub(crate) fn among(clients: &[ClientConfig]) -> Result<Authorities, ConfigError> {
    let mut authorities = Vec::new();
    for client in clients {
        let named = client.name.is_some() || client.encryption_jwk.is_some() || !client.officers.is_empty();
        if client.role != Role::Authority && named {
            return Err(ConfigError::Unusable {
                member: "clients",
                why: "only an `authority` has `name`, `encryption_jwk` and `officers`",
            });
        }
        if client.role == Role::Authority {
            authorities.push(authority(client)?);
        }
    }
    Authorities::new(authorities).map_err(|why| unusable("clients", why))
}

fn authority(client: &ClientConfig) -> Result<Authority, ConfigError> {
    let why =
        "an `authority` has `name`, `encryption_jwk` and two `officers` at least, each with `id` and `jwk`";
    let missing = ConfigError::Missing {
        member: "clients",
        why,
    };
    let (Some(name), Some(encryption_jwk)) = (&client.name, client.encryption_jwk) else {
        return Err(missing);
    };
    let config = AuthorityConfig {
        client_id: client.client_id.clone(),
        name: name.clone(),
        encryption_jwk,
        officers: client.officers.clone(),
    };
    Ok(Authority::from(&config))
}

fn unusable(member: &'static str, why: InvalidAuthorities) -> ConfigError {
    let why = match why {
        InvalidAuthorities::OneOfficer => {
            "an authority has two officers at least: no single person opens a record"
        }
        InvalidAuthorities::Shared => "two authorities, officers or keys of theirs are the same",
        InvalidAuthorities::Nameless => "an authority and each officer have a name",
    };
    ConfigError::Unusable { member, why }
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::{Sign as _, SigningKey};

    use super::super::config::ConfigFile;
    use super::*;

    fn jwk(seed: u8) -> String {
        let key = SigningKey::from_scalar(&[seed; 32]).unwrap().public_key();
        let jwk = serde_json::to_value(key.to_jwk()).unwrap();
        let member = |name: &str| jwk[name].as_str().unwrap().to_owned();
        let (x, y) = (member("x"), member("y"));
        format!("{{ kty = 'EC', crv = 'P-256', x = '{x}', y = '{y}' }}")
    }

    fn clients(officers: &[(&str, u8)], role: &str) -> Result<Authorities, ConfigError> {
        let officers = officers.iter();
        let officers: Vec<String> = officers
            .map(|(id, seed)| format!("{{ id = '{id}', jwk = {} }}", jwk(*seed)))
            .collect();
        let text = format!(
            "[[clients]]\nclient_id = 'AAAAAAAAAAAAAAAAAAAAAA'\nrole = '{role}'\njwk = {}\nname = 'Bureau'\n\
             encryption_jwk = {}\nofficers = [{}]\n",
            jwk(1),
            jwk(2),
            officers.join(", ")
        );
        among(&toml::from_str::<ConfigFile>(&text).unwrap().clients)
    }

    /// A key holder's anchors, as far as authorities go.
    #[derive(Deserialize)]
    struct Anchored {
        authorities: Vec<AuthorityConfig>,
    }

    #[test]
    fn a_key_holder_pins_authorities_of_its_own() {
        let anchored = |second: u8| {
            let text = format!(
                "[[authorities]]\nclient_id = 'AAAAAAAAAAAAAAAAAAAAAA'\nname = 'Bureau'\nencryption_jwk = {}\n\
                 [[authorities.officers]]\nid = 'a'\njwk = {}\n[[authorities.officers]]\nid = 'b'\njwk = {}\n",
                jwk(1),
                jwk(2),
                jwk(second)
            );
            pinned(&toml::from_str::<Anchored>(&text).unwrap().authorities)
        };
        assert_eq!(anchored(3).unwrap().all().len(), 1);
        assert!(anchored(2).is_err());
        assert_eq!(pinned(&[]), Ok(Authorities::default()));
    }

    #[test]
    fn an_authority_is_read_with_two_officers_at_least() {
        let authorities = clients(&[("a", 3), ("b", 4)], "authority").unwrap();
        assert_eq!(authorities.all()[0].officers.len(), 2);
        assert!(clients(&[("a", 3)], "authority").is_err());
        assert!(clients(&[("a", 3), ("b", 3)], "authority").is_err());
        assert!(clients(&[("a", 2), ("b", 3)], "authority").is_err());
        assert!(clients(&[("a", 3), ("b", 4)], "operator").is_err());
    }
}
