//! Bodies and answers: what is sent, what is read, and how much of it.

use std::error::Error;

use cyberid_crypto::json;
use cyberid_protocol::problem::{self, Problem};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::ClientError;

/// A body with its media type; it is wiped once it was handed to the connection.
pub(crate) struct Body {
    pub(crate) media_type: String,
    pub(crate) bytes: Zeroizing<Vec<u8>>,
}

impl Body {
    /// `value` as JSON.
    pub(crate) fn json(value: &impl Serialize) -> Result<Self, ClientError> {
        let bytes = serde_json::to_vec(value).map_err(|_| ClientError::Unmade)?;
        Ok(Self::of("application/json", bytes))
    }

    /// Bytes of a media type.
    pub(crate) fn of(media_type: &str, bytes: Vec<u8>) -> Self {
        Self {
            media_type: media_type.into(),
            bytes: Zeroizing::new(bytes),
        }
    }
}

/// An answer that has arrived whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    /// Reads the answer to its end, or to `limit` bytes.
    pub(crate) async fn receive(response: Response<Incoming>, limit: usize) -> Result<Self, ClientError> {
        let (head, mut body) = response.into_parts();
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| unreachable(&error))?;
            let chunk = frame.data_ref().map_or(&[][..], |chunk| chunk);
            if bytes.len() + chunk.len() > limit {
                return Err(ClientError::AnswerTooLarge { limit });
            }
            bytes.extend_from_slice(chunk);
        }
        Ok(Self {
            status: head.status.as_u16(),
            headers: head.headers,
            bytes,
        })
    }

    /// The answer itself if it is a success, or the problem that it states.
    pub(crate) fn success(self) -> Result<Self, ClientError> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        Err(self.failure())
    }

    /// The failure that this answer states.
    pub(crate) fn failure(&self) -> ClientError {
        let stated = self.is_of(problem::MEDIA_TYPE);
        let problem = stated.then(|| serde_json::from_slice::<Problem>(&self.bytes).ok());
        match problem.flatten() {
            // A status that is not the problem's own comes from something in between.
            Some(problem) if problem.kind.status() == self.status => problem.into(),
            _ => ClientError::Unexpected { status: self.status },
        }
    }

    /// The success as JSON.
    pub(crate) fn json<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        let answer = self.success()?;
        json::from_slice(&answer.bytes).map_err(|_| ClientError::InvalidAnswer)
    }

    /// A header's value, where it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn is_of(&self, media_type: &str) -> bool {
        let stated = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        stated.split(';').next().unwrap_or_default().trim() == media_type
    }
}

/// The failure of a connection: its innermost cause, which names no address and no path, as these may name a person's request.
pub(crate) fn unreachable(error: &(dyn Error + 'static)) -> ClientError {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    ClientError::Unreachable(cause.to_string())
}
