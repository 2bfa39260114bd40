//! Queries and headers, as the extractors read them.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::extract::FromRequestParts;
use cyberid_web::extract::{StrictQuery, require_media_type};
use http::Uri;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::Deserialize;

use crate::text;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    #[serde(default)]
    after: Option<u64>,
    #[serde(default)]
    limit: Option<u16>,
    #[serde(default)]
    kind: Option<String>,
}

/// A query is read whole: every parameter known, none twice.
pub(crate) fn query(bytes: &[u8]) -> bool {
    let Some(text) = text(bytes) else { return false };
    let Ok(uri) = format!("/v1/audit/entries?{text}").parse::<Uri>() else {
        return false;
    };
    let given = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .count();
    let (mut parts, ()) = http::Request::builder().uri(uri).body(()).unwrap().into_parts();
    let read = now(StrictQuery::<Known>::from_request_parts(&mut parts, &()));
    let Some(Ok(StrictQuery(known))) = read else {
        return false;
    };
    let read = [known.after.is_some(), known.limit.is_some(), known.kind.is_some()];
    assert_eq!(read.into_iter().filter(|read| *read).count(), given, "{text}");
    true
}

/// A media type is that which is expected, or is refused.
pub(crate) fn headers(bytes: &[u8]) -> bool {
    let Ok(value) = HeaderValue::from_bytes(bytes) else {
        return false;
    };
    let mut headers = http::HeaderMap::new();
    headers.insert(CONTENT_TYPE, value);
    if require_media_type(&headers, "application/json").is_err() {
        return false;
    }
    let essence = text(bytes).unwrap().split(';').next().unwrap().trim();
    assert!(essence.eq_ignore_ascii_case("application/json"));
    true
}

/// What a future that waits for nothing comes to.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}
