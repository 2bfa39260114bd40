//! What the journal records: each entry is one change, whole.

use cyberid_domain::UnixTime;
use cyberid_domain::id::VerificationId;
use cyberid_storage::journal::Visit;
use cyberid_storage::single_use::SingleUse;
use cyberid_storage::verification::{Verification, VerificationState};

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A verification was asked for.
    Asked(Verification),
    /// A device opened it.
    Opened { id: VerificationId, opener: [u8; 16] },
    /// A guardian of its opener agreed.
    Agreed { id: VerificationId },
    /// It was answered.
    Concluded {
        id: VerificationId,
        state: VerificationState,
        opener: Option<[u8; 16]>,
        proof: Option<UsedProof>,
        visit: Option<Visit>,
    },
    /// A direct proof was answered.
    ConcludedDirect { proof: UsedProof, visit: Visit },
}

/// A proof that was used, by the first half of its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UsedProof {
    pub(crate) digest: [u8; 16],
    pub(crate) forget_at: UnixTime,
}

impl From<&SingleUse> for UsedProof {
    fn from(proof: &SingleUse) -> Self {
        let mut digest = [0; 16];
        digest
            .iter_mut()
            .zip(proof.digest)
            .for_each(|(to, from)| *to = from);
        Self {
            digest,
            forget_at: proof.forget_at,
        }
    }
}

impl Entry {
    /// The verification that it is about.
    pub(crate) fn id(&self) -> Option<&VerificationId> {
        match self {
            Self::Asked(row) => Some(&row.id),
            Self::Opened { id, .. } | Self::Agreed { id } | Self::Concluded { id, .. } => Some(id),
            Self::ConcludedDirect { .. } => None,
        }
    }

    /// The proof that it consumes.
    pub(crate) fn proof(&self) -> Option<&UsedProof> {
        match self {
            Self::Concluded { proof, .. } => proof.as_ref(),
            Self::ConcludedDirect { proof, .. } => Some(proof),
            Self::Asked(_) | Self::Opened { .. } | Self::Agreed { .. } => None,
        }
    }

    /// The visit that it keeps.
    pub(crate) fn visit(&self) -> Option<&Visit> {
        match self {
            Self::Concluded { visit, .. } => visit.as_ref(),
            Self::ConcludedDirect { visit, .. } => Some(visit),
            Self::Asked(_) | Self::Opened { .. } | Self::Agreed { .. } => None,
        }
    }

    /// The visit that it keeps, alone.
    pub(crate) fn into_visit(self) -> Option<Visit> {
        match self {
            Self::Concluded { visit, .. } => visit,
            Self::ConcludedDirect { visit, .. } => Some(visit),
            Self::Asked(_) | Self::Opened { .. } | Self::Agreed { .. } => None,
        }
    }
}
