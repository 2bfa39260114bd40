//! The review of a request: nothing reaches the holder's eyes that the platform did not sign, that its registration
//! does not cover, or whose text says something else than its claims (T12).

use cyberid_client::KeyRole;
use cyberid_domain::UnixTime;
use cyberid_domain::clock::DAY;
use cyberid_domain::id::RequestId;
use cyberid_protocol::comparison;
use cyberid_protocol::message::check_life;
use cyberid_protocol::request::{ReleaseRequest, RequestObject, VerificationRequest};
use cyberid_protocol::statement::{self, Locale, Terms};

use crate::certified::Certified;
use crate::{Holder, HolderError, RequestRefused};

/// The longest life of a request in seconds.
const MAX_LIFE: u64 = DAY;

/// A request that can be shown, and then answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReviewedRequest {
    /// Pass or fail.
    Verification(ReviewedVerification),
    /// Plaintext.
    Release(ReviewedRelease),
}

/// A verification that can be shown, and then answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewedVerification(VerificationRequest);

/// A release that can be shown, and then granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewedRelease {
    request: ReleaseRequest,
    compact: String,
}

impl ReviewedVerification {
    /// What is asked, and by whom.
    pub fn request(&self) -> &VerificationRequest {
        &self.0
    }

    /// The four digits that the relying party's screen shows too.
    pub fn comparison_code(&self) -> &str {
        &self.0.comparison_code
    }
}

impl ReviewedRelease {
    /// What is asked, and by whom.
    pub fn request(&self) -> &ReleaseRequest {
        &self.request
    }

    /// The exact text to show.
    pub fn statement(&self) -> &str {
        &self.request.statement.text
    }

    /// The four digits that the relying party's screen shows too.
    pub fn comparison_code(&self) -> String {
        let request = &self.request;
        comparison::code(&request.rp.client_id, request.id.as_str(), &request.nonce)
    }

    /// The compact request object.
    pub(crate) fn compact(&self) -> &str {
        &self.compact
    }
}

impl ReviewedRequest {
    /// The request's id.
    pub fn id(&self) -> &str {
        match self {
            Self::Verification(reviewed) => reviewed.0.id.as_str(),
            Self::Release(reviewed) => reviewed.request.id.as_str(),
        }
    }
}

impl Holder {
    /// Fetches a request by its address or its id, opens it for this device alone, and reviews it. An address of another platform is refused before
    /// anything is called: it may come from anybody's QR code.
    pub async fn fetch_request(&self, request: &str, locale: Locale) -> Result<ReviewedRequest, HolderError> {
        let prefix = format!("{}/v1/requests/", self.platform.issuer());
        let id: RequestId = request
            .strip_prefix(&prefix)
            .unwrap_or(request)
            .parse()
            .map_err(RequestRefused::from)?;
        let path = format!("/v1/requests/{}?locale={}", text(&id), locale.as_str());
        let compact = self.session.get_bytes(&path).await?;
        let compact = String::from_utf8(compact).map_err(|_| RequestRefused::AnotherRequest)?;
        Ok(self.review(&compact, &id, locale).await?)
    }

    pub(crate) async fn review(
        &self,
        compact: &str,
        id: &RequestId,
        locale: Locale,
    ) -> Result<ReviewedRequest, RequestRefused> {
        let request: RequestObject = self.platform.open(KeyRole::Request, compact).await?;
        match (request, id) {
            (RequestObject::Verification(request), RequestId::Verification(id)) if request.id == *id => {
                let reviewed = self.review_verification(request).await?;
                Ok(ReviewedRequest::Verification(reviewed))
            }
            (RequestObject::Release(request), RequestId::Release(id)) if request.id == *id => {
                let request = self.review_release(request, locale).await?;
                let compact = compact.to_owned();
                Ok(ReviewedRequest::Release(ReviewedRelease { request, compact }))
            }
            _ => Err(RequestRefused::AnotherRequest),
        }
    }

    pub(crate) async fn review_verification(
        &self,
        request: VerificationRequest,
    ) -> Result<ReviewedVerification, RequestRefused> {
        self.check_origin(&request.iss, request.iat, request.exp)?;
        let certified =
            Certified::open(&self.platform, &request.registration_certificate, self.now()).await?;
        certified.covers_party(&request.rp)?;
        certified.covers_checks(&request.purpose, &request.checks)?;
        let code = comparison::code(&request.rp.client_id, request.id.as_str(), &request.nonce);
        if request.comparison_code != code {
            return Err(RequestRefused::ComparisonCode);
        }
        Ok(ReviewedVerification(request))
    }

    async fn review_release(
        &self,
        request: ReleaseRequest,
        locale: Locale,
    ) -> Result<ReleaseRequest, RequestRefused> {
        self.check_origin(&request.iss, request.iat, request.exp)?;
        let certified =
            Certified::open(&self.platform, &request.registration_certificate, self.now()).await?;
        certified.covers_party(&request.rp)?;
        certified.covers_release(&request)?;
        // The holder signs the hash of this text: it has to be one that the claims make, in the language that was asked.
        let version = statement::version_of(&request.statement, &Terms::from(&request));
        if version.is_none() || request.statement.locale != locale {
            return Err(RequestRefused::Statement);
        }
        Ok(request)
    }

    fn check_origin(&self, issuer: &str, iat: UnixTime, exp: UnixTime) -> Result<(), RequestRefused> {
        if issuer != self.platform.issuer() {
            return Err(RequestRefused::Issuer);
        }
        Ok(check_life(iat, exp, MAX_LIFE, self.now())?)
    }
}

fn text(id: &RequestId) -> &str {
    match id {
        RequestId::Verification(id) => id.as_str(),
        RequestId::Release(id) => id.as_str(),
    }
}

#[cfg(test)]
mod tests;
