//! `GET /{origin_hash}/checkpoint`: what this witness cosigned last, for whoever watches a log (C2SP tlog-witness, the
//! monitor's retrieval).

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use cyberid_web::extract::PathParam;
use cyberid_web::{Failure, ProblemType, problems};
use http::header::CONTENT_TYPE;

use super::TEXT;
use crate::Witness;

problems! {
    /// Why there is no checkpoint.
    pub(super) NotCosigned: NotFound
}

/// Gives the last checkpoint of a log that was cosigned here.
///
/// A signed note with the log's signature and this witness's cosignature. Compare it with what the log shows you: two
/// checkpoints of one size with different roots, or one that does not lead to the other, are a second history.
#[utoipa::path(
    get,
    path = "/{origin_hash}/checkpoint",
    operation_id = "read_cosigned_checkpoint",
    tag = "witness",
    params(("origin_hash" = String, Path, description = "SHA-256 of the log's name, in lowercase hexadecimal.",
        example = "d7612c54297eaa3e5a7756b17ce3adc5bed251af8059d72bbb8b0075c67b85e9")),
    responses(
        (status = 200, description = "The signed note.", body = String, content_type = "text/plain",
            example = json!("log.example\n1\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n\n\u{2014} log.example 3q2+7w==\n\u{2014} witness.example 3q2+7w==\n")),
        NotCosigned
    )
)]
pub(super) async fn read_checkpoint(
    State(witness): State<Arc<Witness>>,
    PathParam(OriginHash(hash)): PathParam<OriginHash>,
) -> Result<impl IntoResponse, Failure> {
    let note = witness.checkpoint(&hash).ok_or(ProblemType::NotFound)?;
    Ok(([(CONTENT_TYPE, TEXT)], note))
}

/// A hash as it stands in a path; whatever is none names no log.
pub(super) struct OriginHash(String);

impl FromStr for OriginHash {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}
