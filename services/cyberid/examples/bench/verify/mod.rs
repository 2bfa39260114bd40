//! What a verification costs beside the bare cryptography in it: `cargo xtask bench verify`.
//!
//! One run measures, with the server alone on one core and everything else on another:
//!
//! - **bare**: the cryptography of one call on that core and nothing else, what becomes durable with it sealed, written
//!   and synced in groups as the journal does, as many calls on their way as there are connections; once for a direct
//!   verification and once for an answer, which has neither an access token nor a relying party's proof;
//! - **direct**, **answer**: the same end to end, through the real server over keep-alive connections, with real
//!   authentication, distinct devices and signatures, and a registry of so many people;
//! - half of that rate with the arrivals spread evenly, for the time an answer takes;
//! - what the process takes of memory, idle and with everybody's holder in memory, and how long it takes to be ready.
//!
//! Ratios are of rates, 1 being free.

pub(crate) mod bare;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use self::bare::Kind;
use crate::server::{FOLDER, Server, Setting};
use crate::traffic::Traffic;
use crate::{disk, load, people};

/// What a verification costs beside the bare cryptography in it.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many people are enrolled.
    #[arg(long, default_value_t = 1_000_000)]
    people: u32,
    /// How many calls are made in each round.
    #[arg(long, default_value_t = 12_000)]
    calls: usize,
    /// How many rounds; the best one counts, since others use this machine too.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How many connections are open at once.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Speak TLS 1.3 too, and say what it adds.
    #[arg(long)]
    tls: bool,
    /// Where the enrolled people are kept from one run to the next.
    #[arg(long, default_value = FOLDER)]
    folder: PathBuf,
}

/// Measures, and tells the rounds on the way.
pub(crate) async fn measure(options: &Options) -> Value {
    let sync = disk::sync_time(&options.folder);
    let (idle_kib, idle_started, derivation) = idle(&options.folder).await;
    let data = people::enrolled(&options.folder, options.people).await;
    eprintln!("starting with {} people", options.people);
    let server = Server::start(&data, Setting::default()).await;
    let started = server.started;
    let traffic = Traffic::new(&server, options.people).await;
    let warm = server.wait_until_everybody_is_in_memory(options.people).await;
    let memory = server.resident_kib();
    let mut rounds = Vec::new();
    for round in 1..=options.rounds {
        eprintln!("round {round} of {}", options.rounds);
        rounds.push(one_round(options, &server, &traffic).await);
    }
    server.stop().await;
    let tls = if options.tls {
        Some(with_tls(options, &data).await)
    } else {
        None
    };
    let best = |name: &str| {
        rounds
            .iter()
            .map(|round| round[name].as_f64().unwrap())
            .fold(0.0, f64::max)
    };
    let (direct, answer) = (best("direct"), best("answer"));
    let after_keys = |milliseconds: f64| milliseconds - derivation * f64::from(KEYSTORES);
    let started = started.as_secs_f64() * 1e3;
    let people = f64::from(options.people);
    json!({
        "people": options.people,
        "bare_direct_per_second": best("bare_direct"),
        "bare_answer_per_second": best("bare_answer"),
        "direct_per_core_second": direct,
        "answer_per_core_second": answer,
        "direct_ratio": median(&rounds, "direct_ratio"),
        "answer_ratio": median(&rounds, "answer_ratio"),
        "direct_ratio_best": best("direct_ratio"),
        "answer_ratio_best": best("answer_ratio"),
        "half_load_p50_ms": median(&rounds, "p50_ms"),
        "half_load_p99_ms": median(&rounds, "p99_ms"),
        "sync_p50_ms": sync.0,
        "sync_p99_ms": sync.1,
        "idle_kib": idle_kib,
        "resident_kib": memory,
        "bytes_per_holder": (memory as f64 - idle_kib as f64).max(0.0) * 1024.0 / people,
        "accepting_after_ms": started,
        "idle_accepting_after_ms": idle_started,
        "key_derivation_ms": derivation,
        "key_derivations": KEYSTORES,
        "accepting_after_keys_ms": after_keys(started),
        "idle_accepting_after_keys_ms": after_keys(idle_started),
        "everybody_in_memory_after_ms": warm.as_secs_f64() * 1e3,
        "tls_direct_ratio_to_plain": tls.map(|rate| rate / direct),
        "rounds": rounds,
    })
}

fn median(rounds: &[Value], name: &str) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(|round| round[name].as_f64().unwrap()).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The rates side by side, bare before and after, since the machine is never quite the same.
async fn one_round(options: &Options, server: &Server, traffic: &Traffic) -> Value {
    let bare = || [Kind::Direct, Kind::Answer].map(|kind| bare::in_a_process(kind, options));
    let before = bare();
    let direct = run(server, traffic.directs(options.calls).await, options.connections).await;
    let answer = run(server, traffic.answers(options.calls).await, options.connections).await;
    let after = bare();
    let half_of_the_calls = traffic.directs(options.calls / 2).await;
    let half = load::evenly(server.address, half_of_the_calls, direct.0 / 2.0).await;
    let bare_direct = f64::midpoint(before[0], after[0]);
    let bare_answer = f64::midpoint(before[1], after[1]);
    let round = json!({
        "bare_direct": bare_direct,
        "bare_answer": bare_answer,
        "direct": direct.0,
        "direct_ratio": direct.0 / bare_direct,
        "direct_server_core": direct.1,
        "answer": answer.0,
        "answer_ratio": answer.0 / bare_answer,
        "answer_server_core": answer.1,
        "p50_ms": half.percentile(0.50),
        "p99_ms": half.percentile(0.99),
    });
    tell(&round);
    round
}

fn tell(round: &Value) {
    let number = |name: &str| round[name].as_f64().unwrap();
    for call in ["direct", "answer"] {
        eprintln!(
            "  {call}: {:.0} a second of {:.0} bare, {:.3}; the server's core was busy for {:.2} of it",
            number(call),
            number(&format!("bare_{call}")),
            number(&format!("{call}_ratio")),
            number(&format!("{call}_server_core")),
        );
    }
    eprintln!(
        "  at half that load: half of the answers within {:.2} ms, 99 of 100 within {:.2} ms",
        number("p50_ms"),
        number("p99_ms")
    );
}

/// Calls per second, and the part of the core that the server used.
async fn run(server: &Server, calls: Vec<Vec<u8>>, connections: usize) -> (f64, f64) {
    let before = server.processor_time();
    let run = load::at_once(server.address, server.tls(), calls, connections).await;
    (run.rate(), server.busy_since(before, run.elapsed))
}

const TLS: Setting = Setting { tls: true, people: 1 };

async fn with_tls(options: &Options, data: &Path) -> f64 {
    let server = Server::start(data, TLS).await;
    let traffic = Traffic::new(&server, options.people).await;
    server.wait_until_everybody_is_in_memory(options.people).await;
    let mut best: f64 = 0.0;
    for _ in 0..options.rounds {
        best = best.max(
            run(&server, traffic.directs(options.calls).await, options.connections)
                .await
                .0,
        );
    }
    server.stop().await;
    best
}

/// A sandbox opens three keystores: the platform's, its witness's and its identity source's.
const KEYSTORES: u32 = 3;

/// Resident memory in KiB of a platform that nobody has called, its start in ms, and one key derivation in ms.
async fn idle(folder: &Path) -> (u64, f64, f64) {
    let data = folder.join("idle");
    let _ = std::fs::remove_dir_all(&data);
    let first = Server::start(&data, Setting::default()).await;
    first.stop().await;
    let server = Server::start(&data, Setting::default()).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (memory, started) = (server.resident_kib(), server.started.as_secs_f64() * 1e3);
    server.stop().await;
    (memory, started, people::key_derivation(&data))
}
