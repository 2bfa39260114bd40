//! The face check: is it the person of this document who stands before this device? In this synthetic source the
//! person's evidence token stands for what a camera would have seen.

use cyberid_crypto::{Mac as _, base64url, digest};
use cyberid_protocol::face::{FaceEvidence, FaceQuestion, MAX_LIFE};
use cyberid_protocol::message::Message as _;

use crate::fault::SLOWNESS;
use crate::{CheckFailure, Fault, IdentitySource, Person};

impl IdentitySource {
    /// Signed evidence for a sealed question, or what the present fault makes of it.
    pub async fn check_face(&self, sealed: &str) -> Result<String, CheckFailure> {
        match self.fault() {
            Fault::None => self.face_evidence(sealed, false),
            Fault::Slow => {
                tokio::time::sleep(SLOWNESS).await;
                self.face_evidence(sealed, false)
            }
            Fault::Wrong => self.face_evidence(sealed, true),
            Fault::Down => Err(CheckFailure::Down),
            Fault::Garbage => Ok("garbage".into()),
        }
    }

    /// The handle by which this source knows a person towards one platform: two platforms cannot relate theirs.
    pub(crate) fn handle(&self, person: &Person, platform: &str) -> String {
        let document = [person.kind.as_str(), person.number.expose()];
        let [kind, number] = document.map(str::as_bytes);
        let handle = self
            .parts
            .person_key
            .mac(&[b"person", platform.as_bytes(), kind, number]);
        base64url::encode(&handle)
    }

    fn face_evidence(&self, sealed: &str, for_another: bool) -> Result<String, CheckFailure> {
        let question: FaceQuestion = self.open(sealed)?;
        let person = self.population().by_number(question.number.expose());
        let person = person.filter(|person| self.shows(person, &question));
        let person = person.ok_or(CheckFailure::Refused)?;
        let now = self.parts.clock.now();
        let evidence = FaceEvidence {
            person: self.handle(person, &question.aud),
            aud: question.aud,
            jkt: question.jkt,
            nonce: if for_another {
                "another proof".into()
            } else {
                question.nonce
            },
            iat: now,
            exp: now.plus(MAX_LIFE),
        };
        Ok(evidence.sign(&*self.parts.signing_key.current())?)
    }

    fn shows(&self, person: &Person, question: &FaceQuestion) -> bool {
        let face = self.population().evidence(person);
        person.living
            && person.kind == question.kind
            && digest::equal(face.as_bytes(), question.sample.expose().as_bytes())
    }
}
