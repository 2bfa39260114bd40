//! A relying party in front of a platform, and good messages to alter.

use std::sync::Arc;

use cyberid_client::Client;
use cyberid_client::key_file::PrivateKey;
use cyberid_crypto::base64url;
use cyberid_domain::check::{Check, Factor};
use cyberid_domain::id::ClientId;
use cyberid_domain::relying_party::IntendedUse;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::registration::RegistrationCertificate;

use crate::platform_double::{NOW, PlatformDouble};
use crate::{Ask, RelyingParty, RpKeys};

pub(crate) fn client_id() -> ClientId {
    "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap()
}

pub(crate) fn other_client() -> ClientId {
    "BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap()
}

/// A well-formed pseudonym.
pub(crate) fn sub(byte: u8) -> String {
    base64url::encode(&[byte; 32])
}

pub(crate) fn ask() -> Ask {
    Ask {
        purpose: "register".into(),
        checks: vec![Check::RealPerson, Check::AgeOver18],
        factors: vec![Factor::Pin],
        sub: None,
        code: None,
        expires_in: None,
    }
}

/// A platform and a relying party that has met it, with its registration certificate.
pub(crate) async fn met() -> (Arc<PlatformDouble>, RelyingParty) {
    let double = PlatformDouble::start().await;
    let party = party_of(&double, Client::new(&double.issuer).unwrap()).await;
    let certificate = certificate(&double, &party);
    (double, party.with_certificates(vec![certificate]))
}

/// A relying party that meets a platform.
pub(crate) async fn party_of(double: &PlatformDouble, client: Client) -> RelyingParty {
    let keys = RpKeys::new(PrivateKey::make(&SystemRng), PrivateKey::make(&SystemRng)).unwrap();
    let (clock, rng) = (double.clock.clone(), Arc::new(SystemRng));
    RelyingParty::contact(client, client_id(), &keys, clock, rng)
        .await
        .unwrap()
}

fn certificate(double: &PlatformDouble, party: &RelyingParty) -> String {
    let certificate = RegistrationCertificate {
        iss: double.issuer.clone(),
        sub: client_id(),
        name: "示例网络服务".into(),
        domain: "isp.example".into(),
        intended_use: IntendedUse {
            purpose: "register".into(),
            checks: ask().checks,
            fields: Vec::new(),
            legal_basis: "contract".into(),
            retention_days: 30,
            notice_uri: "https://isp.example/notice".into(),
        },
        sig_jkts: vec![party.signer.kid().into()],
        enc_jkt: party.opener.kid().into(),
        iat: NOW,
        exp: NOW.plus(1000),
    };
    double.sign("registration", &certificate)
}
