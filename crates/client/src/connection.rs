//! Connections: plain ones, and those under TLS. Who calls plain addresses alone has nothing of TLS in memory.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper_tls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use native_tls::{Certificate, Identity, TlsConnector};
use tokio::net::TcpStream;
use tower::Service;

use crate::client::Tls;

/// How long a connection may carry nothing before the system asks whether the other side is still there, and how long a
/// silence then ends it.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// How long what was sent may stay without an acknowledgement.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// Connections that are kept for the next call.
pub(crate) type Connections = Client<Connector, Full<Bytes>>;

/// Connections without TLS; each has to stand within this time.
pub(crate) fn plain(within: Duration) -> Connections {
    kept(within, Kind::Plain(tcp(within)))
}

/// Connections under TLS, where the address says so; each has to stand within this time.
pub(crate) fn tls(within: Duration, tls: &Tls) -> native_tls::Result<Connections> {
    let connector = HttpsConnector::from((tcp(within), connector(tls)?.into()));
    Ok(kept(within, Kind::Tls(connector)))
}

fn kept(within: Duration, kind: Kind) -> Connections {
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .build(Connector { within, kind })
}

/// Of several addresses of one name each has its part of the time.
fn tcp(within: Duration) -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(within));
    tcp.set_keepalive(Some(KEEPALIVE));
    tcp.set_keepalive_interval(Some(KEEPALIVE));
    tcp.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
    tcp
}

fn connector(tls: &Tls) -> native_tls::Result<TlsConnector> {
    let mut connector = TlsConnector::builder();
    connector.request_alpns(&["http/1.1"]);
    if let Some(authority) = &tls.authority {
        connector.disable_built_in_roots(true);
        connector.add_root_certificate(Certificate::from_pem(authority)?);
    }
    if let Some((certificate, key)) = &tls.identity {
        connector.identity(Identity::from_pkcs8(certificate, key)?);
    }
    connector.build()
}

/// Makes connections.
#[derive(Clone)]
pub(crate) struct Connector {
    within: Duration,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Plain(HttpConnector),
    Tls(HttpsConnector<HttpConnector>),
}

type Connection = MaybeHttpsStream<TokioIo<TcpStream>>;
type Failure = Box<dyn Error + Send + Sync>;
type Connecting = Pin<Box<dyn Future<Output = Result<Connection, Failure>> + Send>>;

impl Service<Uri> for Connector {
    type Response = Connection;
    type Error = Failure;
    type Future = Connecting;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        match &mut self.kind {
            Kind::Plain(tcp) => tcp.poll_ready(context).map_err(Into::into),
            Kind::Tls(tls) => tls.poll_ready(context),
        }
    }

    fn call(&mut self, address: Uri) -> Connecting {
        let connecting: Connecting = match &mut self.kind {
            Kind::Plain(tcp) => {
                let connecting = tcp.call(address);
                Box::pin(async move { Ok(MaybeHttpsStream::Http(connecting.await?)) })
            }
            Kind::Tls(tls) => Box::pin(tls.call(address)),
        };
        let in_time = tokio::time::timeout(self.within, connecting);
        Box::pin(async move {
            in_time
                .await
                .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
        })
    }
}
