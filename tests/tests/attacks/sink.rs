//! An address that attacks name, and that nobody may call.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

/// A listener that counts.
pub(crate) struct Sink {
    address: SocketAddr,
    calls: Arc<AtomicUsize>,
}

impl Sink {
    pub(crate) async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, calls) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let counted = calls.clone();
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { address, calls }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn was_called_by_nobody(&self) {
        assert_eq!(self.calls.load(Ordering::SeqCst), 0, "calls of the listener");
    }

    /// Shows that a call would have been seen.
    pub(crate) async fn control(&self) {
        drop(TcpStream::connect(self.address).await.unwrap());
        for _ in 0..100 {
            if self.calls.load(Ordering::SeqCst) == 1 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the listener does not count");
    }
}
