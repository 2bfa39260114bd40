//! Every attack of the corpus against every place that takes a token, over real sockets: none is accepted, none ends in a
//! fault of the server or in a wait without end, nobody is called because of one, and nothing is stored.
//!
//! What acceptance means is said for each place by its effect: a token is given, a person is enrolled, an answer passes.
//! Each place proves that it can see its effect: at the end it takes the unaltered message. By these messages it is known
//! which places there are, and that none is missing.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that cannot go on must stop, and the counts are for people"
)]

mod attackers;
mod coverage;
mod findings;
mod mirror;
mod outbound;
mod place;
mod places;
mod scene;
mod sink;
mod wire;

use std::sync::Arc;

use attackers::{Attackers, Sample};
use coverage::Coverage;
use findings::Findings;
use journeys::Suite;
use outbound::Watch;
use scene::Scene;
use sink::Sink;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_place_takes_any_attack() {
    Box::pin(attack(Suite::Nist, Sample::Every)).await;
}

/// Every attack at some of the places, and at each those that set one suite against the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_place_of_the_sm_suite_takes_any_attack() {
    Box::pin(attack(Suite::Sm, Sample::OneIn(24))).await;
}

async fn attack(suite: Suite, sample: Sample) {
    let sink = Sink::listen().await;
    let scene = Arc::new(Box::pin(Scene::set(suite, sink.address())).await);
    let mut attackers = [0, 1].map(|half| Attackers::begin(half, &scene, sample));
    let mut others = Vec::new();
    for half in &mut attackers {
        others.extend(half.collected().await);
    }
    let watch = Watch::begin(&scene);
    let before = scene.inventory().await;
    let loot = Arc::new(scene.loot(others));
    for half in &mut attackers {
        half.attack(&loot);
    }
    let mut findings = Findings::default();
    for half in &mut attackers {
        for found in half.findings().await {
            findings.join(found);
        }
    }
    findings.report(sample.least());
    scene.is_alive().await;
    assert_eq!(scene.inventory().await, before, "what is stored");
    watch.found_nobody_called(sink.address());
    sink.was_called_by_nobody();
    let mut coverage = Coverage::begin().await;
    for half in &mut attackers {
        coverage.add(half.controlled().await);
    }
    coverage.is_whole();
    let after = scene.inventory().await;
    assert_ne!(after, before, "the inventory sees what the controls did");
    let mut wrong = Vec::new();
    for half in &mut attackers {
        wrong.extend(half.wrong_twins().await);
    }
    assert!(wrong.is_empty(), "twins: {wrong:#?}");
    assert_eq!(scene.inventory().await, after, "the twins had no effect");
    sink.control().await;
}
