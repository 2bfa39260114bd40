//! Which process holds which keys.

use cyberid_keystore::RoleName as Role;

/// Issuance, verification, consent and the ledger.
pub(crate) const PLATFORM: &[Role] = &[
    Role::Attestation,
    Role::AttestationRoot,
    Role::Request,
    Role::Certificate,
    Role::Registration,
    Role::Event,
    Role::Enrolment,
    Role::Message,
    Role::Pairwise,
    Role::Age,
    Role::Pin,
    Role::Evidence,
    Role::Journal,
    Role::Token,
    Role::Idempotency,
    Role::Ledger,
];

/// The vault: its shares, the blind index, and the signature on what is released.
pub(crate) const VAULT: &[Role] = &[Role::Vault, Role::Index, Role::Identity];

/// The custodian: its shares.
pub(crate) const CUSTODIAN: &[Role] = &[Role::Custodian];

/// A witness.
pub(crate) const WITNESS: &[Role] = &[Role::Witness];

/// An identity source.
pub(crate) const IDENTITY_SOURCE: &[Role] = &[Role::Source, Role::Message, Role::Pairwise];
