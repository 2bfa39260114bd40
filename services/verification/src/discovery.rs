//! The platform's description of itself.

use cyberid_domain::check::Check;
use cyberid_domain::document::DocumentType;
use cyberid_domain::field::Field;
use cyberid_protocol::discovery::{Discovery, LedgerDescription};

use crate::Verification;

/// What discovery says beyond what follows from the issuer and from the keys of the day.
#[derive(Debug, Clone)]
pub struct Description {
    /// Whether clients can show TLS certificates here, for their tokens to be bound to.
    pub client_certificates: bool,
    /// How to check the ledger.
    pub ledger: LedgerDescription,
}

impl Verification {
    /// The platform's description, with the key that messages are sealed to today.
    pub(crate) fn discovery(&self) -> Discovery {
        let issuer = &self.parts.issuer;
        Discovery {
            issuer: issuer.clone(),
            jwks_uri: self.jwks_uri(),
            token_endpoint: self.token_endpoint(),
            enrolment_endpoint: format!("{issuer}/v1/enrolments"),
            openapi_uri: format!("{issuer}/openapi"),
            checks_supported: Check::ALL.into(),
            fields_supported: Field::ALL.into(),
            document_types_supported: DocumentType::ALL.into(),
            signing_alg: self.suite().signing_alg().into(),
            encryption_jwk: self.parts.message.public_key().to_sealing_jwk(),
            suite: self.suite(),
            ledger: self.parts.description.ledger.clone(),
            version: "1".into(),
        }
    }

    /// The address of the public signing keys.
    pub(crate) fn jwks_uri(&self) -> String {
        format!("{}/.well-known/jwks.json", self.parts.issuer)
    }

    /// The address of the token endpoint.
    pub(crate) fn token_endpoint(&self) -> String {
        format!("{}/oauth/token", self.parts.issuer)
    }
}
