//! docs/runbooks/lost-witness.md

use cyberid_protocol::problem::ProblemType;
use journeys::Part;
use serde_json::Value;

use crate::scene::{Scene, accepts, fails, lose, policy_of, run};

#[tokio::test]
async fn a_lost_witness_is_replaced_and_what_it_cosigned_stays_good() {
    let mut scene = Scene::set(3).await;
    let (log, lost) = (
        scene.split.ledger_vkey().to_owned(),
        scene.split.witness_vkey().to_owned(),
    );
    let old_url = scene.split.url(Part::Witness);
    let party = Party::adopted(&scene);
    scene.redeems(0).await;
    let before = scene.published(&log).await;
    assert!(accepts(&policy_of(&log, &lost), &before));

    // What it remembers is gone: its key does not sign again.
    scene.split.stop(Part::Witness).await;
    lose(&scene.split.data(Part::Witness).join("logs"));
    assert!(
        !scene.split.try_restart(Part::Witness).await,
        "it forgot and signs"
    );
    let said = scene.split.log(Part::Witness);
    assert!(said.contains("its key must not sign again"), "{said}");
    assert_eq!(scene.refused(1).await, Some(ProblemType::WitnessUnavailable));

    // 1. A new witness, with a new key.
    let new = scene.new_witness("again.witness.example", &[&log]);
    let mut process = Some(new.start().await);
    // 2. The key holders, each by its own decision.
    for part in [Part::Custodian, Part::Vault] {
        scene.reconfigure(part, &[(&lost, &new.vkey)]).await;
    }
    // 3. The platform.
    scene
        .reconfigure(Part::Platform, &[(&lost, &new.vkey), (&old_url, &new.url)])
        .await;

    // What was granted before is redeemed now; what somebody tried in between was cut off by the restart, and says so.
    scene.redeems(2).await;
    assert_eq!(scene.refused(1).await, Some(ProblemType::AlreadyRedeemed));
    let after = scene.published(&log).await;
    assert!(after.size() > before.size());
    assert!(accepts(&policy_of(&log, &new.vkey), &after));
    assert!(
        !accepts(&policy_of(&log, &lost), &after),
        "an old pin is changed by its owner"
    );
    assert!(
        accepts(&policy_of(&log, &lost), &before),
        "what it cosigned stays good"
    );
    // 4. A relying party changes its pin, to what it was given and the platform says too.
    let wrong = scene
        .file("wrong.txt", &policy_of(&log, &lost))
        .display()
        .to_string();
    assert!(fails(&party.repin(&log, &wrong)).contains("another witness policy"));
    let text = published_policy(&scene).await;
    assert!(text.contains(&new.vkey), "{text}");
    let notice = scene.file("notice.txt", &text).display().to_string();
    assert_eq!(run(&party.repin(&log, &notice))["vkey"], Value::from(log.clone()));
    assert!(process.take().unwrap().stop().await);
}

/// A relying party at its command line.
struct Party {
    home: String,
}

impl Party {
    fn adopted(scene: &Scene) -> Self {
        let home = scene.folder.path().join("rp").display().to_string();
        let url = scene.split.url(Part::Platform);
        run(&[
            "rp",
            "adopt",
            "--sandbox",
            "--server",
            &url,
            "--home",
            &home,
            "--json",
        ]);
        Self { home }
    }

    fn repin<'a>(&'a self, vkey: &'a str, policy: &'a str) -> [&'a str; 9] {
        let home = self.home.as_str();
        [
            "rp",
            "repin",
            "--home",
            home,
            "--vkey",
            vkey,
            "--policy-file",
            policy,
            "--json",
        ]
    }
}

/// The policy as the platform publishes it.
async fn published_policy(scene: &Scene) -> String {
    let said: Value = scene
        .split
        .client(Part::Platform)
        .get("/.well-known/cyberid")
        .await
        .unwrap();
    said["ledger"]["policy"].as_str().unwrap().to_owned()
}

/// A witness that only was away goes on where it was.
#[tokio::test]
async fn a_witness_that_comes_back_needs_nobody() {
    let mut scene = Scene::set(1).await;
    scene.split.kill(Part::Witness).await;
    assert_eq!(scene.refused(0).await, Some(ProblemType::WitnessUnavailable));
    scene.split.restart(Part::Witness).await;
    scene.redeems(0).await;
}
