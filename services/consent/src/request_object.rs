//! The request object: what the holder's app fetches, shows and answers. It is signed once for each language and kept,
//! so that a consent can name its very bytes.

use cyberid_crypto::{base64url, json};
use cyberid_domain::check::Factor;
use cyberid_domain::id::ReleaseId;
use cyberid_domain::release::ReleaseStatus;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::request::{ReleaseRequest, RequestObject};
use cyberid_protocol::statement::{self, Locale, Statement, Terms};
use cyberid_storage::release::Release;

use crate::answer::closed;
use crate::consent_check::InForce;
use crate::party::{Party, RegisteredUse};
use crate::{Consent, ConsentError, Refusal};

impl Consent {
    /// The compact request object of a release that can still be answered (step 2 of the release cycle).
    pub(crate) async fn request_object(
        &self,
        id: &ReleaseId,
        locale: Locale,
    ) -> Result<String, ConsentError> {
        // 2.
        let release = self.open_request(id).await?;
        let party = self.active_party(&release.client_id).await.map_err(closed)?;
        let registered = party
            .registered_use(&release.purpose)
            .ok_or(Refusal::RequestClosed)?;
        let request = self.describe(&release, &party, &registered, locale)?;
        let compact = RequestObject::Release(request).sign(&*self.parts.request_key.current())?;
        let kept = self
            .parts
            .releases
            .keep_request_object(id, locale.as_str(), &compact);
        let kept = kept.await?;
        // What was shown first stays what is shown; if it is not true any more, nobody can agree to it.
        let now = InForce::of(&party, &release.purpose)?;
        let shown = read_kept(&kept)?;
        let still = now.is_some_and(|now| now.differs_from(&shown).is_none());
        still.then_some(kept).ok_or(Refusal::RequestClosed.into())
    }

    /// The release of this id, if it waits for an answer and was not asked for too often.
    pub(crate) async fn open_request(&self, id: &ReleaseId) -> Result<Release, ConsentError> {
        let release = self.parts.releases.release(id).await?;
        let release = release.ok_or(Refusal::NotFound)?;
        let now = self.parts.clock.now();
        self.answers.spend(id.as_str(), now).map_err(Refusal::from)?;
        let open = release.status == ReleaseStatus::Requested && release.expires_at > now;
        if open {
            Ok(release)
        } else {
            Err(Refusal::RequestClosed.into())
        }
    }

    fn describe(
        &self,
        release: &Release,
        party: &Party,
        registered: &RegisteredUse<'_>,
        locale: Locale,
    ) -> Result<ReleaseRequest, ConsentError> {
        let RegisteredUse {
            intended,
            certificate,
        } = registered;
        let text = String::new();
        let unrendered = ReleaseRequest {
            iss: self.parts.issuer.clone(),
            id: release.id.clone(),
            rp: party.shown(),
            purpose: release.purpose.clone(),
            fields: release.fields.clone(),
            factors: vec![Factor::Device],
            nonce: release.nonce.clone(),
            registration_certificate: (*certificate).to_owned(),
            legal_basis: intended.legal_basis.clone(),
            retention_days: intended.retention_days,
            notice_uri: intended.notice_uri.clone(),
            notice_sha256: registered.notice_sha256()?,
            enc_jkt: party.encryption_key()?.thumbprint(),
            statement: Statement { locale, text },
            iat: self.parts.clock.now(),
            exp: release.expires_at,
        };
        let statement = statement::render(locale, &Terms::from(&unrendered));
        Ok(ReleaseRequest {
            statement,
            ..unrendered
        })
    }
}

/// Reads a request object that this platform signed and kept: its key may be long gone.
pub(crate) fn read_kept(compact: &str) -> Result<ReleaseRequest, ConsentError> {
    let claims = compact
        .split('.')
        .nth(1)
        .and_then(base64url::decode)
        .and_then(|payload| json::from_slice(&payload).ok());
    match claims {
        Some(RequestObject::Release(request)) => Ok(request),
        _ => Err(ConsentError::Corrupt("request object")),
    }
}
