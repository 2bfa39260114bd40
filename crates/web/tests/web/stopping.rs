//! The end of a server.

use std::time::Duration;

use cyberid_web::server::Limits;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{PATIENCE, Platform};

#[tokio::test]
async fn a_request_in_work_is_finished_and_no_other_begun() {
    let platform = Platform::start().await;
    let url = platform.url("/wait");
    let request = tokio::spawn(async move { reqwest::get(url).await.unwrap().text().await });
    platform.gate.entered.notified().await;
    platform.stop.send(()).unwrap();
    timeout(PATIENCE, async {
        while TcpStream::connect(platform.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("new connections are refused");
    assert!(!platform.serving.is_finished());
    platform.gate.open.notify_one();
    assert_eq!(request.await.unwrap().unwrap(), "open");
    timeout(PATIENCE, platform.serving)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_request_that_does_not_end_does_not_keep_the_server() {
    let platform = Platform::start_limited(Limits {
        shutdown_time: Duration::from_millis(100),
        ..Limits::default()
    })
    .await;
    let request = tokio::spawn(reqwest::get(platform.url("/wait")));
    platform.gate.entered.notified().await;
    platform.stop.send(()).unwrap();
    timeout(PATIENCE, platform.serving)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert!(request.await.unwrap().is_err());
}

#[tokio::test]
async fn an_idle_connection_does_not_keep_the_server() {
    let platform = Platform::start().await;
    let client = reqwest::Client::new();
    client.get(platform.url("/items/7")).send().await.unwrap();
    platform.stop.send(()).unwrap();
    timeout(PATIENCE, platform.serving)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}
