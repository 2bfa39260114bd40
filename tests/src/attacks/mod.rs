//! Attacks on tokens, made by our own generator: each takes a message that its place would take, and what an attacker
//! can have (everybody's public keys, valid messages of every type, a key of their own, a listening address), and
//! makes one that no place may take.
//!
//! Where the attacker plays an insider, the message is signed by the right key: a relying party or a holder who signs
//! nonsense is as much an attacker as one who cannot sign at all.

#![expect(
    clippy::indexing_slicing,
    reason = "messages are taken apart that were just put together: a part that is not there ends the test"
)]

mod algorithms;
mod audiences;
mod critical;
mod encoding;
mod json;
mod jwe;
mod jwe_header;
mod keys;
mod seal;
mod signatures;
mod suites;
mod times;
mod token;
mod types;

use std::net::SocketAddr;
use std::sync::Arc;

use cyberid_crypto::{PublicKey, Sign};

pub use seal::Seal;
pub use signatures::twin;
pub use token::Token;
pub use types::TYPES;

/// What an attacker has.
pub struct Loot {
    /// A key of their own that nobody has registered.
    pub own: Arc<dyn Sign>,
    /// The public keys of everybody, whatever they are for.
    pub keys: Vec<PublicKey>,
    /// A valid message of every type, by its name.
    pub others: Vec<(&'static str, String)>,
    /// An address that listens, and must never be called.
    pub sink: SocketAddr,
}

/// A way to make a hostile message of a good one; nothing where it does not apply.
type Make<T> = Box<dyn Fn(&T, &Loot) -> Option<String> + Send + Sync>;

/// A named attack on a message.
pub struct Attack<T> {
    /// What it does, in a few words.
    pub name: String,
    make: Make<T>,
}

impl<T> Attack<T> {
    /// Whether it sets the other suite against the one of its place.
    pub fn is_across_suites(&self) -> bool {
        self.name.contains("other suite")
    }

    /// The hostile message; nothing where the good one has not what the attack is on.
    pub fn on(&self, good: &T, loot: &Loot) -> Option<String> {
        (self.make)(good, loot)
    }
}

/// A list of attacks as it grows.
struct Corpus<T>(Vec<Attack<T>>);

impl<T> Corpus<T> {
    /// Adds one that always applies.
    fn add(&mut self, name: impl Into<String>, make: impl Fn(&T, &Loot) -> String + Send + Sync + 'static) {
        self.add_some(name, move |good, loot| Some(make(good, loot)));
    }

    /// Adds one that may not apply.
    fn add_some(
        &mut self,
        name: impl Into<String>,
        make: impl Fn(&T, &Loot) -> Option<String> + Send + Sync + 'static,
    ) {
        self.0.push(Attack {
            name: name.into(),
            make: Box::new(make),
        });
    }
}

/// Every attack on a signed message.
pub fn on_tokens() -> Vec<Attack<Token>> {
    let mut corpus = Corpus(Vec::new());
    for add in [
        algorithms::add,
        keys::add,
        critical::add,
        signatures::add,
        suites::add,
        times::add,
        audiences::add,
        json::add,
        types::add,
    ] {
        add(&mut corpus);
    }
    encoding::add(&mut corpus, |token: &Token| &token.compact);
    corpus.0
}

/// Every attack on a sealed message.
pub fn on_seals() -> Vec<Attack<Seal>> {
    let mut corpus = Corpus(Vec::new());
    jwe_header::add(&mut corpus);
    jwe::add(&mut corpus);
    suites::add_on_seals(&mut corpus);
    encoding::add(&mut corpus, |seal: &Seal| &seal.compact);
    corpus.0
}

#[cfg(test)]
mod tests;
