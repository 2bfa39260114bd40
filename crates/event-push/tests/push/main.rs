//! Pushing to real receivers behind real TLS, from a real store: what is delivered, when, how often, and to whom never.
#![cfg(test)]

mod announcing;
mod delivering;
mod receiver;
mod refusing;
mod stage;
