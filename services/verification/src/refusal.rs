//! Why the service does not do what it is asked, and what the caller is told: the one mapping at the edge.

use cyberid_crypto::KeyFailure;
use cyberid_protocol::canonical::NotCanonical;
use cyberid_protocol::message::NotNow;
use cyberid_protocol::problem::{Problem, ProblemType};
use cyberid_storage::StorageError;
use cyberid_web::Failure;
use cyberid_web::quota::OverQuota;

/// Why the service does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// There is nothing of this id, or nothing for this caller.
    #[error("there is nothing of this id for this caller")]
    NotFound,
    /// A member of the body breaks its documented form.
    #[error("`{0}` is not of the documented form")]
    Member(&'static str),
    /// The registration is not approved, suspended, or over.
    #[error("the relying party is not active")]
    Inactive,
    /// The purpose is not registered.
    #[error("the use is not registered")]
    UnregisteredUse,
    /// A check outside the registered use.
    #[error("more is asked than is registered")]
    OverAsking,
    /// `sub` is missing, not of its form, or not asked for.
    #[error("the pseudonym does not fit the checks")]
    Sub,
    /// A signed or sealed message is not what this place takes.
    #[error("the message is not valid: {0}")]
    Message(&'static str),
    /// A signed message is not of this moment.
    #[error("the message is not of this moment")]
    Expired,
    /// The request was answered, or is over.
    #[error("the request is closed")]
    Closed,
    /// The code of a counter is not known, used, or over.
    #[error("the code is not known")]
    Code,
    /// As much is kept at once as there is room for.
    #[error("there is no room now")]
    Full,
    /// The message was used before.
    #[error("the message was used before")]
    Replayed,
    /// The operator who applied may not approve.
    #[error("a second operator has to act")]
    SecondOperator,
    /// The registration breaks a rule.
    #[error("the registration breaks the rule of {member}")]
    Registration {
        /// The member, as a JSON pointer (RFC 6901).
        member: String,
    },
    /// Others change the same registration at the same time.
    #[error("others change the registration at the same time")]
    Contended,
    /// Too many requests.
    #[error(transparent)]
    Quota(#[from] OverQuota),
    /// What was promised to the log has no place there yet.
    #[error("the leaf has no place in the log yet")]
    Unplaced,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A key failed.
    #[error(transparent)]
    Key(#[from] KeyFailure),
    /// A value that the platform made cannot be written down.
    #[error("a value of ours has no text")]
    Text,
}

impl From<NotNow> for Refusal {
    fn from(why: NotNow) -> Self {
        match why {
            NotNow::Expired | NotNow::Future => Self::Expired,
            NotNow::TooLong => Self::Message("it claims a longer life than it may have"),
        }
    }
}

impl From<NotCanonical> for Refusal {
    fn from(_: NotCanonical) -> Self {
        Self::Text
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal {
            Refusal::NotFound => ProblemType::NotFound,
            Refusal::Inactive => ProblemType::RelyingPartyInactive,
            Refusal::UnregisteredUse => ProblemType::UnregisteredUse,
            Refusal::OverAsking => ProblemType::OverAsking,
            Refusal::Sub => ProblemType::InvalidSub,
            Refusal::Expired => ProblemType::ExpiredMessage,
            Refusal::Closed => ProblemType::RequestClosed,
            Refusal::Code => ProblemType::UnknownCode,
            Refusal::Replayed => ProblemType::ReplayedMessage,
            Refusal::SecondOperator => ProblemType::TwoPersonsRequired,
            Refusal::Member(member) => {
                let problem = Problem::new(ProblemType::MalformedRequest);
                return problem.with("reason", "shape").with("member", member).into();
            }
            Refusal::Message(why) => return Problem::new(ProblemType::InvalidMessage).detail(why).into(),
            Refusal::Registration { member } => {
                let problem = Problem::new(ProblemType::InvalidRegistration);
                return problem.detail(member.as_str()).with("member", member).into();
            }
            Refusal::Quota(over) => return over.into(),
            Refusal::Unplaced
            | Refusal::Contended
            | Refusal::Full
            | Refusal::Storage(StorageError::Unknown(_)) => {
                return Self::unavailable(refusal).retry_after(1);
            }
            Refusal::Storage(StorageError::Corrupt(_)) | Refusal::Key(_) | Refusal::Text => {
                return Self::internal(refusal);
            }
        };
        kind.into()
    }
}
