//! What the configuration says of the keystore: which kind it is, what opens it, and who changes its keys.

use std::path::PathBuf;

use cyberid_crypto::PublicKey;
use cyberid_keystore::{TokenAccess, Unlock, passphrase};
use serde::Deserialize;

use super::config::ConfigError;
use super::{DataDirectory, PassphraseSource, StartError};

/// The variable that a token's PIN may come from.
const PIN_VARIABLE: &str = "CYBERID_TOKEN_PIN";

/// The keystore.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeystoreConfig {
    /// Where private halves are; in an encrypted file by default.
    #[serde(default)]
    kind: KeystoreKind,
    /// The PKCS#11 library of the token.
    module: Option<PathBuf>,
    /// The token's label.
    token: Option<String>,
    /// A file with the PIN of the token's user; else the variable `CYBERID_TOKEN_PIN`.
    pin_file: Option<PathBuf>,
    /// The operators of whom two sign each ceremony. Where there are any, keys are changed by ceremony only.
    #[serde(default)]
    pub(crate) operators: Vec<KeyOperator>,
}

/// Where private halves are.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeystoreKind {
    /// In a file under a passphrase.
    #[default]
    File,
    /// In a PKCS#11 token.
    Pkcs11,
}

/// An operator who may sign ceremonies.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyOperator {
    /// What the transcript calls them.
    pub(crate) name: String,
    /// Their key.
    pub(crate) jwk: PublicKey,
}

impl KeystoreConfig {
    /// What opens the keystore: a passphrase from `source`, or the token.
    pub(crate) fn unlock(
        &self,
        source: &PassphraseSource,
        data: &DataDirectory,
    ) -> Result<Unlock, StartError> {
        match self.kind {
            KeystoreKind::File
                if self.module.is_some() || self.token.is_some() || self.pin_file.is_some() =>
            {
                Err(unusable(
                    "`module`, `token` and `pin_file` are of a keystore of kind `pkcs11`",
                ))
            }
            KeystoreKind::File => source.read(data),
            KeystoreKind::Pkcs11 => self.token(),
        }
    }

    fn token(&self) -> Result<Unlock, StartError> {
        let (Some(module), Some(label)) = (&self.module, &self.token) else {
            return Err(unusable(
                "a keystore of kind `pkcs11` needs `module`, the library, and `token`, the label",
            ));
        };
        let pin = match &self.pin_file {
            Some(file) => passphrase::from_file(file)?,
            None => passphrase::from_env(PIN_VARIABLE)?,
        };
        Ok(Unlock::Token(TokenAccess {
            module: module.clone(),
            label: label.clone(),
            pin,
        }))
    }
}

fn unusable(why: &'static str) -> StartError {
    let member = "keystore";
    ConfigError::Unusable { member, why }.into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn unlock(text: &str) -> Result<Unlock, StartError> {
        let folder = tempfile::tempdir().unwrap();
        let pin = folder.path().join("pin");
        std::fs::write(&pin, "1234\n").unwrap();
        std::fs::set_permissions(&pin, std::fs::Permissions::from_mode(0o600)).unwrap();
        let text = text.replace("PIN", &pin.display().to_string());
        let config: KeystoreConfig = toml::from_str(&text).unwrap();
        let data = DataDirectory::open(folder.path()).unwrap();
        config.unlock(&PassphraseSource::Generated, &data)
    }

    #[test]
    fn a_token_is_named_whole_and_a_file_names_none() {
        assert!(matches!(unlock(""), Ok(Unlock::Passphrase(_))));
        assert!(matches!(unlock("kind = 'file'"), Ok(Unlock::Passphrase(_))));
        let whole = "kind = 'pkcs11'\nmodule = 'm.so'\ntoken = 't'\npin_file = 'PIN'";
        let Ok(Unlock::Token(token)) = unlock(whole) else {
            panic!("a token")
        };
        assert_eq!((token.label.as_str(), token.pin.expose()), ("t", &b"1234"[..]));
        for wrong in [
            "kind = 'pkcs11'\ntoken = 't'\npin_file = 'PIN'",
            "kind = 'pkcs11'\nmodule = 'm.so'\npin_file = 'PIN'",
            "module = 'm.so'",
            "kind = 'file'\npin_file = 'PIN'",
        ] {
            assert!(unlock(wrong).is_err(), "{wrong}");
        }
        assert!(toml::from_str::<KeystoreConfig>("kind = 'cloud'").is_err());
        assert!(toml::from_str::<KeystoreConfig>("pins = 'x'").is_err());
    }
}
