//! Authorised calls: an access token bound to a key, fetched when it is needed and kept while it lasts.

use std::fmt;
use std::sync::Arc;

use cyberid_crypto::{Sign, json};
use cyberid_domain::id::{ClientId, Nonce};
use cyberid_domain::{Clock, Rng, UnixTime};
use cyberid_protocol::access::{
    Assertion, Audience, CLIENT_ASSERTION_TYPE, JWT_BEARER_GRANT, TokenAnswer, TokenError,
};
use cyberid_protocol::problem::ProblemType;
use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::body::{Answer, Body};
use crate::dpop::{self, ServerNonce, Target};
use crate::{Client, ClientError};

/// Where tokens are given.
const TOKEN_PATH: &str = "/oauth/token";
/// The life of an assertion in seconds: it is used at once.
const ASSERTION_LIFE: u64 = 60;
/// The `typ` of an assertion: the one that RFC 7519 section 5.1 names.
const ASSERTION_TYP: &str = "JWT";
/// A token is not used in its last seconds, so that it does not end on its way.
const MARGIN: u64 = 30;

/// Calls in the name of a client or of a holder.
pub struct Session {
    client: Client,
    issuer: String,
    who: Who,
    key: Arc<dyn Sign>,
    dpop_key: Arc<dyn Sign>,
    nonce: ServerNonce,
    token: Mutex<Option<Token>>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

/// The authorisation of one call.
#[derive(Clone)]
pub struct CallProof {
    /// The access token, for `Authorization: DPoP <token>`.
    pub token: String,
    /// The proof for this one call, for the header `DPoP`.
    pub proof: String,
}

/// Who calls, and by which grant they come to a token.
enum Who {
    /// A registered client, by `private_key_jwt` (RFC 7523 section 2.2).
    Client(ClientId),
    /// A holder's device, by the assertion of its own key (RFC 7523 section 2.1).
    Holder,
}

#[derive(Clone)]
struct Token {
    text: String,
    usable_until: UnixTime,
}

/// One call, as often as it has to be made.
struct Call<'a> {
    method: Method,
    path: &'a str,
    body: Option<Body>,
    headers: &'a [(&'a str, &'a str)],
}

impl Session {
    /// Calls as the registered client `client_id`; `issuer` is the platform's public address, to which assertions
    /// and proofs are made out.
    pub fn client(
        client: Client,
        issuer: &str,
        client_id: ClientId,
        key: Arc<dyn Sign>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        Self::new(client, issuer, Who::Client(client_id), key, clock, rng)
    }

    /// Calls as the holder whose device key is `key`.
    pub fn holder(
        client: Client,
        issuer: &str,
        key: Arc<dyn Sign>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        Self::new(client, issuer, Who::Holder, key, clock, rng)
    }

    fn new(
        client: Client,
        issuer: &str,
        who: Who,
        key: Arc<dyn Sign>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        Self {
            client,
            issuer: issuer.trim_end_matches('/').into(),
            who,
            dpop_key: key.clone(),
            key,
            nonce: ServerNonce::default(),
            token: Mutex::default(),
            clock,
            rng,
        }
    }

    /// Binds tokens to another key than the one that authenticates.
    #[must_use]
    pub fn with_dpop_key(self, dpop_key: Arc<dyn Sign>) -> Self {
        Self { dpop_key, ..self }
    }

    /// Fetches JSON.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.call(Call::new(Method::GET, path)).await?.json()
    }

    /// Fetches bytes of any media type.
    pub async fn get_bytes(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        let answer = self.call(Call::new(Method::GET, path)).await?;
        answer.success().map(|answer| answer.bytes)
    }

    /// Sends JSON, and reads JSON.
    pub async fn post<B, T>(&self, path: &str, body: &B) -> Result<T, ClientError>
    where
        B: Serialize + Sync + ?Sized,
        T: DeserializeOwned,
    {
        self.post_with(path, body, &[]).await
    }

    /// Sends JSON with further headers, such as `Idempotency-Key`, and reads JSON.
    pub async fn post_with<B, T>(
        &self,
        path: &str,
        body: &B,
        headers: &[(&str, &str)],
    ) -> Result<T, ClientError>
    where
        B: Serialize + Sync + ?Sized,
        T: DeserializeOwned,
    {
        let body = Some(Body::json(&body)?);
        let call = Call {
            body,
            headers,
            ..Call::new(Method::POST, path)
        };
        self.call(call).await?.json()
    }

    /// Sends JSON that holds personal data and is wiped afterwards, and reads JSON.
    pub async fn post_personal<T: DeserializeOwned>(
        &self,
        path: &str,
        json: Zeroizing<Vec<u8>>,
    ) -> Result<T, ClientError> {
        let call = Call {
            body: Some(Body {
                media_type: "application/json".into(),
                bytes: json,
            }),
            ..Call::new(Method::POST, path)
        };
        self.call(call).await?.json()
    }

    /// Sends nothing but headers, and reads JSON.
    pub async fn post_empty<T: DeserializeOwned>(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<T, ClientError> {
        let call = Call {
            headers,
            ..Call::new(Method::POST, path)
        };
        self.call(call).await?.json()
    }

    /// Sends JSON, and reads nothing.
    pub async fn post_no_content<B>(&self, path: &str, body: &B) -> Result<(), ClientError>
    where
        B: Serialize + Sync + ?Sized,
    {
        let body = Some(Body::json(&body)?);
        let call = Call {
            body,
            ..Call::new(Method::POST, path)
        };
        self.call(call).await?.success().map(|_| ())
    }

    /// Deletes, and reads nothing.
    pub async fn delete(&self, path: &str) -> Result<(), ClientError> {
        let answer = self.call(Call::new(Method::DELETE, path)).await?;
        answer.success().map(|_| ())
    }

    /// The authorisation of one call that is made by other means, such as `curl`; soon, since server nonces age.
    pub async fn authorise(&self, method: &str, path: &str) -> Result<CallProof, ClientError> {
        let token = self.token().await?;
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let proof = self.proof(method, path, Some(&token))?;
        Ok(CallProof { token, proof })
    }

    /// Makes a call, and once more where the server wants its nonce in the proof: such a call had no effect.
    async fn call(&self, call: Call<'_>) -> Result<Answer, ClientError> {
        let answer = self.attempt(&call).await?;
        let fresh_nonce = self.nonce.learn(&answer);
        let problem = answer.failure().problem();
        let answer = if fresh_nonce && answer.status == 401 && problem == Some(ProblemType::UseDpopNonce) {
            let answer = self.attempt(&call).await?;
            self.nonce.learn(&answer);
            answer
        } else {
            answer
        };
        if answer.status == 401 {
            *self.token.lock().await = None;
        }
        Ok(answer)
    }

    async fn attempt(&self, call: &Call<'_>) -> Result<Answer, ClientError> {
        let CallProof { token, proof } = self.authorise(call.method.as_str(), call.path).await?;
        let authorization = format!("DPoP {token}");
        let own = [("authorization", authorization.as_str()), (dpop::PROOF, &proof)];
        let headers = [own.as_slice(), call.headers].concat();
        self.client
            .call(call.method.clone(), call.path, call.body.as_ref(), &headers)
            .await
    }

    /// The token at hand, or a fresh one; while one call fetches it, the others wait.
    async fn token(&self) -> Result<String, ClientError> {
        let mut held = self.token.lock().await;
        let usable = held.take().filter(|token| token.usable_until > self.clock.now());
        let token = match usable {
            Some(token) => token,
            None => self.fetch_token().await?,
        };
        Ok(held.insert(token).text.clone())
    }

    async fn fetch_token(&self) -> Result<Token, ClientError> {
        let mut answer = self.ask_for_token().await?;
        if self.nonce.learn(&answer) && token_error(&answer).as_deref() == Some("use_dpop_nonce") {
            answer = self.ask_for_token().await?;
            self.nonce.learn(&answer);
        }
        if let Some(error) = token_error(&answer) {
            return Err(ClientError::TokenRefused { error });
        }
        let given: TokenAnswer = answer.json()?;
        // A bare token would be worth something to whoever sees it: never take one for a bound one (T9).
        if !given.token_type.eq_ignore_ascii_case("DPoP") {
            return Err(ClientError::InvalidAnswer);
        }
        Ok(Token {
            text: given.access_token,
            usable_until: self.clock.now().plus(given.expires_in).minus(MARGIN),
        })
    }

    async fn ask_for_token(&self) -> Result<Answer, ClientError> {
        let form = serde_urlencoded::to_string(self.grant()?).map_err(|_| ClientError::Unmade)?;
        let body = Body::of("application/x-www-form-urlencoded", form.into_bytes());
        let proof = self.proof("POST", TOKEN_PATH, None)?;
        let headers = [(dpop::PROOF, proof.as_str())];
        self.client
            .call(Method::POST, TOKEN_PATH, Some(&body), &headers)
            .await
    }

    fn grant(&self) -> Result<Vec<(&'static str, String)>, ClientError> {
        let assertion = self.assertion()?;
        Ok(match self.who {
            Who::Client(_) => vec![
                ("grant_type", "client_credentials".into()),
                ("client_assertion_type", CLIENT_ASSERTION_TYPE.into()),
                ("client_assertion", assertion),
            ],
            Who::Holder => vec![("grant_type", JWT_BEARER_GRANT.into()), ("assertion", assertion)],
        })
    }

    fn assertion(&self) -> Result<String, ClientError> {
        let name = match &self.who {
            Who::Client(client_id) => client_id.as_str(),
            Who::Holder => self.key.kid(),
        };
        let now = self.clock.now();
        let claims = Assertion {
            iss: name.into(),
            sub: name.into(),
            aud: Audience::One(self.issuer.clone()),
            iat: Some(now),
            exp: now.plus(ASSERTION_LIFE),
            jti: Nonce::random(self.rng.as_ref()).as_str().into(),
        };
        Ok(cyberid_crypto::jws::sign(
            self.key.as_ref(),
            ASSERTION_TYP,
            &claims,
        )?)
    }

    fn proof(&self, method: &str, path: &str, token: Option<&str>) -> Result<String, ClientError> {
        let address = format!("{}{path}", self.issuer);
        let target = Target {
            method,
            address: &address,
            token,
        };
        let (clock, rng) = (self.clock.as_ref(), self.rng.as_ref());
        Ok(dpop::prove(
            self.dpop_key.as_ref(),
            &target,
            &self.nonce,
            clock,
            rng,
        )?)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

impl<'a> Call<'a> {
    fn new(method: Method, path: &'a str) -> Self {
        Self {
            method,
            path,
            body: None,
            headers: &[],
        }
    }
}

/// The error code of the token endpoint, RFC 6749 section 5.2.
fn token_error(answer: &Answer) -> Option<String> {
    if !matches!(answer.status, 400 | 401) {
        return None;
    }
    json::from_slice::<TokenError>(&answer.bytes)
        .ok()
        .map(|error| error.error)
}

#[cfg(test)]
mod tests;
