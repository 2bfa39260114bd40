//! The end of a connection that somebody asked for, after the answers that are under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::header::CONNECTION;
use http::{HeaderValue, Response, Version};
use tokio::sync::Notify;

/// By it a request ends its connection once it is answered: handlers find it among the request's extensions.
#[derive(Debug, Default, Clone)]
pub struct Farewell(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    said: AtomicBool,
    told: Notify,
}

impl Farewell {
    /// Nothing comes after the answers under way.
    pub fn say(&self) {
        self.0.said.store(true, Ordering::Relaxed);
        self.0.told.notify_one();
    }

    /// Completes once it was said.
    pub(super) async fn said(&self) {
        self.0.told.notified().await;
    }

    /// Tells the client with the answer, where the protocol has words for it (RFC 9112, section 9.6): it then asks nothing
    /// more on this connection. HTTP/2 says it by a frame of its own.
    pub(super) fn told_with<B>(&self, version: Version, mut answer: Response<B>) -> Response<B> {
        if self.0.said.load(Ordering::Relaxed) && version < Version::HTTP_2 {
            answer
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }
}
