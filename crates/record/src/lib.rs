//! One field of an identity record: sealed at enrolment, opened against a warrant. No other code opens a record.
//!
//! A field's value is encrypted under a key made of two random shares, of which each key holder has one, sealed to
//! it. Issuance seals and holds nothing that opens; the custodian opens its share only to hand it over to the vault;
//! the vault opens the value. The custodian's share may be three custodians' ([`RecordSealer`]), of whom any two are
//! needed. A holder whose key changes seals its shares anew by itself ([`reseal_share`]). Against a stolen database, a stolen key and an insider at one key holder (T3, T4): one
//! share alone is 32 random bytes, and every ciphertext is bound to its place ([`Place`]).
//!
//! In scope: the cryptography of a field. Not in scope: whether a warrant allows opening (`cyberid-protocol`,
//! `cyberid-key-holder`), where ciphertexts are kept (`cyberid-storage`).

mod field;
mod place;
mod seats;
mod share;

pub use field::{NewField, RecordSealer, SealedField, open_field, seal_field};
pub use place::{Place, Side};
pub use seats::{SEATS, combine};
pub use share::{NotResealed, Share, hand_over, open_share, receive, reseal_share, sealed_to};
