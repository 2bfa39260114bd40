//! Why a request has no caller, and why the token endpoint takes no proof.

use super::InvalidProof;
use crate::quota::OverQuota;

/// Why a request has no caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It carries no token.
    #[error("there is no token")]
    NoToken,
    /// Its token is not accepted.
    #[error("the token is refused")]
    Token(#[from] InvalidToken),
    /// Its caller has no call left; nothing else was looked at.
    #[error("the caller is over quota")]
    OverQuota(#[from] OverQuota),
    /// Its proof of possession is not accepted.
    #[error("the proof is refused")]
    Proof(#[from] InvalidProof),
    /// Its proof lacks a fresh nonce of this server.
    #[error("the proof lacks a fresh nonce")]
    Nonce,
    /// So many proofs were seen that this one cannot be remembered.
    #[error("the memory of proofs is full")]
    Full,
}

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// More than one, or not of the form of the header `Authorization`.
    #[error("the header is malformed")]
    Header,
    /// Neither `DPoP` nor `Bearer`.
    #[error("the scheme is not accepted")]
    Scheme,
    /// Not made by this platform for itself.
    #[error("the token is not ours")]
    Foreign,
    /// Not valid at this time.
    #[error("the token is not valid now")]
    Time,
    /// Used in another way than it is bound: by another scheme, or without being bound at all.
    #[error("the token is bound in another way")]
    Binding,
    /// Bound to another certificate than this connection showed.
    #[error("the token is bound to a certificate that this connection did not show")]
    Certificate,
}

/// Why the token endpoint binds no token; the errors of RFC 9449, sections 5 and 8.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenDpopError {
    /// `invalid_dpop_proof`: there is neither a proof nor a certificate, and a bare token is given in a sandbox on
    /// loopback only.
    #[error("there is nothing that a token could be bound to")]
    NothingToBindTo,
    /// `invalid_dpop_proof`.
    #[error("the proof is refused")]
    InvalidProof(#[source] InvalidProof),
    /// `use_dpop_nonce`, with the value of the header `DPoP-Nonce`.
    #[error("the proof lacks a fresh nonce")]
    UseNonce {
        /// A fresh nonce.
        nonce: String,
    },
    /// `temporarily_unavailable`: so many proofs were seen that this one cannot be remembered.
    #[error("the memory of proofs is full")]
    Unavailable,
}
