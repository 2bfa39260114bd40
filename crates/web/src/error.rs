//! What a handler answers when it fails: a problem for the caller, and the cause for the log.

use std::error::Error;
use std::fmt::Write as _;

use axum::response::{IntoResponse, Response};
use cyberid_protocol::problem::{self, Problem, ProblemType};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// A failed request: the problem that the caller is told, with the headers that go with it.
#[derive(Debug)]
pub struct Failure(Box<Content>);

#[derive(Debug)]
struct Content {
    problem: Problem,
    headers: HeaderMap,
}

impl Failure {
    /// A fault of the platform. The chain of causes is logged once, here, and never told to the caller.
    pub fn internal(cause: impl Error) -> Self {
        Self::caused(ProblemType::Internal, &cause)
    }

    /// A part that the platform needs does not work now. The chain of causes is logged once, here.
    pub fn unavailable(cause: impl Error) -> Self {
        Self::caused(ProblemType::Unavailable, &cause)
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// Says after how many seconds the caller may come back (RFC 9110, section 10.2.3).
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header(RETRY_AFTER, seconds.into())
    }

    /// The problem that the caller is told.
    pub fn problem(&self) -> &Problem {
        &self.0.problem
    }

    /// The headers that go with the problem.
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    fn caused(kind: ProblemType, cause: &dyn Error) -> Self {
        tracing::error!(problem = kind.slug(), cause = chain(cause), "a request failed");
        kind.into()
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let headers = HeaderMap::new();
        Self(Box::new(Content { problem, headers }))
    }
}

impl From<ProblemType> for Failure {
    fn from(kind: ProblemType) -> Self {
        Problem::new(kind).into()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Content { problem, headers } = *self.0;
        let status = StatusCode::from_u16(problem.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (status, headers, body).into_response();
        let fixed = response.headers_mut();
        fixed.insert(CONTENT_TYPE, HeaderValue::from_static(problem::MEDIA_TYPE));
        fixed.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response.extensions_mut().insert(problem.kind);
        response
    }
}

/// The error and what caused it, as one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a string cannot fail.
        let _ = write!(line, ": {error}");
        cause = error.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the row could not be read")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn the_cause_is_for_the_log_and_not_for_the_caller() {
        let cause = Outer(std::io::Error::other("disk 7 is on fire"));
        assert_eq!(chain(&cause), "the row could not be read: disk 7 is on fire");
        let failure = Failure::internal(cause);
        assert_eq!(failure.problem(), &Problem::new(ProblemType::Internal));
    }

    #[test]
    fn a_failure_is_an_uncached_problem_of_its_status() {
        let response = Failure::from(ProblemType::RateLimited)
            .retry_after(7)
            .into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["retry-after"], "7");
        assert_eq!(response.extensions().get(), Some(&ProblemType::RateLimited));
    }
}
