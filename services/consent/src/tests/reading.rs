use std::io::Read as _;
use std::time::Duration;

use cyberid_domain::id::LeafId;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::leaf::Leaf;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::release::RegistrationLeaves;
use cyberid_storage::ledger::NewLeaf;
use cyberid_tlog::receipt::TlogProof;
use flate2::read::GzDecoder;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, IF_NONE_MATCH};
use http::{HeaderMap, Method, Request, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::platform::START;
use super::{Answer, LeafKind, Platform};
use crate::reading::AT_ONCE;

const REGULATOR: &str = "regulator AAAAAAAAAAAAAAAAAAAAAA";
const BUNDLE: &str = "/ledger/tile/entries/000";
const TILE: &str = "/ledger/tile/0/000";

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

impl Platform {
    /// A platform whose log has a full tile.
    async fn with_a_full_tile() -> Self {
        let platform = Self::start().await;
        platform.append(260).await;
        platform
    }

    async fn append(&self, count: u64) {
        let leaf = |number| NewLeaf {
            id: LeafId::random(&SystemRng),
            body: Leaf::new(LeafKind::ServiceResumed, START.plus(number))
                .to_text()
                .unwrap(),
        };
        let leaves = (0..count).map(leaf).collect();
        let places = self.ledger.append_all(leaves).await.unwrap();
        self.ledger.published(places[places.len() - 1]).await.unwrap();
    }

    async fn with(&self, method: Method, path: &str, caller: &str, headers: HeaderMap) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        request.headers_mut().unwrap().extend(headers);
        if !caller.is_empty() {
            request = request.header(AUTHORIZATION, caller);
        }
        self.send(request.body(axum::body::Body::empty()).unwrap()).await
    }
}

fn taking(coding: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(ACCEPT_ENCODING, coding.parse().unwrap())])
}

#[tokio::test]
async fn entries_are_compressed_for_who_takes_it_and_are_the_same() {
    let platform = Platform::with_a_full_tile().await;
    let get = |headers| platform.with(Method::GET, BUNDLE, REGULATOR, headers);
    let plain = get(HeaderMap::new()).await;
    let refused = get(taking("gzip;q=0, identity")).await;
    for uncompressed in [&plain, &refused] {
        assert!(!uncompressed.headers.contains_key("content-encoding"));
        assert_eq!(uncompressed.bytes, plain.bytes);
        assert_eq!(
            uncompressed.headers["vary"], "accept-encoding",
            "a cache keeps both apart"
        );
    }
    let packed = get(taking("br, gzip")).await;
    assert_eq!(packed.headers["content-encoding"], "gzip");
    assert_eq!(packed.headers["vary"], "accept-encoding");
    assert_eq!(packed.headers["cache-control"], plain.headers["cache-control"]);
    assert!(
        packed.bytes.len() * 3 < plain.bytes.len(),
        "{}",
        packed.bytes.len()
    );
    let mut unpacked = Vec::new();
    GzDecoder::new(packed.bytes.as_slice())
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain.bytes);
}

/// What holds a secret, or is made of hashes, is never compressed, whatever a client takes.
#[tokio::test]
async fn nothing_else_is_compressed() {
    let platform = Platform::with_a_full_tile().await;
    let (id, consent) = platform.granted().await;
    let holder = format!("holder {}", platform.alice.jkt());
    let asked = platform.ask().await;
    for (path, caller) in [
        ("/ledger/checkpoint".to_owned(), String::new()),
        (TILE.to_owned(), String::new()),
        (format!("/v1/consents/{consent}/receipt"), holder.clone()),
        ("/v1/me/consents".to_owned(), holder),
        (format!("/v1/releases/{id}"), platform.as_rp()),
        (format!("/v1/releases/{id}/proof"), platform.as_rp()),
        ("/v1/registration-leaves".to_owned(), platform.as_rp()),
        ("/v1/events".to_owned(), platform.as_rp()),
        (format!("/v1/requests/{asked}"), String::new()),
    ] {
        let answer = platform.with(Method::GET, &path, &caller, taking("gzip")).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        assert!(!answer.headers.contains_key("content-encoding"), "{path}");
    }
}

#[tokio::test]
async fn files_are_asked_about_without_their_bytes() {
    let platform = Platform::with_a_full_tile().await;
    for (path, caller) in [("/ledger/checkpoint", ""), (TILE, ""), (BUNDLE, REGULATOR)] {
        let whole = platform.with(Method::GET, path, caller, HeaderMap::new()).await;
        let head = platform.with(Method::HEAD, path, caller, HeaderMap::new()).await;
        assert_eq!((head.status, head.bytes.len()), (StatusCode::OK, 0), "{path}");
        for name in ["content-type", "cache-control"] {
            assert_eq!(head.headers[name], whole.headers[name], "{path}");
        }
        assert_eq!(
            head.headers["content-length"],
            whole.bytes.len().to_string(),
            "{path}"
        );
    }
    let packed = platform
        .with(Method::HEAD, BUNDLE, REGULATOR, taking("gzip"))
        .await;
    assert_eq!((packed.status, packed.bytes.len()), (StatusCode::OK, 0));
}

#[tokio::test]
async fn a_checkpoint_that_a_reader_has_is_not_sent_again() {
    let platform = Platform::start().await;
    let get = |headers| platform.with(Method::GET, "/ledger/checkpoint", "", headers);
    let first = get(HeaderMap::new()).await;
    let having = || HeaderMap::from_iter([(IF_NONE_MATCH, first.headers["etag"].clone())]);
    let again = get(having()).await;
    assert_eq!((again.status, again.bytes.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(again.headers["etag"], first.headers["etag"]);
    assert_eq!(again.headers["cache-control"], first.headers["cache-control"]);
    platform.granted().await;
    let changed = get(having()).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_ne!(changed.headers["etag"], first.headers["etag"]);
}

#[tokio::test]
async fn a_crowd_of_readers_is_asked_to_come_again_and_a_release_goes_on() {
    let platform = Platform::with_a_full_tile().await;
    let places: Vec<_> = (0..AT_ONCE)
        .map(|_| platform.consent.reading.begin().unwrap())
        .collect();
    for (path, caller) in [("/ledger/checkpoint", ""), (TILE, ""), (BUNDLE, REGULATOR)] {
        let shed = platform.with(Method::GET, path, caller, HeaderMap::new()).await;
        assert_eq!(shed.problem(), ProblemType::Unavailable, "{path}");
        assert_eq!(shed.headers["retry-after"], "1");
    }
    let (id, _) = platform.granted().await;
    assert_eq!(platform.redeem(&id, None).await.status, StatusCode::OK);
    drop(places);
    let served = platform.with(Method::GET, TILE, "", HeaderMap::new()).await;
    assert_eq!(served.status, StatusCode::OK);
}

/// Clients that ask for far more than they take fill every buffer between them and the server.
async fn stuck_reader(address: std::net::SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {TILE} HTTP/1.1\r\nhost: a\r\n\r\n");
    let many = request.repeat(100);
    // Until the server reads no more, because it cannot write.
    while timeout(Duration::from_millis(300), stream.write_all(many.as_bytes()))
        .await
        .is_ok()
    {}
    stream
}

async fn fetch(address: std::net::SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {TILE} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_take_nothing_hold_up_neither_writers_nor_other_readers() {
    let platform = Platform::with_a_full_tile().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = cyberid_web::Server::default().serve(listener, platform.router(), std::future::pending());
    tokio::spawn(serving);
    let stuck = (0..8).map(|_| tokio::spawn(stuck_reader(address)));
    let mut held = Vec::new();
    for reader in stuck {
        held.push(reader.await.unwrap());
    }
    let crowd: Vec<_> = (0..200).map(|_| tokio::spawn(fetch(address))).collect();
    let writing = async {
        for _ in 0..20 {
            platform.append(1).await;
        }
        let (id, _) = platform.granted().await;
        assert_eq!(platform.redeem(&id, None).await.status, StatusCode::OK);
    };
    timeout(PATIENCE, writing).await.expect("writing goes on");
    for reader in crowd {
        let answer = timeout(PATIENCE, reader)
            .await
            .expect("readers are served")
            .unwrap();
        let served = answer.starts_with("HTTP/1.1 200") || answer.starts_with("HTTP/1.1 503");
        assert!(served, "{answer}");
    }
    assert!(fetch(address).await.starts_with("HTTP/1.1 200"));
    drop(held);
}

#[tokio::test]
async fn a_relying_party_proves_its_own_registration_and_no_others() {
    let platform = Platform::start().await;
    let list = async |caller: String| {
        let answer = platform.call(Method::GET, "/v1/registration-leaves", &caller, None);
        answer.await.json::<RegistrationLeaves>().leaves
    };
    assert_eq!(list(platform.as_rp()).await.len(), 1);
    platform.change_key(23, 0).await;
    platform.consent.pump().await.unwrap();
    let kinds = [LeafKind::RpRegistered, LeafKind::RpKeyChanged];
    for (caller, rp, expected) in [
        (platform.as_rp(), &platform.rp, &kinds[..]),
        (platform.as_other_rp(), &platform.other_rp, &kinds[..1]),
    ] {
        let (mut of, mut checkpoints) = (Vec::new(), std::collections::BTreeSet::new());
        for proved in list(caller).await {
            let leaf = Leaf::from_text(&proved.leaf).unwrap();
            assert_eq!(leaf.rp.as_ref(), Some(rp));
            let proof = TlogProof::parse(proved.proof.as_bytes()).unwrap();
            let anchors = &platform.anchors;
            let entry = proof.verify(proved.leaf.as_bytes(), &anchors.ledger, &anchors.policy);
            checkpoints.insert(entry.unwrap().checkpoint().size());
            of.push(leaf.kind);
        }
        assert_eq!(of, expected);
        assert_eq!(checkpoints.len(), 1, "the witnesses are waited for once");
    }
}
