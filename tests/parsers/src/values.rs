//! Values in JSON, and values that stand in paths and forms.

use cyberid_client::key_file::PrivateKey;
use cyberid_crypto::jwk::{Jwk, JwkSet, PublicKey};
use cyberid_crypto::{Sign as _, base64url, json as strict};
use cyberid_domain::document::{DocumentNumber, DocumentType};
use cyberid_domain::id::{
    CaseId, ClientId, ConsentId, CounterCode, IdentityActId, Nonce, OfficialAccessId, ReleaseId, RequestId,
    VerificationId, WardId,
};
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::personal::Personal;
use cyberid_domain::pin::Pin;
use cyberid_protocol::canonical as jcs;
use cyberid_protocol::counter::{CounterEnrolmentBody, CounterRecoveryBody};
use cyberid_protocol::device::RecoveryBody;
use cyberid_protocol::enrolment::EnrolmentBody;
use cyberid_protocol::leaf::Leaf;
use cyberid_protocol::life::{FreshProof, IdentityActBody, RenewalBody};
use cyberid_protocol::notice::NoticesAnswer;
use cyberid_protocol::problem::Problem;
use cyberid_protocol::receipt::Receipt;
use cyberid_protocol::registration::{KeyChangeBody, Registration};
use cyberid_protocol::release::{ErasureBody, ReleaseBody};
use cyberid_protocol::request::{Answer, AnswerBody};
use cyberid_protocol::source::IdentityCheckAnswer;
use cyberid_protocol::statement::Locale;
use cyberid_protocol::verification::VerificationBody;
use cyberid_protocol::ward::WardAnswerBody;
use cyberid_protocol::withdrawal::WithdrawalBody;
use serde_json::Value;

use crate::text;

/// A key that is read is on the curve, and is written as it was named.
pub(crate) fn jwk(bytes: &[u8]) -> bool {
    let Ok(jwk) = strict::from_slice::<Jwk>(bytes) else {
        return strict::from_slice::<JwkSet>(bytes).is_ok();
    };
    let Ok(key) = PublicKey::try_from(&jwk) else {
        return false;
    };
    assert_eq!((key.to_jwk().x, key.to_jwk().y), (jwk.x, jwk.y));
    assert_eq!(PublicKey::from_sec1(key.as_sec1()), Ok(key));
    assert_eq!(
        base64url::decode(&key.thumbprint()).map(|bytes| bytes.len()),
        Some(32)
    );
    true
}

/// A private key that is read signs for the public key that it names.
pub(crate) fn key_file(bytes: &[u8]) -> bool {
    let Ok(key) = PrivateKey::from_jwk(bytes) else {
        return false;
    };
    assert_eq!(key.to_signing_key().unwrap().public_key(), key.public_key());
    assert_eq!(
        PrivateKey::from_jwk(&key.to_jwk()).unwrap().public_key(),
        key.public_key()
    );
    true
}

/// The strict reader reads what the lax one reads, or refuses.
pub(crate) fn json(bytes: &[u8]) -> bool {
    let Ok(value) = strict::from_slice::<Value>(bytes) else {
        return false;
    };
    assert!(value.is_object());
    assert_eq!(serde_json::from_slice::<Value>(bytes).unwrap(), value);
    let written = serde_json::to_vec(&value).unwrap();
    assert_eq!(strict::from_slice::<Value>(&written), Ok(value));
    true
}

/// One value has one canonical text, which reads back as itself; no other text of it is read.
pub(crate) fn canonical(bytes: &[u8]) -> bool {
    let Some(text) = text(bytes) else { return false };
    let taken = jcs::from_str::<Value>(text);
    if let Ok(value) = &taken {
        assert_eq!(jcs::to_string(value).as_deref(), Ok(text));
    }
    if let Ok(value) = strict::from_slice::<Value>(bytes)
        && let Ok(canonical) = jcs::to_string(&value)
    {
        let again = jcs::from_str::<Value>(&canonical).unwrap();
        assert_eq!(jcs::to_string(&again), Ok(canonical));
    }
    taken.is_ok()
}

/// A leaf has one text.
pub(crate) fn leaf(bytes: &[u8]) -> bool {
    let Some(text) = text(bytes) else { return false };
    let Ok(leaf) = Leaf::from_text(text) else {
        return false;
    };
    assert_eq!(leaf.to_text().as_deref(), Ok(text));
    assert_eq!(serde_json::from_str::<Leaf>(text).unwrap(), leaf);
    true
}

/// A problem that is read is written as what it says.
pub(crate) fn problem(bytes: &[u8]) -> bool {
    let Ok(problem) = strict::from_slice::<Problem>(bytes) else {
        return false;
    };
    let written = serde_json::to_vec(&problem).unwrap();
    assert_eq!(strict::from_slice::<Problem>(&written), Ok(problem));
    true
}

/// Bodies of calls are read or refused, and nothing else.
pub(crate) fn bodies(bytes: &[u8]) -> bool {
    let taken = strict::from_slice::<EnrolmentBody>(bytes).is_ok()
        | strict::from_slice::<KeyChangeBody>(bytes).is_ok()
        | strict::from_slice::<ErasureBody>(bytes).is_ok()
        | strict::from_slice::<ReleaseBody>(bytes).is_ok()
        | strict::from_slice::<VerificationBody>(bytes).is_ok()
        | strict::from_slice::<WithdrawalBody>(bytes).is_ok()
        | strict::from_slice::<Receipt>(bytes).is_ok()
        | strict::from_slice::<RecoveryBody>(bytes).is_ok()
        | strict::from_slice::<CounterEnrolmentBody>(bytes).is_ok()
        | strict::from_slice::<CounterRecoveryBody>(bytes).is_ok()
        | strict::from_slice::<FreshProof>(bytes).is_ok()
        | strict::from_slice::<RenewalBody>(bytes).is_ok()
        | strict::from_slice::<IdentityActBody>(bytes).is_ok()
        | strict::from_slice::<WardAnswerBody>(bytes).is_ok()
        | strict::from_slice::<IdentityCheckAnswer>(bytes).is_ok()
        | strict::from_slice::<NoticesAnswer>(bytes).is_ok();
    if let Ok(body) = strict::from_slice::<AnswerBody>(bytes) {
        let (sealed, declined) = (body.sealed.clone(), body.declined);
        if let Ok(answer) = Answer::try_from(body) {
            assert_eq!(
                answer == Answer::Declined,
                declined == Some(true) && sealed.is_none()
            );
        }
    }
    if let Ok(registration) = strict::from_slice::<Registration>(bytes) {
        let written = serde_json::to_vec(&registration).unwrap();
        assert_eq!(strict::from_slice::<Registration>(&written), Ok(registration));
        return true;
    }
    taken
}

/// A name in a path has one text.
pub(crate) fn names(bytes: &[u8]) -> bool {
    let Some(text) = text(bytes) else { return false };
    let mut taken = false;
    macro_rules! same {
        ($($name:ty),*) => {$(
            if let Ok(name) = text.parse::<$name>() {
                assert_eq!(name.as_str(), text);
                taken = true;
            }
        )*};
    }
    same!(
        CaseId,
        ClientId,
        ConsentId,
        CounterCode,
        IdentityActId,
        Nonce,
        OfficialAccessId,
        ReleaseId,
        VerificationId,
        WardId
    );
    taken | text.parse::<RequestId>().is_ok()
}

/// A locale has one tag.
pub(crate) fn locale(bytes: &[u8]) -> bool {
    let Some(text) = text(bytes) else { return false };
    let locale = text.parse::<Locale>();
    assert!(locale.as_ref().map_or(true, |locale| locale.as_str() == text));
    locale.is_ok()
}

/// A PIN is eight digits, and a chosen one can be entered.
pub(crate) fn pin(bytes: &[u8]) -> bool {
    let Some(text) = text(bytes) else { return false };
    let entered = Pin::entered(text.into());
    assert_eq!(
        entered.is_ok(),
        text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit())
    );
    let chosen = Pin::chosen(text.into());
    assert!(chosen.is_err() || entered.is_ok());
    chosen.is_ok()
}

/// A document's number has one canonical form, which is its own.
pub(crate) fn document_number(bytes: &[u8]) -> bool {
    let Some(text) = text(bytes) else { return false };
    let mut taken = false;
    for kind in DocumentType::ALL {
        if let Ok(number) = DocumentNumber::parse(kind, &Personal::new(text.into())) {
            let again = DocumentNumber::parse(kind, &Personal::new(number.expose().into())).unwrap();
            assert_eq!(again.expose(), number.expose());
            assert!(number.expose().is_ascii());
            taken = true;
        }
    }
    taken
}

/// A network number is shown as it is read, and no neighbour of it is one.
pub(crate) fn network_number(bytes: &[u8]) -> bool {
    let Some(text) = text(bytes) else { return false };
    let Ok(number) = text.parse::<NetworkNumber>() else {
        return false;
    };
    assert_eq!(number.to_string().parse(), Ok(number.clone()));
    let compact = number.compact();
    assert_eq!(compact.parse(), Ok(number));
    for at in 0..9 {
        let mut swapped: Vec<char> = compact.chars().collect();
        swapped.swap(at, at + 1);
        let swapped: String = swapped.into_iter().collect();
        assert!(swapped == compact || swapped.parse::<NetworkNumber>().is_err());
    }
    true
}
