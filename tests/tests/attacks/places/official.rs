//! What the officers of an authority sign. Acceptance: the call is answered well. An order that is wider than one person is
//! refused, and it is written down that it was tried.

use std::sync::Arc;

use cyberid_client::Session;
use cyberid_crypto::Sign;
use cyberid_protocol::official::words_sha256;
use journeys::attacks::Token;
use serde_json::{Value, json};

use crate::place::Place;
use crate::scene::Scene;
use crate::wire::judged;

const ACCESSES: &str = "/v1/official-accesses";

/// An authority whose officers are as good as bad.
struct Bureau {
    scene: Arc<Scene>,
    session: Session,
    officers: [Arc<dyn Sign>; 2],
}

impl Bureau {
    fn of(scene: &Arc<Scene>) -> Arc<Self> {
        let platform = scene.split.platform();
        let officer = |nth| {
            let key = platform.private_key(&format!("/authority/officers/{nth}/signing_jwk"));
            Arc::new(key.to_signing_key().unwrap()) as Arc<dyn Sign>
        };
        Arc::new(Self {
            officers: [officer(0), officer(1)],
            session: platform.authority(),
            scene: scene.clone(),
        })
    }

    fn client_id(&self) -> Value {
        self.scene.split.platform().key_file("/authority/client_id")
    }

    fn order(&self) -> Token {
        let platform = self.scene.split.platform();
        let encryption = platform.private_key("/authority/encryption_jwk").public_key();
        let more = json!({"authority": self.client_id(), "network_number": self.scene.citizen.enrolled.network_number,
            "fields": ["name"], "case_reference": "2026-117", "legal_basis": "CPL-54", "enc_jkt": encryption.thumbprint()});
        let claims = self.scene.claims(3600, &more);
        Token::of("cyberid-official-order+jwt", claims, self.officers[0].clone())
    }
}

pub(super) fn order(scene: &Arc<Scene>) -> Place<Token> {
    let (making, taking) = (Bureau::of(scene), Bureau::of(scene));
    let good = async move || making.order();
    let present = async move |_: &Token, message: &str| {
        let body = json!({ "order": message });
        let call = taking.scene.post(&taking.session, ACCESSES, &body).await;
        judged(call, |_| true).await
    };
    Place::new("official order", good, present)
}

pub(super) async fn countersignature(scene: &Arc<Scene>) -> Place<Token> {
    let bureau = Bureau::of(scene);
    let order = bureau.order().compact;
    let body = json!({ "order": order });
    let ordered: Value = bureau.session.post(ACCESSES, &body).await.unwrap();
    let (making, words) = (bureau.clone(), words_sha256(&order));
    let good = async move || {
        let more = json!({"authority": making.client_id(), "order_sha256": words});
        let claims = making.scene.claims(3600, &more);
        Token::of(
            "cyberid-official-countersignature+jwt",
            claims,
            making.officers[1].clone(),
        )
    };
    let path = format!("{ACCESSES}/{}/countersign", ordered["id"].as_str().unwrap());
    let present = async move |_: &Token, message: &str| {
        let body = json!({ "countersignature": message });
        let call = bureau.scene.post(&bureau.session, &path, &body).await;
        judged(call, |_| true).await
    };
    Place::new("countersignature of an official order", good, present)
}
