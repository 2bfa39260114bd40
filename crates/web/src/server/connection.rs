//! One connection: from the handshake to the last answer.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::ConnectInfo;
use axum::response::{IntoResponse, Response};
use cyberid_protocol::problem::ProblemType;
use http::Request;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::farewell::Farewell;
use super::harden::Hardened;
use super::received::receive;
use super::tls::PeerCertificate;
use super::{Limits, Server, Tls};
use crate::Failure;
use crate::scrub::Scrubbed;

/// What all connections of a server share.
pub(super) struct Engine {
    limits: Limits,
    tls: Option<Tls>,
    http: Builder<TokioExecutor>,
    router: Hardened,
    in_flight: Arc<Semaphore>,
}

/// Who is at the other end.
#[derive(Clone)]
struct Peer {
    address: SocketAddr,
    certificate: Option<PeerCertificate>,
    farewell: Farewell,
}

impl Engine {
    pub(super) fn new(Server { limits, tls }: Server, router: Router) -> Self {
        Self {
            http: http(&limits),
            router: Hardened::new(router, &limits),
            in_flight: Arc::new(Semaphore::new(limits.in_flight)),
            limits,
            tls,
        }
    }

    /// Serves one connection until either side ends it, or the server stops.
    pub(super) async fn run(
        self: Arc<Self>,
        stream: TcpStream,
        address: SocketAddr,
        stopping: watch::Receiver<()>,
    ) {
        // Without it answers are only slower.
        let _ = stream.set_nodelay(true);
        let mut peer = Peer {
            address,
            certificate: None,
            farewell: Farewell::default(),
        };
        let Some(tls) = &self.tls else {
            return self.speak(stream, peer, stopping).await;
        };
        match timeout(self.limits.header_time, tls.accept(stream)).await {
            Ok(Ok((stream, certificate))) => {
                peer.certificate = certificate;
                self.speak(stream, peer, stopping).await;
            }
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    async fn speak<I>(self: &Arc<Self>, stream: I, peer: Peer, mut stopping: watch::Receiver<()>)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (activity, farewell) = (Activity::new(), peer.farewell.clone());
        let service = service_fn(|request| {
            let (engine, peer, busy) = (Arc::clone(self), peer.clone(), activity.begin());
            async move { Ok::<_, Infallible>(engine.answer(request, peer, busy).await) }
        });
        let mut connection = pin!(self.http.serve_connection(TokioIo::new(stream), service));
        // An HTTP/2 peer decides when it takes an answer: one that never does holds nothing for ever.
        let request_time = self.limits.request_time();
        tokio::select! {
            _ = connection.as_mut() => return,
            why = activity.over(self.limits.idle_time, request_time) => match why {
                Over::Idle => {}
                Over::Stuck => return cut_off(),
            },
            () = farewell.said() => {}
            _ = stopping.changed() => {}
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            _ = connection.as_mut() => {}
            why = activity.over(self.limits.header_time, request_time) => match why {
                Over::Idle => {}
                Over::Stuck => cut_off(),
            },
        }
    }

    async fn answer(&self, mut request: Request<Incoming>, peer: Peer, busy: Busy) -> Response {
        let Ok(permit) = Arc::clone(&self.in_flight).try_acquire_owned() else {
            metrics::counter!("http_requests_shed_total").increment(1);
            return Failure::from(ProblemType::Unavailable)
                .retry_after(1)
                .into_response();
        };
        let version = request.version();
        let extensions = request.extensions_mut();
        extensions.insert(ConnectInfo(peer.address));
        extensions.insert(peer.farewell.clone());
        if let Some(certificate) = peer.certificate {
            extensions.insert(certificate);
        }
        let request = receive(request, &self.limits, &peer.farewell);
        let response = Scrubbed::new(self.router.answer(request)).await;
        // The work is done: a client that is slow to take the answer keeps nobody else from theirs.
        drop(permit);
        let response = peer.farewell.told_with(version, response);
        response.map(|body| Body::new(Held { body, _busy: busy }))
    }
}

fn http(limits: &Limits) -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1()
        // What was begun is done, whether or not its client still listens: to look for that would be a read at every request.
        // HTTP/2 tells by a frame, and its reset drops the work.
        .half_close(true)
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_headers(limits.header_count)
        .max_buf_size(usize::from(limits.header_bytes).max(8192));
    http.http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::from(limits.header_bytes))
        .max_concurrent_streams(32)
        .keep_alive_interval(limits.header_time)
        .keep_alive_timeout(limits.header_time);
    http
}

fn cut_off() {
    metrics::counter!("http_connections_cut_off_total").increment(1);
    tracing::debug!("a client did not take its answer in time");
}

/// The requests of a connection that are in work. Beginning and ending one wakes nobody: who watches comes to look
/// when something may be over.
#[derive(Clone)]
struct Activity(Arc<Mutex<InWork>>);

struct InWork {
    next: u64,
    /// When each request began, with its number; the oldest first.
    begun: Vec<(u64, Instant)>,
    /// Since when none is in work, while none is.
    idle_since: Instant,
}

/// Why a connection has no more time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// No request was in work for too long.
    Idle,
    /// A request was in work for too long.
    Stuck,
}

impl Activity {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(InWork {
            next: 0,
            begun: Vec::new(),
            idle_since: Instant::now(),
        })))
    }

    fn begin(&self) -> Busy {
        let mut work = self.lock();
        let number = work.next;
        work.next += 1;
        work.begun.push((number, Instant::now()));
        Busy {
            activity: self.clone(),
            number,
        }
    }

    fn lock(&self) -> MutexGuard<'_, InWork> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Completes when no request was in work for `idle` without a break, or one has been in work for `stuck`.
    async fn over(&self, idle: Duration, stuck: Duration) -> Over {
        // Whatever begins or ends after a look is over no sooner than this after it.
        let soonest = idle.min(stuck);
        loop {
            let (why, at) = self.lock().ends(idle, stuck);
            if at <= Instant::now() {
                return why;
            }
            sleep_until(at.min(Instant::now() + soonest)).await;
        }
    }
}

impl InWork {
    /// What would be over if nothing changed, and when.
    fn ends(&self, idle: Duration, stuck: Duration) -> (Over, Instant) {
        match self.begun.first() {
            Some((_, oldest)) => (Over::Stuck, *oldest + stuck),
            None => (Over::Idle, self.idle_since + idle),
        }
    }
}

/// One request in work.
struct Busy {
    activity: Activity,
    number: u64,
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut work = self.activity.lock();
        work.begun.retain(|(number, _)| *number != self.number);
        if work.begun.is_empty() {
            work.idle_since = Instant::now();
        }
    }
}

/// An answer's body; until it is sent the request is in work.
struct Held {
    body: Body,
    _busy: Busy,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
