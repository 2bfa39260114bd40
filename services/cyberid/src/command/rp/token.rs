//! `cyberid rp token`

use std::process::ExitCode;

use clap::Args;
use cyberid_client::CallProof;
use cyberid_crypto::jws;
use cyberid_domain::Clock as _;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::id::Nonce;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::access::{Assertion, Audience, CLIENT_ASSERTION_TYPE, TokenAnswer, TokenError};
use serde_json::json;
use url::form_urlencoded;

use super::Common;
use super::party::Party;
use crate::command::Outcome;
use crate::command::outside::Failure;
use crate::terminal::line;

/// The life of the assertion in seconds: it is used at once.
const ASSERTION_LIFE: u64 = 60;

const HELP: &str = r#"Examples:
  cyberid rp token --call 'GET /v1/events' | curl -H @- 'http://127.0.0.1:8080/v1/events?after=0'
  curl -H "authorization: Bearer $(cyberid rp token --bearer)" 'http://127.0.0.1:8080/v1/events?after=0'"#;

/// Print an access token, to try calls with curl.
///
/// A token is bound to the relying party's key: alone it is worth nothing. With `--call`, prints the two header lines
/// that authorise one call, once and soon. With `--bearer`, prints a token that works on its own for ten minutes; only a
/// sandbox gives and takes it, and only on loopback.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Token {
    /// A token without DPoP, for a sandbox on loopback.
    #[arg(long)]
    bearer: bool,
    /// Print the headers of this one call, such as `POST /v1/verifications`.
    #[arg(long, value_name = "METHOD PATH", value_parser = method_and_path, conflicts_with = "bearer")]
    call: Option<(String, String)>,
    #[command(flatten)]
    common: Common,
}

/// Why there is no bearer token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum BearerError {
    /// The platform refused.
    #[error("no bearer token, which only a sandbox gives: {0}")]
    Refused(String),
    /// The answer cannot be read.
    #[error("an answer that is not of the documented form")]
    InvalidAnswer,
}

fn method_and_path(call: &str) -> Result<(String, String), &'static str> {
    let (method, path) = call
        .split_once(' ')
        .ok_or("a method and a path, such as `GET /v1/events`")?;
    let plain =
        !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase()) && path.starts_with('/');
    if plain {
        Ok((method.into(), path.into()))
    } else {
        Err("a method in capitals and a path from /")
    }
}

impl Token {
    pub(super) async fn run(self) -> Outcome {
        let party = Party::open(&self.common)?;
        let (token_type, token, proof) = match &self.call {
            _ if self.bearer => ("Bearer", bearer(&party).await?, None),
            Some((method, path)) => {
                let CallProof { token, proof } = party.rp.session().authorise(method, path).await?;
                ("DPoP", token, Some(proof))
            }
            None => (
                "DPoP",
                party.rp.session().authorise("GET", "/").await?.token,
                None,
            ),
        };
        if self.common.json {
            line(&json!({"access_token": token, "token_type": token_type, "dpop": proof}).to_string());
        } else if let Some(proof) = proof {
            line(&format!("authorization: DPoP {token}\ndpop: {proof}"));
        } else {
            line(&token);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A token that is bound to nothing (RFC 6750).
async fn bearer(party: &Party) -> Result<String, Failure> {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_assertion_type", CLIENT_ASSERTION_TYPE)
        .append_pair("client_assertion", &assertion(party)?)
        .finish();
    let client = party.rp.platform().client();
    let (status, text) = client
        .post_text("/oauth/token", "application/x-www-form-urlencoded", form)
        .await?;
    if status != 200 {
        let refused: Option<TokenError> = serde_json::from_str(&text).ok();
        let error = refused.map_or_else(|| format!("status {status}"), |refused| refused.error);
        return Err(BearerError::Refused(error).into());
    }
    let answer: TokenAnswer = serde_json::from_str(&text).map_err(|_| BearerError::InvalidAnswer)?;
    Ok(answer.access_token)
}

fn assertion(party: &Party) -> Result<String, Failure> {
    let name = party.rp.client_id().as_str();
    let now = SystemClock.now();
    let claims = Assertion {
        iss: name.into(),
        sub: name.into(),
        aud: Audience::One(party.rp.platform().issuer().into()),
        iat: Some(now),
        exp: now.plus(ASSERTION_LIFE),
        jti: Nonce::random(&SystemRng).as_str().into(),
    };
    Ok(jws::sign(&*party.keys()?.signer(), "JWT", &claims)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_a_method_and_a_path() {
        assert_eq!(
            method_and_path("GET /v1/events?after=0"),
            Ok(("GET".into(), "/v1/events?after=0".into()))
        );
        for wrong in ["/v1/events", "get /v1/events", "GET v1/events", " /v1/events", ""] {
            assert!(method_and_path(wrong).is_err(), "{wrong}");
        }
    }
}
