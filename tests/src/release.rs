//! A release of plaintext as far as its two ends take it.

use cyberid_client::key_file::PrivateKey;
use cyberid_crypto::{base64url, digest, jwe};
use cyberid_domain::field::Field;
use cyberid_holder::{Consented, ReviewedRequest};
use cyberid_protocol::statement::Locale;
use cyberid_relying_party::{PendingRelease, RelyingParty};
use serde_json::{Value, json};

use crate::people::{Citizen, verified_sub};

/// The sandbox's registered purpose that releases are for.
const PURPOSE: &str = "deliver";

/// A release that its holder has granted.
pub struct Granted {
    /// The relying party's end.
    pub pending: PendingRelease,
    /// The holder's end.
    pub consented: Consented,
}

impl Granted {
    /// Asks for name and birth date, of which the holder grants `fields`.
    pub async fn by(citizen: &Citizen, party: &RelyingParty, fields: &[Field]) -> Self {
        let sub = verified_sub(party, citizen).await;
        Self::to(&sub, citizen, party, fields).await
    }

    /// The same for a holder whom the relying party knows.
    pub async fn to(sub: &str, citizen: &Citizen, party: &RelyingParty, fields: &[Field]) -> Self {
        let asked = [Field::Name, Field::BirthDate];
        let pending = party.request_release(sub, PURPOSE, &asked).await.unwrap();
        let holder = &citizen.holder;
        let reviewed = holder
            .fetch_request(&pending.request_uri, Locale::English)
            .await
            .unwrap();
        let ReviewedRequest::Release(reviewed) = reviewed else {
            panic!("another kind of request")
        };
        let consented = holder.grant_release(&reviewed, fields).await.unwrap();
        Self { pending, consented }
    }
}

/// The claims by which a consent names the request that the holder was shown: all but who signs, for whom and when.
pub fn consent_to(compact: &[u8]) -> Value {
    let payload = compact.split(|byte| *byte == b'.').nth(1).unwrap();
    let payload = base64url::decode(str::from_utf8(payload).unwrap()).unwrap();
    let request: Value = serde_json::from_slice(&payload).unwrap();
    let mut claims = json!({
        "request": request["id"],
        "rp": request["rp"]["client_id"],
        "request_sha256": digest::sha256_base64url(compact),
        "statement_sha256": digest::sha256_base64url(request["statement"]["text"].as_str().unwrap().as_bytes()),
        "locale": request["statement"]["locale"],
    });
    for name in [
        "purpose",
        "fields",
        "legal_basis",
        "retention_days",
        "enc_jkt",
        "notice_sha256",
    ] {
        claims[name] = request[name].clone();
    }
    claims
}

/// The claims of an identity that was sealed to this key.
pub fn identity_in(sealed: &str, key: &PrivateKey) -> Value {
    let key = key.to_agreement_key().unwrap();
    let opened = jwe::Sealed::parse(sealed).unwrap().open(&key).unwrap();
    let compact = str::from_utf8(&opened).unwrap();
    let claims = base64url::decode(compact.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&claims).unwrap()
}
