//! The feed on its way: at least once, in order, until it arrives.

use std::time::Duration;

use cyberid_domain::clock::{Clock as _, DAY};
use cyberid_domain::relying_party::RegistrationStatus;
use cyberid_storage::event::{Events as _, Pushes as _};
use serde_json::json;

use crate::receiver::{Manner, claims};
use crate::stage::{ISSUER, NOW, Stage};

#[tokio::test]
async fn what_happens_is_delivered_once_and_in_order() {
    let stage = Stage::set().await;
    let receiver = stage.receiver().await;
    let party = stage.party(&receiver).await;
    let happened = stage.happen_thrice(&party).await;
    let push = stage.push();
    push.pass().await;
    assert_eq!(receiver.names(), happened);
    let feed = stage.db.events_after(&party, 0, 10).await.unwrap();
    let feed: Vec<_> = feed.into_iter().map(|(_, token)| token).collect();
    assert_eq!(receiver.received(), feed, "the very tokens of the feed");
    push.pass().await;
    assert_eq!(receiver.names().len(), 3, "what was accepted is not sent again");
    assert_eq!(receiver.most_at_once(), 1);
}

#[tokio::test]
async fn a_long_feed_is_delivered_whole() {
    let stage = Stage::set().await;
    let receiver = stage.receiver().await;
    let party = stage.party(&receiver).await;
    let mut happened = Vec::new();
    for _ in 0..45 {
        happened.push(stage.happen(&party).await);
    }
    stage.push().pass().await;
    assert_eq!(receiver.names(), happened);
}

#[tokio::test]
async fn a_receiver_that_fails_is_tried_again_later_and_later_with_the_same_token() {
    let stage = Stage::set().await;
    let receiver = stage.receiver().await;
    let party = stage.party(&receiver).await;
    let [first, second, third] = stage.happen_thrice(&party).await;
    let push = stage.push();
    receiver.behave(Manner::Answer(503, String::new()));
    let mut attempts = Vec::new();
    for second in 0..120 {
        let before = receiver.received().len();
        push.pass().await;
        if receiver.received().len() > before {
            attempts.push(second);
        }
        stage.clock.advance(1);
    }
    let pauses: Vec<_> = attempts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!((4..=8).contains(&attempts.len()), "{attempts:?}");
    assert!(
        pauses[0] <= 5 && pauses.last().unwrap() > &(2 * pauses[0]),
        "{pauses:?}"
    );
    assert!(
        receiver.names().iter().all(|name| *name == first),
        "nothing overtakes the first"
    );
    let tokens = receiver.received();
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    receiver.behave(Manner::Accept);
    stage.clock.advance(3_600);
    push.pass().await;
    let names = receiver.names();
    assert_eq!(names[names.len() - 3..], [first, second, third]);
}

#[tokio::test]
async fn only_202_is_an_acceptance() {
    let stage = Stage::set().await;
    let receiver = stage.receiver().await;
    let party = stage.party(&receiver).await;
    let happened = stage.happen(&party).await;
    let push = stage.push();
    let answers = [
        (200, String::new()),
        (204, String::new()),
        (400, String::new()),
        (400, "not json".into()),
        (
            400,
            json!({"err": "invalid_request", "description": "x".repeat(8_192)}).to_string(),
        ),
        (401, json!({"err": "invalid_request"}).to_string()),
        (404, String::new()),
        (429, String::new()),
        (500, String::new()),
    ];
    for (count, (status, body)) in answers.into_iter().enumerate() {
        receiver.behave(Manner::Answer(status, body));
        push.pass().await;
        assert_eq!(receiver.names().len(), count + 1, "{status}");
        stage.clock.advance(3_600);
    }
    receiver.behave(Manner::Accept);
    push.pass().await;
    assert!(receiver.names().iter().all(|name| *name == happened));
}

#[tokio::test]
async fn a_refusal_is_final_for_its_token_and_no_other() {
    let stage = Stage::set().await;
    let receiver = stage.receiver().await;
    let party = stage.party(&receiver).await;
    let push = stage.push();
    let refusal = json!({"err": "invalid_audience", "description": "not me"}).to_string();
    receiver.behave(Manner::Answer(400, refusal));
    let refused = stage.happen(&party).await;
    push.pass().await;
    receiver.behave(Manner::Accept);
    let accepted = stage.happen(&party).await;
    push.pass().await;
    assert_eq!(
        receiver.names(),
        [refused, accepted],
        "at once, and the refused one is not sent again"
    );
}

#[tokio::test]
async fn a_receiver_that_hangs_is_left() {
    let stage = Stage::set().await;
    let receiver = stage.receiver().await;
    let party = stage.party(&receiver).await;
    let happened = stage.happen(&party).await;
    receiver.behave(Manner::Hang);
    let push = stage.push();
    tokio::time::timeout(Duration::from_secs(5), push.pass())
        .await
        .unwrap();
    assert_eq!(stage.db.pushes_due(NOW, 1).await.unwrap(), [], "postponed");
    receiver.behave(Manner::Accept);
    stage.clock.advance(5);
    push.pass().await;
    assert_eq!(receiver.names(), [happened.clone(), happened]);
}

#[tokio::test]
async fn a_dead_receiver_keeps_nobody_waiting() {
    let stage = Stage::set().await;
    let (dead, living) = (stage.receiver().await, stage.receiver().await);
    dead.behave(Manner::Hang);
    for _ in 0..12 {
        let party = stage.party(&dead).await;
        stage.happen(&party).await;
    }
    let push = stage.push_within(Duration::from_mins(1));
    let party = stage.party(&living).await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(push.run(async move {
        let _ = stopped.await;
    }));
    let happened = stage.happen(&party).await;
    living.wait_for(1).await;
    assert_eq!(
        living.names(),
        [happened],
        "while the others still wait for an answer"
    );
    dead.wait_for(12).await;
    stop.send(()).unwrap();
    running.await.unwrap();
}

#[tokio::test]
async fn after_a_restart_it_goes_on_where_it_was() {
    let stage = Stage::set().await;
    let receiver = stage.receiver().await;
    let party = stage.party(&receiver).await;
    let first = stage.happen(&party).await;
    stage.push().pass().await;
    let second = stage.happen(&party).await;
    receiver.behave(Manner::Hang);
    let push = stage.push_within(Duration::from_mins(1));
    let killed = tokio::spawn(async move { push.pass().await });
    receiver.wait_for(2).await;
    killed.abort();
    assert!(killed.await.unwrap_err().is_cancelled());
    receiver.behave(Manner::Accept);
    let db = stage.reopened().await;
    stage.push_of(&db, Duration::from_secs(1)).pass().await;
    assert_eq!(receiver.names(), [first, second.clone(), second], "at least once");
}

#[tokio::test]
async fn a_failure_is_remembered_across_a_restart() {
    let stage = Stage::set().await;
    let receiver = stage.receiver().await;
    let party = stage.party(&receiver).await;
    stage.happen(&party).await;
    receiver.behave(Manner::Answer(500, String::new()));
    for _ in 0..3 {
        stage.push().pass().await;
    }
    assert_eq!(receiver.names().len(), 1, "the next process does not begin anew");
    stage.clock.advance(5);
    assert_eq!(
        stage.db.pushes_due(stage.clock.now(), 1).await.unwrap()[0].failures,
        1
    );
}

#[tokio::test]
async fn what_is_a_week_old_is_left_to_the_feed() {
    let stage = Stage::set().await;
    let receiver = stage.receiver().await;
    let party = stage.party(&receiver).await;
    stage.happen(&party).await;
    stage.clock.advance(7 * DAY);
    let last = stage.happen(&party).await;
    stage.clock.advance(1);
    stage.push().pass().await;
    assert_eq!(receiver.names(), [last]);
    assert_eq!(stage.db.events_after(&party, 0, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn who_registered_no_address_is_not_called_and_not_looked_at_again() {
    let stage = Stage::set().await;
    let party = stage.party_at(None, RegistrationStatus::Approved).await;
    stage.happen(&party).await;
    let push = stage.push();
    push.pass().await;
    assert_eq!(stage.names.asked(), 0);
    assert_eq!(stage.db.pushes_due(NOW.plus(9_999), 1).await.unwrap(), []);
}

#[tokio::test]
async fn who_is_suspended_is_told_nothing_until_that_ends() {
    let stage = Stage::set().await;
    let receiver = stage.receiver().await;
    let uri = format!("https://isp.example:{}/events", receiver.port);
    let party = stage.party_at(Some(&uri), RegistrationStatus::Suspended).await;
    stage.happen(&party).await;
    let push = stage.push();
    push.pass().await;
    stage.clock.advance(3_600);
    push.pass().await;
    assert_eq!((stage.names.asked(), receiver.received().len()), (0, 0));
    let due = stage.db.pushes_due(NOW.plus(DAY), 1).await.unwrap();
    assert_eq!(due.len(), 1, "it waits");
}

#[tokio::test]
async fn a_token_says_whose_it_is() {
    let stage = Stage::set().await;
    let receiver = stage.receiver().await;
    let (one, other) = (stage.party(&receiver).await, stage.party(&receiver).await);
    for party in [&one, &other] {
        stage.happen(party).await;
    }
    stage.push().pass().await;
    let mut audiences: Vec<_> = receiver
        .received()
        .iter()
        .map(|token| claims(token))
        .inspect(|claims| assert_eq!(claims["iss"], ISSUER))
        .map(|claims| claims["aud"].as_str().unwrap().to_owned())
        .collect();
    let mut parties = [one.as_str().to_owned(), other.as_str().to_owned()];
    audiences.sort();
    parties.sort();
    assert_eq!(audiences, parties);
}
