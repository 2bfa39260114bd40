//! What every answer of a server has in common, whatever the router does.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use cyberid_protocol::problem::ProblemType;
use futures_util::FutureExt as _;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use tokio::time::timeout;

use super::Limits;
use crate::Failure;
use crate::around::Handlers as _;
use crate::telemetry::{Observed, tell_route};

/// The services' merged routers, completed: unknown paths and methods, panics, the time for an answer, caching, log and
/// metrics. As a layer of the router it would be copied and boxed for every request, and each route inside it.
#[derive(Debug, Clone)]
pub struct Hardened {
    router: Router,
    answer_time: Duration,
}

impl Hardened {
    /// Completes a router. [`super::Server::serve`] does this itself; a test that calls a router without a socket does it here.
    pub fn new(router: Router, limits: &Limits) -> Self {
        let router = router
            .fallback(async || Failure::from(ProblemType::NotFound))
            .method_not_allowed_fallback(async |request: Request| {
                tell_route(&request);
                Failure::from(ProblemType::MethodNotAllowed)
            })
            // A router that has no state to wait for makes its handlers now, and not for every request.
            .with_state(());
        Self {
            router,
            answer_time: limits.answer_time,
        }
    }

    /// Answers whatever is asked.
    pub async fn answer(&self, mut request: Request) -> Response {
        let observed = Observed::begin(&mut request);
        let handled = timeout(self.answer_time, self.router.clone().answer(request));
        let mut response = match AssertUnwindSafe(handled).catch_unwind().await {
            Ok(Ok(response)) => response,
            Ok(Err(_)) => late(),
            Err(panic) => caught(panic),
        };
        keep_private(&mut response);
        observed.end(&response);
        response
    }
}

/// The panic's message stays where the panic hook put it; it may quote what was worked on.
fn caught(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    Failure::from(ProblemType::Internal).into_response()
}

fn late() -> Response {
    tracing::error!("a handler did not answer in time");
    Failure::from(ProblemType::Unavailable).into_response()
}

/// An answer is not to be stored unless its handler said otherwise.
fn keep_private(response: &mut Response) {
    response
        .headers_mut()
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}
