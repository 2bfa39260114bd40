//! Every attack of the corpus against every place that takes a token, over real sockets: none is accepted, none ends in a
//! fault of the server or in a wait without end, nobody is called because of one, and nothing is stored.
//!
//! What acceptance means is said for each place by its effect: a token is given, a person is enrolled, an answer passes.
//! Each place proves that it can see its effect: at the end it takes the unaltered message.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that cannot go on must stop, and the counts are for people"
)]

mod findings;
mod loot;
mod mirror;
mod outbound;
mod place;
mod places;
mod scene;
mod sink;
mod wire;

use std::rc::Rc;
use std::time::Instant;

use journeys::attacks::{self, Attack, Loot};
use tokio::task::LocalSet;

use findings::Findings;
use outbound::Watch;
use place::{Good, Place};
use scene::Scene;
use sink::Sink;

#[tokio::test]
async fn no_place_takes_any_attack() {
    Box::pin(LocalSet::new().run_until(attack_everything())).await;
}

async fn attack_everything() {
    let sink = Sink::listen().await;
    let scene = Rc::new(Box::pin(Scene::set(sink.address())).await);
    let watch = Watch::begin(&scene);
    let before = scene.inventory().await;
    let (tokens, seals) = (places::of_tokens(&scene).await, places::of_seals(&scene).await);
    let (on_tokens, on_seals) = (Rc::new(attacks::on_tokens()), Rc::new(attacks::on_seals()));
    eprintln!(
        "{} attacks on {} places of signed messages, {} on {} places of sealed ones",
        on_tokens.len(),
        tokens.len(),
        on_seals.len(),
        seals.len()
    );
    let mut work = Vec::new();
    for place in &tokens {
        work.push(tokio::task::spawn_local(attacked(
            place.clone(),
            on_tokens.clone(),
            scene.clone(),
        )));
    }
    for place in &seals {
        work.push(tokio::task::spawn_local(attacked(
            place.clone(),
            on_seals.clone(),
            scene.clone(),
        )));
    }
    let mut findings = Findings::default();
    for done in work {
        findings.join(done.await.unwrap());
    }
    findings.report();
    scene.is_alive().await;
    assert_eq!(scene.inventory().await, before, "what is stored");
    watch.found_nobody_called(sink.address());
    sink.was_called_by_nobody();
    let mut taken = Vec::new();
    for place in &tokens {
        taken.push(place.control().await);
    }
    for place in &seals {
        place.control().await;
    }
    let after = scene.inventory().await;
    assert_ne!(after, before, "the inventory sees what the controls did");
    for (place, taken) in tokens.iter().zip(&taken) {
        place.refuses_the_twin_of(taken).await;
    }
    assert_eq!(scene.inventory().await, after, "the twins had no effect");
    sink.control().await;
}

/// Tries every attack on one place.
async fn attacked<T: Good>(place: Rc<Place<T>>, attacks: Rc<Vec<Attack<T>>>, scene: Rc<Scene>) -> Findings {
    let mut findings = Findings::of(place.name());
    let start = Instant::now();
    for attack in attacks.iter() {
        let good = place.good().await;
        if let Some(hostile) = hostile(attack, &good, &scene.loot) {
            let lenient = place.takes_by_design(&attack.name);
            let verdict = place.present(&good, &hostile).await;
            findings.note(&attack.name, &hostile, verdict, lenient);
        }
    }
    findings.after(start.elapsed())
}

/// What the attack makes of a good message, unless that is the good message itself.
fn hostile<T: Good>(attack: &Attack<T>, good: &T, loot: &Loot) -> Option<String> {
    attack.on(good, loot).filter(|hostile| hostile != good.compact())
}
