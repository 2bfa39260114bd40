//! Callers who may not call, and proofs of possession that prove nothing.

use journeys::Operation;

use crate::refusal::{Code, Findings};
use crate::scene::{Call, Scene};

const ROLES: [&str; 5] = ["holder", "relying_party", "operator", "regulator", "authority"];
const NOBODY: Code = Code::Is("unauthenticated");

/// Calls an operation in every way in which it must not be called by the caller.
pub(crate) async fn try_wrong_callers(scene: &Scene, operation: &Operation, findings: &mut Findings) {
    if operation.roles().is_empty() {
        return;
    }
    for (call, code) in without_right(scene, operation).await {
        let answer = scene.send(&call).await;
        findings.refused(operation, &call.name, &answer, code);
    }
    for role in ROLES.iter().filter(|role| !operation.roles().contains(role)) {
        scene.warm(role).await;
        let call = authorised(scene, operation, role, &format!("the token of a {role}")).await;
        let answer = scene.send(&call).await;
        findings.refused(operation, &call.name, &answer, Code::Is("forbidden"));
    }
    try_replay(scene, operation, findings).await;
}

async fn authorised(scene: &Scene, operation: &Operation, role: &str, name: &str) -> Call {
    let call = Call::of(operation, name);
    let proof = scene
        .session(role)
        .authorise(&call.method, &call.path)
        .await
        .unwrap();
    call.with("authorization", format!("DPoP {}", proof.token))
        .with("dpop", proof.proof)
}

/// What a caller without the token, without the key, or with a proof of another call can send.
async fn without_right(scene: &Scene, operation: &Operation) -> Vec<(Call, Code)> {
    let role = operation.roles()[0];
    scene.warm(role).await;
    let session = scene.session(role);
    let call = Call::of(operation, "");
    let good = session.authorise(&call.method, &call.path).await.unwrap();
    let other_path = session.authorise(&call.method, "/v1/nonces").await.unwrap().proof;
    let other_method = session.authorise("PUT", &call.path).await.unwrap().proof;
    let other = if role == "regulator" {
        "operator"
    } else {
        "regulator"
    };
    scene.warm(other).await;
    let stranger = scene
        .session(other)
        .authorise(&call.method, &call.path)
        .await
        .unwrap();
    let (token, proof) = (&good.token, good.proof.as_str());
    let (head, signature) = token.rsplit_once('.').unwrap();
    let bent: String = signature.chars().rev().collect();
    let [bound, bare] = ["DPoP", "Bearer"].map(|scheme| format!("{scheme} {token}"));
    let [unsigned, bent] = ["", &bent].map(|signature| format!("DPoP {head}.{signature}"));
    let ways: [(&str, &[&str], &[&str]); 15] = [
        ("no token", &[], &[]),
        ("a proof without a token", &[], &[proof]),
        ("a garbage token", &["DPoP garbage"], &[proof]),
        ("an unsigned token", &[&unsigned], &[proof]),
        ("a bent token", &[&bent], &[proof]),
        ("a password", &["Basic YTpi"], &[]),
        ("the bound token as a bearer token", &[&bare], &[]),
        (
            "the bound token as a bearer token, with its proof",
            &[&bare],
            &[proof],
        ),
        ("the token without a proof", &[&bound], &[]),
        ("a garbage proof", &[&bound], &["a.b.c"]),
        ("a proof for another path", &[&bound], &[&other_path]),
        ("a proof for another method", &[&bound], &[&other_method]),
        ("somebody else's proof", &[&bound], &[&stranger.proof]),
        ("two proofs", &[&bound], &[proof, &stranger.proof]),
        ("two tokens", &[&bound, "DPoP garbage"], &[proof]),
    ];
    let call = |(name, tokens, proofs): (&str, &[&str], &[&str])| {
        let call = Call::of(operation, name);
        let call = tokens
            .iter()
            .fold(call, |call, token| call.with("authorization", *token));
        (
            proofs.iter().fold(call, |call, proof| call.with("dpop", *proof)),
            NOBODY,
        )
    };
    ways.into_iter().map(call).collect()
}

/// A proof is taken once: the first call uses it up, whatever it was good for.
async fn try_replay(scene: &Scene, operation: &Operation, findings: &mut Findings) {
    let role = operation.roles()[0];
    let call = authorised(scene, operation, role, "a replayed proof").await;
    // A body that is not one: the first call has no effect.
    let first = if operation.body.is_some() {
        call.clone().with_body(call.media_type.clone(), b"[]".to_vec())
    } else {
        call.clone()
    };
    let answer = scene.send(&first).await;
    assert_ne!(
        answer.status, 401,
        "{} {}: a good proof",
        operation.method, operation.path
    );
    findings.refused(operation, &call.name, &scene.send(&call).await, NOBODY);
}
