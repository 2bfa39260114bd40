//! Believing an attestation: every check in one call, and no way around it.

use std::collections::BTreeMap;

use cyberid_client::{KeyRole, MessageRefused};
use cyberid_domain::UnixTime;
use cyberid_domain::check::{Check, Factor, Outcome};
use cyberid_domain::clock::SKEW;
use cyberid_domain::id::{ClientId, Nonce};
use cyberid_protocol::attestation::{Attestation, LIFE, acr};
use cyberid_protocol::message::{NotNow, check_life};
use cyberid_protocol::pseudonym;
use serde::{Deserialize, Serialize};

use crate::RelyingParty;
use crate::verification::Ask;

/// What an attestation has to answer; it is made where the question is asked, and may be kept until the answer comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    purpose: String,
    checks: Vec<Check>,
    factors: Vec<Factor>,
    sub: Option<String>,
    nonce: Nonce,
}

impl Expected {
    pub(crate) fn new(ask: &Ask, nonce: Nonce) -> Self {
        Self {
            purpose: ask.purpose.clone(),
            checks: ask.checks.clone(),
            factors: ask.factors.clone(),
            sub: ask.sub.clone(),
            nonce,
        }
    }

    /// The nonce that ties the answer to the question.
    pub fn nonce(&self) -> &Nonce {
        &self.nonce
    }
}

/// Why an attestation is not believed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AttestationRefused {
    /// The platform did not sign it as an attestation.
    #[error("not an attestation that the platform signed: {0}")]
    Message(#[from] MessageRefused),
    /// It is of another issuer.
    #[error("an attestation of another issuer")]
    Issuer,
    /// It is for another relying party.
    #[error("an attestation for another relying party")]
    Audience,
    /// It is not of this moment.
    #[error(transparent)]
    NotNow(#[from] NotNow),
    /// It answers another question.
    #[error("an attestation with another nonce")]
    Nonce,
    /// It is for another purpose.
    #[error("an attestation for another purpose")]
    Purpose,
    /// It answers more or fewer checks than were asked.
    #[error("the checks are not exactly those asked")]
    Checks,
    /// The holder answered with other factors than were asked.
    #[error("the factors are not those asked")]
    Factors,
    /// The result is not what the checks say.
    #[error("the result is not what the checks say")]
    Inconsistent,
    /// The question has its answer already.
    #[error("the question has its answer already")]
    Answered,
    /// There is no well-formed pseudonym in a pass, there is one in a fail, or it is not the one that was asked about.
    #[error("the pseudonym does not fit the result")]
    Sub,
}

/// An attestation that was checked wholly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAttestation {
    compact: String,
    checks: BTreeMap<Check, Outcome>,
    acr: String,
    sub: Option<String>,
    iat: UnixTime,
}

impl VerifiedAttestation {
    /// The holder's pseudonym here, if everything that was asked holds.
    pub fn passed(&self) -> Option<&str> {
        self.sub.as_deref()
    }

    /// The answer to each check.
    pub fn checks(&self) -> &BTreeMap<Check, Outcome> {
        &self.checks
    }

    /// The factors that the holder answered with, such as `device+pin`.
    pub fn acr(&self) -> &str {
        &self.acr
    }

    /// When the platform signed it.
    pub fn issued_at(&self) -> UnixTime {
        self.iat
    }

    /// The compact attestation, to keep as evidence.
    pub fn compact(&self) -> &str {
        &self.compact
    }
}

impl RelyingParty {
    /// Checks an attestation against what was asked: type, signature, key role, issuer, audience, life, nonce,
    /// purpose, checks, factors, and the agreement of result, checks and pseudonym.
    ///
    /// One question has one answer: whatever else is presented for the same nonce is refused for as long as an
    /// attestation lives, however often `expected` was copied or read from where it was kept. That is remembered by
    /// this value, so several processes of one relying party each delete the question that they take an answer for.
    pub async fn check_attestation(
        &self,
        expected: &Expected,
        compact: &str,
    ) -> Result<VerifiedAttestation, AttestationRefused> {
        let attestation: Attestation = self.platform.open(KeyRole::Attestation, compact).await?;
        check_origin(&attestation, self.platform.issuer(), &self.client_id, self.now())?;
        check_answer(&attestation, expected)?;
        check_result(&attestation, expected)?;
        let (until, now) = (attestation.exp.plus(SKEW), self.now());
        let first = self.answered.take(&attestation.nonce, until, now);
        demand(first, AttestationRefused::Answered)?;
        Ok(VerifiedAttestation {
            compact: compact.into(),
            checks: attestation.checks,
            acr: attestation.acr,
            sub: attestation.sub,
            iat: attestation.iat,
        })
    }
}

fn check_origin(
    attestation: &Attestation,
    issuer: &str,
    client_id: &ClientId,
    now: UnixTime,
) -> Result<(), AttestationRefused> {
    demand(attestation.iss == issuer, AttestationRefused::Issuer)?;
    demand(attestation.aud == *client_id, AttestationRefused::Audience)?;
    Ok(check_life(attestation.iat, attestation.exp, LIFE, now)?)
}

fn check_answer(attestation: &Attestation, expected: &Expected) -> Result<(), AttestationRefused> {
    demand(attestation.nonce == expected.nonce, AttestationRefused::Nonce)?;
    demand(
        attestation.purpose == expected.purpose,
        AttestationRefused::Purpose,
    )?;
    let every = expected
        .checks
        .iter()
        .all(|check| attestation.checks.contains_key(check));
    let none_else = attestation
        .checks
        .keys()
        .all(|check| expected.checks.contains(check));
    demand(
        every && none_else && !expected.checks.is_empty(),
        AttestationRefused::Checks,
    )?;
    demand(
        attestation.acr == acr(&expected.factors),
        AttestationRefused::Factors,
    )
}

fn check_result(attestation: &Attestation, expected: &Expected) -> Result<(), AttestationRefused> {
    let all = attestation
        .checks
        .values()
        .all(|outcome| *outcome == Outcome::Pass);
    demand(
        attestation.result == Outcome::from(all),
        AttestationRefused::Inconsistent,
    )?;
    let fits = match (&attestation.sub, attestation.result) {
        (Some(sub), Outcome::Pass) => {
            let asked = expected.sub.as_ref().is_none_or(|asked| asked == sub);
            pseudonym::is_well_formed(sub) && asked
        }
        (None, Outcome::Fail) => true,
        _ => false,
    };
    demand(fits, AttestationRefused::Sub)
}

fn demand(holds: bool, otherwise: AttestationRefused) -> Result<(), AttestationRefused> {
    if holds { Ok(()) } else { Err(otherwise) }
}

#[cfg(test)]
mod tests;
