//! Pushing signed security events to the relying parties that registered an `events_uri`.
//!
//! Delivery is RFC 8935: one RFC 8417 token a request, `POST` of `application/secevent+jwt`, answered 202. The numbers
//! in comments are those of `docs/cycles/event-push.md`; why it is built so says
//! `docs/decisions/0014-events-are-pushed-from-the-feed.md`.
//!
//! Two kinds of events come out of here. Those of the feed (`GET /v1/events`) are delivered at least once, in order,
//! across restarts: how far each relying party has come is durable. That a verification is over is told from memory:
//! such an event is lost with the process or when too many wait, since the relying party can always ask, and since no
//! row shall relate anything to a verification.
//!
//! Answers T10 (a relying party names an address that we call): calls leave only for `https` at addresses that are all
//! public ([`is_public`]), over no proxy, along no redirect; places, time and bytes are bounded, and whoever fails or
//! is slow shares the fewer places with others of that kind. Not in scope: what happened, and who decides that it did.

mod address;
mod announcement;
mod backoff;
mod delivery;
mod desk;
mod destination;
mod lookup;
mod push;
mod sender;

pub use address::{Reach, is_public};
pub use destination::{Destination, NotADestination};
pub use lookup::{FixedHosts, Lookup, SystemLookup};
pub use push::{Parts, Push};
pub use sender::{Answer, Fault, Refusal, Sender, SenderUnusable, Settings};
