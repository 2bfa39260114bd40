//! Why an operation did not do what it was asked, and whose fault it is.

use cyberid_client::ClientError;
use cyberid_crypto::KeyFailure;
use cyberid_domain::UnixTime;
use cyberid_domain::official::OfficialRefusal;
use cyberid_ledger::LedgerError;
use cyberid_protocol::canonical::NotCanonical;
use cyberid_protocol::problem::{Problem, ProblemType};
use cyberid_storage::StorageError;
use cyberid_web::Failure;
use cyberid_web::quota::OverQuota;

/// The caller is told so: nothing of the platform failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing is there that this caller may see.
    #[error("nothing is there that this caller may see")]
    NotFound,
    /// A member of the body is not of the documented form.
    #[error("{0} is not of the documented form")]
    Malformed(&'static str),
    /// The relying party is not approved, is suspended, or its registration has ended.
    #[error("the relying party is not active")]
    RelyingPartyInactive,
    /// The purpose is not registered.
    #[error("the purpose is not registered")]
    UnregisteredUse,
    /// A field is not registered for the purpose.
    #[error("a field is not registered for the purpose")]
    OverAsking,
    /// The pseudonym is not of the form of one.
    #[error("not a pseudonym")]
    InvalidSub,
    /// The request was answered or is over.
    #[error("the request is closed")]
    RequestClosed,
    /// A signed or sealed message is not one of ours, or its key is not known.
    #[error("the message is not valid")]
    InvalidMessage,
    /// A signed message is not of this moment.
    #[error("the message is not of this moment")]
    ExpiredMessage,
    /// A signed message was used before.
    #[error("the message was used before")]
    ReplayedMessage,
    /// The device may not release anything before this moment.
    #[error("the device cools off")]
    CoolingOff(UnixTime),
    /// The consent says something else than the request, in this member.
    #[error("the consent differs in {0}")]
    ConsentMismatch(&'static str),
    /// The release does not stand where it could be redeemed.
    #[error("the release is not granted")]
    NotGranted,
    /// The relying party's key, name or registered use is no longer the one that the holder agreed to.
    #[error("the release is void")]
    Void,
    /// The release was redeemed.
    #[error("the release was redeemed before")]
    AlreadyRedeemed,
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    IdempotencyMismatch,
    /// The consent was withdrawn.
    #[error("the consent was withdrawn before")]
    AlreadyWithdrawn,
    /// Too few witnesses cosigned in time.
    #[error("too few witnesses cosigned in time")]
    WitnessUnavailable,
    /// An order is wider than one subject.
    #[error("the order is wider than one subject")]
    OrderTooWide,
    /// A second, different officer has to sign.
    #[error("a second, different officer has to sign")]
    SecondOfficer,
    /// The official access was refused for good.
    #[error("the official access was refused: {}", .0.as_str())]
    Official(OfficialRefusal),
    /// Somebody has reported that the identifier is theirs: it does not end before that is decided.
    #[error("somebody has reported that the identifier is theirs")]
    Claimed,
    /// Too many read the ledger at once.
    #[error("too many read the ledger at once")]
    TooManyReaders,
    /// Too many requests.
    #[error(transparent)]
    Quota(#[from] OverQuota),
}

/// Why an operation did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ConsentError {
    /// The caller is told why.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A store failed.
    #[error("a store failed")]
    Storage(#[from] StorageError),
    /// The ledger failed.
    #[error("the ledger failed")]
    Ledger(#[from] LedgerError),
    /// A key holder did not answer, or not as documented.
    #[error("a key holder did not answer")]
    KeyHolder(#[from] ClientError),
    /// A key holder refused the warrant.
    #[error("a key holder refused the warrant: {reason}")]
    WarrantRefused {
        /// The key holder's reason.
        reason: String,
    },
    /// A key holder's checkpoint kept moving.
    #[error("a key holder's checkpoint kept moving")]
    Overtaken,
    /// The key holders do not know yet how an enrolment ended.
    #[error("the key holders do not know yet how the enrolment ended")]
    Unsettled,
    /// A key could not be used.
    #[error("a key could not be used")]
    Key(#[from] KeyFailure),
    /// The registry holds something that nobody could have written through this service.
    #[error("the registry holds a {0} that cannot be")]
    Corrupt(&'static str),
}

impl From<NotCanonical> for ConsentError {
    fn from(_: NotCanonical) -> Self {
        Self::Corrupt("leaf")
    }
}

impl Refusal {
    const fn kind(self) -> ProblemType {
        match self {
            Self::NotFound => ProblemType::NotFound,
            Self::Malformed(_) => ProblemType::MalformedRequest,
            Self::RelyingPartyInactive => ProblemType::RelyingPartyInactive,
            Self::UnregisteredUse => ProblemType::UnregisteredUse,
            Self::OverAsking => ProblemType::OverAsking,
            Self::InvalidSub => ProblemType::InvalidSub,
            Self::RequestClosed => ProblemType::RequestClosed,
            Self::InvalidMessage => ProblemType::InvalidMessage,
            Self::ExpiredMessage => ProblemType::ExpiredMessage,
            Self::ReplayedMessage => ProblemType::ReplayedMessage,
            Self::CoolingOff(_) => ProblemType::DeviceCoolingOff,
            Self::ConsentMismatch(_) => ProblemType::ConsentMismatch,
            Self::NotGranted => ProblemType::ReleaseNotGranted,
            Self::Void => ProblemType::ReleaseVoid,
            Self::AlreadyRedeemed => ProblemType::AlreadyRedeemed,
            Self::IdempotencyMismatch => ProblemType::IdempotencyMismatch,
            Self::AlreadyWithdrawn => ProblemType::AlreadyWithdrawn,
            Self::WitnessUnavailable => ProblemType::WitnessUnavailable,
            Self::OrderTooWide => ProblemType::OrderTooWide,
            Self::SecondOfficer => ProblemType::TwoPersonsRequired,
            Self::Official(_) => ProblemType::OfficialRefused,
            Self::Claimed => ProblemType::IdentifierInactive,
            Self::TooManyReaders => ProblemType::Unavailable,
            Self::Quota(_) => ProblemType::RateLimited,
        }
    }

    fn problem(self) -> Problem {
        let problem = Problem::new(self.kind());
        match self {
            Self::Malformed(member) => problem.with("reason", member),
            Self::CoolingOff(from) => problem.with("release_from", from.0),
            Self::ConsentMismatch(member) => problem.with("member", member),
            Self::Official(refusal) => problem.with("reason", refusal.as_str()),
            Self::Claimed => problem.with("status", "suspended").detail(self.to_string()),
            _ => problem,
        }
    }
}

/// After how many seconds a caller may try again when a part of the platform does not answer.
const RETRY_AFTER: u64 = 5;

/// After how many seconds a reader may try again: no file takes long.
const READ_AGAIN: u64 = 1;

impl From<ConsentError> for Failure {
    fn from(error: ConsentError) -> Self {
        match error {
            ConsentError::Refused(Refusal::WitnessUnavailable) => {
                Self::from(Refusal::WitnessUnavailable.problem()).retry_after(RETRY_AFTER)
            }
            ConsentError::Refused(Refusal::TooManyReaders) => {
                Self::from(Refusal::TooManyReaders.problem()).retry_after(READ_AGAIN)
            }
            ConsentError::Refused(Refusal::Quota(over)) => over.into(),
            ConsentError::Refused(refusal) => refusal.problem().into(),
            ConsentError::WarrantRefused { .. }
            | ConsentError::Corrupt(_)
            | ConsentError::Storage(StorageError::Corrupt(_)) => Self::internal(error),
            error => Self::unavailable(error).retry_after(RETRY_AFTER),
        }
    }
}
