//! The service through its real router, on its real store: every rule, and what happens without it.
#![cfg(test)]

mod discovery;
mod platform;
mod registration;
mod requests;
mod token;
mod unseen;
mod verification;
