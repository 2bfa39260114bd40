//! What a refusal has to look like, and the list of those that do not.

use cyberid_protocol::problem::ProblemType;
use journeys::{Operation, TOKEN_ERRORS};
use reqwest::header::HeaderMap;
use serde_json::Value;

/// A text that stands in wrong calls and must not come back.
pub(crate) const MARKER: &str = "echo-me-7f3a";

/// Which problem is right.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Code {
    /// This one.
    Is(&'static str),
    /// One of these.
    OneOf(&'static [&'static str]),
    /// Whichever is declared.
    Any,
}

impl Code {
    fn admits(self, code: &str) -> bool {
        match self {
            Self::Is(expected) => code == expected,
            Self::OneOf(expected) => expected.contains(&code),
            Self::Any => true,
        }
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }
}

/// What was found wrong.
#[derive(Default)]
pub(crate) struct Findings {
    tried: usize,
    wrong: Vec<String>,
}

impl Findings {
    /// Notes whatever is wrong with a refusal.
    pub(crate) fn refused(&mut self, operation: &Operation, attempt: &str, answer: &Answer, code: Code) {
        self.tried += 1;
        if let Err(why) = check(operation, answer, code) {
            let Operation {
                service,
                method,
                path,
                ..
            } = operation;
            let said = String::from_utf8_lossy(&answer.body);
            self.wrong.push(format!(
                "{service}: {method} {path} with {attempt}: {why}: {} {said:.200}",
                answer.status
            ));
        }
    }

    /// How many calls were made.
    pub(crate) fn tried(&self) -> usize {
        self.tried
    }

    /// Ends the test if anything was wrong.
    pub(crate) fn report(&self) {
        let count = self.wrong.len();
        assert!(
            count == 0,
            "{count} of {} calls:\n{}",
            self.tried,
            self.wrong.join("\n")
        );
    }
}

fn check(operation: &Operation, answer: &Answer, code: Code) -> Result<(), String> {
    demand((400..500).contains(&answer.status), "not a refusal")?;
    demand(answer.header("cache-control") == "no-store", "may be stored")?;
    demand(
        operation.said["responses"]
            .get(answer.status.to_string())
            .is_some(),
        "a status that is not documented",
    )?;
    demand(answer.body.len() < 1024, "a long answer")?;
    demand(!String::from_utf8_lossy(&answer.body).contains(MARKER), "an echo")?;
    match answer.header("content-type") {
        "application/json" if operation.path == "/oauth/token" => token_error(answer),
        // C2SP tlog-witness has answers of its own.
        "text/plain; charset=utf-8" | "text/x.tlog.size" if operation.path == "/add-checkpoint" => Ok(()),
        "application/problem+json" => problem(operation, answer, code),
        other => Err(format!("a media type of its own: {other:?}")),
    }
}

fn token_error(answer: &Answer) -> Result<(), String> {
    let body: Value = serde_json::from_slice(&answer.body).map_err(|_| "not JSON")?;
    let error = body["error"].as_str().unwrap_or_default();
    demand(TOKEN_ERRORS.contains(&error), "not an error of OAuth")
}

fn problem(operation: &Operation, answer: &Answer, expected: Code) -> Result<(), String> {
    let body: Value = serde_json::from_slice(&answer.body).map_err(|_| "not JSON")?;
    let code = body["code"].as_str().unwrap_or_default();
    let kind = ProblemType::named(code).ok_or("not in the registry")?;
    demand(
        body["type"] == format!("/problems/{code}"),
        "type and code differ",
    )?;
    demand(body["status"] == answer.status, "status and status differ")?;
    demand(kind.status() == answer.status, "not the status of its kind")?;
    demand(body["title"].is_string(), "without a title")?;
    demand(operation.problems().contains(&code), "not declared")?;
    if code == "unauthenticated" || code == "use-dpop-nonce" {
        demand(
            answer.header("www-authenticate").starts_with("DPoP"),
            "without a challenge",
        )?;
    }
    if expected.admits(code) {
        Ok(())
    } else {
        Err(format!("not {expected:?}"))
    }
}

fn demand(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}
