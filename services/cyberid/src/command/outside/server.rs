//! Where the platform is reached.

use clap::Args;
use cyberid_client::{Client, ClientError, Pins};

/// Where `cyberid serve` listens unless told otherwise.
const USUAL: &str = "http://127.0.0.1:8080";

/// Which platform is called.
#[derive(Debug, Args)]
pub(crate) struct Server {
    /// The platform's address [default: the one met before, else `http://127.0.0.1:8080`].
    #[arg(long, value_name = "URL")]
    server: Option<String>,
}

impl Server {
    /// A client of the address that was named, else of the pinned platform, else of the usual address.
    pub(crate) fn client(&self, pins: Option<&Pins>) -> Result<Client, ClientError> {
        Client::new(self.address(pins))
    }

    fn address<'a>(&'a self, pins: Option<&'a Pins>) -> &'a str {
        let pinned = pins.map(|pins| pins.issuer.as_str());
        self.server.as_deref().or(pinned).unwrap_or(USUAL)
    }
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::Suite;

    use super::*;

    #[test]
    fn what_is_named_comes_before_what_was_met() {
        let pins = Pins {
            issuer: "https://id.example".into(),
            ledger_vkey: "v".into(),
            ledger_url: "u".into(),
            policy: "p".into(),
            suite: Suite::Nist,
        };
        let named = Server {
            server: Some("http://127.0.0.1:9".into()),
        };
        let silent = Server { server: None };
        assert_eq!(named.address(Some(&pins)), "http://127.0.0.1:9");
        assert_eq!(silent.address(Some(&pins)), "https://id.example");
        assert_eq!(silent.address(None), USUAL);
    }
}
