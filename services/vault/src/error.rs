//! Why a vault does not open a record, and how the caller is told.

use cyberid_client::ClientError;
use cyberid_key_holder::KeyHolderError;
use cyberid_protocol::problem::ProblemType;
use cyberid_web::Failure;

/// Why nothing was opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpeningError {
    /// The vault itself does not open it.
    #[error(transparent)]
    Vault(#[from] KeyHolderError),
    /// The custodian refused or did not answer.
    #[error("the custodian yielded nothing")]
    Custodian(#[source] ClientError),
    /// What the custodian yielded is not what was agreed, or not for this vault and this warrant.
    #[error("the custodian yielded other shares than those agreed")]
    WrongShares,
}

/// What the custodian says that the caller can act on.
const PASSED_ON: [ProblemType; 4] = [
    ProblemType::WarrantRefused,
    ProblemType::StaleConsistency,
    ProblemType::RateLimited,
    ProblemType::Unavailable,
];

impl OpeningError {
    /// The reason by which refusals are counted; nothing for other failures.
    pub(crate) fn refusal(&self) -> Option<String> {
        match self {
            Self::Vault(error) => error.refusal(),
            Self::Custodian(ClientError::Problem(_)) => Some("custodian".into()),
            Self::Custodian(_) | Self::WrongShares => None,
        }
    }
}

impl From<OpeningError> for Failure {
    fn from(error: OpeningError) -> Self {
        match error {
            OpeningError::Vault(error) => error.into(),
            OpeningError::Custodian(ClientError::Problem(problem)) if PASSED_ON.contains(&problem.kind) => {
                (*problem).into()
            }
            OpeningError::Custodian(_) => Self::unavailable(error),
            OpeningError::WrongShares => Self::internal(error),
        }
    }
}
