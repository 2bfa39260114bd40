//! What is asked, and what is answered.

use super::*;

#[tokio::test]
async fn a_log_that_grows_is_cosigned() {
    let setting = Setting::new();
    setting.assert_cosigns(TRUE, 0, 0).await;
    setting.assert_cosigns(TRUE, 0, 5).await;
    setting.assert_cosigns(TRUE, 5, 11).await;
    setting.assert_cosigns(TRUE, 11, 12).await;
}

#[tokio::test]
async fn the_same_checkpoint_is_cosigned_again() {
    let setting = Setting::new();
    setting.assert_cosigns(TRUE, 0, 5).await;
    setting.assert_cosigns(TRUE, 5, 5).await;
    setting.assert_cosigns(TRUE, 5, 6).await;
}

#[tokio::test]
async fn a_fork_of_the_same_size_is_a_conflict() {
    let setting = Setting::new();
    setting.assert_cosigns(TRUE, 0, 5).await;
    setting.assert_conflicts(&FORK.request(5, 5), 5).await;
    setting.assert_conflicts(&FORK.request(0, 5), 5).await;
    setting.assert_cosigns(TRUE, 5, 5).await;
}

#[tokio::test]
async fn a_fork_that_grew_is_inconsistent() {
    let setting = Setting::new();
    setting.assert_cosigns(TRUE, 0, 5).await;
    setting.assert_refuses(&FORK.request(5, 9), 422).await;
    let mut unproved = TRUE.request(5, 9);
    unproved.proof = ConsistencyProof::default();
    setting.assert_refuses(&unproved, 422).await;
    let mut overproved = TRUE.request(5, 5);
    overproved.proof = TRUE.request(5, 9).proof;
    setting.assert_refuses(&overproved, 422).await;
    setting.assert_cosigns(TRUE, 5, 9).await;
}

#[tokio::test]
async fn a_log_does_not_shrink() {
    let setting = Setting::new();
    setting.assert_cosigns(TRUE, 0, 5).await;
    setting.assert_refuses(&TRUE.request(5, 3), 400).await;
    setting.assert_conflicts(&TRUE.request(3, 3), 5).await;
    setting.assert_conflicts(&TRUE.request(0, 3), 5).await;
    setting.assert_conflicts(&TRUE.request(0, 9), 5).await;
    setting.assert_conflicts(&TRUE.request(7, 9), 5).await;
}

#[tokio::test]
async fn an_unknown_log_is_not_found() {
    let setting = Setting::new();
    let stranger = Ed25519Signer::from_seed("other.example", &[1; 32]).ok().unwrap();
    let checkpoint = Checkpoint::new("other.example", 5, TRUE.root(0..5)).unwrap();
    let mut request = TRUE.request(0, 5);
    request.checkpoint = checkpoint.sign(&stranger).unwrap().note().clone();
    setting.assert_refuses(&request, 404).await;
}

#[tokio::test]
async fn a_checkpoint_that_the_log_has_not_signed_is_forbidden() {
    let setting = Setting::new();
    let mut request = TRUE.request(0, 5);
    let good = request.checkpoint.to_string();

    let stranger = Ed25519Signer::from_seed(ORIGIN, &[9; 32]).ok().unwrap();
    let checkpoint = Checkpoint::new(ORIGIN, 5, TRUE.root(0..5)).unwrap();
    request.checkpoint = checkpoint.sign(&stranger).unwrap().note().clone();
    setting.assert_refuses(&request, 403).await;

    let other_size = good.replacen("\n5\n", "\n6\n", 1);
    request.checkpoint = SignedNote::parse(other_size.as_bytes()).unwrap();
    setting.assert_refuses(&request, 403).await;
    setting.assert_cosigns(TRUE, 0, 5).await;
}

#[tokio::test]
async fn what_is_not_a_request_is_refused_as_such() {
    let setting = Setting::new();
    let good = TRUE.request(0, 5).to_string();
    let malformed: [Vec<u8>; 6] = [
        Vec::new(),
        b"\xff\xfe\n\n".to_vec(),
        good.replacen("old 0", "old 00", 1).into(),
        good.replacen("old 0", "0", 1).into(),
        good.replacen("old 0\n", "old 0\nAAAA\n", 1).into(),
        good.trim_end().into(),
    ];
    for body in malformed {
        let answer = setting.post(body).await;
        assert_eq!(
            (answer.status, answer.content_type.as_str()),
            (400, "text/plain; charset=utf-8")
        );
    }
    // Signed by the log, and still not a checkpoint.
    let mut request = TRUE.request(0, 5);
    request.checkpoint = SignedNote::sign(&format!("{ORIGIN}\nfive\n"), &log_key()).unwrap();
    setting.assert_refuses(&request, 400).await;
}

#[tokio::test]
async fn an_empty_tree_has_one_root() {
    let setting = Setting::new();
    let text = format!("{ORIGIN}\n0\n{}\n", TRUE.root(0..1).to_base64());
    let mut request = TRUE.request(0, 0);
    request.checkpoint = SignedNote::sign(&text, &log_key()).unwrap();
    setting.assert_refuses(&request, 422).await;
    setting.assert_cosigns(TRUE, 0, 0).await;
    setting.assert_cosigns(TRUE, 0, 0).await;
}

/// What was written before an error may stand or not: the next answer follows what stands, and no signature left.
#[tokio::test]
async fn the_operator_reads_what_goes_into_a_policy() {
    let setting = Setting::new();
    setting.assert_cosigns(TRUE, 0, 5).await;
    let answer = setting.get("/v1/witness").await;
    let expected = serde_json::json!({
        "name": NAME,
        "vkey": setting.witness.verifier_key().to_string(),
        "logs": [{
            "origin": ORIGIN, "vkeys": [log_key().verifier_key().to_string()], "size": 5,
            "checkpoint": format!("/{}/checkpoint", origin_hash(ORIGIN)),
        }],
    });
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&answer.body).unwrap(),
        expected
    );
}

#[tokio::test]
async fn a_monitor_reads_what_was_cosigned_last() {
    let setting = Setting::new();
    let path = format!("/{}/checkpoint", origin_hash(ORIGIN));
    assert_eq!(setting.get(&path).await.status, 404, "nothing was cosigned");
    let mut request = TRUE.request(0, 5);
    let stranger = Ed25519Signer::from_seed("stranger.example", &[4; 32])
        .ok()
        .unwrap();
    let line = SignedNote::sign("x\n", &stranger).unwrap().signatures()[0].clone();
    request.checkpoint.add_signature(line).unwrap();
    assert_eq!(setting.add(&request).await.status, 200);
    setting.add(&FORK.request(5, 9)).await;

    let answer = setting.get(&path).await;
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (200, "text/plain; charset=utf-8")
    );
    let shown = VerifiedCheckpoint::open(answer.body.as_bytes(), log_key().verifier_key()).unwrap();
    assert_eq!((shown.size(), shown.root()), (5, TRUE.root(0..5)));
    let cosigned = cosignature::verify(shown.note(), setting.witness.verifier_key()).unwrap();
    assert_eq!(cosigned.unwrap().timestamp, NOW);
    assert_eq!(shown.note().signatures().len(), 2, "and nobody else's lines");
    let upper = format!("/{}/checkpoint", origin_hash(ORIGIN).to_uppercase());
    for other in ["/x/checkpoint", &upper] {
        assert_eq!(setting.get(other).await.status, 404);
    }
    let setting = setting.restart();
    assert_eq!(setting.get(&path).await.body, answer.body);
}
