//! The second act: pass and fail, and what a shop does not learn.

use cyberid_domain::check::{Check, Factor, Outcome};
use cyberid_domain::pin::Pin;
use cyberid_holder::{Holder, ReviewedRequest};
use cyberid_protocol::statement::Locale;
use cyberid_relying_party::{Ask, VerifiedAttestation, VerifiedOutcome};
use serde_json::json;

use super::super::tell::{claims, does, does_not_see, part, sees};
use super::{Cast, Fault, PIN, holder};

impl Cast<'_> {
    pub(super) async fn verify(&self) -> Result<String, Fault> {
        part(2, "A shop asks: real, valid document, over 18?");
        let checks = vec![Check::RealPerson, Check::DocumentValid, Check::AgeOver18];
        let ask = Ask {
            purpose: "register".into(),
            checks,
            ..Ask::default()
        };
        let pending = self.shop.request_verification(&ask).await?;
        does("Shop", &format!("shows a QR code: {}", pending.request_uri));
        let reviewed = self
            .citizen
            .fetch_request(&pending.request_uri, Locale::English)
            .await?;
        let ReviewedRequest::Verification(request) = reviewed else {
            return Err("another kind of request".into());
        };
        if request.comparison_code() != pending.comparison_code {
            return Err("the screens show different codes".into());
        }
        does(
            "Both",
            &format!("screens show the comparison code {}", pending.comparison_code),
        );
        let asked = request.request();
        let shown = json!({"who": asked.rp, "purpose": asked.purpose, "checks": asked.checks});
        sees(
            "Citizen",
            "who asks (vouched for by a registration certificate) and what",
            &shown,
        );
        self.citizen.answer_verification(&request, None).await?;
        does(
            "Citizen",
            "agrees; the proof is signed by the device and sealed to the platform",
        );
        let VerifiedOutcome::Attested(attested) = self.shop.wait(&pending).await? else {
            return Err("the verification was not answered".into());
        };
        let sub = attested
            .passed()
            .ok_or("the verification did not pass")?
            .to_owned();
        sees(
            "Shop",
            "the whole attestation, verified",
            &claims(attested.compact()),
        );
        let document = &self.person.document;
        let hidden = format!(
            "{}, {}, born {}",
            document.name.expose(),
            document.number.expose(),
            self.person.birth_date
        );
        does_not_see(
            "Shop",
            &format!("{hidden}; nor the network number, nor a pseudonym any other shop knows"),
        );
        Ok(sub)
    }

    pub(super) async fn verify_directly(&self) -> Result<(), Fault> {
        part(3, "The same in one call, with the PIN");
        let ask = Ask {
            purpose: "register".into(),
            checks: vec![Check::RealPerson, Check::AgeOver18],
            factors: vec![Factor::Device, Factor::Pin],
            ..Ask::default()
        };
        let attested = self.directly(&self.citizen, &ask, PIN).await?;
        attested.passed().ok_or("the direct verification did not pass")?;
        sees(
            "Shop",
            "a pass by device and PIN",
            &json!({"acr": attested.acr(), "checks": attested.checks()}),
        );
        does_not_see("Shop", "the PIN: it travels inside the seal only");
        let attested = self.directly(&self.citizen, &ask, "31415926").await?;
        if attested.passed().is_some() {
            return Err("a wrong PIN passed".into());
        }
        does(
            "Shop",
            "gets a fail for a wrong PIN, and cannot tell it from any other fail",
        );
        Ok(())
    }

    pub(super) async fn fail_a_child(&self) -> Result<(), Fault> {
        part(4, "A child fails, and nobody can tell from outside");
        let child = holder(self.stage.platform.clone()).await?;
        // Nobody under 18 enrols without a guardian who agrees on their own device.
        let mut enrolment = self.child.enrolment("16180339")?;
        let device = child.public_key().thumbprint();
        enrolment.guardian_consent = Some(self.citizen.guardian_consent(&device)?);
        child.enrol(&enrolment).await?;
        let ask = |checks: &[Check]| Ask {
            purpose: "register".into(),
            checks: checks.to_vec(),
            ..Ask::default()
        };
        let ask = ask(&[Check::RealPerson, Check::AgeOver18]);
        let failed = self.directly(&child, &ask, "").await?;
        let passed = self.directly(&self.citizen, &ask, "").await?;
        sees(
            "Shop",
            &format!("the checks of somebody born {}", self.child.birth_date),
            &failed.checks(),
        );
        if failed.passed().is_some() || failed.checks().get(&Check::AgeOver18) != Some(&Outcome::Fail) {
            return Err("a child passed as an adult".into());
        }
        let (fail, pass) = (failed.compact().len(), passed.compact().len());
        if fail != pass {
            return Err(format!("pass and fail differ in length: {pass} and {fail}").into());
        }
        does(
            "Network",
            &format!("sees {fail} bytes for the fail and {pass} bytes for a pass"),
        );
        Ok(())
    }

    async fn directly(&self, holder: &Holder, ask: &Ask, pin: &str) -> Result<VerifiedAttestation, Fault> {
        let pin = if pin.is_empty() {
            None
        } else {
            Some(Pin::entered(pin.into())?)
        };
        let (request, expected) = self.shop.direct_request(ask).await?;
        let reviewed = holder.review_direct(&request).await?;
        let sealed = holder.direct_proof(&reviewed, pin.as_ref()).await?;
        Ok(self.shop.submit_direct(sealed, expected).await?)
    }
}
