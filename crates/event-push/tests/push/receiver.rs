//! A receiver of events behind TLS on loopback, under a certification authority of its own.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use cyberid_crypto::base64url;
use cyberid_web::Server;
use cyberid_web::server::{Limits, Tls};
use serde_json::Value;
use tokio::net::TcpListener;

/// The one name that the certificates are for, and others like it.
pub(crate) const HOST: &str = "isp.example";

/// An authority and a certificate of [`HOST`] and its subdomains, made by `openssl`.
pub(crate) struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    pub(crate) fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let names = format!("subjectAltName=DNS:{HOST},DNS:*.{HOST}");
        std::fs::write(folder.path().join("names"), names).unwrap();
        let new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        let request = |arguments: &[&str]| {
            let all: Vec<&str> = ["req"].iter().chain(&new_key).chain(arguments).copied().collect();
            openssl(folder.path(), &all);
        };
        request(&[
            "-x509",
            "-subj",
            "/CN=authority",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
        ]);
        request(&[
            "-subj",
            "/CN=receiver",
            "-keyout",
            "key.pem",
            "-out",
            "request.pem",
        ]);
        let sign =
            "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -out cert.pem";
        openssl(folder.path(), &sign.split(' ').collect::<Vec<_>>());
        Self { folder }
    }

    pub(crate) fn pem(&self) -> Vec<u8> {
        std::fs::read(self.folder.path().join("ca.pem")).unwrap()
    }

    fn tls(&self) -> Tls {
        let file = |name| self.folder.path().join(name);
        Tls::load(&file("cert.pem"), &file("key.pem"), None).unwrap()
    }
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let made = Command::new("openssl")
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// What a receiver does with a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Manner {
    Accept,
    Answer(u16, String),
    /// This location.
    Redirect(String),
    /// Longer than anybody waits.
    Hang,
}

/// A receiver at work.
pub(crate) struct Receiver {
    pub(crate) port: u16,
    received: Mutex<Vec<String>>,
    manner: Mutex<Manner>,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

impl Receiver {
    pub(crate) async fn start(authority: &Authority) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Arc::new(Self {
            port: listener.local_addr().unwrap().port(),
            received: Mutex::default(),
            manner: Mutex::new(Manner::Accept),
            at_once: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
        });
        let server = Server {
            limits: Limits::default(),
            tls: Some(authority.tls()),
        };
        let router = axum::Router::new()
            .route("/{*path}", any(receive))
            .with_state(Arc::clone(&receiver));
        tokio::spawn(server.serve(listener, router, std::future::pending()));
        receiver
    }

    pub(crate) fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    pub(crate) fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }

    /// The `jti` of each token, in the order of their arrival.
    pub(crate) fn names(&self) -> Vec<String> {
        self.received()
            .iter()
            .map(|token| claims(token)["jti"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Waits until this many tokens came.
    pub(crate) async fn wait_for(&self, count: usize) {
        for _ in 0..1_000 {
            if self.received().len() >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} of {count} tokens came", self.received().len());
    }

    pub(crate) fn most_at_once(&self) -> usize {
        self.most_at_once.load(Ordering::SeqCst)
    }
}

/// The claims of a token, unchecked.
pub(crate) fn claims(token: &str) -> Value {
    let payload = base64url::decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

async fn receive(
    State(receiver): State<Arc<Receiver>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let now = receiver.at_once.fetch_add(1, Ordering::SeqCst) + 1;
    receiver.most_at_once.fetch_max(now, Ordering::SeqCst);
    assert_eq!((method, uri.path()), (Method::POST, "/events"));
    assert_eq!(headers["content-type"], "application/secevent+jwt");
    let token = String::from_utf8(body.to_vec()).unwrap();
    receiver.received.lock().unwrap().push(token);
    tokio::time::sleep(Duration::from_millis(5)).await;
    let manner = receiver.manner.lock().unwrap().clone();
    receiver.at_once.fetch_sub(1, Ordering::SeqCst);
    match manner {
        Manner::Accept => StatusCode::ACCEPTED.into_response(),
        Manner::Answer(status, body) => (StatusCode::from_u16(status).unwrap(), body).into_response(),
        Manner::Redirect(to) => (StatusCode::TEMPORARY_REDIRECT, [("location", to)]).into_response(),
        Manner::Hang => std::future::pending().await,
    }
}
