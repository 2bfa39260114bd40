//! The contract between the parties: every signed message, every body, the leaf, the warrant, the problem
//! registry. Pure: bytes and types, no IO, no clock.
//!
//! A signed message is a type that implements [`message::Message`]: its `typ` and its claims. What an outsider
//! sends is read only through [`message::open`] and its kin, which check the signature before the claims.

pub mod access;
pub mod activity;
pub mod attestation;
pub mod audit;
pub mod cancellation;
pub mod canonical;
pub mod case;
pub mod certificate;
pub mod comparison;
pub mod consent;
pub mod counter;
pub mod counter_code;
pub mod deposit;
pub mod device;
pub mod direct_request;
pub mod discovery;
pub mod enrolment;
pub mod event;
pub mod export;
pub mod face;
pub mod guardian_consent;
pub mod guardian_release;
pub mod identity;
pub mod key_certificate;
pub mod key_proof;
pub mod leaf;
pub mod life;
pub mod message;
pub mod notice;
pub mod official;
pub mod passkey;
pub mod passport;
pub mod problem;
pub mod proof;
pub mod pseudonym;
pub mod receipt;
pub mod registration;
pub mod release;
pub mod replacement;
pub mod request;
pub mod sealed;
pub mod source;
pub mod statement;
pub mod verification;
pub mod visit;
pub mod ward;
pub mod warrant;
pub mod withdrawal;
