//! To whom no call leaves, whatever was registered and whatever is answered.

use std::time::Duration;

use cyberid_domain::relying_party::RegistrationStatus;
use cyberid_event_push::{Fault, Reach, Sender, Settings};

use crate::receiver::{Authority, HOST, Manner};
use crate::stage::{NOW, Names, Stage};
use cyberid_event_push::Destination;
use cyberid_storage::event::Pushes as _;
use std::sync::Arc;
use tokio::net::TcpListener;

/// A sender of this reach, and the names that it believes.
fn sender(reach: Reach, ca: Option<Vec<u8>>) -> (Sender, Arc<Names>) {
    let names = Arc::new(Names::default());
    let settings = Settings {
        reach,
        lookup: names.clone(),
        ca,
        total: Some(Duration::from_secs(2)),
    };
    (Sender::new(settings).unwrap(), names)
}

/// Somebody on loopback who must never be called, and where that would be.
async fn bystander() -> (TcpListener, Destination) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let destination = Destination::parse(&format!("https://{HOST}:{port}/events")).unwrap();
    (listener, destination)
}

async fn was_called(listener: &TcpListener) -> bool {
    tokio::time::timeout(Duration::from_millis(50), listener.accept())
        .await
        .is_ok()
}

#[tokio::test]
async fn a_host_with_a_private_address_is_never_connected_to() {
    let (listener, destination) = bystander().await;
    let (sender, names) = sender(Reach::Public, None);
    for answer in [
        &["127.0.0.1"][..],
        &["::ffff:127.0.0.1"],
        &["::1"],
        &["0.0.0.0"],
        &["169.254.169.254"],
        &["127.0.0.1", "93.184.215.14"],
        &["93.184.215.14", "127.0.0.1"],
        &["2606:4700:4700::1111", "fd00::1"],
    ] {
        names.answer(answer);
        let sent = sender.send(&destination, "token".into()).await;
        assert!(matches!(sent, Err(Fault::Forbidden(_))), "{answer:?}: {sent:?}");
    }
    assert!(!was_called(&listener).await);
    let (reckless, names) = self::sender(Reach::Anywhere, None);
    names.answer(&["127.0.0.1"]);
    let sending = tokio::spawn(async move { reckless.send(&destination, "token".into()).await });
    assert!(was_called(&listener).await, "it would have been");
    sending.abort();
}

#[tokio::test]
async fn what_was_checked_is_what_is_connected_to() {
    let (listener, destination) = bystander().await;
    let (sender, names) = sender(Reach::Public, None);
    names.answer(&["93.184.215.14"]);
    let sending = tokio::spawn({
        let sender = sender.clone();
        async move { sender.send(&destination, "token".into()).await }
    });
    while names.asked() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    names.answer(&["127.0.0.1"]);
    let sent = tokio::time::timeout(Duration::from_secs(10), sending)
        .await
        .unwrap();
    assert!(sent.unwrap().is_err());
    assert_eq!(names.asked(), 1, "the name is looked up once a connection");
    assert!(!was_called(&listener).await);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let stage = Stage::set().await;
    let (receiver, elsewhere) = (stage.receiver().await, stage.receiver().await);
    let party = stage.party(&receiver).await;
    stage.happen(&party).await;
    let inside = format!("https://{HOST}:{}/events", elsewhere.port);
    receiver.behave(Manner::Redirect(inside));
    let push = stage.push();
    push.pass().await;
    assert_eq!((receiver.received().len(), elsewhere.received().len()), (1, 0));
    assert_eq!(stage.db.pushes_due(NOW, 1).await.unwrap(), [], "a failure");
    stage.clock.advance(5);
    push.pass().await;
    assert_eq!(receiver.received().len(), 2, "tried again");
}

#[tokio::test]
async fn a_certificate_of_a_strange_authority_or_name_is_refused() {
    let stage = Stage::set().await;
    let receiver = stage.receiver().await;
    let send = async |ca, host: &str| {
        let (sender, names) = sender(Reach::Anywhere, ca);
        names.answer(&["127.0.0.1"]);
        let destination = Destination::parse(&format!("https://{host}:{}/events", receiver.port));
        sender.send(&destination.unwrap(), "a.e30.c".into()).await
    };
    let (ours, another) = (stage.authority.pem(), Authority::make().pem());
    assert_eq!(send(None, HOST).await, Err(Fault::Unreachable));
    assert_eq!(send(Some(another), HOST).await, Err(Fault::Unreachable));
    assert_eq!(
        send(Some(ours.clone()), "other.example").await,
        Err(Fault::Unreachable)
    );
    assert_eq!(receiver.received().len(), 0);
    assert!(send(Some(ours), HOST).await.is_ok());
}

#[tokio::test]
async fn an_address_that_may_not_be_called_is_taken_for_none() {
    let stage = Stage::set().await;
    for uri in [
        "http://isp.example/events",
        "https://127.0.0.1/events",
        "https://[::1]/",
    ] {
        let party = stage.party_at(Some(uri), RegistrationStatus::Approved).await;
        stage.happen(&party).await;
    }
    stage.push().pass().await;
    assert_eq!(stage.names.asked(), 0);
}

#[tokio::test]
async fn pushing_reaches_public_hosts_alone() {
    let stage = Stage::reaching(Reach::Public).await;
    let receiver = stage.receiver().await;
    let party = stage.party(&receiver).await;
    stage.happen(&party).await;
    let push = stage.push();
    push.pass().await;
    assert_eq!(stage.names.asked(), 1);
    assert_eq!(receiver.received().len(), 0);
    assert_eq!(
        stage.db.pushes_due(NOW, 1).await.unwrap(),
        [],
        "it is tried again"
    );
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_not_used() {
    let (proxy, _) = bystander().await;
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let delivering = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "delivering::what_happens_is_delivered_once_and_in_order",
        ])
        .env("HTTPS_PROXY", &address)
        .env("ALL_PROXY", &address)
        .output();
    let delivered = delivering.await.unwrap();
    let said = String::from_utf8_lossy(&delivered.stdout);
    assert!(delivered.status.success() && said.contains("1 passed"), "{said}");
    assert!(!was_called(&proxy).await);
}
