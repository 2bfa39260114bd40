//! Issuance's commands to vault and custodian, each signed by the enrolment key.

use cyberid_client::{Client, ClientError};
use cyberid_crypto::{KeyFailure, PublicKey, base64url, hpke};
use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::{Nonce, SubjectId};
use cyberid_domain::personal::Personal;
use cyberid_protocol::deposit::{
    CommandBody, Deposit, DepositedField, KeyHolder, MAX_LIFE, Outcome, RESERVATION_INFO, Reservation,
    ReservationAnswer, Settlement,
};
use cyberid_protocol::message::Message;
use cyberid_record::{Place, seal_field};
use zeroize::Zeroizing;

use crate::document::CheckedDocument;
use crate::{EnrolmentError, Issuance, calendar};

/// What each key holder is to keep of a record.
pub(crate) struct SealedRecord {
    vault: Vec<DepositedField>,
    custodian: Vec<DepositedField>,
}

impl Issuance {
    /// Asks the vault to reserve the person of `document`; `false` if the person is taken.
    pub(crate) async fn reserve(
        &self,
        subject: SubjectId,
        document: &CheckedDocument,
    ) -> Result<bool, EnrolmentError> {
        let person = Zeroizing::new(format!("{}|{}", document.kind.as_str(), document.number.expose()));
        let sealed = hpke::seal(
            &self.parts.vault_key,
            RESERVATION_INFO,
            subject.as_bytes(),
            person.as_bytes(),
        )?;
        let (iat, exp) = self.command_life();
        let command = self.command(&Reservation {
            aud: KeyHolder::Vault,
            subject,
            person_sealed: base64url::encode(&sealed),
            iat,
            exp,
            jti: Nonce::random(&*self.parts.rng),
        })?;
        let answer: ReservationAnswer = self.parts.vault.post("/v1/reservations", &command).await?;
        Ok(answer.reserved)
    }

    /// Seals every field of a record: after this nothing here opens it.
    pub(crate) fn seal_record(
        &self,
        subject: SubjectId,
        document: &CheckedDocument,
        birth_date: time::Date,
    ) -> Result<SealedRecord, KeyFailure> {
        let (mut vault, mut custodian) = (Vec::new(), Vec::new());
        for field in Field::ALL {
            let value = value(field, document, birth_date);
            let place = Place { subject, field };
            let (vault_key, custodian_key) = (&self.parts.vault_key, &self.parts.custodian_key);
            let sealed = seal_field(&place, &value, vault_key, custodian_key, &*self.parts.rng)?;
            let ciphertext = Some(base64url::encode(&sealed.ciphertext));
            vault.push(deposited(field, ciphertext, &sealed.vault_share));
            custodian.push(deposited(field, None, &sealed.custodian_share));
        }
        Ok(SealedRecord { vault, custodian })
    }

    /// Hands each key holder its part of the record, the custodian first: a record without shares opens nothing.
    pub(crate) async fn deposit(
        &self,
        subject: SubjectId,
        device: &PublicKey,
        number_commitment: &str,
        record: SealedRecord,
    ) -> Result<(), EnrolmentError> {
        let parts = [
            (KeyHolder::Custodian, record.custodian),
            (KeyHolder::Vault, record.vault),
        ];
        for (aud, fields) in parts {
            let (iat, exp) = self.command_life();
            let command = self.command(&Deposit {
                aud,
                subject,
                device: *device,
                number_commitment: number_commitment.into(),
                fields,
                iat,
                exp,
                jti: Nonce::random(&*self.parts.rng),
            })?;
            self.key_holder(aud)
                .post_no_content("/v1/deposits", &command)
                .await?;
        }
        Ok(())
    }

    /// Tells both key holders how an enrolment ended. Each is told, whatever the other says.
    pub(crate) async fn settle(&self, subject: SubjectId, outcome: Outcome) -> Result<(), EnrolmentError> {
        let (custodian, vault) = tokio::join!(
            self.settle_with(KeyHolder::Custodian, subject, outcome),
            self.settle_with(KeyHolder::Vault, subject, outcome),
        );
        custodian.and(vault)
    }

    async fn settle_with(
        &self,
        aud: KeyHolder,
        subject: SubjectId,
        outcome: Outcome,
    ) -> Result<(), EnrolmentError> {
        let (iat, exp) = self.command_life();
        let command = self.command(&Settlement {
            aud,
            subject,
            outcome,
            iat,
            exp,
            jti: Nonce::random(&*self.parts.rng),
        })?;
        let settled: Result<(), ClientError> = self
            .key_holder(aud)
            .post_no_content("/v1/settlements", &command)
            .await;
        Ok(settled?)
    }

    fn key_holder(&self, which: KeyHolder) -> &Client {
        match which {
            KeyHolder::Vault => &self.parts.vault,
            KeyHolder::Custodian => &self.parts.custodian,
        }
    }

    fn command_life(&self) -> (UnixTime, UnixTime) {
        let now = self.now();
        (now, now.plus(MAX_LIFE))
    }

    fn command(&self, command: &impl Message) -> Result<CommandBody, KeyFailure> {
        let message = command.sign(&*self.parts.enrolment_key.current())?;
        Ok(CommandBody { message })
    }
}

fn value(field: Field, document: &CheckedDocument, birth_date: time::Date) -> Personal {
    match field {
        Field::Name => document.name.clone(),
        Field::DocumentType => Personal::new(document.kind.as_str().to_owned()),
        Field::DocumentNumber => Personal::new(document.number.expose().to_owned()),
        Field::BirthDate => Personal::new(calendar::write(birth_date)),
        Field::ValidUntil => document.valid_until.clone(),
    }
}

fn deposited(field: Field, ciphertext: Option<String>, share: &[u8]) -> DepositedField {
    DepositedField {
        field,
        ciphertext,
        share: base64url::encode(share),
    }
}
