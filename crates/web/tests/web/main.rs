//! The web crate from outside: its server on a real socket, spoken to as a client would.
#![cfg(test)]

mod access;
mod answers;
mod limits;
mod stopping;
mod support;
mod tls;
