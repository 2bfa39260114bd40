//! One small face over the cryptography that the parties share: sign, verify, seal, open, derive.
//!
//! In scope: two [suites](suite) of algorithms, of which a key belongs to one; P-256 and SM2 keys and RFC 7638 thumbprints
//! ([`jwk`]), compact JWS with ES256 or SM2 ([`jws`]), compact JWE with ECDH-ES and A256GCM or SM4-GCM ([`jwe`]), RFC 9180
//! HPKE in base mode ([`hpke`]), AES-256-GCM and SM4-GCM ([`aead`]), SHA-256, SM3, HMAC and HKDF ([`digest`]), ECDSA in
//! DER ([`ecdsa`]), and JSON read strictly ([`json`]). Not in scope: where keys are kept (`cyberid-keystore`), what
//! messages mean (`cyberid-protocol`).

pub mod aead;
pub mod base64url;
pub mod digest;
pub mod ecdsa;
pub mod hpke;
pub mod json;
pub mod jwe;
pub mod jwk;
pub mod jws;
pub mod key;
mod sm2;
pub mod suite;

pub use jwk::{Jwk, PublicKey};
pub use key::{Agree, AgreementKey, KeyFailure, Mac, MacKey, Sign, SigningKey};
pub use suite::Suite;
