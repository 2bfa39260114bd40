//! Which functions a platform at work runs through, for the linker: `cargo xtask bench order`.
//!
//! A page of the program that is touched comes into memory with its neighbours, 64 KiB at once. What a platform runs through is
//! therefore linked side by side (`services/cyberid/build.rs`). This watches one start and some calls under valgrind's `callgrind`
//! and writes the list anew. What the list does not name lies behind, and what it names in vain is nothing: an
//! old list costs memory and nothing else.

mod callgrind;
mod names;
mod symbols;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use crate::process::EXECUTABLE;
use crate::server::{FOLDER, Server, Setting, TOLD};
use crate::traffic::Traffic;
use crate::{load, people};

const CONNECTIONS: usize = 8;

/// Which functions a platform at work runs through, for the linker.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many people are enrolled.
    #[arg(long, default_value_t = 200)]
    people: u32,
    /// How many calls of each kind are made.
    #[arg(long, default_value_t = 100)]
    calls: usize,
    /// The list for the linker.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/link-order.txt"))]
    list: PathBuf,
}

/// Watches, and writes the list.
pub(crate) async fn measure(options: &Options) -> Value {
    callgrind::require();
    watch(options).await;
    let ran = callgrind::functions(&std::fs::read_to_string(TOLD).unwrap());
    let sizes = symbols::sizes(Path::new(EXECUTABLE));
    let ran_sizes: Vec<u64> = sizes
        .iter()
        .filter_map(|(name, size)| ran.contains(name).then_some(*size))
        .collect();
    let list = names::shared(&sizes, &ran);
    std::fs::write(&options.list, list.join("\n") + "\n").unwrap();
    json!({
        "functions": sizes.len(),
        "bytes": sizes.values().sum::<u64>(),
        "functions_run": ran_sizes.len(),
        "bytes_run": ran_sizes.iter().sum::<u64>(),
        "names": list.len(),
        "list": options.list,
    })
}

/// One start of a platform that has been started before, and calls as relying parties and holders make them.
async fn watch(options: &Options) {
    let data = people::enrolled(Path::new(FOLDER), options.people).await;
    let setting = Setting {
        watched: true,
        ..Setting::default()
    };
    let server = Server::start(&data, setting).await;
    let traffic = Traffic::new(&server, options.people).await;
    server.wait_until_everybody_is_in_memory(options.people).await;
    for calls in [
        traffic.directs(options.calls).await,
        traffic.answers(options.calls).await,
    ] {
        load::at_once(server.address, None, calls, CONNECTIONS).await;
    }
    server.stop();
}
