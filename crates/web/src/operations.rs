//! What whoever runs the platform calls: whether it lives, whether it is ready, its metrics; and the problems' pages.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

use crate::Json;
use async_trait::async_trait;
use axum::extract::State;
use axum::response::IntoResponse;
use cyberid_protocol::problem::ProblemType;
use http::HeaderMap;
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::extract::PathParam;
use crate::{Failure, Routes, pages, telemetry};

/// Says whether the platform can do its work, by doing a piece of it.
#[async_trait]
pub trait Readiness: Send + Sync {
    /// Runs the self-test.
    async fn check(&self) -> Result<(), NotReady>;
}

/// A part of the platform does not work.
#[derive(Debug, thiserror::Error)]
#[error("{part} is not ready")]
pub struct NotReady {
    /// Which part.
    pub part: &'static str,
    /// Why, for the log.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// What these operations work on.
#[derive(Clone)]
pub struct Operations(Arc<dyn Readiness>);

impl Operations {
    /// Operations over this self-test.
    pub fn new(readiness: Arc<dyn Readiness>) -> Self {
        Self(readiness)
    }
}

/// The operations, to be mounted once in every process.
pub fn routes() -> Routes<Operations> {
    Routes::new(
        "CyberID operations",
        "Health, metrics and the problems' pages, the same in every process; of a platform also the documents of what it \
         answers.",
    )
    .public(routes!(healthz))
    .public(routes!(readyz))
    .public(routes!(metrics))
    .public(routes!(problem))
}

/// How the process is.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok` or `ready`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Says that the process lives.
#[utoipa::path(get, path = "/healthz", tag = "operations",
    responses((status = 200, description = "It lives.", body = Health, example = json!({"status": "ok"}))))]
async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Says whether the platform can do its work, after trying.
#[utoipa::path(get, path = "/readyz", tag = "operations",
    responses((status = 200, description = "It can.", body = Health, example = json!({"status": "ready"}))))]
async fn readyz(State(Operations(readiness)): State<Operations>) -> Result<Json<Health>, Failure> {
    readiness.check().await.map_err(Failure::unavailable)?;
    Ok(Json(Health { status: "ready" }))
}

/// Gives the metrics in the Prometheus text format; no label names a person or a relying party.
#[utoipa::path(get, path = "/metrics", tag = "operations",
    responses((status = 200, description = "The metrics.", body = String, content_type = "text/plain",
        example = json!("http_requests_total{route=\"/healthz\",method=\"GET\",status=\"200\"} 1"))))]
async fn metrics() -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        telemetry::render_metrics(),
    )
}

/// Tells the caller what to do about a problem, in English and Chinese: in HTML for a browser, else in Markdown.
#[utoipa::path(get, path = "/problems/{slug}", tag = "operations",
    params(("slug" = String, Path, description = "The last part of the problem's `type`.", example = "not-found")),
    responses((status = 200, description = "The page.", content(
        (String = "text/markdown", example = json!("# Not found\n\n`not-found` · 404\n")),
        (String = "text/html", example = json!("<!doctype html>\n<html lang=\"en\">...</html>\n"))
    ))))]
async fn problem(PathParam(Slug(kind)): PathParam<Slug>, headers: HeaderMap) -> impl IntoResponse {
    let (media_type, page) = if wants_html(&headers) {
        ("text/html; charset=utf-8", Cow::from(pages::html(kind)))
    } else {
        ("text/markdown; charset=utf-8", pages::page(kind).into())
    };
    let headers = [
        (CONTENT_TYPE, media_type),
        (CACHE_CONTROL, "public, max-age=3600"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (VARY, "accept"),
    ];
    (headers, page)
}

/// Whether HTML is named among what is accepted, as every browser does (RFC 9110, section 12.5.1).
fn wants_html(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter();
    let mut ranges = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    ranges.any(|range| {
        let mut parts = range.split(';').map(str::trim);
        parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("text/html"))
            && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

struct Slug(ProblemType);

impl std::str::FromStr for Slug {
    type Err = ();

    fn from_str(slug: &str) -> Result<Self, ()> {
        ProblemType::named(slug).map(Self).ok_or(())
    }
}
