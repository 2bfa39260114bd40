//! Enrolment: one document, one evidence, one PIN, one device key.

use cyberid_client::KeyRole;
use cyberid_crypto::KeyFailure;
use cyberid_domain::pin::Pin;
use cyberid_protocol::certificate::{self, Certificate};
use cyberid_protocol::enrolment::{Document, Enrolled, Evidence, NonceAnswer};
use cyberid_protocol::key_proof::KeyProof;
use cyberid_protocol::message::check_life;
use cyberid_protocol::statement::Locale;
use zeroize::Zeroizing;

use crate::personal::{person, written};
use crate::{Holder, HolderError};

/// All that an enrolment states.
#[derive(Debug)]
pub struct Enrolment {
    /// The identity document.
    pub document: Document,
    /// Evidence that the holder is its person.
    pub evidence: Evidence,
    /// The PIN that the holder chooses.
    pub pin: Pin,
    /// The language of messages to the holder.
    pub locale: Locale,
    /// A guardian's consent, for whoever is under 18 ([`Holder::guardian_consent`]).
    pub guardian_consent: Option<String>,
}

impl Holder {
    /// Enrols this device's holder. The answer's certificate was checked to be the platform's, and this device's.
    pub async fn enrol(&self, enrolment: &Enrolment) -> Result<Enrolled, HolderError> {
        let NonceAnswer { nonce, .. } = self.client().post_empty("/v1/nonces").await?;
        let key_proof = KeyProof {
            aud: self.platform.issuer().into(),
            nonce,
            iat: self.now(),
        };
        let body = enrolment.to_json(&key_proof.sign(&*self.key)?)?;
        let enrolled: Enrolled = self.client().post_personal("/v1/enrolments", body).await?;
        self.check_credential(&enrolled).await?;
        Ok(enrolled)
    }

    pub(crate) async fn check_credential(&self, enrolled: &Enrolled) -> Result<(), HolderError> {
        let credential = self
            .platform
            .open::<Certificate>(KeyRole::Certificate, &enrolled.credential);
        let credential = credential.await.map_err(|_| HolderError::CredentialRefused)?;
        let ours = credential.iss == self.platform.issuer()
            && credential.cnf.jkt == self.key.kid()
            && credential.exp == enrolled.credential_expires_at;
        // Issued at the start of its day, so that it may seem a day older than it is.
        check_life(credential.iat, credential.exp, certificate::MAX_LIFE, self.now())
            .ok()
            .filter(|()| ours)
            .ok_or(HolderError::CredentialRefused)
    }
}

impl Enrolment {
    /// The body of `POST /v1/enrolments`.
    pub(crate) fn to_json(&self, key_proof: &str) -> Result<Zeroizing<Vec<u8>>, KeyFailure> {
        let mut members = person(&self.document, &self.evidence, &self.pin);
        members.extend([
            (r#","key_proof":"#, key_proof),
            (r#","locale":"#, self.locale.as_str()),
        ]);
        let guardian = self.guardian_consent.as_deref();
        members.extend(guardian.map(|consent| (r#","guardian_consent":"#, consent)));
        written(&members, "}")
    }
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::json;
    use cyberid_domain::clock::DAY;
    use cyberid_domain::number::NetworkNumber;
    use cyberid_domain::rng::SystemRng;
    use cyberid_domain::subject::SubjectStatus;
    use cyberid_protocol::certificate::Confirmation;
    use cyberid_protocol::enrolment::EnrolmentBody;
    use cyberid_protocol::passport::ChipFiles;

    use cyberid_domain::document::DocumentType;
    use cyberid_domain::personal::Personal;

    use super::*;
    use crate::platform_double::NOW;
    use crate::testing::met;

    fn enrolment() -> Enrolment {
        let personal = |text: &str| Personal::new(text.into());
        Enrolment {
            document: Document {
                kind: DocumentType::Passport,
                name: personal("O\"Neil\\\u{1}王"),
                number: personal("L898902C36"),
                valid_until: personal("2030-01-31"),
            },
            evidence: Evidence {
                kind: "synthetic".into(),
                token: personal("a.b.c"),
                chip: None,
            },
            pin: Pin::chosen("52719406".into()).unwrap(),
            locale: Locale::English,
            guardian_consent: Some("g.c.s".into()),
        }
    }

    #[test]
    fn the_body_is_what_the_platform_reads() {
        let body: EnrolmentBody = json::from_slice(&enrolment().to_json("k.p.s").unwrap()).unwrap();
        assert_eq!(body.document.kind, DocumentType::Passport);
        assert_eq!(body.document.name.expose(), "O\"Neil\\\u{1}王");
        assert_eq!(body.document.number.expose(), "L898902C36");
        assert_eq!(body.document.valid_until.expose(), "2030-01-31");
        assert_eq!(
            (body.evidence.kind.as_str(), body.evidence.token.expose()),
            ("synthetic", "a.b.c")
        );
        assert_eq!(
            (body.pin.expose(), body.key_proof.as_str()),
            ("52719406", "k.p.s")
        );
        assert_eq!(body.locale, Locale::English);
        assert_eq!(body.guardian_consent.as_deref(), Some("g.c.s"));
    }

    #[test]
    fn a_chip_stands_beside_the_evidence() {
        let personal = |text: &str| Personal::new(text.into());
        for dg2 in [None, Some(personal("face"))] {
            let mut enrolment = enrolment();
            enrolment.evidence.chip = Some(ChipFiles {
                sod: personal("sod"),
                dg1: personal("dg1"),
                dg2: dg2.clone(),
            });
            let body: EnrolmentBody = json::from_slice(&enrolment.to_json("k.p.s").unwrap()).unwrap();
            let chip = body.evidence.chip.unwrap();
            assert_eq!((chip.sod.expose(), chip.dg1.expose()), ("sod", "dg1"));
            assert_eq!(chip.dg2, dg2);
            assert_eq!(body.pin.expose(), "52719406");
        }
    }

    async fn enrolled(alter: impl FnOnce(&mut Certificate)) -> Result<Enrolled, HolderError> {
        let (double, holder) = met().await;
        let mut certificate = Certificate {
            iss: double.issuer.clone(),
            cnf: Confirmation {
                jkt: holder.key.kid().into(),
            },
            number_commitment: "c".into(),
            status: SubjectStatus::Active,
            iat: NOW.day_start(),
            exp: NOW.plus(DAY),
        };
        alter(&mut certificate);
        let answer = serde_json::json!({
            "network_number": NetworkNumber::random(&SystemRng).to_string(), "status": "active",
            "credential": double.sign("certificate", &certificate), "credential_expires_at": NOW.plus(DAY),
        });
        double.script(
            "POST /v1/nonces",
            200,
            r#"{"nonce":"BBBBBBBBBBBBBBBBBBBBBA","expires_in":300}"#,
        );
        double.script("POST /v1/enrolments", 201, answer.to_string());
        let enrolled = holder.enrol(&enrolment()).await;
        let body: EnrolmentBody = json::from_slice(&double.received("POST /v1/enrolments")[0].body).unwrap();
        let (key, proof) = KeyProof::open(&body.key_proof).unwrap();
        assert_eq!(
            (key, proof.aud.as_str()),
            (holder.public_key(), double.issuer.as_str())
        );
        assert_eq!(proof.nonce.as_str(), "BBBBBBBBBBBBBBBBBBBBBA");
        enrolled
    }

    #[tokio::test]
    async fn an_enrolment_proves_the_key_and_ends_with_this_devices_credential() {
        assert!(enrolled(|_| {}).await.is_ok());
        let alterations: [fn(&mut Certificate); 4] = [
            |it| it.cnf.jkt = "another device".into(),
            |it| it.iss = "https://id.example".into(),
            |it| it.exp = NOW,
            |it| it.iat = NOW.plus(61),
        ];
        for alter in alterations {
            assert_eq!(enrolled(alter).await.err(), Some(HolderError::CredentialRefused));
        }
    }
}
