//! A key holder's key is exchanged while people enrol and release, and the old private half goes.

use std::time::Duration;

use journeys::{Part, SplitPlatform};
use serde_json::Value;

use crate::{reconfigure, releases_name, run_at};

/// What `cyberid shares status` says.
fn status(split: &SplitPlatform, part: Part) -> (Option<i32>, Vec<Value>) {
    let ended = run_at(split, part, &["shares", "status", "--json"]);
    (
        ended.status.code(),
        serde_json::from_slice(&ended.stdout).unwrap(),
    )
}

/// How many shares are under keys of this state.
fn under(seals: &[Value], state: &str) -> u64 {
    let of_state = seals.iter().filter(|seal| seal["state"] == state);
    of_state.map(|seal| seal["shares"].as_u64().unwrap()).sum()
}

async fn sealed_anew(split: &SplitPlatform, part: Part) {
    for _ in 0..200 {
        let (code, seals) = status(split, part);
        if under(&seals, "retained") == 0 {
            assert_eq!(code, Some(0), "{seals:?}");
            return;
        }
        assert_eq!(code, Some(3), "{seals:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the {part:?} does not finish: {:?}", status(split, part));
}

fn key_in(split: &SplitPlatform, part: Part, state: &str) -> Value {
    let role = if part == Part::Vault { "vault" } else { "custodian" };
    let keys = split.keys(part).into_iter();
    let mut keys = keys.filter(|key| key["role"] == role && key["state"] == state);
    keys.next().unwrap()
}

/// The coordinate by which a configuration names a public half.
fn x(key: &Value) -> (String, String) {
    let member = |name: &str| key["public"][name].as_str().unwrap().to_owned();
    (member("x"), member("y"))
}

async fn exchanged(part: Part) {
    let role = if part == Part::Vault { "vault" } else { "custodian" };
    let mut split = SplitPlatform::start().await;
    let (first, party) = {
        let platform = split.platform();
        (platform.citizen(0).await, platform.relying_party().await)
    };
    assert!(releases_name(&first, &party).await);
    let old = key_in(&split, part, "active");

    // While the holder is away, so that it finds the work when it starts.
    split.kill(part).await;
    let rotate = ["keys", "rotate", "--regardless", "--ahead", "0", role];
    let rotated = run_at(&split, part, &rotate);
    assert!(
        rotated.status.success(),
        "{}",
        String::from_utf8_lossy(&rotated.stderr)
    );
    let (code, seals) = status(&split, part);
    assert_eq!((code, under(&seals, "retained")), (Some(3), 5), "{seals:?}");
    let id = old["id"].as_str().unwrap();
    for too_early in [&["shares", "retire"][..], &["keys", "revoke", id]] {
        let refused = run_at(&split, part, too_early);
        assert_eq!(refused.status.code(), Some(1));
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.contains("5 shares of the"), "{said}");
    }
    split.restart(part).await;
    sealed_anew(&split, part).await;

    // Whoever has pinned the old public half goes on meanwhile, and is caught up with.
    let second = split.platform().citizen(1).await;
    assert!(releases_name(&first, &party).await && releases_name(&second, &party).await);
    sealed_anew(&split, part).await;
    let metrics = split.client(part).get_bytes("/metrics").await.unwrap();
    let metrics = String::from_utf8(metrics).unwrap();
    let done = format!("key_holder_shares_resealed_total{{holder=\"{role}\"}} 10");
    assert!(metrics.contains(&done), "{metrics}");

    // Everybody is told of the new public half; then the old private one is destroyed.
    let (new, old) = (x(&key_in(&split, part, "active")), x(&old));
    for other in [Part::Custodian, Part::Vault, Part::Platform] {
        split.stop(other).await;
        reconfigure(&split, other, &old.0, &new.0);
        reconfigure(&split, other, &old.1, &new.1);
    }
    let retired = run_at(&split, part, &["shares", "retire", "--json"]);
    assert!(
        retired.status.success(),
        "{}",
        String::from_utf8_lossy(&retired.stderr)
    );
    let retired: Vec<String> = serde_json::from_slice(&retired.stdout).unwrap();
    assert_eq!(retired, [id]);
    for other in [Part::Custodian, Part::Vault, Part::Platform] {
        split.restart(other).await;
    }
    let platform = split.platform();
    let (third, party) = (platform.citizen(2).await, platform.relying_party().await);
    for citizen in [&first, &second, &third] {
        assert!(releases_name(citizen, &party).await);
    }
    let (_, seals) = status(&split, part);
    assert_eq!(under(&seals, "active"), 15, "{seals:?}");
}

#[tokio::test]
async fn the_vaults_key_is_exchanged_while_people_enrol_and_release() {
    Box::pin(exchanged(Part::Vault)).await;
}

#[tokio::test]
async fn the_custodians_key_is_exchanged_while_people_enrol_and_release() {
    Box::pin(exchanged(Part::Custodian)).await;
}
