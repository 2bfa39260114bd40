//! What every answer of a server has in common, whatever the router does.

use std::any::Any;
use std::panic::AssertUnwindSafe;

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
use crate::around::{Around, Handlers, Step};
use crate::telemetry::Observed;

/// Completes the services' merged routers: unknown paths and methods, panics, limits, caching, log and metrics.
///
/// [`super::Server::serve`] does this itself; a test that calls a router without a socket does it here.
pub fn harden(router: Router, limits: &Limits) -> Router {
    router
        .fallback(async || Failure::from(ProblemType::NotFound))
        .method_not_allowed_fallback(async || Failure::from(ProblemType::MethodNotAllowed))
        .layer(Around::new(Hardened(*limits)))
        // A router that has no state to wait for makes its handlers now, and not for every request.
        .with_state(())
}

/// All of it in one step: each layer of a router copies everything inside it for every request.
struct Hardened(Limits);

impl Step for Hardened {
    async fn around(&self, request: Request, handlers: impl Handlers) -> Response {
        let Self(limits) = self;
        let observed = Observed::begin(&request);
        let handled = timeout(limits.answer_time, handlers.answer(request));
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
