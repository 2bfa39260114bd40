//! What [`Events`] promises, of events that came with a step of a release.

use std::sync::Arc;

use cyberid_domain::id::ClientId;
use cyberid_domain::release::ReleaseStatus;

use super::sample;
use crate::event::{Events, NewEvent};
use crate::release::{Releases, Step, Stepped};

/// Asks every sentence of the contract.
pub async fn all<S: Events + Releases>(make: impl AsyncFn() -> Arc<S>) {
    events_come_in_sequence_to_the_one_they_are_for(&make().await).await;
    a_step_that_is_not_taken_tells_nothing(&make().await).await;
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

async fn a_step_that_is_not_taken_tells_nothing<S: Events + Releases>(store: &Arc<S>) {
    let client = sample::client();
    let told = tell(store, &client, "a", ReleaseStatus::Granted).await;
    assert_eq!(told, Stepped::Elsewhere);
    assert_eq!(store.events_after(&client, 0, 10).await.unwrap(), []);
}
