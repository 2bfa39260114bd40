//! A platform that is told to stop finishes what it had begun, and leaves its stores whole.

use journeys::TestPlatform;

/// Everything is in the databases themselves, so that a copy of them is a copy of everything.
#[tokio::test]
async fn a_clean_stop_leaves_nothing_in_a_write_ahead_log() {
    let platform = TestPlatform::start().await;
    platform.citizen(0).await;
    let folder = platform.stopped().await;
    let names = std::fs::read_dir(folder.path()).unwrap();
    let names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(names.iter().any(|name| name == "registry.db"), "{names:?}");
    assert!(names.iter().all(|name| !name.ends_with("-wal")), "{names:?}");
}
