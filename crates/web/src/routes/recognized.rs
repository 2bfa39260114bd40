//! The caller of an operation that anybody may call and that knows its callers where they say who they are.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use crate::Failure;
use crate::auth::{Caller, HolderCaller};

impl<S: Send + Sync> OptionalFromRequestParts<S> for HolderCaller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Failure> {
        if parts.extensions.get::<Caller>().is_none() {
            return Ok(None);
        }
        <Self as FromRequestParts<S>>::from_request_parts(parts, state)
            .await
            .map(Some)
    }
}
