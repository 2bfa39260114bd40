//! Issuance over its real router, with vault, custodian and source behind real sockets, where faults are scripted.

mod ages;
mod applicant;
mod enrolment;
mod faults;
mod guardians;
mod holder_peer;
mod me;
mod nonces;
mod passkey;
mod platform;
mod recovery;
mod registry;
mod source;
mod source_peer;
