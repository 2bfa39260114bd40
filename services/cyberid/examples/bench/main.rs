//! What the platform does in a second, and what its answers tell: `cargo xtask bench verify`, `timing`, `enrolment`,
//! `ledger`, `order`.
//!
//! Each runs the real platform alone on one core, and everything else on another: the identity source, the witness, the vault and
//! the custodian as processes of their own, as whoever operates the platform must not operate them. What it does is told on standard
//! error; the last line of standard output is JSON.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a measurement prints, and stops at a surprise"
)]

mod around;
mod core;
mod disk;
mod enrolment;
mod ledger;
mod load;
mod order;
mod people;
mod process;
mod server;
mod timing;
mod traffic;
mod verify;

use clap::Parser;
use serde_json::Value;

/// Measurements of the whole platform.
#[derive(Debug, Parser)]
enum Measurement {
    /// What a verification costs beside the bare cryptography in it.
    Verify(verify::Options),
    /// Whether the time of an answer tells who asked.
    Timing(timing::Options),
    /// What an enrolment costs beside the hashing of its PIN.
    Enrolment(enrolment::Options),
    /// What the ledger adds to a bare append and sync of the same bytes.
    Ledger(ledger::Options),
    /// Which functions a platform at work runs through, for the linker.
    Order(order::Options),
    /// Used by `verify`.
    #[command(hide = true)]
    Bare(verify::bare::Options),
    /// Used by `enrolment`.
    #[command(hide = true)]
    Hashing(enrolment::hashing::Options),
}

fn main() {
    let measurement = Measurement::parse();
    if let Some(found) = measurement.alone() {
        println!("{found}");
        return;
    }
    if !server::is_prepared() {
        std::process::exit(server::again_prepared());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    println!("{}", runtime.block_on(measurement.with_a_server()));
}

impl Measurement {
    /// What is measured without a server, on the server's core.
    fn alone(&self) -> Option<Value> {
        match self {
            Self::Bare(options) => Some(verify::bare::measure(options)),
            Self::Hashing(options) => Some(enrolment::hashing::measure(options)),
            Self::Ledger(options) => Some(ledger::measure(options)),
            Self::Verify(_) | Self::Timing(_) | Self::Enrolment(_) | Self::Order(_) => None,
        }
    }

    async fn with_a_server(&self) -> Value {
        server::build();
        match self {
            Self::Verify(options) => verify::measure(options).await,
            Self::Timing(options) => timing::measure(options).await,
            Self::Enrolment(options) => enrolment::measure(options).await,
            Self::Order(options) => order::measure(options).await,
            Self::Bare(_) | Self::Hashing(_) | Self::Ledger(_) => Value::Null,
        }
    }
}
