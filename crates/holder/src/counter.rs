//! The station at a counter: it enrols a person, or gives them a fresh sheet of codes, with an operator's authorisation. The
//! numbers in comments are those of `docs/cycles/counter.md`.

use std::sync::Arc;

use cyberid_client::Session;
use cyberid_crypto::Sign;
use cyberid_protocol::counter::{CounterEnrolled, CounterRecovered};
use zeroize::Zeroizing;

use crate::devices::recovery_json;
use crate::{Enrolment, Holder, HolderError, Reproof};

impl Holder {
    /// Enrols the person of this device's key, the first code's, with further codes for their devices. The certificate was
    /// checked to be the platform's, and this key's.
    pub async fn enrol_at_counter(
        &self,
        station: &Session,
        enrolment: &Enrolment,
        sheet: &[Arc<dyn Sign>],
    ) -> Result<CounterEnrolled, HolderError> {
        // 1.
        let proofs = self.key_proofs(sheet).await?;
        let inner = enrolment.to_json(&self.device_request().await?)?;
        let body = body(r#"{"enrolment":"#, &inner, &proofs);
        let answer: CounterEnrolled = station.post_personal("/v1/counter/enrolments", body).await?;
        self.check_credential(&answer.enrolled).await?;
        Ok(answer)
    }

    /// Gives the person of this evidence a fresh sheet, whose first code's key is this device's.
    pub async fn recover_at_counter(
        &self,
        station: &Session,
        reproof: &Reproof,
        revoke_others: bool,
        sheet: &[Arc<dyn Sign>],
    ) -> Result<CounterRecovered, HolderError> {
        // 1.
        let proofs = self.key_proofs(sheet).await?;
        let inner = recovery_json(reproof, &self.device_request().await?, revoke_others)?;
        let body = body(r#"{"recovery":"#, &inner, &proofs);
        let answer: CounterRecovered = station.post_personal("/v1/counter/recoveries", body).await?;
        if let Some(credential) = &answer.recovered.credential {
            self.check_own(credential).await?;
        }
        Ok(answer)
    }

    async fn key_proofs(&self, keys: &[Arc<dyn Sign>]) -> Result<Vec<String>, HolderError> {
        let mut proofs = Vec::new();
        for key in keys {
            proofs.push(self.key_proof_of(&**key).await?);
        }
        Ok(proofs)
    }
}

/// Proofs are compact JWS: nothing in them is escaped.
fn body(before: &str, inner: &[u8], proofs: &[String]) -> Zeroizing<Vec<u8>> {
    let sheet = proofs.join(r#"",""#);
    let room = before.len() + inner.len() + sheet.len() + 32;
    let mut json = Zeroizing::new(Vec::with_capacity(room));
    json.extend_from_slice(before.as_bytes());
    json.extend_from_slice(inner);
    json.extend_from_slice(br#","sheet":["#);
    if !proofs.is_empty() {
        json.extend_from_slice(format!(r#""{sheet}""#).as_bytes());
    }
    json.extend_from_slice(b"]}");
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_one_object_with_or_without_further_codes() {
        for (proofs, sheet) in [
            (vec![], "[]"),
            (vec!["a.b.c".into(), "d.e.f".into()], r#"["a.b.c","d.e.f"]"#),
        ] {
            let json = body(r#"{"enrolment":"#, b"{}", &proofs);
            let expected = format!(r#"{{"enrolment":{{}},"sheet":{sheet}}}"#);
            assert_eq!(str::from_utf8(&json).unwrap(), expected);
        }
    }
}
