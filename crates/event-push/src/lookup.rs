//! Finding a host's addresses, and giving a connection those that were checked and no others.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address::Reach;

/// Finds the addresses of a host.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// All addresses of the host of this name.
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operating system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// Hosts whose addresses are written down; every other one is asked of the operating system.
#[derive(Debug, Clone, Default)]
pub struct FixedHosts(pub BTreeMap<String, Vec<IpAddr>>);

#[async_trait]
impl Lookup for FixedHosts {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        match self.0.get(host) {
            Some(addresses) => Ok(addresses.clone()),
            None => SystemLookup.addresses(host).await,
        }
    }
}

/// A host has an address that calls may not leave for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not the address of a public host")]
pub(crate) struct ForbiddenAddress(pub(crate) IpAddr);

/// The resolver of the one HTTP client: a connection is made to an address that was checked, since nothing looks the
/// name up a second time.
pub(crate) struct CheckedLookup {
    pub(crate) lookup: Arc<dyn Lookup>,
    pub(crate) reach: Reach,
}

impl Resolve for CheckedLookup {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, reach) = (Arc::clone(&self.lookup), self.reach);
        Box::pin(async move {
            let addresses = lookup.addresses(name.as_str()).await?;
            // One forbidden address among public ones is how a rebinding host answers.
            if let Some(forbidden) = addresses.iter().find(|address| !reach.allows(**address)) {
                return Err(ForbiddenAddress(*forbidden).into());
            }
            let addresses = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}
