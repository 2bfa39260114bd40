//! The ledger's operator is hostile: it has the ledger's key, every consent that was granted, and the relying party's
//! sealed answers. It fabricates warrants and shows them to the two key holders.

use cyberid_domain::field::Field;
use journeys::{Granted, Part, identity_in};
use serde_json::json;

use crate::attacks::{Attack, Plot};
use crate::fork::Fork;
use crate::operator::{Cosigner, Operator};
use crate::warrants::{Scene, send, show};

const KEY_HOLDERS: [Part; 2] = [Part::Vault, Part::Custodian];

/// Each key holder is asked while the other one is away, so that a refusal can only be its own.
#[tokio::test]
async fn each_key_holder_refuses_every_forged_warrant_by_itself() {
    let mut scene = Scene::set(1).await;
    let (accomplice, other) = {
        let platform = scene.split.platform();
        let (accomplice, party) = (platform.citizen(1).await, platform.relying_party().await);
        let granted = Granted::by(&accomplice, &party, &[Field::Name, Field::BirthDate]).await;
        (accomplice, granted)
    };
    let operator = Operator::in_place_of(&mut scene.split).await;
    let plot = Plot {
        honest: operator
            .case(&scene.granted[0].pending.id, scene.rp_public())
            .await,
        others: operator.case(&other.pending.id, scene.rp_public()).await,
        operator: &operator,
        victim: &scene.citizen,
        accomplice: &accomplice,
    };
    let attacks = plot.attacks().await;
    let honest = operator.warrant(&plot.honest).await;

    for (asked, away) in [(Part::Vault, Part::Custodian), (Part::Custodian, Part::Vault)] {
        scene.split.stop(away).await;
        for Attack {
            what,
            reason,
            warrant,
        } in &attacks
        {
            let answer = show(&scene.split, asked, warrant).await;
            answer.assert_refused(reason, &format!("{what}, at the {asked:?}"));
        }
        scene.split.restart(away).await;
    }

    // What was forged differs from this only in the one thing.
    let opened = show(&scene.split, Part::Vault, &honest).await.opened();
    let identity = identity_in(&opened.identity, &scene.rp_key);
    let name = &scene.citizen.person.document.name;
    assert_eq!(
        identity["identity"],
        json!({ "name": name }),
        "and no more than the name"
    );

    // Another person's consent opens that person's fields, which that person agreed to.
    let others = operator.warrant(&plot.others).await;
    let opened = show(&scene.split, Part::Vault, &others).await.opened();
    let identity = identity_in(&opened.identity, &scene.rp_key);
    let person = &accomplice.person;
    assert_eq!(
        identity["identity"],
        json!({ "name": person.document.name, "birth_date": person.birth_date })
    );
}

/// The witness has seen another history of the same length, and says so instead of signing.
#[tokio::test]
async fn the_witness_does_not_cosign_a_fork() {
    let mut scene = Scene::set(1).await;
    let operator = Operator::in_place_of(&mut scene.split).await;
    let case = operator
        .case(&scene.granted[0].pending.id, scene.rp_public())
        .await;
    operator.warrant(&case).await;
    let history = operator.leaves().await;
    let (client, url) = (
        reqwest::Client::builder().no_proxy().build().unwrap(),
        scene.split.url(Part::Witness),
    );
    for (kept, grown) in [(history.len() - 1, 0), (history.len() - 2, 1)] {
        let mut leaves = history[..kept].to_vec();
        leaves.extend(vec!["{}".to_owned(); grown]);
        let other = case.with_leaf(|leaf| leaf.time = leaf.time.plus(1));
        let fork = Fork::new(&leaves, &other);
        let checkpoint = fork.checkpoint(&*operator.log, None);
        assert_eq!(fork.size(), history.len() as u64);
        let proof = fork.consistency(fork.size()).join("\n");
        let body = format!("old {}\n{proof}\n{}", fork.size(), checkpoint.note());
        let answer = client
            .post(format!("{url}/add-checkpoint"))
            .body(body)
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_client_error(), "{answer:?}");
        assert!(!answer.text().await.unwrap().contains('\u{2014}'), "no signature");
    }
}

/// Even with the witness's own key the past cannot be exchanged: each key holder remembers how far it has seen.
#[tokio::test]
async fn ledger_and_witness_together_do_not_move_a_key_holder_to_another_history() {
    let mut scene = Scene::set(2).await;
    let operator = Operator::in_place_of(&mut scene.split).await;
    let [first, second] = [0, 1].map(|index| scene.granted[index].pending.id.clone());
    let seen = operator
        .warrant(&operator.case(&first, scene.rp_public()).await)
        .await;
    show(&scene.split, Part::Vault, &seen).await.opened();
    let remembered = operator.remembered().await;
    assert_eq!(remembered[0], remembered[1]);
    assert!(remembered[0] > 0);

    let case = operator.case(&second, scene.rp_public()).await;
    let honest = operator.warrant(&case).await;
    scene.split.stop(Part::Witness).await;
    let witness = Cosigner::of(&scene.split);
    let mut rewritten = operator.leaves().await;
    rewritten[0] = rewritten[1].clone();
    let size = usize::try_from(remembered[0]).unwrap();
    for (length, code, reason) in [
        (size - 1, "warrant-refused", "ledger_forked"),
        (size, "stale-consistency", ""),
        (size - 2, "stale-consistency", ""),
    ] {
        let fork = Fork::new(&rewritten[..length], &case);
        let checkpoint = fork.checkpoint(&*operator.log, Some(&witness));
        let warrant = fork.warrant(&case, &checkpoint, remembered);
        for part in KEY_HOLDERS {
            let answer = show(&scene.split, part, &warrant).await;
            let what = format!("{length} at the {part:?}");
            assert_eq!(
                answer.problem(),
                (code.to_owned(), reason.to_owned()),
                "{what}: {answer:?}"
            );
            answer.assert_silent(&what);
        }
    }
    show(&scene.split, Part::Vault, &honest).await.opened();
}

/// A consent opens once, for one leaf: an old warrant tells what it told, to the same key, and a new leaf tells nothing.
#[tokio::test]
async fn a_used_consent_opens_for_no_other_leaf() {
    let mut scene = Scene::set(2).await;
    let party = scene.split.platform().relying_party().await;
    party.redeem(&scene.granted[0].pending).await.unwrap();
    drop(party);
    let operator = Operator::in_place_of(&mut scene.split).await;

    // A real release, which everybody has seen: the same warrant tells the same again, to the same key.
    let used = operator
        .case(&scene.granted[0].pending.id, scene.rp_public())
        .await;
    let replayed = operator
        .warrant_of_release(&scene.granted[0].pending.id, &used)
        .await;
    let opened = show(&scene.split, Part::Vault, &replayed).await.opened();
    let name = &scene.citizen.person.document.name;
    assert_eq!(
        identity_in(&opened.identity, &scene.rp_key)["identity"],
        json!({ "name": name })
    );
    let again = operator
        .warrant(&used.with_leaf(|leaf| leaf.time = leaf.time.plus(1)))
        .await;
    for part in KEY_HOLDERS {
        show(&scene.split, part, &again)
            .await
            .assert_refused("consent_used", "a second leaf");
    }

    // One that only the custodian has seen: the vault alone would open it, and cannot.
    let fresh = operator
        .case(&scene.granted[1].pending.id, scene.rp_public())
        .await;
    let first = operator.warrant(&fresh).await;
    show(&scene.split, Part::Custodian, &first).await.shares();
    let second = operator
        .warrant(&fresh.with_leaf(|leaf| leaf.time = leaf.time.plus(1)))
        .await;
    show(&scene.split, Part::Vault, &second)
        .await
        .assert_refused("consent_used", "at the custodian");
}

/// The honest warrant too opens nothing at one key holder alone.
#[tokio::test]
async fn each_key_holder_needs_the_other() {
    let mut scene = Scene::set(1).await;
    let operator = Operator::in_place_of(&mut scene.split).await;
    let case = operator
        .case(&scene.granted[0].pending.id, scene.rp_public())
        .await;
    let warrant = operator.warrant(&case).await;
    scene.split.stop(Part::Custodian).await;
    let answer = show(&scene.split, Part::Vault, &warrant).await;
    assert_eq!((answer.status, answer.problem().0.as_str()), (503, "unavailable"));
    answer.assert_silent("without the custodian");
    scene.split.restart(Part::Custodian).await;
    scene.split.stop(Part::Vault).await;

    let yielded = show(&scene.split, Part::Custodian, &warrant).await.shares();
    assert_eq!(yielded.shares.len(), 1);
    assert_eq!(yielded.shares[0].field, Field::Name);
    scene.split.restart(Part::Vault).await;
    show(&scene.split, Part::Vault, &warrant).await.opened();
}

#[tokio::test]
async fn what_is_no_warrant_opens_nothing() {
    let scene = Scene::set(0).await;
    for part in KEY_HOLDERS {
        for body in [
            json!({}),
            json!([]),
            json!("warrant"),
            json!({ "warrant": {} }),
            json!({ "warrant": null }),
        ] {
            let answer = send(&scene.split, part, &body).await;
            assert!(
                (400..500).contains(&answer.status),
                "{body} at the {part:?}: {answer:?}"
            );
            answer.assert_silent(&body.to_string());
        }
    }
}
