//! Plain calls to one base address.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;
use zeroize::Zeroizing;

use crate::ClientError;
use crate::body::{Answer, Body, unreachable};
use crate::connection::{self, Connections};

/// How long a call may take, and how much it may bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For a connection to stand.
    pub connect: Duration,
    /// For the whole call.
    pub total: Duration,
    /// The longest answer in bytes.
    pub answer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            total: Duration::from_secs(10),
            answer: 4 * 1024 * 1024,
        }
    }
}

/// Whom a client believes by TLS, and as whom it shows itself.
#[derive(Default)]
pub struct Tls {
    /// The authority (PEM) that the other party's certificate has to come from; the system's by default.
    pub authority: Option<Vec<u8>>,
    /// The certificate (PEM) that the client shows, for its tokens to be bound to (RFC 8705), and its key (PEM, PKCS #8).
    pub identity: Option<(Vec<u8>, Zeroizing<Vec<u8>>)>,
}

/// Calls one other party. It follows no redirect and uses no proxy: what is asked goes where it was sent, or fails.
#[derive(Debug, Clone)]
pub struct Client {
    connections: Arc<Connections>,
    base: String,
    limits: Limits,
    tls_by_default: bool,
}

impl Client {
    /// A client of the party at `base_url`, under the default [`Limits`].
    pub fn new(base_url: &str) -> Result<Self, ClientError> {
        Self::with_limits(base_url, Limits::default())
    }

    /// A client of the party at `base_url`.
    pub fn with_limits(base_url: &str, limits: Limits) -> Result<Self, ClientError> {
        Self::over_tls(base_url, limits, &Tls::default())
    }

    /// A client of the party at `base_url`, with TLS as the caller wants it.
    pub fn over_tls(base_url: &str, limits: Limits, tls: &Tls) -> Result<Self, ClientError> {
        let base = checked(base_url)?;
        let connections = if speaks_tls(&base) {
            connection::tls(limits.connect, tls).map_err(|_| ClientError::Unmade)?
        } else {
            connection::plain(limits.connect)
        };
        let tls_by_default = tls.authority.is_none() && tls.identity.is_none();
        Ok(Self {
            connections: Arc::new(connections),
            base,
            limits,
            tls_by_default,
        })
    }

    /// The same client for another base address: connections are shared, unless only the other one speaks TLS. A client that
    /// was made with TLS of its own for an address that does not speak it has no such other address.
    pub fn at(&self, base_url: &str) -> Result<Self, ClientError> {
        let base = checked(base_url)?;
        if !speaks_tls(&base) || speaks_tls(&self.base) {
            return Ok(Self { base, ..self.clone() });
        }
        if self.tls_by_default {
            Self::with_limits(base_url, self.limits)
        } else {
            Err(ClientError::InvalidAddress)
        }
    }

    /// The base address, without a slash at its end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// How long a call may take, and how much it may bring.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Fetches JSON.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.call(Method::GET, path, None, &[]).await?.json()
    }

    /// Fetches bytes of any media type.
    pub async fn get_bytes(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        let answer = self.call(Method::GET, path, None, &[]).await?;
        answer.success().map(|answer| answer.bytes)
    }

    /// Sends JSON, and reads JSON.
    pub async fn post<B, T>(&self, path: &str, body: &B) -> Result<T, ClientError>
    where
        B: Serialize + Sync + ?Sized,
        T: DeserializeOwned,
    {
        let body = Body::json(&body)?;
        self.call(Method::POST, path, Some(&body), &[]).await?.json()
    }

    /// Sends JSON, and reads nothing.
    pub async fn post_no_content<B>(&self, path: &str, body: &B) -> Result<(), ClientError>
    where
        B: Serialize + Sync + ?Sized,
    {
        let body = Body::json(&body)?;
        let answer = self.call(Method::POST, path, Some(&body), &[]).await?;
        answer.success().map(|_| ())
    }

    /// Sends nothing, and reads JSON.
    pub async fn post_empty<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.call(Method::POST, path, None, &[]).await?.json()
    }

    /// Sends JSON that the caller has written itself, because it is too personal for a type that can be serialised.
    pub async fn post_personal<T: DeserializeOwned>(
        &self,
        path: &str,
        json: Zeroizing<Vec<u8>>,
    ) -> Result<T, ClientError> {
        let media_type = "application/json".into();
        let body = Body {
            media_type,
            bytes: json,
        };
        self.call(Method::POST, path, Some(&body), &[]).await?.json()
    }

    /// Sends text, and reads whatever is answered with its status: for protocols that have answers of their own,
    /// such as C2SP tlog-witness.
    pub async fn post_text(
        &self,
        path: &str,
        content_type: &str,
        text: String,
    ) -> Result<(u16, String), ClientError> {
        let body = Body::of(content_type, text.into_bytes());
        let answer = self.call(Method::POST, path, Some(&body), &[]).await?;
        let text = String::from_utf8(answer.bytes).map_err(|_| ClientError::InvalidAnswer)?;
        Ok((answer.status, text))
    }

    /// Makes one call, whatever its answer.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Body>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, ClientError> {
        let request = self.request(method, path, body, headers)?;
        // Boxed: a caller's future does not grow by a connection's.
        let answer = Box::pin(async {
            let response = self.connections.request(request).await;
            Answer::receive(response.map_err(|error| unreachable(&error))?, self.limits.answer).await
        });
        let in_time = tokio::time::timeout(self.limits.total, answer).await;
        in_time.unwrap_or_else(|late| Err(unreachable(&late)))
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Body>,
        headers: &[(&str, &str)],
    ) -> Result<Request<Full<Bytes>>, ClientError> {
        let url = Url::parse(&format!("{}{path}", self.base)).map_err(|_| ClientError::InvalidAddress)?;
        let uri = Uri::try_from(url.as_str()).map_err(|_| ClientError::InvalidAddress)?;
        let bytes = body.map_or_else(Bytes::new, |body| Bytes::from_owner(body.bytes.clone()));
        let mut request = Request::new(Full::new(bytes));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = header_map(headers)?;
        if let Some(body) = body {
            let media_type = HeaderValue::try_from(&body.media_type).map_err(|_| ClientError::Unmade)?;
            request.headers_mut().insert(CONTENT_TYPE, media_type);
        }
        Ok(request)
    }
}

fn speaks_tls(base: &str) -> bool {
    Url::parse(base).is_ok_and(|url| url.scheme() == "https")
}

fn checked(base_url: &str) -> Result<String, ClientError> {
    let url = Url::parse(base_url).map_err(|_| ClientError::InvalidAddress)?;
    let anonymous = url.username().is_empty() && url.password().is_none();
    let plain = anonymous && url.query().is_none() && url.fragment().is_none();
    if plain && matches!(url.scheme(), "http" | "https") && url.has_host() {
        Ok(base_url.trim_end_matches('/').into())
    } else {
        Err(ClientError::InvalidAddress)
    }
}

fn header_map(headers: &[(&str, &str)]) -> Result<HeaderMap, ClientError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::try_from(*name).map_err(|_| ClientError::Unmade)?;
        let value = HeaderValue::try_from(*value).map_err(|_| ClientError::Unmade)?;
        map.insert(name, value);
    }
    Ok(map)
}

#[cfg(test)]
mod tests;
