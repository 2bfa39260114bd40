//! A new version of a record, at the vault and at every custodian. Nothing that issuance keeps opens the old one: the new one
//! is sealed afresh. It is staged everywhere, recorded as staged, and only then put into force, custodians first; from the
//! record of it on, a crash leaves nothing that needs the document again. The old version answers until then.

use cyberid_domain::id::{Nonce, SubjectId};
use cyberid_protocol::deposit::KeyHolder;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::replacement::{REPLACEMENT_INFO, StagedVersion, VersionSwitch};
use cyberid_storage::notice::StagedRecord;
use time::Date;

use super::NoticeError;
use crate::Issuance;
use crate::document::CheckedDocument;

impl Issuance {
    /// Replaces a subject's record by one of this document. One at a time, and none before those that were begun are done:
    /// a version that is in force at one key holder is never taken away from the other.
    pub(crate) async fn replace_record(
        &self,
        subject: &SubjectId,
        document: &CheckedDocument,
        birth_date: Date,
    ) -> Result<(), NoticeError> {
        let _alone = self.replacing.lock().await;
        self.finish_staged().await?;
        let staged = StagedRecord {
            subject: *subject,
            version: Nonce::random(&*self.parts.rng),
        };
        self.stage(&staged, document, birth_date).await?;
        self.parts.notices.record_staged(&staged).await?;
        self.put_into_force(&staged).await
    }

    /// Puts into force whatever an earlier process has staged everywhere.
    pub(crate) async fn finish_replacements(&self) -> Result<(), NoticeError> {
        let _alone = self.replacing.lock().await;
        self.finish_staged().await
    }

    async fn finish_staged(&self) -> Result<(), NoticeError> {
        for staged in self.parts.notices.staged_records().await? {
            self.put_into_force(&staged).await?;
        }
        Ok(())
    }

    async fn stage(
        &self,
        staged: &StagedRecord,
        document: &CheckedDocument,
        birth_date: Date,
    ) -> Result<(), NoticeError> {
        let record = self.seal_record(staged.subject, document, birth_date, REPLACEMENT_INFO)?;
        let person = record.person.clone();
        for (aud, client, fields) in self.parts_of(record) {
            let (iat, exp) = self.command_life();
            let command = self.command(&StagedVersion {
                aud,
                subject: staged.subject,
                version: staged.version.clone(),
                person_sealed: (aud == KeyHolder::Vault).then(|| person.clone()),
                fields,
                iat,
                exp,
                jti: Nonce::random(&*self.parts.rng),
            })?;
            let kept = client.post_no_content("/v1/staged-versions", &command).await;
            kept.map_err(|error| match error.problem() {
                Some(ProblemType::Forbidden) => NoticeError::NumberTaken,
                _ => NoticeError::KeyHolder(error),
            })?;
        }
        Ok(())
    }

    async fn put_into_force(&self, staged: &StagedRecord) -> Result<(), NoticeError> {
        for aud in [KeyHolder::Custodian, KeyHolder::Vault] {
            let (iat, exp) = self.command_life();
            let command = self.command(&VersionSwitch {
                aud,
                subject: staged.subject,
                version: staged.version.clone(),
                iat,
                exp,
                jti: Nonce::random(&*self.parts.rng),
            })?;
            match self.tell(aud, "/v1/version-switches", &command).await {
                Ok(()) => {}
                // The record was erased meanwhile: there is nothing to replace.
                Err(error) if error.problem() == Some(ProblemType::NotFound) => {}
                Err(error) => return Err(NoticeError::KeyHolder(error)),
            }
        }
        Ok(self.parts.notices.replaced(staged).await?)
    }
}
