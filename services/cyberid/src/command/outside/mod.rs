//! What the commands of everybody outside the platform share: its address, their state, their keys, words for values.

mod confirm;
mod home;
mod input;
mod keys;
mod server;
mod values;

pub(crate) use confirm::{NoTerminal, confirm, terminal};
pub(crate) use home::Home;
pub(crate) use input::{read_bytes, read_text};
pub(crate) use keys::{ClientKey, SandboxKeys, call_as};
pub(crate) use server::Server;
pub(crate) use values::{checks, fields, moment, names};

/// An error with its causes, for a person to read.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
