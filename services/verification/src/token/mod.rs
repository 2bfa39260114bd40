//! Access tokens: `client_credentials` with `private_key_jwt` for registered clients, `jwt-bearer` for holders
//! (RFC 6749, RFC 7523), bound by `DPoP` (RFC 9449) or to the client's certificate (RFC 8705).

mod assertion;
mod error;
mod form;

use cyberid_crypto::{PublicKey, digest};
use cyberid_domain::clock::SKEW;
use cyberid_domain::id::ClientId;
use cyberid_domain::relying_party::{RegistrationStatus, Role};
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::access::{ACCESS_TOKEN_LIFE, TokenAnswer};
use cyberid_storage::StorageError;
use cyberid_storage::counter::Keyed;
use cyberid_storage::single_use::SingleUse;
use cyberid_web::auth::Binding;
use http::request::Parts;

use crate::Verification;
use crate::party;
use crate::registration::signing_keys;

use assertion::{CheckedAssertion, UncheckedAssertion};
pub(crate) use error::TokenRefusal;
use form::{Grant, read};

/// A client that the platform knows without a registration: an operator or a regulator.
#[derive(Debug, Clone)]
pub struct StaticClient {
    /// Its id.
    pub client_id: ClientId,
    /// In which role it calls.
    pub role: Role,
    /// The key that it signs assertions with.
    pub key: PublicKey,
}

/// Who may have signed an assertion.
pub(crate) struct Party {
    pub(crate) role: Role,
    keys: Vec<PublicKey>,
}

impl Verification {
    /// Gives an access token for a form, to whom the form and the headers prove.
    pub(crate) async fn token(&self, parts: &Parts, form: &[u8]) -> Result<TokenAnswer, TokenRefusal> {
        let grant = read(&parts.headers, form)?;
        let refusal = grant.refusal();
        let assertion = UncheckedAssertion::parse(grant.assertion()).ok_or_else(|| refusal.clone())?;
        let owner = match &grant {
            Grant::Client { client_id, .. }
                if client_id.as_ref().is_some_and(|id| id != assertion.subject()) =>
            {
                None
            }
            Grant::Client { .. } => self.client(assertion.subject()).await?,
            Grant::Holder { .. } => self.device(assertion.subject()).await?,
        };
        let (role, keys) = match owner {
            Some(owner) => (Some(owner.role), owner.keys),
            // There is always a signature to check (T16).
            None => (None, vec![self.decoy_key]),
        };
        let audiences = [self.parts.issuer.as_str(), &self.token_endpoint()];
        let assertion = assertion.check(&keys, &audiences, self.now());
        let (Some(role), Some(assertion)) = (role, assertion) else {
            return Err(refusal);
        };
        let binding = self.parts.access_tokens.binding_of_token_request(parts)?;
        // A phone's certificate would be one more name for its holder; its device key is there already.
        if role == Role::Holder && matches!(binding, Binding::Certificate { .. }) {
            return Err(TokenRefusal::NothingToBindTo);
        }
        if !self.parts.single_uses.use_once(&single_use(&assertion)).await? {
            return Err(refusal);
        }
        self.issue(role, &assertion.subject, &binding)
    }

    fn issue(&self, role: Role, subject: &str, binding: &Binding) -> Result<TokenAnswer, TokenRefusal> {
        let tokens = &self.parts.access_tokens;
        Ok(TokenAnswer {
            access_token: tokens.issue(role, subject, binding, ACCESS_TOKEN_LIFE)?,
            token_type: binding.token_type().into(),
            expires_in: ACCESS_TOKEN_LIFE,
        })
    }

    /// A static client, or an active relying party.
    pub(crate) async fn client(&self, id: &str) -> Result<Option<Party>, StorageError> {
        let Ok(id) = id.parse::<ClientId>() else {
            return Ok(None);
        };
        if let Some(client) = self.parts.clients.iter().find(|client| client.client_id == id) {
            return Ok(Some(Party {
                role: client.role,
                keys: vec![client.key],
            }));
        }
        let row = self.parts.relying_parties.relying_party(&id, self.now()).await?;
        // Who is suspended, or whose registration ended, still owes erasures: it hears of them and confirms them. What
        // asks for a person or receives one demands an active relying party.
        let row = row.filter(|row| row.status != RegistrationStatus::Applied);
        let registration = row.and_then(|row| party::read(&row).ok());
        Ok(registration.map(|registration| Party {
            role: Role::RelyingParty,
            keys: signing_keys(&registration),
        }))
    }

    /// A holder's device, unless the identifier was cancelled.
    pub(crate) async fn device(&self, jkt: &str) -> Result<Option<Party>, StorageError> {
        let keyed = self.parts.subjects.by_key(jkt).await?;
        let subject = keyed
            .and_then(Keyed::usable)
            .filter(|subject| subject.status != SubjectStatus::Cancelled);
        let key = subject.and_then(|subject| PublicKey::from_sec1(&subject.device.key).ok());
        Ok(key.map(|key| Party {
            role: Role::Holder,
            keys: vec![key],
        }))
    }
}

fn single_use(assertion: &CheckedAssertion) -> SingleUse {
    let name = ["assertion", &assertion.subject, &assertion.jti].join("\n");
    SingleUse {
        digest: digest::sha256(name.as_bytes()),
        forget_at: assertion.exp.plus(SKEW + 1),
    }
}
