//! A registration is renewed by two operators: for a further life, with what it says changed or as it was. So is a
//! relying party reinstated after a suspension, or after its registration ended.

use cyberid_crypto::Suite;
use cyberid_crypto::digest::sha256_base64url;
use cyberid_domain::clock::DAY;
use cyberid_domain::id::ClientId;
use cyberid_domain::relying_party::RegistrationAct;
use cyberid_protocol::canonical;
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::registration::{MAX_LIFE_DAYS, Particulars, Registered, Registration, RenewalBody};
use cyberid_storage::relying_party::{RelyingParty, WaitingKeys, WaitingRenewal};

use crate::Verification;
use crate::onboarding::{Change, allowed};
use crate::party;
use crate::refusal::Refusal;
use crate::registration::CheckedRegistration;

impl Verification {
    /// Keeps an operator's application for a renewal beside what is in force, in the place of an earlier one.
    pub(crate) async fn apply_for_renewal(
        &self,
        operator: &ClientId,
        client_id: &ClientId,
        body: RenewalBody,
    ) -> Result<Registered, Refusal> {
        let days = body.expires_in_days.unwrap_or(MAX_LIFE_DAYS);
        if !(1..=MAX_LIFE_DAYS).contains(&days) {
            return Err(Refusal::Member("expires_in_days"));
        }
        self.change(client_id, |was| {
            allowed(was.standing(self.now()), RegistrationAct::Renew)?;
            let particulars = body.registration.clone();
            let renewal = WaitingRenewal {
                applied_by: operator.clone(),
                applied_at: self.now(),
                particulars: particulars.map(|it| checked(it, was, self.suite())).transpose()?,
                days,
            };
            let next = RelyingParty {
                renewal: Some(renewal),
                ..was.clone()
            };
            Ok(Some(Change { next, leaf: None }))
        })
        .await?;
        self.registered(client_id).await
    }

    /// The row after a renewal: what it says with the keys in force, and with those that wait; fresh certificates for
    /// both; a life from now on.
    pub(crate) fn renewed(
        &self,
        was: &RelyingParty,
        renewal: &WaitingRenewal,
        seen: Option<&str>,
    ) -> Result<Change, Refusal> {
        let (now, id) = (self.now(), &was.client_id);
        // Another may have taken its place since the second operator looked.
        if seen.ok_or(Refusal::Member("renewal_sha256"))? != digest(id, renewal) {
            return Err(Refusal::Inactive);
        }
        let expires_at = now.plus(renewal.days.saturating_mul(DAY));
        let (particulars, jwks) = party::read(was)?.into_particulars();
        let particulars = match &renewal.particulars {
            Some(changed) => party::parse(changed)?,
            None => particulars,
        };
        let waiting_keys = was.waiting_keys.as_ref().map(|keys| {
            let jwks = party::parse::<Registration>(&keys.registration)?.jwks;
            let registration = particulars.clone().with_keys(jwks);
            Ok::<_, Refusal>(WaitingKeys {
                certificates: self.certify(id, &registration, keys.in_force_at, expires_at)?,
                registration: canonical::to_string(&registration)?,
                in_force_at: keys.in_force_at,
            })
        });
        let waiting_keys = waiting_keys.transpose()?;
        let registration = particulars.with_keys(jwks);
        let next = RelyingParty {
            status: allowed(was.standing(now), RegistrationAct::Renew)?,
            certificates: self.certify(id, &registration, now, expires_at)?,
            registration: canonical::to_string(&registration)?,
            applied_by: renewal.applied_by.clone(),
            applied_at: renewal.applied_at,
            expires_at: Some(expires_at),
            waiting_keys,
            renewal: None,
            ..was.clone()
        };
        self.with_leaf(next, LeafKind::RpRegistered)
    }
}

/// The digest of a renewal, base64url: whoever approves names what they saw.
pub(crate) fn digest(client_id: &ClientId, renewal: &WaitingRenewal) -> String {
    let (at, days) = (renewal.applied_at.0.to_string(), renewal.days.to_string());
    let particulars = renewal.particulars.as_deref().unwrap_or_default();
    let parts = [
        client_id.as_str(),
        renewal.applied_by.as_str(),
        &at,
        &days,
        particulars,
    ];
    sha256_base64url(parts.join("\n").as_bytes())
}

/// What a renewal changes, as it is stored: with the keys in force it keeps every rule of a registration.
fn checked(particulars: Particulars, was: &RelyingParty, suite: Suite) -> Result<String, Refusal> {
    let text = canonical::to_string(&particulars)?;
    CheckedRegistration::new(particulars.with_keys(party::read(was)?.jwks), suite)?;
    Ok(text)
}
