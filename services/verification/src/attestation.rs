//! From a fitting proof to a signed attestation, and what becomes durable with it. Every outcome takes the same steps.

use cyberid_crypto::digest;
use cyberid_domain::UnixTime;
use cyberid_domain::check::Outcome;
use cyberid_domain::clock::SKEW;
use cyberid_domain::id::{ClientId, Nonce, SubjectId};
use cyberid_domain::rng::random;
use cyberid_protocol::attestation::{Attestation, LIFE, acr};
use cyberid_protocol::event::Concluded;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::proof::Proof;
use cyberid_protocol::pseudonym;
use cyberid_protocol::visit::{self, VisitRecord};
use cyberid_storage::journal::Visit;
use cyberid_storage::single_use::SingleUse;
use cyberid_storage::verification::Answered;

use crate::Verification;
use crate::asked::Asked;
use crate::check::Standing;
use crate::proof::{FittingProof, UncheckedProof};
use crate::refusal::Refusal;

/// A pseudonym's epoch until a holder rotates it.
const EPOCH: u32 = 0;

/// A signed answer, and what has to be durable before anybody sees it.
pub(crate) struct Conclusion {
    pub(crate) attestation: String,
    pub(crate) how: Concluded,
    /// The thumbprint of the device that signed; empty if that is none of a known holder.
    pub(crate) device: String,
    pub(crate) proof: SingleUse,
    pub(crate) visit: Visit,
}

impl Verification {
    /// Answers a direct proof in one call.
    pub(crate) async fn verify_directly(&self, caller: &ClientId, sealed: &str) -> Result<String, Refusal> {
        // 1.
        let party = self.calling_party(caller).await?;
        // 3. The use stands inside the seal, so that step 2 follows its opening.
        let proof = UncheckedProof::open(&self.parts.message, sealed)?;
        let asked = Asked::directly(caller, proof.claims())?;
        let proof = proof.answering(&asked, &self.parts.issuer, self.now())?;
        // 2.
        self.require_registered(&party, &asked.purpose, &asked.checks)
            .await?;
        // 4. to 8.
        let conclusion = self.conclude(&asked, proof).await?;
        // 9.
        let store = &self.parts.verifications;
        match store
            .conclude_direct(&conclusion.proof, &conclusion.visit)
            .await?
        {
            Answered::Now => {
                self.count(caller, conclusion.how);
                Ok(conclusion.attestation)
            }
            Answered::Closed | Answered::Another | Answered::Replayed => Err(Refusal::Replayed),
        }
    }

    /// Steps 4 to 8 of the cycle; nothing is durable yet.
    pub(crate) async fn conclude(&self, asked: &Asked, proof: FittingProof) -> Result<Conclusion, Refusal> {
        // 4.
        let answering = self.answering(&proof).await?;
        let holder = &answering.holder;
        // 5.
        let factors = self.factors_hold(&asked.factors, &answering, &proof).await?;
        // 7. Before 6: `same_person` compares the pseudonym.
        let pseudonym = pseudonym::derive(&self.parts.pairwise, &asked.client_id, &holder.subject, EPOCH);
        // 6.
        let now = self.now();
        let standing = Standing {
            holder,
            factors,
            same_person: same(&pseudonym, asked.sub.as_deref()),
            guardian_agreed: asked.guardian_agreed,
            now,
        };
        let checks = standing.evaluate(&asked.checks);
        // 8.
        let attestation = self.attestation(asked, now, checks).concluded(pseudonym);
        let passed = attestation.result == Outcome::Pass;
        let visit = self.visit(asked, &holder.subject, &proof.claims.jti, passed)?;
        Ok(Conclusion {
            attestation: attestation.sign(&*self.parts.attestation.current())?,
            how: if passed {
                Concluded::Passed
            } else {
                Concluded::Failed
            },
            proof: single_use("proof", &proof.kid, &proof.claims),
            device: if answering.signed {
                proof.kid
            } else {
                String::new()
            },
            visit,
        })
    }

    fn attestation(
        &self,
        asked: &Asked,
        now: UnixTime,
        checks: std::collections::BTreeMap<cyberid_domain::check::Check, Outcome>,
    ) -> Attestation {
        Attestation {
            iss: self.parts.issuer.clone(),
            aud: asked.client_id.clone(),
            iat: now,
            exp: now.plus(LIFE),
            jti: Nonce::random(&*self.parts.rng),
            nonce: asked.nonce.clone(),
            purpose: asked.purpose.clone(),
            result: Outcome::Fail,
            checks,
            acr: acr(&asked.factors),
            pad: String::new(),
            sub: None,
        }
    }

    fn visit(&self, asked: &Asked, subject: &SubjectId, jti: &Nonce, passed: bool) -> Result<Visit, Refusal> {
        let now = self.now();
        let day = now.day_start();
        let record = VisitRecord {
            time: now,
            rp: asked.client_id.clone(),
            purpose: asked.purpose.clone(),
            checks: asked.checks.clone(),
            passed,
        };
        let key = &self.parts.journal_key;
        let nonce = random(&*self.parts.rng);
        Ok(Visit {
            day,
            tag: visit::tag(key, subject, day, jti),
            sealed: visit::seal(key, subject, day, nonce, &record).map_err(|_| Refusal::Text)?,
        })
    }
}

/// Compares in constant time; there is nothing to compare with unless `same_person` was asked.
fn same(pseudonym: &str, sub: Option<&str>) -> bool {
    digest::equal(pseudonym.as_bytes(), sub.unwrap_or_default().as_bytes())
}

/// A device names each of its proofs once; `what` is done with it once.
pub(crate) fn single_use(what: &str, kid: &str, proof: &Proof) -> SingleUse {
    let name = [what, kid, proof.jti.as_str()].join("\n");
    SingleUse {
        digest: digest::sha256(name.as_bytes()),
        forget_at: proof.exp.plus(SKEW + 1),
    }
}
