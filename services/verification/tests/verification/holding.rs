//! What a holder's app does, in one line.

use cyberid_crypto::Sign as _;
use cyberid_domain::id::VerificationId;
use cyberid_domain::relying_party::Role;
use cyberid_keystore::role::Request;
use cyberid_protocol::message::open;
use cyberid_protocol::proof::Proof;
use cyberid_protocol::request::{RequestObject, VerificationRequest};
use serde_json::{Value, json};

use crate::platform::{Answer, Citizen, Client, PURPOSE, Platform, new_key};

pub(crate) const NONCE: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// The body of a question.
pub(crate) fn asking(checks: &[&str]) -> Value {
    json!({"purpose": PURPOSE, "checks": checks, "nonce": NONCE})
}

impl Citizen {
    /// The citizen's device as a caller.
    pub(crate) fn caller(&self) -> Client {
        Client {
            id: self.device.kid().parse().unwrap(),
            role: Role::Holder,
            // Tokens of these tests are bare: the key signs nothing.
            key: new_key(),
        }
    }
}

impl Platform {
    /// Fetches a request with the citizen's token, which opens it.
    pub(crate) async fn open(&self, citizen: &Citizen, id: &VerificationId) -> Answer {
        self.get(&format!("/v1/requests/{id}"), &citizen.caller()).await
    }

    /// Refuses a request with the citizen's token.
    pub(crate) async fn decline(&self, citizen: &Citizen, id: &VerificationId) -> Answer {
        let path = format!("/v1/requests/{id}/answer");
        self.post(&path, &citizen.caller(), json!({"declined": true}))
            .await
    }

    /// Agrees to a request as the citizen's app would.
    pub(crate) async fn agree(
        &self,
        rp: &Client,
        citizen: &Citizen,
        request: &VerificationRequest,
    ) -> Answer {
        let sealed = self.seal(&citizen.device, &self.agreeing(rp, request), None);
        self.answer(&request.id, json!({ "sealed": sealed })).await
    }

    /// The proof that agrees to a request.
    pub(crate) fn agreeing(&self, rp: &Client, request: &VerificationRequest) -> Proof {
        Proof {
            request: Some(request.id.clone()),
            factors: request.factors.clone(),
            nonce: request.nonce.clone(),
            ..self.proof(rp, &request.checks)
        }
    }

    /// The request object of an answer.
    pub(crate) fn request(&self, answer: &Answer) -> VerificationRequest {
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        self.request_in(std::str::from_utf8(&answer.body).unwrap())
    }

    pub(crate) fn request_in(&self, compact: &str) -> VerificationRequest {
        let key = self.keys.signer::<Request>().unwrap().public_key();
        match open(compact, &key).unwrap() {
            RequestObject::Verification(request) => request,
            RequestObject::Release(_) => panic!("a release"),
        }
    }
}
