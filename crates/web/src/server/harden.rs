//! What every answer of a server has in common, whatever the router does.

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use cyberid_protocol::problem::ProblemType;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::RequestBodyDeadlineLayer;

use super::Limits;
use crate::{Failure, telemetry};

/// Completes the services' merged routers: unknown paths and methods, panics, limits, caching, log and metrics.
///
/// [`super::Server::serve`] does this itself; a test that calls a router without a socket does it here.
pub fn harden(router: Router, limits: &Limits) -> Router {
    refusing(router)
        .layer(RequestBodyDeadlineLayer::new(limits.body_time))
        .layer(DefaultBodyLimit::max(limits.body_bytes))
        .layer(from_fn_with_state(limits.answer_time, answer_in_time))
        .layer(CatchPanicLayer::custom(caught))
        .layer(map_response(keep_private))
        .layer(from_fn(telemetry::observe))
}

/// Refuses every path and every method that the router does not have; for a router inside another one, which
/// [`harden`] does not reach.
pub fn refusing(router: Router) -> Router {
    router
        .fallback(async || Failure::from(ProblemType::NotFound))
        .method_not_allowed_fallback(async || Failure::from(ProblemType::MethodNotAllowed))
}

async fn answer_in_time(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    tokio::time::timeout(limit, next.run(request))
        .await
        .unwrap_or_else(|_| {
            tracing::error!("a handler did not answer in time");
            Failure::from(ProblemType::Unavailable).into_response()
        })
}

/// The panic's message stays where the panic hook put it; it may quote what was worked on.
fn caught(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    Failure::from(ProblemType::Internal).into_response()
}

/// An answer is not to be stored unless its handler said otherwise.
async fn keep_private(mut response: Response) -> Response {
    response
        .headers_mut()
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
