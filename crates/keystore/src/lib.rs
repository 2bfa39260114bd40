//! The platform's private keys: one role each, in one keystore per process.
//!
//! In scope: the [roles](role), the authenticated list of keys with its locks and its atomic write, the lifecycle of a
//! key, the two machines that keep private halves (one trait: a passphrase-encrypted file, and a PKCS#11 token), and
//! typed handles that do the work of a key without giving it out. Not in scope: what a role's key signs or opens
//! (the services), the primitives (`cyberid-crypto`), backup and TLS keys, which never enter a keystore.
//!
//! A keystore answers attackers T4 (stolen database or disk: nothing opens without the passphrase or the token) and T6
//! (stolen signing key: a signing key's private half is destroyed when it rotates). In the file, Argon2id (RFC 9106)
//! makes one root of the passphrase; HKDF (RFC 5869) makes one key per purpose of the root; each private half is sealed
//! with AES-256-GCM bound to its role, id, state and time; an HMAC covers the whole list, so that no entry disappears
//! unnoticed. With a token, private halves are made in the token and stay there; those that work in memory are sealed, and
//! the list is authenticated, by keys of the token.
//!
//! Two things it cannot notice: an attacker who writes the disk may put back an older, whole list; and a
//! destroyed key survives in older copies of the file for those who hold them and the passphrase. (A key that was in a
//! token does not.)

mod certificate;
mod disk;
mod entry;
mod error;
mod file;
mod forge;
mod handle;
mod kdf;
mod keystore;
mod lifecycle;
mod machine;
mod material;
mod note;
pub mod passphrase;
mod public;
mod published;
mod recipient;
mod ring;
pub mod role;
mod sealed;
#[cfg(feature = "testing")]
pub mod testing;
mod token;
mod trial;
mod unlock;

pub use disk::{FILE, LOCK};
pub use entry::{KeyInfo, Place, State};
pub use error::KeystoreError;
pub use handle::{MacHandle, NoteKey, Opener, Signer};
pub use kdf::{InvalidCost, KdfCost};
pub use keystore::Keystore;
pub use lifecycle::Step;
pub use note::Ed25519Key;
pub use public::PublicHalf;
pub use published::PublishedKey;
pub use recipient::Recipient;
pub use role::{Kind, RoleName, Rotation};
pub use token::TokenError;
pub use unlock::{TokenAccess, Unlock};
