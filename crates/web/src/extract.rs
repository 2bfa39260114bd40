//! Extractors that refuse what the documentation does not allow.

use std::collections::HashSet;
use std::error::Error;
use std::str::FromStr;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, RawPathParams, Request};
use cyberid_crypto::json::{self, InvalidJson};
use cyberid_protocol::problem::{Problem, ProblemType};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::de::DeserializeOwned;
use zeroize::Zeroize as _;

use crate::Failure;
use crate::server::{Farewell, Unreceived};

/// A JSON body of type `T`: `application/json`, one object, no duplicate member, nothing unknown.
///
/// That nothing is unknown is for `T` to say (`deny_unknown_fields`).
#[derive(Debug)]
pub struct StrictJson<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for StrictJson<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        require_media_type(request.headers(), "application/json")?;
        let Whole(body) = Whole::from_request(request, state).await?;
        json::from_slice(&body).map(Self).map_err(malformed_json)
    }
}

/// The same for a body with a name, a document number or a PIN in it in clear.
///
/// The connection ends after the answer, so that the buffers in which the body arrived are freed, and wiped, instead of
/// waiting for the next request. The body itself is wiped where nothing else holds it any more.
#[derive(Debug)]
pub struct PersonalJson<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for PersonalJson<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        if let Some(farewell) = request.extensions().get::<Farewell>() {
            farewell.say();
        }
        require_media_type(request.headers(), "application/json")?;
        let Whole(body) = Whole::from_request(request, state).await?;
        let read = json::from_slice(&body).map(Self).map_err(malformed_json);
        if let Ok(mut body) = body.try_into_mut() {
            body.zeroize();
        }
        read
    }
}

/// The whole body, within the server's limits of size and time.
#[derive(Debug)]
pub struct Whole(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for Whole {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let body = to_bytes(request.into_body(), usize::MAX).await;
        body.map(Self).map_err(|error| {
            let kind = match unreceived(&error) {
                Some(Unreceived::TooLarge) => ProblemType::RequestTooLarge,
                Some(Unreceived::TooLate) => ProblemType::RequestTimeout,
                Some(Unreceived::Broken(_)) | None => ProblemType::MalformedRequest,
            };
            kind.into()
        })
    }
}

/// The parameter in the path, with what its segment always begins with. What does not parse names nothing, and so is not
/// found.
#[derive(Debug)]
pub struct PathParam<T>(pub T);

impl<S: Send + Sync, T: FromStr + Send> FromRequestParts<S> for PathParam<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let captured = RawPathParams::from_request_parts(parts, state).await.ok();
        let text = captured.as_ref().and_then(|captured| captured.iter().last());
        let parsed = text.and_then(|(_, text)| match fixed_beginning(parts) {
            "" => text.parse().ok(),
            fixed => [fixed, text].concat().parse().ok(),
        });
        parsed.map(Self).ok_or_else(|| ProblemType::NotFound.into())
    }
}

/// What stands before the parameter in its segment of the route.
fn fixed_beginning(parts: &Parts) -> &str {
    let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    let before = route.and_then(|route| route.rsplit_once('{'));
    before
        .and_then(|(before, _)| before.rsplit('/').next())
        .unwrap_or_default()
}

/// The query as `T`: every parameter known, none twice.
///
/// That every parameter is known is for `T` to say (`deny_unknown_fields`).
#[derive(Debug)]
pub struct StrictQuery<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for StrictQuery<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let query = parts.uri.query().unwrap_or_default();
        read_query(query)
            .map(Self)
            .ok_or_else(|| ProblemType::MalformedRequest.into())
    }
}

/// Refuses a body that is not of this media type; its parameters are not looked at.
pub fn require_media_type(headers: &HeaderMap, expected: &str) -> Result<(), Failure> {
    let essence = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next());
    essence
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case(expected))
        .then_some(())
        .ok_or_else(|| ProblemType::UnsupportedMediaType.into())
}

fn read_query<T: DeserializeOwned>(query: &str) -> Option<T> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).ok()?;
    let names: HashSet<_> = pairs.iter().map(|(name, _)| name).collect();
    if names.len() != pairs.len() {
        return None;
    }
    serde_urlencoded::from_str(query).ok()
}

fn malformed_json(why: InvalidJson) -> Failure {
    let reason = match why {
        InvalidJson::Syntax => "syntax",
        InvalidJson::Duplicate => "duplicate",
        InvalidJson::Shape => "shape",
    };
    Problem::new(ProblemType::MalformedRequest)
        .with("reason", reason)
        .into()
}

/// Why the body did not arrive, among the causes.
fn unreceived<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Unreceived> {
    std::iter::successors(Some(error), |&error| error.source()).find_map(<dyn Error>::downcast_ref)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Page {
        limit: Option<u8>,
        after: Option<String>,
    }

    #[test]
    fn a_query_is_read_only_as_it_is_documented() {
        let page = |limit, after: Option<&str>| {
            Some(Page {
                limit,
                after: after.map(Into::into),
            })
        };
        assert_eq!(read_query(""), page(None, None));
        assert_eq!(read_query("limit=7&after=%E7%BD%91"), page(Some(7), Some("网")));
        for query in [
            "limit=7&limit=7",
            "limit=-1",
            "limit=",
            "other=1",
            "limit=1&other",
        ] {
            assert_eq!(read_query::<Page>(query), None, "{query}");
        }
    }

    #[test]
    fn only_the_media_type_itself_counts() {
        let accepts = |value: &'static str| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, http::HeaderValue::from_static(value))]);
            require_media_type(&headers, "application/json").is_ok()
        };
        assert!(accepts("application/json"));
        assert!(accepts("Application/JSON; charset=utf-8"));
        assert!(!accepts("text/plain"));
        assert!(!accepts("application/jsonp"));
        assert!(!accepts("application/problem+json"));
        assert!(require_media_type(&HeaderMap::new(), "application/json").is_err());
    }
}
