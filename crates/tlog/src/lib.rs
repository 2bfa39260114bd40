//! The mathematics of a transparency log: bytes in, types out.
//!
//! In scope: the Merkle tree of RFC 6962 section 2.1 and its proofs, and the C2SP text and tile formats around it:
//! [signed-note](https://c2sp.org/signed-note), [tlog-checkpoint](https://c2sp.org/tlog-checkpoint),
//! [tlog-cosignature](https://c2sp.org/tlog-cosignature) (Ed25519, and ML-DSA-44 of whole trees), [tlog-tiles](https://c2sp.org/tlog-tiles),
//! [tlog-proof](https://c2sp.org/tlog-proof), [tlog-policy](https://c2sp.org/tlog-policy) and the bodies of
//! [tlog-witness](https://c2sp.org/tlog-witness).
//!
//! Not in scope: storage, HTTP, time and key custody. Proofs are planned here (which nodes are needed) and evaluated
//! here (from the hashes of those nodes); fetching the hashes is the caller's. A time is an argument. A private key
//! may live anywhere that implements [`note::NoteSigner`].
//!
//! What is only parsed and what has been checked have different types: [`Checkpoint`](checkpoint::Checkpoint) is a
//! claim, [`VerifiedCheckpoint`](checkpoint::VerifiedCheckpoint) carries the log's signature, and
//! [`VerifiedEntry`](receipt::VerifiedEntry) is an entry proved to be under a checkpoint that a policy accepts.

pub mod checkpoint;
pub mod cosignature;
pub mod hash;
pub mod node;
pub mod note;
pub mod policy;
pub mod proof;
pub mod receipt;
pub mod tile;
pub mod tree;
pub mod witness;

mod text;
