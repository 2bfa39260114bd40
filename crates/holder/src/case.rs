//! Cases: a misuse of one's own person that one reports, and an appeal against a refusal.

use cyberid_domain::id::CaseId;
use cyberid_protocol::case::{AppealBody, CaseView};

use crate::{Enrolment, Holder, HolderError};

impl Holder {
    /// Reports that somebody else has the identifier of the person of this evidence, who is before this device. It is suspended
    /// at once; if two operators agree, it becomes this device's alone.
    pub async fn report_misuse(&self, person: &Enrolment) -> Result<CaseView, HolderError> {
        let body = person.to_json(&self.device_request().await?)?;
        Ok(self.client().post_personal("/v1/misuse-reports", body).await?)
    }

    /// Appeals against the refusal of an enrolment with this device's key. The case's name is what to show at the desk.
    pub async fn appeal(&self) -> Result<CaseView, HolderError> {
        let key_proof = self.device_request().await?;
        Ok(self
            .client()
            .post("/v1/appeals", &AppealBody { key_proof })
            .await?)
    }

    /// How far a case has come.
    pub async fn case(&self, id: &CaseId) -> Result<CaseView, HolderError> {
        Ok(self.client().get(&format!("/v1/cases/{id}")).await?)
    }
}
