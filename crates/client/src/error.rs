//! Why a call came to nothing, and whose fault it is.

use cyberid_protocol::problem::{Problem, ProblemType};

/// Why a call came to nothing.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ClientError {
    /// The address is not an absolute `http` or `https` address.
    #[error("not an address that can be called")]
    InvalidAddress,
    /// No answer: nobody listens, the connection broke, or the time was over. Whether the call had its effect is
    /// not known.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// The other side said what is wrong.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// The token endpoint refused (RFC 6749 section 5.2).
    #[error("no access token: {error}")]
    TokenRefused {
        /// The standard's error code.
        error: String,
    },
    /// A status that no operation of ours answers with.
    #[error("an unexpected answer with status {status}")]
    Unexpected {
        /// The HTTP status.
        status: u16,
    },
    /// The answer is not of the documented form.
    #[error("an answer that is not of the documented form")]
    InvalidAnswer,
    /// The answer is longer than the limit.
    #[error("an answer longer than {limit} bytes")]
    AnswerTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The caller's own key could not be used, or the body is not JSON.
    #[error("the request could not be made")]
    Unmade,
}

impl ClientError {
    /// The type of the problem, where the other side named one.
    pub fn problem(&self) -> Option<ProblemType> {
        match self {
            Self::Problem(problem) => Some(problem.kind),
            _ => None,
        }
    }

    /// Whether the same call may succeed later without the caller changing what it asks.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Problem(problem) => problem.kind.retryable(),
            // Something in between, or the token endpoint, cannot answer now (RFC 9110 section 15.6).
            Self::Unexpected { status } => matches!(status, 502..=504),
            _ => false,
        }
    }
}

impl From<Problem> for ClientError {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<cyberid_crypto::KeyFailure> for ClientError {
    fn from(_: cyberid_crypto::KeyFailure) -> Self {
        Self::Unmade
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_told_from_what_will_not() {
        let problem = |kind| ClientError::from(Problem::new(kind));
        for (error, retryable) in [
            (ClientError::Unreachable("refused".into()), true),
            (problem(ProblemType::WitnessUnavailable), true),
            (problem(ProblemType::OverAsking), false),
            (ClientError::Unexpected { status: 503 }, true),
            (ClientError::Unexpected { status: 500 }, false),
            (ClientError::InvalidAnswer, false),
        ] {
            assert_eq!(error.retryable(), retryable, "{error}");
        }
    }
}
