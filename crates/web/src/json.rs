//! Answers in JSON.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::Failure;

/// The space that an answer begins with, in bytes: most answers fit, and are never moved while they are written.
const SPACE: usize = 2048;

/// An answer in JSON.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut text = Vec::with_capacity(SPACE);
        if let Err(error) = serde_json::to_writer(&mut text, &self.0) {
            return Failure::internal(error).into_response();
        }
        let content_type = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
        (StatusCode::OK, [content_type], Body::from(text)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[tokio::test]
    async fn an_answer_is_the_value_and_says_so() {
        for value in [String::new(), "x".repeat(SPACE)] {
            let response = Json(&value).into_response();
            assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
            let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
            assert_eq!(body.unwrap(), serde_json::to_vec(&value).unwrap());
        }
    }

    #[test]
    fn what_is_no_json_is_a_fault_of_ours() {
        let response = Json(BTreeMap::from([((), 1)])).into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
