//! What a witness remembers, loses and is told anew.

use super::*;

#[tokio::test]
async fn of_two_forks_at_once_one_is_cosigned() {
    for _ in 0..8 {
        let setting = Setting::new();
        let router = setting.router();
        let submissions: Vec<_> = (0..16)
            .map(|number| {
                let history = if number % 2 == 0 { TRUE } else { FORK };
                let body = Body::from(history.request(0, 5).to_string());
                let request = Request::post("/add-checkpoint").body(body).unwrap();
                let router = router.clone();
                tokio::spawn(async move {
                    (
                        number % 2,
                        router.oneshot(request).await.unwrap().status().as_u16(),
                    )
                })
            })
            .collect();
        let mut cosigned = Vec::new();
        for submission in submissions {
            let (history, status) = submission.await.unwrap();
            match status {
                200 => cosigned.push(history),
                status => assert_eq!(status, 409),
            }
        }
        assert_eq!(cosigned.len(), 1, "{cosigned:?}");
    }
}

#[tokio::test]
async fn a_restart_forgets_nothing() {
    let setting = Setting::new();
    setting.assert_cosigns(TRUE, 0, 5).await;
    let setting = setting.restart();
    setting.assert_conflicts(&FORK.request(0, 5), 5).await;
    setting.assert_conflicts(&FORK.request(5, 5), 5).await;
    setting.assert_cosigns(TRUE, 5, 9).await;
}

#[tokio::test]
async fn what_cannot_be_remembered_is_not_cosigned() {
    let setting = Setting::new();
    setting.assert_cosigns(TRUE, 0, 5).await;
    std::fs::remove_dir_all(setting.folder.path().join("witness")).unwrap();
    let answer = setting.add(&TRUE.request(0, 9)).await;
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (500, "application/problem+json")
    );
    assert!(!answer.body.contains('\u{2014}'));
}

#[tokio::test]
async fn a_damaged_memory_stops_the_witness() {
    let setting = Setting::new();
    setting.assert_cosigns(TRUE, 0, 5).await;
    let folder = setting.folder.path().join("witness");
    let entries = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let file = entries
        .into_iter()
        .find(|path| path.extension().is_some_and(|end| end == "checkpoint"));
    let file = file.unwrap();
    std::fs::write(&file, "").unwrap();
    assert_eq!(setting.add(&FORK.request(0, 5)).await.status, 500);
    let Setting { folder, witness } = setting;
    drop(witness);
    let logs = vec![log_key().verifier_key().clone()];
    assert_eq!(
        Witness::open(parts(folder.path(), logs)).err(),
        Some(WitnessError::Corrupt(file))
    );
}

#[test]
fn a_configuration_that_cannot_be_meant_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    Witness::begin(&folder.path().join("witness")).unwrap();
    let open = |logs| Witness::open(parts(folder.path(), logs)).err();
    let log = log_key().verifier_key().clone();
    let twice = open(vec![log.clone(), log]);
    assert_eq!(twice, Some(WitnessError::DuplicateLog(ORIGIN.into())));
    let witness = Ed25519Signer::cosigner_from_seed(ORIGIN, &[1; 32]).ok().unwrap();
    let wrong = open(vec![witness.verifier_key().clone()]);
    assert_eq!(wrong, Some(WitnessError::NotALogKey(ORIGIN.into())));
}

#[test]
fn a_key_without_a_memory_does_not_sign() {
    let folder = tempfile::tempdir().unwrap();
    let logs = vec![log_key().verifier_key().clone()];
    let list = folder.path().join("witness/cosigned.json");
    let refused = Witness::open(parts(folder.path(), logs)).err();
    assert_eq!(refused, Some(WitnessError::Lost(list)));
}

#[tokio::test]
async fn a_file_that_is_gone_stops_the_witness() {
    let setting = Setting::new();
    setting.assert_cosigns(TRUE, 0, 5).await;
    let file = setting
        .files()
        .into_keys()
        .find(|path| path.ends_with(".checkpoint"));
    let file = std::path::PathBuf::from(file.unwrap());
    std::fs::remove_file(&file).unwrap();
    assert_eq!(setting.add(&FORK.request(0, 5)).await.status, 500);
    assert!(setting.witness.check().is_err());
    let Setting { folder, witness } = setting;
    drop(witness);
    let logs = vec![log_key().verifier_key().clone()];
    assert_eq!(
        Witness::open(parts(folder.path(), logs)).err(),
        Some(WitnessError::Lost(file))
    );
}

#[tokio::test]
async fn a_logs_keys_change_and_its_history_stays() {
    let new = Ed25519Signer::from_seed(ORIGIN, &[2; 32]).ok().unwrap();
    let (old_key, new_key) = (log_key().verifier_key().clone(), new.verifier_key().clone());
    let by_new = |history: History, old, size| {
        let mut request = history.request(old, size);
        let checkpoint = Checkpoint::new(ORIGIN, size, history.root(0..size)).unwrap();
        request.checkpoint = checkpoint.sign(&new).unwrap().note().clone();
        request
    };
    let setting = Setting::new();
    setting.assert_cosigns(TRUE, 0, 5).await;
    setting.assert_refuses(&by_new(TRUE, 5, 6), 403).await;

    let setting = setting.restart_with(vec![old_key.clone(), new_key.clone()]);
    assert_eq!(setting.add(&by_new(TRUE, 5, 6)).await.status, 200);
    setting.assert_cosigns(TRUE, 6, 7).await;
    let mut both = TRUE.request(7, 8);
    let line = by_new(TRUE, 7, 8).checkpoint.signatures()[0].clone();
    both.checkpoint.add_signature(line).unwrap();
    assert_eq!(setting.add(&both).await.status, 200);
    // One wrong signature by a known key refuses the note.
    let line = by_new(TRUE, 5, 6).checkpoint.signatures()[0].clone();
    let mut wrong = TRUE.request(8, 9);
    wrong.checkpoint.add_signature(line).unwrap();
    setting.assert_refuses(&wrong, 403).await;

    let setting = setting.restart_with(vec![new_key]);
    setting.assert_refuses(&TRUE.request(8, 9), 403).await;
    setting.assert_conflicts(&by_new(FORK, 0, 8), 8).await;
    setting.assert_conflicts(&by_new(FORK, 8, 8), 8).await;
    assert_eq!(setting.add(&by_new(TRUE, 8, 9)).await.status, 200);

    // A log that is not watched for a while is remembered.
    let setting = setting.restart_with(Vec::new());
    setting.assert_refuses(&TRUE.request(9, 9), 404).await;
    let setting = setting.restart_with(vec![old_key]);
    setting.assert_conflicts(&FORK.request(0, 9), 9).await;
}

#[tokio::test]
async fn a_repetition_is_cosigned_without_a_write() {
    let setting = Setting::new();
    setting.assert_cosigns(TRUE, 0, 5).await;
    // A file that is replaced is another one.
    let number = || {
        let mut paths = setting.files().into_keys();
        let path = paths.find(|path| path.ends_with(".checkpoint")).unwrap();
        std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).unwrap())
    };
    let before = number();
    setting.assert_cosigns(TRUE, 5, 5).await;
    assert_eq!(number(), before);
    setting.assert_cosigns(TRUE, 5, 6).await;
    assert_ne!(number(), before);
}

#[tokio::test]
async fn what_failed_and_stands_all_the_same_is_neither_shown_nor_forgotten() {
    let setting = Setting::new();
    setting.assert_cosigns(TRUE, 0, 5).await;
    let path = format!("/{}/checkpoint", origin_hash(ORIGIN));
    let shown = setting.get(&path).await.body;
    // A second witness with the same key writes the file that this one's failed call would have left.
    let other = Setting::new();
    other.assert_cosigns(TRUE, 0, 9).await;
    for (name, bytes) in other
        .files()
        .into_iter()
        .filter(|(name, _)| name.ends_with(".checkpoint"))
    {
        let name = name.rsplit('/').next().unwrap();
        std::fs::write(setting.folder.path().join("witness").join(name), bytes).unwrap();
    }
    assert_eq!(setting.get(&path).await.body, shown, "not known to be durable");
    setting.assert_conflicts(&FORK.request(5, 6), 9).await;
    setting.assert_cosigns(TRUE, 9, 9).await;
    assert!(
        setting
            .get(&path)
            .await
            .body
            .starts_with(&format!("{ORIGIN}\n9\n"))
    );
}

#[tokio::test]
async fn a_repetition_is_shown_with_its_own_time() {
    let folder = tempfile::tempdir().unwrap();
    Witness::begin(&folder.path().join("witness")).unwrap();
    let clock = Arc::new(ManualClock::new(UnixTime(NOW)));
    let mut parts = parts(folder.path(), vec![log_key().verifier_key().clone()]);
    parts.clock = Arc::clone(&clock) as _;
    let setting = Setting {
        witness: Witness::open(parts).unwrap(),
        folder,
    };
    setting.assert_cosigns(TRUE, 0, 5).await;
    clock.advance(60);
    assert_eq!(setting.add(&TRUE.request(5, 5)).await.status, 200);
    let shown = setting.witness.checkpoint(&origin_hash(ORIGIN)).unwrap();
    let shown = SignedNote::parse(shown.as_bytes()).unwrap();
    let cosigned = cosignature::verify(&shown, setting.witness.verifier_key()).unwrap();
    assert_eq!(cosigned.unwrap().timestamp, NOW + 60);
}
