//! The warrant on its way to vault and custodian: each is shown all that it needs to convince itself.

use cyberid_client::ClientError;
use cyberid_crypto::{PublicKey, base64url};
use cyberid_protocol::problem::{Problem, ProblemType};
use cyberid_protocol::warrant::{Opened, Warrant, WarrantBody};
use cyberid_storage::release::Grant;

use crate::leaf::KeptLeaf;
use crate::{Consent, ConsentError};

/// How often a warrant is built anew when a key holder's checkpoint has moved meanwhile.
pub(crate) const TRIES: usize = 3;

/// What a warrant says apart from its proofs.
pub(crate) struct Case<'a> {
    /// What the holder granted.
    pub(crate) grant: &'a Grant,
    /// The key to encrypt to.
    pub(crate) rp_key: PublicKey,
    /// The `release.intended` leaf, in the log.
    pub(crate) intended: &'a KeptLeaf,
}

/// What came of a warrant.
pub(crate) struct Delivery {
    /// The identity, encrypted to the relying party.
    pub(crate) identity: String,
    /// The proof of the intent that the key holders saw.
    pub(crate) proof: String,
}

impl Consent {
    /// Shows the warrant to the vault, which shows it to the custodians (steps 6 and 7 of the release cycle).
    pub(crate) async fn open(&self, case: &Case<'_>) -> Result<Delivery, ConsentError> {
        let _alone = self.opening.lock().await;
        for _ in 0..TRIES {
            // 6.
            let body = self.warrant(case).await?;
            let proof = body.warrant.proof.clone();
            // 7.
            match self.parts.vault.post("/v1/openings", &body).await {
                Ok(Opened { identity }) => return Ok(Delivery { identity, proof }),
                Err(error) => overtaken_or(error)?,
            }
        }
        Err(ConsentError::Overtaken)
    }

    async fn warrant(&self, case: &Case<'_>) -> Result<WarrantBody, ConsentError> {
        let remembered = self.remembered().await?;
        let least = remembered.largest().max(case.intended.index.saturating_add(1));
        let checkpoint = self.witnessed(least).await?;
        let proofs = self.proofs_to(&remembered, checkpoint.size()).await?;
        Ok(WarrantBody {
            warrant: Warrant {
                consent: case.grant.consent.clone(),
                salt: base64url::encode(&case.grant.salt),
                rp_key: case.rp_key,
                leaf: case.intended.body.clone(),
                proof: self.proof_under(case.intended.index, &checkpoint).await?,
                vault_consistency: proofs.vault,
                custodian_consistency: proofs.custodian,
            },
            custodians: proofs.custodians,
        })
    }
}

/// Nothing, if a key holder's checkpoint has moved meanwhile and the warrant is worth building anew.
pub(crate) fn overtaken_or(error: ClientError) -> Result<(), ConsentError> {
    match error.problem() {
        Some(ProblemType::StaleConsistency) => Ok(()),
        Some(ProblemType::WarrantRefused) => {
            let reason = reason(&error);
            metrics::counter!("cyberid_warrants_refused_total", "reason" => reason.clone()).increment(1);
            Err(ConsentError::WarrantRefused { reason })
        }
        _ => Err(error.into()),
    }
}

/// The reason that a key holder gives: the name of a variant of `WarrantRefused`.
fn reason(error: &ClientError) -> String {
    let ClientError::Problem(problem) = error else {
        return String::new();
    };
    let Problem { extensions, .. } = &**problem;
    let reason = extensions.get("reason").and_then(|reason| reason.as_str());
    reason.unwrap_or("unnamed").to_owned()
}
