//! Compression of answers, for operations that ask for it where they are mounted (RFC 9110, section 12.5.3).
//!
//! Nothing is compressed by itself: the length of a compressed answer tells something about a secret that stands beside
//! what a caller chose (BREACH). What is public, or a file that never changes, has no such secret.

use axum::routing::MethodRouter;
use tower_http::compression::CompressionLayer;
use utoipa_axum::router::UtoipaMethodRouter;

/// Operations whose answers are sent by gzip to clients that take it, with `Vary: Accept-Encoding`. Only for answers
/// without secrets.
pub fn compressed<S: Clone + Send + Sync + 'static>(
    (schemas, paths, router): UtoipaMethodRouter<S>,
) -> UtoipaMethodRouter<S> {
    let router: MethodRouter<S> = router.layer(CompressionLayer::new());
    (schemas, paths, router)
}
