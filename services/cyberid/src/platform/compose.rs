//! Routers put together: each service's own, and the documents.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use cyberid_protocol::problem::ProblemType;
use cyberid_web::operations::{self, Operations, Readiness};
use cyberid_web::{Authenticate, Caller, Failure, Routes};
use http::request::Parts;
use utoipa::openapi::OpenApi;

use super::readiness::SelfTest;
use super::{contract, sandbox};

/// The router of a service that takes no tokens.
pub(crate) fn standalone<S: Clone + Send + Sync + 'static>(routes: Routes<S>, state: S) -> Router {
    routes.finish(state, Arc::new(NoTokens))
}

/// Health, metrics and the problems' pages.
pub(crate) fn operations(readiness: Arc<dyn Readiness>) -> Router {
    operations::routes().finish(Operations::new(readiness), Arc::new(NoTokens))
}

/// The same for a process whose work is its answers.
pub(crate) fn plain_operations() -> Router {
    operations(Arc::new(SelfTest::default()))
}

/// A process that knows no access token.
struct NoTokens;

#[async_trait]
impl Authenticate for NoTokens {
    async fn authenticate(&self, _: &Parts) -> Result<Caller, Failure> {
        Err(ProblemType::Unauthenticated.into())
    }
}

/// A service, and what makes its document.
type Documented = (&'static str, fn() -> OpenApi);

/// The services, each with its document.
const DOCUMENTS: [Documented; 10] = [
    ("issuance", || cyberid_issuance::routes().openapi()),
    ("verification", || cyberid_verification::routes().openapi()),
    ("consent", || {
        let requests = cyberid_consent::request_routes().openapi();
        merged(cyberid_consent::routes().openapi(), requests)
    }),
    ("audit", || cyberid_audit::routes().openapi()),
    ("vault", || cyberid_vault::routes().openapi()),
    ("custodian", || cyberid_custodian::routes().openapi()),
    ("witness", || cyberid_witness::routes().openapi()),
    ("identity-source", || {
        let shared = cyberid_identity_source::routes().openapi();
        merged(cyberid_identity_source::platform_routes().openapi(), shared)
    }),
    ("sandbox", || sandbox::routes().openapi()),
    ("operations", || {
        merged(operations::routes().openapi(), contract::routes().openapi())
    }),
];

/// The document of each service.
pub(crate) fn documents() -> impl Iterator<Item = (&'static str, OpenApi)> {
    DOCUMENTS.iter().map(|(service, document)| (*service, document()))
}

/// The document of this service.
pub(crate) fn document(service: &str) -> Option<OpenApi> {
    let found = DOCUMENTS.iter().find(|(name, _)| *name == service);
    found.map(|(_, document)| document())
}

fn merged(mut document: OpenApi, more: OpenApi) -> OpenApi {
    document.merge(more);
    document
}
