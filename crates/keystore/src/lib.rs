//! The platform's private keys: one role each, in one encrypted file per process.
//!
//! In scope: the [roles](role), the encrypted file with its lock and its atomic write, the lifecycle of a key, and
//! typed handles that do the work of a key without giving it out. Not in scope: what a role's key signs or opens
//! (the services), the primitives (`cyberid-crypto`), backup and TLS keys, which never enter this file.
//!
//! The file answers attackers T4 (stolen database or disk: nothing opens without the passphrase) and T6 (stolen
//! signing key: a signing key's private half is destroyed when it rotates). Argon2id (RFC 9106) makes one root of the
//! passphrase; HKDF (RFC 5869) makes one key per purpose of the root; each private half is sealed with AES-256-GCM
//! bound to its role, id, state and time; an HMAC covers the whole file, so that no entry disappears unnoticed.
//!
//! Two things it cannot notice: an attacker who writes the disk may put back an older, whole file; and a
//! destroyed key survives in older copies of the file for those who hold them and the passphrase.

mod disk;
mod entry;
mod error;
mod file;
mod forge;
mod handle;
mod kdf;
mod keystore;
mod lifecycle;
mod material;
mod note;
pub mod passphrase;
mod public;
mod ring;
pub mod role;

pub use disk::{FILE, LOCK};
pub use entry::{KeyInfo, State};
pub use error::KeystoreError;
pub use handle::{MacHandle, NoteKey, Opener, Signer};
pub use kdf::{InvalidCost, KdfCost};
pub use keystore::Keystore;
pub use note::Ed25519Key;
pub use public::PublicHalf;
pub use role::{Kind, RoleName};
