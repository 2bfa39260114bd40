//! What a holder reads of their own visits, and what nobody else can.

use cyberid_crypto::Mac;
use cyberid_domain::check::Check;
use cyberid_domain::clock::{Clock as _, DAY};
use cyberid_keystore::role::{Journal as JournalRole, RoleName, Token};
use cyberid_protocol::activity::{Activity, ActivityVisit};
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::visit;
use cyberid_storage::journal::Journal as _;

use crate::platform::{Citizen, Client, PURPOSE, Platform, START};

const PATH: &str = "/v1/me/activity";

async fn visit(platform: &Platform, rp: &Client, citizen: &Citizen, checks: &[Check]) {
    let sealed = platform.seal(&citizen.device, &platform.proof(rp, checks), None);
    assert_eq!(platform.direct(rp, &sealed).await.status, 200);
}

async fn read(platform: &Platform, citizen: &Citizen, query: &str) -> Vec<ActivityVisit> {
    let path = format!("{PATH}{query}");
    let answer = platform.get(&path, &citizen.caller()).await;
    answer.expect::<Activity>(200).visits
}

#[tokio::test]
async fn a_holder_reads_their_own_visits_and_nobody_elses() {
    let platform = Platform::start().await;
    let (rp, other_rp) = (platform.relying_party().await, platform.relying_party().await);
    let (citizen, other) = (platform.adult().await, platform.adult().await);
    visit(&platform, &rp, &citizen, &[Check::RealPerson]).await;
    platform.clock.advance(10);
    visit(&platform, &other_rp, &citizen, &[Check::AgeOver18]).await;
    let visits = read(&platform, &citizen, "").await;
    let [latest, first] = visits.as_slice() else {
        panic!("{visits:?}");
    };
    assert_eq!((first.time, latest.time), (START, START.plus(10)));
    assert_eq!(
        (&first.rp.client_id, &latest.rp.client_id),
        (&rp.id, &other_rp.id)
    );
    assert_eq!(first.rp.name.as_deref(), Some("Example Bank"));
    assert_eq!((first.purpose.as_str(), first.passed), (PURPOSE, true));
    assert_eq!(
        (&first.checks, &latest.checks),
        (&vec![Check::RealPerson], &vec![Check::AgeOver18])
    );
    assert_eq!(read(&platform, &other, "").await, []);
    assert_eq!(
        platform.get_publicly(PATH).await.problem(),
        ProblemType::Unauthenticated
    );
    assert_eq!(platform.get(PATH, &rp).await.problem(), ProblemType::Forbidden);
    // A suspended relying party is still known by its name.
    platform.act(&platform.operators[0], &rp.id, "suspend").await;
    assert_eq!(read(&platform, &citizen, "").await, visits);
}

#[tokio::test]
async fn days_are_asked_for_and_a_rotated_key_still_finds_what_it_recorded() {
    let platform = Platform::start().await;
    let (rp, citizen) = (platform.relying_party().await, platform.adult().await);
    visit(&platform, &rp, &citizen, &[Check::RealPerson]).await;
    platform.keys.rotate(RoleName::Journal).unwrap();
    platform.clock.advance(2 * DAY);
    visit(&platform, &rp, &citizen, &[Check::RealPerson]).await;
    let day = |days: u64| START.plus(days * DAY).date().to_string();
    let count = async |query: String| read(&platform, &citizen, &query).await.len();
    assert_eq!(count(String::new()).await, 2);
    for (days, visits) in [(0, 1), (1, 0), (2, 1), (3, 0)] {
        assert_eq!(count(format!("?day={}", day(days))).await, visits, "{days}");
    }
    assert_eq!(count(format!("?from={}&to={}", day(0), day(1))).await, 1);
    assert_eq!(count(format!("?from={}", day(0))).await, 2);
    assert_eq!(count(format!("?to={}", day(1))).await, 1);
    platform.clock.advance(7 * DAY);
    assert_eq!(count(String::new()).await, 0);
    for wrong in [
        "?day=x",
        "?day=",
        "?from=2026-01-01",
        "?days=7",
        "?day=2026-11-01&to=2026-11-02",
    ] {
        let path = format!("{PATH}{wrong}");
        let answer = platform.get(&path, &citizen.caller()).await;
        assert_eq!(answer.problem(), ProblemType::MalformedRequest, "{wrong}");
    }
}

/// Whoever has everything that is stored, and knows every handle, but not the journal's key.
#[tokio::test]
async fn a_stolen_store_relates_nothing_without_the_key() {
    let platform = Platform::start().await;
    let (rp, citizen) = (platform.relying_party().await, platform.adult().await);
    for _ in 0..8 {
        visit(&platform, &rp, &citizen, &[Check::RealPerson]).await;
    }
    let (key, day) = (platform.keys.mac::<JournalRole>().unwrap(), START.day_start());
    let found = async |key: &dyn Mac| {
        let mut found = vec![];
        for tag in visit::tags(key, &citizen.subject, day) {
            let sealed = platform.journal.visits(day, &tag).await.unwrap();
            found.extend(
                sealed
                    .into_iter()
                    .map(|sealed| [tag.as_slice(), &sealed].concat()),
            );
        }
        found
    };
    // With another key the tags are others.
    assert!(found(&platform.keys.mac::<Token>().unwrap()).await.is_empty());
    let rows = found(&key).await;
    assert_eq!(rows.len(), 8);
    for (number, row) in rows.iter().enumerate() {
        assert!(
            visit::open(
                &platform.keys.mac::<Token>().unwrap(),
                &citizen.subject,
                day,
                &row[16..]
            )
            .is_err()
        );
        let others = rows.iter().take(number);
        // But for the tag, which two visits of one person on one day have with chance 1/16, nothing is alike.
        for other in others {
            let alike = row[16..]
                .windows(4)
                .zip(other[16..].windows(4))
                .filter(|(one, two)| one == two);
            assert_eq!(alike.count(), 0);
        }
        for needle in [
            rp.id.as_str().as_bytes(),
            PURPOSE.as_bytes(),
            &citizen.subject.as_bytes()[..8],
        ] {
            assert!(!row.windows(needle.len()).any(|window| window == needle));
        }
    }
    assert_eq!(platform.clock.now().day_start(), day);
}
