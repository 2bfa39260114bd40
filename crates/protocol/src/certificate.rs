//! The network certificate (网证): says that a device key belongs to an identifier, and nothing about a person.

use cyberid_domain::UnixTime;
use cyberid_domain::subject::SubjectStatus;
use serde::{Deserialize, Serialize};

use crate::message::Message;

/// The longest life of a certificate in seconds: 184 days, six calendar months.
pub const MAX_LIFE: u64 = 184 * 86_400;

/// The claims of a network certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The platform's issuer.
    pub iss: String,
    /// The key that may use it (RFC 7800).
    pub cnf: Confirmation,
    /// A salted commitment to the network number.
    pub number_commitment: String,
    /// The status when it was issued.
    pub status: SubjectStatus,
    /// The day it was issued, so that moments do not relate people.
    pub iat: UnixTime,
    /// When it ends.
    pub exp: UnixTime,
}

/// A confirmation by thumbprint, RFC 9449 section 6.1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The device key's thumbprint.
    pub jkt: String,
}

impl Message for Certificate {
    const TYP: &'static str = "cyberid-certificate+jwt";
}
