//! Every state of a verification, as a relying party sees it that waits on a real socket.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cyberid_domain::age::AgeFlags;
use cyberid_domain::id::VerificationId;
use cyberid_protocol::verification::{VerificationStatus, VerificationView};
use cyberid_web::auth::Binding;
use cyberid_web::server::Server;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::holding::asking;
use crate::platform::{Client, Platform};

/// The platform behind a socket, and its address.
async fn served() -> (Arc<Platform>, String) {
    let platform = Arc::new(Platform::start().await);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = Server::default();
    tokio::spawn(server.serve(listener, platform.router(), std::future::pending()));
    (platform, address)
}

/// What `GET /v1/verifications/{id}?wait=` answers over the socket, and when it did.
fn waiting(
    platform: &Platform,
    address: &str,
    rp: &Client,
    id: &VerificationId,
    wait: u64,
) -> JoinHandle<(VerificationView, Instant)> {
    let token = platform
        .tokens
        .issue(rp.role, rp.id.as_str(), &Binding::Bare, 600)
        .unwrap();
    let head = format!(
        "GET /v1/verifications/{id}?wait={wait} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         connection: close\r\n\r\n"
    );
    let address = address.to_owned();
    tokio::spawn(async move {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        (serde_json::from_str(body).unwrap(), Instant::now())
    })
}

#[tokio::test]
async fn every_state_reaches_who_waits_for_it_as_it_comes() {
    let (platform, address) = served().await;
    let rp = platform.relying_party().await;
    let adult = platform.adult().await;
    let child = platform.citizen(AgeFlags::default()).await;
    let ask = async || platform.ask(&rp, asking(&["age_over_18"])).await;

    let pending = ask().await;
    let (view, _) = waiting(&platform, &address, &rp, &pending, 0).await.unwrap();
    assert_eq!(
        (view.status, view.attestation),
        (VerificationStatus::Pending, None)
    );
    let begun = Instant::now();
    let (view, told) = waiting(&platform, &address, &rp, &pending, 1).await.unwrap();
    assert_eq!(view.status, VerificationStatus::Pending, "the wait is over");
    assert!(told - begun >= Duration::from_secs(1));

    for (holder, status) in [
        (&adult, VerificationStatus::Passed),
        (&child, VerificationStatus::Failed),
    ] {
        let id = ask().await;
        let waiter = waiting(&platform, &address, &rp, &id, 30);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!waiter.is_finished());
        let request = platform.request(&platform.open(holder, &id).await);
        assert_eq!(platform.agree(&rp, holder, &request).await.status, 204);
        let answered = Instant::now();
        let (view, told) = waiter.await.unwrap();
        assert_eq!((view.status, view.attestation.is_some()), (status, true));
        let late = told.saturating_duration_since(answered);
        assert!(late < Duration::from_millis(700), "woken: {late:?}");
    }

    let declined = ask().await;
    let waiter = waiting(&platform, &address, &rp, &declined, 30);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(platform.decline(&adult, &declined).await.status, 204);
    let (view, _) = waiter.await.unwrap();
    assert_eq!(
        (view.status, view.attestation),
        (VerificationStatus::Declined, None)
    );

    let expired = ask().await;
    let waiter = waiting(&platform, &address, &rp, &expired, 30);
    tokio::time::sleep(Duration::from_millis(200)).await;
    platform.clock.advance(300);
    let (view, _) = waiter.await.unwrap();
    assert_eq!(
        (view.status, view.attestation),
        (VerificationStatus::Expired, None)
    );
}
