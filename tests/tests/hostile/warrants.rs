//! Showing a warrant to a key holder, and what it answers.

use cyberid_crypto::PublicKey;
use cyberid_domain::field::Field;
use cyberid_protocol::warrant::{Opened, Shares, Warrant, WarrantBody};
use journeys::{Citizen, Granted, Part, SplitPlatform};
use reqwest::Client;
use serde::Serialize;
use serde_json::Value;

/// What a key holder answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    /// The code of the problem, and its reason.
    pub(crate) fn problem(&self) -> (String, String) {
        let problem: Value = serde_json::from_str(&self.body).unwrap();
        let member = |name| problem[name].as_str().unwrap_or_default().to_owned();
        (member("code"), member("reason"))
    }

    /// The identity that was opened.
    pub(crate) fn opened(&self) -> Opened {
        assert_eq!(self.status, 200, "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }

    /// The shares that were yielded.
    pub(crate) fn shares(&self) -> Shares {
        assert_eq!(self.status, 200, "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }

    /// Fails unless the warrant was refused for this reason, and nothing was said beside it.
    pub(crate) fn assert_refused(&self, reason: &str, what: &str) {
        assert_eq!(self.status, 403, "{what}: {self:?}");
        let expected = ("warrant-refused".to_owned(), reason.to_owned());
        assert_eq!(self.problem(), expected, "{what}");
        self.assert_silent(what);
    }

    /// Fails if anything was opened or yielded.
    pub(crate) fn assert_silent(&self, what: &str) {
        assert!(self.status >= 400, "{what}: {self:?}");
        let body: Value = serde_json::from_str(&self.body).unwrap();
        for told in ["identity", "shares"] {
            assert!(body.get(told).is_none(), "{what}: {self:?}");
        }
    }
}

/// Shows a warrant to the vault or the custodian.
pub(crate) async fn show(split: &SplitPlatform, part: Part, warrant: &Warrant) -> Answer {
    send(split, part, &WarrantBody::from(warrant.clone())).await
}

/// Sends anything to where the vault or the custodian takes warrants.
pub(crate) async fn send(split: &SplitPlatform, part: Part, body: &(impl Serialize + Sync)) -> Answer {
    let path = match part {
        Part::Vault => "/v1/openings",
        Part::Custodian => "/v1/shares",
        _ => panic!("{part:?} takes no warrants"),
    };
    let client = Client::builder().no_proxy().build().unwrap();
    let sent = client
        .post(format!("{}{path}", split.url(part)))
        .json(body)
        .send();
    let answer = sent.await.unwrap();
    Answer {
        status: answer.status().as_u16(),
        body: answer.text().await.unwrap(),
    }
}

/// A platform in four processes, with a citizen who granted only the name.
pub(crate) struct Scene {
    pub(crate) split: SplitPlatform,
    pub(crate) citizen: Citizen,

    /// The consents to the name alone, none of them redeemed.
    pub(crate) granted: Vec<Granted>,
    /// The key that the relying party registered.
    pub(crate) rp_key: cyberid_client::key_file::PrivateKey,
}

impl Scene {
    /// Sets it, with this many consents.
    pub(crate) async fn set(consents: usize) -> Self {
        let split = SplitPlatform::start().await;
        let platform = split.platform();
        let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
        let sub = journeys::verified_sub(&party, &citizen).await;
        let mut granted = Vec::new();
        for _ in 0..consents {
            granted.push(Granted::to(&sub, &citizen, &party, &[Field::Name]).await);
        }
        let rp_key = platform.private_key("/relying_party/encryption_jwk");
        Self {
            split,
            citizen,

            granted,
            rp_key,
        }
    }

    /// The public half of the relying party's key.
    pub(crate) fn rp_public(&self) -> PublicKey {
        self.rp_key.public_key()
    }
}
