//! The server: connections with limits of time, size and number, TLS, and an end that finishes what was begun.
//!
//! Answers the flood: slow clients are cut off, what is too large is refused, and beyond the number of requests that
//! are worked on at once the answer is an early 503.

mod connection;
mod farewell;
mod harden;
mod received;
mod tls;

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

pub use farewell::Farewell;
pub use harden::Hardened;
pub(crate) use received::Unreceived;
pub use tls::{ClientCa, PeerCertificate, Tls, TlsError};

use connection::Engine;

/// What a client may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For the TLS handshake, for the head of each HTTP/1 request, waiting for it included, and for the goodbye.
    pub header_time: Duration,
    /// For a whole request body.
    pub body_time: Duration,
    /// For the answer, from the end of the request's head; longer than the longest poll.
    pub answer_time: Duration,
    /// For the client to take the answer, beyond `answer_time`; then the connection is cut off.
    pub taking_time: Duration,
    /// For a connection without a request in work.
    pub idle_time: Duration,
    /// For the requests in work when the server is told to stop.
    pub shutdown_time: Duration,
    /// Bytes of a request's head.
    pub header_bytes: u16,
    /// Fields in a request's head.
    pub header_count: usize,
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Requests in work at once; more are answered 503.
    pub in_flight: usize,
    /// Connections at once; more wait to be accepted.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_time: Duration::from_secs(10),
            body_time: Duration::from_secs(30),
            answer_time: Duration::from_secs(90),
            taking_time: Duration::from_secs(30),
            idle_time: Duration::from_mins(1),
            shutdown_time: Duration::from_secs(10),
            header_bytes: 32 * 1024,
            header_count: 64,
            body_bytes: 64 * 1024,
            in_flight: 1024,
            connections: 8192,
        }
    }
}

impl Limits {
    /// For one request from its head to the last byte of its answer.
    fn request_time(&self) -> Duration {
        self.answer_time + self.taking_time
    }
}

/// An HTTP/1.1 and HTTP/2 server.
#[derive(Default)]
pub struct Server {
    /// What clients may use.
    pub limits: Limits,
    /// TLS; without it the connection has to be private by other means.
    pub tls: Option<Tls>,
}

impl Server {
    /// Serves `router`, hardened, until `shutdown` completes; then finishes the requests in work.
    ///
    /// Handlers find the peer in [`axum::extract::ConnectInfo`], and its certificate in [`PeerCertificate`].
    ///
    /// # Errors
    ///
    /// None at present: a connection's failure is its own, and accepting is tried again.
    pub async fn serve(
        self,
        listener: TcpListener,
        router: Router,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let limits = self.limits;
        let engine = Arc::new(Engine::new(self, router));
        let (stop, stopping) = watch::channel(());
        let mut connections = JoinSet::new();
        let accepting = accept_all(&listener, &limits, &mut connections, |stream, peer| {
            Arc::clone(&engine).run(stream, peer, stopping.clone())
        });
        tokio::select! {
            () = accepting => {}
            () = shutdown => {}
        }
        drop(listener);
        // Nobody listens when there is no connection.
        let _ = stop.send(());
        let finishing = pin!(async { while connections.join_next().await.is_some() {} });
        if tokio::time::timeout(limits.shutdown_time, finishing)
            .await
            .is_err()
        {
            tracing::warn!("requests in work were cut off at the end of the time for shutting down");
        }
        Ok(())
    }
}

/// Accepts connections for as long as it is polled.
async fn accept_all<F: Future<Output = ()> + Send + 'static>(
    listener: &TcpListener,
    limits: &Limits,
    connections: &mut JoinSet<()>,
    run: impl Fn(TcpStream, std::net::SocketAddr) -> F,
) {
    let slots = Arc::new(Semaphore::new(limits.connections));
    while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, peer)) => {
                connections.spawn(holding(slot, run(stream, peer)));
            }
            Err(error) => {
                // Out of descriptors, most likely: some will be given back.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn holding(slot: OwnedSemaphorePermit, work: impl Future<Output = ()>) {
    work.await;
    drop(slot);
}
