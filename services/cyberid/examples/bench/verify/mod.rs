//! What a verification costs beside the bare cryptography in it: `cargo xtask bench verify`.
//!
//! One run measures, with the server alone on one core and everything else on another:
//!
//! - **bare**: the cryptography of one call on that core and nothing else, what becomes durable with it sealed, written
//!   and synced in groups as the journal does, as many calls on their way as there are connections; once for a direct
//!   verification and once for an answer, which has neither an access token nor a relying party's proof;
//! - **direct**, **answer**: the same end to end, through the real server over keep-alive connections, with real
//!   authentication, distinct devices and signatures, and a registry of so many people;
//! - half of that rate with the arrivals spread evenly, for the time an answer takes; and as a control as many calls that
//!   want no work (`GET /healthz`), whose times are the machine's and the client's own;
//! - what the process takes of memory, idle and with everybody's holder in memory, and how long it takes to be ready; and the
//!   same with a hundredth of the people, so that what a holder takes is the difference, and a rate that depends on how
//!   many there are is seen.
//!
//! Ratios are of rates, 1 being free. Others use this machine too, so that many short rounds say more than a few long ones:
//! the best rate of all rounds is what the program can do, the median what it did here.

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
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(2..))]
    people: u32,
    /// How many calls are made in each round.
    #[arg(long, default_value_t = 3_000)]
    calls: usize,
    /// How many rounds.
    #[arg(long, default_value_t = 12)]
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
    let idle = idle(&options.folder).await;
    let few = with_few(options).await;
    let running = Running::start(options, options.people, Setting::default()).await;
    let mut rounds = Vec::new();
    for round in 1..=options.rounds {
        eprintln!("round {round} of {}", options.rounds);
        rounds.push(one_round(options, &running).await);
    }
    let Running {
        server,
        start,
        in_memory_ms,
        resident_kib,
        ..
    } = running;
    server.stop();
    let tls = if options.tls {
        Some(with_tls(options).await)
    } else {
        None
    };
    let best = |name: &str| best(&rounds, name);
    let (direct, answer) = (best("direct"), best("answer"));
    let (bare_direct, bare_answer) = (best("bare_direct"), best("bare_answer"));
    let more_people = f64::from(options.people - few.people);
    json!({
        "people": options.people,
        "bare_direct_per_second": bare_direct,
        "bare_answer_per_second": bare_answer,
        "direct_per_core_second": direct,
        "answer_per_core_second": answer,
        "direct_ratio": direct / bare_direct,
        "answer_ratio": answer / bare_answer,
        "direct_ratio_median": median(&rounds, "direct_ratio"),
        "answer_ratio_median": median(&rounds, "answer_ratio"),
        "half_load_p50_ms": least(&rounds, "p50_ms"),
        "half_load_p99_ms": least(&rounds, "p99_ms"),
        "half_load_p50_median_ms": median(&rounds, "p50_ms"),
        "half_load_p99_median_ms": median(&rounds, "p99_ms"),
        "control_p99_ms": least(&rounds, "control_p99_ms"),
        "control_p99_median_ms": median(&rounds, "control_p99_ms"),
        "sync_p50_ms": sync.0,
        "sync_p99_ms": sync.1,
        "idle_kib": idle.resident_kib,
        "resident_kib": resident_kib,
        "few": { "people": few.people, "resident_kib": few.resident_kib, "direct_per_core_second": few.direct },
        "bytes_per_holder": (resident_kib as f64 - few.resident_kib as f64) * 1024.0 / more_people,
        "direct_ratio_to_few": direct / few.direct,
        "ready_after_ms": start.ready_ms,
        "accepting_after_keys_ms": start.accepting_after_keys_ms,
        "idle_ready_after_ms": idle.start.ready_ms,
        "idle_accepting_after_keys_ms": idle.start.accepting_after_keys_ms,
        "everybody_in_memory_after_ms": in_memory_ms,
        "tls_direct_ratio_to_plain": tls.map(|rate| rate / direct),
        "rounds": rounds,
    })
}

/// A platform with everybody's holder in memory.
struct Running {
    server: Server,
    traffic: Traffic,
    start: Start,
    in_memory_ms: f64,
    resident_kib: u64,
}

impl Running {
    /// On a journal of its own: the verifications of an earlier run would take up its room.
    async fn start(options: &Options, people: u32, setting: Setting) -> Self {
        let data = people::enrolled(&options.folder, people).await;
        let _ = std::fs::remove_dir_all(data.join("journal"));
        eprintln!("starting with {people} people");
        let server = Server::start(&data, setting).await;
        let traffic = Traffic::new(&server, people).await;
        let in_memory = server.wait_until_everybody_is_in_memory(people).await;
        Self {
            in_memory_ms: in_memory.as_secs_f64() * 1e3,
            resident_kib: server.resident_kib(),
            start: Start::of(&server).await,
            server,
            traffic,
        }
    }

    /// The best rate of direct verifications.
    async fn best_direct(&self, options: &Options) -> f64 {
        let mut best: f64 = 0.0;
        for _ in 0..options.rounds {
            let calls = self.traffic.directs(options.calls).await;
            best = best.max(run(&self.server, calls, options.connections).await.0);
        }
        best
    }
}

/// The same with a hundredth of the people.
struct Few {
    people: u32,
    resident_kib: u64,
    direct: f64,
}

async fn with_few(options: &Options) -> Few {
    let people = options.people.div_ceil(100);
    let running = Running::start(options, people, Setting::default()).await;
    let direct = running.best_direct(options).await;
    running.server.stop();
    Few {
        people,
        resident_kib: running.resident_kib,
        direct,
    }
}

fn best(rounds: &[Value], name: &str) -> f64 {
    values(rounds, name).fold(0.0, f64::max)
}

fn least(rounds: &[Value], name: &str) -> f64 {
    values(rounds, name).fold(f64::INFINITY, f64::min)
}

fn median(rounds: &[Value], name: &str) -> f64 {
    let mut values: Vec<f64> = values(rounds, name).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn values(rounds: &[Value], name: &str) -> impl Iterator<Item = f64> {
    rounds.iter().map(move |round| round[name].as_f64().unwrap())
}

/// The rates side by side, bare before and after, since the machine is never quite the same.
async fn one_round(options: &Options, Running { server, traffic, .. }: &Running) -> Value {
    let bare = || [Kind::Direct, Kind::Answer].map(|kind| bare::in_a_process(kind, options));
    let before = bare();
    let direct = run(server, traffic.directs(options.calls).await, options.connections).await;
    let answer = run(server, traffic.answers(options.calls).await, options.connections).await;
    let after = bare();
    let half_of_the_calls = traffic.directs(options.calls / 2).await;
    let half = load::evenly(server.address, half_of_the_calls, direct.0 / 2.0).await;
    let control = load::evenly(server.address, healths(options.calls / 2), direct.0 / 2.0).await;
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
        "control_p99_ms": control.percentile(0.99),
    });
    tell(&round);
    round
}

/// So many calls that want no work.
fn healths(count: usize) -> Vec<Vec<u8>> {
    vec![b"GET /healthz HTTP/1.1\r\nhost: control\r\n\r\n".to_vec(); count]
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
        "  at half that load: half of the answers within {:.2} ms, 99 of 100 within {:.2} ms, without work within {:.2} ms",
        number("p50_ms"),
        number("p99_ms"),
        number("control_p99_ms")
    );
}

/// Calls per second, and the part of the core that the server used.
async fn run(server: &Server, calls: Vec<Vec<u8>>, connections: usize) -> (f64, f64) {
    let before = server.processor_time();
    let run = load::at_once(server.address, server.tls(), calls, connections).await;
    (run.rate(), server.busy_since(before, run.elapsed))
}

const TLS: Setting = Setting {
    tls: true,
    people: 1,
    watched: false,
};

async fn with_tls(options: &Options) -> f64 {
    let running = Running::start(options, options.people, TLS).await;
    let best = running.best_direct(options).await;
    running.server.stop();
    best
}

/// How long a start took.
struct Start {
    /// From the process's beginning until it is ready.
    ready_ms: f64,
    /// From its open keystore until it answers.
    accepting_after_keys_ms: f64,
}

impl Start {
    async fn of(server: &Server) -> Self {
        Self {
            ready_ms: server.started.as_secs_f64() * 1e3,
            accepting_after_keys_ms: server.answered_after_keys().await.as_secs_f64() * 1e3,
        }
    }
}

/// A platform that nobody has called.
struct Idle {
    resident_kib: u64,
    start: Start,
}

async fn idle(folder: &Path) -> Idle {
    let data = folder.join("idle");
    let _ = std::fs::remove_dir_all(&data);
    let first = Server::start(&data, Setting::default()).await;
    first.stop();
    let server = Server::start(&data, Setting::default()).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    // Its memory before it is asked for anything.
    let resident_kib = server.resident_kib();
    let start = Start::of(&server).await;
    server.stop();
    Idle { resident_kib, start }
}
