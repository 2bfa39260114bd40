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
    /// Callers in one of these roles.
    Roles(Vec<Role>),
}

/// The name of the one security scheme in the documents.
pub(super) const SCHEME: &str = "dpop";

impl Access {
    /// Whether a caller in this role may call.
    pub fn admits(&self, role: Role) -> bool {
        match self {
            Self::Public | Self::Signed => true,
            Self::Roles(roles) => roles.contains(&role),
        }
    }

    /// The value of `x-access`.
    pub(super) fn documented(&self) -> Value {
        match self {
            Self::Public => json!("public"),
            Self::Signed => json!("signed"),
            Self::Roles(roles) => roles.iter().map(|role| role.as_str()).collect(),
        }
    }

    /// The value of `security`; an empty list says that no credentials are needed.
    pub(super) fn security(&self) -> Vec<SecurityRequirement> {
        match self {
            Self::Public | Self::Signed => Vec::new(),
            Self::Roles(_) => vec![SecurityRequirement::new::<_, [&str; 0], &str>(SCHEME, [])],
        }
    }

    /// The same for people, to stand in the description.
    pub(super) fn note(&self) -> String {
        match self {
            Self::Public => "**Access:** public; no headers needed.".into(),
            Self::Signed => {
                "**Access:** no token; the message in the body is signed and proves itself.".into()
            }
            Self::Roles(roles) => {
                let roles: Vec<_> = roles.iter().map(|role| format!("`{}`", role.as_str())).collect();
                format!(
                    "**Access:** {}; headers `Authorization: DPoP <token>` and `DPoP: <proof>` (RFC 9449). Every answer \
                     carries a fresh `DPoP-Nonce` for the next proof.",
                    roles.join(", ")
                )
            }
        }
    }
}
