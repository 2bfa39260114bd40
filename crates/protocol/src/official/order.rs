//! The order of the first officer, the signature of the second, and what each has to say.

use std::collections::HashSet;

use cyberid_crypto::digest;
use cyberid_crypto::jws::InvalidJws;
use cyberid_domain::UnixTime;
use cyberid_domain::clock::DAY;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, Nonce};
use cyberid_domain::number::NetworkNumber;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::authority::{Authority, Officer};
use crate::message::{self, Message};
use crate::pseudonym;

/// The longest life of an order in seconds: until then it can be countersigned and carried out.
pub const MAX_LIFE: u64 = 7 * DAY;

/// By how many seconds after it was signed an order may at most delay that the person is told.
pub const MAX_NOTICE_DELAY: u64 = 90 * DAY;

/// The longest case reference and the longest legal basis in characters.
const MAX_TEXT: usize = 200;

/// The claims of an order; its `kid` is the key of the officer who orders. It has no value that could name two people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The platform's issuer.
    pub aud: String,
    /// The authority for which the officer signs.
    pub authority: ClientId,
    /// The subject by network number; then neither `client_id` nor `sub` is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_number: Option<NetworkNumber>,
    /// The relying party at which the subject is known as `sub`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// The subject's pseudonym there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The fields that are asked, each once.
    pub fields: Vec<Field>,
    /// The authority's own name of the case.
    pub case_reference: String,
    /// The law that the order rests on.
    pub legal_basis: String,
    /// When it was signed.
    pub iat: UnixTime,
    /// Until when it can be carried out, at most [`MAX_LIFE`] later.
    pub exp: UnixTime,
    /// Before when the person is not told, at most [`MAX_NOTICE_DELAY`] after it was signed; at once if absent.
    #[serde(
        default,
        deserialize_with = "cyberid_crypto::json::present",
        skip_serializing_if = "Option::is_none"
    )]
    pub notice_after: Option<UnixTime>,
    /// The thumbprint of the authority's registered key, the only one that plaintext is encrypted to.
    pub enc_jkt: String,
    /// The officer's own name for it; used once.
    pub jti: Nonce,
}

impl Message for Order {
    const TYP: &'static str = "cyberid-official-order+jwt";
}

/// The claims of a countersignature; its `kid` is the key of another officer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Countersignature {
    /// The platform's issuer.
    pub aud: String,
    /// The authority for which the officer signs.
    pub authority: ClientId,
    /// [`words_sha256`] of the order.
    pub order_sha256: String,
    /// When it was signed.
    pub iat: UnixTime,
    /// Until when it stands, at most [`MAX_LIFE`] later.
    pub exp: UnixTime,
    /// The officer's own name for it; used once.
    pub jti: Nonce,
}

impl Message for Countersignature {
    const TYP: &'static str = "cyberid-official-countersignature+jwt";
}

/// The one subject of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OneSubject {
    /// By network number.
    Number(NetworkNumber),
    /// By a relying party's pseudonym.
    Pseudonym {
        /// The relying party.
        client_id: ClientId,
        /// The pseudonym there.
        sub: String,
    },
}

/// Why a message of an officer is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefused {
    /// It is malformed, for another, not signed by an officer of this authority, or does not say what it has to.
    #[error("the message is not valid")]
    Invalid,
    /// It is signed, and wider than one subject.
    #[error("it is wider than one subject")]
    TooWide,
    /// It is not of this moment.
    #[error("the message is not of this moment")]
    NotNow,
    /// The officer who signed first signed again.
    #[error("the same officer signed twice")]
    SameOfficer,
}

/// An order whose officer was checked.
#[derive(Debug, Clone)]
pub struct OrderedBy<'a> {
    /// What it says.
    pub order: Order,
    /// Whom it is about.
    pub subject: OneSubject,
    /// Who signed.
    pub officer: &'a Officer,
}

/// SHA-256 of the signed words of a compact message (header and claims), base64url. The signature is not in it: it has
/// a twin, and nothing is named by it.
pub fn words_sha256(compact: &str) -> String {
    let words = compact
        .rsplit_once('.')
        .map_or(compact, |(words, _signature)| words);
    digest::sha256_base64url(words.as_bytes())
}

/// Reads an order to `issuer` that an officer of this authority signed, whatever the moment. The first answer that is
/// true: not theirs; wider than one subject; not as an order has to be.
pub fn open_order<'a>(
    compact: &str,
    authority: &'a Authority,
    issuer: &str,
) -> Result<OrderedBy<'a>, OrderRefused> {
    let message = message::unverified::<Order>(compact).map_err(|_| OrderRefused::Invalid)?;
    let officer = message.kid().ok().and_then(|kid| authority.officer(kid));
    let officer = officer.ok_or(OrderRefused::Invalid)?;
    let claims: Map<String, Value> = message
        .clone()
        .verify(&officer.key)
        .map_err(|_| OrderRefused::Invalid)?;
    require_one_subject(&claims)?;
    let order: Order = message
        .verify(&officer.key)
        .map_err(|_: InvalidJws| OrderRefused::Invalid)?;
    let ours = order.aud == issuer
        && order.authority == authority.client_id
        && order.enc_jkt == authority.encryption_key.thumbprint();
    if !ours || !order.is_well_formed() {
        return Err(OrderRefused::Invalid);
    }
    let subject = order.subject()?;
    Ok(OrderedBy {
        order,
        subject,
        officer,
    })
}

/// Checks that another officer of this authority signed for the order of `first` at the moment `now`.
pub fn check_second(
    compact: &str,
    order: &str,
    first: &Officer,
    authority: &Authority,
    issuer: &str,
    now: UnixTime,
) -> Result<Countersignature, OrderRefused> {
    let message = message::unverified::<Countersignature>(compact).map_err(|_| OrderRefused::Invalid)?;
    let officer = message.kid().ok().and_then(|kid| authority.officer(kid));
    let officer = officer.ok_or(OrderRefused::Invalid)?;
    let second: Countersignature = message
        .verify(&officer.key)
        .map_err(|_: InvalidJws| OrderRefused::Invalid)?;
    let fits = second.aud == issuer
        && second.authority == authority.client_id
        && second.order_sha256 == words_sha256(order);
    if !fits {
        return Err(OrderRefused::Invalid);
    }
    if officer.id == first.id || officer.key == first.key {
        return Err(OrderRefused::SameOfficer);
    }
    message::check_life(second.iat, second.exp, MAX_LIFE, now).map_err(|_| OrderRefused::NotNow)?;
    Ok(second)
}

impl Order {
    /// Checks that the order is of this moment.
    pub fn check_life(&self, now: UnixTime) -> Result<(), OrderRefused> {
        message::check_life(self.iat, self.exp, MAX_LIFE, now).map_err(|_| OrderRefused::NotNow)
    }

    /// The one subject.
    pub fn subject(&self) -> Result<OneSubject, OrderRefused> {
        match (&self.network_number, &self.client_id, &self.sub) {
            (Some(number), None, None) => Ok(OneSubject::Number(number.clone())),
            (None, Some(client_id), Some(sub)) => Ok(OneSubject::Pseudonym {
                client_id: client_id.clone(),
                sub: sub.clone(),
            }),
            _ => Err(OrderRefused::TooWide),
        }
    }

    fn is_well_formed(&self) -> bool {
        let distinct: HashSet<_> = self.fields.iter().collect();
        // What a person reads in a terminal moves no cursor there.
        let text = |text: &str| {
            let plain = !text.chars().any(char::is_control);
            plain && !text.trim().is_empty() && text.chars().count() <= MAX_TEXT
        };
        let delayed = self.notice_after.is_none_or(|after| {
            let last = self.iat.plus(MAX_NOTICE_DELAY);
            after <= last
        });
        !self.fields.is_empty()
            && distinct.len() == self.fields.len()
            && text(&self.case_reference)
            && text(&self.legal_basis)
            && delayed
            && self.sub.as_deref().is_none_or(pseudonym::is_well_formed)
    }
}

impl OneSubject {
    /// What a leaf's commitment is made over.
    pub fn named(&self) -> String {
        match self {
            Self::Number(number) => format!("network_number\n{}", number.compact()),
            Self::Pseudonym { client_id, sub } => format!("sub\n{client_id}\n{sub}"),
        }
    }
}

/// The members that an order may have beside its subject; any other would be a criterion of a search.
const BESIDE: [&str; 10] = [
    "aud",
    "authority",
    "fields",
    "case_reference",
    "legal_basis",
    "iat",
    "exp",
    "notice_after",
    "enc_jkt",
    "jti",
];

/// Exactly one subject, by exactly one name: no list, no wildcard, no pattern, no second one, no further criterion.
fn require_one_subject(claims: &Map<String, Value>) -> Result<(), OrderRefused> {
    let single = |name: &str| claims.get(name).is_some_and(is_single);
    let there = |name: &str| claims.contains_key(name);
    let one = match (there("network_number"), there("client_id"), there("sub")) {
        (true, false, false) => single("network_number"),
        (false, true, true) => single("client_id") && single("sub"),
        _ => false,
    };
    let subject = ["network_number", "client_id", "sub"];
    let searches = |name: &String| !BESIDE.contains(&name.as_str()) && !subject.contains(&name.as_str());
    if one && !claims.keys().any(searches) {
        Ok(())
    } else {
        Err(OrderRefused::TooWide)
    }
}

/// Whether a value can be one name and nothing else.
fn is_single(value: &Value) -> bool {
    let single = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    value
        .as_str()
        .is_some_and(|text| !text.is_empty() && text.bytes().all(single))
}

#[cfg(test)]
mod tests;
