//! The line to the identity source: how long an answer is waited for, whom the platform believes to be the source, and as
//! whom it shows itself.

use std::path::PathBuf;
use std::time::Duration;

use cyberid_client::{Client, Limits, Tls, key_file};
use serde::Deserialize;
use url::Url;

use super::StartError;
use super::config::{ConfigError, IdentitySource};

/// For how long an answer is waited for when nobody says otherwise, in seconds.
const USUAL_WAIT: u64 = 5;

/// The longest that may be said, in seconds: whoever enrols waits as long.
const LONGEST_WAIT: u64 = 30;

/// The longest answer in bytes: fifty notices with their documents.
const LONGEST_ANSWER: usize = 256 * 1024;

/// Mutual TLS with the source; all files PEM.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceTls {
    /// The one authority that the source's certificate has to come from.
    pub(crate) authority: PathBuf,
    /// The certificate that the platform shows.
    pub(crate) certificate: PathBuf,
    /// Its key (PKCS #8), a file that is its owner's alone.
    pub(crate) key: PathBuf,
}

impl IdentitySource {
    /// A client of the source.
    pub(crate) fn client(&self) -> Result<Client, StartError> {
        let tls = match self.mutual_tls()? {
            Some(tls) => tls.load()?,
            None => Tls::default(),
        };
        Client::over_tls(&self.url, self.limits()?, &tls)
            .map_err(|error| StartError::other("the identity source cannot be called")(error.into()))
    }

    fn limits(&self) -> Result<Limits, ConfigError> {
        match self.timeout_seconds.unwrap_or(USUAL_WAIT) {
            seconds @ 1..=LONGEST_WAIT => Ok(Limits {
                connect: Limits::default().connect.min(Duration::from_secs(seconds)),
                total: Duration::from_secs(seconds),
                answer: LONGEST_ANSWER,
            }),
            _ => Err(ConfigError::Unusable {
                member: "identity_source.timeout_seconds",
                why: "an answer is waited for one second at least, and thirty at most",
            }),
        }
    }

    /// Beyond this machine both show certificates: an `https` source without them is refused.
    fn mutual_tls(&self) -> Result<Option<&SourceTls>, ConfigError> {
        let https = Url::parse(&self.url).is_ok_and(|url| url.scheme() == "https");
        match (&self.tls, https) {
            (None, true) => Err(ConfigError::Missing {
                member: "identity_source.tls",
                why: "the source and the platform show each other certificates",
            }),
            (Some(_), false) => Err(ConfigError::Unusable {
                member: "identity_source.tls",
                why: "the source's address is not https",
            }),
            (tls, _) => Ok(tls.as_ref()),
        }
    }
}

impl SourceTls {
    fn load(&self) -> Result<Tls, StartError> {
        let read = |path: &PathBuf| {
            std::fs::read(path)
                .map_err(|error| StartError::other("a certificate of the identity source")(error.into()))
        };
        let key = key_file::read_private(&self.key)
            .map_err(|error| StartError::other("the platform's key for the identity source")(error.into()))?;
        Ok(Tls {
            authority: Some(read(&self.authority)?),
            identity: Some((read(&self.certificate)?, key)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(more: &str) -> IdentitySource {
        let jwk = "{ kty = 'EC', crv = 'P-256', x = 'WKn-ZIGevcwGIyyrzFoZNBdaq9_TsqzGl96oc0CWuis', \
                   y = 'y77t-RvAHRKTsSGdIYUfweuOvwrvDD-Q3Hv5J0fSKbE' }";
        toml::from_str(&format!("{more}\nsigning_jwk = {jwk}\nencryption_jwk = {jwk}")).unwrap()
    }

    #[test]
    fn certificates_go_both_ways_beyond_this_machine() {
        let tls = "tls = { authority = 'a', certificate = 'c', key = 'k' }";
        let wanted = |text: &str| source(text).mutual_tls().map(|tls| tls.is_some());
        assert_eq!(wanted("url = 'http://127.0.0.1:8091'"), Ok(false));
        assert!(wanted("url = 'https://register.example'").is_err());
        assert_eq!(
            wanted(&format!("url = 'https://register.example'\n{tls}")),
            Ok(true)
        );
        assert!(wanted(&format!("url = 'http://127.0.0.1:8091'\n{tls}")).is_err());
    }

    #[test]
    fn nobody_waits_for_ever() {
        let wait = |seconds: u64| {
            let text = format!("url = 'http://127.0.0.1:8091'\ntimeout_seconds = {seconds}");
            source(&text).limits().map(|limits| limits.total.as_secs())
        };
        assert_eq!(
            source("url = 'http://127.0.0.1:8091'")
                .limits()
                .unwrap()
                .total
                .as_secs(),
            5
        );
        assert_eq!((wait(1), wait(30)), (Ok(1), Ok(30)));
        assert!(wait(0).is_err() && wait(31).is_err());
    }
}
