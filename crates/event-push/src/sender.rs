//! Sending one token once: RFC 8935 section 2.

use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use cyberid_protocol::event::{DeliveryRefused, MEDIA_TYPE};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Certificate, Response, StatusCode};
use tokio::sync::OnceCell;

use crate::address::Reach;
use crate::destination::Destination;
use crate::lookup::{CheckedLookup, ForbiddenAddress, Lookup};

/// For a connection to stand, the host's lookup included.
const CONNECT: Duration = Duration::from_secs(5);
/// For the whole call.
const TOTAL: Duration = Duration::from_secs(10);
/// The longest answer that is read, in bytes: only a refusal's.
const ANSWER: usize = 4 * 1024;

/// How calls are made.
pub struct Settings {
    /// Where they may go.
    pub reach: Reach,
    /// Finds hosts.
    pub lookup: Arc<dyn Lookup>,
    /// A certification authority in PEM that is trusted beside those of the operating system.
    pub ca: Option<Vec<u8>>,
    /// For the whole call, if it is not to be ten seconds.
    pub total: Option<Duration>,
}

/// The settings cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SenderUnusable {
    /// The certification authority is not a certificate in PEM.
    #[error("the certification authority is not a certificate in PEM")]
    Ca,
}

/// What the receiver said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It has the token.
    Accepted,
    /// It will never take this token.
    Refused(Refusal),
}

/// The receiver's reason, RFC 8935 section 2.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// `invalid_request`
    InvalidRequest,
    /// `invalid_key`
    InvalidKey,
    /// `invalid_issuer`
    InvalidIssuer,
    /// `invalid_audience`
    InvalidAudience,
    /// `authentication_failed`
    AuthenticationFailed,
    /// `access_denied`
    AccessDenied,
    /// A code of the receiver's own: what it says does not get into our log.
    Other,
}

/// Why a token was not delivered this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The host has an address that is not public; no connection was made.
    #[error("the host has the address {0}, which is not public: it was not called")]
    Forbidden(IpAddr),
    /// There was no answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// There is no connection, or it broke: the host is unknown or away, or its certificate does not hold.
    #[error("no connection: the host is unknown or away, or its certificate does not hold")]
    Unreachable,
    /// An answer that is neither 202 nor a refusal; a redirect, too, which is not followed.
    #[error("it answered {0} instead of 202")]
    Status(u16),
}

/// Calls receivers. It follows no redirect and uses no proxy.
#[derive(Clone)]
pub struct Sender(Arc<Lazy>);

/// The HTTP client, which is made for the first token: until then nothing of TLS is in memory, nor the system's authorities.
struct Lazy {
    reach: Reach,
    lookup: Arc<dyn Lookup>,
    ca: Option<Certificate>,
    total: Duration,
    http: OnceCell<reqwest::Client>,
}

impl Sender {
    /// A sender of these settings.
    pub fn new(settings: Settings) -> Result<Self, SenderUnusable> {
        let ca = settings.ca.as_deref().map(Certificate::from_pem).transpose();
        Ok(Self(Arc::new(Lazy {
            reach: settings.reach,
            lookup: settings.lookup,
            ca: ca.map_err(|_| SenderUnusable::Ca)?,
            total: settings.total.unwrap_or(TOTAL),
            http: OnceCell::new(),
        })))
    }

    /// Sends a token.
    pub async fn send(&self, destination: &Destination, token: String) -> Result<Answer, Fault> {
        let http = self.0.http.get_or_try_init(async || self.0.make()).await;
        let call = http.map_err(|error| fault(&error))?.post(destination.as_str());
        let call = call
            .header(CONTENT_TYPE, MEDIA_TYPE)
            .header(ACCEPT, "application/json");
        let response = call.body(token).send().await.map_err(|error| fault(&error))?;
        match response.status() {
            StatusCode::ACCEPTED => Ok(Answer::Accepted),
            StatusCode::BAD_REQUEST => match refusal(response).await {
                Some(refusal) => Ok(Answer::Refused(refusal)),
                None => Err(Fault::Status(400)),
            },
            status => Err(Fault::Status(status.as_u16())),
        }
    }
}

impl Lazy {
    fn make(&self) -> reqwest::Result<reqwest::Client> {
        let lookup = CheckedLookup {
            lookup: Arc::clone(&self.lookup),
            reach: self.reach,
        };
        reqwest::Client::builder()
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(lookup)
            .connect_timeout(CONNECT)
            .timeout(self.total)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(Duration::from_secs(30))
            .tls_certs_merge(self.ca.clone())
            .build()
    }
}

fn fault(error: &reqwest::Error) -> Fault {
    match forbidden_address(error) {
        Some(address) => Fault::Forbidden(address),
        None if error.is_timeout() => Fault::TimedOut,
        None => Fault::Unreachable,
    }
}

fn forbidden_address(error: &reqwest::Error) -> Option<IpAddr> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(ForbiddenAddress(address)) = error.downcast_ref() {
            return Some(*address);
        }
        cause = error.source();
    }
    None
}

/// The reason in a refusal's body; nothing if it is not the body of a refusal.
async fn refusal(mut response: Response) -> Option<Refusal> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER {
            return None;
        }
    }
    let refused: DeliveryRefused = serde_json::from_slice(&body).ok()?;
    Some(Refusal::from(refused.err.as_str()))
}

impl From<&str> for Refusal {
    fn from(code: &str) -> Self {
        match code {
            "invalid_request" => Self::InvalidRequest,
            "invalid_key" => Self::InvalidKey,
            "invalid_issuer" => Self::InvalidIssuer,
            "invalid_audience" => Self::InvalidAudience,
            "authentication_failed" => Self::AuthenticationFailed,
            "access_denied" => Self::AccessDenied,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidKey => "invalid_key",
            Self::InvalidIssuer => "invalid_issuer",
            Self::InvalidAudience => "invalid_audience",
            Self::AuthenticationFailed => "authentication_failed",
            Self::AccessDenied => "access_denied",
            Self::Other => "a code of its own",
        })
    }
}
