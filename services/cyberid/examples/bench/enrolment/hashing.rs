//! Argon2id and nothing else, on the server's core, in memory that is allocated once.

use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use clap::Args;
use cyberid_pin::PinCost;
use serde_json::{Value, json};

use crate::{core, people};

/// So many hashes.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[arg(long)]
    calls: usize,
}

/// What hashes come to.
pub(crate) struct Hashes {
    pub(crate) per_second: f64,
    /// The processor time of one in ms.
    pub(crate) processor_ms: f64,
}

/// Measures in a process of its own on the server's core.
pub(crate) fn in_a_process(calls: usize) -> Hashes {
    let found = core::found_on_the_servers_core(&["hashing".into(), format!("--calls={calls}")]);
    let number = |name: &str| found[name].as_f64().unwrap();
    Hashes {
        per_second: number("per_second"),
        processor_ms: number("processor_ms"),
    }
}

/// So many hashes one after another.
pub(crate) fn measure(options: &Options) -> Value {
    let PinCost { memory_kib, passes } = PinCost::default();
    let params = Params::new(memory_kib, passes, 1, Some(32)).unwrap();
    let mut memory = vec![Block::default(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = |number: usize| {
        let mut salt = [0; 16];
        salt[..8].copy_from_slice(&number.to_be_bytes());
        let mut tag = [0; 32];
        let (pin, memory) = (people::PIN.as_bytes(), memory.as_mut_slice());
        argon2
            .hash_password_into_with_memory(pin, &salt, &mut tag, memory)
            .unwrap();
        std::hint::black_box(tag);
    };
    // The memory is there from the first hash on.
    hash(0);
    let (begun, used) = (Instant::now(), processor_time());
    (1..=options.calls).for_each(hash);
    let (calls, elapsed) = (options.calls as f64, begun.elapsed());
    let used = processor_time().saturating_sub(used);
    json!({ "per_second": calls / elapsed.as_secs_f64(), "processor_ms": used.as_secs_f64() * 1e3 / calls })
}

/// The processor time of this thread: the first number of its schedule's statistics is in ns.
fn processor_time() -> Duration {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(statistics.split(' ').next().unwrap().parse().unwrap())
}
