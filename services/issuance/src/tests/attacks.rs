//! Every attack of the corpus on what the identity source signs: no answer and no notice is believed, and nothing is left.
//!
//! Here the clock is the test's, so that the circuit breaker does not keep the attacks out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cyberid_crypto::Sign;
use cyberid_domain::Clock as _;
use cyberid_domain::age::Threshold;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::happening::Happening;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::problem::ProblemType;
use http::StatusCode;
use journeys::attacks::{self, Attack, Loot, Token};

use super::applicant::Applicant;
use super::notices::notice;
use super::platform::{START, TestPlatform};
use super::source_peer::signing_key;
use crate::source_circuit::WINDOW;

/// So many attacks apply at least.
const MANY: usize = 300;

/// What somebody on the line to the source has.
fn loot(test: &TestPlatform) -> Loot {
    let died = notice(test, "somebody's number", 1, Happening::Died);
    Loot {
        own: Arc::new(signing_key()),
        keys: vec![
            test.source.signing_public_key(),
            test.source.encryption_public_key(),
        ],
        others: vec![(
            "cyberid-source-notice+jwt",
            died.sign(&*test.source.signing).unwrap(),
        )],
        sink: SocketAddr::from(([127, 0, 0, 1], 1)),
    }
}

/// The present of the corpus is that of the test.
async fn begun() -> TestPlatform {
    let test = TestPlatform::start_on_disk(Threshold::Fourteen).await;
    test.clock.advance(SystemClock.now().since(START));
    test
}

/// What an attack makes of a message that the source signed; nothing where it does not apply.
fn hostile(attack: &Attack<Token>, good: &str, key: &Arc<dyn Sign>, loot: &Loot) -> Option<String> {
    let token = Token::stolen(good.to_owned(), Arc::clone(key));
    attack.on(&token, loot).filter(|hostile| hostile != good)
}

#[tokio::test]
async fn no_attack_passes_for_an_answer_of_the_source() {
    let test = begun().await;
    let key: Arc<dyn Sign> = test.source.signing.clone();
    let (loot, tried) = (Arc::new(loot(&test)), Arc::new(AtomicUsize::new(0)));
    for attack in attacks::on_tokens() {
        let name = attack.name.clone();
        let (key, loot, tried) = (Arc::clone(&key), Arc::clone(&loot), Arc::clone(&tried));
        test.source.twist(Box::new(move |good| {
            let hostile = hostile(&attack, &good, &key, &loot);
            tried.fetch_add(usize::from(hostile.is_some()), Ordering::SeqCst);
            hostile.unwrap_or_else(|| "not one".into())
        }));
        let answer = test.enrol(&Applicant::new(1)).await;
        assert_eq!(answer.problem(), ProblemType::SourceUnavailable, "{name}");
        test.assert_nothing_left();
        test.clock.advance(WINDOW);
    }
    assert!(tried.load(Ordering::SeqCst) > MANY, "{tried:?}");
    test.source.twist(Box::new(|good| good));
    let enrolled = test.enrol(&Applicant::new(1)).await;
    assert_eq!(enrolled.status, StatusCode::CREATED, "the control");
}

#[tokio::test]
async fn no_attack_passes_for_a_notice_of_the_source() {
    let test = begun().await;
    let applicant = Applicant::new(1);
    assert_eq!(test.enrol(&applicant).await.status, StatusCode::CREATED);
    let key: Arc<dyn Sign> = test.source.signing.clone();
    let (loot, mut tried) = (loot(&test), 0);
    for attack in attacks::on_tokens() {
        let good = notice(&test, &applicant.number, 1, Happening::DocumentLost);
        let good = good.sign(&*key).unwrap();
        if let Some(hostile) = hostile(&attack, &good, &key, &loot) {
            test.source.tells(&[hostile]);
            assert!(test.issuance.take_notices().await.is_err(), "{}", attack.name);
            tried += 1;
        }
        test.clock.advance(WINDOW + 1);
    }
    assert!(tried > MANY, "{tried}");
    let good = notice(&test, &applicant.number, 1, Happening::DocumentLost);
    test.source.tells(&[good.sign(&*key).unwrap()]);
    assert_eq!(test.issuance.take_notices().await.ok(), Some(1), "the control");
}
