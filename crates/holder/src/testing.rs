//! A holder in front of a platform, and good messages to alter.

use std::sync::Arc;

use cyberid_client::Client;
use cyberid_crypto::jwe::Sealed;
use cyberid_crypto::{Sign, SigningKey, base64url, digest};
use cyberid_domain::UnixTime;
use cyberid_domain::check::{Check, Factor};
use cyberid_domain::field::Field;
use cyberid_domain::id::ClientId;
use cyberid_domain::relying_party::IntendedUse;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::canonical;
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::message::unverified;
use cyberid_protocol::receipt::{ConsentRecord, Evidence, Receipt};
use cyberid_protocol::registration::RegistrationCertificate;
use cyberid_protocol::request::{ReleaseRequest, RequestObject, RequestingParty, VerificationRequest};
use cyberid_protocol::statement::{Locale, Statement, Terms, render};
use zeroize::Zeroizing;

use crate::Holder;
use crate::platform_double::{NOW, PlatformDouble};

pub(crate) const SALT: [u8; 32] = [42; 32];

pub(crate) fn key(scalar: u8) -> SigningKey {
    SigningKey::from_scalar(&[scalar; 32]).unwrap()
}

pub(crate) fn client_id() -> ClientId {
    "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap()
}

/// A platform and a holder that has met it.
pub(crate) async fn met() -> (Arc<PlatformDouble>, Holder) {
    let double = PlatformDouble::start().await;
    let client = Client::new(&double.issuer).unwrap();
    let (clock, rng) = (double.clock.clone(), Arc::new(SystemRng));
    let holder = Holder::contact(client, Arc::new(key(7)), clock, rng)
        .await
        .unwrap();
    (double, holder)
}

/// What the relying party's app, and the platform, find inside a seal.
pub(crate) fn opened(double: &PlatformDouble, sealed: &str) -> Zeroizing<Vec<u8>> {
    Sealed::parse(sealed).unwrap().open(&double.sealing).unwrap()
}

pub(crate) fn party() -> RequestingParty {
    RequestingParty {
        client_id: client_id(),
        name: "示例网络服务".into(),
        domain: "isp.example".into(),
    }
}

pub(crate) fn certificate(double: &PlatformDouble) -> RegistrationCertificate {
    RegistrationCertificate {
        iss: double.issuer.clone(),
        sub: client_id(),
        name: party().name,
        domain: party().domain,
        intended_use: IntendedUse {
            purpose: "register".into(),
            checks: vec![Check::RealPerson, Check::AgeOver18],
            fields: vec![Field::Name, Field::DocumentNumber],
            legal_basis: "contract".into(),
            retention_days: 30,
            notice_uri: "https://isp.example/notice".into(),
        },
        sig_jkts: vec![key(21).kid().into()],
        enc_jkt: "enc".into(),
        iat: NOW.minus(1000),
        exp: NOW.plus(1000),
    }
}

pub(crate) fn verification(
    double: &PlatformDouble,
    certificate: &RegistrationCertificate,
) -> VerificationRequest {
    VerificationRequest {
        iss: double.issuer.clone(),
        id: "ver_AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
        rp: party(),
        purpose: "register".into(),
        checks: vec![Check::RealPerson, Check::AgeOver18],
        factors: vec![Factor::Device, Factor::Pin],
        nonce: "BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap(),
        comparison_code: "3368".into(),
        guardian_agreed: false,
        registration_certificate: double.sign("registration", certificate),
        iat: NOW,
        exp: NOW.plus(300),
    }
}

pub(crate) fn release(double: &PlatformDouble, certificate: &RegistrationCertificate) -> ReleaseRequest {
    let registered = &certificate.intended_use;
    let notice = canonical::to_string(registered).unwrap();
    let request = ReleaseRequest {
        iss: double.issuer.clone(),
        id: "rel_AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
        rp: party(),
        purpose: "register".into(),
        fields: vec![Field::Name, Field::DocumentNumber],
        factors: vec![Factor::Device],
        nonce: "BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap(),
        registration_certificate: double.sign("registration", certificate),
        legal_basis: registered.legal_basis.clone(),
        retention_days: registered.retention_days,
        notice_uri: registered.notice_uri.clone(),
        notice_sha256: digest::sha256_base64url(notice.as_bytes()),
        enc_jkt: certificate.enc_jkt.clone(),
        statement: Statement {
            locale: Locale::English,
            text: String::new(),
        },
        iat: NOW,
        exp: NOW.plus(300),
    };
    shown(request)
}

/// The request with the statement that its claims make.
pub(crate) fn shown(request: ReleaseRequest) -> ReleaseRequest {
    let statement = render(Locale::English, &Terms::from(&request));
    ReleaseRequest { statement, ..request }
}

/// When the consents here were granted.
pub(crate) fn granted() -> (LeafKind, UnixTime) {
    (LeafKind::ConsentGranted, NOW)
}

/// The receipt that the platform makes of a request object, a consent that this device signed, and what became of it.
pub(crate) fn receipt(
    double: &PlatformDouble,
    request: &str,
    consent: &str,
    life: &[(LeafKind, UnixTime)],
) -> Receipt {
    let claims = unverified::<RequestObject>(request).and_then(|request| request.unchecked_claims());
    let Ok(RequestObject::Release(shown)) = claims else {
        panic!("a release")
    };
    let evidence = Evidence {
        statement: shown.statement.text,
        request: request.into(),
        consent: consent.into(),
        device_jwk: key(7).public_key().to_jwk(),
        salt: base64url::encode(&SALT),
    };
    let leaf = evidence
        .read()
        .unwrap()
        .leaf(consent, life.iter().copied())
        .unwrap();
    let leaf = leaf.to_text().unwrap();
    Receipt {
        record: ConsentRecord::of(evidence, life.iter().copied()).unwrap(),
        proof: double.append(&leaf),
        leaf,
        ledger: None,
    }
}
