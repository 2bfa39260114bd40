//! The face check: is it the person of this document who stands before this device? In this synthetic source the
//! person's evidence token stands for what a camera would have seen.

use cyberid_crypto::{Mac as _, base64url, digest};
use cyberid_protocol::face::{FaceEvidence, FaceQuestion, MAX_LIFE};

use crate::fault::SLOWNESS;
use crate::{CheckFailure, Fault, IdentitySource, Person};

impl IdentitySource {
    /// Signed evidence for a sealed question, or what the present fault makes of it.
    pub async fn check_face(&self, sealed: &str) -> Result<String, CheckFailure> {
        match self.fault() {
            Fault::Down => Err(CheckFailure::Down),
            Fault::Garbage => Ok("garbage".into()),
            Fault::Slow => {
                tokio::time::sleep(SLOWNESS).await;
                self.face_evidence(sealed, Fault::None)
            }
            fault => self.face_evidence(sealed, fault),
        }
    }

    /// The handle by which this source knows a person towards one platform: two platforms cannot relate theirs.
    /// A new document does not change it.
    pub(crate) fn handle(&self, person: &Person, platform: &str) -> String {
        let index = person.index.to_be_bytes();
        let handle = self
            .parts
            .person_key
            .mac(&[b"person", platform.as_bytes(), &index]);
        base64url::encode(&handle)
    }

    fn face_evidence(&self, sealed: &str, fault: Fault) -> Result<String, CheckFailure> {
        let question: FaceQuestion = self.open(sealed)?;
        let person = self.by_document(question.kind, question.number.expose());
        let person = person.filter(|person| self.shows(person, &question));
        let person = person.ok_or(CheckFailure::Refused)?;
        let now = self.moment(fault);
        let evidence = FaceEvidence {
            person: self.handle(&person, &question.aud),
            aud: question.aud,
            jkt: question.jkt,
            nonce: if fault == Fault::Wrong {
                "another proof".into()
            } else {
                question.nonce
            },
            iat: now,
            exp: now.plus(MAX_LIFE),
        };
        self.sign(&evidence, fault)
    }

    fn shows(&self, person: &Person, question: &FaceQuestion) -> bool {
        let face = self.population().evidence(person);
        person.living && digest::equal(face.as_bytes(), question.sample.expose().as_bytes())
    }
}
