//! What a token is worth now: RFC 7662, for operators alone.

use cyberid_crypto::base64url;
use cyberid_domain::relying_party::{RegistrationStatus, Role};
use cyberid_protocol::access::{ActiveToken, Confirmation, Introspection};
use cyberid_web::auth::{Binding, ValidToken};

use crate::Verification;
use crate::token::TokenRefusal;

impl Verification {
    /// Says whether a token would be accepted now. Whatever is not wholly valid gets the one answer `active: false`: a
    /// token of somebody else, an old one, and that of a party that was suspended since.
    pub(crate) async fn introspect(&self, token: &str) -> Result<Introspection, TokenRefusal> {
        let Some(valid) = self.parts.access_tokens.inspect(token) else {
            return Ok(Introspection::default());
        };
        if !self.still_speaks(&valid).await? {
            return Ok(Introspection::default());
        }
        Ok(Introspection {
            active: true,
            token: Some(self.active(valid)),
        })
    }

    /// Whether whom the token speaks for would be given the same one now, and may act by it: a suspended relying party
    /// still hears what it owes, and is nobody's active caller.
    async fn still_speaks(&self, token: &ValidToken) -> Result<bool, TokenRefusal> {
        let caller = &token.caller;
        let party = match caller.role {
            Role::Holder => self.device(&caller.id).await?,
            Role::RelyingParty if !self.may_act(&caller.id).await? => None,
            _ => self.client(&caller.id).await?,
        };
        Ok(party.is_some_and(|party| party.role == caller.role))
    }

    async fn may_act(&self, id: &str) -> Result<bool, TokenRefusal> {
        let Ok(id) = id.parse() else {
            return Ok(false);
        };
        let now = self.now();
        let row = self.parts.relying_parties.relying_party(&id, now).await?;
        Ok(row.is_some_and(|row| row.standing(now) == RegistrationStatus::Approved))
    }

    fn active(&self, token: ValidToken) -> ActiveToken {
        let issuer = &self.parts.issuer;
        let caller = token.caller;
        ActiveToken {
            iss: issuer.clone(),
            aud: issuer.clone(),
            client_id: (caller.role != Role::Holder).then(|| caller.id.clone()),
            sub: caller.id,
            role: caller.role.as_str().into(),
            token_type: token.binding.token_type().into(),
            iat: token.issued_at,
            exp: token.expires_at,
            cnf: confirmation(token.binding),
        }
    }
}

fn confirmation(binding: Binding) -> Option<Confirmation> {
    let mut cnf = Confirmation::default();
    match binding {
        Binding::Bare => return None,
        Binding::Key { jkt } => cnf.jkt = Some(jkt),
        Binding::Certificate { sha256 } => cnf.x5t_s256 = Some(base64url::encode(&sha256)),
    }
    Some(cnf)
}
