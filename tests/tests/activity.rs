//! People read who asked about them, and nobody reads it of others.

use journeys::{TestPlatform, verified_sub};

#[tokio::test]
async fn who_asked_about_a_person_is_read_by_that_person_alone() {
    let platform = TestPlatform::start().await;
    let (citizen, other) = (platform.citizen(0).await, platform.citizen(1).await);
    let party = platform.relying_party().await;
    verified_sub(&party, &citizen).await;
    verified_sub(&party, &citizen).await;
    let visits = citizen.holder.activity(None, None).await.unwrap().visits;
    assert_eq!(visits.len(), 2);
    for visit in visits {
        assert!(visit.passed);
        assert!(visit.rp.name.is_some());
    }
    let others = other.holder.activity(None, None).await.unwrap();
    assert_eq!((others.visits, others.events), (vec![], vec![]));
}
