//! Faults on demand, so that whoever asks can be shown to fail closed.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the source misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It does not.
    None,
    /// It answers rightly, but after [`SLOWNESS`].
    Slow,
    /// It confirms every question, with an answer signed for another one.
    Wrong,
    /// It confirms with values that are sealed to nobody who asks.
    Unreadable,
    /// It answers rightly, signed by a key that is not its own.
    OtherKey,
    /// It answers rightly, with an answer of an hour ago.
    Old,
    /// It is not available.
    Down,
    /// It answers with something that is not signed.
    Garbage,
    /// It answers with something that is not JSON.
    NotJson,
    /// It answers with a page for people, as a proxy in between would.
    Html,
    /// It answers without an end.
    Huge,
    /// It breaks off in the middle of an answer.
    Truncated,
}

/// How late a slow answer is: later than anyone waits.
pub(crate) const SLOWNESS: Duration = Duration::from_secs(20);

/// More than anyone reads.
const HUGE: usize = 64 * 1024 * 1024;

impl Fault {
    /// The answer of a fault that is beneath all messages; nothing if it is another one.
    pub(crate) fn spoiled(self) -> Option<Response> {
        let json = (CONTENT_TYPE, "application/json");
        Some(match self {
            Self::NotJson => ([json], "{\"answer\":").into_response(),
            Self::Html => {
                let html = (CONTENT_TYPE, "text/html; charset=utf-8");
                ([html], "<!doctype html><title>Welcome</title>").into_response()
            }
            Self::Huge => ([json], Body::from(vec![b' '; HUGE])).into_response(),
            Self::Truncated => {
                let begun = Ok(Bytes::from_static(b"{\"answer\":\"ey"));
                let cut = stream::iter([begun, Err(io::Error::other("cut off"))]);
                ([(CONTENT_LENGTH, "4096")], [json], Body::from_stream(cut)).into_response()
            }
            _ => return None,
        })
    }
}
