//! docs/runbooks/compromised-log-key.md

use cyberid_client::ledger::{LedgerReader, LedgerRefused, Tree};
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_protocol::warrant::Anchors;
use cyberid_tlog::policy::Policy;
use cyberid_tlog::tile::{TileKind, TilePath, decode_bundle};
use journeys::Part;
use serde_json::Value;

use crate::scene::{Scene, accepts, fails, origin, policy_of, run};

const SUCCESSOR: &str = "sandbox.cyberid.example/ledger-2";

/// The command of the runbook, on the platform's own data.
fn succeed(scene: &Scene, ending: &str, successor: &str) -> Vec<String> {
    let data = scene.split.data(Part::Platform).display().to_string();
    let secret = scene.split.passphrase_file(Part::Platform).display().to_string();
    [
        "ledger",
        "succeed",
        "--data",
        &data,
        "--passphrase-file",
        &secret,
        "--ending",
        ending,
        "--successor",
        successor,
        "--json",
    ]
    .map(String::from)
    .into()
}

fn words(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

/// The leaf at this place, as the regulator reads it.
async fn leaf(scene: &Scene, index: u64) -> Leaf {
    let width = u16::try_from(index % 256 + 1).unwrap();
    let path = TilePath::new(TileKind::Entries, index / 256, width).unwrap();
    let regulator = scene.split.platform().regulator();
    let bundle = regulator.get_bytes(&format!("/ledger/{path}")).await.unwrap();
    let entries = decode_bundle(&bundle, width).unwrap();
    Leaf::from_text(str::from_utf8(entries.last().unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn a_log_whose_key_was_stolen_ends_and_another_takes_its_place() {
    let mut scene = Scene::set(2).await;
    let (old, witness) = (
        scene.split.ledger_vkey().to_owned(),
        scene.split.witness_vkey().to_owned(),
    );
    let witness_url = scene.split.url(Part::Witness);
    scene.redeems(0).await;
    let before = scene.published(&old).await;
    let shown_before = reader(&scene, &old, &policy_of(&old, &witness), Tree::default())
        .advance()
        .await;
    let seen = shown_before.unwrap();

    // 1. The platform stops; the log ends, and its successor is made.
    scene.split.stop(Part::Platform).await;
    // The witness has seen the halt as well, or the command says so: here it may not have.
    let mut arguments = succeed(&scene, &origin(&old), SUCCESSOR);
    arguments.push("--uncosigned".into());
    let made: Value = run(&words(&arguments));
    let new = made["vkey"].as_str().unwrap().to_owned();
    let ended = made["ended"]["size"].as_u64().unwrap();
    assert!(ended >= before.size());
    assert_eq!(made["origin"], SUCCESSOR);
    let again = succeed(&scene, &origin(&old), SUCCESSOR);
    assert!(fails(&words(&again)).contains("ledger"), "it is done once");

    // The old name with the new key is nobody's log.
    assert!(
        !scene.split.try_restart(Part::Platform).await,
        "it signs the old log"
    );

    // 2. A witness knows the new log.
    let (anew, old_policy) = (
        scene.new_witness("w2.example", &[&new]),
        policy_of(&old, &witness),
    );
    let process = anew.start().await;
    let new_policy = policy_of(&new, &anew.vkey);
    // 3. Each key holder pins the new key, by its own decision.
    for part in [Part::Custodian, Part::Vault] {
        scene
            .reconfigure(part, &[(&old, &new), (&witness, &anew.vkey)])
            .await;
    }
    // 4. The platform goes on under the new name.
    let renamed = format!("origin = \"{SUCCESSOR}\"");
    let name = format!("origin = \"{}\"", origin(&old));
    scene.edit(
        Part::Platform,
        &[
            (&name, &renamed),
            (&witness, &anew.vkey),
            (&witness_url, &anew.url),
        ],
    );
    scene.split.restart(Part::Platform).await;
    scene.redeems(1).await;

    // The first leaf of its own commits to the log that ended.
    let first = leaf(&scene, ended).await;
    let committed = first.ended.unwrap();
    assert_eq!(
        (first.kind, first.role.as_deref()),
        (LeafKind::KeyRotated, Some("ledger"))
    );
    assert_eq!((committed.vkey.as_str(), committed.size), (old.as_str(), ended));

    // 5. Whoever pinned the old key refuses the new log until told, and then holds it to what was seen before.
    let untold = reader(&scene, &old, &old_policy, seen).advance().await;
    assert_eq!(untold, Err(LedgerRefused::Checkpoint));
    let told = reader(&scene, &new, &new_policy, seen).advance().await.unwrap();
    assert!(told.size > seen.size);
    let another = Tree {
        root: cyberid_tlog::hash::leaf_hash(b"another history"),
        ..seen
    };
    let forked = reader(&scene, &new, &new_policy, another).advance().await;
    assert!(matches!(forked, Err(LedgerRefused::Forked { .. })), "{forked:?}");
    assert!(
        accepts(&old_policy, &before),
        "old receipts stay good under the old pins"
    );
    assert!(!accepts(&new_policy, &before));
    assert!(process.stop().await);
}

fn reader(scene: &Scene, log: &str, policy: &str, last: Tree) -> LedgerReader {
    let anchors = Anchors {
        issuer: scene.split.url(Part::Platform),
        ledger: log.parse().unwrap(),
        policy: Policy::parse(policy.as_bytes()).unwrap(),
    };
    let url = format!("{}/ledger", scene.split.url(Part::Platform));
    LedgerReader::new(cyberid_client::Client::new(&url).unwrap(), &anchors, last)
}
