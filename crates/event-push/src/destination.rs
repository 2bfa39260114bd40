//! Where a relying party wants its events.

use url::{Host, Url};

/// An `events_uri` that can be called: `https`, and a host by its name.
///
/// An address in figures is none: it could not be looked up, and so would not be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination(Url);

/// This is not an address that events are pushed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an https address of a host with a name")]
pub struct NotADestination;

impl Destination {
    /// Reads an `events_uri`.
    pub fn parse(uri: &str) -> Result<Self, NotADestination> {
        let url = Url::parse(uri).map_err(|_| NotADestination)?;
        let named = matches!(url.host(), Some(Host::Domain(_)));
        let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        (named && plain && url.scheme() == "https")
            .then_some(Self(url))
            .ok_or(NotADestination)
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host, for the operator's log: an address may hold a secret in its path.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_go_to_named_hosts_over_https() {
        let destination = Destination::parse("https://isp.example:8443/events?k=v").unwrap();
        assert_eq!(destination.host(), "isp.example");
        for uri in [
            "http://isp.example/",
            "https://10.0.0.1/",
            "https://167772161/",
            "https://0xa.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://user:word@isp.example/",
            "https://isp.example/#part",
            "file:///etc/passwd",
            "isp.example",
        ] {
            assert_eq!(Destination::parse(uri), Err(NotADestination), "{uri}");
        }
    }
}
