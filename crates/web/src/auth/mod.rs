//! Who calls: the trait that finds out, the caller it finds, and the extractors by which a handler receives them.

mod binding;
mod claims;
mod dpop;
mod known;
mod memory;
mod refusal;
mod token;

use std::fmt;

use async_trait::async_trait;
use axum::extract::FromRequestParts;
use cyberid_domain::id::ClientId;
use cyberid_domain::relying_party::Role;
use cyberid_protocol::problem::ProblemType;
use http::request::Parts;

pub use binding::Binding;
pub use dpop::InvalidProof;
pub use refusal::{InvalidToken, Refusal, TokenDpopError};
pub use token::{AccessTokens, ValidToken};
pub(crate) use token::{DPOP_NONCE, header_value};

use crate::Failure;

/// Finds out who sent a request.
#[async_trait]
pub trait Authenticate: Send + Sync {
    /// The caller, proved by the request's headers and its connection.
    async fn authenticate(&self, parts: &Parts) -> Result<Caller, Failure>;

    /// The value of `DPoP-Nonce` for an answer to an authenticated caller (RFC 9449, section 8.2), if there is one.
    fn nonce(&self) -> Option<String> {
        None
    }
}

/// A caller whose credentials were checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Caller {
    /// In which role they call.
    pub role: Role,
    /// Who they are in that role: the device key's thumbprint for a holder, else the client id.
    pub id: String,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Caller({})", self.role.as_str())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Failure::internal(NotAuthorized))
    }
}

/// A handler wants a caller, and its operation is mounted for everybody.
#[derive(Debug, thiserror::Error)]
#[error("the operation is mounted without authorization")]
struct NotAuthorized;

/// A holder, by one of their devices.
pub struct HolderCaller {
    /// The thumbprint of the device's key.
    pub jkt: String,
}

impl<S: Send + Sync> FromRequestParts<S> for HolderCaller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let jkt = in_role(parts, state, Role::Holder).await?;
        Ok(Self { jkt })
    }
}

macro_rules! clients {
    ($($(#[$doc:meta])* $name:ident = $role:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            /// The registered client.
            pub client_id: ClientId,
        }

        impl<S: Send + Sync> FromRequestParts<S> for $name {
            type Rejection = Failure;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
                let id = in_role(parts, state, Role::$role).await?;
                let client_id = id.parse().map_err(Failure::internal)?;
                Ok(Self { client_id })
            }
        }
    )*};
}

clients! {
    /// An internet service provider.
    RelyingPartyCaller = RelyingParty;
    /// One of the platform's operators.
    OperatorCaller = Operator;
    /// The supervising authority.
    RegulatorCaller = Regulator;
    /// A body that law lets order official accesses.
    AuthorityCaller = Authority;
}

async fn in_role<S: Send + Sync>(parts: &mut Parts, state: &S, role: Role) -> Result<String, Failure> {
    let caller = Caller::from_request_parts(parts, state).await?;
    if caller.role == role {
        Ok(caller.id)
    } else {
        Err(ProblemType::Forbidden.into())
    }
}
