use cyberid_crypto::SigningKey;
use cyberid_crypto::jws;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::event::{CONSENT_WITHDRAWN, Concluded, VERIFICATION_CONCLUDED, VerificationConcluded};
use cyberid_protocol::message::Message as _;
use serde_json::json;

use super::*;
use crate::platform_double::{NOW, PlatformDouble};
use crate::testing::{client_id, met, other_client};

fn withdrawn() -> ConsentWithdrawn {
    ConsentWithdrawn {
        consent: "con_AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
        release: "rel_AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
        erase_by: NOW.plus(100),
    }
}

fn concluded() -> Event {
    Event::VerificationConcluded(VerificationConcluded {
        id: "ver_AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
        status: Concluded::Passed,
    })
}

fn event(double: &PlatformDouble) -> Any {
    let one = (
        CONSENT_WITHDRAWN.to_owned(),
        serde_json::to_value(withdrawn()).unwrap(),
    );
    SecurityEvent {
        iss: double.issuer.clone(),
        aud: client_id(),
        iat: NOW,
        jti: Nonce::random(&SystemRng),
        events: BTreeMap::from([one]),
    }
}

/// Where an event comes in.
#[derive(Clone, Copy)]
enum Door {
    Feed,
    Push,
}

async fn taken(door: Door, sign: impl FnOnce(&PlatformDouble) -> String) -> Result<(), EventRefused> {
    let (double, party) = met().await;
    let compact = sign(&double);
    match door {
        Door::Push => party.receive(&compact).await.map(|received| {
            assert!(matches!(received, Received::First(_)));
        }),
        Door::Feed => {
            let good = double.sign("event", &event(&double));
            double.script_json("GET /v1/events", &json!({"events": [good, compact], "next": 9}));
            match party.events(7).await {
                Ok(events) => {
                    let call = &double.received("GET /v1/events")[0].line;
                    assert_eq!(call, "GET /v1/events?after=7");
                    assert_eq!(
                        (events.withdrawn, events.next),
                        (vec![withdrawn(), withdrawn()], 9)
                    );
                    Ok(())
                }
                Err(RelyingPartyError::Event(refused)) => Err(refused),
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[tokio::test]
async fn every_wrong_event_is_refused_for_its_reason_at_both_doors() {
    type Alter = fn(&mut Any);
    let table: [(Alter, Result<(), EventRefused>); 11] = [
        (|_| {}, Ok(())),
        (|it| it.iat = NOW.plus(60), Ok(())),
        (|it| it.iat = NOW.plus(61), Err(EventRefused::Future)),
        (
            |it| it.iss = "https://id.example".into(),
            Err(EventRefused::Issuer),
        ),
        (|it| it.iss.push('/'), Err(EventRefused::Issuer)),
        (|it| it.aud = other_client(), Err(EventRefused::Audience)),
        (|it| it.events.clear(), Err(EventRefused::UnknownType)),
        (
            |it| drop(it.events.insert("urn:x".into(), json!({}))),
            Err(EventRefused::UnknownType),
        ),
        (
            |it| it.events = BTreeMap::from([("urn:x".into(), json!({}))]),
            Err(EventRefused::UnknownType),
        ),
        (
            |it| it.events.get_mut(CONSENT_WITHDRAWN).unwrap()["more"] = 1.into(),
            Err(EventRefused::UnknownType),
        ),
        (
            |it| it.events.get_mut(CONSENT_WITHDRAWN).unwrap()["erase_by"] = "1".into(),
            Err(EventRefused::UnknownType),
        ),
    ];
    for (at, (alter, expected)) in table.into_iter().enumerate() {
        for door in [Door::Feed, Door::Push] {
            let taken = taken(door, |double| {
                let mut event = event(double);
                alter(&mut event);
                double.sign("event", &event)
            });
            assert_eq!(taken.await, expected, "at {at}");
        }
    }
}

#[tokio::test]
async fn what_the_platform_did_not_sign_as_an_event_is_refused() {
    for door in [Door::Feed, Door::Push] {
        let role = taken(door, |double| double.sign("attestation", &event(double))).await;
        assert_eq!(role, Err(MessageRefused::WrongRole.into()));
        let typ = taken(door, |double| {
            jws::sign(&double.key("event"), "cyberid-attestation+jwt", &event(double)).unwrap()
        });
        assert_eq!(typ.await, Err(MessageRefused::Jws(InvalidJws::Type).into()));
        let stranger = SigningKey::from_scalar(&[50; 32]).unwrap();
        let strange = taken(door, |double| event(double).sign(&stranger).unwrap()).await;
        assert_eq!(strange, Err(MessageRefused::UnknownKey.into()));
    }
}

#[tokio::test]
async fn a_pushed_event_is_fresh_and_one_of_the_feed_may_be_old() {
    let oldest = PUSHED_FOR + SKEW;
    let aged = |age| {
        move |double: &PlatformDouble| {
            let mut event = event(double);
            event.iat = NOW.minus(age);
            double.sign("event", &event)
        }
    };
    assert_eq!(taken(Door::Push, aged(oldest)).await, Ok(()));
    assert_eq!(
        taken(Door::Push, aged(oldest + 1)).await,
        Err(EventRefused::Stale)
    );
    assert_eq!(taken(Door::Feed, aged(oldest + 1)).await, Ok(()));
}

#[tokio::test]
async fn an_event_is_handled_once_and_comes_again_until_it_is() {
    let (double, party) = met().await;
    let compact = double.sign("event", &event(&double));
    let Ok(Received::First(pushed)) = party.receive(&compact).await else {
        panic!("first")
    };
    assert_eq!(pushed.event(), &Event::ConsentWithdrawn(withdrawn()));
    let again = party.receive(&compact).await.unwrap();
    assert!(
        matches!(again, Received::First(_)),
        "acting on it may have failed"
    );
    party.handled(pushed);
    assert_eq!(party.receive(&compact).await, Ok(Received::Again));
    let resigned = double.sign("event", &event(&double));
    assert!(
        matches!(party.receive(&resigned).await, Ok(Received::First(_))),
        "another name"
    );
}

#[tokio::test]
async fn that_a_verification_is_over_comes_by_push_alone() {
    let (double, party) = met().await;
    let mut event = event(&double);
    let Value::Object(members) = serde_json::to_value(concluded()).unwrap() else {
        panic!("an object")
    };
    event.events = members.into_iter().collect();
    assert!(event.events.contains_key(VERIFICATION_CONCLUDED));
    let compact = double.sign("event", &event);
    let Ok(Received::First(pushed)) = party.receive(&compact).await else {
        panic!("first")
    };
    assert_eq!(pushed.event(), &concluded());
    assert_eq!(party.check_event(&compact).await, Err(EventRefused::UnknownType));
}

#[test]
fn a_refusal_is_for_good_only_where_it_is() {
    let keys = MessageRefused::Keys(cyberid_client::ClientError::Unexpected { status: 502 });
    for (refused, status, err) in [
        (EventRefused::Issuer, 400, Some("invalid_issuer")),
        (EventRefused::Audience, 400, Some("invalid_audience")),
        (EventRefused::Stale, 400, Some("invalid_request")),
        (EventRefused::UnknownType, 400, Some("invalid_request")),
        (
            MessageRefused::Jws(InvalidJws::Type).into(),
            400,
            Some("invalid_request"),
        ),
        (
            MessageRefused::Jws(InvalidJws::Signature).into(),
            400,
            Some("invalid_key"),
        ),
        (MessageRefused::WrongRole.into(), 400, Some("invalid_key")),
        (MessageRefused::UnknownKey.into(), 503, None),
        (keys.into(), 503, None),
        (EventRefused::Future, 503, None),
    ] {
        let (answered, body) = refused.answer();
        assert_eq!(
            (answered, body.as_ref().map(|body| body.err.as_str())),
            (status, err),
            "{refused}"
        );
    }
}
