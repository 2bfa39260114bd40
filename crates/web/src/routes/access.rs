//! Who may call an operation.

use cyberid_domain::relying_party::Role;
use serde_json::{Value, json};
use utoipa::openapi::security::SecurityRequirement;

/// Who may call an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Anybody who can sign the message in the body.
    Signed,
    /// Anybody; whoever brings credentials has to be in one of these roles, and is known to the handler.
    Optional(Vec<Role>),
    /// Callers in one of these roles.
    Roles(Vec<Role>),
}

/// The security schemes in the documents: a token bound to a key, or one bound to the client's certificate.
pub(super) const SCHEMES: [&str; 2] = ["dpop", "certificate"];

impl Access {
    /// Whether a caller in this role may call.
    pub fn admits(&self, role: Role) -> bool {
        match self {
            Self::Public | Self::Signed => true,
            Self::Optional(roles) | Self::Roles(roles) => roles.contains(&role),
        }
    }

    /// Whether callers can say who they are.
    pub(super) fn takes_credentials(&self) -> bool {
        matches!(self, Self::Optional(_) | Self::Roles(_))
    }

    /// The value of `x-access`.
    pub(super) fn documented(&self) -> Value {
        match self {
            Self::Public => json!("public"),
            Self::Signed => json!("signed"),
            Self::Optional(_) => json!("optional"),
            Self::Roles(roles) => roles.iter().map(|role| role.as_str()).collect(),
        }
    }

    /// The value of `security`; an empty list says that no credentials are needed.
    pub(super) fn security(&self) -> Vec<SecurityRequirement> {
        match self {
            Self::Public | Self::Signed => Vec::new(),
            Self::Optional(_) => [SecurityRequirement::default()]
                .into_iter()
                .chain(requirements())
                .collect(),
            Self::Roles(_) => requirements().collect(),
        }
    }

    /// The same for people, to stand in the description.
    pub(super) fn note(&self) -> String {
        match self {
            Self::Public => "**Access:** public; no headers needed.".into(),
            Self::Signed => {
                "**Access:** no token; the message in the body is signed and proves itself.".into()
            }
            Self::Optional(roles) => format!(
                "**Access:** public; who sends the credentials of {} is recognised, and credentials that are sent must be \
                 valid.",
                names(roles)
            ),
            Self::Roles(roles) => {
                format!(
                    "**Access:** {}; headers `Authorization: DPoP <token>` and `DPoP: <proof>` (RFC 9449), or \
                     `Authorization: Bearer <token>` over a connection that shows the client certificate which the token is \
                     bound to (RFC 8705). Every answer carries a fresh `DPoP-Nonce` for the next proof.",
                    names(roles)
                )
            }
        }
    }
}

/// Each scheme is enough by itself.
fn requirements() -> impl Iterator<Item = SecurityRequirement> {
    SCHEMES
        .into_iter()
        .map(|scheme| SecurityRequirement::new::<_, [&str; 0], &str>(scheme, []))
}

fn names(roles: &[Role]) -> String {
    let roles: Vec<_> = roles.iter().map(|role| format!("`{}`", role.as_str())).collect();
    roles.join(", ")
}
