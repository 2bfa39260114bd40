//! The cache over a real store: what it promises, and that it is never stale.
#![cfg(test)]

mod devices;
mod memory;
mod store;
mod writers;
