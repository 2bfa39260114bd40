//! What relying parties are told beside their long polls.

use std::sync::Mutex;

use cyberid_domain::UnixTime;
use cyberid_domain::check::Check;
use cyberid_domain::clock::Clock as _;
use cyberid_domain::id::{ClientId, VerificationId};
use cyberid_protocol::event::Concluded;
use cyberid_verification::Announce;
use serde_json::json;

use crate::platform::{PURPOSE, Platform, new_key};

const NONCE: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// Who was told what.
#[derive(Debug, Default)]
pub(crate) struct Told(pub(crate) Mutex<Vec<Word>>);

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Asked(ClientId, VerificationId, UnixTime),
    Concluded(ClientId, VerificationId, Concluded),
}

impl Announce for Told {
    fn asked(&self, client_id: &ClientId, id: &VerificationId, expires_at: UnixTime) {
        let word = Word::Asked(client_id.clone(), id.clone(), expires_at);
        self.0.lock().unwrap().push(word);
    }

    fn concluded(&self, client_id: &ClientId, id: &VerificationId, how: Concluded) {
        let word = Word::Concluded(client_id.clone(), id.clone(), how);
        self.0.lock().unwrap().push(word);
    }
}

#[tokio::test]
async fn every_end_is_told_once_and_to_the_one_who_asked() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let adult = platform.adult().await;
    let body = json!({"purpose": PURPOSE, "checks": ["age_over_18"], "nonce": NONCE});
    for how in [Concluded::Passed, Concluded::Failed, Concluded::Declined] {
        let id = platform.ask(&rp, body.clone()).await;
        let stranger = new_key();
        let device = match how {
            Concluded::Failed => &stranger,
            _ => &adult.device,
        };
        let answer = if how == Concluded::Declined {
            json!({"declined": true})
        } else {
            let mut proof = platform.proof(&rp, &[Check::AgeOver18]);
            proof.request = Some(id.clone());
            proof.nonce = NONCE.parse().unwrap();
            json!({"sealed": platform.seal(device, &proof, None)})
        };
        assert_eq!(platform.answer(&id, answer.clone()).await.status, 204, "{how:?}");
        assert_eq!(platform.answer(&id, answer).await.status, 409, "again");
        let told = std::mem::take(&mut *platform.announced.0.lock().unwrap());
        let expires_at = platform.clock.now().plus(300);
        let asked = Word::Asked(rp.id.clone(), id.clone(), expires_at);
        assert_eq!(told, [asked, Word::Concluded(rp.id.clone(), id, how)]);
    }
}

#[tokio::test]
async fn what_is_answered_at_once_is_not_told() {
    let platform = Platform::start().await;
    let (rp, adult) = (platform.relying_party().await, platform.adult().await);
    let proof = platform.proof(&rp, &[Check::AgeOver18]);
    let sealed = platform.seal(&adult.device, &proof, None);
    assert_eq!(platform.direct(&rp, &sealed).await.status, 200);
    assert!(platform.announced.0.lock().unwrap().is_empty());
}
