//! What [`Events`] and [`Pushes`] promise, of events that came with a step of a release.

use std::sync::Arc;

use cyberid_domain::UnixTime;
use cyberid_domain::id::ClientId;
use cyberid_domain::release::ReleaseStatus;

use super::sample;
use crate::event::{Events, NewEvent, Push, Pushes};
use crate::release::{Releases, Step, Stepped};

/// Asks every sentence of the contract.
pub async fn all<S: Events + Pushes + Releases>(make: impl AsyncFn() -> Arc<S>) {
    events_come_in_sequence_to_the_one_they_are_for(&make().await).await;
    a_step_that_is_not_taken_tells_nothing(&make().await).await;
    what_is_told_is_to_be_pushed_until_it_is_settled(&make().await).await;
    what_is_postponed_is_not_due_until_then(&make().await).await;
}

async fn tell<S: Releases>(
    store: &Arc<S>,
    client_id: &ClientId,
    token: &str,
    from: ReleaseStatus,
) -> Stepped {
    let release = sample::release();
    store.request(&release).await.unwrap();
    let event = NewEvent {
        client_id: client_id.clone(),
        token: token.into(),
    };
    let step = Step {
        id: &release.id,
        from,
        to: ReleaseStatus::Declined,
        leaf: None,
        event: Some(&event),
        uses: None,
    };
    store.step(&step).await.unwrap()
}

async fn events_come_in_sequence_to_the_one_they_are_for<S: Events + Releases>(store: &Arc<S>) {
    let (one, other) = (sample::client(), sample::client());
    for (client, token) in [(&one, "a"), (&other, "b"), (&one, "c"), (&one, "d")] {
        let told = tell(store, client, token, ReleaseStatus::Requested).await;
        assert_eq!(told, Stepped::Now);
    }
    let events = store.events_after(&one, 0, 10).await.unwrap();
    let tokens: Vec<&str> = events.iter().map(|(_, token)| token.as_str()).collect();
    assert_eq!(tokens, ["a", "c", "d"]);
    assert!(events.is_sorted_by(|earlier, later| earlier.0 < later.0));
    assert!(events[0].0 > 0);
    assert_eq!(
        store.events_after(&one, events[0].0, 1).await.unwrap(),
        events[1..2]
    );
    assert_eq!(store.events_after(&one, events[2].0, 10).await.unwrap(), []);
    assert_eq!(store.events_after(&one, u64::MAX, 10).await.unwrap(), []);
    assert_eq!(store.events_after(&other, 0, 10).await.unwrap().len(), 1);
}

async fn a_step_that_is_not_taken_tells_nothing<S: Events + Pushes + Releases>(store: &Arc<S>) {
    let client = sample::client();
    let told = tell(store, &client, "a", ReleaseStatus::Granted).await;
    assert_eq!(told, Stepped::Elsewhere);
    assert_eq!(store.events_after(&client, 0, 10).await.unwrap(), []);
    assert_eq!(store.pushes_due(NOW, 10).await.unwrap(), []);
}

const NOW: UnixTime = UnixTime(1_800_000_000);

async fn what_is_told_is_to_be_pushed_until_it_is_settled<S: Events + Pushes + Releases>(store: &Arc<S>) {
    let (one, other) = (sample::client(), sample::client());
    for (client, token) in [(&one, "a"), (&other, "b"), (&one, "c")] {
        tell(store, client, token, ReleaseStatus::Requested).await;
    }
    let due = async || {
        let mut due = store.pushes_due(NOW, 10).await.unwrap();
        due.sort_by(|a, b| a.client_id.cmp(&b.client_id));
        due
    };
    let push = |client: &ClientId, settled| Push {
        client_id: client.clone(),
        settled,
        failures: 0,
    };
    let mut both = [push(&one, 0), push(&other, 0)];
    both.sort_by(|a, b| a.client_id.cmp(&b.client_id));
    assert_eq!(due().await, both);
    assert_eq!(store.pushes_due(NOW, 1).await.unwrap().len(), 1);
    let events = store.events_after(&one, 0, 10).await.unwrap();
    let [(first, _), (last, _)] = events[..] else {
        panic!("two events")
    };
    store.settle_push(&other, last).await.unwrap();
    store.settle_push(&one, first).await.unwrap();
    assert_eq!(due().await, [push(&one, first)]);
    store.settle_push(&one, last).await.unwrap();
    store.settle_push(&one, first).await.unwrap();
    assert_eq!(due().await, [], "what is settled stays so");
    tell(store, &one, "d", ReleaseStatus::Requested).await;
    assert_eq!(due().await, [push(&one, last)]);
}

async fn what_is_postponed_is_not_due_until_then<S: Events + Pushes + Releases>(store: &Arc<S>) {
    let (early, late) = (sample::client(), sample::client());
    for client in [&late, &early] {
        tell(store, client, "a", ReleaseStatus::Requested).await;
    }
    store.postpone_push(&late, 7, NOW.plus(2)).await.unwrap();
    store.postpone_push(&early, 1, NOW.plus(1)).await.unwrap();
    assert_eq!(store.pushes_due(NOW, 10).await.unwrap(), []);
    let due = store.pushes_due(NOW.plus(2), 10).await.unwrap();
    let due: Vec<_> = due
        .into_iter()
        .map(|push| (push.client_id, push.failures))
        .collect();
    assert_eq!(due, [(early, 1), (late.clone(), 7)], "the longest due first");
    let settled = store.events_after(&late, 0, 1).await.unwrap()[0].0;
    store.settle_push(&late, settled).await.unwrap();
    tell(store, &late, "b", ReleaseStatus::Requested).await;
    let due = store.pushes_due(NOW, 10).await.unwrap();
    let push = Push {
        client_id: late,
        settled,
        failures: 0,
    };
    assert_eq!(due, [push], "a delivery ends the waiting");
}
