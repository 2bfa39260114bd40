//! The problems' pages, embedded: what a caller finds at a problem's `type`.

use cyberid_protocol::problem::ProblemType;

macro_rules! pages {
    ($($kind:ident = $slug:literal;)*) => {
        /// The page of a problem, in Markdown: English, then Chinese.
        pub const fn page(kind: ProblemType) -> &'static str {
            match kind {
                $(ProblemType::$kind => include_str!(concat!("../../../docs/problems/", $slug, ".md")),)*
            }
        }
    };
}

pages! {
    MalformedRequest = "malformed-request";
    UnsupportedMediaType = "unsupported-media-type";
    RequestTooLarge = "request-too-large";
    NotFound = "not-found";
    MethodNotAllowed = "method-not-allowed";
    Unauthenticated = "unauthenticated";
    UseDpopNonce = "use-dpop-nonce";
    Forbidden = "forbidden";
    RateLimited = "rate-limited";
    RequestTimeout = "request-timeout";
    Unavailable = "unavailable";
    Internal = "internal";
    InvalidMessage = "invalid-message";
    ExpiredMessage = "expired-message";
    ReplayedMessage = "replayed-message";
    UnknownNonce = "unknown-nonce";
    EnrolmentRefused = "enrolment-refused";
    OverAsking = "over-asking";
    UnregisteredUse = "unregistered-use";
    RequestClosed = "request-closed";
    ReleaseNotGranted = "release-not-granted";
    ReleaseVoid = "release-void";
    AlreadyRedeemed = "already-redeemed";
    AlreadyWithdrawn = "already-withdrawn";
    ConsentMismatch = "consent-mismatch";
    WitnessUnavailable = "witness-unavailable";
    IdempotencyMismatch = "idempotency-mismatch";
    RelyingPartyInactive = "relying-party-inactive";
    TwoPersonsRequired = "two-persons-required";
    InvalidRegistration = "invalid-registration";
    PinUnacceptable = "pin-unacceptable";
    InvalidSub = "invalid-sub";
    WarrantRefused = "warrant-refused";
    StaleConsistency = "stale-consistency";
    SourceUnavailable = "source-unavailable";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_has_its_own_page() {
        for kind in ProblemType::ALL {
            assert!(
                page(*kind).starts_with(&format!("# {}\n", kind.title())),
                "{kind}"
            );
            assert!(page(*kind).contains(&format!("`{kind}`")), "{kind}");
        }
    }
}
