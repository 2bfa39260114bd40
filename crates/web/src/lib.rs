//! What every service shares: a router that cannot mount an operation without saying who may call it, problems as
//! answers, strict extractors, `DPoP`-bound access tokens, quotas, and a server with limits.
//!
//! In scope: HTTP semantics (RFC 9110), problem details (RFC 9457), `DPoP` (RFC 9449), `OpenAPI` 3.1. Not in scope: what
//! the services do, how tokens are asked for (the service that owns `/oauth/token`), where keys are kept.
//!
//! A service writes handlers with `#[utoipa::path]`, mounts them on [`Routes`], and gives the finished router to
//! [`Server`]; the routers of several services merge into one.

mod around;
pub mod auth;
pub mod compression;
pub mod error;
pub mod extract;
mod json;
pub mod operations;
pub mod pages;
pub mod quota;
pub mod routes;
pub mod scrub;
pub mod server;
pub mod shutdown;
pub mod telemetry;

pub use auth::{AccessTokens, Authenticate, Caller};
pub use compression::compressed;
#[doc(hidden)]
pub use cyberid_protocol::problem::ProblemType;
pub use error::Failure;
pub use json::Json;
pub use routes::Routes;
pub use server::Server;

#[doc(hidden)]
pub use utoipa;
#[doc(hidden)]
pub use utoipa_axum;
