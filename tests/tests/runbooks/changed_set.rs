//! docs/runbooks/changed-witness-set.md

use journeys::Part;

use crate::scene::{Scene, accepts, policy_of};

#[tokio::test]
async fn one_set_of_witnesses_takes_the_place_of_another_and_releases_go_on() {
    let mut scene = Scene::set(4).await;
    let (log, old) = (
        scene.split.ledger_vkey().to_owned(),
        scene.split.witness_vkey().to_owned(),
    );
    let old_url = scene.split.url(Part::Witness);

    // 1. The new witness.
    let new = scene.new_witness("new.witness.example", &[&log]);
    let process = new.start().await;

    // 2. The platform waits for the old quorum and the new one.
    let both = format!(
        "log {log}\nwitness old {old} {old_url}\nwitness new {} {}\ngroup both all old new\nquorum both\n",
        new.vkey, new.url
    );
    let path = scene.file("policy.txt", &both).display().to_string();
    let simple = format!("[[ledger.witnesses]]\nurl = \"{old_url}\"\nvkey = \"{old}\"\n");
    let by_file = format!("policy_file = \"{path}\"\n");
    scene.reconfigure(Part::Platform, &[(&simple, &by_file)]).await;
    scene.redeems(0).await;
    let published = scene.published(&log).await;
    for policy in [policy_of(&log, &old), policy_of(&log, &new.vkey), both] {
        assert!(accepts(&policy, &published), "{policy}");
    }

    // 3. The key holders, one after the other: in between, one asks for the old witness and one for the new.
    scene.reconfigure(Part::Custodian, &[(&old, &new.vkey)]).await;
    scene.redeems(1).await;
    scene.reconfigure(Part::Vault, &[(&old, &new.vkey)]).await;
    scene.redeems(2).await;

    // 4. The old witness goes.
    let alone = format!("log {log}\nwitness new {} {}\nquorum new\n", new.vkey, new.url);
    scene.file("policy.txt", &alone);
    scene.reconfigure(Part::Platform, &[]).await;
    scene.split.stop(Part::Witness).await;
    scene.redeems(3).await;
    let published = scene.published(&log).await;
    assert!(accepts(&policy_of(&log, &new.vkey), &published));
    assert!(!accepts(&policy_of(&log, &old), &published));
    assert!(process.stop().await);
}

/// A policy that nobody has to satisfy is refused at the start, by the platform and by each key holder.
#[tokio::test]
async fn nobody_starts_on_an_empty_quorum() {
    let mut scene = Scene::set(0).await;
    let (log, old) = (
        scene.split.ledger_vkey().to_owned(),
        scene.split.witness_vkey().to_owned(),
    );
    let none = format!("log {log}\nquorum none\n");
    let path = scene.file("none.txt", &none).display().to_string();
    let url = scene.split.url(Part::Witness);
    let simple = format!("[[ledger.witnesses]]\nurl = \"{url}\"\nvkey = \"{old}\"\n");
    for (part, from, to, said) in [
        (
            Part::Platform,
            simple,
            format!("policy_file = \"{path}\"\n"),
            "ledger.policy_file",
        ),
        (Part::Vault, policy_of(&log, &old), none.clone(), "anchors.policy"),
        (Part::Custodian, policy_of(&log, &old), none, "anchors.policy"),
    ] {
        scene.split.stop(part).await;
        scene.edit(part, &[(&from, &to)]);
        assert!(!scene.split.try_restart(part).await, "{part:?}");
        assert!(scene.split.log(part).contains(said), "{}", scene.split.log(part));
    }
}
