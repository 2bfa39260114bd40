//! The service over real stores, a real ledger and a witness on a socket, with key holders that check every warrant.

mod answering;
mod asking;
mod cancelling;
mod cooling_off;
mod counter;
mod guardians;
mod guessing;
mod key_holders;
mod ledger;
mod living;
mod official;
mod people;
mod platform;
mod quota;
mod reading;
mod receipts;
mod recovering;
mod redeeming;
mod script;
mod stopping;
mod withdrawing;
mod witness;

use cyberid_protocol::leaf::LeafKind;
use platform::{Answer, Platform};
