//! What a token is bound to, so that it is worth nothing to who finds it.

use cyberid_crypto::base64url;

use super::claims::Confirmation;

/// What a token is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// Nothing: it is worth something in a sandbox on loopback only.
    Bare,
    /// A key that signs a proof for every request, RFC 9449.
    Key {
        /// The key's thumbprint.
        jkt: String,
    },
    /// The certificate of a TLS client, RFC 8705, section 3.
    Certificate {
        /// SHA-256 of its DER form.
        sha256: [u8; 32],
    },
}

impl Binding {
    /// The `token_type` of a token that is bound so.
    pub fn token_type(&self) -> &'static str {
        match self {
            Self::Key { .. } => "DPoP",
            Self::Bare | Self::Certificate { .. } => "Bearer",
        }
    }

    /// What a token's `cnf` says; nothing if it says something that is no digest.
    pub(super) fn confirmed(cnf: Option<&Confirmation<'_>>) -> Option<Self> {
        Some(match cnf {
            None => Self::Bare,
            Some(Confirmation::Key(jkt)) => Self::Key {
                jkt: jkt.clone().into_owned(),
            },
            Some(Confirmation::Certificate(text)) => Self::Certificate {
                sha256: base64url::decode_array(text)?,
            },
        })
    }
}
