//! A valid message of every type, as an attacker could collect them.

use cyberid_domain::clock::{Clock as _, SystemClock};
use serde_json::json;

use journeys::attacks::Token;

use crate::places::party::{attested, opened};
use crate::places::releases::asked;
use crate::scene::{Scene, ask, fresh};

impl Scene {
    /// A valid message of every type.
    pub(crate) async fn others(&self) -> Vec<(&'static str, String)> {
        let (device, rp) = (self.device(), self.rp_key());
        let id = self.party.client_id();
        let sub = journeys::verified_sub(&self.party, &self.citizen).await;
        let (consent_claims, _) = asked(self, &sub).await;
        let own = |typ: &'static str, claims| (typ, Token::of(typ, claims, self.device()).compact);
        let proof = json!({"rp": id, "purpose": "register", "checks": ["real_person"], "factors": [], "nonce": fresh()});
        let consent = json!({"consent": self.granted.consented.consent_id});
        let guardian = json!({"ward_jkt": device.kid()});
        let (direct, _) = self.party.direct_request(&ask()).await.unwrap();
        let pending = self.party.request_verification(&ask()).await.unwrap();
        let request = self
            .split
            .platform()
            .client
            .get_bytes(&format!("/v1/requests/{}", pending.id))
            .await;
        let called = self.call_proof().await;
        let now = SystemClock.now().0;
        let key_proof = json!({"aud": self.split.platform().url(), "nonce": fresh(), "iat": now});
        let assertion = self.claims(60, &json!({"iss": id, "sub": id}));
        let jwks = json!({"keys": [rp.public_key().to_published_jwk("sig", "ES256")]});
        let change = self.claims(60, &json!({"iss": id, "jwks": jwks}));
        vec![
            own("cyberid-proof+jwt", self.claims(300, &proof)),
            own("cyberid-consent+jwt", consent_claims),
            own("cyberid-withdrawal+jwt", self.claims(300, &consent)),
            own("cyberid-guardian-consent+jwt", self.claims(300, &guardian)),
            (
                "cyberid-key-proof+jwt",
                Token::embedding("cyberid-key-proof+jwt", key_proof, device.clone()).compact,
            ),
            (
                "cyberid-key-change+jwt",
                Token::of("cyberid-key-change+jwt", change, rp.clone()).compact,
            ),
            ("JWT", Token::of("JWT", assertion, rp).compact),
            ("cyberid-direct-request+jwt", direct),
            (
                "cyberid-request+jwt",
                String::from_utf8(request.unwrap()).unwrap(),
            ),
            ("cyberid-registration+jwt", self.certificate.clone()),
            (
                "cyberid-certificate+jwt",
                self.citizen.enrolled.credential.clone(),
            ),
            ("secevent+jwt", self.event.clone()),
            ("cyberid-identity+jwt", opened(self)),
            ("cyberid-attestation+jwt", attested(self).await.1),
            ("dpop+jwt", called.proof),
            ("at+jwt", called.token),
        ]
    }
}
