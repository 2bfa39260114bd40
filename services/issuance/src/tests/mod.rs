//! Issuance over its real router, with vault, custodian and source behind real sockets, where faults are scripted.

mod ages;
mod applicant;
mod attacks;
mod cases;
mod counter;
mod devices;
mod enrolment;
mod faults;
mod guardians;
mod holder_peer;
mod life;
mod me;
mod minors;
mod nonces;
mod notices;
mod number;
mod passkey;
mod passports;
mod platform;
mod recovery;
mod registry;
mod source;
mod source_peer;
