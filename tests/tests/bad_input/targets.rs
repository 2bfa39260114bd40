//! Every place that takes a signed message, with a good one for it.

use std::sync::Arc;

use cyberid_crypto::{PublicKey, Sign, digest};
use cyberid_domain::clock::{Clock as _, SystemClock};
use cyberid_domain::id::Nonce;
use cyberid_domain::rng::SystemRng;
use journeys::PIN;
use serde_json::{Value, json};

use crate::forgery::Good;
use crate::messages::{INVALID, Target, Wrap};
use crate::refusal::Code;
use crate::scene::Scene;

/// Over how many requests the forged proofs and consents are spread.
const SHARES: usize = 4;
const MISMATCH: Code = Code::OneOf(&["consent-mismatch", "invalid-message"]);

const KEY_PROOF: &str = "cyberid-key-proof+jwt";

/// Every place, with a message that would be taken.
pub(crate) async fn targets(scene: &Scene) -> Vec<Target> {
    let sealing = scene.citizen.holder.platform().sealing_key().await.unwrap();
    let device = scene.citizen.key.signer();
    let mut targets = Vec::new();
    for index in 0..SHARES {
        let target = proof(scene, sealing, device.clone()).await;
        targets.push(target.sharing(index, SHARES));
        let target = consent(scene, sealing, device.clone()).await;
        targets.push(target.sharing(index, SHARES));
    }
    targets.extend([
        direct_proof(scene, sealing, device.clone()),
        withdrawal(scene, device.clone()),
        key_proof(scene).await,
        key_change(scene),
        client_assertion(scene),
        holder_assertion(scene, device),
    ]);
    targets
}

pub(crate) fn fresh() -> Value {
    json!(Nonce::random(&SystemRng))
}

/// Claims with an audience and times, as every message has them.
fn claims(scene: &Scene, life: u64, more: &Value) -> Value {
    let now = SystemClock.now().0;
    let mut claims = json!({"aud": scene.citizen.holder.platform().issuer(), "iat": now, "exp": now + life, "jti": fresh()});
    claims
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    claims
}

fn ours(typ: &'static str, claims: Value, key: Arc<dyn Sign>) -> Good {
    Good {
        typ,
        claims,
        key,
        embeds: false,
        ours: true,
    }
}

async fn proof(scene: &Scene, sealing: PublicKey, device: Arc<dyn Sign>) -> Target {
    let nonce = fresh();
    let ask = json!({"purpose": "register", "checks": ["real_person"], "nonce": nonce, "expires_in": 600});
    let asked: Value = scene
        .party
        .session()
        .post("/v1/verifications", &ask)
        .await
        .unwrap();
    let claims = claims(
        scene,
        300,
        &json!({"rp": scene.party.client_id(), "request": asked["id"], "purpose": "register",
            "checks": ["real_person"], "factors": [], "nonce": nonce}),
    );
    let good = ours("cyberid-proof+jwt", claims, device);
    let path = format!("/v1/requests/{}/answer", asked["id"].as_str().unwrap());
    let target = Target::of(
        "answer_verification_request",
        Wrap::Sealed("proof", sealing),
        good,
    )
    .at(path);
    target.unfit([
        ("rp", json!("b3RoZXItY2xpZW50LTEyMw"), INVALID),
        ("request", json!("ver_3q2-7wAAAAAAAAAAAAAAAA"), INVALID),
        ("purpose", json!("deliver"), INVALID),
        ("checks", json!(["document_valid"]), INVALID),
        ("checks", json!(["real_person", "age_over_18"]), INVALID),
        ("checks", json!([]), INVALID),
        ("nonce", fresh(), INVALID),
    ])
}

pub(crate) fn direct_proof(scene: &Scene, sealing: PublicKey, device: Arc<dyn Sign>) -> Target {
    let more = json!({"rp": scene.party.client_id(), "purpose": "register", "checks": ["real_person"],
        "factors": [], "nonce": fresh()});
    let good = ours("cyberid-proof+jwt", claims(scene, 300, &more), device);
    Target::of("verify_directly", Wrap::Sealed("proof", sealing), good).unfit([
        ("rp", json!("b3RoZXItY2xpZW50LTEyMw"), INVALID),
        ("request", json!("ver_3q2-7wAAAAAAAAAAAAAAAA"), INVALID),
        ("purpose", json!("advertise"), Code::Is("unregistered-use")),
        ("checks", json!(["age_over_21"]), Code::Is("over-asking")),
        ("checks", json!([]), INVALID),
    ])
}

async fn consent(scene: &Scene, sealing: PublicKey, device: Arc<dyn Sign>) -> Target {
    let sub = journeys::verified_sub(&scene.party, &scene.citizen).await;
    let ask = json!({"sub": sub, "purpose": "deliver", "fields": ["name"], "nonce": fresh()});
    let asked: Value = scene.party.session().post("/v1/releases", &ask).await.unwrap();
    let id = asked["id"].as_str().unwrap();
    let client = scene.citizen.holder.platform().client();
    let compact = client
        .get_bytes(&format!("/v1/requests/{id}?locale=en"))
        .await
        .unwrap();
    let more = journeys::consent_to(&compact);
    let good = ours("cyberid-consent+jwt", claims(scene, 3600, &more), device);
    let path = format!("/v1/requests/{id}/answer");
    let other_hash = json!(digest::sha256_base64url(b"another"));
    let target = Target::of("answer_release_request", Wrap::Sealed("consent", sealing), good).at(path);
    target.unfit([
        ("rp", json!("b3RoZXItY2xpZW50LTEyMw"), MISMATCH),
        ("request", json!("rel_Zm9vYmFyYmF6cXV4MTIzNA"), MISMATCH),
        ("purpose", json!("register"), MISMATCH),
        ("fields", json!(["name", "birth_date"]), MISMATCH),
        ("fields", json!(["document_number"]), MISMATCH),
        ("fields", json!(["name", "name"]), MISMATCH),
        ("fields", json!([]), MISMATCH),
        ("legal_basis", json!("none"), MISMATCH),
        ("retention_days", json!(100_000), MISMATCH),
        ("enc_jkt", other_hash.clone(), MISMATCH),
        ("notice_sha256", other_hash.clone(), MISMATCH),
        ("request_sha256", other_hash.clone(), MISMATCH),
        ("statement_sha256", other_hash, MISMATCH),
        ("locale", json!("zh-CN"), MISMATCH),
    ])
}

fn withdrawal(scene: &Scene, device: Arc<dyn Sign>) -> Target {
    let consent = &scene.granted.consented.consent_id;
    let good = ours(
        "cyberid-withdrawal+jwt",
        claims(scene, 300, &json!({"consent": consent})),
        device,
    );
    let path = format!("/v1/consents/{consent}/withdraw");
    let other = json!("con_c2FtcGxlLWNvbnNlbnQtaQ");
    Target::of("withdraw_consent", Wrap::Member("withdrawal", json!({})), good)
        .at(path)
        .unfit([("consent", other, INVALID)])
}

/// Takes another nonce where one is in a message: a platform that was restarted takes none of the one before.
pub(crate) async fn renew(scene: &Scene, targets: &mut [Target]) {
    for target in targets {
        if target.good.typ == KEY_PROOF {
            *target = key_proof(scene).await;
        }
    }
}

async fn key_proof(scene: &Scene) -> Target {
    let person = scene.split.platform().adult(7).await;
    let document = &person.document;
    let body = json!({
        "document": {"type": document.kind, "name": document.name, "number": document.number,
            "valid_until": document.valid_until},
        "evidence": {"kind": person.evidence.kind, "token": person.evidence.token},
        "pin": PIN,
        "locale": "en",
    });
    let nonce: Value = scene
        .split
        .platform()
        .client
        .post_empty("/v1/nonces")
        .await
        .unwrap();
    let mut claims = claims(scene, 300, &json!({"nonce": nonce["nonce"]}));
    let members = claims.as_object_mut().unwrap();
    members.retain(|name, _| !["exp", "jti"].contains(&name.as_str()));
    let key = scene.split.platform().device_key().signer();
    let good = Good {
        typ: KEY_PROOF,
        claims,
        key,
        embeds: true,
        ours: true,
    };
    Target::of("create_enrolment", Wrap::Member("key_proof", body), good).unfit([(
        "nonce",
        fresh(),
        Code::Is("unknown-nonce"),
    )])
}

fn key_change(scene: &Scene) -> Target {
    let platform = scene.split.platform();
    let signing = platform.private_key("/relying_party/signing_jwk");
    let sealing = platform.private_key("/relying_party/encryption_jwk").public_key();
    let suite = platform.suite();
    let to_sign = signing.public_key().to_published_jwk("sig", suite.signing_alg());
    let jwks = json!({"keys": [to_sign, sealing.to_published_jwk("enc", suite.agreement_alg())]});
    let alone = json!({"keys": [to_sign]});
    let client = scene.party.client_id();
    let claims = claims(scene, 300, &json!({"iss": client, "jwks": jwks}));
    let mut good = ours(
        "cyberid-key-change+jwt",
        claims,
        Arc::new(signing.to_signing_key().unwrap()),
    );
    good.claims.as_object_mut().unwrap().remove("jti");
    let path = format!("/v1/relying-parties/{client}/keys");
    let refused = Code::OneOf(&["invalid-registration", "invalid-message"]);
    Target::of(
        "change_relying_party_keys",
        Wrap::Member("key_change", json!({})),
        good,
    )
    .at(path)
    .unfit([
        ("iss", json!("b3RoZXItY2xpZW50LTEyMw"), INVALID),
        ("jwks", alone, refused),
        ("jwks", json!({"keys": []}), refused),
    ])
}

fn client_assertion(scene: &Scene) -> Target {
    let key = scene.split.platform().private_key("/relying_party/signing_jwk");
    let form = "grant_type=client_credentials&client_assertion_type=\
        urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion";
    let client = scene.party.client_id();
    let other: String = scene.split.platform().key_file("/regulator/client_id");
    assertion(
        scene,
        form,
        client.as_str(),
        Arc::new(key.to_signing_key().unwrap()),
        &other,
    )
}

fn holder_assertion(scene: &Scene, device: Arc<dyn Sign>) -> Target {
    let form = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion";
    let kid = device.kid().to_owned();
    let other = scene.split.platform().device_key().public_key().thumbprint();
    assertion(scene, form, &kid, device, &other)
}

fn assertion(scene: &Scene, form: &str, name: &str, key: Arc<dyn Sign>, other: &str) -> Target {
    let claims = claims(scene, 120, &json!({"iss": name, "sub": name}));
    let good = Good {
        typ: "JWT",
        claims,
        key,
        embeds: false,
        ours: false,
    };
    Target::of("obtain_token", Wrap::Form(form.into()), good).unfit([
        ("iss", json!(other), Code::Any),
        ("sub", json!(other), Code::Any),
        ("jti", json!(7), Code::Any),
        ("exp", Value::Null, Code::Any),
    ])
}
