//! What the relying party's library reads. Acceptance: it believes. Reading twice is no effect.

use std::rc::Rc;
use std::sync::Arc;

use cyberid_client::{KeyRole, Platform};
use cyberid_crypto::jwe;
use cyberid_domain::clock::{Clock as _, SystemClock};
use cyberid_domain::id::{ClientId, OfficialAccessId};
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::key_certificate::KeyCertificate;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::official::{OfficialIdentity, OfficialIdentityClaims};
use cyberid_relying_party::{Expected, RelyingParty, RpKeys};
use journeys::attacks::{Seal, Token};
use serde_json::{Value, json};

use super::holder::reissued;
use crate::mirror::Mirror;
use crate::place::{Place, TWIN};
use crate::scene::{Scene, ask, patiently};
use crate::wire::Verdict;

/// The relying party's library in front of the mirror.
async fn mirrored(scene: &Scene) -> Rc<RelyingParty> {
    Rc::new(in_front_of(scene, &scene.mirror).await)
}

async fn in_front_of(scene: &Scene, mirror: &Mirror) -> RelyingParty {
    let platform = scene.split.platform();
    let keys = RpKeys::new(
        platform.private_key("/relying_party/signing_jwk"),
        scene.rp_sealing_key(),
    );
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let id = scene.party.client_id().clone();
    let keys = keys.unwrap();
    patiently(async || {
        let (clock, rng) = (clock.clone(), rng.clone());
        RelyingParty::contact(mirror.client(), id.clone(), &keys, clock, rng).await
    })
    .await
}

/// A question, and the attestation that answered it.
pub(crate) async fn attested(scene: &Scene) -> (Expected, String) {
    let (party, holder) = (&scene.party, &scene.citizen.holder);
    let (compact, expected) = party.direct_request(&ask()).await.unwrap();
    let reviewed = holder.review_direct(&compact).await.unwrap();
    let sealed = holder.direct_proof(&reviewed, None).await.unwrap();
    let real = party.submit_direct(sealed, expected.clone()).await.unwrap();
    (expected, real.compact().to_owned())
}

pub(super) async fn attestation(scene: &Arc<Scene>) -> Place<Token> {
    let (expected, real) = attested(scene).await;
    let (making, taking) = (scene.clone(), scene.clone());
    let good = async move || reissued(&making, &real, "attestation");
    // One question has one answer: every message meets a party that was given none yet.
    let present = async move |_: &Token, message: &str| {
        let party = mirrored(&taking).await;
        Verdict::of(&party.check_attestation(&expected, message).await)
    };
    // Which pseudonym somebody has is the platform's own word.
    Place::new("attestation", good, present).taking(&["sub is in capitals", TWIN])
}

/// What the root says of the key that signed an attestation. Acceptance: the attestation is believed by who pinned the root.
pub(super) async fn key_certificate(scene: &Arc<Scene>) -> Place<Token> {
    let mirror = Mirror::open(scene.split.platform()).await;
    let (root, key) = (scene.key(), mirror.key("attestation"));
    let (expected, real) = attested(scene).await;
    let mut claims = Token::stolen(real, key.clone()).claims;
    claims["iss"] = mirror.url().into();
    let attestation = Token::of("cyberid-attestation+jwt", claims, key.clone()).compact;
    let (taking, pinned) = (scene.clone(), root.public_key());
    let good = async move || {
        let certificate = KeyCertificate::new("attestation", key.public_key(), SystemClock.now());
        Token::of(
            KeyCertificate::TYP,
            serde_json::to_value(certificate).unwrap(),
            root.clone(),
        )
    };
    let present = async move |_: &Token, message: &str| {
        mirror.certify(message);
        let party = in_front_of(&taking, &mirror).await.trusting_root(pinned);
        Verdict::of(&party.check_attestation(&expected, &attestation).await)
    };
    Place::new("certificate of a signing key", good, present).taking(&[TWIN])
}

/// What an authority's program reads. Acceptance: it is the platform's, for this authority and access.
pub(super) async fn official_identity(scene: &Arc<Scene>) -> Place<Token> {
    let mirror = scene.mirror.client();
    let platform = Platform::contact(mirror, Arc::new(SystemClock)).await.unwrap();
    let authority: ClientId = scene.split.platform().key_file("/authority/client_id");
    let access = OfficialAccessId::random(&SystemRng);
    let (making, aud, official) = (scene.clone(), authority.clone(), access.clone());
    let good = async move || {
        let claims = json!({"iss": making.mirror.url(), "aud": aud, "iat": SystemClock.now(), "official": official,
            "identity": {"name": "Nobody"}});
        Token::of(OfficialIdentity::TYP, claims, making.mirror.key("identity"))
    };
    let present = async move |_: &Token, message: &str| {
        let read = platform
            .verify(KeyRole::Identity, OfficialIdentity::TYP, message)
            .await;
        let ours = read.as_ref().is_ok_and(|read: &OfficialIdentityClaims| {
            read.is_for(platform.issuer(), &authority, &access, SystemClock.now())
        });
        if ours {
            Verdict::Accepted
        } else {
            Verdict::Refused("by the library".into())
        }
    };
    // As an identity for a relying party, it says when it was given.
    let place = Place::new("identity for an authority", good, present);
    place.taking(&["a message expired*", "a message of the year 1970", TWIN])
}

pub(super) async fn event(scene: &Arc<Scene>) -> Place<Token> {
    let (making, mirrored) = (scene.clone(), mirrored(scene).await);
    let good = async move || reissued(&making, &making.event, "event");
    let present = async move |_: &Token, message: &str| Verdict::of(&mirrored.check_event(message).await);
    // An event says when something happened, and a feed is read for a long time: it does not expire.
    Place::new("security event", good, present).taking(&[
        "a message expired*",
        "a message of the year 1970",
        TWIN,
    ])
}

pub(super) async fn identity(scene: &Arc<Scene>) -> Place<Token> {
    let (making, taking, mirrored) = (scene.clone(), scene.clone(), mirrored(scene).await);
    let good = async move || reissued(&making, &opened(&making), "identity");
    let present = async move |_: &Token, message: &str| {
        let sealed = Seal::to(taking.rp_sealing_key().public_key(), message.as_bytes());
        redeemed(&taking, &mirrored, &sealed.compact).await
    };
    // An identity says when it was given; the ledger says that it was.
    Place::new("identity within a good seal", good, present).taking(&[
        "a message expired*",
        "a message of the year 1970",
        TWIN,
    ])
}

pub(super) async fn sealed_identity(scene: &Arc<Scene>) -> Place<Seal> {
    let (making, taking, mirrored) = (scene.clone(), scene.clone(), mirrored(scene).await);
    let good = async move || {
        let identity = reissued(&making, &opened(&making), "identity");
        Seal::to(making.rp_sealing_key().public_key(), identity.compact.as_bytes())
    };
    let present = async move |_: &Seal, message: &str| redeemed(&taking, &mirrored, message).await;
    Place::new("sealed identity", good, present)
}

/// The identity that the platform signed.
pub(crate) fn opened(scene: &Scene) -> String {
    let key = scene.rp_sealing_key().to_agreement_key().unwrap();
    let sealed = scene.delivered.1["identity"].as_str().unwrap();
    let opened = jwe::Sealed::parse(sealed).unwrap().open(&key).unwrap();
    String::from_utf8(opened.to_vec()).unwrap()
}

async fn redeemed(scene: &Scene, mirrored: &RelyingParty, identity: &str) -> Verdict {
    let (granted, redeemed) = &scene.delivered;
    let mut answer: Value = redeemed.clone();
    answer["identity"] = identity.into();
    let line = format!("POST /v1/releases/{}/redeem", granted.pending.id);
    // Two places redeem the same release.
    let _turn = scene.redeeming.lock().await;
    scene.mirror.tell(&line, &answer);
    Verdict::of(&mirrored.redeem(&granted.pending).await)
}
