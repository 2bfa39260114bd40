//! Signed messages.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::extract::ConnectInfo;
use cyberid_crypto::jws::{Header, Unverified};
use cyberid_crypto::{MacKey, base64url, json};
use cyberid_domain::UnixTime;
use cyberid_domain::clock::ManualClock;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::access::{Assertion, DpopProof};
use cyberid_protocol::attestation::Attestation;
use cyberid_protocol::cancellation::Cancellation;
use cyberid_protocol::certificate::Certificate;
use cyberid_protocol::consent::Consent;
use cyberid_protocol::deposit::{Deposit, Reservation, Settlement};
use cyberid_protocol::device::{Binding, DeviceApproval, Unbinding};
use cyberid_protocol::direct_request::DirectRequest;
use cyberid_protocol::event::SecurityEvent;
use cyberid_protocol::export::Manifest;
use cyberid_protocol::face::FaceEvidence;
use cyberid_protocol::guardian_consent::GuardianConsent;
use cyberid_protocol::guardian_release::GuardianRelease;
use cyberid_protocol::key_certificate::KeyCertificate;
use cyberid_protocol::key_proof::KeyProof;
use cyberid_protocol::life::{Renumbering, Resumption, Suspension};
use cyberid_protocol::message::Message;
use cyberid_protocol::notice::SourceNotice;
use cyberid_protocol::official::{Countersignature, Order};
use cyberid_protocol::proof::Proof;
use cyberid_protocol::registration::{KeyChange, RegistrationCertificate};
use cyberid_protocol::replacement::{StagedVersion, VersionSwitch};
use cyberid_protocol::request::RequestObject;
use cyberid_protocol::source::SourceAnswer;
use cyberid_protocol::withdrawal::Withdrawal;
use cyberid_web::auth::{AccessTokens, Authenticate as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{seeds, text};

/// Nothing is taken for signed but what was signed; the three parts have one text each.
pub(crate) fn jws(bytes: &[u8]) -> bool {
    let Some(compact) = text(bytes) else { return false };
    let Ok(message) = Unverified::parse_any_type(compact) else {
        return false;
    };
    let parts: Vec<&str> = compact.split('.').collect();
    assert_eq!(parts.len(), 3);
    for part in &parts {
        assert_eq!(base64url::encode(&base64url::decode(part).unwrap()), *part);
    }
    let header = base64url::decode(parts.first().unwrap()).unwrap();
    let header: Header = json::from_slice(&header).unwrap();
    assert_eq!(header.alg, message.suite().signing_alg());
    assert!(message.kid().is_err() || message.embedded_key().is_err());
    if let Ok(key) = message.embedded_key() {
        let _ = message.clone().verify::<Value>(&key);
    }
    let verified = message.verify::<Value>(&seeds::signer().public_key()).is_ok();
    assert!(!verified || was_signed(compact), "{compact}");
    verified
}

/// Whether the words are those of a seed; the signature may be another of the same key.
fn was_signed(compact: &str) -> bool {
    static SIGNED: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    let words = |compact: &str| compact.rsplit_once('.').unwrap().0.as_bytes().to_vec();
    let signed = SIGNED.get_or_init(|| {
        let seeds = seeds::jws().into_iter();
        seeds.map(|seed| words(str::from_utf8(&seed).unwrap())).collect()
    });
    signed.contains(&words(compact))
}

/// Claims of every type read back as they were written, and a message of one type is of no other.
pub(crate) fn messages(bytes: &[u8]) -> bool {
    fn round<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> bool {
        let Ok(claims) = json::from_slice::<T>(bytes) else {
            return false;
        };
        let written = serde_json::to_vec(&claims).unwrap();
        let Ok(again) = json::from_slice::<T>(&written) else {
            panic!(
                "what was written is not read: {}",
                String::from_utf8_lossy(&written)
            );
        };
        assert_eq!(serde_json::to_vec(&again).unwrap(), written);
        true
    }
    let mut taken = false;
    macro_rules! each {
        ($($message:ty),*) => {
            $(taken |= round::<$message>(bytes);)*
            if let Some(compact) = text(bytes) {
                let types = [$(<$message>::TYP),*];
                let read = types.iter().filter(|typ| Unverified::parse(compact, typ).is_ok());
                assert!(read.count() <= 1);
            }
        };
    }
    each!(
        Proof,
        Consent,
        Withdrawal,
        Certificate,
        Attestation,
        RequestObject,
        DirectRequest,
        KeyChange,
        RegistrationCertificate,
        SecurityEvent,
        GuardianConsent,
        GuardianRelease,
        Cancellation,
        Suspension,
        Resumption,
        Renumbering,
        DeviceApproval,
        Order,
        Countersignature,
        Reservation,
        Deposit,
        Settlement,
        Binding,
        Unbinding,
        StagedVersion,
        VersionSwitch,
        Manifest,
        KeyCertificate,
        SourceAnswer,
        SourceNotice,
        FaceEvidence
    );
    taken |= round::<KeyProof>(bytes) | round::<Assertion>(bytes) | round::<DpopProof>(bytes);
    if let Some(compact) = text(bytes)
        && let Ok((key, _)) = KeyProof::open(compact)
    {
        assert_eq!(
            Unverified::parse(compact, "cyberid-key-proof+jwt")
                .unwrap()
                .embedded_key(),
            Ok(key)
        );
        taken = true;
    }
    taken
}

/// No bytes in the two headers of a call make a caller.
pub(crate) fn dpop(bytes: &[u8]) -> bool {
    let (token, proof) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(at) => bytes.split_at(at),
        None => (bytes, bytes),
    };
    let proof = proof.strip_prefix(b"\n").unwrap_or(proof);
    let request = http::Request::builder()
        .uri("/v1/me")
        .header("authorization", token)
        .header("dpop", proof)
        .body(());
    let Ok(request) = request else { return false };
    let (mut parts, ()) = request.into_parts();
    parts
        .extensions
        .insert(ConnectInfo(SocketAddr::from(([203, 0, 113, 7], 443))));
    let called = crate::http_texts::now(access_tokens().authenticate(&parts));
    assert!(called.is_some_and(|caller| caller.is_err()));
    let _ = access_tokens().binding_of_token_request(&parts);
    assert!(text(token).is_none_or(|token| access_tokens().inspect(token).is_none()));
    text(proof).is_some_and(|proof| Unverified::parse(proof, "dpop+jwt").is_ok())
}

fn access_tokens() -> &'static AccessTokens {
    static TOKENS: OnceLock<AccessTokens> = OnceLock::new();
    TOKENS.get_or_init(|| {
        let clock = Arc::new(ManualClock::new(UnixTime(seeds::NOW)));
        let key = MacKey::new([7; 32].into());
        AccessTokens::new("https://id.example", &key, clock, Arc::new(SystemRng))
    })
}
