use cyberid_domain::id::LeafId;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::leaf::Leaf;

use cyberid_protocol::problem::ProblemType;
use cyberid_storage::ledger::NewLeaf;
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::hash::leaf_hash;
use cyberid_tlog::tile::decode_bundle;
use http::Method;

use super::platform::START;
use super::{Answer, LeafKind, Platform};
use crate::{request_routes, routes};

const REGULATOR: &str = "regulator AAAAAAAAAAAAAAAAAAAAAA";

impl Platform {
    async fn read(&self, path: &str, caller: &str) -> Answer {
        self.call(Method::GET, path, caller, None).await
    }
}

#[tokio::test]
async fn anybody_reads_checkpoint_and_hashes_and_only_the_regulator_the_entries() {
    let platform = Platform::start().await;
    platform.granted().await;
    let checkpoint = platform.read("/ledger/checkpoint", "").await;
    assert_eq!(checkpoint.headers["content-type"], "text/plain; charset=utf-8");
    let checkpoint = VerifiedCheckpoint::open(&checkpoint.bytes, &platform.anchors.ledger).unwrap();
    platform.anchors.policy.satisfied_by(&checkpoint).unwrap();
    let width = checkpoint.size();
    assert_eq!(width, 3, "two registrations and a consent");

    let tile = platform.read(&format!("/ledger/tile/0/000.p/{width}"), "").await;
    assert_eq!(tile.headers["content-type"], "application/octet-stream");
    assert!(
        tile.headers["cache-control"]
            .to_str()
            .unwrap()
            .starts_with("public")
    );
    assert_eq!(tile.bytes.len(), 96);

    let path = format!("/ledger/tile/entries/000.p/{width}");
    assert_eq!(
        platform.read(&path, "").await.problem(),
        ProblemType::Unauthenticated
    );
    assert_eq!(
        platform.read(&path, &platform.as_rp()).await.problem(),
        ProblemType::Forbidden
    );
    let bundle = platform.read(&path, REGULATOR).await;
    let entries = decode_bundle(&bundle.bytes, 3).unwrap();
    for (entry, hash) in entries.iter().zip(tile.bytes.chunks(32)) {
        assert_eq!(leaf_hash(entry).as_bytes().as_slice(), hash);
        Leaf::from_text(std::str::from_utf8(entry).unwrap()).unwrap();
    }
}

#[tokio::test]
async fn no_spelling_of_the_path_reaches_the_entries_without_the_regulator() {
    let platform = Platform::start().await;
    for path in [
        "/ledger/tile/entries/000.p/2",
        "/ledger/tile/entr%69es/000.p/2",
        "/ledger/tile/%65ntries/000.p/2",
        "/ledger/tile//entries/000.p/2",
        "/ledger/tile/0/../entries/000.p/2",
        "/ledger/tile/Entries/000.p/2",
        "/ledger/tile/entries%2F000.p/2",
    ] {
        let answer = platform.read(path, "").await;
        assert!(
            matches!(answer.status.as_u16(), 401 | 404),
            "{path}: {}",
            answer.status
        );
    }
}

#[tokio::test]
async fn what_is_not_published_is_not_there() {
    let platform = Platform::start().await;
    for path in [
        "0/000",
        "0/000.p/3",
        "0/001.p/1",
        "1/000.p/1",
        "0/0",
        "64/000",
        "x/000",
    ] {
        let answer = platform.read(&format!("/ledger/tile/{path}"), "").await;
        assert_eq!(answer.problem(), ProblemType::NotFound, "{path}");
    }
    let entries = platform.read("/ledger/tile/entries/000", REGULATOR).await;
    assert_eq!(entries.problem(), ProblemType::NotFound);
}

#[tokio::test]
async fn full_tiles_are_cached_for_ever() {
    let platform = Platform::start().await;
    let leaf = |number| NewLeaf {
        id: LeafId::random(&SystemRng),
        body: Leaf::new(LeafKind::ServiceResumed, START.plus(number))
            .to_text()
            .unwrap(),
    };
    let leaves = (0..260).map(leaf).collect();
    let places = platform.ledger.append_all(leaves).await.unwrap();
    platform.ledger.published(places[259]).await.unwrap();
    let full = platform.read("/ledger/tile/0/000", "").await;
    assert_eq!(full.bytes.len(), 256 * 32);
    assert!(
        full.headers["cache-control"]
            .to_str()
            .unwrap()
            .contains("immutable")
    );
    let partial = platform.read("/ledger/tile/1/000.p/1", "").await;
    assert!(
        !partial.headers["cache-control"]
            .to_str()
            .unwrap()
            .contains("immutable")
    );
}

#[test]
fn every_operation_is_documented() {
    let paths = |openapi: utoipa::openapi::OpenApi| openapi.paths.paths.len();
    assert_eq!(paths(routes().openapi()), 18);
    assert_eq!(paths(request_routes().openapi()), 2);
}
