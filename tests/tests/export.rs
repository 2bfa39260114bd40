//! People see everything that is held about them, and what happened to them, and nobody sees it of others.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::process::{Command, Output};
use std::sync::Arc;

use cyberid_domain::clock::SystemClock;
use cyberid_domain::field::Field;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::{Exported, Holder};
use journeys::{Granted, PIN, Suite, TestPlatform, executable};
use serde_json::Value;

journeys::in_each_suite!(an_archive_holds_all_that_is_held_about_one_person_and_nothing_of_another);

fn part<'a>(exported: &'a Exported, name: &str) -> &'a str {
    exported.verified.parts.get(name).map_or("", String::as_str)
}

async fn an_archive_holds_all_that_is_held_about_one_person_and_nothing_of_another(suite: Suite) {
    let platform = TestPlatform::start_in(suite).await;
    let (citizen, other) = (platform.citizen(0).await, platform.citizen(1).await);
    let party = platform.relying_party().await;
    let granted = Granted::by(&citizen, &party, &[Field::Name]).await;
    party.redeem(&granted.pending).await.unwrap();

    let mine = citizen.holder.export().await.unwrap();
    let device = citizen.holder.public_key().thumbprint();
    let number = citizen.enrolled.network_number.compact();
    for (name, has) in [
        ("subject", number.as_str()),
        ("device", device.as_str()),
        ("consent", granted.consented.consent_id.as_str()),
        ("release", granted.pending.id.as_str()),
        ("promise", "release.delivered"),
        ("visits", "register"),
    ] {
        assert!(part(&mine, name).contains(has), "{name}: {}", part(&mine, name));
    }
    let whole = serde_json::to_string(&mine.archive).unwrap();
    let document = &citizen.person.document;
    for held_elsewhere in [&document.name, &document.number, &citizen.person.birth_date, PIN] {
        assert!(
            !whole.contains(held_elsewhere),
            "sealed, and opened by a release only"
        );
    }
    let withheld: Vec<&str> = mine
        .verified
        .manifest
        .withheld
        .iter()
        .map(|it| it.what.as_str())
        .collect();
    for what in ["subject.pin_tag", "subject.subject", "subject.person_tag"] {
        assert!(withheld.contains(&what), "{withheld:?}");
    }

    let theirs = serde_json::to_string(&other.holder.export().await.unwrap().archive).unwrap();
    for own in [
        device.as_str(),
        granted.consented.consent_id.as_str(),
        number.as_str(),
    ] {
        assert!(whole.contains(own) && !theirs.contains(own), "{own}");
    }
}

#[tokio::test]
async fn everything_that_happens_to_a_person_is_in_their_activity() {
    let platform = TestPlatform::start().await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let granted = Granted::by(&citizen, &party, &[Field::Name]).await;
    party.redeem(&granted.pending).await.unwrap();
    citizen
        .holder
        .withdraw(&granted.consented.consent_id)
        .await
        .unwrap();
    let key = platform.device_key();
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let stranger = Holder::contact(platform.client.clone(), key.signer(), clock, rng)
        .await
        .unwrap();
    assert!(stranger.enrol(&citizen.person.enrolment()).await.is_err());

    let activity = citizen.holder.activity(None, None).await.unwrap();
    assert_eq!(activity.visits.len(), 1);
    let happened = |kind: &str| activity.events.iter().filter(|event| event.kind == kind).count();
    for kind in [
        "consent.granted",
        "release.intended",
        "release.delivered",
        "consent.withdrawn",
        "enrolment_tried",
    ] {
        assert_eq!(happened(kind), 1, "{kind} of {:?}", activity.events);
    }
    assert!(activity.events.is_sorted_by(|one, next| one.time >= next.time));
    let delivered = activity
        .events
        .iter()
        .find(|event| event.kind == "release.delivered")
        .unwrap();
    assert!(delivered.rp.as_ref().unwrap().name.is_some());
    assert_eq!(delivered.fields, [Field::Name]);
}

fn cyberid(home: &std::path::Path, line: &str) -> Output {
    Command::new(executable())
        .args(line.split_whitespace())
        .env_clear()
        .env("HOME", home)
        .output()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_is_kept_and_checked_without_the_platform_at_the_command_line() {
    let platform = TestPlatform::start().await;
    let home = tempfile::tempdir().unwrap();
    let url = platform.url().to_owned();
    let enrol = format!("holder enrol --server {url} --sandbox-person 1 --pin 52719406");
    assert!(cyberid(home.path(), &enrol).status.success());
    let exported = cyberid(home.path(), "holder export --json");
    assert!(
        exported.status.success(),
        "{}",
        String::from_utf8_lossy(&exported.stderr)
    );
    let said: Value = serde_json::from_slice(&exported.stdout).unwrap();
    let file = said["file"].as_str().unwrap().to_owned();
    let activity = cyberid(home.path(), "holder activity --json");
    assert!(activity.status.success());
    platform.stopped().await;

    let verify = |file: &str| cyberid(home.path(), &format!("holder export verify {file} --json"));
    let good = verify(&file);
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
    let mut archive: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let device = archive["parts"]["device"]
        .as_str()
        .unwrap()
        .replace("bound_at", "bound_by");
    archive["parts"]["device"] = device.into();
    let forged = home.path().join("forged.json");
    std::fs::write(&forged, archive.to_string()).unwrap();
    assert_eq!(verify(&forged.display().to_string()).status.code(), Some(1));
    // Somebody else's directory knows no key that it could believe.
    let elsewhere = tempfile::tempdir().unwrap();
    let stranger = cyberid(elsewhere.path(), &format!("holder export verify {file}"));
    assert!(!stranger.status.success());
}

#[test]
fn the_same_with_the_keys_in_a_token() {
    journeys::on_a_token(&[
        "nist::an_archive_holds_all_that_is_held_about_one_person_and_nothing_of_another",
    ]);
}
