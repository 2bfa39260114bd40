//! Sending, and what an answer says.

use std::time::Duration;

use cyberid_protocol::problem::ProblemType;
use journeys::TOKEN_ERRORS;
use reqwest::header::HeaderValue;
use reqwest::{Client, Request, RequestBuilder, Response, StatusCode};
use serde_json::Value;

use crate::coverage;

/// What came of a message.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It had its effect.
    Accepted,
    /// It was refused, for this reason.
    Refused(String),
    /// Neither: the server failed, was silent, or answered in a way that is not documented.
    Broken(String),
}

impl Verdict {
    /// Whether the server had enough of this caller for now.
    pub(crate) fn is_rate_limit(&self) -> bool {
        matches!(self, Self::Broken(why) if why.contains("rate-limited"))
    }

    /// What a library of ours says.
    pub(crate) fn of<T, E: std::error::Error>(result: &Result<T, E>) -> Self {
        match result {
            Ok(_) => Self::Accepted,
            Err(_) => Self::Refused("by the library".into()),
        }
    }
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Answer {
    /// A refusal has to be a registered problem, or an error of OAuth.
    pub(crate) fn refusal(&self) -> Verdict {
        let code = self.body["code"].as_str().or_else(|| self.body["error"].as_str());
        let code = code.unwrap_or_default();
        let known = TOKEN_ERRORS.contains(&code)
            || ProblemType::named(code).is_some_and(|kind| self.status == kind.status());
        if self.status.is_server_error() || code == "rate-limited" {
            Verdict::Broken(format!("{} {}", self.status, self.body))
        } else if known && self.status.is_client_error() {
            Verdict::Refused(code.into())
        } else {
            Verdict::Broken(format!("not documented: {} {}", self.status, self.body))
        }
    }
}

/// Sends a call; what comes back is read to its end.
pub(crate) async fn send(call: RequestBuilder) -> Result<Answer, Verdict> {
    let (client, call) = call.build_split();
    let call = call.map_err(|_| Verdict::Refused("cannot be sent".into()))?;
    coverage::note(&call);
    let answer = executed(&client, call).await?;
    let status = answer.status();
    let text = answer.bytes().await;
    let text = text.map_err(|error| Verdict::Broken(format!("no whole answer: {error:?}")))?;
    if status == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE {
        return Err(Verdict::Refused("header too large".into()));
    }
    let body = serde_json::from_slice(&text).unwrap_or_default();
    Ok(Answer { status, body })
}

/// What is answered. A connection that was kept may have been closed while a busy machine stood still: only who gives no
/// answer again and again has failed.
async fn executed(client: &Client, call: Request) -> Result<Response, Verdict> {
    for _ in 0..2 {
        let Some(again) = call.try_clone() else { break };
        match client.execute(again).await {
            Err(error) if error.is_request() && !error.is_timeout() => {}
            answered => return answered.map_err(|error| no_answer(&error)),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    client.execute(call).await.map_err(|error| no_answer(&error))
}

fn no_answer(error: &reqwest::Error) -> Verdict {
    if error.is_builder() {
        Verdict::Refused("cannot be sent".into())
    } else {
        Verdict::Broken(format!("no answer: {error:?}"))
    }
}

/// Sends a call that has its effect if `effect` says so of a good answer.
pub(crate) async fn judged(call: RequestBuilder, effect: impl FnOnce(&Answer) -> bool) -> Verdict {
    match send(call).await {
        Err(verdict) => verdict,
        Ok(answer) if !answer.status.is_success() => answer.refusal(),
        Ok(answer) if effect(&answer) => Verdict::Accepted,
        Ok(_) => Verdict::Refused("without effect".into()),
    }
}

/// A message as a header's value; nothing where HTTP has no room for it (RFC 9110, section 5.5).
pub(crate) fn header(scheme: &str, message: &str) -> Result<HeaderValue, Verdict> {
    HeaderValue::from_bytes(format!("{scheme}{message}").as_bytes())
        .map_err(|_| Verdict::Refused("no header can hold it".into()))
}
