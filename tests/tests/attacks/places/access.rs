//! The token endpoint and what a call carries. Acceptance: a token is given; the call is answered.

use std::sync::Arc;

use cyberid_crypto::digest;
use journeys::attacks::Token;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::place::Place;
use crate::scene::{Scene, fresh};
use crate::wire::{Answer, Verdict, header, judged};

const CLIENT: [(&str, &str); 2] = [
    ("grant_type", "client_credentials"),
    (
        "client_assertion_type",
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    ),
];
const HOLDER: [(&str, &str); 1] = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")];

/// What RFC 7523 and RFC 7519 leave open in an assertion: a `typ` of their own or none, no `kid`, one audience in an
/// array, no `iat`, further claims.
const ASSERTION: &[&str] = &[
    "no typ",
    "the right words under typ jwt",
    "the right words under typ client-authentication+jwt",
    "no kid",
    "aud is an array of one",
    "iat is missing",
    "an unknown claim*",
];

/// What RFC 9449 leaves open in a proof: further claims, and the form of its name, of which a digest is kept. Blanks
/// around a header's value are no part of it (RFC 9110, section 5.5).
const DPOP: &[&str] = &[
    "an unknown claim*",
    "jti is empty",
    "jti is too long",
    "written with a space before",
    "written with a space behind",
    "written with a tab before",
];

pub(super) fn client_assertion(scene: &Arc<Scene>) -> Place<Token> {
    let (making, taking) = (scene.clone(), scene.clone());
    let good = async move || client(&making);
    let present = async move |_: &Token, message: &str| {
        let form = [CLIENT.as_slice(), &[("client_assertion", message)]].concat();
        judged(
            taking.http().post(taking.url("/oauth/token")).form(&form),
            gives_a_token,
        )
        .await
    };
    Place::new("client assertion", good, present).taking(ASSERTION)
}

pub(super) fn holder_assertion(scene: &Arc<Scene>) -> Place<Token> {
    let (making, taking) = (scene.clone(), scene.clone());
    let good = async move || {
        let key = making.device();
        let claims = making.claims(120, &json!({"iss": key.kid(), "sub": key.kid()}));
        Token::of("JWT", claims, key)
    };
    let present = async move |_: &Token, message: &str| {
        let form = [HOLDER.as_slice(), &[("assertion", message)]].concat();
        judged(
            taking.http().post(taking.url("/oauth/token")).form(&form),
            gives_a_token,
        )
        .await
    };
    Place::new("holder's assertion", good, present).taking(ASSERTION)
}

fn client(scene: &Scene) -> Token {
    let id = scene.party.client_id();
    Token::of(
        "JWT",
        scene.claims(120, &json!({"iss": id, "sub": id})),
        scene.rp_key(),
    )
}

fn gives_a_token(answer: &Answer) -> bool {
    answer.body["access_token"].is_string()
}

/// A proof for another address than `GET /v1/me`, with a nonce that is fresh.
async fn proof(scene: &Scene, change: impl FnOnce(&mut Value)) -> Token {
    let proof = scene.call_proof().await.proof;
    let mut claims = Token::stolen(proof, scene.device()).claims;
    change(&mut claims);
    Token::embedding("dpop+jwt", claims, scene.device())
}

pub(super) fn dpop_for_a_token(scene: &Arc<Scene>) -> Place<Token> {
    let (making, taking) = (scene.clone(), scene.clone());
    let good = async move || {
        let address = making.url("/oauth/token");
        proof(&making, |claims| {
            claims["htm"] = "POST".into();
            claims["htu"] = address.into();
            claims.as_object_mut().unwrap().remove("ath");
        })
        .await
    };
    let present = async move |_: &Token, message: &str| {
        let assertion = client(&taking).compact;
        let form = [CLIENT.as_slice(), &[("client_assertion", &assertion)]].concat();
        let call = taking.http().post(taking.url("/oauth/token")).form(&form);
        match header("", message) {
            Ok(proof) => judged(call.header("dpop", proof), gives_a_token).await,
            Err(verdict) => verdict,
        }
    };
    Place::new("DPoP proof for a token", good, present).taking(DPOP)
}

pub(super) fn dpop_for_a_call(scene: &Arc<Scene>) -> Place<Token> {
    let (making, taking) = (scene.clone(), scene.clone());
    let good = async move || {
        let proof = making.call_proof().await;
        Token::stolen(proof.proof, making.device()).at(proof.token.into())
    };
    let present = async move |good: &Token, message: &str| {
        let token = good.context.as_str().unwrap();
        me(&taking, header("DPoP ", token), header("", message)).await
    };
    Place::new("DPoP proof for a call", good, present).taking(DPOP)
}

pub(super) fn access_token(scene: &Arc<Scene>) -> Place<Token> {
    let (making, taking) = (scene.clone(), scene.clone());
    // The holder is the attacker, who has a token and wants to be somebody else, or to be longer.
    let good = async move || Token::stolen(making.call_proof().await.token, making.device());
    let present = async move |_: &Token, message: &str| {
        let hash = digest::sha256_base64url(message.as_bytes());
        let proof = proof(&taking, |claims| {
            claims["ath"] = hash.into();
            claims["jti"] = fresh();
        });
        let proof = proof.await.compact;
        me(&taking, header("DPoP ", message), header("", &proof)).await
    };
    Place::new("access token", good, present)
}

/// What an operator asks of a token. Acceptance: it is active.
pub(super) fn introspection(scene: &Arc<Scene>) -> Place<Token> {
    const PATH: &str = "/oauth/introspect";
    let (making, taking) = (scene.clone(), scene.clone());
    let operator = scene.split.platform().operator(0);
    let good = async move || Token::stolen(making.call_proof().await.token, making.device());
    let present = async move |_: &Token, message: &str| {
        let call = taking.http().post(taking.url(PATH)).form(&[("token", message)]);
        let call = taking.authorise(&operator, PATH, call).await;
        judged(call, |answer| answer.body["active"] == true).await
    };
    Place::new("token that is introspected", good, present)
}

async fn me(
    scene: &Scene,
    token: Result<reqwest::header::HeaderValue, Verdict>,
    proof: Result<reqwest::header::HeaderValue, Verdict>,
) -> Verdict {
    let (token, proof) = match (token, proof) {
        (Ok(token), Ok(proof)) => (token, proof),
        (Err(verdict), _) | (_, Err(verdict)) => return verdict,
    };
    let call = scene.http().get(scene.url("/v1/me"));
    let call = call.header(AUTHORIZATION, token).header("dpop", proof);
    judged(call, |answer| answer.body["network_number"].is_string()).await
}
