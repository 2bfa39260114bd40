//! The service through its real router, on its real store: every rule, and what happens without it.
#![cfg(test)]

mod access;
mod activity;
mod announcing;
mod certificates;
mod codes;
mod discovery;
mod factors;
mod guardian;
mod holding;
mod keys;
mod opening;
mod platform;
mod registration;
mod renewal;
mod requests;
mod states;
mod suspension;
mod token;
mod unseen;
mod verification;
