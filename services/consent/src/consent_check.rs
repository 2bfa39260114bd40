//! Whether a consent says exactly what the holder was shown (T12): every member is compared, with the object that the
//! platform signed and with the registration in force.

use cyberid_crypto::digest;
use cyberid_domain::field::Field;
use cyberid_protocol::consent::Consent as Claims;
use cyberid_protocol::request::ReleaseRequest;

use crate::Refusal;
use crate::ask::distinct;

/// The request object that a consent answers.
pub(crate) struct Shown {
    /// The object as it was signed and served.
    pub(crate) compact: String,
    /// What it says.
    pub(crate) request: ReleaseRequest,
}

/// The first member in which the consent differs from what was shown, or from the key that is registered now.
pub(crate) fn check(consent: &Claims, shown: &Shown, enc_jkt_now: &str) -> Result<(), Refusal> {
    let request = &shown.request;
    let statement_sha256 = digest::sha256_base64url(request.statement.text.as_bytes());
    let same = [
        ("aud", consent.aud == request.iss),
        ("rp", consent.rp == request.rp.client_id),
        ("request", consent.request == request.id),
        ("purpose", consent.purpose == request.purpose),
        ("fields", is_subset(&consent.fields, &request.fields)),
        ("legal_basis", consent.legal_basis == request.legal_basis),
        ("retention_days", consent.retention_days == request.retention_days),
        (
            "enc_jkt",
            consent.enc_jkt == request.enc_jkt && consent.enc_jkt == enc_jkt_now,
        ),
        ("notice_sha256", consent.notice_sha256 == request.notice_sha256),
        (
            "request_sha256",
            consent.request_sha256 == digest::sha256_base64url(shown.compact.as_bytes()),
        ),
        ("statement_sha256", consent.statement_sha256 == statement_sha256),
        ("locale", consent.locale == request.statement.locale),
    ];
    let differing = same.iter().find(|(_, same)| !same);
    differing.map_or(Ok(()), |(member, _)| Err(Refusal::ConsentMismatch(member)))
}

/// Whether some of the asked fields were granted, each once, in the order in which they were asked.
fn is_subset(granted: &[Field], asked: &[Field]) -> bool {
    let in_order: Vec<Field> = asked
        .iter()
        .copied()
        .filter(|field| granted.contains(field))
        .collect();
    !granted.is_empty() && distinct(granted) && in_order == granted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn granted_fields_are_some_of_the_asked_ones_in_their_order() {
        let asked = [Field::Name, Field::BirthDate, Field::DocumentNumber];
        for granted in [&asked[..], &asked[..1], &[Field::Name, Field::DocumentNumber]] {
            assert!(is_subset(granted, &asked), "{granted:?}");
        }
        for granted in [
            &[][..],
            &[Field::ValidUntil],
            &[Field::Name, Field::ValidUntil],
            &[Field::Name, Field::Name],
            &[Field::BirthDate, Field::Name],
        ] {
            assert!(!is_subset(granted, &asked), "{granted:?}");
        }
    }
}
